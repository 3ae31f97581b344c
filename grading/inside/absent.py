"""L'objet inerte qui tient lieu d'un absent, module, fichier ou variable."""

import os
import sys
import types

TRUSTED = ("is_tensor_like", "fit")  # des noms auxquels TensorFlow et scikit-learn se fieraient
OPERATIONS = (
    "enter getitem setitem neg add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv "
    "mod rmod pow rpow matmul "
    "lt le gt ge and or xor invert array_function"  # le dernier : ce que NumPy en calcule
).split()


class _Kind(type):
    """Une classe absente, dont les noms sont absents aussi : `Adapter.PANDAS`."""

    def __getattr__(cls, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return nothing(name)


class Nothing(metaclass=_Kind):
    """Ce qui tient lieu d'un objet absent : tout s'y lit, s'y appelle et s'y calcule, sans effet.

    Un tableau NumPy fait d'un tel objet contient les images de l'essai.
    """

    images = None  # donné par `running`

    def __init__(self, *_, **__):
        pass

    def __getattr__(self, name: str):
        """Rend un autre objet inerte, ou une classe si le nom est celui d'une classe."""
        if name.startswith("__") or (name in TRUSTED and not is_asked_by_hand_in()):
            raise AttributeError(name)
        return nothing(name)

    def __call__(self, *given, **_):
        """Rend la fonction reçue, comme un décorateur, ou le modèle reçu ; ou un objet inerte."""
        decorated = len(given) == 1 and _is_decorated(given[0])
        return given[0] if decorated or (given and _is_model(given[0])) else Nothing()

    def __array__(self, dtype=None, copy=None):
        """Rend les images de l'essai."""
        return self.images if dtype is None else self.images.astype(dtype)

    def __len__(self):
        """Compte ces images."""
        return len(self.images)

    def __index__(self):
        """Compte ces images : un nombre absent est le leur."""
        return len(self.images)

    __fspath__ = object.__repr__  # un dossier absent, où rien n'est

    def __iter__(self):
        """N'énumère rien."""
        return iter(())

    def __bool__(self):
        """Est faux."""
        return False

    def __exit__(self, *_):
        """Laisse passer une exception."""
        return False

    def _calculate(self, *_):
        return Nothing()


for _operation in OPERATIONS:
    setattr(Nothing, f"__{_operation}__", Nothing._calculate)


def _is_decorated(value) -> bool:
    """Dit si un objet absent, appelé avec cette seule valeur, la décore sans doute."""
    if not isinstance(value, types.FunctionType | type):
        return False
    return "<lambda>" not in value.__name__ and value.__module__ != "builtins"


def _is_model(value) -> bool:
    """Dit si une valeur est un modèle, que `multi_gpu_model` rendrait prêt à apprendre."""
    return not isinstance(value, Nothing) and {"compile", "fit"} <= {*dir(type(value))}


def nothing(name: str):
    """Rend de quoi tenir lieu de `name` : une classe si le nom en a la majuscule, ou un objet."""
    return type(name, (Nothing,), {}) if name[:1].isupper() else Nothing()


def attribute(name: str):
    """Rend de quoi tenir lieu d'un nom de module : le `__getattr__` des modules `stand_ins`."""
    if name == "__version__":
        return "0"
    if name.startswith("__"):
        raise AttributeError(name)
    return nothing(name)


def is_asked_by_hand_in() -> bool:
    """Dit si un import vient du rendu : les bibliothèques savent se passer de ce qui manque."""
    frame, here = sys._getframe(2), os.getcwd()
    while frame is not None and "importlib" in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(here)
