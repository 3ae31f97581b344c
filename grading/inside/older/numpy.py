"""Rendre à NumPy et à Python ce qu'ils ont retiré : `np.int`, `collections.Mapping`."""

import collections
import collections.abc

import numpy as np

_array, _from_string = np.array, np.fromstring


def _older_array(values, *given, **named):
    """Fait un tableau d'objets de listes inégales, comme le faisait NumPy."""
    try:
        return _array(values, *given, **named)
    except ValueError:
        return _array(values, *given, **{"dtype": object, **named})


def _older_from_string(text, *given, **named):
    """Lit aussi des octets."""
    if "sep" in named:
        return _from_string(text, *given, **named)
    return np.frombuffer(text, *given, **named)


def install() -> None:
    """Remet en place les noms retirés."""
    vars(collections).update({**vars(collections.abc), **vars(collections)})
    vars(np).update({each.__name__: each for each in (int, float, object, str, complex)})
    np.Inf, np.NaN, np.product = np.inf, np.nan, np.prod
    np.array, np.fromstring = _older_array, _older_from_string
