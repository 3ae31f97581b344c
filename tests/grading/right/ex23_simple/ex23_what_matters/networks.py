"""Les paramètres comptés à la main."""

FILTERS, UNITS = (8, 16, 32), 64


def equal_units(input_shape):
    height, width, depth = input_shape
    wanted, read = 0, depth
    for filters in FILTERS:
        wanted += (9 * read + 1) * filters
        read = filters
    wanted += (height // 4) * (width // 4) * read * UNITS
    return round(wanted / (height * width * depth + 1 + UNITS))
