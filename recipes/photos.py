"""Les photos : une tête de dix classes sur InceptionV3, appris sur de vraies photos.

Commande : python -m recipes.photos, puis ./predict photo.jpg
Résultat : 92,91 % en une passe, sur les vignettes agrandies (trois graines, vingt minutes).

Les réseaux de CIFAR-10 n'ont appris que des vignettes de 32 pixels de côté, et ne voient d'une
photo que ce que la réduction leur laisse. Ici, les vignettes sont agrandies à 192 pixels,
InceptionV3, coupé après mixed8, les décrit, et une tête apprend à les nommer. Elle nomme moins
bien les vignettes, qui n'ont pas ces détails, et bien mieux les photos : `./predict` les lui donne
(docs/laboratoire/cadrage.md). La base et la tête sont livrées ensemble, en un seul réseau.

Source : Yosinski et al., « How transferable are features in deep neural networks? »,
arXiv 1411.1792, 2014.
"""

import hashlib
from functools import partial

import keras
import numpy as np
from keras import layers
from PIL import Image

from convnets.core.cli import agreed
from convnets.core.images import crop_resize
from convnets.core.paths import BASE_NAME
from convnets.datasets import pretrained, sources
from convnets.datasets.cache import cached_array
from convnets.training import cost, export, lesson
from convnets.training.batches import Batches
from recipes.training import runner, views
from recipes.training.stages import Stages

SLUG = "photos"
# Les deux ont été choisis sur les images de validation (docs/laboratoire/cadrage.md).
IMAGE_PX, LAYER = 192, "mixed8"
EPOCHS, BATCH_SIZE, NUM_VAL = 20, 500, 2000
LOT = 100  # vignettes agrandies à la fois
LEARNING_RATE = 1e-3  # celui d'Adam par défaut
L2 = 3e-3  # pénalité sur les poids de la couche dense, choisie sur les images de validation
# Comment `./predict` regarde une photo (docs/laboratoire/cadrage.md) : un coup d'œil à l'image
# entière, plus petite ; s'il n'est pas sûr, une vue, puis deux, moyennées.
GLANCE = {"side_px": 144, "sure": 0.95}
VIEWS = [["crop", 1.0], ["crop", 0.7]]


def enlarge(images: np.ndarray, side_px: int) -> np.ndarray:
    """Agrandit des vignettes uint8 `(n, h, h, 3)` comme `./predict` ; 1,1 Go pour 10 000 à 192."""
    return np.stack([crop_resize(Image.fromarray(image), side_px) for image in images])


def extract(images: np.ndarray, extractor: keras.Model, *, base_sha256: str) -> np.ndarray:
    """Rend les caractéristiques de vignettes, calculées une fois pour toutes.

    Args:
        images: uint8 `(n, h, h, 3)`.
        extractor: modèle de `pretrained.features_model`, images uint8 `(n, px, px, 3)`.
        base_sha256: empreinte des poids de la base.

    Returns:
        float32 `(n, c)` ; le cache les garde en float16, sans effet sur la tête : 128 Mo pour
        50 000 images.
    """
    content, side_px = hashlib.sha256(images.tobytes()).hexdigest(), extractor.input_shape[1]

    def compute() -> np.ndarray:
        lots = (images[i : i + LOT] for i in range(0, len(images), LOT))
        found = [extractor.predict_on_batch(enlarge(few, side_px)) for few in lots]
        return np.concatenate(found).astype(np.float16)

    key = f"{content} agrandies à {side_px} px {LAYER} {base_sha256} float16"
    x, duration_s = cached_array("ex05", key, compute)
    how = "relues du cache" if duration_s is None else f"calculées en {duration_s:.0f} s, gardées"
    print(f"Caractéristiques de {agreed(len(x), 'image')} : {how}.", flush=True)
    return x.astype(np.float32)


def build_head(x_train: np.ndarray) -> keras.Model:
    """Construit la tête : caractéristiques `(n, c)` centrées et réduites → probabilités `(n, 10)`.

    Args:
        x_train: caractéristiques d'entraînement ; elles fixent la normalisation.
    """
    features = keras.Input((x_train.shape[1],))
    x = layers.Normalization(mean=x_train.mean(0), variance=x_train.var(0))(features)
    # Une caractéristique qui ne varie pas à l'entraînement garde un poids nul.
    vote = layers.Dense(
        10,
        activation="softmax",
        kernel_initializer="zeros",
        kernel_regularizer=keras.regularizers.L2(L2),
    )
    return keras.Model(features, vote(x), name=SLUG)


def train(learned, val, *, seed: int, options, stages: Stages):
    """Entraîne une tête sur des caractéristiques ; rend le modèle et ses courbes."""
    labels, wanted = (keras.utils.to_categorical(y, 10) for _, y in (learned, val))
    batch_size = options.batch_size or BATCH_SIZE
    head = runner.build(lambda: build_head(learned[0]), seed=seed, precision="float32")
    return head, stages.fit(
        head,
        Batches(learned[0], labels, batch_size=batch_size, seed=seed, augment=None),
        (val[0], wanted),
        name="head",
        seed=seed,
        epochs=options.epochs,
        optimizer=lambda steps: keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
        ),
        loss="categorical_crossentropy",
    )


def make_recipe(options) -> runner.Recipe:
    """Rend la recette, caractéristiques calculées : base et tête sont livrées ensemble."""
    export.check_tensorflow(movable=False)
    base, provenance = pretrained.inception_v3(input_px=IMAGE_PX)
    extractor = pretrained.features_model(base, layer_name=LAYER)
    print(f"Base : {provenance.source}.\n{provenance.note}".rstrip(), flush=True)
    images = [(x[: options.limit], y[: options.limit]) for x, y in sources.load_cifar10()]
    features = [(extract(x, extractor, base_sha256=provenance.sha256), y) for x, y in images]

    def assemble(head: keras.Model, num_val: int) -> tuple:
        _, (x_val, _) = sources.split_validation(*images[0], num_val=num_val, seed=0)
        network = pretrained.join(base, head, layer_name=LAYER)
        lesson.round_weights(network)
        return network, enlarge(x_val, IMAGE_PX), enlarge(images[1][0], IMAGE_PX)

    derived = {"name": BASE_NAME, "input_px": IMAGE_PX, "layer": LAYER}
    derived |= {"sha256": provenance.sha256, "source": provenance.source}
    return runner.Recipe(
        dataset=features,
        num_val=NUM_VAL,
        train=train,
        evaluate=views.evaluate_one_pass,
        classes=sources.CIFAR10_CLASSES,
        classes_fr=sources.CIFAR10_CLASSES_FR,
        headline={"accuracy": "exactitude sur CIFAR-10 agrandi à 192 pixels, base d'ImageNet"},
        report={
            "data_sha256": sources.dataset_sha256(images),
            "views": VIEWS,
            "glance": GLANCE,
            "precision": "float32",
        },
        details={
            "derived_from": derived,
            "extraction_pflop": cost.inference_pflop(extractor, len(images[0][0])),
        },
        assemble=assemble,
    )


def main(argv: list[str] | None = None) -> int:
    """Refait `photos`, une graine après l'autre."""
    options = runner.make_parser(SLUG, __doc__, epochs=EPOCHS, seeds=3).parse_args(argv)
    return runner.launch(options, partial(make_recipe, options))


if __name__ == "__main__":
    raise SystemExit(main())
