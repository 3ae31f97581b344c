"""Le démarrage d'une commande : Ctrl-C à tout instant, et TensorFlow importé sans bruit."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from convnets.core import files, startup

ROOT = Path(startup.__file__).parents[2]
SENTENCE = f"{startup.INTERRUPTED}\n"
TENSORFLOW = """
import contextlib, os
with contextlib.suppress(OSError):
    os.write(2, b"I0000 port.cc:153] oneDNN custom operations are on.\\n")
"""


@pytest.fixture
def command(tmp_path):
    """command("print(1)") -> le processus de `python -m faux.essai`, un module fait de ce texte."""
    package = tmp_path / "faux"
    package.mkdir()
    started = []

    def start(source, *, tensorflow=TENSORFLOW, launch=("-m", "faux.essai"), prepare="", **options):
        (package / "__init__.py").write_text(
            f"from convnets.core import startup\nstartup.prepare({prepare})\n"
        )
        (package / "essai.py").write_text(source)
        (tmp_path / "tensorflow.py").write_text(tensorflow)
        process = subprocess.Popen(
            [sys.executable, *launch],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
                "PYTHONUNBUFFERED": "",  # ce que dit une commande attend dans sa mémoire
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Un lanceur de tests en tâche de fond ignore Ctrl-C, et ses enfants avec lui.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            **options,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def interrupt(process) -> tuple[int, str, str]:
    assert process.stdout.readline() == "prêt\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


WAIT = """import os, time
print("dit", end="")
os.write(1, "prêt\\n".encode())
time.sleep(60)
"""


@pytest.mark.ci
def test_ctrl_c_during_an_import_is_one_sentence(command):
    assert interrupt(command("import tensorflow", tensorflow=WAIT)) == (130, "dit", SENTENCE)


@pytest.mark.ci
def test_ctrl_c_is_heard_where_an_exception_would_be_changed(command):
    """Du code qui rattrape tout, comme celui de TensorFlow pendant un pas."""
    source = (
        "from convnets.core.cli import run\n"
        "def body():\n"
        "    try:\n"
        + "".join(f"        {line}\n" for line in WAIT.splitlines())
        + "    except BaseException as error:\n"
        "        raise RuntimeError('in user code') from error\n"
        "raise SystemExit(run(body))\n"
    )
    assert interrupt(command(source)) == (130, "dit", SENTENCE)


@pytest.mark.ci
def test_a_command_that_cleans_up_does_it(command, tmp_path):
    """Pendant un import, Ctrl-C est une phrase ; ensuite, ce qui est provisoire est effacé."""
    assert interrupt(command("import tensorflow", tensorflow=WAIT, prepare="cleans_up=True")) == (
        130,
        "dit",
        SENTENCE,
    )
    source = (
        "import tempfile\nfrom convnets.core.cli import run\n"
        f"def body():\n    with tempfile.TemporaryDirectory(dir={str(tmp_path)!r}, prefix='p-'):\n"
        + "".join(f"        {line}\n" for line in WAIT.splitlines())
        + "raise SystemExit(run(body))\n"
    )
    found = interrupt(command(source, prepare="cleans_up=True"))
    assert found == (130, "dit", f"\n{SENTENCE}") and not [*tmp_path.glob("p-*")]


@pytest.mark.parametrize("package", ["benchmarks", "cluster", "exercises", "grading", "recipes"])
def test_each_package_of_commands_is_prepared(package):
    """Ctrl-C pendant les imports de `benchmarks` et de `cluster` montrait une trace."""
    source = (ROOT / package / "__init__.py").read_text(encoding="utf-8")
    assert re.search(r"^(startup\.)?prepare\(", source, re.M)  # un appel, et non un commentaire


@pytest.mark.ci
def test_ctrl_c_waits_for_what_must_be_finished(command):
    source = (
        "import time\nfrom convnets.core.files import hold_interrupts\n"
        "with hold_interrupts():\n"
        "    print('prêt', flush=True)\n    time.sleep(0.3)\n    print('fini', flush=True)\n"
        "time.sleep(60)\n"
    )
    assert interrupt(command(source)) == (130, "fini\n", SENTENCE)


@pytest.mark.ci
@pytest.mark.parametrize("chosen", [None, "0"])
def test_tensorflow_trains_with_onednn_unless_told_otherwise(command, chosen, monkeypatch):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if chosen:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", chosen)
    process = command("import os\nprint(os.environ['TF_ENABLE_ONEDNN_OPTS'])\n")
    assert process.communicate(timeout=30) == (f"{chosen or 1}\n", "")


@pytest.mark.ci
def test_a_missing_keras_says_how_to_get_it(command):
    process = command("import keras", launch=("-S", "-m", "faux.essai"))
    error = process.communicate(timeout=30)[1]
    assert error.startswith("Le paquet keras manque à ce Python (") and error.count("\n") == 1


@pytest.mark.ci
def test_a_folder_without_a_command_is_one_sentence(command):
    error = command("", launch=("-m", "faux", "--help")).communicate(timeout=30)[1]
    assert error.startswith("faux n'est pas une commande. ") and error.count("\n") == 1


def test_a_wrong_python_is_one_sentence(monkeypatch):
    monkeypatch.setattr(startup, "PYTHONS", ((3, 1), (3, 2)))
    with pytest.raises(SystemExit, match=r"^Il faut Python 3\.1 à 3\.2 ; vous avez 3\.\d+\. "):
        startup._check_python()


@pytest.mark.ci
def test_help_comes_without_tensorflow(command):
    """La classe hérite de TensorFlow, qui n'est pas importé : l'aide n'attend rien."""
    source = "import tensorflow as tf\nclass Layer(tf.keras.Layer): pass\nprint(tf.ones(3) / 2 | 1)"
    process = command(source, tensorflow="raise SystemExit(3)", launch=("-m", "faux.essai", "-h"))
    assert process.wait(timeout=30) == 0


