import numpy as np
import pytest
from PIL import Image

from convnets.core import reports
from convnets.datasets import sources
from convnets.serving import calibration
from convnets.training import saving, study

QUESTION = "TD, question 1"


@pytest.fixture(scope="module")
def ex04():
    from exercises import ex04_lenet

    return ex04_lenet


# --- Structure -----------------------------------------------------------------------


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("variant", ["modern", "1998"])
def test_lenet_is_the_one_of_the_figure(ex04, variant):
    model = ex04.build_lenet(variant)
    sizes = {layer.name: layer.count_params() for layer in model.layers if layer.count_params()}
    assert list(sizes.values()) == [156, 2416, 48120, 10164, 850]  # 6 et 16 filtres 5×5, 120, 84
    assert model.count_params() == 61_706
    shapes = {name: model.get_layer(name).output.shape[1:] for name in ("C1", "S2", "C3", "S4")}
    assert shapes == {"C1": (28, 28, 6), "S2": (14, 14, 6), "C3": (10, 10, 16), "S4": (5, 5, 16)}
    assert model.input_shape == (None, 28, 28) and model.inputs[0].dtype == "uint8"
    assert model.output_shape == (None, 10)
    kinds = {type(layer).__name__ for layer in model.layers}
    assert "Dropout" not in kinds
    pooling, activation = {
        "modern": ("MaxPooling2D", "relu"),
        "1998": ("AveragePooling2D", "tanh"),
    }[variant]
    assert {kind for kind in kinds if "Pooling" in kind} == {pooling}
    assert all(
        model.get_layer(name).activation.__name__ == activation for name in ("C1", "C3", "C5", "F6")
    )


@pytest.mark.question(QUESTION)
def test_dense_network_is_as_close_as_one_hidden_layer_allows(ex04):
    def count(hidden):
        return 785 * hidden + 11 * 10 + (hidden - 10) * 10

    assert ex04.build_dense().count_params() == count(ex04.HIDDEN) == 62_020
    assert min(range(1, 200), key=lambda hidden: abs(count(hidden) - 61_706)) == ex04.HIDDEN
    kinds = [type(layer).__name__ for layer in ex04.build_dense().layers]
    assert kinds == ["InputLayer", "Rescaling", "Flatten", "Dense", "Dense"]


def test_scaling_is_inside_both_models(ex04):
    import keras

    pixels = np.repeat(np.array([0, 255], np.uint8), 784).reshape(2, 28, 28)
    for model in (ex04.build_lenet(), ex04.build_dense()):
        scaled = np.asarray(keras.Model(model.input, model.layers[1].output)(pixels))
        assert (scaled[0] == -1).all() and scaled[1] == pytest.approx(1)
        np.testing.assert_allclose(model.predict(pixels, verbose=0).sum(1), 1, atol=1e-5)


# --- Toute la boucle -----------------------------------------------------------------


@pytest.fixture
def small_mnist(as_dataset, monkeypatch):
    dataset = as_dataset("mnist")
    monkeypatch.setattr(sources, "load_mnist", lambda: dataset)
    return dataset


def options(tmp_path, *more):
    folders = f"--models-dir {tmp_path}/m --output {tmp_path}/f"
    return f"--epochs 1 --batch-size 135 {folders} {' '.join(more)}".split()


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.usefixtures("eager")
def test_main_compares_trains_reports_and_saves(ex04, small_mnist, tmp_path, unrendered, capfd):
    with unrendered():  # test_ex02_fashion.py dessine ces figures
        assert ex04.main(options(tmp_path)) == 0
    printed = capfd.readouterr().out
    assert "LeNet : " in printed and "Réseau dense : " in printed and "d'erreur." in printed
    figures = {path.name for path in (tmp_path / "f").iterdir()}
    assert figures == {"courbes.png", "confusion.png", "erreurs.png"}
    report = reports.read_report("ex04_lenet", models_dir=tmp_path / "m")
    assert report.framing == "digit" and report.num_parameters == 61_706
    assert report.command.startswith("python -m exercises.ex04_lenet --seeds 1 --epochs 1")
    for suffix in ("", "_dense"):
        error, accuracy = (report.metrics[name + suffix] for name in ("error", "accuracy"))
        assert error.mean == pytest.approx(1 - accuracy.mean)

    # Relu, LeNet, seul enregistré, redit l'exactitude du compte rendu ; ./predict aussi.
    model = saving.load_model("ex04_lenet", models_dir=tmp_path / "m")
    x_test, y_test = small_mnist[1]
    probabilities = model.predict(x_test, verbose=0)
    assert np.mean(probabilities.argmax(1) == y_test) == pytest.approx(report.shipped["accuracy"])
    matrix = study.confusion_matrix(y_test, probabilities.argmax(1), 10)
    assert matrix.tolist() == report.confusion_matrix
    from convnets.serving.classifier import Classifier

    light = Classifier("ex04_lenet", models_dir=tmp_path / "m").predict(x_test)
    expected = calibration.soften(probabilities, report.calibration["temperature"])
    np.testing.assert_allclose(light, expected, atol=1e-4)


def test_digits_are_warped_but_stay_in_place(ex04, extract):
    x = extract("mnist")[0][:50]
    moved = ex04.augment(x, indices=np.arange(50), epoch=0, rng=np.random.default_rng(0))
    assert (
        moved.shape == x.shape and moved.dtype == np.uint8 and (moved != x).any(axis=(1, 2)).all()
    )
    ink = moved.astype(float).sum((1, 2)) / x.astype(float).sum((1, 2))
    assert 0.7 < ink.min() and ink.max() < 1.4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--variant", "1989"], "--variant : choix impossible"),
        (["--seeds", "0"], "--seeds : nombre entier d'au moins 1"),
    ],
)
def test_bad_options(ex04, arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        ex04.main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err.replace(": ", " : ").replace("  ", " ")


def test_too_few_images(ex04, small_mnist, tmp_path, capsys):
    assert ex04.main(options(tmp_path, "--limit", "40")) == 1
    assert "ne font pas un lot de 135" in capsys.readouterr().err


# --- Ce qui est livré ----------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_shipped_result_reaches_the_goal():
    report = reports.read_report("digits")
    assert report.metrics["error"].n >= 2  # appris séparément, de rien
    assert report.num_images["test"] == 10000
    assert report.metrics["error"].mean <= 0.0038
    assert report.metrics["error_tta"].mean <= 0.0034 and report.num_views == 7
    assert report.framing == "digit" and report.num_parameters == 61_706


@pytest.mark.question(QUESTION)
def test_shipped_model_on_the_real_extract(extract):
    x, y = extract("mnist")
    probabilities = saving.load_model("digits").predict(x, verbose=0)
    assert np.mean(probabilities.argmax(1) == y.reshape(-1)) >= 0.99


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


@pytest.mark.slow
def test_shipped_model_on_the_whole_test_set():
    _, (x_test, y_test) = sources.load_mnist()
    report = reports.read_report("digits")
    probabilities = saving.load_model("digits").predict(x_test, batch_size=500, verbose=0)
    assert np.mean(probabilities.argmax(1) == y_test) == pytest.approx(
        report.shipped["accuracy"], abs=2e-4
    )
