"""CIFAR-10 : reconnaître dix sortes d'objets, et le faire depuis un terminal.

Document : Jour 04, exercice 3 (`./predict image.png` doit dire `Prédiction: Avion`).
Commande : python -m exercises.ex03_cifar10     puis     ./predict samples/avion.png
Résultat mesuré : models/ex03_cifar10.json, repris dans le tableau du README.

La recette suit Jordan, « 94% on CIFAR-10 in 3.29 Seconds », arXiv 2404.00498, 2024 : une
convolution de blanchiment calculée sur les données, trois groupes de deux convolutions,
beaucoup de lissage (étiquettes, poids) et très peu d'époques.
"""

import keras
import numpy as np
from keras import layers

from exercises.common import data, storage, training
from exercises.common.cli import run, training_parser
from exercises.common.figures import save_training_figures
from exercises.common.optimizers import FastBetaSGD, Lookahead, Triangle

WIDTHS = (64, 256, 256)  # filtres des trois groupes
EPOCHS = 14
BATCH_SIZE = 512
NUM_VAL = 2000  # images retirées de l'entraînement ; elles choisissent la graine livrée
PEAK_RATE = 1.465e-3  # taux d'apprentissage maximal, par image du lot
WEIGHT_DECAY = 8.87e-3
LABEL_SMOOTHING = 0.2
TRANSLATE_PX = 2
VIEW_WEIGHTS = (1 / 4, 1 / 4, 1 / 8, 1 / 8, 1 / 8, 1 / 8)  # l'image compte pour moitié


# --- Question : créer un modèle capable de prédire l'objet en question --------------


def whitening_kernel(x: np.ndarray, patch_px: int = 2) -> np.ndarray:
    """Calcule les filtres qui décorrèlent les petits carrés d'image.

    Args:
        x: images uint8 `(n, h, w, 3)`.
        patch_px: côté du carré, en pixels.

    Returns:
        Noyau `(patch_px, patch_px, 3, 24)` float32 pour des côtés de 2 : les vecteurs
        propres de la covariance divisés par l'écart-type, puis leurs opposés.

    Source : Jordan, arXiv 2404.00498 (première couche, figée).
    """
    windows = np.lib.stride_tricks.sliding_window_view(
        _standardise(x), (patch_px, patch_px), axis=(1, 2)
    )  # (n, h-1, w-1, 3, 2, 2)
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, patch_px**2 * 3)
    values, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    kernel = vectors / np.sqrt(values + 5e-4)  # 5e-4 : ne pas amplifier le bruit
    kernel = np.concatenate([kernel, -kernel], axis=1)
    return kernel.reshape(patch_px, patch_px, 3, -1).astype(np.float32)


MEAN = np.array([0.4914, 0.4822, 0.4465])  # moyennes des canaux de CIFAR-10, dans [0, 1]
STD = np.array([0.2470, 0.2435, 0.2616])


def _standardise(x: np.ndarray) -> np.ndarray:
    return ((x / 255 - MEAN) / STD).astype(np.float32)


