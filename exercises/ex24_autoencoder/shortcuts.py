"""Un goulot, avec ou sans raccourcis : ce que les connexions d'un U-Net laissent passer.

D'après : S3 « Different problems, models & metrics » (« Specificities wrt auto-encoders? »).
Commande : python -m exercises.ex24_autoencoder

Les deux réseaux ont la même descente, le même goulot de 256 nombres (une image en a 3 072) et
autant de poids. L'auto-encodeur fait tout passer par le goulot ; le U-Net transmet en plus les
cartes de la descente à la montée. Deux tâches les séparent : recopier l'image, et la débruiter.
Le témoin de l'auto-encodeur est une ACP qui garde autant de nombres : tant qu'il ne la dépasse pas,
rien ne dit que ses couches servent.
"""

import keras
import numpy as np
from keras import layers
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage

from convnets.training import lesson
from convnets.training.batches import shuffled
from exercises.ex24_autoencoder.baselines import GREY
from exercises.ex24_autoencoder.codec import BLOCK_PX

KINDS = ("plain", "unet")  # l'auto-encodeur, le U-Net
TASKS = ("copy", "denoise")  # recopier, débruiter
CHANNELS = (16, 32, 64)  # cartes à 32, 16 et 8 pixels
BOTTLENECK = 16  # cartes de 4 × 4 pixels
NUM_IMAGES = 32_000  # d'apprentissage, les premières : de quoi dépasser l'ACP
BATCH_SIZE = 16
LEARNING_RATE = 2e-3  # d'Adam, au début ; il décroît jusqu'à zéro
NOISE = 25  # écart-type du bruit, en niveaux de gris
BLUR_PX = 0.7  # écart-type du flou qui débruite le mieux, en validation, de 0,3 à 1 pixel


# --- Question : qu'est-ce qui distingue un U-Net d'un auto-encodeur ? ----------------


def build_model(kind: str) -> keras.Model:
    """Construit un des deux réseaux.

    Sans raccourcis, chaque convolution transposée rend deux fois plus de cartes : la convolution
    qui suit en lit autant que dans le U-Net, et l'auto-encodeur n'est pas plus petit que lui. Il
    n'y a pas de normalisation par lot : elle effacerait des niveaux de gris à rendre exacts. C'est
    une convolution de pas 2 qui réduit les cartes : un maximum oublierait où il l'a pris.

    Args:
        kind: `"unet"` ou `"plain"`, l'auto-encodeur.

    Returns:
        Modèle : images uint8 `(n, h, w, 3)` → images float32 `(n, h, w, 3)`, en niveaux de gris
        non bornés ; h et w sont multiples de 8.
    """
    images = keras.Input((None, None, 3), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1)(images)
    kept = []
    for num_maps in CHANNELS:
        x = layers.Conv2D(num_maps, 3, padding="same", activation="relu")(x)
        kept.append(x)
        x = layers.Conv2D(num_maps, 4, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2D(BOTTLENECK, 1, name="bottleneck")(x)  # (n, h/8, w/8, 16)
    for num_maps, shortcut in zip(reversed(CHANNELS), reversed(kept), strict=True):
        x = layers.Conv2DTranspose(num_maps * (1 if kind == "unet" else 2), 2, strides=2)(x)
        if kind == "unet":
            x = layers.Concatenate()([shortcut, x])
        x = layers.Conv2D(num_maps, 3, padding="same", activation="relu")(x)
    outputs = layers.Rescaling(127.5, 127.5, dtype="float32")(layers.Conv2D(3, 1)(x))
    return keras.Model(images, outputs, name=f"ex24_{kind}")


# --- Question : recopier, débruiter --------------------------------------------------


def add_noise(images: np.ndarray, *, rng: np.random.Generator, **_) -> np.ndarray:
    """Ajoute un bruit gaussien d'écart-type `NOISE` à des images uint8 ; rend des uint8."""
    noisy = images + rng.normal(0, NOISE, images.shape)
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)


