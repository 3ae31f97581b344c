import numpy as np
import pytest
from PIL import Image

from convnets.core.reports import Metric, Report


@pytest.fixture(scope="module")
def figures():
    from exercises.ex21_graphs import figures as ex21_figures

    return ex21_figures


def test_figures_are_written(figures, tmp_path):
    club = figures.load_club()
    predicted = club.labels.copy()
    predicted[8] = 1 - predicted[8]
    figures.save_club(
        club, {"labelled": [0, 33], "predicted": predicted.tolist()}, tmp_path / "a" / "club.png"
    )
    names = [name for _, _, bars in figures.PANELS for name, _, _ in bars]
    metrics = {name: Metric(0.8, None, n=1) for name in names}
    figures.save_bars(Report(command="", metrics=metrics), tmp_path / "mesures.png")
    for path in (tmp_path / "a" / "club.png", tmp_path / "mesures.png"):
        with Image.open(path) as image:
            assert np.asarray(image.convert("L")).std() > 10


def test_receptive_field_figure_counts_the_squares(figures, tmp_path, monkeypatch):
    titles = []
    monkeypatch.setattr(figures, "reached", lambda graph, *, node, depths: [1] * len(depths))

    def gradient(graph, depth, *, node):
        titles.append((depth, node))
        return np.arange(graph.num_nodes) % 2

    monkeypatch.setattr(figures, "node_gradient", gradient)
    figures.save_receptive_field(tmp_path / "champ.png")
    assert (tmp_path / "champ.png").stat().st_size > 10_000
    assert titles == [(1, 112), (2, 112), (4, 112)]  # le milieu d'une grille 15 × 15
