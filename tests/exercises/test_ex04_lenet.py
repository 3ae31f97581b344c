import numpy as np
import pytest
from PIL import Image

from convnets.core import reports
from convnets.figures.charts import number

QUESTION = "TD, question 1"


@pytest.fixture(scope="module")
def ex04():
    from exercises import ex04_lenet

    return ex04_lenet


# --- Structure -----------------------------------------------------------------------


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize(
    ("variant", "pooling", "activation"),
    [("modern", "MaxPooling2D", "relu"), ("1998", "AveragePooling2D", "tanh")],
)
def test_lenet_is_the_one_of_the_figure(ex04, variant, pooling, activation):
    model = ex04.build_lenet(variant)
    sizes = {layer.name: layer.count_params() for layer in model.layers if layer.count_params()}
    assert list(sizes.values()) == [156, 2416, 48120, 10164, 850]  # 6 et 16 filtres 5×5, 120, 84
    assert model.count_params() == 61_706
    shapes = {name: model.get_layer(name).output.shape[1:] for name in ("C1", "S2", "C3", "S4")}
    assert shapes == {"C1": (28, 28, 6), "S2": (14, 14, 6), "C3": (10, 10, 16), "S4": (5, 5, 16)}
    assert type(model.get_layer("S2")).__name__ == type(model.get_layer("S4")).__name__ == pooling
    found = {model.get_layer(name).activation.__name__ for name in ("C1", "C3", "C5", "F6")}
    assert found == {activation}


@pytest.mark.question(QUESTION)
def test_dense_network_is_as_close_as_one_hidden_layer_allows(ex04):
    def count(hidden):
        return 785 * hidden + 11 * 10 + (hidden - 10) * 10

    assert ex04.build_dense().count_params() == count(ex04.HIDDEN) == 62_020
    assert min(range(1, 200), key=lambda hidden: abs(count(hidden) - 61_706)) == ex04.HIDDEN


# --- Toute la boucle -----------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_lesson_compares_and_saves_lenet(
    ex04, small_data, tmp_path, unrendered, monkeypatch, capsys, short_runs
):
    small_data("mnist")
    monkeypatch.setattr(ex04, "BATCH_SIZE", 135)
    short_runs(tmp_path / "m")
    with unrendered():  # test_ex02_fashion.py dessine ces figures
        assert ex04.main(["--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    printed = capsys.readouterr().out
    report = reports.read_report("ex04_lenet", models_dir=tmp_path / "m")
    error = 100 * (1 - report.metrics["accuracy"].mean)
    assert f"LeNet : {number(error, 2)} % d'erreur." in printed and "Réseau dense : " in printed
    assert report.framing == "digit" and report.num_parameters == 61_706


def test_digits_are_warped_but_stay_in_place(ex04, extract):
    x = extract("mnist")[0][:50]
    moved = ex04.augment(x, indices=np.arange(50), epoch=0, rng=np.random.default_rng(0))
    assert moved.dtype == np.uint8 and (moved != x).any(axis=(1, 2)).all()
    ink = moved.astype(float).sum((1, 2)) / x.astype(float).sum((1, 2))
    assert 0.7 < ink.min() and ink.max() < 1.4


# --- Ce qui est livré ----------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_predict_reads_a_photographed_digit(extract, run_predict, tmp_path):
    digit = Image.fromarray(255 - extract("mnist")[0][0]).resize((260, 260))  # un 7
    page = Image.new("RGB", (900, 1200), (236, 229, 210))
    page.paste(digit.convert("RGB").point(lambda level: level * 0.9), (560, 80))
    page.save(tmp_path / "photo.jpg")
    result = run_predict("--model", "digits", tmp_path / "photo.jpg")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.decode() == "Prédiction: 7\n"
