"""Les vêtements photographiés : dix classes de plus pour le réseau des photos.

Commande : python -m recipes.clothes, puis python -m recipes.familiarity --model photos
Résultat mesuré : docs/predire.md.

Le réseau `photos` décrit déjà une image par 1 280 caractéristiques d'InceptionV3. Dix colonnes
s'ajoutent à sa couche dense, apprises sur les photographies de `convnets.datasets.clothes` ; celles
des dix objets ne bougent pas, et des vignettes de CIFAR-10 apprennent aux nouvelles à se taire.
"""

import hashlib
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops
from PIL import ImageOps

from convnets.core import cli, paths, reports
from convnets.core.images import crop_resize, open_image
from convnets.datasets import clothes, sources
from convnets.datasets.cache import cached_array
from convnets.serving.classifier import PHOTO_MODEL, Classifier
from convnets.training import export, saving
from recipes import familiarity, photos

OBJECTS = len(sources.CIFAR10_CLASSES)  # leur nombre : un vêtement vient après
THUMBNAILS, OBJECT_WEIGHT = 5000, 0.6  # vignettes apprises ; ce que pèse l'une, photographie : 1
VIEWS = [(1.0, False), (0.7, False), (1.0, True)]  # zoom et miroir des photographies apprises
EPOCHS, BATCH_SIZE, LEARNING_RATE = 20, 500, 1e-3
L2 = 1e-2  # pénalité sur les poids, choisie sur la validation
# Ce que les vêtements cèdent aux objets : le plus qui ne coûte rien sur la validation. Deux des 485
# photographies d'objets de `benchmarks.photographs --development` et de PACS y sont encore prises
# pour un vêtement, contre 32 sans cela. Sous la seconde, on doute d'un vêtement.
MARGIN, SURE = 3.0, 0.6


def read_square(path: Path, *, zoom: float, mirror: bool) -> np.ndarray:
    """Lit une photographie comme `./predict` : uint8 `(192, 192, 3)`."""
    image = open_image(path, min_side_px=2 * photos.IMAGE_PX)
    image = ImageOps.mirror(image) if mirror else image
    return crop_resize(image, photos.IMAGE_PX, zoom=zoom)


def extract(content: bytes, images: np.ndarray) -> np.ndarray:
    """Rend ce que la couche dense d'un export lit de chaque image : float32 `(n, 1280)`."""
    digest = hashlib.sha256(content + images.tobytes()).hexdigest()
    model = familiarity.read_export(content)
    taps = [familiarity.find_taps(model).features]
    found = familiarity.look(model, taps, images)  # rien n'est calculé avant qu'on le demande
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
    steps = EPOCHS * -(-len(x) // BATCH_SIZE)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    weight = np.where(y < OBJECTS, OBJECT_WEIGHT, 1 / len(VIEWS))
    model.fit(x, y, BATCH_SIZE, EPOCHS, sample_weight=weight / weight.mean(), verbose=0)
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
    models_dir, parts, (cifar, tests) = (
        paths.MODELS_DIR,
        clothes.load_clothes(),
        sources.load_cifar10(),
    )
    content, train = (models_dir / f"{PHOTO_MODEL}.tflite").read_bytes(), parts["train"]
    x = [extract(content, photos.enlarge(cifar[0][:THUMBNAILS], photos.IMAGE_PX))]
    for zoom, mirror in VIEWS:
        views = [read_square(path, zoom=zoom, mirror=mirror) for path in train.paths]
        x.append(extract(content, np.stack(views)))
    y = np.concatenate([cifar[1][:THUMBNAILS, 0], *[train.labels + OBJECTS] * len(VIEWS)])
    network = saving.load_model(PHOTO_MODEL, models_dir=models_dir)
    last = network.layers[-1]
    objects = [each[..., :OBJECTS] for each in last.get_weights()]
    weights = learn(np.concatenate(x), y, objects)
    dense = layers.Dense(len(weights[1]), activation="softmax")
    network = keras.Model(network.input, dense(last.input), name=PHOTO_MODEL)
    dense.set_weights(weights)
    light = export.export_litert(network, weights="int8")
    enlarged = photos.enlarge(tests[0], photos.IMAGE_PX)
    report = reports.read_report(PHOTO_MODEL, models_dir=models_dir)
    report.classes = [*sources.CIFAR10_CLASSES, *clothes.CLASSES_FR]
    report.classes_fr = [*sources.CIFAR10_CLASSES_FR, *clothes.CLASSES_FR.values()]
    report.garments, report.familiarity = {"first": OBJECTS, "sure": SURE}, None
    report.num_parameters = network.count_params()
    report.export_accuracy = export.export_accuracy(light, enlarged, tests[1])
    saved = {"export": (light, "int8"), "models_dir": models_dir}
    report = saving.save_model(network, PHOTO_MODEL, report, **saved)
    found = {part: measure(parts[part], models_dir) for part in ("validation", "test")}
    report.details["clothes"] = {"command": "python -m recipes.clothes", **found}
    reports.save_report(report, models_dir / f"{PHOTO_MODEL}.json")
    print(f"Photographies de test : {cli.percent(found['test']['accuracy'])} bien nommées.")
    return 0


if __name__ == "__main__":
    raise SystemExit(cli.run(main))
