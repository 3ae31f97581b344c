"""Le coup d'œil : une petite vue d'abord, les autres seulement s'il n'est pas sûr."""

import json
import os

import numpy as np
import pytest

from convnets.core.images import crop_resize, open_image
from convnets.serving import native
from convnets.serving.classifier import PHOTO_MODEL, Classifier

SIDE_PX = 96
VIEWS = [["crop", 1.0], ["crop", 0.6]]


@pytest.fixture(params=["moteur natif", "Interpreter"])
def make(request, repo, tmp_path, monkeypatch):
    """Rend une fabrique de classifieurs des photos, au coup d'œil plus ou moins exigeant."""
    report = json.loads((repo / "models" / f"{PHOTO_MODEL}.json").read_text(encoding="utf-8"))
    if request.param == "Interpreter":
        monkeypatch.setattr(native, "VERSION", "0.0.0")
    for suffix in (".tflite", ".keras"):
        os.symlink(repo / "models" / f"{PHOTO_MODEL}{suffix}", tmp_path / f"{PHOTO_MODEL}{suffix}")

    def build(**changes):
        removed = ("views", "glance", "calibration", "garments")  # rien ici n'est un vêtement
        plain = {k: v for k, v in report.items() if k not in removed}
        (tmp_path / f"{PHOTO_MODEL}.json").write_text(json.dumps({**plain, **changes}))
        return Classifier(PHOTO_MODEL, models_dir=tmp_path, num_threads=1)

    return build


def glance(sure):
    return {"side_px": SIDE_PX, "sure": sure}


@pytest.fixture
def picture(repo):
    return str(repo / "samples" / "pont.png")  # dont le réseau n'est jamais sûr


def expected(classifier, path, side_px, mode, zoom):
    view = crop_resize(open_image(path), side_px, mode=mode, zoom=zoom)
    return classifier._predict(view[np.newaxis], classifier._engine)[0][0]


def test_a_sure_glance_is_the_answer(make, picture):
    plain = make()
    plain.predict(np.zeros((1, 192, 192, 3), np.uint8))  # l'Interpreter, qui sert de témoin
    (found,) = make(glance=glance(1e-6), views=VIEWS).classify([picture])
    alone = expected(plain, picture, SIDE_PX, "crop", 1.0)
    np.testing.assert_allclose(found.probabilities, alone, atol=1e-5)
    (whole,) = plain.classify([picture])
    assert np.abs(np.array(whole.probabilities) - alone).max() > 1e-3  # ce n'est pas la même vue


def test_an_unsure_glance_leaves_the_views_to_answer(make, picture):
    (found,) = make(glance=glance(0.999), views=VIEWS).classify([picture])
    (always,) = make(views=VIEWS).classify([picture])
    assert found.probabilities == always.probabilities
    assert found.familiar == always.familiar


def test_the_views_are_prepared_only_when_they_serve(make, picture, monkeypatch):
    asked = []
    monkeypatch.setattr(Classifier, "views_of", lambda self, look: asked.append(look) or [])
    list(make(glance=glance(1e-6), views=VIEWS).classify([picture] * 3))
    assert asked == []
