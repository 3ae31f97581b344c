from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from convnets.core.reports import Metric
from convnets.figures import charts
from convnets.figures.charts import Picture
from convnets.figures.style import COLORS, new_figure


@pytest.fixture
def drawn(monkeypatch):
    """Les figures écrites, dans l'ordre."""
    saved, save = [], Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *a, **k: (saved.append(self), save(self, *a, **k))
    )
    return saved


@pytest.fixture
def axis():
    return Figure().subplots()


def test_numbers_are_written_in_french():
    given = [(1234567, 0), (0.25, 2), (-0.04, 1), (9999.96, 1), (-1234.5, 1)]
    found = [charts.number(*each) for each in given]
    assert found == ["1 234 567", "0,25", "0,0", "10 000,0", "-1 234,5"]


def test_a_table_is_aligned_whatever_its_cells():
    lines = charts.table(
        ["réseau", "paramètres", "exactitude"],
        [["U-Net", np.int64(123456), Metric(0.5, 0.01, 3)], ["au hasard", None, 0.1]],
    ).splitlines()
    assert [line.split() for line in lines] == [
        ["réseau", "paramètres", "exactitude"],
        ["U-Net", "123", "456", *"50,00 % (écart type 1,00 ; 3 graines)".split()],
        ["au", "hasard", "-", "0,10"],
    ]
    assert len({len(line) for line in lines}) == 1


def test_one_seed_has_no_error_bar():
    """Une barre nulle dirait que des graines sont d'accord ; une mesure sans graine, elle, en a."""
    alone, certain, spread = Metric(0.5, None, 1), 0.7, Metric(0.6, 0.02, 3)
    assert charts.means_and_sds([alone, certain])[1] is None
    means, sds = charts.means_and_sds([spread, {"mean": 0.7}])
    np.testing.assert_allclose((means, sds), [[60, 70], [2, 0]])
    np.testing.assert_allclose(charts.means_and_sds([spread], "dB"), [[0.6], [0.02]])


def test_bars_stand_at_their_name_and_say_their_value(axis):
    charts.bars(
        axis,
        {"vus": {"a": Metric(0.5, 0.1, 3), "b": 0.25}, "jamais vus": {"a": None, "b": 0.125}},
        colors={"b": "red"},
    )
    bars = [(round(p.get_x() + p.get_width() / 2, 6), p.get_height()) for p in axis.patches]
    assert bars == [(-0.2, 50), (0.8, 25), (1.2, 12.5)]
    assert [text.get_text() for text in axis.texts] == ["50,0", "25,0", "12,5"]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["a", "b"]
    colors = [patch.get_facecolor()[:3] == (1, 0, 0) for patch in axis.patches]
    assert colors == [False, True, True]


def test_lying_bars_start_from_the_top(axis):
    charts.bars(axis, {"": {"a": 3.0, "b": 1.0}}, unit="dB", horizontal=True, digits=0)
    assert [(p.get_width(), p.get_y() + p.get_height() / 2) for p in axis.patches] == [
        (3, 0),
        (1, 1),
    ]
    assert axis.yaxis_inverted() and axis.get_xlabel() == "dB" and not axis.get_legend()


def test_curves_have_their_band_and_their_places(axis):
    charts.curves(axis, {"a": [Metric(0.5, 0.1, 3), Metric(0.75, 0.1, 3)], "b": [0, 1]}, x=[2, 8])
    first, second = axis.lines
    np.testing.assert_allclose(first.get_xydata(), [[2, 50], [8, 75]])
    np.testing.assert_allclose(second.get_ydata(), [0, 100])
    (band,) = axis.collections
    np.testing.assert_allclose(band.get_datalim(axis.transData).get_points(), [[2, 40], [8, 85]])
    assert first.get_linestyle() != second.get_linestyle()  # se lit sans couleur


