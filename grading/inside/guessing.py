"""Deviner ce qu'il faut donner à une fonction du rendu, d'après le nom de ses arguments."""

import inspect

from . import trial
from .trial import BATCH, KEPT, NUM_CLASSES

VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def arguments(function, names: dict, seen) -> dict:
    """Devine les arguments d'une fonction : une variable du même nom, ou ce que le nom dit.

    `imgsize` et `img_size` sont le même nom.

    Args:
        function: la fonction.
        names: les variables globales du programme.
        seen: les réseaux qu'il a construits (`watching.Seen`).
    """
    given, alike = {}, {_letters(name): value for name, value in names.items()} | names
    for each in inspect.signature(function).parameters.values():
        if each.default is each.empty and each.kind not in VARIADIC:
            name = each.name if each.name in alike else _letters(each.name)
            known = name in alike
            given[each.name] = alike[name] if known else guessed(each.name.lower(), seen)
    return given


def _letters(name: str) -> str:
    return name.replace("_", "").lower()


def guessed(key: str, seen):
    """Donne à un argument ce que dit son nom : le premier mot qu'il contient, puis son début."""
    x, y = trial.images_and_labels("test" if "test" in key or "val" in key else "train")
    x, y = x[:KEPT], y[:KEPT]
    x = x if x.ndim == 4 else x[..., None]
    shape = tuple(trial.shape)
    words = {
        **{"class": NUM_CLASSES, "label": y, "epoch": BATCH, "batch": BATCH},
        **{"_rate": 0.1, "lr": 0.1, "activ": "relu"},
        **dict(zip(("height", "width", "depth"), shape, strict=True)),
        **dict.fromkeys(("shape", "dim", "size"), shape),
    }
    if seen.networks:
        words |= dict.fromkeys(("model", "net", "cnn"), seen.networks[-1].model)
    starts = {"y": y, "n": NUM_CLASSES}
    for word, value in words.items():
        if word in key:
            return value
    if key[:1] in starts:
        return starts[key[:1]]
    seen.said["guessed"] = True  # leur échelle n'est pas celle du rendu
    return x
