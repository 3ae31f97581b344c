import re

import numpy as np
import pytest

from convnets.figures.convolution import Sliding
from exercises.ex00_convolution import figures, networks

PARAMETERS = re.compile(r"^(\d[\d ]*)(?: paramètres)?$", re.MULTILINE)


@pytest.mark.question("S2 §1.3, S3")
def test_the_lenet_figure_is_the_network():
    """Les formes et les paramètres."""
    lenet = networks.build_lenet(32)
    assert [shape for _, shape in figures.LENET] == [each.output.shape[1:] for each in lenet.layers]
    counts = PARAMETERS.findall("\n".join(name for name, _ in figures.LENET))
    assert sum(int(count.replace(" ", "")) for count in counts) == lenet.count_params() == 61_706


@pytest.mark.question("S3 Convolution 2D")
def test_the_animations_compute_what_they_show():
    for _, sliding in figures.animations().values():
        for index, value in enumerate(sliding.output.reshape(-1)):
            terms = [v for v in sliding.terms(index).reshape(-1) if v is not None]
            assert value == {"sum": sum, "max": max}[sliding.operation](terms)


@pytest.mark.ci
def test_save_all_writes_them(tmp_path, monkeypatch, capsys):
    one = Sliding(np.eye(2), None, np.ones((1, 1)), (2, 2), operation="max")
    monkeypatch.setattr(figures, "animations", lambda: {"petite": ("titre", one)})
    assert figures.save_all(tmp_path / "f") == 0
    written = {path.name for path in (tmp_path / "f").iterdir() if path.stat().st_size > 1000}
    assert written == {"lenet5.png", "petite.gif"}
    assert len(capsys.readouterr().out.splitlines()) == len(written)
