"""Vues, température et seuil de `./predict`, sur un modèle dont on connaît la réponse."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from convnets.core.images import crop_resize, open_image
from convnets.serving import batches, native
from convnets.serving.classifier import Classifier

VIEWS = [["crop", 1.0], ["crop", 0.6], ["squash", 1.0]]


@pytest.fixture(params=["moteur natif", "Interpreter"])
def make(request, repo, tmp_path, monkeypatch):
    """Rend une fabrique de classifieurs du modèle livré, au compte rendu modifié."""
    report = json.loads((repo / "models" / "thumbnails.json").read_text(encoding="utf-8"))
    if request.param == "Interpreter":
        monkeypatch.setattr(native, "VERSION", "0.0.0")
    os.symlink(repo / "models" / "thumbnails.tflite", tmp_path / "thumbnails.tflite")

    def build(**changes):
        plain = {k: v for k, v in report.items() if k not in ("views", "calibration")}
        (tmp_path / "thumbnails.json").write_text(json.dumps({**plain, **changes}))
        return Classifier(models_dir=tmp_path)

    return build


def photo(path, *, size=(300, 200), seed=0):
    noise = np.random.default_rng(seed).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).save(path)
    return str(path)


def test_views_are_averaged(make, tmp_path):
    path = photo(tmp_path / "photo.png")
    image = open_image(path)
    squares = np.stack([crop_resize(image, 32, mode=mode, zoom=zoom) for mode, zoom in VIEWS])
    plain = make()
    expected = Classifier(models_dir=tmp_path).predict(squares)
    assert np.abs(expected - expected[0]).max() > 0.01  # des vues vraiment différentes
    (alone,) = plain.classify([path])
    np.testing.assert_allclose(alone.probabilities, expected[0], atol=1e-5)
    (averaged,) = make(views=VIEWS).classify([path])
    np.testing.assert_allclose(averaged.probabilities, expected.mean(axis=0), atol=1e-5)


@pytest.mark.parametrize("num_images", [0, 1, 5, 10_000])
@pytest.mark.parametrize("num_workers", [1, 2, 16])
def test_batches_hold_each_picture_once_and_occupy_every_worker(num_images, num_workers):
    paths = [str(i) for i in range(num_images)]
    groups = batches.split(paths, num_workers)
    assert [path for group in groups for path in group] == paths
    assert len(groups) >= min(num_workers, num_images)
    assert all(len(group) <= batches.BATCH_SIZE for group in groups)


def test_views_of_a_folder_stay_with_their_picture(make, tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "BATCH_SIZE", 4)
    sizes = [(300, 200), (40, 40), (90, 500), (32, 32), (64, 64), (200, 200)] * 2
    paths = [photo(tmp_path / f"{i}.png", size=size, seed=i) for i, size in enumerate(sizes)]
    paths.insert(3, str(tmp_path / "absente.png"))
    make(views=VIEWS)  # écrit le compte rendu
    together = list(Classifier(models_dir=tmp_path).classify(paths))
    assert [result.path for result in together] == paths
    assert together[3].error and together[3].probabilities is None
    for result in together[:3] + together[4:]:
        (alone,) = Classifier(models_dir=tmp_path).classify([result.path])
        np.testing.assert_allclose(result.probabilities, alone.probabilities, atol=1e-5)


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_temperature_divides_the_scores(make, tmp_path, temperature):
    path = photo(tmp_path / "photo.png")
    (plain,) = make().classify([path])
    (found,) = make(calibration={"temperature": temperature}).classify([path])
    scores = np.log(plain.probabilities) / temperature
    expected = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-4)
    assert sum(found.probabilities) == pytest.approx(1, abs=1e-5)
