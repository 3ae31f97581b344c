import keras
import numpy as np
import pytest
from matplotlib.figure import Figure

from convnets.core.reports import Metric, Report

QUESTION = "S3 The Transformer Wave"


@pytest.fixture(scope="module")
def figures():
    from exercises.ex19_vision_transformer import figures as ex19_figures

    return ex19_figures


def fake_report(num_seeds):
    def metric(mean):
        return Metric(mean, 0.002 if num_seeds > 1 else None, num_seeds)

    names = ["transformer", "no_positions", "cnn", "hybrid"]
    metrics = {"accuracy": metric(0.85), "accuracy_shuffled": metric(0.4)}
    metrics |= {
        f"accuracy_{name}{end}": metric(value)
        for name, end, value in (
            ("no_positions", "", 0.7),
            ("no_positions", "_shuffled", 0.7),
            ("cnn", "", 0.9),
            ("cnn", "_shuffled", 0.5),
            ("hybrid", "", 0.88),
            ("hybrid", "_shuffled", 0.2),
            ("transformer", "_few", 0.79),
            ("cnn", "_few", 0.86),
            ("hybrid", "_few", 0.82),
        )
    }
    curve = {"mean": [0.7, 0.9], "sd": [0.1, 0.0]}
    return Report(
        command="",
        metrics=metrics,
        parameters=dict.fromkeys(names, 60682),
        num_images={"train": 30000},
        details={
            "few_share": 0.1,
            "durations_s": dict.fromkeys(names, metric(21.4)),
            "curves": {f"{name}_val_accuracy": curve for name in names},
        },
    )


def test_summary_in_french(figures):
    lines = figures.summary(fake_report(3)).splitlines()
    assert lines[0] == (
        "Transformeur (60 682 paramètres) : 85,00 % ± 0,20 d'exactitude, "
        "40,00 % ± 0,20 morceaux mélangés (3 graines)."
    )
    assert lines[1].startswith("Transformeur sans positions") and "70,00 %" in lines[1]
    assert lines[2].startswith("Convolution") and "90,00 %" in lines[2] and "50,00 %" in lines[2]
    assert lines[3].startswith("Convolution puis attention") and "20,00 %" in lines[3]
    assert lines[4] == (
        "Dix fois moins d'images : transformeur 79,00 % ± 0,20, convolution 86,00 % ± 0,20, "
        "convolution puis attention 82,00 % ± 0,20."
    )


@pytest.mark.parametrize("num_seeds", [1, 3])
def test_comparison_comes_from_the_report_alone(figures, tmp_path, num_seeds):
    figures.save_comparison(fake_report(num_seeds), tmp_path / "a" / "comparaison.png")
    assert (tmp_path / "a" / "comparaison.png").stat().st_size > 10000


def test_choose_takes_one_recognised_image_per_class(figures):
    y = np.array([[2], [0], [0], [1], [2], [1]])
    guesses = np.array([0, 1, 0, 1, 2, 1])
    probabilities = np.eye(3)[guesses]
    assert figures.choose(y, probabilities, limit=8).tolist() == [2, 3, 4]
    assert figures.choose(y, probabilities, limit=2).tolist() == [2, 3]
    assert figures.choose(y, np.eye(3)[(y.reshape(-1) + 1) % 3], limit=8).tolist() == [0]


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_figures_of_a_network(figures, tmp_path, extract, monkeypatch, eager):
    from exercises.ex19_vision_transformer import networks

    monkeypatch.setattr(networks, "DEPTH", 1)
    monkeypatch.setattr(networks, "PATCH_PX", 7)  # seize jetons
    keras.utils.set_random_seed(0)
    model = networks.build_transformer()
    before = model.get_weights()
    x = extract("fashion_mnist")[0]
    names = [str(k) for k in range(10)]
    drawn, save = [], Figure.savefig
    with monkeypatch.context() as patch:
        patch.setattr(Figure, "savefig", lambda self, *a: (drawn.append(self), save(self, *a)))
        for k in (1, 2):  # une seule image aussi
            figures.save_attention(model, x[:k], tmp_path / f"{k}.png", classes_fr=names)
    for figure in drawn:  # le titre entier est dans la figure
        title = figure.get_suptitle()
        assert title.split()[0] == "Où" and title.endswith("carte)")
        box = figure._suptitle.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1
    figures.save_positions(model, tmp_path / "positions.png")
    sizes = [(tmp_path / name).stat().st_size for name in ("1.png", "2.png", "positions.png")]
    assert sizes[0] < sizes[1] and min(sizes) > 4000
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
