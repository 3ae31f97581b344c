import numpy as np
import pytest

from convnets.core import reports
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
    assert ex02.class_names == sources.FASHION_CLASSES


def test_scaling_is_inside_the_model(ex02):
    import keras

    model = ex02.build_model()
    scaled = keras.Model(model.inputs[0], model.layers[1].output)
    images = np.array([0, 255], np.uint8).repeat(28 * 28).reshape(2, 28, 28)
    result = np.asarray(scaled(images))
    assert result[0].max() == -1 and result[1].min() == pytest.approx(1)


def test_half_of_the_images_are_mirrored(ex02, extract, monkeypatch):
    monkeypatch.setattr(ex02, "TRANSLATE_PX", 0)
    x = extract("fashion_mnist")[0][:60]
    found = ex02.augment(x, indices=np.arange(60), epoch=0, rng=np.random.default_rng(0))
    mirrored = (found == x[:, :, ::-1]).all(axis=(1, 2))
    assert (mirrored | (found == x).all(axis=(1, 2))).all() and 15 < mirrored.sum() < 45


def test_figures_in_a_file_are_refused_before_learning(ex02, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ex02, "train", lambda *_, **__: pytest.fail("apprend"))
    (tmp_path / "notes.md").touch()
    assert ex02.main(["--output", str(tmp_path / "notes.md")]) == 1
    assert "notes.md n'est pas un dossier" in capsys.readouterr().err


def test_one_image_is_too_few(ex02, small_data, capsys):
    small_data("fashion_mnist")
    assert ex02.main(["--limit", "1"]) == 1
    assert "--limit 1 : il faut au moins deux images" in capsys.readouterr().err


def test_no_epoch_at_all_is_refused(ex02, capsys):
    with pytest.raises(SystemExit, match="2"):
        ex02.main(["--epochs", "0"])
    assert "nombre entier d'au moins 1" in capsys.readouterr().err


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_lesson_trains_saves_and_is_read_again(
    ex02, small_data, tmp_path, monkeypatch, capsys, short_runs
):
    for name, value in {"FILTERS": (8, 8, 8), "DENSE_UNITS": 16, "BATCH_SIZE": 135}.items():
        monkeypatch.setattr(ex02, name, value)
    short_runs(tmp_path / "m")
    dataset = small_data("fashion_mnist")
    assert ex02.main(["--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    printed = capsys.readouterr().out
    assert "Bottine" in printed and "exactitude en validation" in printed
    assert f"./predict --model {tmp_path}/m/ex02_fashion" in printed
    names = {path.name for path in (tmp_path / "f").iterdir()}
    assert names == {"courbes.png", "confusion.png", "erreurs.png"}
    report = reports.read_report("ex02_fashion", models_dir=tmp_path / "m")
    assert report.command == "python -m exercises.ex02_fashion --epochs 1"
    model = saving.load_model("ex02_fashion", models_dir=tmp_path / "m")
    assert ex02.evaluate(model, *dataset[1])["accuracy"] == report.metrics["accuracy"].mean
