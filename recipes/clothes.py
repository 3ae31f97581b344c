"""Les vêtements photographiés : onze classes de plus pour le réseau des photos.

Commande : python -m recipes.clothes, puis python -m recipes.familiarity --model photos
Résultat mesuré : docs/laboratoire/photographies.md.

Le réseau `photos` décrit déjà une image par 1 280 caractéristiques d'InceptionV3. Onze colonnes
s'ajoutent à sa couche dense ; celles des dix objets ne bougent pas. Elles sont apprises :

- de photographies (`convnets.datasets.clothes`), sur un fond réel, mais sans sac ;
- d'articles de boutique (`convnets.datasets.products`), sur fond blanc et souvent portés ;
- de vignettes de CIFAR-10, pour se taire devant un objet.
"""

import hashlib
import itertools
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from convnets.core import cli, paths, reports
from convnets.core.images import crop_resize, open_image
from convnets.datasets import clothes, folders, products, sources
from convnets.datasets.cache import cached_array
from convnets.serving.classifier import PHOTO_MODEL, Classifier
from convnets.serving.images import MAX_DECODED_PX
from convnets.training import export, saving
from exercises.ex05_inception.cached import L2, LEARNING_RATE, STEPS, VIEWS
from recipes import familiarity, photos

CLASSES_FR = clothes.CLASSES_FR | {"bag": "Sac"}
MAX_PER_TYPE = 300
OBJECTS = len(sources.CIFAR10_CLASSES)  # leur nombre : un vêtement vient après
THUMBNAILS = 5000  # vignettes apprises
# Ce que pèse une vue : d'une vignette, d'une photographie, d'un article.
OBJECT_WEIGHT, PICTURE_WEIGHT, PRODUCT_WEIGHT = 0.3, 1 / len(VIEWS), 0.1
# Réglés sur la validation et `benchmarks.photographs --development`. Ce que les vêtements cèdent
# aux objets, le plus sans rien y perdre ; la probabilité sous laquelle on en doute (voir
# docs/laboratoire/photographies.md).
MARGIN, SURE = 3.0, 0.8


def extract(content: bytes, images: np.ndarray) -> np.ndarray:
    """Rend ce que la couche dense d'un export lit de chaque image : float32 `(n, 1280)`."""
    digest = hashlib.sha256(content + images.tobytes()).hexdigest()
    model = familiarity.read_export(content)
    taps = [familiarity.find_taps(model).features]
    found = familiarity.look(model, taps, images, enlarge=False)  # calculé si on le demande
    return cached_array("vetements", digest, lambda: np.concatenate([x for (x,) in found]))[0]


def gather(pictures: folders.Pictures) -> list[tuple[list[Path], np.ndarray, np.ndarray]]:
    """Rend les images dont apprendre les vêtements : chemins, classes, et ce que pèse une vue.

    Une classe qui n'est que d'articles pèse autant qu'une autre.

    Args:
        pictures: les photographies d'entraînement.
    """
    found, labels, paths = products.load_products(), [], []
    for label, name in enumerate(CLASSES_FR):
        own = [
            path
            for each in products.GARMENT_TYPES[name]
            for path in found.get(each, [])[:MAX_PER_TYPE]
        ]
        labels += [label] * len(own)
        paths += own
    known = np.isin(labels, pictures.labels)
    return [
        (pictures.paths, pictures.labels, np.full(len(pictures.labels), PICTURE_WEIGHT)),
        (paths, np.array(labels), np.where(known, PRODUCT_WEIGHT, PICTURE_WEIGHT)),
    ]


