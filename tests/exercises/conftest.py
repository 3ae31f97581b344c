"""Ce que partagent les tests des exercices."""

import pytest

from convnets.core import paths


@pytest.fixture
def short_runs(tmp_path, monkeypatch):
    """short_runs(dossier) : une leçon abrégée y écrit, et ne touche pas aux modèles livrés."""
    shipped = tmp_path / "livrés"
    monkeypatch.setattr(paths, "MODELS_DIR", shipped)
    yield lambda folder: monkeypatch.setattr(paths, "RUNS_DIR", folder)
    assert not shipped.exists()
