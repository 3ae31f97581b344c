import pytest

from exercises.ex06_feature_maps.__main__ import main

pytestmark = pytest.mark.ci

QUESTION = "TD, §1.2"


@pytest.mark.question(QUESTION)
def test_main_draws_the_shipped_network(tmp_path, capsys):
    assert main(["samples/avion.png", "--output", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"filtres.png", "avion_cartes.png"}
    assert str(tmp_path / "avion_cartes.png") in capsys.readouterr().out
    assert all(path.stat().st_size > 5000 for path in tmp_path.iterdir())
