"""Fashion-MNIST : reconnaître des vêtements avec un réseau de convolution imposé.

Document : Jour 04, exercice 2 « Fashion 2.0 ».
Commande : python -m exercises.ex02_fashion
Résultat mesuré : models/ex02_fashion.json, repris dans le tableau du README.

L'énoncé impose l'ordre convolution → max-pooling → convolution → max-pooling →
convolution → dense → sortie, et laisse libres les tailles, les pas et les filtres.

Un réseau plus profond (`ex02_teacher`) a appris les mêmes vêtements ; celui de l'énoncé apprend
ses réponses (`ex02_lessons`). `--teacher none` s'en passe : les étiquettes seules.
"""

import keras
import numpy as np
from keras import layers

from convnets.core import paths
from convnets.core.cli import run, training_parser
from convnets.datasets import sources
from convnets.figures.style import save_mistakes, save_training_figures
from convnets.training import lessons, study
from convnets.training.optimizers import Lookahead, Muon, Triangle
from exercises import ex02_lessons

class_names = sources.FASHION_CLASSES  # les dix noms de l'énoncé

FILTERS = (64, 128, 256)  # de plus en plus de motifs, sur des cartes de plus en plus petites
DENSE_UNITS = 256
EPOCHS = 30
BATCH_SIZE = 128
NUM_VAL = 2000  # images retirées de l'entraînement ; elles choisissent la graine livrée
PEAK_RATE = 0.1  # taux d'apprentissage maximal, pour un lot de 128 images
MOMENTUM = 0.85
WEIGHT_DECAY = 5e-3
LABEL_SMOOTHING = 0.1  # sans maître ; avec lui, ses réponses ne sont déjà pas tout ou rien
TRANSLATE_PX = 1  # les vêtements sont déjà centrés : plus serait inutile
TEACHER = "ex02_teacher"  # le modèle livré qui enseigne


# --- Question : respecter l'architecture --------------------------------------------


def build_model() -> keras.Model:
    """Construit le réseau de l'énoncé.

    Ce qui est ajouté entre les couches imposées, et pourquoi :

    - `Rescaling` : les pixels 0–255 passent dans [-1, 1], une fois pour toutes ;
    - `BatchNormalization` : l'apprentissage supporte un pas plus grand, et le décalage
      qu'elle apprend remplace le biais de la couche. Placée après le max-pooling, elle a
      quatre fois moins de valeurs à traiter ;
    - `gelu` : sans fonction non linéaire, trois convolutions de suite n'en feraient qu'une ;
    - `Flatten` avant la couche dense.

    Sans `Dropout` : un élève dont le maître répond à des images toujours déformées n'apprend pas
    par cœur, et il lui manque plutôt de quoi tout retenir.

    Returns:
        Modèle : images uint8 `(n, 28, 28)` → probabilités `(n, 10)` float32.
    """
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)
    x = layers.Reshape((28, 28, 1))(x)
    x = layers.Conv2D(FILTERS[0], 5, padding="same", use_bias=False)(x)  # (n, 28, 28, 64)
    x = layers.MaxPooling2D(2)(x)  # (n, 14, 14, 64)
    x = _normalise(x)
    x = layers.Conv2D(FILTERS[1], 3, padding="same", use_bias=False)(x)  # (n, 14, 14, 128)
    x = layers.MaxPooling2D(2)(x)  # (n, 7, 7, 128)
    x = _normalise(x)
    x = layers.Conv2D(FILTERS[2], 3, padding="same", use_bias=False)(x)  # (n, 7, 7, 256)
    x = _normalise(x)
    x = layers.Flatten()(x)  # (n, 12544)
    x = layers.Dense(DENSE_UNITS, use_bias=False)(x)
    x = _normalise(x)
    outputs = layers.Dense(10, activation="softmax", dtype="float32")(x)
    return keras.Model(images, outputs, name="ex02_fashion")


def _normalise(x):
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.Activation("gelu")(x)


# --- Question : l'entraîner ---------------------------------------------------------


def augment(images, *, indices, epoch, rng):
    """Translate de ±1 pixel et retourne une image sur deux : le vêtement reste le même."""
    images = study.random_crop(images[..., None], pad=TRANSLATE_PX, rng=rng)[..., 0]
    flipped = rng.random(len(images)) < 0.5
    images[flipped] = images[flipped, :, ::-1]
    return images


def train(x_train, y_train, x_val, y_val, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Entraîne un réseau ; rend le modèle en float32 et ses courbes."""
    model = study.build(build_model, seed=seed, precision=options.precision)
    batch_size = options.batch_size or BATCH_SIZE
    batches = study.Batches(
        x_train,
        keras.utils.to_categorical(y_train, 10),
        batch_size=batch_size,
        seed=seed,
        augment=augment,
    )
    smoothing, name = LABEL_SMOOTHING, ""
    if options.teacher != "none":
        batches, smoothing, name = ex02_lessons.taught(batches, options=options), 0.0, "taught"
    steps = options.epochs * len(batches)
    model.compile(
        Muon(
            Triangle(PEAK_RATE, steps),
            momentum=MOMENTUM,
            nesterov=True,
            weight_decay=WEIGHT_DECAY,
            kernel_dtype=model.compute_dtype,
        ),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=smoothing),
        metrics=["accuracy"],
        jit_compile=study.JIT_COMPILE,
    )
    history = study.fit(
        model,
        batches,
        epochs=options.epochs,
        resume=options.resume,
        checkpoint=paths.checkpoint_path(options, seed, network=name),
        callbacks=[Lookahead(steps)],
        validation_data=(x_val, keras.utils.to_categorical(y_val, 10)),
        validation_batch_size=500,
    )
    shipped = build_model()  # les mêmes poids, en float32
    shipped.set_weights(model.get_weights())
    return shipped, history


# --- Question : ce qu'il vaut -------------------------------------------------------


def evaluate(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure la précision en une seule passe, sans moyenner de vues."""
    probabilities = model.predict(x, batch_size=500, verbose=0)
    accuracy = float(np.mean(probabilities.argmax(1) == y.reshape(-1)))
    return {"accuracy": accuracy, "probabilities": probabilities}


def show(options, report, x_test, y_test, probabilities) -> None:
    """Écrit courbes, matrice de confusion et erreurs les plus sûres d'elles."""
    save_training_figures(options, report, x_test, y_test, probabilities)
    save_mistakes(options, report, x_test, y_test, probabilities)


def main(argv: list[str] | None = None) -> int:
    """Entraîne sur plusieurs graines, garde la meilleure en validation, écrit le compte rendu."""
    parser = training_parser("ex02_fashion", __doc__.splitlines()[0], epochs=EPOCHS, seeds=3)
    parser.add_argument(
        "--teacher",
        choices=[TEACHER, "none"],
        default=TEACHER,
        help="réseau qui enseigne (none : aucun, les étiquettes seules)",
    )
    options = parser.parse_args(argv)
    if options.teacher != TEACHER:
        options.command = f"ex02_fashion --teacher {options.teacher}"
    more = {"targets": lessons.TARGETS} if options.teacher == TEACHER else {}
    return run(
        lambda: study.run_seeds(
            options,
            dataset=sources.load_fashion_mnist(),
            num_val=NUM_VAL,
            train=train,
            evaluate=evaluate,
            classes=class_names,
            classes_fr=sources.FASHION_CLASSES_FR,
            on_saved=show,
            describe=lambda runs: more,
        )
    )


if __name__ == "__main__":
    raise SystemExit(main())
