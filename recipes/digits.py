"""MNIST : LeNet et ses 61 706 paramètres, instruits par un réseau plus profond.

Commande : python -m recipes.digits
Résultat mesuré : models/digits.json, 0,36 % d'erreur en une passe, 0,31 % en moyennant
sept vues, deux graines ; docs/laboratoire/records.md raconte d'où l'on vient.

Étapes, par graine :

1. un maître de six convolutions apprend les étiquettes de chiffres déformés comme une autre main
   les aurait écrits ;
2. LeNet apprend ce que le maître répond à des copies déformées du jeu, une par époque, à tour de
   rôle. Il ne reste rien du maître dans le modèle. Les poids gardés sont une moyenne glissante sur
   la fin de l'entraînement.

Source : LeCun, Bottou, Bengio et Haffner, Proc. IEEE 86(11), 1998, figure 2 ; Simard, Steinkraus et
Platt, ICDAR, 2003 (déformer les chiffres) ; Hinton, Vinyals et Dean, arXiv 1503.02531, 2015, et
Beyer et al., arXiv 2106.05237, 2021 (imiter un maître) ; Jordan, arXiv 2404.00498, 2024 (le
maître). Un nombre fini de copies est notre approximation.
"""

import keras
import numpy as np
from keras import ops

from convnets.datasets import sources
from convnets.training.augmentation import Distortion, random_warp
from exercises.ex04_lenet import build_lenet as build_model
from recipes import network
from recipes.training import distillation, runner, views
from recipes.training.optimizers import FastBetaSGD, triangular
from recipes.training.stages import Stages

SLUG = "digits"
EPOCHS, BATCH_SIZE, NUM_VAL = 300, 256, 5000
PEAK_RATE, WEIGHT_DECAY = 3e-3, 0.05
WARMUP = 0.05  # part de l'entraînement où le taux monte, avant de suivre un cosinus
EMA_SHARE = 0.05  # part de l'entraînement sur laquelle les poids sont moyennés
DISTORTION = Distortion(
    rotation_deg=10, log_zoom=0.1, shear=0.1, shift_px=1, elastic_px=12, smoothing_px=4
)
GENTLE = Distortion(*(each / 2 for each in DISTORTION[:-1]), DISTORTION.smoothing_px)
COPIES = 16  # une sur deux déformée deux fois moins, plus près des chiffres à lire
TEMPERATURE = 3.0  # à 1, les réponses du maître seraient presque tout ou rien

TEACHER_WIDTHS, TEACHER_DEPTH = (32, 64, 96), 2
TEACHER_EPOCHS, TEACHER_BATCH_SIZE = 12, 512
TEACHER_PEAK_RATE, TEACHER_WEIGHT_DECAY = 1.465e-3, 8.87e-3  # par image du lot
TEACHER_SMOOTHING = 0.0  # un maître lissé instruit moins bien : Müller et al., arXiv 1906.02629
MEAN, STD = (0.1307,), (0.3081,)  # de MNIST, dans [0, 1]


def build_teacher() -> keras.Model:
    """Construit le maître, de mêmes entrées et sorties que LeNet."""
    return network.build(
        TEACHER_WIDTHS, TEACHER_DEPTH, name="digit_teacher", mean=MEAN, std=STD, side_px=28
    )


def augment(images, *, indices, epoch, rng):
    """Déforme les chiffres comme une autre main les aurait écrits."""
    return random_warp(images, DISTORTION, rng=rng)


def copy(x: np.ndarray, number: int) -> np.ndarray:
    """Fabrique une copie déformée du jeu, toujours la même pour un même numéro."""
    distortion = GENTLE if number % 2 else DISTORTION
    return random_warp(x, distortion, rng=np.random.default_rng([number, 3]))


def make_optimizer(steps: int) -> keras.optimizers.AdamW:
    """Rend un AdamW dont le taux monte puis suit un cosinus, et qui moyenne les poids."""
    warmup = int(WARMUP * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        PEAK_RATE / 20, steps - warmup, warmup_target=PEAK_RATE, warmup_steps=warmup
    )
    momentum = max(0.0, 1 - 1 / (EMA_SHARE * steps))
    return keras.optimizers.AdamW(
        schedule, weight_decay=WEIGHT_DECAY, use_ema=True, ema_momentum=momentum
    )


