"""Les pièces une à une, et les paramètres comptés à la main."""

from collections import namedtuple

UNITS = 64
PIECES = "kernel_px reduction filters convolutions activation dropout normalised augmented dense"
Pieces = namedtuple("Pieces", PIECES)
REFERENCE = Pieces(3, "max", (8, 16, 32), (1, 1, 1), "relu", 0.0, False, False, False)
CHANGES = {
    "kernel_1": ("kernel_px", 1),
    "stride": ("reduction", "stride"),
    "double": ("filters", [16, 32, 64]),
    "deep": ("convolutions", [2, 2, 2]),
    "linear": ("activation", "linear"),
    "dropout": ("dropout", 0.5),
    "normalised": ("normalised", True),
    "dense": ("dense", True),
}


def pieces_of(name):
    values = dict(REFERENCE._asdict())
    if name in CHANGES:
        values[CHANGES[name][0]] = CHANGES[name][1]
    return Pieces(**values)


def equal_units(input_shape):
    height, width, depth = input_shape
    wanted, read = 0, depth
    for filters in REFERENCE.filters:
        wanted += (9 * read + 1) * filters
        read = filters
    wanted += (height // 4) * (width // 4) * read * UNITS
    return round(wanted / (height * width * depth + 1 + UNITS))