@pytest.mark.ci
@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--minute", "x"], 2, "nombre entier d'au moins 1 attendu, reçu 'x'"),
        (["--couleur"], 2, "option inconnue : --couleur"),
        (["--epochs", "1"], 3, ""),  # TensorFlow est demandé, une fois les options lues
    ],
)
def test_options_are_read_before_tensorflow(run_module, tmp_path, options, code, said):
    (tmp_path / "tensorflow.py").write_text("raise SystemExit(3)")
    done = run_module("exercises.ex03_cifar10", *options, env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == code and said in done.stderr


@pytest.mark.ci
@pytest.mark.parametrize("redirection", ["2>&-", "<&-", ""])
def test_tensorflow_is_imported_in_silence(command, redirection):
    source = "import tensorflow, sys\nprint('ici')\nprint('là', file=sys.stderr)\n"
    source += "import os\nos.write(1, b'fin\\n')\n"
    launch = (
        "-c",
        f"import os; os.execl('/bin/sh', 'sh', '-c', '{sys.executable} -m faux.essai "
        f"{redirection}')",
    )
    process = command(source, launch=launch)
    out, err = process.communicate(timeout=30)
    closed = redirection == "2>&-"  # print(file=None) écrit alors sur la sortie
    assert sorted(out.split()) == ["fin", "ici", "là"][: 3 if closed else 2]
    assert err == ("" if closed else "là\n") and process.returncode == 0


def test_quiet_stderr_gives_back_what_it_held_when_it_fails(capfd):
    with files.quiet_stderr():
        os.write(2, b"bavardage\n")
        with files.quiet_stderr():
            os.write(2, b"encore\n")
        os.write(2, b"toujours\n")
    os.write(2, b"rendu\n")
    assert capfd.readouterr().err == "rendu\n"
    with pytest.raises(ValueError), files.quiet_stderr():
        os.write(2, b"la raison\n")
        raise ValueError
    assert capfd.readouterr().err == "la raison\n"


def test_a_recipe_runs_without_tensorflow(monkeypatch):
    """Sous JAX, Keras cherche TensorFlow sans en avoir besoin : son absence n'arrête rien."""
    monkeypatch.setattr(startup.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    finder = startup.QuietTensorFlow()
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    assert finder.find_spec("tensorflow") is None
