"""La référence, ses pièces, et ce que change chaque variante.

D'après : S1, exercice 2 ; S3 « Dropout et data-augmentation » ; S4 (batch-normalization).
Commande : python -m exercises.ex23_what_matters
"""

from typing import NamedTuple

import keras
from keras import layers

NUM_CLASSES = 10
UNITS = 64  # de la couche dense avant la sortie (donné)
NUM_REDUCED = 2  # la taille des cartes est divisée par deux après les deux premières convolutions


class Pieces(NamedTuple):
    """De quoi est fait un réseau, et ce qu'il voit ; les valeurs d'ici sont la référence."""

    kernel_px: int = 3
    reduction: str = "max"  # "max" ou "average", un pooling 2 × 2 ; "stride", une convolution sur 2
    filters: tuple[int, ...] = (8, 16, 32)  # par niveau
    convolutions: tuple[int, ...] = (1, 1, 1)  # par niveau
    activation: str = "relu"  # "linear" : aucune
    dropout: float = 0.0  # avant chacune des deux couches denses, comme dans AlexNet
    normalised: bool = False  # normalisation par lot, entre convolution et ReLU
    augmented: bool = False  # images déplacées et retournées, voir `__main__.augment`
    dense: bool = False  # une couche dense à la place de toutes les convolutions


# --- Question : changer une pièce, une seule -----------------------------------------

REFERENCE = Pieces()
CHANGES = {  # nom de la variante : la pièce, et ce qu'elle devient
    "kernel_1": ("kernel_px", 1),
    "kernel_5": ("kernel_px", 5),
    "average": ("reduction", "average"),
    "stride": ("reduction", "stride"),
    "half": ("filters", (4, 8, 16)),
    "double": ("filters", (16, 32, 64)),
    "shallow": ("convolutions", (1, 1, 0)),
    "deep": ("convolutions", (2, 2, 2)),
    "linear": ("activation", "linear"),
    "dropout": ("dropout", 0.5),
    "normalised": ("normalised", True),
    "augmented": ("augmented", True),
    "dense": ("dense", True),
}
NAMES_FR = {
    "kernel_1": "noyaux 1×1",
    "kernel_5": "noyaux 5×5",
    "average": "pooling moyen",
    "stride": "pas de 2 sans pooling",
    "half": "deux fois moins de filtres",
    "double": "deux fois plus de filtres",
    "shallow": "deux convolutions",
    "deep": "six convolutions",
    "linear": "sans ReLU",
    "dropout": "dropout",
    "normalised": "normalisation par lot",
    "augmented": "augmentation",
    "dense": "réseau dense",
}


def pieces_of(name: str) -> Pieces:
    """Rend les pièces d'une variante : celles de la référence, sauf une.

    Args:
        name: une clé de `CHANGES` ; tout autre nom est celui de la référence.
    """
    if name not in CHANGES:
        return REFERENCE
    piece, value = CHANGES[name]
    return REFERENCE._replace(**{piece: value})


# --- Question : le réseau de l'énoncé, avec ces pièces -------------------------------


def build_model(pieces: Pieces, input_shape: tuple[int, int, int], name: str) -> keras.Model:
    """Construit le réseau de S1 : convolution, pooling, deux fois ; convolution, dense, sortie.

    Les convolutions gardent la taille des cartes (`same`), les deux poolings la divisent par deux ;
    la couche dense a `UNITS` neurones.

    Args:
        pieces: ce dont il est fait.
        input_shape: hauteur, largeur et couleurs des images.
        name: nom du réseau.

    Returns:
        Modèle : images uint8 `(n, h, w, c)` → probabilités `(n, 10)`.
    """
    images = keras.Input(input_shape, dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1.0, dtype="float32")(images)  # de 0…255 à -1…1
    if pieces.dense:
        x = layers.Flatten()(x)
        x = layers.Dense(equal_units(input_shape), name="dense_0")(x)
        x = layers.Activation(pieces.activation)(x)
    else:
        x = _convolutions(x, pieces)
        x = layers.Flatten()(x)
    if pieces.dropout:
        x = layers.Dropout(pieces.dropout)(x)
    x = layers.Dense(UNITS, name="dense")(x)
    x = layers.Activation(pieces.activation)(x)
    if pieces.dropout:
        x = layers.Dropout(pieces.dropout)(x)
    x = layers.Dense(NUM_CLASSES, name="classes")(x)
    return keras.Model(images, layers.Softmax(dtype="float32")(x), name=name)


def _convolutions(x, pieces: Pieces):
    """Trois niveaux : (n, 32, 32, 8), (n, 16, 16, 16), (n, 8, 8, 32) pour la référence."""
    for level, (filters, count) in enumerate(zip(pieces.filters, pieces.convolutions, strict=True)):
        reduced = level < NUM_REDUCED
        for rank in range(count):
            last = rank == count - 1
            x = layers.Conv2D(
                filters,
                pieces.kernel_px,
                strides=2 if pieces.reduction == "stride" and reduced and last else 1,
                padding="same",
                name=f"conv_{level}_{rank}",
            )(x)
            if pieces.normalised:
                # 0,9 : les moyennes de Keras (0,99) demandent plus de pas que n'en fait la leçon.
                x = layers.BatchNormalization(momentum=0.9)(x)
            x = layers.Activation(pieces.activation)(x)
        if reduced and pieces.reduction != "stride":
            pooling = {"max": layers.MaxPooling2D, "average": layers.AveragePooling2D}
            x = pooling[pieces.reduction](2)(x)
    return x


def equal_units(input_shape: tuple[int, int, int]) -> int:
    """Rend la largeur qui donne au réseau dense autant de paramètres qu'à la référence.

    Le réseau dense est la référence dont une seule couche, dense et de cette largeur, remplace
    toutes les convolutions et tous les poolings ; `UNITS` et la sortie n'y changent pas.

    Args:
        input_shape: hauteur, largeur et couleurs des images.
    """
    height, width, channels = input_shape
    wanted = build_model(REFERENCE, input_shape, "reference").count_params()
    rest = UNITS + (UNITS + 1) * NUM_CLASSES  # ce qui ne dépend pas de cette largeur
    return round((wanted - rest) / (height * width * channels + 1 + UNITS))


# --- Question : partir du même point -------------------------------------------------


def share_start(model: keras.Model, reference: keras.Model) -> None:
    """Donne à un réseau les poids de départ de la référence, là où les tailles le permettent.

    Args:
        model: réseau tout juste construit, modifié sur place.
        reference: la référence, de même.
    """
    known = {layer.name: layer.get_weights() for layer in reference.layers}
    for layer in model.layers:
        weights, start = layer.get_weights(), known.get(layer.name, [])
        if [each.shape for each in weights] == [each.shape for each in start]:
            layer.set_weights(start)
