"""Les vêtements photographiés : dix classes de plus pour le réseau des photos.

Commande : python -m recipes.clothes, puis python -m recipes.familiarity --model photos
Résultat mesuré : docs/vetements.md.

Le réseau `photos` décrit déjà une image par 1 280 caractéristiques d'InceptionV3. Dix colonnes
s'ajoutent à sa couche dense, apprises sur les photographies de `convnets.datasets.clothes` ; celles
des dix objets ne bougent pas, et des vignettes de CIFAR-10 apprennent aux nouvelles à se taire.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from keras import layers
from PIL import ImageOps

from convnets.core import reports
from convnets.core.cli import FrenchParser, percent, run
from convnets.core.images import crop_resize, open_image
from convnets.core.paths import MODELS_DIR
from convnets.datasets import clothes, sources
from convnets.datasets.cache import cached_array
from convnets.serving.classifier import PHOTO_MODEL, Classifier
from convnets.serving.images import decoded_side
from convnets.training import export, saving
from recipes import familiarity, photos

NUM_OBJECTS = len(sources.CIFAR10_CLASSES)
NUM_THUMBNAILS = 5000  # de CIFAR-10, avec lesquelles un vêtement ne doit pas être confondu
OBJECT_WEIGHT = 0.6  # d'une vignette, quand une photographie pèse 1
VIEWS = [(1.0, False), (0.7, False), (1.0, True)]  # zoom et miroir des photographies apprises
EPOCHS, BATCH_SIZE, LEARNING_RATE = 20, 500, 1e-3
L2 = 1e-2  # pénalité sur les poids, choisie sur la validation
# Ce que les vêtements cèdent aux objets, et la probabilité sous laquelle on doute d'un vêtement :
# choisis sur la validation, et sur `benchmarks.photographs --development`.
MARGIN, SURE = 2.0, 0.6


def read_squares(paths: Sequence[Path], *, zoom: float, mirror: bool) -> np.ndarray:
    """Lit des photographies comme `./predict` : uint8 `(n, 192, 192, 3)`."""
    side_px, squares = photos.IMAGE_PX, []
    for path in paths:
        image = open_image(path, min_side_px=decoded_side(side_px))
        image = ImageOps.mirror(image) if mirror else image
        squares.append(crop_resize(image, side_px, zoom=zoom))
    return np.stack(squares)


def extract(content: bytes, images: np.ndarray) -> np.ndarray:
    """Rend ce que la couche dense de `photos` lit de chaque image : float32 `(n, 1280)`."""
    digest = hashlib.sha256(content)
    digest.update(images.tobytes())

    def compute() -> np.ndarray:
        model = familiarity.read_export(content)
        taps = [familiarity.find_taps(model).features]
        return np.concatenate([x for (x,) in familiarity.look(model, taps, images)])

    return cached_array("vetements", digest.hexdigest(), compute)[0]


def learn(x: np.ndarray, y: np.ndarray, weight: np.ndarray, objects: list[np.ndarray]):
    """Apprend les colonnes des vêtements, celles des objets restant ce qu'elles sont.

    Args:
        x: caractéristiques `(n, 1280)`.
        y: classes `(n,)` ; un vêtement vient après les `NUM_OBJECTS` objets.
        weight: poids de chaque image `(n,)`.
        objects: noyau et biais des objets.

    Returns:
        Noyau `(1280, k)` et biais `(k,)` des vêtements.
    """
    keras.utils.set_random_seed(0)
    known = layers.Dense(NUM_OBJECTS, trainable=False)
    penalty = keras.regularizers.L2(L2)
    new = layers.Dense(
        len(clothes.CLASSES_FR), kernel_initializer="zeros", kernel_regularizer=penalty
    )
    features = keras.Input(x.shape[1:])
    scores = layers.Concatenate()([known(features), new(features)])
    model = keras.Model(features, layers.Softmax()(scores))
    known.set_weights(objects)
    steps = EPOCHS * -(-len(x) // BATCH_SIZE)
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    model.compile(keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy")
    weight = weight / weight.mean()
    model.fit(x, y, BATCH_SIZE, EPOCHS, sample_weight=weight, verbose=0)
    kernel, bias = new.get_weights()
    return saving.round_weight(kernel), bias - MARGIN


def widen(network: keras.Model, kernel: np.ndarray, bias: np.ndarray) -> keras.Model:
    """Rend `photos` avec les colonnes des vêtements après celles des objets."""
    last = network.layers[-1]
    columns = [
        np.concatenate([old[..., :NUM_OBJECTS], new], axis=-1)
        for old, new in zip(last.get_weights(), (kernel, bias), strict=True)
    ]
    dense = layers.Dense(len(columns[1]), activation="softmax")
    wider = keras.Model(network.input, dense(last.input), name=network.name)
    dense.set_weights(columns)
    return wider


def measure(pictures, models_dir: Path) -> dict[str, float]:
    """Mesure ce que `./predict` répond à des photographies de vêtements."""
    classifier = Classifier(PHOTO_MODEL, models_dir=models_dir)
    results = [*classifier.classify([str(path) for path in pictures.paths])]
    right = np.array([each.best for each in results]) == pictures.labels + NUM_OBJECTS
    sure = np.array([each.familiar for each in results])
    return {
        "num_images": len(right),
        "accuracy": float(right.mean()),
        "doubted": float((~sure).mean()),
        "wrong_and_sure": float((sure & ~right).mean()),
    }


def main(argv: list[str] | None = None) -> int:
    """Ajoute les vêtements au réseau des photos."""
    parser = FrenchParser(prog="python -m recipes.clothes", description=__doc__.splitlines()[0])
    parser.add_argument("--models-dir", metavar="DOSSIER", type=Path, default=MODELS_DIR)
    models_dir = parser.parse_args(argv).models_dir

    def body() -> int:
        content = (models_dir / f"{PHOTO_MODEL}.tflite").read_bytes()
        parts, (thumbnails, tests) = clothes.load_clothes(), sources.load_cifar10()
        train = parts["train"]
        found = [
            extract(content, read_squares(train.paths, zoom=zoom, mirror=mirror))
            for zoom, mirror in VIEWS
        ]
        found.append(
            extract(content, photos.enlarge(thumbnails[0][:NUM_THUMBNAILS], photos.IMAGE_PX))
        )
        garments = np.tile(train.labels + NUM_OBJECTS, len(VIEWS))
        y = np.concatenate([garments, thumbnails[1][:NUM_THUMBNAILS, 0]])
        weight = np.where(y < NUM_OBJECTS, OBJECT_WEIGHT, 1 / len(VIEWS))
        network = saving.load_model(PHOTO_MODEL, models_dir=models_dir)
        objects = [each[..., :NUM_OBJECTS] for each in network.layers[-1].get_weights()]
        network = widen(network, *learn(np.concatenate(found), y, weight, objects))
        report = reports.read_report(PHOTO_MODEL, models_dir=models_dir)
        report.classes = [*sources.CIFAR10_CLASSES, *clothes.CLASSES_FR]
        report.classes_fr = [*sources.CIFAR10_CLASSES_FR, *clothes.CLASSES_FR.values()]
        report.num_parameters = network.count_params()
        report.garments = {"first": NUM_OBJECTS, "sure": SURE}
        report.familiarity = None  # `recipes.familiarity` la remettra
        light = export.export_litert(network, weights="int8")
        report.export_accuracy = export.export_accuracy(
            light, photos.enlarge(tests[0], photos.IMAGE_PX), tests[1]
        )
        saved = (network, PHOTO_MODEL, report)
        saving.save_model(*saved, export=(light, "int8"), models_dir=models_dir)
        report.details["clothes"] = {
            "command": "python -m recipes.clothes",
            **{part: measure(parts[part], models_dir) for part in ("validation", "test")},
        }
        saving.save_model(*saved, export=(light, "int8"), models_dir=models_dir)
        shown = percent(report.details["clothes"]["test"]["accuracy"])
        print(f"Photographies de test de {clothes.NAME} : {shown} bien nommées.")
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
