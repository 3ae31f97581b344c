"""`./predict --explain carte.png image.png` : la prédiction, et ce qu'elle regarde.

Réunit les méthodes des exercices 07 à 10 sous un nom chacune. Celles qui dérivent le réseau
chargent Keras ; les autres se contentent du moteur léger de `./predict`.
"""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convnets.core.cli import printable
from convnets.explaining.maps import Subject, load_network, save_explanation
from convnets.explaining.methods import EXPLANATIONS, OWN_NETWORK
from convnets.serving.classifier import Classifier, Result

FORMATS = (".png", ".jpg", ".jpeg", ".webp", ".pdf", ".svg")


class _LightModel:
    """Ce que les méthodes sans dérivée attendent d'un modèle : sa méthode `predict`."""

    def __init__(self, classifier: Classifier):
        self.classifier = classifier

    def predict(self, images: np.ndarray, *, batch_size: int = 256, verbose: int = 0):
        """Rend les probabilités float32 `(n, classes)` d'images uint8 `(n, H, W, 3)`."""
        starts = range(0, len(images), batch_size)
        parts = [self.classifier.predict(images[i : i + batch_size]) for i in starts]
        return np.concatenate(parts)


class Method(NamedTuple):
    """Une méthode d'explication."""

    title: str  # en français, pour la figure
    function: Callable  # (model, image, class_index) -> (H, W) float32 dans [0, 1]


def load_method(name: str) -> Method:
    """Importe une méthode d'après son nom, un de `methods.EXPLANATIONS`, ou `cam`."""
    entry = (EXPLANATIONS | OWN_NETWORK)[name]
    module, _, function = entry.source.partition(":")
    return Method(entry.title, getattr(importlib.import_module(module), function))


def check_output(output: Path) -> None:
    """Vérifie, avant tout calcul, que la figure pourra être écrite.

    Raises:
        ValueError: format inconnu.
        FileNotFoundError: dossier absent.
    """
    if output.suffix.lower() not in FORMATS:
        raise ValueError(
            f"{printable(str(output))} : une figure se termine par {', '.join(FORMATS)}."
        )
    if not output.parent.is_dir():
        raise FileNotFoundError(
            f"{printable(str(output.parent))} : dossier absent, où écrire la figure."
        )


def explain(result: Result, output: Path, *, name: str) -> None:
    """Dessine ce qui a décidé d'une prédiction.

    Args:
        result: ce que `Classifier.classify` a rendu, par un modèle à images en couleurs ; c'est sa
            classe qui est expliquée. Quand il vient de plusieurs vues d'une grande image, la carte
            est celle de la première.
        output: figure à écrire.
        name: méthode, une de `methods.EXPLANATIONS`.

    Raises:
        ValueError, OSError: image ou modèle qui ne convient pas, figure impossible à écrire.
    """
    classifier = result.classifier
    if len(classifier.input_shape) != 3:
        raise ValueError(
            f"{printable(classifier.slug)} ne s'explique pas : il faut un modèle à images en "
            "couleurs."
        )
    image, index = classifier.prepare(result.path), result.best
    if EXPLANATIONS[name].derives:
        model = load_network(classifier.slug, models_dir=classifier.models_dir)
    else:
        model = _LightModel(classifier)
    probability = result.probabilities[index]
    subject = Subject(model, image, index, classifier.classes[index], probability)
    method = load_method(name)
    heatmap = method.function(model, image, index)
    save_explanation(subject, heatmap, output, method=method.title)
