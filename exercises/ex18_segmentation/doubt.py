"""Segmenter une photographie de rue, et dire ce que le réseau ne sait pas.

D'après : S3 « Different problems, models & metrics » (scènes de rue, SegNet).
Commande : python -m exercises.ex18_segmentation.streets photo-de-rue.png

Un réseau de segmentation nomme tous les pixels, même d'une image qui n'est pas une rue. Ici, un
pixel dont la classe est trop peu probable est dit incertain. Le seuil est choisi sur les
photographies de validation, où l'on sait quand le réseau se trompe.
"""

from typing import NamedTuple

import keras
import numpy as np

from convnets.core.cli import percent
from convnets.core.images import open_image
from convnets.core.reports import Report, read_report
from convnets.datasets.streets import CLASSES_FR, VOID, Streets, shrink
from convnets.training import lesson
from exercises.ex18_segmentation.__main__ import show_mask

NAMES = ("Incertain", *CLASSES_FR.values())
RIGHT = 0.9  # part des pixels nommés de validation qu'il doit nommer bien, au-dessus du seuil
USUAL = 0.95  # part des photographies de validation dont le doute est dit habituel
WEAK_IOU = 0.25  # au-dessous, la classe est dite mal connue


# --- Question : à partir de quand douter ? -------------------------------------------


class Doubt(NamedTuple):
    """À partir de quand douter du réseau, mesuré sur les photographies de validation."""

    min_probability: float  # au-dessous, la classe d'un pixel n'est pas dite
    usual: float  # part des pixels ainsi laissés, pour `USUAL` des photographies au plus


def find_doubt(model: keras.Model, val: Streets) -> Doubt:
    """Choisit la plus petite probabilité au-dessus de laquelle on a raison `RIGHT` fois.

    Args:
        model: un réseau de cette leçon.
        val: photographies qu'il n'a pas apprises, et qui ne servent pas à le mesurer.
    """
    answers = model.predict(val.images, batch_size=50, verbose=0)
    sure, named = answers.max(axis=-1), val.masks != VOID
    order = np.argsort(-sure[named])  # du plus sûr au moins sûr
    right, levels = (answers.argmax(axis=-1) == val.masks)[named][order], sure[named][order]
    good = np.cumsum(right) >= RIGHT * np.arange(1, len(right) + 1)
    good &= np.append(levels[1:] < levels[:-1], True)  # deux pixels aussi sûrs vont ensemble
    threshold = float(levels[good].min(initial=1))
    left = (sure < threshold).mean(axis=(1, 2))  # une part par photographie
    return Doubt(threshold, float(np.quantile(left, USUAL)))


def measure_doubt(model: keras.Model, test: Streets, chosen: Doubt) -> dict[str, float]:
    """Mesure ce doute sur les photographies de test.

    Returns:
        `said`, la part des pixels que le réseau nomme, et `said_accuracy`, celle qu'il nomme bien.
    """
    answers, named = model.predict(test.images, batch_size=50, verbose=0), test.masks != VOID
    said = (answers.max(axis=-1) >= chosen.min_probability)[named]
    right = (answers.argmax(axis=-1) == test.masks)[named]
    return {
        "said": float(said.mean()),
        "said_accuracy": float(right[said].mean()) if said.any() else float("nan"),
    }


# --- Question : et dans cette photographie ? -----------------------------------------


def segment(options) -> None:
    """Dessine le masque d'une photographie, dit la part de chaque classe, et ce qui est ignoré."""
    image = shrink(open_image(options.image))
    path = lesson.saved_path(options)
    report = read_report(path.name, models_dir=path.parent)
    if "min_probability" not in report.details:
        raise ValueError(
            f"{path} n'est pas un modèle de rues : donnez celui qu'écrit `python -m "
            "exercises.ex18_segmentation.streets`."
        )
    answer = lesson.load_saved(options).predict(image[None], verbose=0)[0]  # (120, 160, 11)
    unsure = answer.max(axis=-1) < Doubt(**report.details).min_probability
    show_mask(options, image, np.where(unsure, 0, answer.argmax(axis=-1) + 1), NAMES)
    print(say_doubt(float(unsure.mean()), report))
    print(say_weak(report))


def say_doubt(left: float, report: Report) -> str:
    """Dit ce que veut dire la part `left` des pixels que le réseau n'a pas nommés."""
    usual = Doubt(**report.details).usual
    if left <= usual:
        return (
            "« Incertain » : le réseau hésite, et ne dit pas de classe. Sur les photographies de "
            f"test, il a raison pour {percent(report.metrics['said_accuracy'].mean)} des pixels "
            "qu'il nomme."
        )
    return (
        f"Le réseau hésite sur {percent(left)} de cette image, et sur {percent(usual)} au plus "
        "pour dix-neuf rues de validation sur vingt : elle ressemble peu à ce qu'il a appris, et "
        "son masque est peu sûr."
    )


def say_weak(report: Report) -> str:
    """Nomme les classes que le réseau enregistré trouve mal sur les photographies de test."""
    known = {name: report.metrics[f"weighted_iou_{key}"].mean for key, name in CLASSES_FR.items()}
    weak = [f"{name} ({percent(value)})" for name, value in known.items() if value < WEAK_IOU]
    if not weak:
        return f"En test, l'IoU de chaque classe est d'au moins {percent(WEAK_IOU)}."
    return f"Il connaît mal ces classes, d'après leur IoU en test : {', '.join(weak)}."
