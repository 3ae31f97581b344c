"""Les recettes en miniature : de petits réseaux, un extrait de chaque jeu, une époque."""

import contextlib
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from convnets.core import paths, reports
from convnets.datasets import sources
from convnets.training import export, study
from recipes import cifar10, cifar10_light, command, fashion, mnist

RECIPES = {"fashion": fashion, "cifar10": cifar10, "cifar10_light": cifar10_light, "mnist": mnist}
LOADERS = {"cifar10": "load_cifar10", "fashion_mnist": "load_fashion_mnist", "mnist": "load_mnist"}


def make_small(patch, folder, as_dataset):
    """Remplace les jeux par des extraits et les réseaux par des petits ; rien hors de `folder`."""
    patch.setenv("KERAS_HOME", str(folder / "keras"))
    for name, loader in LOADERS.items():
        patch.setattr(sources, loader, lambda name=name: as_dataset(name))
    patch.setattr(cifar10, "WIDTHS", (8, 12, 16))
    patch.setattr(cifar10_light, "WIDTHS", (8, 12, 16))
    patch.setattr(cifar10, "ROUNDS", 1)
    patch.setattr(cifar10, "ARRIVALS", (0.0, 1.0))
    patch.setattr(fashion, "TEACHER_WIDTHS", (8, 12, 16))
    patch.setattr(fashion, "FILTERS", (8, 8, 8))


def skip_what_surrounds_training(patch):
    """Sans export ni figures : ce n'est pas ce qui est vérifié."""
    patch.setattr(export, "choose_export", lambda *_: (b"essai", "float32"))
    patch.setattr(export, "export_accuracy", lambda *_: 0.0)
    patch.setattr(command, "save_training_figures", lambda *_: None)
    patch.setattr(command, "save_mistakes", lambda *_: None)


@pytest.fixture
def small(monkeypatch, tmp_path, as_dataset):
    """Les recettes en miniature, sans graphe, sans export et sans figures."""
    make_small(monkeypatch, tmp_path, as_dataset)
    skip_what_surrounds_training(monkeypatch)
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def run_recipe(tmp_path):
    """Lance une recette ; rend son compte rendu, son modèle et les noms de ses étapes."""

    def run(name, *more, folder=tmp_path / "m", code=0):
        recipe = RECIPES[name]
        arguments = ["--epochs", "1", "--seeds", "1", "--batch-size", "90"]
        arguments += ["--precision", "float32", "--models-dir", str(folder)]
        arguments += ["--output", str(folder / "f"), "--force", *more]
        assert recipe.main(arguments) == code
        points = paths.runs_dir(recipe.SLUG, models_dir=folder).glob("*.npz")
        found = SimpleNamespace(points={path.name for path in points})
        if not code:
            found.report = reports.read_report(recipe.SLUG, models_dir=folder)
            path = folder / f"{recipe.SLUG}.keras"
            found.weights = keras.saving.load_model(path, compile=False).get_weights()
            found.stages = [each["stage"] for each in found.report.details["stages"]]
        return found

    return run


@pytest.fixture
def cut():
    """cut(nom) : un bloc où Ctrl-C vient au début de l'étape de ce nom."""

    @contextlib.contextmanager
    def at(name):
        def ctrl_c(self, epoch, logs=None):
            if self.path.name.startswith(name):
                raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(study.Checkpoint, "on_epoch_begin", ctrl_c)
            yield

    return at


@pytest.fixture
def same():
    """same(poids, poids, écart permis) : dit si deux réseaux ont les mêmes poids."""

    def compare(first, second, tolerance=0.0):
        pairs = zip(first, second, strict=True)
        return all(np.abs(a - b).max() <= tolerance for a, b in pairs)

    return compare
