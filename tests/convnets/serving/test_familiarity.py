"""La familiarité : ce que les exports livrés mettent en doute, et ce que `./predict` en dit."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from benchmarks.strangers import scramble
from convnets.serving import command, native
from convnets.serving import say as say_module
from convnets.serving.asked import Asked, Row
from convnets.serving.classifier import Classifier
from convnets.serving.look import Look
from convnets.serving.say import say

THUMBNAILS = ("thumbnails",)
SIZES = {"thumbnails": 2.4e6}  # octets, ce que l'on s'est permis


@pytest.fixture(scope="module", params=THUMBNAILS)
def thumbnails(request):
    return Classifier(request.param, num_threads=1)


def doubted(classifier, images):
    """Part des images, uint8 `(n, h, w, 3)` ou `(n, h, w)`, que `./predict` mettrait en doute."""
    found = classifier.answer([image.tobytes() for image in images])
    return np.mean([score < classifier.card.familiarity for _, score in found])


def test_pictures_of_the_ten_classes_are_familiar(thumbnails, extract):
    x, _ = extract("cifar10")
    assert doubted(thumbnails, x[:200]) <= 0.01


def test_strangers_are_doubted(thumbnails, extract):
    """Les parts mesurées (docs/laboratoire/familiarite.md), moins l'aléa de soixante images."""
    noise = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8)
    assert doubted(thumbnails, noise) == 1
    for name in ("mnist", "fashion_mnist"):
        grey = np.pad(extract(name)[0][:60], ((0, 0), (2, 2), (2, 2)))
        assert doubted(thumbnails, grey[..., np.newaxis].repeat(3, axis=3)) >= 0.9, name
    pieces = scramble(extract("cifar10")[0][:60], np.random.default_rng(0))
    assert doubted(thumbnails, pieces) >= 0.75


@pytest.mark.parametrize(
    ("slug", "known", "strange"),
    [("garments", "fashion_mnist", "mnist"), ("digits", "mnist", "fashion_mnist")],
)
def test_a_digit_is_no_garment(slug, known, strange, extract):
    classifier = Classifier(slug, num_threads=1)
    assert doubted(classifier, extract(known)[0][:200]) <= 0.01
    assert doubted(classifier, extract(strange)[0][:100]) >= 0.75
    noise = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)
    assert doubted(classifier, noise) >= 0.9


def test_only_below_the_threshold_is_a_picture_doubted():
    """Le seuil est la familiarité d'une image de validation : elle-même n'est pas étrangère."""
    card = SimpleNamespace(slug="", familiarity=0.5, garments=None, own=None)
    asked = Asked(SimpleNamespace(card=card, classes=["Chat"]), [])
    answers = [say(asked, [Row([1.0], score)]) for score in (0.49, 0.5, None)]
    assert [each.familiar for each in answers] == [False, True, None]
    assert [bool(each.why) for each in answers] == [True, False, False]


@pytest.mark.parametrize("slug", [*THUMBNAILS, "photos"])
def test_both_engines_give_the_same_score(slug, extract, monkeypatch):
    native_one = Classifier(slug, num_threads=1)
    views = [
        native_one.views_of(Look(Image.fromarray(image)))[0] for image in extract("cifar10")[0][:3]
    ]
    found = native_one.answer(views)
    monkeypatch.setattr(native, "VERSION", "0.0.0")
    expected = Classifier(slug, num_threads=1).answer(views)
    for (probabilities, score), (others, other) in zip(found, expected, strict=True):
        np.testing.assert_allclose(probabilities, others, atol=1e-6)
        assert score == pytest.approx(other, rel=1e-4)


@pytest.mark.parametrize(("name", "sure"), [("chat.png", True), ("pont.png", False)])
def test_the_whole_picture_decides(repo, name, sure):
    """Au coup d'œil s'il est sûr, sinon aussi à la première vue ; l'autre ne sert qu'à nommer."""
    classifier = Classifier("photos", num_threads=1)
    path = repo / "samples" / name
    look, glance = classifier.read(path), classifier.glance
    views = classifier.views_of(look)
    (glanced,) = classifier.answer([classifier.glance_of(look.image)], side_px=glance.side_px)
    (result,) = classifier.classify([str(path)])
    assert len(views) == 2 and result.familiar == sure == (max(glanced[0]) >= glance.sure)
    asked = classifier.ask(look)
    if sure:
        assert asked.glanced == glanced and not asked.seen
    else:
        both = glanced.familiarity, classifier.answer(views[:1])[0].familiarity
        assert asked.seen[0].familiarity == pytest.approx(sum(both) / 2)


def said(capfd, *arguments):
    assert command.main([*map(str, arguments)]) == 0
    return capfd.readouterr()


def test_the_bridge_is_doubted_in_one_line(repo, capfd):
    bridge = repo / "samples" / "pont.png"
    plain = said(capfd, bridge)
    assert plain.out == "Prédiction: Sac\n"
    assert plain.err == f"predict : {bridge} {say_module.UNFAMILIAR} {say_module.GARMENT_ADVICE}\n"
    strict = said(capfd, "--strict", bridge)
    assert (strict.out, strict.err) == ("Prédiction: Indéterminé\n", plain.err)
    fields = json.loads(said(capfd, "--json", bridge).out)
    assert (fields["class"], fields["familiar"]) == ("Sac", False)
    fields = json.loads(said(capfd, "--json", "--strict", bridge).out)
    assert (fields["class"], fields["familiar"]) == (None, False)


def test_every_sample_of_the_ten_classes_is_familiar(repo, capfd):
    """Le pont, dessiné, et les collines, peintes, ne sont d'aucune classe."""
    found = said(capfd, "--json", repo / "samples")
    rows = [json.loads(line) for line in found.out.splitlines()]
    assert [row["path"] for row in rows if not row["familiar"]] == [
        str(repo / "samples" / name) for name in ("pont.png", "tableau.jpg")
    ]