def test_pictures_are_placed_named_and_covered(drawn, tmp_path):
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    heat, marked = np.eye(3), []
    first = Picture(image, "0,97", heat=heat, boxes=[((0, 0, 1, 1), "chat", COLORS[1])])
    charts.picture_rows(
        tmp_path / "new" / "a.png",
        {"un": [first, image], "deux": [image]},
        heads=["image", "carte"],
        draw=lambda axis, name, rank: marked.append((name, rank)),
    )
    axes = drawn[0].axes
    assert [len(axis.images) for axis in axes] == [2, 1, 1, 0]
    np.testing.assert_array_equal(axes[0].images[1].get_array(), heat)
    assert axes[0].images[1].get_extent() == axes[0].images[0].get_extent()
    assert [axis.get_title() for axis in axes[:2]] == ["image\n0,97", "carte"]
    assert [axis.get_ylabel() for axis in axes] == ["un", "", "deux", ""]
    assert axes[0].texts[0].get_text() == "chat"
    assert marked == [("un", 0), ("un", 1), ("deux", 0)]


def test_a_mosaic_keeps_the_order_and_pads_with_white():
    images = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1)
    found = charts.mosaic(images, 2)[..., 0]
    assert found.tolist() == [[0, 255, 1, 255], [255] * 4, [2, 255, 255, 255], [255] * 4]


def test_filters_have_white_for_zero(drawn, tmp_path):
    charts.save_filters(tmp_path / "f.png", {"C1": np.array([[[0, -4]], [[0.5, 0.25]]])}, title="t")
    shown = [axis.images[0] for axis in drawn[0].axes]
    assert [image.get_array().tolist() for image in shown] == [[[0, -1]], [[1, 0.5]]]
    assert all(image.get_clim() == (-1, 1) for image in shown)


def test_epochs_are_whole_numbers(tmp_path, drawn):
    with new_figure(tmp_path / "c.png") as (_, axes):
        charts.curves(axes[0, 0], {"perte": [3, 2, 1]}, unit="")
    ticks = [tick for tick in drawn[0].axes[0].get_xticks() if 0.5 <= tick <= 3.5]
    assert ticks == [1, 2, 3]


def test_learning_curves_say_what_was_learned_and_what_validated(drawn, tmp_path):
    history = {"loss": [3, 2], "val_loss": [4, 5], "accuracy": [0.1, 0.2], "val_accuracy": [0, 0.3]}
    charts.save_learning_curves(tmp_path / "c.png", history, targets="réponses du maître")
    shown = [list(line.get_ydata()) for axis in drawn[0].axes for line in axis.get_lines()]
    np.testing.assert_allclose(shown, [[3, 2], [4, 5], [10, 20], [0, 30]])
    labels = [text.get_text() for text in drawn[0].axes[0].get_legend().get_texts()]
    assert labels == ["entraînement (réponses du maître)", "validation"]


def test_a_confusion_is_a_share_of_the_true_class(drawn, tmp_path):
    charts.save_confusion_matrix(tmp_path / "c.png", [[8, 2], [0, 4]], ["a", "b"])
    np.testing.assert_allclose(drawn[0].axes[0].images[0].get_array(), [[0.8, 0.2], [0, 1]])


def test_the_table_by_class_is_counted_by_hand():
    """Dix images « a », huit trouvées ; quatre « b », toutes trouvées, pour six réponses « b »."""
    _, first, second = charts.class_table([[8, 2], [0, 4]], ["a", "b"]).splitlines()
    assert first.split() == "a 100,0 % 80,0 % 88,9 % 10".split()
    assert second.split() == "b 66,7 % 100,0 % 80,0 % 4".split()


def test_the_surest_mistakes_come_first(drawn, tmp_path):
    """Trois fois « a » pris pour « b » ; la bonne réponse, plus sûre encore, n'en est pas une."""
    sure = np.array([0.6, 0.9, 0.99, 0.7])
    options, report = SimpleNamespace(output=tmp_path), SimpleNamespace(classes_fr=["a", "b"])
    probabilities = np.stack([1 - sure, sure], axis=1)
    images = np.zeros((4, 2, 2), np.uint8)
    charts.save_mistakes(options, report, images, np.array([0, 0, 1, 0]), probabilities)
    titles = [axis.get_title() for axis in drawn[0].axes if axis.get_title()]
    assert titles == [f"b à {share} %\nvrai : a" for share in (90, 70, 60)]
    charts.save_mistakes(options, report, images[2:3], np.array([1]), probabilities[2:3])
    assert not any(axis.images for axis in drawn[1].axes)  # aucune erreur : une page vide
