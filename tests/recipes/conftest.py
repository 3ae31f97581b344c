"""Les recettes en miniature : de petits réseaux, un extrait de chaque jeu, une époque."""

from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from convnets.core import paths, reports
from convnets.datasets import sources
from convnets.training import export, precision
from recipes import digits, garments, thumbnails
from recipes.training import runner, views

RECIPES = {"garments": garments, "thumbnails": thumbnails, "digits": digits}
EXTRACTS = Path(__file__).resolve().parents[1] / "extracts"
LOADERS = {"cifar10": "load_cifar10", "fashion_mnist": "load_fashion_mnist", "mnist": "load_mnist"}


def make_small(patch, folder):
    """Réseaux et jeux minuscules, sans export ni figures ; rien hors de `folder`."""
    patch.setenv("KERAS_HOME", str(folder / "keras"))
    for name, loader in LOADERS.items():
        patch.setattr(sources, loader, lambda name=name: small_dataset(name))
    small = thumbnails.SIZES["light"]._replace(widths=(8, 12, 16))
    patch.setitem(thumbnails.SIZES, "light", small)
    patch.setattr(thumbnails, "ARRIVALS", (0.0, 1.0))
    patch.setattr(garments, "TEACHER_WIDTHS", (8, 12, 16))
    patch.setattr(garments, "FILTERS", (8, 8, 8))
    patch.setattr(digits, "TEACHER_WIDTHS", (8, 12, 16))
    patch.setattr(precision, "_fastest", lambda: "float32")
    patch.setattr(views, "evaluate_thumbnails", one_view)
    patch.setattr(views, "evaluate_digits", one_view)
    patch.setattr(export, "choose_export", lambda *_: (b"essai", "float32"))
    patch.setattr(export, "export_accuracy", lambda *_: 0.0)
    patch.setattr(runner, "save_training_figures", lambda *_: None)
    patch.setattr(runner, "save_mistakes", lambda *_: None)
    tf.config.run_functions_eagerly(True)  # moins long que de construire des graphes


def one_view(model, x, y):
    """`views.evaluate_thumbnails` et `evaluate_digits`, en une vue au lieu de six ou sept."""
    found = views.evaluate_one_pass(model, x, y)
    error = 1 - found["accuracy"]
    return found | {"accuracy_tta": found["accuracy"], "error": error, "error_tta": error}


def small_dataset(name):
    """Cent vingt images pour apprendre, cinquante pour mesurer."""
    with np.load(EXTRACTS / f"{name}_test.npz") as file:
        x, y = file["x"], file["y"]
    return (x[:120], y[:120]), (x[120:170], y[120:170])


def run_recipe(name, folder, *more, code=0):
    """Lance une recette ; rend son compte rendu, ses poids et les noms de ses étapes."""
    recipe = RECIPES[name]
    arguments = ["--epochs", "1", "--seeds", "1", "--batch-size", "50"]
    arguments += ["--precision", "float32", "--models-dir", str(folder)]
    assert recipe.main([*arguments, "--output", str(folder / "f"), *more]) == code
    runs = paths.runs_dir(recipe.SLUG, models_dir=folder)
    found = SimpleNamespace(runs=runs, points={path.name for path in runs.glob("*.npz")})
    if not code:
        found.report = reports.read_report(recipe.SLUG, models_dir=folder)
        path = folder / f"{recipe.SLUG}.keras"
        found.weights = keras.saving.load_model(path, compile=False).get_weights()
        found.stages = [each["stage"] for each in found.report.details["stages"]]
    return found


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Les recettes en miniature ; rend `run_recipe`, dans le dossier `m`."""
    make_small(monkeypatch, tmp_path)
    yield lambda name, *more, **options: run_recipe(name, tmp_path / "m", *more, **options)
    tf.config.run_functions_eagerly(False)
