import json

import keras
import numpy as np
import pytest

from convnets.core import paths, reports
from convnets.datasets import scenes, sources
from convnets.serving.classifier import Classifier
from convnets.serving.engine import Engine
from convnets.training import saving

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture(scope="module")
def ex18():
    from exercises.ex18_segmentation import __main__ as ex18_segmentation

    return ex18_segmentation


@pytest.fixture
def small(ex18, as_dataset, monkeypatch):
    """Deux jeux en miniature, et des réseaux de quelques cartes."""
    datasets = as_dataset("fashion_mnist"), as_dataset("cifar10")
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: datasets[0])
    monkeypatch.setattr(sources, "load_cifar10", lambda: datasets[1])
    build_model = ex18.build_model
    monkeypatch.setattr(ex18, "build_model", lambda kind: build_model(kind, channels=(4, 6, 8)))
    return datasets


# --- Les scènes ----------------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_no_image_is_shared_between_the_three_sets(ex18, as_dataset, monkeypatch):
    """Chaque image source est d'une couleur à elle : on sait d'où vient chaque pixel."""
    (x, y), (x_test, y_test) = as_dataset("fashion_mnist")
    grounds = [np.zeros((len(each), 32, 32, 3), np.uint8) for each in (x, x_test)]
    seen = {}

    def compose(objects, labels, backgrounds, *, num_scenes, num_objects, seed):
        seen[seed] = objects, labels, backgrounds, num_scenes
        return scenes.Scenes(*[np.zeros((num_scenes, 1))] * 4)

    monkeypatch.setattr(scenes, "compose_scenes", compose)
    for k, each in enumerate(grounds):
        each[..., 0] = np.arange(len(each))[:, None, None] % 256
        each[..., 1] = np.arange(len(each))[:, None, None] // 256
        each[..., 2] = k
    photos = tuple((each, np.zeros((len(each), 1))) for each in grounds)
    made = ex18.make_scenes(((x, y), (x_test, y_test)), photos, limit=50)
    assert list(made) == ["train", "val", "test"]
    assert [seen[k][3] for k in range(3)] == [50, 5, 50]
    assert [len(seen[k][0]) for k in range(3)] == [270, 30, 100]
    keys = [{each.tobytes() for each in seen[k][0]} for k in range(3)]
    codes = [{tuple(each[0, 0]) for each in seen[k][2]} for k in range(3)]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert not keys[a] & keys[b] and not codes[a] & codes[b]
    assert [len(each) for each in codes] == [270, 30, 100]
    known = {each.tobytes(): label for each, label in zip(x, y, strict=True)}
    assert all(known[each.tobytes()] == label for each, label in zip(*seen[1][:2], strict=True))


def test_the_same_scenes_every_time(ex18, small):
    first, second = (ex18.make_scenes(*small, limit=4) for _ in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name].images, second[name].images)
    assert not np.array_equal(first["train"].images, first["test"].images)


def test_predict_masks_is_the_argmax(ex18, small):
    keras.utils.set_random_seed(0)
    model = ex18.build_model("unet")
    x = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    found = ex18.predict_masks(model, x)
    assert found.dtype == np.uint8 and found.shape == (3, 64, 64)
    np.testing.assert_array_equal(found, model.predict(x, verbose=0).argmax(-1))


