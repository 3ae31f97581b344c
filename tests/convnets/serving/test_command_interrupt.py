"""Ctrl-C pendant que `./predict` démarre : il s'arrête, sans un mot en anglais."""

import random
import shutil
import signal
import subprocess
import sys
import time
import venv

import pytest

INTERRUPT = "import os, signal; os.kill(os.getpid(), signal.SIGINT)\n"


def start(program, *arguments, **more):
    return subprocess.Popen(
        [program, *arguments],
        **more,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Lancé en arrière-plan (`pytest &`), on hérite d'un Ctrl-C ignoré.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.fixture
def copy(repo, tmp_path):
    """Un dossier où `predict` est seul : `(dossier, predict)`."""
    return tmp_path, shutil.copy(repo / "predict", tmp_path)


@pytest.fixture
def environment(copy):
    """De même, avec un environnement virtuel vide : `(dossier de ses paquets, predict)`."""
    folder, program = copy
    venv.create(folder / ".venv", symlinks=True)
    (packages,) = (folder / ".venv").glob("lib/python*/site-packages")
    return packages, program


@pytest.mark.ci
def test_while_site_is_imported(environment):
    packages, program = environment
    # Un .pth, que `site` exécute : sous Debian, Python a déjà son propre sitecustomize.
    (packages / "interrompt.pth").write_text(INTERRUPT)
    process = start(program, "image.png")
    assert process.communicate() == (b"", b"") and process.returncode == -signal.SIGINT


@pytest.mark.ci
def test_a_python_that_is_too_old_is_said(copy):
    """Un vrai Python, qui se dit de la version 3.10."""
    folder, program = copy
    (folder / ".venv" / "bin").mkdir(parents=True)
    python = folder / ".venv" / "bin" / "python"
    older = "import sys; sys.version_info = (3, 10, 4); exec(sys.argv.pop(1))"
    python.write_text(f'#!/bin/sh\nshift 3\nexec {sys.executable} -I -S -c "{older}" "$@"\n')
    python.chmod(0o755)
    out, error = start(program, "image.png").communicate()
    assert (
        out == b"" and "Python 3.11 ou plus est nécessaire ; celui-ci est 3.10." in error.decode()
    )
    assert error.count(b"\n") == 1


@pytest.mark.ci
def test_an_environment_whose_python_has_gone_is_said(copy):
    folder, program = copy
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to("/nulle/part/python3")
    process = start(program, "image.png")
    assert "ne démarre pas ; effacez .venv" in process.communicate()[1].decode()
    assert process.returncode == 127


@pytest.mark.ci
def test_without_python_it_is_said(copy, monkeypatch):
    _, program = copy
    monkeypatch.setenv("PATH", "/nulle/part")
    process = start(program, "image.png")
    out, error = process.communicate()
    assert (out, error.decode()) == (b"", "predict : Python manque ; voir le README.\n")
    assert process.returncode == 1


@pytest.mark.ci
def test_a_copy_without_its_repository_is_said(environment):
    process = start(environment[1], "image.png")
    out, error = process.communicate()
    assert out == b"" and "a été copié hors de son dépôt" in error.decode()
    assert process.returncode == 1 and b"Traceback" not in error


@pytest.mark.ci
def test_an_ignored_interrupt_stays_ignored(repo, predict_env):
    """Après `nohup`, ou en arrière-plan : Ctrl-C s'adresse à un autre."""
    process = subprocess.Popen(
        [repo / "predict", "-"],
        env=predict_env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    process.send_signal(signal.SIGINT)
    content = (repo / "samples" / "avion.png").read_bytes()
    out, _ = process.communicate(content)
    assert out.decode() == "Prédiction: Avion\n"


@pytest.mark.slow
def test_at_any_time(repo, predict_env):
    rng = random.Random(0)
    for _ in range(60):
        process = start(repo / "predict", repo / "samples" / "avion.png", env=predict_env)
        time.sleep(rng.uniform(0, 0.3))
        process.send_signal(signal.SIGINT)
        out, error = process.communicate()
        assert error == b"" and out in (b"", "Prédiction: Avion\n".encode())
