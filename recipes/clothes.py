"""Les vêtements photographiés : dix classes de plus pour le réseau des photos.

Commande : python -m recipes.clothes, puis python -m recipes.familiarity --model photos
Résultat mesuré : docs/predire.md.

Le réseau `photos` décrit déjà une image par 1 280 caractéristiques d'InceptionV3. Dix colonnes
s'ajoutent à sa couche dense, apprises sur les photographies de `convnets.datasets.clothes` ; celles
des dix objets ne bougent pas, et des vignettes de CIFAR-10 apprennent aux nouvelles à se taire.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from convnets.core import cli, paths, reports
from convnets.core.images import crop_resize, open_image
from convnets.datasets import clothes, sources
from convnets.datasets.cache import cached_array
from convnets.serving.classifier import PHOTO_MODEL, Classifier
from convnets.serving.images import MAX_DECODED_PX
from convnets.training import export, saving
from exercises.ex05_inception.cached import L2, LEARNING_RATE, STEPS, VIEWS
from recipes import familiarity, photos

OBJECTS = len(sources.CIFAR10_CLASSES)  # leur nombre : un vêtement vient après
THUMBNAILS, OBJECT_WEIGHT = 5000, 0.3  # vignettes apprises ; ce que pèse l'une, photographie : 1
# Réglés sur la validation et `benchmarks.photographs --development`. Ce que les vêtements cèdent
# aux objets, le plus sans rien y perdre ; la probabilité sous laquelle on en doute (voir
# docs/predire.md).
MARGIN, SURE = 3.0, 0.8


def extract(content: bytes, images: np.ndarray) -> np.ndarray:
    """Rend ce que la couche dense d'un export lit de chaque image : float32 `(n, 1280)`."""
    digest = hashlib.sha256(content + images.tobytes()).hexdigest()
    model = familiarity.read_export(content)
    taps = [familiarity.find_taps(model).features]
    found = familiarity.look(model, taps, images, enlarge=False)  # calculé si on le demande
    return cached_array("vetements", digest, lambda: np.concatenate([x for (x,) in found]))[0]


def learn(x: np.ndarray, y: np.ndarray, objects: list[np.ndarray]) -> list[np.ndarray]:
    """Apprend les colonnes des vêtements, celles des objets restant ce qu'elles sont.

    Args:
        x: caractéristiques `(n, c)`.
        y: classes `(n,)`, les vêtements après les objets.
        objects: noyau `(c, OBJECTS)` et biais des objets.

    Returns:
        Noyau et biais de toutes les classes.
    """
    keras.utils.set_random_seed(0)
    size = OBJECTS + len(clothes.CLASSES_FR)
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
    weight = np.where(y < OBJECTS, OBJECT_WEIGHT, 1 / len(VIEWS))
    model.fit(x, y, len(x), STEPS, sample_weight=weight / weight.mean(), verbose=0)
    kernel, bias = dense.get_weights()
    return [saving.round_weight(kernel), bias - MARGIN * (np.arange(size) >= OBJECTS)]


def measure(pictures, models_dir: Path) -> dict[str, float]:
    """Mesure ce que `photos` répond à des photographies de vêtements."""
    results = [
        *Classifier(PHOTO_MODEL, models_dir=models_dir).classify([*map(str, pictures.paths)])
    ]
    right = np.array([each.best for each in results]) == pictures.labels + OBJECTS
    sure = np.array([each.familiar for each in results])
    shares = {"accuracy": right, "doubted": ~sure, "wrong_and_sure": sure & ~right}
    return {"num_images": len(right)} | {name: float(x.mean()) for name, x in shares.items()}


def main() -> int:
    """Ajoute les vêtements au réseau des photos."""
    models_dir, parts, (train, test) = (
        paths.MODELS_DIR,
        clothes.load_clothes(),
        sources.load_cifar10(),
    )
    content = (models_dir / f"{PHOTO_MODEL}.tflite").read_bytes()
    x = [extract(content, photos.enlarge(train[0][:THUMBNAILS], photos.IMAGE_PX))]
    for side_px, zoom in VIEWS:
        images = (open_image(path, min_side_px=MAX_DECODED_PX) for path in parts["train"].paths)
        views = [crop_resize(image, side_px, zoom=zoom) for image in images]
        x.append(extract(content, np.stack(views)))
    garments = np.tile(parts["train"].labels + OBJECTS, len(VIEWS))
    y = np.concatenate([train[1][:THUMBNAILS, 0], garments])
    network = saving.load_model(PHOTO_MODEL, models_dir=models_dir)
    last = network.layers[-1]
    weights = learn(np.concatenate(x), y, [each[..., :OBJECTS] for each in last.get_weights()])
    dense = layers.Dense(len(weights[1]), activation="softmax")
    network = keras.Model(network.input, dense(last.input), name=PHOTO_MODEL)
    dense.set_weights(weights)
    light = export.export_litert(network, weights="int8")
    report = replace(
        reports.read_report(PHOTO_MODEL, models_dir=models_dir),
        classes=[*sources.CIFAR10_CLASSES, *clothes.CLASSES_FR],
        classes_fr=[*sources.CIFAR10_CLASSES_FR, *clothes.CLASSES_FR.values()],
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


if __name__ == "__main__":
    raise SystemExit(cli.run(main))
