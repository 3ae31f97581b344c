import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from convnets.figures.convolution import Sliding
from exercises.ex00_convolution import figures, networks

PARAMETERS = re.compile(r"^(\d[\d ]*)(?: paramètres)?$", re.MULTILINE)


@pytest.fixture
def drawn(monkeypatch):
    """Les figures écrites, dans l'ordre ; leur fichier ne l'est pas."""
    saved = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: saved.append(self))
    return saved


@pytest.mark.question("S2 §1.3, S3")
def test_the_lenet_figure_is_the_network(drawn, tmp_path):
    """Les formes et les paramètres."""
    figures.save_lenet(tmp_path / "lenet5.png")
    lenet = networks.build_lenet(32)
    shapes = {text.get_text() for text in drawn[0].axes[0].texts}
    assert {"×".join(map(str, layer.output.shape[1:])) for layer in lenet.layers} <= shapes
    counts = PARAMETERS.findall("\n".join(name for name, _ in figures.LENET))
    assert sum(int(count.replace(" ", "")) for count in counts) == lenet.count_params() == 61_706


@pytest.mark.question("S2 §1.2")
def test_the_receptive_fields_are_those_of_the_middle_cells(drawn, tmp_path):
    """Refait case par case : ce que lit chaque case d'une couche dans celle d'avant."""
    seen, expected = [{k} for k in range(32)], []
    for (_, shape), (side, step) in zip(figures.LENET[1:5], figures.LENET_WINDOWS, strict=True):
        seen = [set().union(*seen[step * i : step * i + side]) for i in range(shape[0])]
        middle = seen[shape[0] // 2]
        expected.append((min(middle), len(middle)))
    assert [(first, side) for _, first, side in figures.lenet_fields()] == expected
    figures.save_fields(tmp_path / "champ_recepteur.png")
    titles = [axis.get_title().split(" : ")[-1] for axis in drawn[0].axes]
    assert titles == ["image", *(f"{side}×{side}" for _, side in expected)]


@pytest.mark.question("S3 Convolution 2D")
def test_the_animations_compute_what_they_show():
    for _, sliding in figures.animations().values():
        for index, value in enumerate(sliding.output.reshape(-1)):
            terms = [v for v in sliding.terms(index).reshape(-1) if v is not None]
            expected = {"sum": sum(terms), "max": max(terms)}
            expected["mean"] = expected["sum"] / sliding.terms(index).size
            assert float(value) == pytest.approx(float(expected[sliding.operation]))


@pytest.mark.ci
def test_save_all_writes_them(tmp_path, monkeypatch, capsys):
    one = Sliding(np.eye(2), None, np.ones((1, 1)), (2, 2), operation="max")
    monkeypatch.setattr(figures, "animations", lambda: {"petite": ("titre", one)})
    assert figures.save_all(tmp_path / "f") == 0
    written = {path.name for path in (tmp_path / "f").iterdir() if path.stat().st_size > 1000}
    assert written == {"lenet5.png", "champ_recepteur.png", "petite.gif"}
    assert len(capsys.readouterr().out.splitlines()) == len(written)
