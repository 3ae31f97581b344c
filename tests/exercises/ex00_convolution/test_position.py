from types import SimpleNamespace

import numpy as np
import pytest

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


def test_no_ink_is_lost_by_the_longest_shift(ex00, extract):
    x = ex00.widen(extract("mnist")[0])
    assert x.shape[1:] == (40, 40) and x.dtype == np.uint8
    for down, right in ex00.DIRECTIONS:
        moved = ex00.shift(x, ex00.MARGIN_PX * down, ex00.MARGIN_PX * right)
        np.testing.assert_array_equal(moved.sum(axis=(1, 2)), x.sum(axis=(1, 2)))


def test_evaluate_sees_a_planted_dependence_on_position(ex00):
    """Un réseau ne lit que le pixel central, l'autre l'image entière : classe 1 s'il est allumé."""

    def predict(x, **options):
        central, brightest = x[:, 20, 20] // 255, x.max(axis=(1, 2)) // 255
        return {"dense": np.eye(10)[central], "cnn": np.eye(10)[brightest]}

    x = np.zeros((4, 40, 40), np.uint8)
    x[:, 20, 20] = 255
    found = ex00.evaluate(SimpleNamespace(predict=predict), x, np.ones(4, int))
    assert [found[f"dense_{k}"].mean() for k in range(7)] == [1, 0, 0, 0, 0, 0, 0]
    assert [found[f"cnn_{k}"].mean() for k in range(7)] == [1] * 7


@pytest.mark.ci
@pytest.mark.question("S3 Pourquoi les MLP ne sont pas suffisants")
def test_the_shipped_networks_show_the_argument(ex00, extract, monkeypatch):
    model = saving.load_model("ex00_position")
    x, y = extract("mnist")
    with monkeypatch.context() as patch:
        patch.setattr(ex00, "SHIFTS_PX", (0, 6))  # les deux bouts suffisent
        found = ex00.evaluate(model, ex00.widen(x), y.reshape(-1))
    found = {name: each.mean() for name, each in found.items()}
    assert found["dense_0"] > 0.8 and found["cnn_0"] > 0.9
    assert found["dense_6"] < 0.25 < 0.6 < found["cnn_6"]


@pytest.mark.ci
@pytest.mark.usefixtures("eager")
def test_the_whole_loop(ex00, tmp_path, monkeypatch, small_data, short_runs):
    small_data("mnist")
    monkeypatch.setattr(ex00, "SHIFTS_PX", range(2))
    short_runs(tmp_path)
    assert ex00.main(["--epochs", "1", "--limit", "80", "--output", str(tmp_path)]) == 0
    model = saving.load_model("ex00_position", models_dir=tmp_path)
    assert set(model.predict(np.zeros((1, 40, 40), np.uint8), verbose=0)) == {"dense", "cnn"}
    assert (tmp_path / "position.png").stat().st_size > 5000
    metrics, _, kept = ex00.run(1, epochs=1, limit=80)
    assert set(metrics) == {"dense_0", "dense_1", "cnn_0", "cnn_1"}
    ahead, low, high = ex00.pool([kept["pooled"], kept["pooled"]])["gaps"]["dense_1"]
    assert low <= ahead <= high and ahead == pytest.approx(metrics["cnn_1"] - metrics["dense_1"])
