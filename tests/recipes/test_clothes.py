"""Les colonnes des vêtements, ajoutées à une petite tête, et le réseau livré."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convnets.core import reports
from convnets.core.images import open_image
from convnets.datasets import sources
from convnets.serving.asked import Asked, Row
from convnets.serving.classifier import Classifier
from convnets.serving.look import Look
from convnets.serving.router import Router, load
from convnets.serving.say import say
from recipes import clothes as recipe

SLUG = "photos"


@pytest.mark.ci
@pytest.mark.slow
def test_garments_are_learnt_and_objects_do_not_move(monkeypatch):
    monkeypatch.setattr(recipe, "LEARNING_RATE", 0.05)
    y = np.arange(420) % 21
    x = np.random.default_rng(0).normal(size=(420, 30)).astype("float32")
    x[np.arange(420), y] += 6
    objects = [np.eye(30, 10, dtype="float32"), np.zeros(10, "float32")]
    kernel, bias = recipe.learn(x, y, np.ones(420, "float32"), objects)
    np.testing.assert_array_equal(kernel[:, :10], objects[0])
    assert not bias[:10].any() and (bias[10:] < 0).all()
    scores = x @ kernel + bias + recipe.MARGIN * (bias < 0)
    assert (scores.argmax(1) == y).mean() > 0.8


def test_a_class_of_products_only_weighs_like_the_others(monkeypatch, tiny_clothes):
    found = {"Handbags": [Path("sac.jpg")], "Shirts": [Path("chemise.jpg")] * 2}
    monkeypatch.setattr(recipe.products, "load_products", lambda: found)
    (_, labels, weight), (paths, others, own) = recipe.gather(tiny_clothes["train"])
    assert len(labels) == len(weight) == 50 and [*map(str, paths)][-1] == "sac.jpg"
    assert [[*recipe.CLASSES_FR][each] for each in others] == ["shirt", "shirt", "bag"]
    np.testing.assert_allclose(own, [0.1, 0.1, 1 / 3])


def test_the_shipped_network_names_objects_then_garments(repo):
    report = reports.read_report(SLUG, models_dir=repo / "models")
    assert report.classes == [*sources.CIFAR10_CLASSES, *recipe.CLASSES_FR]
    assert report.garments == {"first": recipe.OBJECTS, "sure": recipe.SURE}
    measured = report.details["clothes"]["test"]
    assert measured["num_images"] == 372 and measured["accuracy"] >= 0.88
    assert measured["wrong_and_sure"] <= 0.05


@pytest.mark.parametrize(("best", "sure"), [(3, True), (12, False)])
def test_a_garment_is_doubted_below_its_own_threshold(best, sure):
    classifier = Classifier(SLUG, num_threads=1)
    probabilities = [0.5 if number == best else 0.5 / 20 for number in range(21)]
    found = say(Asked(classifier, []), [Row(probabilities, classifier.card.familiarity)])
    assert found.familiar == sure


@pytest.mark.ci
def test_a_garment_on_a_plain_ground_goes_to_the_network_of_garments(tmp_path, extract):
    x, y = extract("fashion_mnist")
    paths = [str(tmp_path / f"{number}.png") for number in range(10)]
    for path, number in zip(paths, np.flatnonzero(y == 1), strict=False):
        Image.fromarray(255 - x[number]).resize((300, 300), Image.Resampling.BICUBIC).save(path)
    for model in (Router(num_threads=1), load("garments", num_threads=1)):
        results = [*model.classify(paths)]
        named = [each.classifier.classes[each.best] for each in results]
        assert named.count("Pantalon") >= 9
    picture, classes = open_image(paths[0]), Classifier(SLUG, num_threads=1).classes
    cases = [("Pantalon", 9.0, True), ("Pantalon", -99.0, True)]  # familier, étranger
    cases += [("Short", 9.0, False)]  # Fashion-MNIST n'a pas de shorts
    for seen, familiarity, asked in cases:
        look = Look(picture)
        look.glanced = Row([float(name == seen) for name in classes], familiarity)
        found = Router(num_threads=1).ask_garments(look)
        assert (found is not None) == asked
        if found and familiarity < 0:  # il le nomme, et en doute
            assert say(found, []).familiar is False


def test_an_enlarged_thumbnail_of_a_garment_is_a_garment(extract):
    x, y = extract("fashion_mnist")
    garment = Image.fromarray(255 - x[y == 1][0]).convert("RGB")
    thumbnail = Image.new("RGB", (32, 32), "white")
    thumbnail.paste(garment, (2, 2))
    assert Router().slug_for(Look(thumbnail.resize((320, 320), Image.Resampling.BICUBIC))) == SLUG


def test_one_view_is_enough_to_rule_a_garment_out():
    classifier = Classifier(SLUG, num_threads=1)

    def conclude(glanced, *views):
        answers = [(row, 9.0) for row in np.zeros((1 + len(views), 21)).tolist()]
        for (row, _), known in zip(answers, [glanced, *views], strict=True):
            for number, probability in known.items():
                row[number] = probability
        rows = [Row(*each) for each in answers]
        return say(Asked(classifier, [], rows[0]), rows[1:])

    found = conclude({12: 0.9, 13: 0.1}, {12: 0.1, 13: 0.9}, {13: 1.0})
    assert found.probabilities[13] > 0.99 and sum(found.probabilities) == pytest.approx(1)
    assert found.familiar
    found = conclude({12: 0.9, 3: 0.1}, {3: 0.6, 12: 0.4}, {3: 0.6, 12: 0.4})
    assert (found.probabilities[3], found.familiar) == (0.6, False)  # objet ou vêtement ?
    found = conclude({12: 0.6, 3: 0.4}, {3: 0.6, 12: 0.4}, {3: 0.6, 12: 0.4})
    assert (found.probabilities[3], found.familiar) == (0.6, True)


def test_a_garment_of_which_no_look_is_sure_is_doubted():
    """Leur moyenne géométrique, elle, l'est : chacun hésite avec une autre classe."""
    classifier = Classifier(SLUG, num_threads=1)

    def conclude(*shares):
        rows = [Row(np.zeros(21).tolist(), 9.0) for _ in shares]
        for number, (row, share) in enumerate(zip(rows, shares, strict=True)):
            row.probabilities[12], row.probabilities[number] = share, 1 - share
        return say(Asked(classifier, [], rows[0]), rows[1:])

    for shares, familiar in (((0.7, 0.7, 0.7), False), ((0.7, 0.85, 0.7), True)):
        found = conclude(*shares)
        assert found.probabilities[12] > 0.99 and found.familiar == familiar
