"""« Rien de cela » : ce que ni les dix objets ni les vêtements de `photos` ne sont.

Commande : python -m recipes.familiarity --model photos
Résultat mesuré : docs/laboratoire/familiarite.md.

Trente-deux colonnes s'ajoutent à la couche dense de `photos`, pour la seule familiarité : une image
est d'autant plus familière que les scores des classes l'emportent sur ceux de ces colonnes. Les
classes, elles, restent ce qu'elles sont. Une seule colonne ne suffirait pas : un lit, une tortue et
une imprimante n'ont rien en commun, et chaque colonne en prend une sorte.

Elles apprennent de photographies d'autre chose (`convnets.datasets.elsewhere`), face à celles des
classes : vignettes de CIFAR-10, vêtements, et photographies des dix classes. Réduites à 32 pixels
puis agrandies, des photographies d'autre chose ressemblent aux vignettes : sans elles, la netteté
seule séparerait les deux côtés.

Source : Hendrycks et al., « Deep Anomaly Detection with Outlier Exposure », arXiv 1812.04606, 2019.
"""

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from keras import ops
from PIL import Image

from convnets.core.images import crop_resize, open_image
from convnets.datasets import clothes, elsewhere, products, sources
from convnets.datasets.cache import cached_array
from convnets.serving.images import MAX_DECODED_PX, squares
from recipes import photos

COLUMNS = 32  # choisi, comme L2, sur des photographies d'autres dépôts
L2 = 1e-4
STEPS, LEARNING_RATE = 300, 3e-3
SIDE_PX = photos.GLANCE["side_px"]  # le coup d'œil suffit à la plupart des photographies
THUMBNAILS, WORN, PER_TYPE = 1500, 3, 25  # vignettes ; un vêtement porté sur trois ; articles
# D'autres articles de boutique, sur le même fond que les vêtements.
OTHER_TYPES = (
    *("Deodorant", "Lipstick", "Nail Polish", "Perfume and Body Mist", "Sunglasses", "Watches"),
)
REDUCED = 4  # une photographie d'autre chose sur quatre est aussi apprise réduite
HELD_OUT = 5  # une image connue sur cinq n'est pas apprise : elle fixe le seuil
LOT = 500  # images lues à la fois

Look = Callable[[np.ndarray], np.ndarray]  # images uint8 -> caractéristiques et scores, (n, c + k)


class Lots(NamedTuple):
    """Ce que le réseau dit d'images : caractéristiques et scores mis bout à bout, `(n, c + k)`."""

    known: np.ndarray
    weights: np.ndarray  # (n,), de somme 1 : chaque sorte d'images connues pèse autant
    val: np.ndarray  # connues, mises de côté
    strange: np.ndarray


def _views(paths: Sequence[Path], *, reduced: bool = False) -> Iterator[np.ndarray]:
    """Rend des photographies cadrées comme au coup d'œil, par lots uint8 `(n, px, px, 3)`."""
    for start in range(0, len(paths), LOT):
        images = [open_image(path, min_side_px=MAX_DECODED_PX) for path in paths[start:][:LOT]]
        if reduced:
            images = [Image.fromarray(np.asarray(crop_resize(each, 32))) for each in images]
        yield np.stack([squares(each, SIDE_PX, [("crop", 1.0)])[0] for each in images])


def _describe(look: Look, content: bytes, lots: Iterator[np.ndarray]) -> np.ndarray:
    """Rend ce que le réseau dit de lots d'images, calculé une fois pour toutes."""
    found = []
    for images in lots:
        key = hashlib.sha256(content + images.tobytes()).hexdigest()
        found.append(cached_array("rien", key, lambda images=images: look(images))[0])
    return np.concatenate(found)


def _sold(articles: dict[str, list[Path]], types: Iterable[str]) -> list[Path]:
    """Rend les premières photographies de boutique de chaque sorte d'article."""
    return [path for name in types for path in articles.get(name, [])[:PER_TYPE]]


def gather(look: Look, content: bytes) -> Lots:
    """Rend ce que le réseau dit des images connues, et de celles qui ne le sont pas.

    Args:
        look: calcule les caractéristiques et les scores d'images de `SIDE_PX` pixels de côté.
        content: l'export, dont le résultat dépend.
    """
    found = elsewhere.load_elsewhere()
    thumbnails = photos.enlarge(sources.load_cifar10()[0][0][:THUMBNAILS], SIDE_PX)
    worn, sold = clothes.load_clothes()["train"].paths, products.load_products()
    kinds = [
        iter([thumbnails]),
        _views(worn[::WORN]),
        _views(_sold(sold, itertools.chain(*products.GARMENT_TYPES.values()))),
        _views([path for each in found for path in each.known]),
    ]
    described = [_describe(look, content, kind) for kind in kinds]
    learned = [each[np.arange(len(each)) % HELD_OUT > 0] for each in described]
    strange = [path for each in found for path in each.strange] + _sold(sold, OTHER_TYPES)
    others = [_views(strange), _views(strange[::REDUCED], reduced=True)]
    return Lots(
        np.concatenate(learned),
        np.concatenate([np.full(len(each), 1 / len(each) / len(learned)) for each in learned]),
        np.concatenate([each[::HELD_OUT] for each in described]),
        np.concatenate([_describe(look, content, kind) for kind in others]),
    )


def fit(lots: Lots, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Apprend les colonnes « rien de cela » ; celles des classes restent ce qu'elles sont.

    Returns:
        Noyau `(c, COLUMNS)` et biais `(COLUMNS,)`.
    """
    keras.utils.set_random_seed(0)
    x = np.concatenate([lots.known, lots.strange]).astype("float32")
    features, scores = x[:, :-num_classes], x[:, -num_classes:]
    mean, std = features.mean(0), features.std(0) + 1e-3
    entries = keras.Input(features.shape[1:]), keras.Input((1,))
    columns = keras.layers.Dense(
        COLUMNS,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        kernel_regularizer=keras.regularizers.L2(L2),
    )
    nothing = ops.logsumexp(columns(entries[0]), axis=1, keepdims=True)
    model = keras.Model(entries, entries[1] - nothing)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, STEPS)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss)
    sides = np.arange(len(x)) < len(lots.known)
    weights = np.concatenate([lots.weights, np.full(len(lots.strange), 1 / len(lots.strange))])
    model.fit(
        ((features - mean) / std, np.logaddexp.reduce(scores, 1)[:, np.newaxis]),
        sides[:, np.newaxis].astype("float32"),
        batch_size=len(x),
        epochs=STEPS,
        sample_weight=weights * len(x) / 2,
        verbose=0,
    )
    kernel, bias = columns.get_weights()
    kernel = kernel / std[:, np.newaxis]
    return kernel, bias - mean @ kernel
