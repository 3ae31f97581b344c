"""Les articles : une phrase accordée, des témoins plantés, un juge, et la commande entière."""

import numpy as np
import pytest
from PIL import Image

from convnets.datasets.products import Product
from exercises.ex26_text_to_image import network, products, sentences

QUESTION = "S3, figure (6)"
SHADES = {"Red": (200, 20, 20), "Blue": (20, 20, 200)}


def album(labels) -> products.Articles:
    """Des carrés unis sur fond blanc, dont la couleur est la vraie."""
    images = np.full((len(labels), 32, 32, 3), 255, np.uint8)
    for image, (_, color) in zip(images, labels, strict=True):
        image[8:24, 8:24] = SHADES[[*products.COLORS][color]]
    return products.Articles(images, np.array(labels), ["une robe rouge"] * len(labels))


DRESS, SHIRT = ([*products.KINDS].index(kind) for kind in ("Dresses", "Shirts"))
RED, BLUE = ([*products.COLORS].index(color) for color in SHADES)


@pytest.mark.question(QUESTION)
def test_the_sentence_agrees_and_all_its_words_are_known():
    assert products.say_article("Dresses", "Red") == "une robe rouge"
    assert products.say_article("Sandals", "White") == "des sandales blanches"
    known = products.vocabulary()
    said = [products.say_article(kind, color) for kind in products.KINDS for color in SHADES]
    numbers = sentences.encode([*said, *products.EXAMPLES], known)
    assert numbers.max() <= len(known) and (numbers[:, 0] > 0).all()
    assert max(len(sentences.split(each)) for each in said) <= sentences.MAX_WORDS


def test_witnesses_have_the_name_and_the_colour_or_the_name_alone():
    train, test = (
        album([(DRESS, RED), (DRESS, BLUE), (SHIRT, RED)]),
        album([(DRESS, BLUE), (SHIRT, BLUE)]),
    )
    found = products.make_controls(train, test)
    for who in ("mean", "search"):
        np.testing.assert_array_equal(found[who], train.images[[1, 2]])  # pas de chemise bleue


@pytest.mark.ci
def test_the_judge_knows_a_colour_that_it_was_shown():
    known = album([(DRESS, RED), (SHIRT, BLUE)] * 6)
    known.images[::2, :8] = 0  # une robe a le haut noir
    np.testing.assert_array_equal(products.make_judge(known)(known.images), known.labels)


@pytest.mark.ci
@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_the_whole_lesson_then_a_sentence(monkeypatch, tmp_path, capsys, short_runs, unrendered):
    short_runs(tmp_path / "m")
    shop, rng = [], np.random.default_rng(0)
    for block in range(5):
        for k in range(4):
            path = tmp_path / f"{block}{k}.jpg"
            Image.fromarray(rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)).save(path)
            kind, color = ("Dresses", "Shirts")[k % 2], ("Red", "Blue")[k // 2]
            shop.append(Product(100 * block + k, path, kind, color, "Casual", "Women", "Summer"))
    monkeypatch.setattr(products, "load_catalogue", lambda: shop)
    monkeypatch.setattr(network.build_model, "__kwdefaults__", {"channels": (4, 4)})
    monkeypatch.setattr(network.draw_path, "__kwdefaults__", {"num_steps": 2})
    with unrendered():
        assert products.main(["--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    said = capsys.readouterr().out
    assert all(label in said for label in products.LABELS.values())
    assert (tmp_path / "f" / "articles.png").exists()


@pytest.mark.ci
def test_an_unknown_word_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(
        products.lesson, "load_saved", lambda options: network.build_model((32, 32, 3))
    )
    assert products.main(["--say", "un dragon rouge"]) == 1
    assert "dragon" in capsys.readouterr().err