def soften(probabilities):
    """Rapproche des probabilités `(n, 10)` : celles de leurs scores divisés par `TEMPERATURE`."""
    powers = ops.power(ops.clip(probabilities, 1e-7, 1.0), 1 / TEMPERATURE)
    return powers / ops.sum(powers, axis=-1, keepdims=True)


def resemblance(wanted, found):
    """La perte de l'élève : l'entropie croisée des réponses, adoucies.

    Args:
        wanted: ce que le maître répond, déjà adouci, `(n, 10)`.
        found: ce que l'élève répond, `(n, 10)`.

    Returns:
        `(n,)`. La température divise le gradient par son carré ; la perte est donc multipliée par
        ce carré.
    """
    return TEMPERATURE**2 * keras.losses.categorical_crossentropy(wanted, soften(found))


def learn_teacher(train, val, *, seed: int, options, stages: Stages) -> keras.Model:
    """Apprend le maître, dans le format de l'entraînement."""
    # Le maître est assez grand pour aller plus vite en bfloat16, si le processeur s'y prête.
    model = runner.build(build_teacher, seed=seed, precision="auto")
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
        optimizer=triangular(FastBetaSGD, peak, weight_decay=TEACHER_WEIGHT_DECAY),
        smoothing=TEACHER_SMOOTHING,
        batch_size=batch_size,
        augment=augment,
    )
    return model


def answers(teacher: keras.Model, copies: np.ndarray) -> np.ndarray:
    """Rend ce que le maître répond à des copies, adouci : `(copies, n, 10)` float32, en cache."""

    def ask(number: int) -> np.ndarray:
        print(f"Le maître répond à la copie {number + 1} sur {len(copies)}.", flush=True)
        return np.asarray(soften(teacher.predict(copies[number], batch_size=500, verbose=0)))

    return distillation.remember(
        teacher,
        [copies],
        f"{TEMPERATURE}",
        lambda: np.stack([ask(number) for number in range(len(copies))]),
    )


def train(learned, val, *, seed: int, options, stages: Stages):
    """Apprend un maître puis LeNet ; rend LeNet en float32 et ses courbes."""
    model = runner.build(build_model, seed=seed, precision=options.precision)
    teacher = learn_teacher(learned, val, seed=seed, options=options, stages=stages)
    count = min(COPIES, options.epochs)
    copies = np.stack([copy(learned[0], number) for number in range(count)])
    lessons = [*zip(copies, answers(teacher, copies), strict=True)]
    batch_size = options.batch_size or BATCH_SIZE
    history = stages.fit(
        model,
        distillation.Lessons(lessons, batch_size=batch_size, seed=seed),
        (val[0], keras.utils.to_categorical(val[1], 10)),
        name="pupil",
        seed=seed,
        epochs=options.epochs,
        optimizer=make_optimizer,
        loss=resemblance,
        asked=(teacher, count * len(learned[0])),
    )
    # `fit` le fait en finissant, mais pas une reprise qui n'avait plus d'époque à faire.
    model.optimizer.finalize_variable_values(model.trainable_variables)
    shipped = build_model()  # les mêmes poids, en float32
    shipped.set_weights(model.get_weights())
    return shipped, history


def make_recipe() -> runner.Recipe:
    """Rend la recette, données chargées."""
    return runner.Recipe(
        dataset=sources.load_mnist(),
        num_val=NUM_VAL,
        train=train,
        evaluate=views.evaluate_digits,
        classes=sources.MNIST_CLASSES,
        classes_fr=sources.MNIST_CLASSES,
        headline={
            "error": "taux d'erreur de LeNet sur MNIST, en une passe",
            "error_tta": "le même, en moyennant sept vues de chaque chiffre",
        },
        report={"framing": "digit", "num_views": views.NUM_DIGIT_VIEWS},  # pour ./predict
    )


def main(argv: list[str] | None = None) -> int:
    """Refait `digits`, une graine après l'autre."""
    parser = runner.make_parser(SLUG, __doc__, epochs=EPOCHS, seeds=2)
    parser.set_defaults(precision="float32")  # mesuré : aussi petit, il ne gagne rien en bfloat16
    return runner.launch(parser.parse_args(argv), make_recipe)


if __name__ == "__main__":
    raise SystemExit(main())
