"""Remplacer, le temps d'un rendu, ce qui lit des données, ce qui écrit, ce qui apprend.

Chaque module rend ce qu'il remplace : `(endroit, nom, valeur)`. La valeur est une fonction nommée,
qui dit ce que la bibliothèque répond ici.
"""

import ast
import builtins
import contextlib
import os
from collections.abc import Iterator, Sequence
from importlib.machinery import SourceFileLoader
from unittest import mock

from PIL import Image

from .. import watching
from ..older.names import channels_last, modernised
from . import arguments, datasets, files, folders, layers


@contextlib.contextmanager
def patched(seen: watching.Seen, more: Sequence[tuple] = ()) -> Iterator[None]:
    """Remplace tout, et ce que dit `more`, le temps d'un bloc."""
    replaced = [
        (builtins, "channels_last", channels_last),
        (builtins, "xrange", range),
        (Image, "ANTIALIAS", Image.LANCZOS),
        (SourceFileLoader, "source_to_code", _compiled),
        *watching.replacements(seen),
        *datasets.replacements(seen),
        *files.replacements(),
        *folders.replacements(),
        *arguments.replacements(seen),
        *layers.replacements(),
        *more,
    ]
    with contextlib.ExitStack() as stack:
        for place, name, value in replaced:
            stack.enter_context(mock.patch.object(place, name, value, create=True))
        yield


def _compiled(loader, content, path, **_):
    """Compile un module ; ceux que le programme importe sont aussi d'un ancien Keras."""
    tree = ast.parse(content, path)
    own = path.startswith(os.path.join(os.getcwd(), "exercises"))
    return compile(modernised(tree) if own else tree, path, "exec")
