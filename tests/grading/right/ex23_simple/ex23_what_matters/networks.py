from typing import NamedTuple

import keras
from keras import layers

NUM_CLASSES = 10
UNITS = 64
NUM_REDUCED = 2


class Pieces(NamedTuple):
    """De quoi est fait un réseau, et ce qu'il voit ; les valeurs d'ici sont la référence."""

    kernel_px: int = 3
    reduction: str = "max"  # "max" ou "average", un pooling 2 × 2 ; "stride", une convolution sur 2
    filters: tuple[int, ...] = (8, 16, 32)  # par niveau
    convolutions: tuple[int, ...] = (1, 1, 1)  # par niveau
    activation: str = "relu"  # "linear" : aucune
    dropout: float = 0.0  # avant chacune des deux couches denses, comme dans AlexNet
    normalised: bool = False  # normalisation par lot, entre convolution et ReLU
    augmented: bool = False  # images déplacées et retournées, voir `training.augment`
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


def pieces_of(name):
    values = dict(REFERENCE._asdict())
    if name in CHANGES:
        values[CHANGES[name][0]] = CHANGES[name][1]
    return Pieces(**values)


def build_model(pieces, input_shape, name):
    model = keras.Sequential([keras.Input(input_shape, dtype="uint8")], name=name)
    model.add(layers.Rescaling(1 / 127.5, -1.0))
    if pieces.dense:
        model.add(layers.Flatten())
        model.add(layers.Dense(equal_units(input_shape), pieces.activation, name="dense_0"))
    else:
        for level in range(3):
            for rank in range(pieces.convolutions[level]):
                shrink = level < 2 and rank == pieces.convolutions[level] - 1
                stride = 2 if shrink and pieces.reduction == "stride" else 1
                model.add(
                    layers.Conv2D(
                        pieces.filters[level],
                        pieces.kernel_px,
                        stride,
                        padding="same",
                        name=f"conv_{level}_{rank}",
                    )
                )
                if pieces.normalised:
                    model.add(layers.BatchNormalization(momentum=0.9))
                model.add(layers.Activation(pieces.activation))
            if level < 2 and pieces.reduction == "max":
                model.add(layers.MaxPooling2D())
            if level < 2 and pieces.reduction == "average":
                model.add(layers.AveragePooling2D())
        model.add(layers.Flatten())
    if pieces.dropout:
        model.add(layers.Dropout(pieces.dropout))
    model.add(layers.Dense(UNITS, pieces.activation, name="dense"))
    if pieces.dropout:
        model.add(layers.Dropout(pieces.dropout))
    model.add(layers.Dense(NUM_CLASSES, "softmax", name="classes"))
    return model


def equal_units(input_shape):
    wanted = build_model(REFERENCE, input_shape, "reference").count_params()
    pixels = input_shape[0] * input_shape[1] * input_shape[2]
    best = None
    for units in range(1, 5000):
        count = (pixels + 1) * units + (units + 1) * UNITS + (UNITS + 1) * NUM_CLASSES
        if best is None or abs(count - wanted) < abs(best[1] - wanted):
            best = units, count
    return best[0]


def share_start(model, reference):
    starts = {}
    for layer in reference.layers:
        starts[layer.name] = layer.get_weights()
    for layer in model.layers:
        start = starts.get(layer.name)
        mine = layer.get_weights()
        if start and len(start) == len(mine):
            if all(a.shape == b.shape for a, b in zip(start, mine, strict=True)):
                layer.set_weights(start)
