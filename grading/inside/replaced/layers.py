"""Ce que reçoivent les couches : un nombre calculé, ou qui manque."""

import keras

from ..absent import Nothing, nothing
from ..trial import ABSENT, NUM_CLASSES


def replacements() -> list[tuple]:
    """Rend ce qui construit ou exporte un réseau, remplacé."""
    counted = [
        (kind, "__init__", _counted(kind.__init__))
        for kind in (keras.layers.Dense, keras.layers.Conv2D)
    ]
    return [*counted, (keras.Model, "export", nothing("export"))]


def _counted(make):
    """Remplace ce qui fait une couche : `64 / 2` va, et un nombre absent est celui des classes."""

    def build(layer, *given, **named):
        counts = {key: _whole(named[key]) for key in named.keys() & {"units", "filters"}}
        return make(layer, *map(_whole, given[:1]), *given[1:], **named | counts)

    return build


def _whole(num) -> int:
    missing = isinstance(num, Nothing) or num in (0, ABSENT)
    return NUM_CLASSES if missing else int(num)
