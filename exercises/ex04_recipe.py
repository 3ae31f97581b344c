"""Le meilleur de LeNet : la recette d'aujourd'hui, et un maître plus large à imiter.

D'après : TD « keras & réseaux de neurones convolutionnels », question 1.
Commande : python -m exercises.ex04_lenet

Un thème de l'exercice 04, dont l'entrée est `ex04_lenet` ; la recette simple est dans
`ex04_comparison`.

Le maître est un LeNet qui a `TEACHER_WIDTH` fois plus de cartes et de neurones. Il apprend le
premier, par la même recette ; LeNet apprend ensuite ce que le maître répond aux mêmes chiffres
déformés. Il n'en reste rien dans le modèle livré, qui garde ses 61 706 paramètres.

Source : Simard, Steinkraus et Platt, ICDAR, 2003 (déformer les chiffres) ; Hinton, Vinyals et Dean,
arXiv 1503.02531, 2015 (imiter un plus grand réseau).
"""

from collections.abc import Callable
from functools import partial

import keras

from convnets.core import paths
from convnets.training import distillation, study
from convnets.training.augmentation import Distortion, random_warp

EPOCHS = 150
BATCH_SIZE = 128
PEAK_RATE = 2e-3
WARMUP = 0.05  # part de l'entraînement où le pas monte, avant de suivre un cosinus
WEIGHT_DECAY = 0.05
EMA_SHARE = 0.05  # les poids livrés sont une moyenne glissante sur cette part de l'entraînement
DISTORTION = Distortion(
    rotation_deg=10, log_zoom=0.1, shear=0.1, shift_px=1, elastic_px=12, smoothing_px=4
)
TEACHER_WIDTH = 4
TEACHER_EPOCHS = 40
TEACHER_SHARE = 0.9  # part de sa réponse dans la perte ; le reste : les étiquettes
TEMPERATURE = 3.0  # à 1, ses réponses seraient presque tout ou rien


# --- Question 1 : le meilleur de LeNet, avec une recette d'aujourd'hui ---------------


def augment(images, *, indices, epoch, rng):
    """Déforme les chiffres comme une autre main les aurait écrits."""
    return random_warp(images, DISTORTION, rng=rng)


def train(
    build_model: Callable[..., keras.Model], x_train, y_train, x_val, y_val, *, seed: int, options
) -> tuple[keras.Model, dict]:
    """Entraîne LeNet par la recette moderne.

    Args:
        build_model: `build_model(width=1)` construit LeNet, `width` fois plus large.
        x_train: images uint8 `(n, 28, 28)`.
        y_train: étiquettes `(n,)`.
        x_val: images `(m, 28, 28)` que ni LeNet ni son maître n'apprennent.
        y_val: leurs étiquettes `(m,)`.
        seed: graine. Le maître est le même pour toutes : la graine 0 l'entraîne.
        options: celles de l'exercice.

    Returns:
        `(modèle, courbes)` ; le modèle calcule en float32.

    Raises:
        ValueError: moins d'images qu'un lot.
    """
    fit = partial(_fit, data=(x_train, y_train), val=(x_val, y_val), options=options)
    network = learner = study.build(build_model, seed=seed, precision=options.precision)
    if options.teacher == "wide":
        # Lui est assez grand pour gagner du temps en bfloat16, là où l'on en gagne.
        teacher = study.build(partial(build_model, width=TEACHER_WIDTH), seed=0, precision="auto")
        print(f"Le maître, un LeNet {TEACHER_WIDTH} fois plus large :", flush=True)
        epochs = min(TEACHER_EPOCHS, options.epochs)  # un essai court le reste
        fit(teacher, seed=0, epochs=epochs, resume=options.resume or seed > 0, name="teacher")
        learner = distillation.Student(
            network, teacher, share=TEACHER_SHARE, temperature=TEMPERATURE
        )
    history = fit(learner, seed=seed, epochs=options.epochs, resume=options.resume)
    shipped = build_model()  # les mêmes poids, en float32
    shipped.set_weights(network.get_weights())
    return shipped, history


def _fit(model, *, data, val, options, seed: int, epochs: int, resume: bool, name: str = ""):
    batches = study.Batches(
        *data, batch_size=options.batch_size or BATCH_SIZE, seed=seed, augment=augment
    )
    steps = epochs * len(batches)
    warmup = int(WARMUP * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        PEAK_RATE / 20, steps - warmup, warmup_target=PEAK_RATE, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.AdamW(
            schedule,
            weight_decay=WEIGHT_DECAY,
            use_ema=True,
            ema_momentum=max(0.0, 1 - 1 / (EMA_SHARE * steps)),
        ),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=study.JIT_COMPILE,
    )
    history = study.fit(
        model,
        batches,
        epochs=epochs,
        resume=resume,
        verbose=2,
        checkpoint=paths.checkpoint_path(options, seed, network=name),
        validation_data=val,
        validation_batch_size=500,
    )
    # `fit` le fait en finissant, mais pas une reprise qui n'avait plus d'époque à faire.
    model.optimizer.finalize_variable_values(model.trainable_variables)
    return history
