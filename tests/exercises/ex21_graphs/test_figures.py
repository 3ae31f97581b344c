import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from convnets.core.reports import Metric, Report


@pytest.fixture(scope="module")
def figures():
    from exercises.ex21_graphs import figures as ex21_figures

    return ex21_figures


@pytest.mark.ci
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


@pytest.fixture
def drawn(monkeypatch):
    """Les figures qu'on allait écrire, sans les rendre."""
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: figures.append(self))
    return figures


def test_no_bar_goes_beyond_what_can_be_measured(figures, drawn, tmp_path):
    """82,7 % ± 19,9 dépassait 100 %, et le texte blanc se lisait mal sur le gris."""
    names = [name for _, _, bars in figures.PANELS for name, _, _ in bars]
    for mean, sd in ((0.827, 0.199), (0.05, 0.2), (0.5, 0.1)):
        metrics = {name: Metric(mean, sd, n=5) for name in names}
        figures.save_bars(Report(command="", metrics=metrics), tmp_path / "mesures.png")
        low, high = 100 * max(0, mean - sd), 100 * min(1, mean + sd)
        for axis in drawn[-1].axes:
            ends = [each.get_segments()[0][:, 0] for each in axis.collections]
            assert ends and np.allclose(ends, [low, high]) and axis.get_xlim() == (0, 100)
            for bar, text in zip(axis.patches, axis.texts, strict=True):
                inks = [
                    np.dot(np.power(to_rgb(c), 2.2), (0.2126, 0.7152, 0.0722))
                    for c in (bar.get_facecolor(), text.get_color())
                ]
                assert (max(inks) + 0.05) / (min(inks) + 0.05) > 3


@pytest.mark.slow
def test_the_colors_of_the_receptive_field_have_a_key(figures, drawn, tmp_path):
    figures.save_receptive_field(tmp_path / "champ.png")
    pictures = [image for axis in drawn[0].axes[:3] for image in axis.images]
    assert len({image.get_clim() for image in pictures}) == 1  # une même clé pour les trois
    low, high = pictures[0].get_clim()
    assert pictures[0].get_array().max() <= high
    (key,) = (axis for axis in drawn[0].axes if "%" in axis.get_xlabel())
    assert key.get_xlim() == pytest.approx((low, high))
    assert drawn[0].axes[4].get_legend() is not None


@pytest.mark.ci
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
