"""Hors de Linux, la correction refuse de se lancer : les tests qui la lancent sont passés."""

import sys

import pytest

from grading.asking import grader

GRADING = {
    "test_collections",
    "test_grader",
    "test_interruption",
    "test_plugin",
    "test_sandbox",
    "test_statements",
}


@pytest.fixture(scope="session")
def made():
    """Un correcteur, à une graine tirée au hasard : Keras n'y est chargé qu'une fois."""
    made = grader.Grader(grader.Options(seed=grader.random_seed()))
    yield made
    made.close()


def pytest_collection_modifyitems(items):
    """Passe, en le disant, les tests qui enferment un rendu."""
    if sys.platform == "linux":
        return
    skip = pytest.mark.skip(reason="la correction ne se lance que sous Linux")
    for item in items:
        if item.path.parent.name == "grading" and item.path.stem in GRADING:
            item.add_marker(skip)
