import re
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from convnets.core.reports import Metric
from convnets.figures import style


def test_the_legend_says_what_was_learned(tmp_path, monkeypatch):
    saved, save = [], Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a: (saved.append(self), save(self, *a)))
    history = {name: [0.9, 0.8] for name in ("loss", "val_loss", "accuracy", "val_accuracy")}
    for targets in ("", "réponses du maître"):
        style.save_learning_curves(tmp_path / "c.png", history, targets=targets)
    legends = [
        [text.get_text() for text in figure.axes[0].get_legend().get_texts()] for figure in saved
    ]
    assert legends == [
        ["entraînement", "validation"],
        ["entraînement (réponses du maître)", "validation"],
    ]
    assert (tmp_path / "c.png").stat().st_size > 1000


@pytest.fixture
def drawn(monkeypatch):
    """Les figures écrites, dans l'ordre."""
    saved, save = [], Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *a, **k: (saved.append(self), save(self, *a, **k))
    )
    return saved


def tick_labels(axis):
    """Ce que montre un axe, et seulement dans ses limites."""
    low, high = sorted(axis.get_view_interval())
    return [
        tick.label1.get_text() for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high
    ]


def test_numbers_on_every_axis_have_a_french_comma(tmp_path, drawn):
    """Axes ordinaires, logarithmiques, de couleurs, à graduations écrites ou comptées à part."""
    with style.new_figure(tmp_path / "a.png", columns=4) as (figure, axes):
        line, log, picture, names = axes[0]
        line.plot([0, 1], [0.00012, 0.00015])
        line.axes.inset_axes((0.5, 0.5, 0.3, 0.3)).plot([0, 0.5])
        log.plot([0.2, 0.5, 0.9], [1, 2, 3])
        log.set(xscale="log")
        log.xaxis.set_minor_formatter("{x:g}")
        line.set_xticks([0, 1], [50, 0.125])  # des nombres, et non des textes
        figure.colorbar(picture.imshow(np.eye(2) / 2), ax=picture)
        names.bar(["moy. 1", "v. 2.5"], [1.2, 2.4])
    shown = [text.get_text() for text in figure.findobj(lambda each: hasattr(each, "get_text"))]
    assert not [text for text in shown if re.search(r"\d\.\d", text)]
    assert {"0,25", "0,5", "1,5", "moy. 1", "v. 2,5", "50", "0,125"} <= set(shown)


@pytest.mark.parametrize("num_epochs", [1, 2, 3, 40])
def test_epochs_are_whole_numbers_within_sight(tmp_path, drawn, num_epochs):
    values = list(np.linspace(1, 0.5, num_epochs))
    history = {name: values for name in ("loss", "val_loss", "accuracy", "val_accuracy")}
    style.save_learning_curves(tmp_path / "c.png", history)
    for axis in drawn[0].axes:
        labels = tick_labels(axis.xaxis)
        assert labels and all(label.isdecimal() for label in labels)
        assert set(map(int, labels)) <= set(range(1, num_epochs + 2))
        assert num_epochs > 9 or len(labels) == num_epochs


def test_one_seed_has_no_error_bar():
    """Une barre nulle dirait que des graines sont d'accord ; une mesure sans graine, elle, en a."""
    alone, certain, spread = Metric(0.5, None, 1), Metric(0.7, None, 1), Metric(0.6, 0.02, 3)
    assert style.spreads([alone, certain]) is None
    assert style.spreads([spread, certain], scale=100) == [2.0, 0]


def test_a_single_file_goes_where_it_is_told(tmp_path):
    def written(output, name="image.png"):
        return style.output_file(SimpleNamespace(output=output, module="ex99"), name)

    assert written(None).as_posix() == "figures/ex99/image.png"
    assert written(tmp_path) == tmp_path / "image.png"
    assert written(tmp_path / "A.PNG") == tmp_path / "A.PNG"
    assert written(tmp_path / "code", "image.bin") == tmp_path / "code"
    for name in ("a.jpg", "a"):
        with pytest.raises(ValueError, match=r"ne se termine pas par \.png"):
            written(tmp_path / name)


def test_the_table_by_class_is_counted_by_hand():
    """Dix images « a », huit trouvées ; quatre « b », toutes trouvées, pour six réponses « b »."""
    *_, first, second, whole = style.class_table([[8, 2], [0, 4]], ["a", "b"]).splitlines()
    assert first.split() == "a 100,0 % 80,0 % 88,9 % 10".split()
    assert second.split() == "b 66,7 % 100,0 % 80,0 % 4".split()
    assert whole.split() == "toutes 85,7 % 14".split()


def test_curves_of_validation_are_those_of_validation(drawn, tmp_path):
    history = {"loss": [3, 2], "val_loss": [4, 5], "accuracy": [0.1, 0.2], "val_accuracy": [0, 0.3]}
    style.save_learning_curves(tmp_path / "c.png", history)
    shown = [list(line.get_ydata()) for axis in drawn[0].axes for line in axis.get_lines()]
    assert shown == [[3, 2], [4, 5], [0.1, 0.2], [0, 0.3]]


def test_a_confusion_is_a_share_of_the_true_class(drawn, tmp_path):
    style.save_confusion_matrix(tmp_path / "c.png", [[8, 2], [0, 4]], ["a", "b"])
    np.testing.assert_allclose(drawn[0].axes[0].images[0].get_array(), [[0.8, 0.2], [0, 1]])


def test_the_surest_mistakes_come_first(drawn, tmp_path):
    """Trois fois « a » pris pour « b » ; la bonne réponse, plus sûre encore, n'en est pas une."""
    sure = np.array([0.6, 0.9, 0.99, 0.7])
    options, report = SimpleNamespace(output=tmp_path), SimpleNamespace(classes_fr=["a", "b"])
    probabilities = np.stack([1 - sure, sure], axis=1)
    images = np.zeros((4, 2, 2), np.uint8)
    style.save_mistakes(options, report, images, np.array([0, 0, 1, 0]), probabilities)
    titles = [axis.get_title() for axis in drawn[0].axes if axis.get_title()]
    assert titles == [f"b à {share} %\nvrai : a" for share in (90, 70, 60)]
