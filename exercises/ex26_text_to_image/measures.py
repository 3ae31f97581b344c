"""Juger des images fabriquées : nommées comme demandé ? variées comme les vraies ? copiées ?

D'après : S3, figure (6), phrase → image.

Un seul nombre ne suffit pas : répéter la plus belle image d'entraînement de chaque classe serait
toujours bien nommé, et recopier le jeu d'apprentissage serait parfait aux deux premières mesures.

Sources : Heusel et al., arXiv 1706.08500 (distance de Fréchet entre caractéristiques) ; Carlini
et al., arXiv 2301.13188 (reconnaître une image recopiée à ses plus proches voisines).
"""

import keras
import numpy as np
from keras import ops
from sklearn.neighbors import NearestNeighbors

from convnets.training import saving
from exercises.ex26_text_to_image.sentences import levels

NUM_NEIGHBOURS = 50  # images d'apprentissage les plus proches, comme Carlini et al.
RARE = 0.01  # part des vraies images, non apprises, que le seuil de la copie accuserait à tort


def load_judge() -> keras.Model:
    """Charge le modèle publié des vêtements, qui juge les images fabriquées.

    Returns:
        Modèle : images uint8 `(n, 28, 28)` → ce que lit la dernière couche dense de `garments`,
        `(n, d)`, et la classe qu'il nomme, `(n,)`.
    """
    model = saving.load_model("garments")
    last = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)][-1]
    return keras.Model(model.inputs[0], [last.input, ops.argmax(model.output, axis=-1)])


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

    Source : Dowson et Landau, J. Multivariate Analysis 12(3), 1982.
    """
    found, truth = found.astype(np.float64), truth.astype(np.float64)
    cov1, cov2 = np.cov(found, rowvar=False), np.cov(truth, rowvar=False)
    gap = found.mean(axis=0) - truth.mean(axis=0)
    # La trace de la racine de C1 C2 est la somme des racines de ses valeurs propres.
    common = np.sqrt(np.maximum(np.linalg.eigvals(cov1 @ cov2).real, 0)).sum()
    return float(gap @ gap + np.trace(cov1) + np.trace(cov2) - 2 * common)


# --- Question : l'adjectif demandé se voit-il ? --------------------------------------


def obeyed(
    images: np.ndarray, labels: np.ndarray, wanted: np.ndarray, bounds: np.ndarray
) -> np.ndarray:
    """Mesure, phrase par phrase, la part des adjectifs demandés qui sont vrais de l'image.

    Args:
        images: uint8 `(n, h, w, c)`.
        labels: classes demandées `(n,)`.
        wanted: −1, 0 (rien) ou 1 par attribut, `(n, 2)`.
        bounds: rendu par `sentences.thirds`.

    Returns:
        Parts `(m,)` : les phrases qui ne demandent aucun adjectif n'y sont pas.
    """
    said = wanted != 0
    asked = said.any(axis=1)
    right = (levels(images, labels, bounds) == wanted) & said
    return right.sum(axis=1)[asked] / said.sum(axis=1)[asked]


# --- Question : le réseau recopie-t-il ? ---------------------------------------------


def nearness(images: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Compare l'écart à la plus proche image d'apprentissage aux écarts des suivantes.

    L'écart seul ne suffit pas : une image floue est près de tout. Une copie, elle, est bien plus
    près d'une image que des suivantes.

    Args:
        images: uint8 `(n, h, w, c)`.
        train: uint8 `(m, h, w, c)`.

    Returns:
        `(n,)`, de 0, une copie exacte, à 1 : cet écart, divisé par la moyenne des
        `NUM_NEIGHBOURS` plus petits.
    """
    learned, seen = (each.reshape(len(each), -1).astype(np.float32) for each in (train, images))
    finder = NearestNeighbors(n_neighbors=min(NUM_NEIGHBOURS, len(train)), algorithm="brute")
    gaps, _ = finder.fit(learned).kneighbors(seen)  # (n, voisines), croissants
    return gaps[:, 0] / np.maximum(gaps.mean(axis=1), 1e-6)


def copied(ratios: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Accuse les images plus près d'une seule que presque aucune vraie image ne l'est.

    Args:
        ratios: `nearness` des images à juger.
        real: le même, de vraies images non apprises ; un centième d'entre elles est accusé.

    Returns:
        Booléens `(n,)`.
    """
    return ratios < np.quantile(real, RARE)
