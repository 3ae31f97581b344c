import numpy as np
import pytest

from convnets.core import reports
from convnets.datasets import sources
from convnets.figures import convolution
from convnets.training import saving


@pytest.fixture(scope="module")
def ex00():
    from exercises.ex00_convolution import learned_filters

    return learned_filters


@pytest.fixture(scope="module")
def shipped():
    return saving.load_model("ex00_learned_filters")


@pytest.mark.question("S0 Apprentissage des Features")
def test_the_network_is_the_one_of_the_slides(ex00):
    from exercises.ex00_convolution import x_or_o

    model, by_hand = ex00.build_model(), x_or_o.build_model()
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("Conv2D") == 1 and kinds.count("MaxPooling2D") == 2
    assert model.get_layer("filters").kernel.shape == by_hand.get_layer("filters").kernel.shape
    assert model.count_params() == 3 * 9 + 12 * 2 + 2
    assert model.inputs[0].dtype == "uint8" and model.output_shape == (None, 2)


def test_letters_are_balanced_varied_and_reproducible(ex00):
    x, y = ex00.draw_letters(201, seed=3)
    assert x.shape == (201, 9, 9) and x.dtype == y.dtype == np.uint8
    assert abs((y == 0).sum() - (y == 1).sum()) == 1
    again, _ = ex00.draw_letters(201, seed=3)
    np.testing.assert_array_equal(x, again)
    assert len(np.unique(x.reshape(201, -1), axis=0)) == 201


def test_an_x_is_dark_round_its_centre_and_an_o_is_not(ex00):
    x, y = ex00.draw_letters(400, seed=0)
    centre = x[:, 3:6, 3:6].max(axis=(1, 2)).astype(float)
    assert centre[y == 0].mean() > 200
    assert x[y == 1].mean(axis=0)[4, 4] < x[y == 0].mean(axis=0)[4, 4] / 2


@pytest.mark.question("S0 Apprentissage des Features")
def test_the_shipped_filters_read_fresh_letters_and_the_slides(ex00, shipped):
    report = reports.read_report("ex00_learned_filters")
    x, y = ex00.draw_letters(500, seed=12345)  # jamais vus, ni à l'entraînement ni au test
    assert ex00.evaluate(shipped, x, y)["accuracy"] > 0.97
    named = ex00.name_pictures(shipped)
    assert named["X"] > 0.5 and named["X déformé"] > 0.5 and named["O"] < 0.5
    assert report.metrics["accuracy"].n == 3 and report.num_parameters == 53
    dataset = (ex00.draw_letters(ex00.NUM_TRAIN, seed=0), ex00.draw_letters(ex00.NUM_TEST, seed=1))
    assert report.data_sha256 == sources.dataset_sha256(dataset)
    assert ex00.evaluate(shipped, *dataset[1])["accuracy"] == report.shipped["accuracy"]


def test_learned_filters_are_scaled(ex00, shipped):
    filters = ex00.learned_filters(shipped)
    assert filters.shape == (3, 3, 3)
    np.testing.assert_allclose(abs(filters).max(axis=(1, 2)), 1)
    kernel = shipped.get_layer("filters").get_weights()[0]
    for k in range(3):
        scale = (
            kernel[..., 0, k].flat[abs(filters[k]).argmax()]
            / filters[k].flat[abs(filters[k]).argmax()]
        )
        np.testing.assert_allclose(filters[k] * scale, kernel[..., 0, k], rtol=1e-5)


def test_filters_before_training_are_those_the_shipped_ones_come_from(
    ex00, shipped, tmp_path, monkeypatch
):
    """Les filtres dessinés comme tirés au hasard ressemblent à ce qu'ils sont devenus."""
    rows = []
    draw = convolution.draw_rows
    monkeypatch.setattr(
        convolution,
        "draw_rows",
        lambda given, **options: rows.extend(given) or draw(given, **options),
    )
    seed = reports.read_report("ex00_learned_filters").shipped["seed"]
    ex00.save_figures(shipped, tmp_path, seed=seed)
    before, after = (np.stack([values for _, values in row]).reshape(3, -1) for row in rows[1:])
    assert [name for name, _ in rows[1]] == ["tiré 1", "tiré 2", "tiré 3"]
    assert np.abs(before - after).max() > 0.5  # il a appris…
    alike = [np.corrcoef(*pair)[0, 1] for pair in zip(before, after, strict=True)]
    assert min(alike) > 0.4  # … en partant de là ; d'une autre graine, deux au moins s'opposent


@pytest.mark.usefixtures("eager")
@pytest.mark.slow
def test_the_whole_loop(ex00, tmp_path, capsys):
    folders = ["--models-dir", str(tmp_path), "--output", str(tmp_path / "figures")]
    assert ex00.main(["--epochs", "1", "--seeds", "1", "--limit", "100", *folders]) == 0
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        "filtres_appris.png",
        "lettres.png",
    }
    model = saving.load_model("ex00_learned_filters", models_dir=tmp_path)
    assert "X déformé : X à" in capsys.readouterr().out
    assert model.count_params() == 53


@pytest.mark.slow
def test_training_learns(ex00, tmp_path):
    options = ["--seeds", "1", "--models-dir", str(tmp_path), "--output", str(tmp_path)]
    assert ex00.main(options) == 0
    report = reports.read_report("ex00_learned_filters", models_dir=tmp_path)
    assert report.shipped["accuracy"] > 0.95
