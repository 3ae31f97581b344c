"""Ce qu'une commande refuse d'emblée, avant de lire des données ou d'apprendre."""

import importlib

import keras
import pytest

from convnets.datasets import sources
from exercises import EXERCISES

PARTS = tuple(f"ex18_segmentation.{part}" for part in ("instances", "streets"))
SYSTEMS = [each.slug for each in EXERCISES if each.slug >= "ex15"]
PICTURES = (
    "ex16_bag_of_words",
    "ex17_detection",
    "ex18_segmentation",
    "ex19_vision_transformer",
    "ex27_video",
)


@pytest.fixture
def main(monkeypatch):
    """main(commande, arguments) : son code ; toute lecture et tout apprentissage y échouent."""
    for module, name in (
        (sources, "load_cifar10"),
        (sources, "load_fashion_mnist"),
        (sources, "load_mnist"),
        (keras.Model, "fit"),
    ):
        monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail("trop tard"))

    def run(command, arguments):
        name = command if "." in command else f"{command}.__main__"
        return importlib.import_module(f"exercises.{name}").main(arguments)

    return run


@pytest.mark.parametrize("command", [*SYSTEMS, *PARTS])
def test_an_output_that_is_a_file_is_refused_first(main, command, tmp_path, capsys):
    path = tmp_path / "pris"
    path.touch()
    assert main(command, ["--output", str(path)]) == 1
    assert "pris n'est pas un dossier" in capsys.readouterr().err


@pytest.mark.parametrize("command", [*PICTURES, *PARTS])
def test_an_empty_name_is_a_missing_picture(main, command, capsys):
    """« exercice "$image" », la variable vide : l'entraînement ne doit pas commencer."""
    assert main(command, [""]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Erreur : ") and error.count("\n") == 1
