"""CIFAR-10 : reconnaître dix sortes d'objets, et le faire depuis un terminal.

Document : Jour 04, exercice 3 (`./predict image.png` doit dire `Prédiction: Avion`).
Commande : python -m exercises.ex03_cifar10, puis ./predict --model runs/ex03_cifar10 avion.png
Résultat mesuré : docs/resultats.md, avec celui, plus grand, de la recette (recipes/cifar10.py).

La recette abrège celle de Jordan, « 94% on CIFAR-10 in 3.29 Seconds », arXiv 2404.00498, 2024 :
une première convolution calculée sur les données, trois groupes de deux convolutions, des
étiquettes lissées et peu d'époques.
"""

import keras
import numpy as np
from keras import layers

from convnets.core.cli import run, training_parser
from convnets.datasets import sources
from convnets.figures.style import save_training_figures
from convnets.training import study
from convnets.training.augmentation import alternate_mirror

FILTERS = (64, 128, 128)  # ceux des convolutions de chaque groupe
EPOCHS = 15
BATCH_SIZE = 512
NUM_VAL = 2000  # images retirées de l'entraînement ; elles choisissent la graine livrée
PEAK_RATE = 0.75  # taux d'apprentissage maximal
WARMUP = 0.2  # part de l'entraînement où il monte, avant de suivre un cosinus
MOMENTUM = 0.85
WEIGHT_DECAY = 9e-3
LABEL_SMOOTHING = 0.2  # viser 0,82 plutôt que 1 pour la bonne classe : des réponses moins sûres
TRANSLATE_PX = 2

MEAN = np.array([0.4914, 0.4822, 0.4465])  # moyennes des canaux de CIFAR-10, dans [0, 1]
STD = np.array([0.2470, 0.2435, 0.2616])


# --- Question : créer un modèle capable de prédire l'objet en question --------------


def whitening_kernel(x: np.ndarray) -> np.ndarray:
    """Calcule les filtres qui décorrèlent les carrés de 2×2 pixels.

    Args:
        x: images uint8 `(n, h, w, 3)`.

    Returns:
        Noyau float32 `(2, 2, 3, 24)` : les vecteurs propres de la covariance, divisés par
        l'écart-type, puis leurs opposés : ReLU laisse passer l'un ou l'autre.

    Source : Jordan, arXiv 2404.00498 (première couche, figée).
    """
    scaled = (x / 255 - MEAN) / STD
    windows = np.lib.stride_tricks.sliding_window_view(scaled, (2, 2), axis=(1, 2))
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 12)  # un carré par ligne
    values, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    kernel = vectors / np.sqrt(values + 5e-4)  # 5e-4 : ne pas amplifier le bruit
    kernel = np.concatenate([kernel, -kernel], axis=1)
    return kernel.reshape(2, 2, 3, 24).astype(np.float32)


def prepare(model: keras.Model, x: np.ndarray) -> None:
    """Donne ses filtres à la première convolution, un bon départ aux autres.

    Leurs premiers filtres recopient leur entrée : au début, rien de l'image ne se perd.
    """
    first, *others = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
    first.set_weights([whitening_kernel(x)])
    for layer in others:
        kernel = layer.get_weights()[0]  # (3, 3, c, n)
        copied = min(kernel.shape[2:])
        kernel[..., :copied] = 0
        kernel[1, 1, range(copied), range(copied)] = 1
        layer.set_weights([kernel])


def build_model() -> keras.Model:
    """Construit le réseau ; la mise à l'échelle des pixels en fait partie.

    Returns:
        Modèle : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)` float32.
    """
    images = keras.Input((32, 32, 3), dtype="uint8")
    x = layers.Rescaling(1 / (255 * STD), -MEAN / STD, dtype="float32")(images)
    x = layers.Conv2D(24, 2, use_bias=False, trainable=False, activation="relu")(x)
    for filters in FILTERS:  # (n, 15, 15, 64), (n, 7, 7, 128), (n, 3, 3, 128)
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.8, scale=False)(x))
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.8, scale=False)(x))
    x = layers.GlobalMaxPooling2D()(x)  # (n, 128)
    x = layers.Dense(10, use_bias=False)(x)
    x = layers.Rescaling(1 / 3, dtype="float32")(x)  # de petits scores : un apprentissage stable
    return keras.Model(images, layers.Softmax(dtype="float32")(x), name="ex03_cifar10")


# --- Question : l'entraîner ---------------------------------------------------------


def augment(images, *, indices, epoch, rng):
    """Translate de ±2 pixels et retourne une image sur deux, l'autre moitié l'époque suivante."""
    images = study.random_crop(images, pad=TRANSLATE_PX, rng=rng)
    return alternate_mirror(images, indices, epoch)


def train(x_train, y_train, x_val, y_val, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Entraîne un réseau, `options.epochs` époques ; rend le modèle, en float32, et ses courbes."""
    model = study.build(build_model, seed=seed, precision=options.precision)
    prepare(model, x_train[:5000])
    labels, val_labels = (keras.utils.to_categorical(y, 10) for y in (y_train, y_val))
    size = options.batch_size or BATCH_SIZE
    batches = study.Batches(x_train, labels, batch_size=size, seed=seed, augment=augment)
    steps = options.epochs * len(batches)
    warmup = int(WARMUP * steps)
    rate = keras.optimizers.schedules.CosineDecay(
        0.2 * PEAK_RATE, steps - warmup, warmup_target=PEAK_RATE, warmup_steps=warmup
    )
    optimizer = keras.optimizers.SGD(rate, MOMENTUM, nesterov=True, weight_decay=WEIGHT_DECAY)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=LABEL_SMOOTHING)
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=study.JIT_COMPILE)
    history = study.fit(model, batches, options=options, validation_data=(x_val, val_labels))
    return study.to_ship(model, build_model()), history


# --- Question : ce qu'il vaut -------------------------------------------------------


def evaluate(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure l'exactitude en une seule passe, sans moyenner de vues."""
    probabilities = model.predict(x, batch_size=500, verbose=0)
    accuracy = float(np.mean(probabilities.argmax(1) == y.reshape(-1)))
    return {"accuracy": accuracy, "probabilities": probabilities}


def main(argv: list[str] | None = None) -> int:
    """Entraîne, mesure et enregistre le réseau, écrit le compte rendu et les figures."""
    parser = training_parser("ex03_cifar10", __doc__.splitlines()[0], epochs=EPOCHS)
    options = parser.parse_args(argv)
    return run(
        lambda: study.run_seeds(
            options,
            dataset=sources.load_cifar10(),
            num_val=NUM_VAL,
            train=train,
            evaluate=evaluate,
            classes=sources.CIFAR10_CLASSES,
            classes_fr=sources.CIFAR10_CLASSES_FR,
            on_saved=save_training_figures,
        )
    )


if __name__ == "__main__":
    raise SystemExit(main())
