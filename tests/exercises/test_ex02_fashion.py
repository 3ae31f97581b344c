import numpy as np
import pytest

from convnets.core import paths, reports
from convnets.datasets import sources
from convnets.training import saving

QUESTION = "Jour 04, exercice 2"


@pytest.fixture(scope="module")
def ex02():
    from exercises import ex02_fashion

    return ex02_fashion


@pytest.mark.question(QUESTION)
def test_architecture_is_the_mandated_one(ex02):
    model = ex02.build_model()
    kinds = [type(layer).__name__ for layer in model.layers]
    imposed = [kind for kind in kinds if kind in {"Conv2D", "MaxPooling2D", "Dense"}]
    assert imposed == "Conv2D MaxPooling2D Conv2D MaxPooling2D Conv2D Dense Dense".split()
    assert model.input_shape == (None, 28, 28) and model.output_shape == (None, 10)
    assert model.inputs[0].dtype == "uint8"
    assert model.count_params() == 1_703_082


@pytest.mark.question(QUESTION)
def test_class_names_are_those_of_the_statement(ex02):
    assert ex02.class_names == sources.FASHION_CLASSES
    assert len(sources.FASHION_CLASSES_FR) == 10


def test_scaling_is_inside_the_model(ex02):
    import keras

    model = ex02.build_model()
    scaled = keras.Model(model.inputs[0], model.layers[1].output)
    images = np.array([0, 255], np.uint8).repeat(28 * 28).reshape(2, 28, 28)
    result = np.asarray(scaled(images))
    assert result[0].max() == -1 and result[1].min() == pytest.approx(1)


def test_augmentation_moves_or_mirrors_only(ex02, extract):
    x = extract("fashion_mnist")[0][:60]
    moved = ex02.augment(x, indices=np.arange(60), epoch=0, rng=np.random.default_rng(0))
    assert moved.shape == x.shape and moved.dtype == np.uint8
    pad, mirrored = ex02.TRANSLATE_PX, 0
    for image, result in zip(x, moved, strict=True):
        views = []
        for view in (image, image[:, ::-1]):
            padded = np.pad(view, pad, mode="reflect")
            shifts = np.ndindex(2 * pad + 1, 2 * pad + 1)
            views.append(any((padded[i : i + 28, j : j + 28] == result).all() for i, j in shifts))
        assert any(views)
        mirrored += not views[0]
    assert 15 < mirrored < 45


def test_figures_in_a_file_are_refused_before_learning(ex02, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ex02, "train", lambda *_, **__: pytest.fail("apprend"))
    (tmp_path / "notes.md").touch()
    assert ex02.main(["--output", str(tmp_path / "notes.md")]) == 1
    assert "notes.md n'est pas un dossier" in capsys.readouterr().err


def test_one_image_is_too_few(ex02, as_dataset, monkeypatch, capsys):
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: as_dataset("fashion_mnist"))
    assert ex02.main(["--limit", "1"]) == 1
    assert "--limit 1 : il faut au moins deux images" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--epochs", "0"], "nombre entier d'au moins 1"), (["--inconnue"], "option inconnue")],
)
def test_bad_options(ex02, arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        ex02.main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_lesson_trains_saves_and_is_read_again(ex02, as_dataset, tmp_path, monkeypatch, capsys):
    for name, value in {"FILTERS": (8, 8, 8), "DENSE_UNITS": 16, "BATCH_SIZE": 135}.items():
        monkeypatch.setattr(ex02, name, value)
    monkeypatch.setattr(paths, "MODELS_DIR", tmp_path / "m")
    dataset = as_dataset("fashion_mnist")
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: dataset)
    assert ex02.main(["--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    printed = capsys.readouterr().out
    assert "Bottine" in printed and "exactitude en validation" in printed
    assert "./predict --model ex02_fashion" in printed
    names = {path.name for path in (tmp_path / "f").iterdir()}
    assert names == {"courbes.png", "confusion.png", "erreurs.png"}
    report = reports.read_report("ex02_fashion", models_dir=tmp_path / "m")
    assert report.command == "python -m exercises.ex02_fashion --epochs 1"
    model = saving.load_model("ex02_fashion", models_dir=tmp_path / "m")
    assert ex02.evaluate(model, *dataset[1])["accuracy"] == report.metrics["accuracy"].mean
