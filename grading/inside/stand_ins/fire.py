"""Tient lieu de python-fire."""

from ..absent import attribute as __getattr__  # noqa: F401


def Fire(component, *_, **__):  # noqa: N802, le nom est de python-fire
    """Appelle une fonction sans argument."""
    return component()
