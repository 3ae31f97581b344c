"""Le réseau de « 94% on CIFAR-10 in 3.29 Seconds », à toutes les tailles des recettes.

Une convolution de blanchiment calculée sur les données, puis trois groupes de deux ou trois
convolutions, et un vote. Le réseau des vignettes et les maîtres des vêtements et
des chiffres n'en diffèrent que par leurs largeurs, leur profondeur et la forme des images.

Source : Jordan, arXiv 2404.00498, 2024.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

WHITENING_IMAGES = 5000


def build(
    widths: Sequence[int],
    depth: int,
    *,
    name: str,
    mean: Sequence[float],
    std: Sequence[float],
    side_px: int = 32,
) -> keras.Model:
    """Construit le réseau ; la mise à l'échelle des pixels en fait partie.

    Args:
        widths: filtres de chaque groupe.
        depth: convolutions par groupe ; à partir de trois, une connexion résiduelle.
        name: nom du modèle.
        mean: moyenne de chaque canal, dans [0, 1] ; un seul canal : images en gris.
        std: écart-type de chaque canal.
        side_px: côté des images.

    Returns:
        Modèle : images uint8 `(n, côté, côté)` ou `(n, côté, côté, canaux)` → probabilités
        `(n, 10)` float32.
    """
    channels = len(mean)
    shape = (side_px, side_px) if channels == 1 else (side_px, side_px, channels)
    images = keras.Input(shape, dtype="uint8")
    x = layers.Reshape((*shape, 1), dtype="float32")(images) if channels == 1 else images
    scale, offset = 1 / (255 * np.array(std)), -np.array(mean) / np.array(std)
    x = layers.Rescaling(scale, offset, dtype="float32")(x)
    filters = 2 * 4 * channels
    x = layers.Conv2D(filters, 2, use_bias=False, trainable=False, name="whitening")(x)
    x = layers.Activation("gelu", name="whitening_out")(x)  # (n, 31, 31, 24)
    for number, filters in enumerate(widths, start=1):
        x = _group(
            x, filters, depth, f"group{number}"
        )  # (n, 15, 15, a), (n, 7, 7, b), (n, 3, 3, c)
    x = layers.MaxPooling2D(3)(x)  # (n, 1, 1, c)
    x = layers.Flatten()(x)
    x = layers.Dense(10, use_bias=False, kernel_initializer="lecun_uniform")(x)
    x = layers.Rescaling(1 / 9, dtype="float32")(x)  # des scores petits : un apprentissage stable
    return keras.Model(images, layers.Softmax(dtype="float32")(x), name=name)


def _group(x, filters: int, depth: int, name: str):
    """Empile des convolutions 3×3 ; la première est suivie d'un max-pooling 2×2."""
    for number in range(depth):
        convolution = layers.Conv2D(
            filters,
            3,
            padding="same",
            use_bias=False,
            kernel_initializer=keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform"),
            name=f"{name}_conv{number + 1}",
        )
        x = convolution(x)
        convolution.set_weights([partial_identity(w) for w in convolution.get_weights()])
        if number == 0:
            x = layers.MaxPooling2D()(x)
        x = layers.BatchNormalization(momentum=0.6, epsilon=1e-5, scale=False)(x)
        if number == 1:
            shortcut = x
        if number == 2:
            x = layers.Add()([x, shortcut])
        x = layers.Activation("gelu", name=f"{name}_out{number + 1}")(x)
    return x


def partial_identity(kernel: np.ndarray) -> np.ndarray:
    """Fait recopier leur entrée aux premiers filtres d'un noyau `(kh, kw, c, n)`."""
    kernel, copied = kernel.copy(), min(kernel.shape[2:])
    kernel[..., :copied] = 0
    kernel[kernel.shape[0] // 2, kernel.shape[1] // 2, range(copied), range(copied)] = 1
    return kernel


def whiten(network: keras.Model, x: np.ndarray) -> None:
    """Donne à la première convolution, figée, les filtres qui décorrèlent les carrés d'images.

    Args:
        network: réseau de `build`, modifié sur place.
        x: images uint8 d'entraînement ; les premières suffisent.
    """
    layer = network.get_layer("whitening")
    scaled = keras.Model(network.inputs[0], layer.input)
    few = scaled.predict(x[:WHITENING_IMAGES], batch_size=500, verbose=0)
    layer.set_weights([whitening_kernel(few.astype(np.float32))])


def whitening_kernel(x: np.ndarray, patch_px: int = 2) -> np.ndarray:
    """Calcule les filtres qui décorrèlent les petits carrés d'image.

    Args:
        x: images centrées et réduites `(n, h, w, c)`.
        patch_px: côté du carré, en pixels.

    Returns:
        Noyau `(patch_px, patch_px, c, 2·patch_px²·c)` float32 : les vecteurs propres de la
        covariance divisés par l'écart-type, puis leurs opposés.
    """
    windows = np.lib.stride_tricks.sliding_window_view(x, (patch_px, patch_px), axis=(1, 2))
    channels = x.shape[-1]  # (n, h-1, w-1, c, px, px)
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, patch_px**2 * channels)
    values, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    kernel = vectors / np.sqrt(values + 5e-4)  # 5e-4 : ne pas amplifier le bruit
    kernel = np.concatenate([kernel, -kernel], axis=1)
    return kernel.reshape(patch_px, patch_px, channels, -1).astype(np.float32)