def train(
    kind: str, task: str, x_train: np.ndarray, *, seed: int, clock: lesson.Clock
) -> keras.Model:
    """Entraîne un des deux réseaux à une des deux tâches.

    Args:
        kind: `"unet"` ou `"plain"`.
        task: `"copy"`, rendre l'image reçue ; `"denoise"`, la rendre sans le bruit ajouté.
        x_train: images uint8 `(n, h, w, 3)`.
        seed: graine des poids, du bruit et de l'ordre des images.
        clock: ce qui mène le taux jusqu'à zéro.
    """
    keras.utils.set_random_seed(seed)
    model = build_model(kind)
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss="mean_squared_error")
    batches = shuffled(
        x_train,
        x_train,
        batch_size=min(BATCH_SIZE, len(x_train)),
        seed=seed,
        augment=add_noise if task == "denoise" else None,
    )
    model.fit(batches, epochs=clock.epochs, callbacks=[clock], verbose=0)
    return model


def render(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Rend les images d'un réseau, bornées à [0, 255] : float32 `(n, h, w, 3)`."""
    return np.clip(model.predict(images, batch_size=50, verbose=0), 0, 255)


# --- Question : que devient l'image si le goulot ne dit plus rien ? ------------------


def cut_bottleneck(model: keras.Model, images: np.ndarray) -> None:
    """Coupe le goulot d'un réseau : il rend dès lors les mêmes nombres quelle que soit l'image.

    Args:
        model: un des deux réseaux, changé sur place.
        images: uint8 `(n, h, w, 3)` ; chaque carte du goulot prend sa moyenne sur elles, pour que
            la montée reçoive une valeur à laquelle elle est habituée.
    """
    layer = model.get_layer("bottleneck")
    bottleneck = keras.Model(model.inputs[0], layer.output)
    means = bottleneck.predict(images, batch_size=50, verbose=0).mean(axis=(0, 1, 2))
    layer.set_weights([np.zeros_like(layer.get_weights()[0]), means])


# --- Question : faut-il un réseau pour débruiter ? -----------------------------------


def blur(images: np.ndarray) -> np.ndarray:
    """Floute des images `(n, h, w, 3)` par une gaussienne ; rend des float32."""
    return ndimage.gaussian_filter(images.astype(np.float32), BLUR_PX, axes=(1, 2))


def sliding_wiener(images: np.ndarray, axes: np.ndarray, spreads: np.ndarray) -> np.ndarray:
    """Débruite chaque carré de 8 × 8 pixels, où qu'il soit posé, et moyenne ceux qui se recouvrent.

    Un carré est dit par ses coordonnées le long des axes principaux. Le bruit a la même force le
    long de tous les axes, et l'image presque toute sa force le long des premiers : chaque
    coordonnée est réduite selon la part de bruit qu'elle contient.

    Args:
        images: images bruitées uint8 `(n, h, w, 3)`.
        axes: axes principaux `(192, 192)` d'images sans bruit, voir `baselines.principal_axes`.
        spreads: leurs écarts-types `(192,)`.

    Returns:
        Images float32 `(n, h, w, 3)`, bornées à [0, 255].

    Source : Muresan et Parks, « Adaptive principal components and optimal denoising », ICIP 2003 ;
    ici, les axes sont les mêmes pour toutes les images.
    """
    kept = spreads**2 / (spreads**2 + NOISE**2)  # filtre de Wiener, entre 0 et 1
    shrink = (axes * kept @ axes.T).astype(np.float32)  # (192, 192)
    found = []
    for image in images.astype(np.float32) - GREY:
        patches = sliding_window_view(image, (BLOCK_PX, BLOCK_PX), axis=(0, 1))
        patches = np.moveaxis(patches, 2, -1)  # (h', w', 8, 8, 3)
        cleaned = patches.reshape(-1, len(shrink)) @ shrink
        found.append(average_patches(cleaned.reshape(patches.shape), image.shape))
    return np.clip(np.stack(found) + GREY, 0, 255)


def average_patches(patches: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Repose des carrés `(h', w', k, k, 3)` à leur place, et moyenne ceux qui couvrent un pixel.

    Args:
        patches: un carré par position, de pas 1.
        shape: `(h, w, 3)`, forme de l'image.

    Returns:
        float32 `(h, w, 3)`.
    """
    height, width, side = patches.shape[:3]
    total, count = np.zeros(shape, np.float32), np.zeros((*shape[:2], 1), np.float32)
    for row, column in np.ndindex(side, side):
        place = slice(row, row + height), slice(column, column + width)
        total[place] += patches[:, :, row, column]
        count[place] += 1
    return total / count
