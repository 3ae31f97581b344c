"""Quatre moments du domaine en quatre petits réseaux, à la taille des images de CIFAR-10.

D'après : S3 « AlexNet (2012) » et « Deep CNN / VGG / ResNet ».
Commande : python -m exercises.ex15_architectures

Ce sont des réductions : de chaque article, la forme est gardée, pas les largeurs ni le nombre de
couches. Dans l'histoire, seul ResNet a une normalisation par lot. Ici, chaque convolution de chaque
réseau en a une : aucun n'est avantagé par elle.
"""

from collections.abc import Callable

import keras
from keras import layers

VGG_BLOCKS = ((16, 1), (32, 1), (64, 2), (128, 2))  # filtres, convolutions : VGG-A divisé par 4
RESNET_WIDTHS = (16, 32, 64)  # celles de l'article pour CIFAR-10, un bloc de chaque (n = 1)
DROPOUT = 0.2  # 0,5 dans les articles : trop pour six époques (choisi sur la validation)


def _images() -> tuple:
    """Rend l'entrée et les pixels ramenés de [0, 255] à peu près à [-2, 2]."""
    images = keras.Input((32, 32, 3), dtype="uint8")
    return images, layers.Rescaling(1 / 64, -2.0, dtype="float32")(images)


def _classes(images, x, name: str) -> keras.Model:
    x = layers.Dense(10)(x)
    return keras.Model(images, layers.Softmax(dtype="float32")(x), name=name)


def normed_convolution(x, filters: int, side_px: int, *, strides: int = 1, padding: str = "same"):
    """Pose une convolution, de poids tirés comme ceux de He, puis une normalisation par lot."""
    x = layers.Conv2D(
        filters,
        side_px,
        strides=strides,
        padding=padding,
        use_bias=False,
        kernel_initializer="he_normal",
    )(x)
    # 0,9 : les moyennes de Keras (0,99) demandent plus de pas que n'en fait cet entraînement.
    return layers.BatchNormalization(momentum=0.9)(x)


def convolution(x, filters: int, side_px: int, **options):
    """Pose convolution, normalisation par lot et ReLU : tous les réseaux d'ici en sont faits."""
    return layers.ReLU()(normed_convolution(x, filters, side_px, **options))


def _dense(x, width: int, count: int):
    for _ in range(count):
        x = layers.Dropout(DROPOUT)(x)
        x = layers.Dense(width, activation="relu")(x)
    return layers.Dropout(DROPOUT)(x)


# --- 1998 : deux convolutions 5×5, trois couches denses ------------------------------


def build_lenet() -> keras.Model:
    """Construit LeNet-5 à ses propres tailles, pour des images en couleurs.

    Returns:
        Modèle : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)`, 62 072 paramètres (300
        de plus qu'en niveaux de gris, 66 de plus que sans les normalisations).

    Source : LeCun et al., Proc. IEEE 86(11), 1998, figure 2 ; ReLU et maximum, comme en S2.
    """
    images, x = _images()
    x = layers.MaxPooling2D()(convolution(x, 6, 5, padding="valid"))  # (n, 14, 14, 6)
    x = layers.MaxPooling2D()(convolution(x, 16, 5, padding="valid"))  # (n, 5, 5, 16)
    x = layers.Flatten()(x)  # (n, 400)
    x = layers.Dense(120, activation="relu")(x)
    x = layers.Dense(84, activation="relu")(x)
    return _classes(images, x, "lenet")


# --- 2012 : un grand premier filtre, cinq convolutions, des couches denses énormes ---


def build_alexnet() -> keras.Model:
    """Construit un AlexNet réduit : les paramètres y sont surtout dans les couches denses.

    Returns:
        Modèle : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)`.

    Source : Krizhevsky, Sutskever et Hinton, NIPS 2012 ; largeurs divisées par 4 à 8.
    """
    images, x = _images()
    x = convolution(x, 24, 5, strides=2)  # (n, 16, 16, 24)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)  # (n, 8, 8, 24)
    x = convolution(x, 48, 5)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)  # (n, 4, 4, 48)
    for filters in (64, 64, 48):
        x = convolution(x, filters, 3)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)  # (n, 2, 2, 48)
    return _classes(images, _dense(layers.Flatten()(x), 512, 2), "alexnet")


# --- 2014 : rien que des 3×3 ; la largeur double quand l'image rapetisse -------------


def build_vgg() -> keras.Model:
    """Construit un VGG réduit : six convolutions 3×3, trois couches denses.

    Returns:
        Modèle : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)`.

    Source : Simonyan et Zisserman, arXiv 1409.1556, tableau 1, colonne A, largeurs divisées par 4
    et dernier groupe ôté.
    """
    images, x = _images()
    for filters, count in VGG_BLOCKS:  # (n, 16, 16, 16) … (n, 2, 2, 128)
        for _ in range(count):
            x = convolution(x, filters, 3)
        x = layers.MaxPooling2D()(x)
    return _classes(images, _dense(layers.Flatten()(x), 256, 2), "vgg")


# --- 2015 : chaque bloc n'apprend que ce qu'il ajoute à son entrée -------------------


def build_resnet() -> keras.Model:
    """Construit le plus petit ResNet de la famille de CIFAR-10 : trois blocs, huit couches.

    Returns:
        Modèle : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)`. Il n'a qu'une couche
        dense, après la moyenne de chaque carte.

    Source : He et al., arXiv 1512.03385, section 4.2, n = 1 ; là où la taille change, le
    raccourci est une convolution 1×1 (l'option B de l'article).
    """
    images, x = _images()
    x = convolution(x, RESNET_WIDTHS[0], 3)  # (n, 32, 32, 16)
    for filters in RESNET_WIDTHS:  # (n, 32, 32, 16), (n, 16, 16, 32), (n, 8, 8, 64)
        strides = 1 if filters == x.shape[-1] else 2
        added = convolution(x, filters, 3, strides=strides)
        added = normed_convolution(added, filters, 3)
        if strides == 2:
            x = normed_convolution(x, filters, 1, strides=2)
        x = layers.ReLU()(layers.Add()([x, added]))
    return _classes(images, layers.GlobalAveragePooling2D()(x), "resnet")


NETWORKS: dict[str, Callable[[], keras.Model]] = {
    "lenet": build_lenet,
    "alexnet": build_alexnet,
    "vgg": build_vgg,
    "resnet": build_resnet,
}
NAMES_FR = {
    "lenet": "LeNet (1998)",
    "alexnet": "AlexNet réduit (2012)",
    "vgg": "VGG réduit (2014)",
    "resnet": "ResNet-8 (2015)",
}
