import numpy as np
import pytest
from PIL import Image

from convnets.core import reports
from convnets.serving.classifier import Classifier

QUESTION = "Jour 04, exercice 3"


@pytest.fixture(scope="module")
def ex03():
    from exercises import ex03_cifar10

    return ex03_cifar10


@pytest.mark.question(QUESTION)
def test_structure(ex03):
    model = ex03.build_model()
    assert model.input_shape == (None, 32, 32, 3) and model.output_shape == (None, 10)
    assert model.inputs[0].dtype == "uint8" and model.count_params() == 648_730


def test_each_image_is_mirrored_every_other_epoch(ex03, extract, monkeypatch):
    monkeypatch.setattr(ex03, "TRANSLATE_PX", 0)
    x, seen = extract("cifar10")[0][:100], np.arange(100)
    views = [
        ex03.augment(x.copy(), indices=seen, epoch=epoch, rng=np.random.default_rng(epoch))
        for epoch in range(3)
    ]
    same = [(view == x).all(axis=(1, 2, 3)) for view in views]
    mirrored = [(view == x[:, :, ::-1]).all(axis=(1, 2, 3)) for view in views]
    assert all((s ^ m).all() for s, m in zip(same, mirrored, strict=True))
    assert (same[0] == mirrored[1]).all() and (same[0] == same[2]).all()
    assert 30 < same[0].sum() < 70


def test_picture_is_turned_upright_then_cut_to_its_middle(ex03, tmp_path):
    """Un réseau qui ne voit que la moyenne : le carré du milieu d'une image couchée par EXIF."""

    class Mean:
        def predict(self, images, verbose):
            assert images.shape == (1, 32, 32, 3) and images.dtype == np.uint8
            return np.eye(10)[[int(images.mean() > 127)]]

    picture = np.zeros((60, 180, 3), np.uint8)
    picture[:, 60:120] = 255  # blanc au milieu, noir aux deux bouts
    exif = Image.Exif()
    exif[0x0112] = 6  # à tourner d'un quart de tour
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    assert ex03.predict(Mean(), tmp_path / "a.png") == "Voiture"


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_lesson_saves_reads_again_and_names_a_picture(
    ex03, small_data, unrendered, tmp_path, monkeypatch, capsys, short_runs
):
    for name, value in {"FILTERS": (8, 12, 16), "BATCH_SIZE": 135}.items():
        monkeypatch.setattr(ex03, name, value)
    short_runs(tmp_path / "m")
    small_data("cifar10")
    with unrendered():  # test_ex02_fashion.py dessine ces figures
        assert ex03.main(["--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    printed = capsys.readouterr().out
    assert (tmp_path / "f" / "erreurs.png").exists()
    assert any(f"Prédiction: {name}\n" in printed for name in ex03.CLASSES_FR)
    report = reports.read_report("ex03_cifar10", models_dir=tmp_path / "m")
    assert report.calibration["temperature"] > 0 and np.sum(report.confusion_matrix) == 100
    assert Classifier("ex03_cifar10", models_dir=tmp_path / "m").classes == ex03.CLASSES_FR
