import pytest

from convnets.explaining import maps as explanations
from convnets.training import saving
from exercises.ex06_feature_maps.__main__ import main

pytestmark = pytest.mark.ci

QUESTION = "TD, §1.2"


@pytest.mark.question(QUESTION)
def test_main_draws_the_shipped_network(tmp_path, capsys):
    assert main(["samples/avion.png", "--output", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"filtres.png", "avion_cartes.png"}
    assert str(tmp_path / "avion_cartes.png") in capsys.readouterr().out
    assert all(path.stat().st_size > 5000 for path in tmp_path.iterdir())


def test_errors_are_french_sentences(tmp_path, monkeypatch, capsys):
    shipped = saving.load_model("thumbnails_light")
    monkeypatch.setattr(saving, "load_model", lambda slug, **options: shipped)
    assert main(["--layers", "c9", "--output", str(tmp_path)]) == 1
    name = explanations.map_layers(shipped)[0]
    assert f"Couche 'c9' inconnue de {shipped.name} : {name}" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