def learn(
    x: np.ndarray, y: np.ndarray, weight: np.ndarray, objects: list[np.ndarray]
) -> list[np.ndarray]:
    """Apprend les colonnes des vêtements, celles des objets restant ce qu'elles sont.

    Args:
        x: caractéristiques `(n, c)`.
        y: classes `(n,)`, les vêtements après les objets.
        weight: ce que pèse chacun, `(n,)`.
        objects: noyau `(c, OBJECTS)` et biais des objets.

    Returns:
        Noyau et biais de toutes les classes.
    """
    keras.utils.set_random_seed(0)
    size = OBJECTS + len(CLASSES_FR)
    shapes = [(x.shape[1], size), (size,)]
    start = [np.zeros(shape, "float32") for shape in shapes]
    for weights, known in zip(start, objects, strict=True):
        weights[..., :OBJECTS] = known
    keep = [lambda w, old=old: ops.concatenate([old, w[..., OBJECTS:]], -1) for old in objects]
    dense = layers.Dense(
        size,
        activation="softmax",
        kernel_regularizer=keras.regularizers.L2(L2),
        kernel_constraint=keep[0],
        bias_constraint=keep[1],
    )
    model = keras.Sequential([keras.Input(x.shape[1:]), dense])
    dense.set_weights(start)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, STEPS)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    model.fit(x, y, len(x), STEPS, sample_weight=weight / weight.mean(), verbose=0)
    kernel, bias = dense.get_weights()
    return [saving.round_weight(kernel), bias - MARGIN * (np.arange(size) >= OBJECTS)]


def measure(pictures, models_dir: Path) -> dict[str, float]:
    """Mesure ce que `photos` répond à des photographies de vêtements."""
    results = [
        *Classifier(PHOTO_MODEL, models_dir=models_dir).classify([*map(str, pictures.paths)])
    ]
    right = np.array([each.best for each in results]) == pictures.labels + OBJECTS
    sure = np.array([not each.is_doubted for each in results])
    shares = {"accuracy": right, "doubted": ~sure, "wrong_and_sure": sure & ~right}
    return {"num_images": len(right)} | {name: float(x.mean()) for name, x in shares.items()}


def write() -> int:
    """Ajoute les vêtements au réseau des photos, et écrit leur mesure dans son compte rendu."""
    models_dir, parts, (train, test) = (
        paths.MODELS_DIR,
        clothes.load_clothes(),
        sources.load_cifar10(),
    )
    content = (models_dir / f"{PHOTO_MODEL}.tflite").read_bytes()
    x = [extract(content, photos.enlarge(train[0][:THUMBNAILS], photos.IMAGE_PX))]
    y, weight = [train[1][:THUMBNAILS, 0]], [np.full(THUMBNAILS, OBJECT_WEIGHT)]
    lots = gather(parts["train"])
    for (side_px, zoom), (files, labels, weights) in itertools.product(VIEWS, lots):
        images = (open_image(path, min_side_px=MAX_DECODED_PX) for path in files)
        views = [crop_resize(image, side_px, zoom=zoom) for image in images]
        x.append(extract(content, np.stack(views)))
        y.append(labels + OBJECTS)
        weight.append(weights)
    network = saving.load_model(PHOTO_MODEL, models_dir=models_dir)
    last = network.layers[-1]
    objects = [each[..., :OBJECTS] for each in last.get_weights()]
    weights = learn(*map(np.concatenate, (x, y, weight)), objects)
    dense = layers.Dense(len(weights[1]), activation="softmax")
    network = keras.Model(network.input, dense(last.input), name=PHOTO_MODEL)
    dense.set_weights(weights)
    light = export.export_litert(network, weights="int8")
    report = replace(
        reports.read_report(PHOTO_MODEL, models_dir=models_dir),
        classes=[*sources.CIFAR10_CLASSES, *CLASSES_FR],
        classes_fr=[*sources.CIFAR10_CLASSES_FR, *CLASSES_FR.values()],
        garments={"first": OBJECTS, "sure": SURE},
        familiarity=None,  # `recipes.familiarity` la remesure
        num_parameters=network.count_params(),
        export_accuracy=export.export_accuracy(
            light, photos.enlarge(test[0], photos.IMAGE_PX), test[1]
        ),
    )
    report = saving.save_model(
        network, PHOTO_MODEL, report, export=(light, "int8"), models_dir=models_dir
    )
    found = {part: measure(parts[part], models_dir) for part in ("validation", "test")}
    report.details["clothes"] = {"command": "python -m recipes.clothes", **found}
    reports.save_report(report, models_dir / f"{PHOTO_MODEL}.json")
    print(f"Photographies de test : {cli.percent(found['test']['accuracy'])} bien nommées.")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Ajoute les vêtements au réseau des photos."""
    description = __doc__.splitlines()[0]
    cli.FrenchParser(prog="python -m recipes.clothes", description=description).parse_args(argv)
    return cli.run(write)


if __name__ == "__main__":
    raise SystemExit(main())
