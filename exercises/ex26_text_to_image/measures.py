"""Juger des images fabriquées : nommées comme demandé ? variées comme les vraies ? copiées ?

D'après : S3, figure (6), phrase → image.

Un seul nombre ne suffit pas : répéter la plus belle image d'entraînement de chaque classe serait
toujours bien nommé, et recopier le jeu d'apprentissage serait parfait aux deux premières mesures.

Sources : Heusel et al., arXiv 1706.08500 (distance de Fréchet entre caractéristiques) ; Carlini
et al., arXiv 2301.13188 (reconnaître une image recopiée à ses plus proches voisines).
"""

from typing import NamedTuple

import keras
import numpy as np

from convnets.training import saving
from exercises.ex26_text_to_image.words import levels

NUM_NEIGHBOURS = 50  # images d'apprentissage les plus proches, comme Carlini et al.
CHUNK = 100  # images comparées à la fois à tout le jeu
RARE = 0.01  # part des vraies images, non apprises, que le seuil de la copie accuserait à tort


class Judge(NamedTuple):
    """Le modèle publié des vêtements, qui nomme une image et en rend les caractéristiques."""

    network: keras.Model  # images uint8 → (caractéristiques, probabilités)

    def look(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Regarde des images uint8 `(n, h, w, 1)` ; rend `((n, d), classes (n,))`."""
        features, probabilities = self.network.predict(images[..., 0], batch_size=250, verbose=0)
        return features, probabilities.argmax(axis=1)


def load_judge() -> Judge:
    """Charge `garments`, et ce que lit sa dernière couche dense."""
    model = saving.load_model("garments")
    last = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)][-1]
    return Judge(keras.Model(model.inputs[0], [last.input, model.output]))


# --- Question : les images fabriquées ressemblent-elles, ensemble, aux vraies ? ------


def frechet(found: np.ndarray, truth: np.ndarray) -> float:
    """Mesure la distance de Fréchet entre deux nuages, chacun résumé par une gaussienne.

    Ce n'est pas la FID des articles, prise dans les caractéristiques d'Inception : elle ne se
    compare qu'à elle-même, avec le même juge et autant d'images.

    Args:
        found: `(n, d)`.
        truth: `(m, d)`.

    Returns:
        |m1 − m2|² + trace(C1 + C2 − 2 √(C1 C2)), la racine étant celle d'une matrice, les
        covariances celles de `np.cov` ; 0 si moyennes et covariances sont égales.

    Raises:
        ValueError: moins de deux images d'un côté, qui n'ont pas de covariance.

    Source : Dowson et Landau, J. Multivariate Analysis 12(3), 1982.
    """
    if min(len(found), len(truth)) < 2:
        raise ValueError(
            "La distance de Fréchet compare au moins deux images à deux autres ; reçu "
            f"{len(found)} et {len(truth)}."
        )
    (mean1, cov1), (mean2, cov2) = (_gaussian(each) for each in (found, truth))
    values, axes = np.linalg.eigh(cov1)
    root = (axes * np.sqrt(np.maximum(values, 0))) @ axes.T
    # La trace de √(C1 C2) est celle de √(√C1 C2 √C1), qui est symétrique.
    common = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov2 @ root), 0)).sum()
    return float(((mean1 - mean2) ** 2).sum() + np.trace(cov1) + np.trace(cov2) - 2 * common)


def _gaussian(cloud: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cloud = cloud.astype(np.float64)
    return cloud.mean(axis=0), np.atleast_2d(np.cov(cloud, rowvar=False))


# --- Question : l'adjectif demandé se voit-il ? --------------------------------------


def obeyed(images: np.ndarray, labels: np.ndarray, wanted: np.ndarray, bounds: np.ndarray) -> float:
    """Mesure la part des adjectifs demandés qui sont vrais des images.

    Args:
        images: uint8 `(n, h, w, c)`.
        labels: classes demandées `(n,)`.
        wanted: −1, 0 (rien) ou 1 par attribut, `(n, 2)`.
        bounds: rendu par `words.thirds`.
    """
    said = wanted != 0
    return float((levels(images, labels, bounds) == wanted)[said].mean())


# --- Question : le réseau recopie-t-il ? ---------------------------------------------


class Neighbours(NamedTuple):
    """Les images d'apprentissage les plus proches de chaque image."""

    nearest: np.ndarray  # numéro de la plus proche (n,)
    distance: np.ndarray  # à elle, écart quadratique moyen par pixel, en niveaux de gris (n,)
    ratio: np.ndarray  # de cette distance à la moyenne des `NUM_NEIGHBOURS` plus proches (n,)


def neighbours(images: np.ndarray, train: np.ndarray) -> Neighbours:
    """Cherche les plus proches images d'apprentissage.

    La distance seule ne suffit pas : une image floue est près de tout. Une copie, elle, est bien
    plus près d'une image que des suivantes.

    Args:
        images: uint8 `(n, h, w, c)`.
        train: uint8 `(m, h, w, c)`.
    """
    learned, count = _flat(train), min(NUM_NEIGHBOURS, len(train))
    sizes, found = (learned**2).sum(axis=1), []
    for start in range(0, len(images), CHUNK):
        part = _flat(images[start : start + CHUNK])
        ranked = np.argpartition(sizes - 2 * part @ learned.T, count - 1, axis=1)[:, :count]
        for image, near in zip(part, ranked, strict=True):
            gaps = np.sqrt(((learned[near] - image) ** 2).mean(axis=1))
            best = gaps.argmin()
            found.append((near[best], gaps[best], gaps[best] / max(gaps.mean(), 1e-6)))
    return Neighbours(*map(np.array, zip(*found, strict=True)))


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float32)


def copied(ratios: np.ndarray, real: np.ndarray) -> float:
    """Mesure la part des images plus près d'une seule que presque aucune vraie image ne l'est.

    Args:
        ratios: `Neighbours.ratio` des images à juger.
        real: le même, de vraies images non apprises ; un centième d'entre elles est accusé.
    """
    return float((ratios < np.quantile(real, RARE)).mean())
