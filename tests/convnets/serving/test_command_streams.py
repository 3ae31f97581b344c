"""Les entrées et les sorties de `./predict` : fermées, pleines, lentes, ou un dossier."""

import os
import select
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from convnets.serving import command, router
from convnets.serving.classifier import DEFAULT_MODEL, PHOTO_MODEL

PHOTO = "samples/avion.png"
LIMIT_S = 60
pytestmark = pytest.mark.ci


@pytest.fixture
def start(repo, predict_env):
    """Lance `./predict` sans l'attendre ; l'arrête à la fin du test."""
    running = []

    def run(*arguments, **streams):
        process = subprocess.Popen(["./predict", *arguments], cwd=repo, env=predict_env, **streams)
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def shell(repo, predict_env):
    """Lance `./predict` par un shell : `(code, sortie, erreurs)`."""

    def run(line, cwd=repo):
        result = subprocess.run(
            line.replace("./predict", f"'{repo}/predict'"),
            shell=True,
            cwd=cwd,
            env=predict_env,
            capture_output=True,
            timeout=LIMIT_S,
        )
        return result.returncode, result.stdout.decode(), result.stderr.decode()

    return run


@pytest.fixture
def slow(tmp_path):
    """Une image qui n'arrive pas : un tube où personne n'écrit."""
    os.mkfifo(tmp_path / "tube")
    return str(tmp_path / "tube")


# --- Une ligne par image, aussitôt ----------------------------------------------------


def test_a_line_goes_into_a_pipe_at_once(start, slow):
    process = start(PHOTO, slow, stdout=subprocess.PIPE)
    assert select.select([process.stdout], [], [], LIMIT_S)[0], "rien n'est écrit"
    assert process.stdout.readline().decode() == f"{PHOTO}: Prédiction: Avion\n"
    Path(slow).write_bytes(Path("samples/chat.png").read_bytes())
    assert process.stdout.readline().decode() == f"{slow}: Prédiction: Chat\n"
    assert process.wait(LIMIT_S) == 0


def test_it_stops_when_nobody_reads(start, slow):
    read, write = os.pipe()
    os.close(read)
    process = start(PHOTO, slow, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    _, error = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, error) == (141, b"")


# --- Des flux fermés ou pleins --------------------------------------------------------


@pytest.mark.parametrize("argument", ["--help", PHOTO, f"--json {PHOTO} absente.png"])
@pytest.mark.parametrize(
    ("redirection", "message"),
    [(">/dev/full", "plus de place sur le disque"), (">&-", "la sortie standard est fermée")],
)
def test_an_answer_that_goes_nowhere_is_an_error(shell, argument, redirection, message):
    code, _, error = shell(f"./predict {argument} {redirection}")
    assert code == 1 and error.startswith(f"predict : {message}") and error.count("\n") == 1


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_other_closed_streams_change_nothing(shell, closed):
    assert shell(f"./predict {PHOTO} {closed}") == (0, "Prédiction: Avion\n", "")


# --- Un dossier pour entrée standard --------------------------------------------------


@pytest.mark.parametrize("closed", ["< .", "<&-"])
def test_a_folder_or_nothing_as_standard_input(shell, repo, tmp_path, closed):
    photo = f"'{repo}/{PHOTO}'"
    assert shell(f"./predict {photo} {closed}", cwd=tmp_path) == (0, "Prédiction: Avion\n", "")
    code, out, error = shell(f"./predict - {closed}", cwd=tmp_path)
    assert (code, out) == (1, "") and error.count("\n") == 1
    assert error.startswith("predict : l'entrée standard est fermée, ou c'est un dossier")
    code, out, error = shell(f"./predict {photo} - {closed}", cwd=tmp_path)
    assert code == 1 and out.endswith("Prédiction: Avion\n") and error.count("\n") == 1


# --- Ce qui est dit d'avance ----------------------------------------------------------


@pytest.mark.parametrize("name", ["dossier.png", "x" * 300 + ".png", "lien.png"])
def test_a_figure_that_cannot_be_written_is_found_before_the_engine(
    repo, tmp_path, monkeypatch, capfd, name
):
    (tmp_path / "dossier.png").mkdir()
    (tmp_path / "lien.png").symlink_to(tmp_path / "absent" / "carte.png")
    monkeypatch.setattr(router, "load", lambda *_, **__: pytest.fail("le moteur est chargé"))
    assert command.main(["--explain", str(tmp_path / name), str(repo / PHOTO)]) == 1
    out, error = capfd.readouterr()
    assert out == "" and error.count("\n") == 1 and name in error


@pytest.fixture
def folder(tmp_path, repo):
    """Rend une fonction qui range des copies d'une photo, d'un côté donné, dans un dossier."""

    def make(*sides_px):
        with Image.open(repo / PHOTO) as image:
            for number, side in enumerate(sides_px):
                image.convert("RGB").resize((side, side)).save(tmp_path / f"{number}.png")
        return str(tmp_path)

    return make


def test_many_photos_are_slow_and_it_is_said_once(folder, monkeypatch, capfd):
    monkeypatch.setattr(command, "MANY", 2)
    assert command.main([folder(63, 64, 90, 64)]) == 0
    out, error = capfd.readouterr()
    assert out.count("\n") == 4
    (told,) = [line for line in error.splitlines() if line.startswith("predict : ")]
    assert PHOTO_MODEL in told and f"--model {DEFAULT_MODEL}" in told


# --- Des noms qui débordent d'une ligne -----------------------------------------------


@pytest.mark.parametrize("arguments", [["--a\nb", "x.png"], ["--top", "a\nb", "x.png"]])
def test_a_wrong_option_is_told_on_one_line(arguments, capfd):
    assert command.main(arguments) == 2
    out, error = capfd.readouterr()
    assert out == "" and "a\\nb" in error and "a\nb" not in error
