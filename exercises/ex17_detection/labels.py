"""Plusieurs étiquettes par image : dire tout ce qu'une scène contient, sans dire où.

D'après : S3 « How to switch to multi-class? ».
Commande : python -m recipes.seeds ex17_detection.labels --seeds 5
Mesure : docs/mesures/ex17_labels.json.

Un softmax répartit une seule réponse entre les classes : leur somme vaut 1, et chaque objet de plus
diminue la part des autres. Une sigmoïde par classe pose dix questions séparées, chacune avec sa
réponse entre 0 et 1. Le réseau est le même ; seules changent la dernière activation et la perte.
Deux témoins n'ont pas de réseau : des réponses au hasard, et les taches de `contrast.py`.
"""

from collections.abc import Callable
from functools import partial

import keras
import numpy as np
from keras import layers, ops

from convnets.core.intervals import by_image, paired_gaps
from convnets.datasets.scenes import SCENE_PX
from convnets.training import lesson
from exercises.ex17_detection.__main__ import (
    EPOCHS,
    NUM_OBJECTS,
    Network,
    find_by_contrast,
    load_scenes,
    predict,
    train,
)
from exercises.ex17_detection.boxes import Detections
from exercises.ex17_detection.localization import NUM_CLASSES, WIDTHS, trunk
from exercises.ex17_detection.metrics import Judged, scene_precision

SLUG = "ex17_labels"
PAIRS = (("sigmoid", "softmax"), ("sigmoid", "contrast"), ("softmax", "random"))


# --- Question : la vérité, un ensemble de classes ------------------------------------


def to_sets(labels: np.ndarray) -> np.ndarray:
    """Écrit les classes présentes dans chaque scène.

    Args:
        labels: `(n, k)` entiers, `ABSENT` pour une place vide ; deux objets peuvent être d'une
            même classe.

    Returns:
        `(n, 10)` float32 : 1 pour une classe présente, 0 pour les autres.
    """
    found = labels[..., None] == np.arange(NUM_CLASSES)  # (n, k, 10) ; ABSENT n'en est aucune
    return found.any(axis=1).astype(np.float32)


# --- Question : un réseau, deux fins -------------------------------------------------


def build_model(activation: str) -> keras.Model:
    """Construit le réseau : le maximum de chaque carte, puis dix nombres.

    Args:
        activation: `"sigmoid"`, dix réponses séparées, ou `"softmax"`, une seule à partager.

    Returns:
        Modèle : images uint8 `(n, 64, 64, 3)` → `(n, 10)` float32 dans [0, 1].
    """
    images = keras.Input((SCENE_PX, SCENE_PX, 3), dtype="uint8")
    x = layers.GlobalMaxPooling2D()(trunk(images, WIDTHS))
    answers = layers.Dense(NUM_CLASSES, activation=activation)(x)
    return keras.Model(images, answers, name=f"ex17_{activation}")


def separate_loss(y_true, y_pred):
    """Additionne dix entropies croisées binaires, une par classe : `(n,)`."""
    return ops.sum(ops.binary_crossentropy(y_true, y_pred), axis=-1)


def shared_loss(y_true, y_pred):
    """Rend l'entropie croisée avec une réponse partagée entre les classes présentes : `(n,)`.

    Un softmax ne peut faire mieux que ceci : si deux classes sont présentes, donner la moitié à
    chacune.
    """
    return ops.categorical_crossentropy(y_true / ops.sum(y_true, axis=-1, keepdims=True), y_pred)


# --- Question : que valent des ensembles ? -------------------------------------------


def judge_sets(answers: np.ndarray, sets: np.ndarray) -> list[Judged]:
    """Juge les dix réponses à chaque scène, comme dix boîtes.

    Chaque classe range ainsi les scènes par réponse, sans seuil, comme on range des boîtes.

    Args:
        answers: réponses `(n, 10)` à des scènes.
        sets: leurs classes `(n, 10)`, de `to_sets`.
    """
    classes = np.arange(NUM_CLASSES)
    return [Judged(said, own > 0, classes, own) for said, own in zip(answers, sets, strict=True)]


def forget_places(found: list[Detections]) -> np.ndarray:
    """Rend, pour chaque scène, le meilleur score des boîtes de chaque classe, ou 0 : `(n, 10)`."""
    answers = np.zeros((len(found), NUM_CLASSES))
    for row, each in zip(answers, found, strict=True):
        np.maximum.at(row, each.labels, each.scores)
    return answers


def run(seed: int, *, epochs: int = EPOCHS // 2, limit: int | None = None) -> lesson.Run:
    """Entraîne les deux réseaux sur les scènes de la leçon, et les mesure.

    Args:
        seed: graine des poids de départ et du mélange.
        epochs: nombre d'époques de chacun.
        limit: au plus tant de scènes de chaque jeu ; None : celles de la leçon.

    Returns:
        La moyenne des précisions moyennes des dix classes, pour `sigmoid`, `softmax`, `contrast`,
        les taches sans réseau, et `random`, des réponses au hasard ; dans `pooled`, ce qu'y pèse
        chaque scène.
    """
    scenes = load_scenes(NUM_OBJECTS, limit)
    sets = to_sets(scenes["test"].labels)
    answers = {
        "contrast": forget_places(find_by_contrast(limit)),
        "random": np.random.default_rng(0).random(sets.shape),
    }
    losses: dict[str, Callable] = {"sigmoid": separate_loss, "softmax": shared_loss}
    for name, loss in losses.items():
        network = Network(partial(build_model, name), loss, lambda each: to_sets(each.labels))
        model, _ = train(network, scenes["train"], seed=seed, epochs=epochs)
        answers[name] = predict(model, scenes["test"])
    means, pooled = by_image(
        {name: scene_precision(judge_sets(each, sets)) for name, each in answers.items()}
    )
    return lesson.Run(means, None, {"pooled": pooled})


def pool(found: list[dict]) -> dict:
    """Rend l'écart des deux réponses de chaque paire, sur toutes les graines et toutes les scènes.

    Args:
        found: par graine, ce que pèse chaque scène, par réponse.

    Returns:
        `{"gaps": {"sigmoid - softmax": [moyenne, bas, haut]…}}`.
    """
    return {"gaps": paired_gaps(found, PAIRS)}
