"""Fashion-MNIST : les couches imposées, instruites par un réseau plus profond.

Commande : python -m recipes.garments
Résultat mesuré : models/garments.json, 94,64 %, deux graines ; docs/laboratoire/records.md
raconte d'où l'on vient.

Étapes, par graine :

1. un maître de neuf convolutions apprend les étiquettes ;
2. le réseau de l'énoncé apprend ce que le maître répond à des copies déformées du jeu. Il n'a pas
   de dropout : un élève dont le maître répond à des images toujours déformées n'apprend pas par
   cœur, et il lui manque plutôt de quoi tout retenir.

Rien du maître ne reste dans le modèle.

Source : Jordan, arXiv 2404.00498, 2024 (le maître), et « Muon », 2024 ; Hinton, Vinyals et Dean,
arXiv 1503.02531, 2015, et Beyer et al., arXiv 2106.05237, 2021 (imiter un maître).
"""

import keras
from keras import layers

from convnets.datasets import sources
from convnets.training.augmentation import alternate_mirror, cutout, random_crop
from recipes import network
from recipes.training import distillation, runner, views
from recipes.training.optimizers import Muon, triangular
from recipes.training.stages import Stages

SLUG = "garments"
FILTERS, DENSE_UNITS = (64, 128, 256), 256
EPOCHS, BATCH_SIZE, NUM_VAL = 36, 128, 2000
PEAK_RATE, WEIGHT_DECAY = 0.1, 5e-3  # pour un lot de 128 images
EPOCHS_PER_COPY, TRANSLATE_PX = 6, 1  # les vêtements sont déjà centrés : plus serait inutile

TEACHER_WIDTHS, TEACHER_DEPTH = (64, 256, 304), 3
TEACHER_EPOCHS, TEACHER_BATCH_SIZE = 16, 512
TEACHER_PEAK_RATE, TEACHER_WEIGHT_DECAY = 1.465e-3, 8.87e-3  # par image du lot
TEACHER_KERNEL_FACTOR = 0.08  # le pas d'un noyau : voir `Muon`
TEACHER_SMOOTHING, TEACHER_TRANSLATE_PX, TEACHER_CUTOUT_PX = 0.1, 2, 8
MEAN, STD = (0.2860,), (0.3530,)  # de Fashion-MNIST, dans [0, 1]


def build_model() -> keras.Model:
    """Construit le réseau de l'énoncé : images uint8 `(n, 28, 28)` → probabilités `(n, 10)`."""
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)
    x = layers.Reshape((28, 28, 1))(x)
    x = layers.Conv2D(FILTERS[0], 5, padding="same", use_bias=False)(x)  # (n, 28, 28, 64)
    x = _normalise(layers.MaxPooling2D(2)(x))  # après le pooling : quatre fois moins de valeurs
    x = layers.Conv2D(FILTERS[1], 3, padding="same", use_bias=False)(x)  # (n, 14, 14, 128)
    x = _normalise(layers.MaxPooling2D(2)(x))
    x = layers.Conv2D(FILTERS[2], 3, padding="same", use_bias=False)(x)  # (n, 7, 7, 256)
    x = layers.Flatten()(_normalise(x))  # (n, 12544)
    x = _normalise(layers.Dense(DENSE_UNITS, use_bias=False)(x))
    outputs = layers.Dense(10, activation="softmax", dtype="float32")(x)
    return keras.Model(images, outputs, name=SLUG)


def _normalise(x):
    return layers.Activation("gelu")(layers.BatchNormalization(momentum=0.9)(x))


def build_teacher() -> keras.Model:
    """Construit le maître, de mêmes entrées et sorties que l'élève."""
    return network.build(
        TEACHER_WIDTHS, TEACHER_DEPTH, name="fashion_teacher", mean=MEAN, std=STD, side_px=28
    )


def mirror(images, *, indices, epoch, rng):
    """Retourne une image sur deux ; la réponse du maître est celle des deux sens."""
    flipped = rng.random(len(images)) < 0.5
    images[flipped] = images[flipped, :, ::-1]
    return images


def augment(images, *, indices, epoch, rng):
    """Translate, retourne une image sur deux, l'autre moitié l'époque suivante, efface un carré."""
    images = random_crop(images[..., None], pad=TEACHER_TRANSLATE_PX, rng=rng)
    images = alternate_mirror(images, indices, epoch)
    return cutout(images, TEACHER_CUTOUT_PX, rng=rng)[..., 0]


def learn_teacher(train, val, *, seed: int, options, stages: Stages) -> keras.Model:
    """Apprend le maître, dans le format de l'entraînement."""
    model = runner.build(build_teacher, seed=seed, precision=options.precision)
    network.whiten(model, train[0])
    batch_size = options.batch_size or TEACHER_BATCH_SIZE
    peak = TEACHER_PEAK_RATE * batch_size
    distillation.learn_labels(
        model,
        train,
        val,
        stages=stages,
        name="teacher",
        seed=seed,
        epochs=min(TEACHER_EPOCHS, options.epochs),  # un essai court le reste
        optimizer=triangular(
            Muon,
            peak,
            weight_decay=TEACHER_WEIGHT_DECAY,
            kernel_factor=TEACHER_KERNEL_FACTOR,
            kernel_dtype=model.compute_dtype,
        ),
        smoothing=TEACHER_SMOOTHING,
        batch_size=batch_size,
        augment=augment,
    )
    return model


def train(learned, val, *, seed: int, options, stages: Stages):
    """Apprend un maître puis son élève ; rend l'élève en float32 et ses courbes."""
    teacher = learn_teacher(learned, val, seed=seed, options=options, stages=stages)
    model = runner.build(build_model, seed=seed, precision=options.precision)
    dtype = model.compute_dtype
    history = distillation.learn_answers(
        model,
        teacher,
        learned,
        val,
        stages=stages,
        name="pupil",
        seed=seed,
        epochs=options.epochs,
        optimizer=triangular(Muon, PEAK_RATE, weight_decay=WEIGHT_DECAY, kernel_dtype=dtype),
        smoothing=0.0,  # les réponses du maître ne sont déjà pas tout ou rien
        batch_size=options.batch_size or BATCH_SIZE,
        augment=mirror,
        translate_px=TRANSLATE_PX,
        copies=max(1, options.epochs // EPOCHS_PER_COPY),
    )
    return runner.to_ship(model, build_model()), history


def make_recipe() -> runner.Recipe:
    """Rend la recette, données chargées."""
    return runner.Recipe(
        dataset=sources.load_fashion_mnist(),
        num_val=NUM_VAL,
        train=train,
        evaluate=views.evaluate_one_pass,
        classes=sources.FASHION_CLASSES,
        classes_fr=sources.FASHION_CLASSES_FR,
        headline={"accuracy": "exactitude sur Fashion-MNIST, couches imposées"},
        report={"targets": distillation.TARGETS},
    )


def main(argv: list[str] | None = None) -> int:
    """Refait `garments`, une graine après l'autre."""
    parser = runner.make_parser(SLUG, __doc__, epochs=EPOCHS, seeds=2)
    return runner.launch(parser.parse_args(argv), make_recipe)


if __name__ == "__main__":
    raise SystemExit(main())
