"""`./predict --explain carte.png image.png` : la prédiction, et ce qu'elle regarde.

Réunit les méthodes des exercices 07 à 10 sous un nom chacune. Celles qui dérivent le réseau
chargent Keras ; les autres se contentent du moteur léger de `./predict`.
"""

import importlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convnets.core.cli import printable
from convnets.explaining.maps import LightModel, Subject, load_network, normalise
from convnets.explaining.methods import EXPLANATIONS, OWN_NETWORK, RELATIVE, SCORE
from convnets.explaining.verdict import judge, save_explanation
from convnets.serving.batches import Result

FORMATS = (".png", ".jpg", ".jpeg", ".webp", ".pdf", ".svg")


class Method(NamedTuple):
    """Une méthode d'explication."""

    title: str  # en français, pour la figure
    measure: Callable  # (model, image, class_index) -> (H, W) réels, dans `unit`
    unit: str = RELATIVE

    def heatmap(self, model, image: np.ndarray, class_index: int) -> np.ndarray:
        """Rend la carte, `(H, W)` float32 dans [0, 1]."""
        return normalise(self.measure(model, image, class_index))


def load_method(name: str) -> Method:
    """Importe une méthode d'après son nom, un de `methods.EXPLANATIONS`, ou `cam`."""
    entry = (EXPLANATIONS | OWN_NETWORK)[name]
    module, _, function = entry.source.partition(":")
    return Method(entry.title, getattr(importlib.import_module(module), function), entry.unit)


def check_output(output: Path, picture: str) -> None:
    """Vérifie, avant tout calcul, que la figure pourra être écrite, et ailleurs que sur l'image.

    Raises:
        ValueError: format inconnu ; ou la figure remplacerait l'image.
        FileNotFoundError: dossier absent.
        OSError: fichier ou dossier où l'on ne peut pas écrire.
    """
    if output.suffix.lower() not in FORMATS:
        raise ValueError(
            f"{printable(str(output))} : une figure se termine par {', '.join(FORMATS)}."
        )
    if not output.parent.is_dir():
        raise FileNotFoundError(
            f"{printable(str(output.parent))} : dossier absent, où écrire la figure."
        )
    if output.exists() and os.path.exists(picture) and os.path.samefile(output, picture):
        raise ValueError(
            f"{printable(str(output))} est l'image elle-même : la figure la remplacerait. Donnez "
            "un autre nom à la figure."
        )
    is_new = not output.exists()
    with open(output, "ab"):  # le système sait mieux que nous ce qui l'empêcherait
        pass
    if is_new:
        output.resolve().unlink()  # ce que désignait un lien, et non le lien


def _ignore_user_settings() -> None:
    """Choisit le moteur de Keras et le style de matplotlib, quels que soient ceux du système."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.pop("MPLBACKEND", None)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # il avertit en anglais
    import matplotlib

    matplotlib.rcdefaults()


def explain(result: Result, output: Path, *, name: str) -> None:
    """Dessine ce qui a décidé d'une prédiction.

    Args:
        result: ce que `Classifier.classify` a rendu ; c'est sa classe qui est expliquée. Quand il
            vient de plusieurs vues d'une grande image, la carte est celle de la première.
        output: figure à écrire.
        name: méthode, une de `methods.EXPLANATIONS`.

    Raises:
        ValueError, OSError: image ou modèle qui ne convient pas, figure impossible à écrire.
    """
    _ignore_user_settings()
    classifier, entry = result.classifier, EXPLANATIONS[name]
    class_fr, probability = result.answer.classes[result.best], result.probabilities[result.best]
    index = classifier.classes.index(class_fr)
    image, light, method = (
        classifier.prepare(result.path),
        LightModel(classifier),
        load_method(name),
    )
    if entry.derives:
        if image.ndim == 2 or classifier.card.own:
            raise ValueError(
                f"{name} dérive un réseau du cours, à images en couleurs ; pour "
                f"{printable(classifier.slug)}, prenez occlusion ou lime."
            )
        model, unit = load_network(classifier.slug, models_dir=classifier.models_dir), entry.unit
    else:
        model, unit = light._replace(scored=True), SCORE
    image = image if image.ndim == 3 else np.repeat(image[..., np.newaxis], 3, axis=2)
    subject = Subject(
        light, image, index, class_fr, probability, familiar=result.familiar is not False
    )
    explanation = judge(subject, method.measure(model, image, index), unit=unit)
    save_explanation(subject, explanation, output, method=method.title)
