"""Le programme de l'énoncé : tout le parcours sur une petite base."""

import shutil

import keras
import numpy as np
import pytest

from convnets.core import paths, reports
from convnets.datasets import pretrained
from convnets.serving.classifier import Classifier
from convnets.training import export_base

QUESTION = "TD keras & CNN, question 2"
pytestmark = pytest.mark.filterwarnings(
    "ignore:Even though the `tf.config", "ignore:Please import `affine_transform`"
)
COLORS = ("bleu", "rouge", "vert")


@pytest.fixture
def main(tmp_path, monkeypatch, short_runs):
    """main(*arguments) : la leçon, qui n'écrit que dans un dossier à part."""
    from exercises.ex05_inception import __main__

    short_runs(tmp_path / "m")
    monkeypatch.setattr(paths, "MODELS_DIR", tmp_path / "m")  # des leçons entières aussi

    def run(*arguments):
        return __main__.main(["--output", str(tmp_path / "f"), *map(str, arguments)])

    return run


@pytest.fixture
def tiny(tmp_path, monkeypatch, tiny_inception):
    """La petite base à la place d'InceptionV3, et un cache à elle."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    for module in (pretrained, export_base):
        monkeypatch.setattr(module, "inception_v3", tiny_inception)
    return tiny_inception()


@pytest.mark.question(QUESTION)
def test_the_generators_are_those_of_the_statement(ex05, two_colors):
    train, val = ex05.statement.load_data(two_colors)
    x, y = train[0]
    assert (train.samples, val.samples) == (16, 4) and train.shuffle
    assert x.shape == (16, 150, 150, 3) and -1 <= x.min() < 0 < x.max() <= 1
    assert sorted(y.tolist()) == [0] * 8 + [1] * 8


@pytest.mark.question(QUESTION)
def test_only_the_head_is_learned(ex05, tiny_inception):
    model = ex05.statement.build_model(tiny_inception()[0], 3)
    assert [tuple(each.shape) for each in model.trainable_weights] == [(8, 3), (3,)]


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_lesson_on_a_folder_of_three_classes(
    main, ex05, tiny, write_colors, eager, tmp_path, monkeypatch, capsys
):
    root = write_colors(tmp_path / "mes images", COLORS)
    (root / "vert" / "cassée.jpg").write_bytes(b"\xff\xd8\xff")
    adam = keras.optimizers.Adam
    monkeypatch.setattr(keras.optimizers, "Adam", lambda _: adam(0.1))  # peu d'époques
    assert main("--images", root, "--epochs", 40) == 0
    printed = capsys.readouterr().out
    assert "Classe vert : 10 images." in printed and "vert/cassée.jpg" in printed
    report = reports.read_report("ex05_inception", models_dir=tmp_path / "m")
    base, provenance = tiny
    assert report.base["sha256"] == provenance.sha256 and report.base["layer"] == "mixed8"
    assert report.classes == list(COLORS) and report.classes_fr == ["Bleu", "Rouge", "Vert"]
    assert report.num_images == {"train": 24, "val": 6}
    assert report.metrics["accuracy"].mean > 0.8  # des couleurs unies, ou presque
    assert str(tmp_path) not in str(report)  # le compte rendu ne dit pas où sont les photos

    # ./predict : deux moteurs LiteRT, la même réponse que la base et la tête relues par Keras.
    head = keras.saving.load_model(tmp_path / "m" / "ex05_inception.keras", compile=False)
    whole = pretrained.features_model(base, layer_name="mixed8")
    classifier = Classifier("ex05_inception", models_dir=tmp_path / "m")
    images = np.stack([classifier.prepare(str(root / name / "03.png")) for name in COLORS])
    expected = np.asarray(head(whole(images)))
    np.testing.assert_allclose(classifier.predict(images), expected, atol=1e-4)

    # Sans l'export, `--prepare` est le remède.
    shutil.rmtree(tmp_path / "keras" / "models")
    with pytest.raises(FileNotFoundError, match="python -m exercises.ex05_inception --prepare"):
        Classifier("ex05_inception", models_dir=tmp_path / "m")
    monkeypatch.setattr(reports.read_report, "__kwdefaults__", {"models_dir": tmp_path / "m"})
    assert main("--prepare") == 0
    again = Classifier("ex05_inception", models_dir=tmp_path / "m").predict(images)
    np.testing.assert_allclose(again, expected, atol=1e-4)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.slow
def test_lesson_names_two_then_ten_garments(main, tiny, eager, tiny_clothes, tmp_path, capsys):
    assert main("--limit", 50, "--epochs", 2, "--minutes", 60) == 0
    printed = capsys.readouterr().out
    assert "Classe shorts : 5 images." in printed and "(10 images)" in printed
    assert "base aux poids tirés au hasard" in printed
    report = reports.read_report("ex05_inception", models_dir=tmp_path / "m")
    assert report.command == "python -m exercises.ex05_inception --epochs 2 --minutes 60 --limit 50"
    assert len(report.classes_fr) == 10 and report.num_images["validation"] == 50
    assert str(tmp_path) not in str(report)

    # ./predict regarde les deux mêmes vues : mêmes réponses, donc la même exactitude.
    classifier = Classifier("ex05_inception", models_dir=tmp_path / "m")
    test = tiny_clothes["test"]
    right = [each.best for each in classifier.classify([*map(str, test.paths)])] == test.labels
    assert right.mean() == report.metrics["accuracy"].mean  # trop petites pour une seconde vue


@pytest.mark.parametrize(
    ("folder", "message"),
    [("rien", "rien n'existe pas ; donnez un dossier"), ("images/bleu", "0 dossier de classe")],
)
def test_a_bad_folder_is_told_before_looking_for_the_weights(
    main, folder, message, two_colors, monkeypatch, capsys
):
    monkeypatch.setattr(pretrained, "inception_v3", lambda **options: pytest.fail("trop tôt"))
    assert main("--images", two_colors.parent / folder) == 1
    assert message in capsys.readouterr().err


# --- Ce qui est livré -----------------------------------------------------------------


@pytest.mark.slow
def test_real_weights_tell_garments_apart(main, tmp_path):
    assert main("--limit", 500, "--epochs", 3) == 0
    report = reports.read_report("ex05_inception", models_dir=tmp_path / "m")
    assert report.metrics["accuracy"].mean > 0.75
