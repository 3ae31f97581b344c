"""Un processus à part : ce qu'il répond, ce qui l'arrête, et ce qu'il ne laisse pas."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from convnets.serving import apart

pytestmark = pytest.mark.ci
ANSWERS = "tests.convnets.serving.apart_answers"
LIMITS = apart.Limits(memory_bytes=2**29, seconds=30)


def test_it_answers_and_runs_nothing_of_the_current_folder(tmp_path, monkeypatch):
    for name in ("json.py", "sitecustomize.py", "random.py"):
        (tmp_path / name).write_text("raise SystemExit('exécuté')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    content = b"a\nb" * 100_000
    fields, rest = apart.run(ANSWERS, ["echo"], limits=LIMITS, content=content)
    assert (fields["size"], rest) == (len(content), content[::-1])
    assert str(tmp_path) not in fields["path"] and "" not in fields["path"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["stop"], "le moteur s'est arrêté en le lisant"),
        (["fail", "key"], r"d'une sorte que ./predict ne lit pas \(KeyError\)"),
        (["fail", "missing"], "le paquet rien manque : .*pip install .*rien"),
        (["fill"], "le lire demande trop de mémoire"),
    ],
)
def test_what_stops_it_is_one_sentence(arguments, said):
    with pytest.raises(apart.RefusedError, match=said) as error:
        apart.run(ANSWERS, arguments, limits=LIMITS)
    assert "English" not in str(error.value)


def told(path: Path) -> tuple[int, Path]:
    """Attend que le processus ait dit son numéro et son fichier provisoire."""
    deadline = time.monotonic() + 60
    while not (path.exists() and " " in path.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    number, name = path.read_text().split(" ")
    return int(number), Path(name)


def test_too_long_is_said_and_leaves_nothing(tmp_path):
    with pytest.raises(apart.RefusedError, match="plus de 5 secondes"):
        apart.run(ANSWERS, ["wait", str(tmp_path / "dit")], limits=LIMITS._replace(seconds=5))
    _, temporary = told(tmp_path / "dit")
    assert not temporary.parent.exists()


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT])
def test_killing_who_waits_stops_it_and_leaves_nothing(tmp_path, repo, kind):
    code = (
        "import sys; from convnets.serving import apart;"
        f"apart.run({ANSWERS!r}, ['wait', sys.argv[1]], limits=apart.Limits(2**29, 50))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "dit"],
        cwd=repo,
        stderr=subprocess.DEVNULL,
        # Lancé en arrière-plan (`pytest &`), on hérite d'un Ctrl-C ignoré.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    number, temporary = told(tmp_path / "dit")
    process.send_signal(kind)
    process.wait(20)
    deadline = time.monotonic() + 20
    while os.path.exists(f"/proc/{number}") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{number}") and not temporary.parent.exists()


def test_a_missing_keras_is_said_as_the_package_that_brings_it():
    sentence = apart._sentence(ModuleNotFoundError("No module named 'keras'", name="keras"))
    assert sentence.startswith("le paquet tensorflow manque : ")
    assert sentence.endswith(" tensorflow")
