"""Tient lieu de deux paquets du même nom : des fonctions, ou une classe `MNIST`."""

from .. import trial
from ..absent import Nothing
from ..absent import attribute as __getattr__  # noqa: F401


def train_images():
    """Rend les images à apprendre."""
    return trial.data["x_train"]


def train_labels():
    """Rend leurs étiquettes."""
    return trial.data["y_train"]


def test_images():
    """Rend les images de test."""
    return trial.data["x_test"]


def test_labels():
    """Rend leurs étiquettes."""
    return trial.data["y_test"]


class MNIST(Nothing):
    """La classe de python-mnist : des images en ligne, puis leurs étiquettes."""

    def load_training(self, *_):
        """Rend ce qui s'apprend."""
        return train_images().reshape(-1, 784), train_labels()

    def load_testing(self, *_):
        """Rend le test."""
        return test_images().reshape(-1, 784), test_labels()
