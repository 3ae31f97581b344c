import numpy as np
import pytest

from convnets.core import reports
from convnets.datasets import sources
from convnets.training import saving, study

QUESTION = "Jour 04, exercice 2"


@pytest.fixture(scope="module")
def ex02():
    from exercises import ex02_fashion

    return ex02_fashion


@pytest.mark.question(QUESTION)
def test_architecture_is_the_mandated_one(ex02):
    model = ex02.build_model()
    imposed = [
        type(layer).__name__
        for layer in model.layers
        if type(layer).__name__ in {"Conv2D", "MaxPooling2D", "Dense"}
    ]
    assert imposed == [
        "Conv2D",
        "MaxPooling2D",
        "Conv2D",
        "MaxPooling2D",
        "Conv2D",
        "Dense",
        "Dense",
    ]
    assert model.input_shape == (None, 28, 28) and model.output_shape == (None, 10)
    assert model.inputs[0].dtype == "uint8"


@pytest.mark.question(QUESTION)
def test_parameter_count(ex02):
    model, (a, b, c), units = ex02.build_model(), ex02.FILTERS, ex02.DENSE_UNITS
    kernels = [layer.kernel.shape for layer in model.layers if type(layer).__name__ == "Conv2D"]
    flat = next(layer.output.shape[1] for layer in model.layers if layer.name.startswith("flatten"))
    expected = sum(int(np.prod(shape)) for shape in kernels)
    expected += 4 * (a + b + c + units)  # quatre vecteurs par normalisation
    expected += flat * units + units * 10 + 10
    assert model.count_params() == expected


@pytest.mark.question(QUESTION)
def test_class_names_are_those_of_the_statement(ex02):
    assert ex02.class_names == [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ]
    assert len(sources.FASHION_CLASSES_FR) == 10


def test_scaling_is_inside_the_model(ex02):
    import keras

    model = ex02.build_model()
    scaled = keras.Model(model.inputs[0], model.layers[1].output)
    images = np.array([0, 255], np.uint8).repeat(28 * 28).reshape(2, 28, 28)
    result = np.asarray(scaled(images))
    assert result[0].max() == -1 and result[1].min() == pytest.approx(1)


def test_probabilities_sum_to_one(ex02, extract):
    x, _ = extract("fashion_mnist")
    probabilities = ex02.build_model().predict(x[:20], verbose=0)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)


def test_augmentation_moves_or_mirrors_only(ex02, extract):
    x, _ = extract("fashion_mnist")
    x = x[:60]
    rng = np.random.default_rng(0)
    moved = ex02.augment(x, indices=np.arange(60), epoch=0, rng=rng)
    assert moved.shape == x.shape and moved.dtype == np.uint8
    pad = ex02.TRANSLATE_PX
    mirrored = 0
    for image, result in zip(x, moved, strict=True):
        views = []
        for view in (image, image[:, ::-1]):
            padded = np.pad(view, pad, mode="reflect")
            views.append(
                any(
                    (padded[i : i + 28, j : j + 28] == result).all()
                    for i in range(2 * pad + 1)
                    for j in range(2 * pad + 1)
                )
            )
        assert any(views)
        mirrored += not views[0]
    assert 15 < mirrored < 45


def test_figures_in_a_file_are_refused_before_learning(
    ex02, as_dataset, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: as_dataset("fashion_mnist"))
    monkeypatch.setattr(ex02, "train", lambda *_, **__: pytest.fail("apprend"))
    (tmp_path / "notes.md").touch()
    assert ex02.main(["--output", str(tmp_path / "notes.md")]) == 1
    assert "notes.md n'est pas un dossier" in capsys.readouterr().err


def test_one_image_is_too_few(ex02, as_dataset, monkeypatch, capsys):
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: as_dataset("fashion_mnist"))
    assert ex02.main(["--limit", "1"]) == 1
    assert "--limit 1 : il faut au moins deux images" in capsys.readouterr().err


@pytest.mark.question(QUESTION)
@pytest.mark.usefixtures("eager")
def test_main_trains_reports_and_saves(ex02, as_dataset, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(ex02, "FILTERS", (8, 8, 8))
    monkeypatch.setattr(ex02, "DENSE_UNITS", 16)
    dataset = as_dataset("fashion_mnist")
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: dataset)
    arguments = (
        f"--epochs 1 --seeds 2 --batch-size 135 --precision float32 --models-dir {tmp_path}/m "
        f"--output {tmp_path}/f"
    ).split()
    assert ex02.main(arguments) == 0
    printed = capfd.readouterr().out
    assert "Bottine" in printed and "rappel" in printed  # le tableau par classe
    assert "Durée prévue" in printed and "exactitude en validation" in printed
    assert {p.name for p in (tmp_path / "f").iterdir()} == {
        "courbes.png",
        "confusion.png",
        "erreurs.png",
    }
    report = reports.read_report("ex02_fashion", models_dir=tmp_path / "m")
    assert report.metrics["accuracy"].n == 2 and report.classes == ex02.class_names
    assert report.num_images == {"train": 270, "val": 30, "test": 100}

    # Relu, le modèle livré redit exactement l'exactitude et la confusion du compte rendu.
    model = saving.load_model("ex02_fashion", models_dir=tmp_path / "m")
    x_test, y_test = dataset[1]
    result = ex02.evaluate(model, x_test, y_test)
    assert result["accuracy"] == pytest.approx(report.shipped["accuracy"])
    matrix = study.confusion_matrix(y_test, result["probabilities"].argmax(1), 10)
    assert matrix.tolist() == report.confusion_matrix


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "--epochs : nombre entier d'au moins 1"),
        (["--seeds", "x"], "--seeds : nombre entier d'au moins 1"),
        (["--precision", "double"], "choix impossible"),
        (["--inconnue"], "option inconnue : --inconnue"),
    ],
)
def test_bad_options(ex02, arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        ex02.main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err.replace(": ", " : ").replace("  ", " ")


def test_too_few_images(ex02, as_dataset, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: as_dataset("fashion_mnist"))
    arguments = ["--limit", "20", "--models-dir", str(tmp_path)]
    assert ex02.main(arguments) == 1
    assert "ne font pas un lot de" in capsys.readouterr().err


@pytest.mark.question(QUESTION)
def test_shipped_model_on_the_real_extract(ex02, extract):
    x, y = extract("fashion_mnist")
    model = saving.load_model("ex02_fashion")
    assert ex02.evaluate(model, x, y)["accuracy"] >= 0.92  # 400 images de test, fixes


@pytest.mark.question(QUESTION)
def test_shipped_result_reaches_the_goal():
    report = reports.read_report("ex02_fashion")
    assert report.metrics["accuracy"].n >= 2  # apprises séparément, chacune avec son maître
    assert report.metrics["accuracy"].mean >= 0.945  # le but : 94,5 %
    assert report.num_images["test"] == 10000


@pytest.mark.slow
def test_shipped_model_on_the_whole_test_set(ex02):
    _, (x_test, y_test) = sources.load_fashion_mnist()
    report = reports.read_report("ex02_fashion")
    result = ex02.evaluate(saving.load_model("ex02_fashion"), x_test, y_test)
    assert result["accuracy"] == pytest.approx(report.shipped["accuracy"], abs=2e-4)