# --- La boucle entière ---------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_main_trains_saves_and_segments(ex18, small, eager, tmp_path, capsys):
    folder, figures = tmp_path / "m", tmp_path / "f"
    arguments = ["--models-dir", str(folder), "--output", str(figures)]
    training = ["--epochs", "2", "--seeds", "1", "--limit", "12", "--batch-size", "4"]
    assert ex18.main([*training, *arguments]) == 0
    printed = capsys.readouterr().out
    report = reports.read_sidecar("ex18_segmentation", models_dir=folder)
    assert report["command"] == (
        "python -m exercises.ex18_segmentation --seeds 1 --epochs 2 --limit 12 --batch-size 4"
    )
    assert report["num_images"] == {"train": 12, "val": 1, "test": 12}
    assert len(report["history"]["segnet_loss"]) == 2
    assert report["history"]["unet_loss"][1] < report["history"]["unet_loss"][0]
    assert {each["metric"] for each in report["headline"]} <= set(report["metrics"])
    assert {p.name for p in figures.iterdir()} == {"masques.png", "comparaison.png", "scene.png"}
    assert "sans connexions :" in printed and str(figures / "scene.png") in printed
    json.dumps(report, allow_nan=False)

    # Relu par Keras seul, le modèle redonne ce que dit le compte rendu ; son export aussi.
    model = keras.saving.load_model(folder / "ex18_segmentation.keras")
    test = ex18.make_scenes(*small, limit=12)["test"]
    predicted = ex18.predict_masks(model, test.images)
    found = ex18.measure(test.masks, predicted)
    assert {k: pytest.approx(v) for k, v in found.items()} | {"seed": 0} == report["shipped"]
    assert report["metrics"]["unet_mean_iou"]["values"] == [pytest.approx(found["mean_iou"])]
    assert np.sum(report["confusion_matrix"]) == test.masks.size
    assert np.trace(report["confusion_matrix"]) == np.sum(predicted == test.masks)
    engine = Engine((folder / "ex18_segmentation.tflite").read_bytes())
    np.testing.assert_allclose(
        engine.predict(test.images[:4]), model.predict(test.images[:4], verbose=0), atol=1e-4
    )
    background = np.zeros_like(test.masks)
    for name, value in ex18.measure(test.masks, background).items():
        assert report["metrics"][f"background_{name}"]["mean"] == pytest.approx(value)

    # Une image : son masque, et ce qu'il contient.
    assert ex18.main([str(figures / "scene.png"), *arguments]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[-1] == str(figures / "scene_masque.png")
    assert (figures / "scene_masque.png").stat().st_size > 5000
    shares = [float(line.split()[-2].replace(",", ".")) for line in lines[:-1]]
    assert sum(shares) == pytest.approx(100, abs=0.6)
    assert shares == sorted(shares, reverse=True)

    # Ce n'est pas un modèle pour ./predict, qui le dit.
    with pytest.raises(ValueError, match="ne répond pas par une classe"):
        Classifier("ex18_segmentation", models_dir=folder)

    # --resume refuse le point de reprise d'un autre entraînement.
    assert ex18.main(["--epochs", "3", *training[2:], *arguments, "--resume"]) == 1
    assert "vient d'un autre entraînement" in capsys.readouterr().err


def test_main_says_what_is_wrong(ex18, tmp_path, repo, capsys):
    photo = str(repo / "samples" / "chat.png")
    assert ex18.main([photo, "--models-dir", str(tmp_path)]) == 1
    assert "python -m exercises.ex18_segmentation" in capsys.readouterr().err


def test_an_image_that_is_not_one(ex18, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(saving, "load_model", lambda *_, **__: ex18.build_model("unet"))
    assert ex18.main([str(tmp_path / "absent.png")]) == 1
    assert "aucun fichier ici" in capsys.readouterr().err


@pytest.mark.question(QUESTION)
def test_shipped_model(ex18, extract):
    if not (paths.MODELS_DIR / "ex18_segmentation.json").exists():
        pytest.skip("ex18_segmentation n'est pas encore entraîné")
    model, report = (
        saving.load_model("ex18_segmentation"),
        reports.read_sidecar("ex18_segmentation"),
    )
    objects, labels = extract("fashion_mnist")
    made = scenes.compose_scenes(
        objects, labels, extract("cifar10")[0], num_scenes=100, num_objects=ex18.NUM_OBJECTS, seed=9
    )
    found = ex18.measure(made.masks, ex18.predict_masks(model, made.images))
    assert found["mean_iou"] == pytest.approx(report["shipped"]["mean_iou"], abs=0.08)
    assert found["mean_iou"] > report["metrics"]["background_mean_iou"]["mean"] + 0.2