def _partial_identity(kernel: np.ndarray) -> np.ndarray:
    """Fait recopier leur entrée aux premiers filtres d'un noyau `(kh, kw, c, n)`."""
    kernel, copied = kernel.copy(), min(kernel.shape[2:])
    kernel[..., :copied] = 0
    kernel[kernel.shape[0] // 2, kernel.shape[1] // 2, range(copied), range(copied)] = 1
    return kernel


def _group(x, filters: int):
    """Deux convolutions 3×3 ; la première est suivie d'un max-pooling 2×2."""
    for pooling in (True, False):
        convolution = layers.Conv2D(
            filters, 3, padding="same", use_bias=False,
            kernel_initializer=keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform"),
        )  # fmt: skip
        x = convolution(x)
        convolution.set_weights([_partial_identity(w) for w in convolution.get_weights()])
        if pooling:
            x = layers.MaxPooling2D()(x)
        x = layers.BatchNormalization(momentum=0.6, epsilon=1e-5, scale=False)(x)
        x = layers.Activation("gelu")(x)
    return x


def build_model(widths: tuple[int, ...] = WIDTHS) -> keras.Model:
    """Construit le réseau ; la mise à l'échelle des pixels en fait partie.

    Args:
        widths: nombre de filtres de chaque groupe.

    Returns:
        Modèle : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)` float32.
    """
    images = keras.Input((32, 32, 3), dtype="uint8")
    x = layers.Rescaling(1 / (255 * STD), -MEAN / STD, dtype="float32")(images)
    x = layers.Conv2D(24, 2, use_bias=False, trainable=False, name="whitening")(x)
    x = layers.Activation("gelu")(x)  # (n, 31, 31, 24)
    for filters in widths:
        x = _group(x, filters)  # (n, 15, 15, 64), (n, 7, 7, 256), (n, 3, 3, 256)
    x = layers.MaxPooling2D(3)(x)  # (n, 1, 1, 256)
    x = layers.Flatten()(x)
    x = layers.Dense(10, use_bias=False, kernel_initializer="lecun_uniform")(x)
    x = layers.Rescaling(1 / 9, dtype="float32")(x)  # des scores petits : un apprentissage stable
    return keras.Model(images, layers.Softmax(dtype="float32")(x), name="ex03_cifar10")


# --- Question : l'entraîner ---------------------------------------------------------


def augment(images, *, indices, epoch, rng):
    """Translate de ±2 pixels, et retourne une image sur deux, l'autre moitié l'époque suivante."""
    images = training.random_crop(images, pad=TRANSLATE_PX, rng=rng)
    # Chaque image alterne : un miroir tiré au sort montrerait deux fois la même vue.
    flipped = (indices * 2654435761 // 65536 + epoch) % 2 == 1
    images[flipped] = images[flipped, :, ::-1]
    return images


def train(x_train, y_train, x_val, y_val, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Entraîne un réseau ; rend le modèle en float32 et ses courbes."""
    model = training.build(build_model, seed=seed, precision=options.precision)
    model.get_layer("whitening").set_weights([whitening_kernel(x_train[:5000])])
    batch_size = options.batch_size or BATCH_SIZE
    batches = training.Batches(
        x_train, keras.utils.to_categorical(y_train, 10),
        batch_size=batch_size, seed=seed, augment=augment,
    )  # fmt: skip
    steps = options.epochs * len(batches)
    model.compile(
        FastBetaSGD(
            Triangle(PEAK_RATE * batch_size, steps), momentum=0.85, nesterov=True,
            weight_decay=WEIGHT_DECAY,
        ),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=LABEL_SMOOTHING),
        metrics=["accuracy"], jit_compile=False,
    )  # fmt: skip
    history = training.fit(
        model, batches, epochs=options.epochs, resume=options.resume,
        checkpoint=storage.checkpoint_path(options, seed),
        validation_data=(x_val, keras.utils.to_categorical(y_val, 10)), validation_batch_size=500,
        callbacks=[Lookahead(steps)],
    )  # fmt: skip
    shipped = build_model()  # les mêmes poids, en float32
    shipped.set_weights(model.get_weights())
    return shipped, history


# --- Question : ce qu'il vaut -------------------------------------------------------


def predict_views(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Prédit six vues de chaque image : elle-même, deux translations d'un pixel, leurs miroirs.

    Args:
        model: modèle rendu par `train`.
        x: images uint8 `(n, 32, 32, 3)`.

    Returns:
        Probabilités `(6, n, 10)`, dans l'ordre de `VIEW_WEIGHTS` ; la première est l'image seule.
    """
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    views = (x, padded[:, :32, :32], padded[:, 2:, 2:])
    return np.stack([
        model.predict(view[:, :, ::step], batch_size=500, verbose=0)
        for view in views
        for step in (1, -1)
    ])  # fmt: skip


def predict_tta(views: np.ndarray) -> np.ndarray:
    """Moyenne les vues `(6, n, 10)` de `predict_views` en probabilités `(n, 10)`."""
    return np.tensordot(VIEW_WEIGHTS, views, axes=1)


def evaluate(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure la précision sur un jeu, en une passe puis en moyennant six vues."""
    views = predict_views(model, x)
    single, averaged = views[0], predict_tta(views)
    return {
        "accuracy": float(np.mean(single.argmax(1) == y.reshape(-1))),
        "accuracy_tta": float(np.mean(averaged.argmax(1) == y.reshape(-1))),
        "probabilities": single,
    }


def main(argv: list[str] | None = None) -> int:
    """Entraîne sur plusieurs graines, garde la meilleure en validation, écrit le compte rendu."""
    options = training_parser("ex03_cifar10", __doc__.splitlines()[0], epochs=EPOCHS, seeds=3)
    options = options.parse_args(argv)
    return run(lambda: training.run_seeds(
        options, dataset=data.load_cifar10(), num_val=NUM_VAL, train=train, evaluate=evaluate,
        classes=data.CIFAR10_CLASSES, classes_fr=data.CIFAR10_CLASSES_FR,
        on_saved=save_training_figures,
    ))  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
