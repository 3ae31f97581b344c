"""Quel modèle répond à quelle image."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageFilter

from convnets.core.images import crop_resize_image, open_image
from convnets.serving import router
from convnets.serving.card import Garments
from convnets.serving.classifier import DEFAULT_MODEL, GARMENT_MODEL, PHOTO_MODEL, Classifier
from convnets.serving.images import decoded_side, is_thumbnail, misfit
from convnets.serving.look import MIN_MISFIT, Look
from convnets.serving.router import Router
from convnets.serving.say import Row


@pytest.fixture
def pictures(repo):
    return sorted(str(path) for path in (repo / "samples").iterdir() if path.suffix != ".md")


@pytest.fixture
def thumbnails(tmp_path, extract):
    paths = [str(tmp_path / f"{number}.png") for number in range(6)]
    for path, image in zip(paths, extract("cifar10")[0], strict=False):
        Image.fromarray(image).save(path)
    return paths


def test_a_photo_starts_at_sixty_four_pixels_and_is_read_four_times_larger():
    sizes = ((63, 90), (90, 63), (64, 64))
    assert [is_thumbnail(Image.new("RGB", size)) for size in sizes] == [True, True, False]
    assert [decoded_side(side_px) for side_px in (28, 32, 192, 500)] == [112, 128, 384, 500]


def test_a_small_picture_goes_to_the_model_of_thumbnails(pictures):
    for path in pictures:
        small = crop_resize_image(open_image(path), 63)
        assert Router().slug_for(Look(small)) == DEFAULT_MODEL


def test_photos_are_no_enlarged_thumbnails(pictures):
    shared = Router()
    for path in pictures:
        image = open_image(path)
        assert misfit(image) > 0.85
        assert shared.slug_for(Look(image)) == PHOTO_MODEL


@pytest.mark.parametrize(
    ("size", "found", "slug"),
    [
        ((64, 200), 0.75, PHOTO_MODEL),
        ((64, 200), 0.74, DEFAULT_MODEL),
        ((200, 63), 0.99, DEFAULT_MODEL),
    ],
)
def test_what_makes_a_photo(monkeypatch, size, found, slug):
    monkeypatch.setattr("convnets.serving.look.misfit", lambda image, *cells: found)
    assert Router(num_threads=3).slug_for(Look(Image.new("RGB", size, "blue"))) == slug


@pytest.mark.ci
@pytest.mark.parametrize("share", [0.01, 0.02, 0.05])
@pytest.mark.parametrize("blur", [ImageFilter.GaussianBlur, ImageFilter.BoxBlur])
def test_blurred_photos_are_still_photos(pictures, share, blur):
    images = [open_image(path) for path in pictures]
    blurred = [image.filter(blur(share * min(image.size))) for image in images]
    slugs = [Router().slug_for(Look(image)) for image in blurred]
    assert slugs.count(PHOTO_MODEL) >= len(slugs) - 1


@pytest.mark.parametrize("size", [64, 100, 224, 640])
@pytest.mark.parametrize("name", ["NEAREST", "BILINEAR", "BICUBIC", "LANCZOS"])
def test_enlarged_thumbnails_are_seen(extract, size, name):
    found = []
    for image in extract("cifar10")[0][: 60 if size < 640 else 15]:
        large = Image.fromarray(image).resize((size, size), Image.Resampling[name])
        found.append(misfit(large))
    if name == "NEAREST":
        assert max(found) == 0
    assert np.mean(np.array(found) < MIN_MISFIT) >= 0.9


def test_misfit_compares_a_grid_to_the_same_one_shifted():
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (192, 192, 3), np.uint8))
    assert misfit(noise) == pytest.approx(1, abs=0.05)  # l'une ne vaut pas mieux que l'autre
    assert misfit(Image.new("RGB", (300, 200), (9, 90, 200))) == 0
    stripes = np.repeat(rng.integers(0, 256, 32, np.uint8), 10)  # une vignette d'une ligne
    assert misfit(Image.fromarray(np.tile(stripes, (320, 1))).convert("RGB")) == 0
    moved = np.roll(stripes, 5)  # la même, à une demi-case près : sa grille est l'autre
    assert misfit(Image.fromarray(np.tile(moved, (320, 1))).convert("RGB")) == 1


@pytest.mark.ci
def test_each_picture_has_the_answer_of_its_model(pictures, thumbnails, tmp_path):
    paths = [path for pair in zip(pictures, thumbnails, strict=False) for path in pair]
    paths.insert(3, str(tmp_path / "absente.png"))
    for num_threads in (1, 2, 3):
        results = [*Router(num_threads=num_threads).classify(paths)]
        assert [result.path for result in results] == paths
        assert results[3].error and results[3].classifier is None
        for result in results[:3] + results[4:]:
            slug = DEFAULT_MODEL if result.path in thumbnails else PHOTO_MODEL
            assert result.classifier.slug == slug
            (own,) = Classifier(slug).classify([result.path])
            assert result.probabilities == own.probabilities


def test_only_what_answers_is_loaded(pictures, thumbnails, monkeypatch):
    made = []
    monkeypatch.setattr(
        router, "Classifier", lambda slug, **more: made.append(slug) or Classifier(slug, **more)
    )
    list(Router().classify(pictures[:1]))
    assert made == [PHOTO_MODEL]
    list(Router().classify(thumbnails))
    assert made == [PHOTO_MODEL, DEFAULT_MODEL]


@pytest.fixture
def folder(repo, tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    for slug in (DEFAULT_MODEL, PHOTO_MODEL):
        for suffix in (".json", ".tflite"):
            shutil.copy(repo / "models" / f"{slug}{suffix}", folder)
    return folder


def test_without_a_model_of_photos_the_other_answers(folder, pictures):
    assert router.slugs(None, models_dir=folder) == [DEFAULT_MODEL, PHOTO_MODEL]
    (folder / f"{PHOTO_MODEL}.tflite").unlink()
    assert router.slugs(None, models_dir=folder) == [DEFAULT_MODEL]
    results = [*Router(models_dir=folder).classify(pictures)]
    assert {result.classifier.slug for result in results} == {DEFAULT_MODEL}


def test_a_broken_model_is_said_once(folder, pictures, thumbnails, capfd):
    path = folder / f"{PHOTO_MODEL}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "input_shape": [9, 9, 3]}))
    assert all(result.error is None for result in Router(models_dir=folder).classify(thumbnails))
    for paths in (pictures, pictures[:1]):
        with pytest.raises(ValueError, match=f"{PHOTO_MODEL}.json ne décrit pas"):
            list(Router(models_dir=folder).classify(paths))
    error = capfd.readouterr().err
    assert "Traceback" not in error and "Exception" not in error


def test_a_name_gives_that_model_and_none_both(repo):
    assert router.slugs("digits") == ["digits"]
    assert router.load("digits").slug == "digits"
    assert isinstance(router.load(None), Router)


CLASSES = ["Chat", "Robe", "Short"]  # un objet, un vêtement, un vêtement que l'autre n'a pas


@pytest.mark.parametrize(
    ("glanced", "sure", "ground", "garments_only", "given"),
    [
        ([0.5, 0.25, 0.25], 0.9, "white", False, True),
        ([0.5, 0.25, 0.25], 0.79, "white", False, False),  # il n'en est pas sûr
        ([0.51, 0.25, 0.24], 0.9, "white", False, False),  # plutôt un objet
        ([0.51, 0.25, 0.24], 0.9, "white", True, True),  # on a dit que c'en est un
        ([0.0, 0.5, 0.5], 0.9, None, False, False),  # le fond ne s'enlève pas
        ([0.0, 0.49, 0.51], 0.9, "white", False, False),  # plutôt un autre vêtement
    ],
)
def test_a_garment_that_is_cut_out_goes_to_its_model(glanced, sure, ground, garments_only, given):
    noise = np.random.default_rng(0).integers(0, 256, (90, 90, 3), np.uint8)
    image = Image.fromarray(noise)
    if ground:
        image = Image.new("RGB", (90, 90), ground)
        image.paste((0, 0, 60), (30, 20, 60, 80))
    asked, row = [], Row([1 - sure, sure], None)
    router_ = Router(garments_only=garments_only)
    card = SimpleNamespace(garments=Garments(1, 0.5), familiarity=None)
    photos = SimpleNamespace(card=card, classes=CLASSES)
    photos.glance_at = lambda look: Row(glanced, None)
    router_._loaded = {
        PHOTO_MODEL: photos,
        GARMENT_MODEL: SimpleNamespace(
            input_shape=(28, 28),
            classes=["Pull", "Robe"],
            answer=lambda views: asked.append(views) or [row],
        ),
    }
    found = router_.ask_garments(Look(image))
    assert (found and (found.classifier, found.cut_out)) == (
        (router_._loaded[GARMENT_MODEL], row) if given else None
    )
    assert all(len(view) == 784 for views in asked for view in views)
