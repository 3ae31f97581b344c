"""Leçon 25 : une base déjà apprise sur d'autres photographies, à côté du réseau.

Commande : python -m recipes.seeds ex25_pretrained --seeds 5
Résultat mesuré : docs/mesures/ex25_products.json, et la leçon 25.

C'est le témoin usuel : InceptionV3, apprise sur ImageNet et coupée où la leçon 05 la coupe, résume
chaque photographie par des moyennes. Une couche dense par attribut répond d'après ces moyennes, et
la grammaire du catalogue fait une phrase des cinq réponses. Rien d'autre n'est appris.
La base lit les photographies à 150 pixels. Elle les lit aussi comme le réseau les voit, à 64
pixels, agrandies : ce qui sépare les deux est dû aux détails, et non à la base.
"""

import functools
import itertools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from PIL import Image

from convnets.core.images import crop_resize, open_image
from convnets.datasets import pretrained
from convnets.training import lesson
from exercises.ex05_inception import features, head
from exercises.ex25_captions import products
from exercises.ex25_captions.catalogue import ATTRIBUTES

SLUG = "ex25_products"
WITNESSES = ("pretrained", "pretrained_64")  # d'après 150 pixels de côté, et d'après 64


class Means(NamedTuple):
    """Ce que la base dit d'articles, et leurs attributs."""

    x: dict[str, np.ndarray]  # par nom de `WITNESSES`, `(n, c)` float32
    labels: np.ndarray  # (n, 5)


@functools.cache
def describe(limit: int | None = None) -> dict[str, Means]:
    """Passe les articles d'apprentissage et de test dans la base, une fois pour toutes les graines.

    Args:
        limit: au plus tant d'articles de chaque part ; None : tous.

    Raises:
        FileNotFoundError: photographies ou poids absents ; le message dit quoi mettre où.
    """
    albums = products.make_albums(limit=limit)
    paths = {product.number: product.path for product in products.find_named()}
    base, _ = pretrained.inception_v3(input_px=features.IMAGE_PX)
    model = pretrained.features_model(base, layer_name=features.LAYER)
    found = {}
    for part in ("train", "test"):
        album = albums[part]
        photographs = (read(paths[number]) for number in album.numbers)
        seen = (crop_resize(Image.fromarray(each), features.IMAGE_PX) for each in album.images)
        x = [summarise(model, images) for images in (photographs, seen)]
        found[part] = Means(dict(zip(WITNESSES, x, strict=True)), album.labels)
    return found


def read(path) -> np.ndarray:
    """Lit une photographie, et la ramène à son carré central, au côté que lit la base."""
    return crop_resize(open_image(path), features.IMAGE_PX, resample=Image.Resampling.BOX)


def summarise(model, images: Iterable[np.ndarray]) -> np.ndarray:
    """Rend ce que la base dit de chaque image uint8, lot après lot : `(n, c)`."""
    images, found = iter(images), []
    while batch := list(itertools.islice(images, head.BATCH_SIZE)):
        found.append(model.predict_on_batch(np.stack(batch)))
    return np.concatenate(found)


def answer(known: Means, asked: Means, *, seed: int) -> dict[str, np.ndarray]:
    """Apprend une couche dense par attribut, et répond sur d'autres articles.

    Returns:
        Par nom de `WITNESSES`, le rang de chaque attribut, `(n, 5)`.
    """
    found = {}
    for name in WITNESSES:
        columns = []
        for k in range(len(ATTRIBUTES)):
            own = head.train_head(known.x[name], known.labels[:, k], seed=seed, epochs=head.EPOCHS)
            columns.append(head.predict(own, asked.x[name]).argmax(axis=1))
        found[name] = np.stack(columns, axis=1)
    return found


def run(seed: int, *, epochs: int = products.EPOCHS, limit: int | None = None) -> lesson.Run:
    """Mesure le réseau de la leçon et ses témoins, puis ceux que rend `answer`.

    Args:
        seed: graine des poids du réseau et des couches denses, et de l'ordre des images.
        epochs: époques du réseau.
        limit: au plus tant d'articles de chaque part.

    Returns:
        Ce que rend la leçon (`products.run`), avec `exact_pretrained`, `kind_pretrained_64`…
    """
    means = describe(limit)
    done = products.run(seed, epochs=epochs, limit=limit)
    found = answer(means["train"], means["test"], seed=seed)
    said = {name: products.write_sentences(labels) for name, labels in found.items()}
    metrics, right = products.measure(said, found, done.kept["test"])
    more = {name: each.astype(int).tolist() for name, each in right.items()}
    return done._replace(
        metrics=done.metrics | metrics, kept=done.kept | {"pooled": done.kept["pooled"] | more}
    )


def pool(found: list[dict]) -> dict:
    """Rend l'écart du réseau avec chaque témoin, ceux de cette recette compris."""
    return products.pool(found, more=WITNESSES)
