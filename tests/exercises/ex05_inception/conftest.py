import importlib

import pytest


@pytest.fixture(scope="session")
def ex05():
    """Le paquet, tous ses fichiers importés : `ex05.features`, `ex05.head`…"""
    for name in ("__main__", "layers", "forgetting"):
        importlib.import_module(f"exercises.ex05_inception.{name}")
    return importlib.import_module("exercises.ex05_inception")
