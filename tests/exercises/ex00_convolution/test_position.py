from types import SimpleNamespace

import numpy as np
import pytest

from convnets.core import reports
from convnets.training import saving


@pytest.fixture(scope="module")
def ex00():
    from exercises.ex00_convolution import position

    return position


@pytest.mark.question("S3 Pourquoi les MLP ne sont pas suffisants")
def test_both_networks_have_as_many_parameters(ex00):
    dense, cnn = ex00.build_dense().count_params(), ex00.build_cnn().count_params()
    assert dense == 1601 * 14 + 15 * 10
    assert cnn == 26 * 16 + (25 * 16 + 1) * 32 + (9 * 32 + 1) * 32 + 33 * 10
    assert abs(dense - cnn) / cnn < 0.02


def test_shift_moves_without_wrapping(ex00):
    x = np.arange(1, 13).reshape(1, 3, 4)
    assert ex00.shift(x, 1, 0)[0].tolist() == [[0, 0, 0, 0], [1, 2, 3, 4], [5, 6, 7, 8]]
    assert ex00.shift(x, 0, -2)[0].tolist() == [[3, 4, 0, 0], [7, 8, 0, 0], [11, 12, 0, 0]]
    assert ex00.shift(x, -1, 1)[0].tolist() == [[0, 5, 6, 7], [0, 9, 10, 11], [0, 0, 0, 0]]
    np.testing.assert_array_equal(ex00.shift(x, 0, 0), x)


def test_no_ink_is_lost_by_the_longest_shift(ex00, extract):
    x = ex00.widen(extract("mnist")[0])
    assert x.shape[1:] == (40, 40) and x.dtype == np.uint8
    for down, right in ex00.DIRECTIONS:
        moved = ex00.shift(x, ex00.MARGIN_PX * down, ex00.MARGIN_PX * right)
        np.testing.assert_array_equal(moved.sum(axis=(1, 2)), x.sum(axis=(1, 2)))


def test_evaluate_sees_a_planted_dependence_on_position(ex00):
    """Un faux modèle ne lit que le pixel central : juste sans déplacement, aveugle ensuite."""

    def predict(x, **options):
        seen = x[:, 20, 20] > 0
        one_hot = np.eye(10)[seen.astype(int)]
        always_right = np.eye(10)[(x.max(axis=(1, 2)) > 0).astype(int)]
        return {"dense": one_hot, "cnn": always_right}

    x = np.zeros((4, 40, 40), np.uint8)
    x[:, 20, 20] = 255
    found = ex00.evaluate(SimpleNamespace(predict=predict), x, np.ones(4, int))
    assert [found[f"dense_{k}"] for k in ex00.SHIFTS_PX] == [1, 0, 0, 0, 0, 0, 0]
    assert [found[f"cnn_{k}"] for k in ex00.SHIFTS_PX] == [1] * 7


@pytest.mark.ci
@pytest.mark.question("S3 Pourquoi les MLP ne sont pas suffisants")
def test_the_shipped_networks_show_the_argument(ex00, extract, monkeypatch):
    model, report = saving.load_model("ex00_position"), reports.read_report("ex00_position")
    x, y = extract("mnist")
    with monkeypatch.context() as patch:
        patch.setattr(ex00, "SHIFTS_PX", (0, 6))  # les deux bouts suffisent
        found = ex00.evaluate(model, ex00.widen(x), y.reshape(-1))
    assert found["dense_0"] > 0.8 and found["cnn_0"] > 0.9
    assert found["dense_6"] < 0.25 < 0.6 < found["cnn_6"]
    means = {name: metric.mean for name, metric in report.metrics.items()}
    assert means["dense_6"] < 0.2 and means["cnn_6"] > 0.7
    assert report.metrics["accuracy"].n == 3
    dense = [means[f"dense_{k}"] for k in ex00.SHIFTS_PX]
    assert dense == sorted(dense, reverse=True)


def test_the_curve_is_the_one_of_the_report(ex00, tmp_path):
    path = ex00.save_curve(reports.read_report("ex00_position"), tmp_path / "position.png")
    assert path.stat().st_size > 5000


@pytest.mark.usefixtures("eager")
@pytest.mark.slow
def test_the_whole_loop(ex00, tmp_path, monkeypatch, as_dataset, unrendered):
    monkeypatch.setattr(ex00.sources, "load_mnist", lambda: as_dataset("mnist"))
    monkeypatch.setattr(ex00, "SHIFTS_PX", range(2))
    folders = ["--models-dir", str(tmp_path), "--output", str(tmp_path)]
    with unrendered():
        assert ex00.main(["--epochs", "1", "--seeds", "1", "--limit", "80", *folders]) == 0
    model = saving.load_model("ex00_position", models_dir=tmp_path)
    assert set(model.predict(np.zeros((1, 40, 40), np.uint8), verbose=0)) == {"dense", "cnn"}
    assert (tmp_path / "position.png").exists()


@pytest.mark.slow
def test_training_shows_the_argument(ex00, tmp_path):
    folders = ["--models-dir", str(tmp_path), "--output", str(tmp_path)]
    assert ex00.main(["--seeds", "1", *folders]) == 0
    metrics = reports.read_report("ex00_position", models_dir=tmp_path).metrics
    assert metrics["dense_6"].mean < 0.3 < 0.5 < metrics["cnn_6"].mean
