"""Les articles : une phrase accordée, des couples mis de côté, des témoins, la commande entière."""

import numpy as np
import pytest
from PIL import Image

from convnets.core import reports
from convnets.datasets.products import Product
from exercises.ex26_text_to_image import network, products, sentences

QUESTION = "S3, figure (6)"
SHADES = {"Red": (200, 20, 20), "Blue": (20, 20, 200)}
KINDS = ("Tshirts", "Shirts")  # « un tee-shirt rouge » est un des couples mis de côté


def make_articles(*pairs: tuple[str, str]) -> products.Articles:
    """Des carrés unis sur fond blanc, dont la couleur est la vraie ; une chemise est plus haute."""
    images = np.full((len(pairs), 32, 32, 3), 255, np.uint8)
    for image, (kind, color) in zip(images, pairs, strict=True):
        image[8 : 24 + 4 * (kind == "Shirts"), 8:24] = SHADES[color]
    return products.Articles(images, np.array([products.to_labels(*pair) for pair in pairs]))


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Quatre articles dans chacune de dix centaines : deux noms, deux couleurs."""
    pairs = [(kind, color) for kind in KINDS for color in SHADES]
    made = []
    for hundred in range(10):
        for k, (pair, image) in enumerate(zip(pairs, make_articles(*pairs).images, strict=True)):
            path = tmp_path / f"{100 * hundred + k}.png"
            Image.fromarray(image).save(path)
            made.append(Product(100 * hundred + k, path, *pair, "Casual", "Women", "Summer"))
    products.load_parts.cache_clear()
    monkeypatch.setattr(products, "load_catalogue", lambda: made)
    yield made
    products.load_parts.cache_clear()


@pytest.mark.question(QUESTION)
def test_the_sentence_agrees_and_all_its_words_are_known():
    assert products.say_article("Shirts", "Blue") == "une chemise bleue"
    assert products.say_article("Sandals", "White") == "des sandales blanches"
    known = products.vocabulary()
    said = [products.say_article(*pair) for pair in (*products.EXAMPLES, *products.UNSEEN)]
    assert all(word in known for each in said for word in sentences.split(each))
    assert max(len(sentences.split(each)) for each in said) <= sentences.MAX_WORDS


@pytest.mark.question(QUESTION)
def test_a_pair_set_aside_is_judged_but_never_learned(shop):
    parts = products.load_parts(None)
    assert {part: len(each.labels) for part, each in parts.items()} == {
        "train": 15,
        "judge": 12,
        "seen": 6,
        "unseen": 2,
    }
    aside = products.to_labels("Tshirts", "Red")
    for part, there in {"train": False, "judge": True, "seen": False, "unseen": True}.items():
        assert (parts[part].labels == aside).all(axis=1).any() == there


@pytest.mark.question(QUESTION)
def test_the_mean_of_a_pair_never_seen_adds_what_its_colour_changes():
    train = make_articles(("Shirts", "Red"), ("Shirts", "Blue"), ("Tshirts", "Blue"))
    red = products.average(train, np.array(products.to_labels("Shirts", "Red")))
    np.testing.assert_array_equal(red, train.images[0])
    found = products.average(train, np.array(products.to_labels("Tshirts", "Red")))
    # La moitié de ce que le rouge change : la moyenne des chemises est à mi-chemin du bleu.
    shift = train.images[0, 12, 12].astype(float) - train.images[:2, 12, 12].mean(axis=0)
    np.testing.assert_allclose(found[12, 12], train.images[2, 12, 12] + shift)


@pytest.mark.question(QUESTION)
def test_the_gaussian_witness_varies_as_the_photographs_do():
    rng, pairs = np.random.default_rng(0), [("Shirts", "Blue")] * 200
    train = make_articles(*pairs)
    levels = rng.integers(80, 160, 200).astype(np.uint8)  # un seul nombre change d'une à l'autre
    train.images[:, 8:24, 8:24] = levels[:, None, None, None]
    controls = products.make_controls(train, train.labels, seed=0)
    drawn = controls["noisy"][:, 12, 12, 0].astype(float)
    assert abs(drawn.mean() - levels.mean()) < 8 and 0.8 < drawn.std() / levels.std() < 1.2
    assert np.ptp(controls["mean"], axis=0).max() == 0
    assert all((train.images == image).all((1, 2, 3)).any() for image in controls["search"])


@pytest.mark.question(QUESTION)
def test_pairs_of_words_keep_the_share_of_right_answers():
    right, labels = np.array([1, 1, 0, 1]), np.array([[0, 0], [0, 0], [0, 0], [3, 1]])
    found = products.by_pair(right, labels)
    np.testing.assert_allclose(found, [1, 0.5])
    assert found.mean() == right.mean()


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_the_whole_lesson_then_a_sentence(
    shop, eager, monkeypatch, tmp_path, capsys, short_runs, unrendered
):
    short_runs(tmp_path / "m")
    monkeypatch.setattr(products, "JUDGE_EPOCHS", 1)
    monkeypatch.setattr(network.build_model, "__kwdefaults__", {"channels": (4, 4)})
    monkeypatch.setattr(network.draw_path, "__kwdefaults__", {"num_steps": 2})
    with unrendered():
        assert products.main(["--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    said = capsys.readouterr().out
    assert all(label in said for label in products.LABELS.values())
    assert (tmp_path / "f" / "dessins_articles.png").exists()
    report = reports.read_report("ex26_products", models_dir=tmp_path / "m")
    assert report.metrics["copied_search_seen"].mean == report.metrics["copied_real_seen"].mean
    own = ["--model", str(tmp_path / "m" / "ex26_products"), "--output", str(tmp_path / "x.png")]
    assert products.main(["--say", "une chemise bleue", *own]) == 0
    assert Image.open(tmp_path / "x.png").size == (256, 256)
    assert products.main(["--say", "un dragon rouge", *own]) == 1
    assert "dragon" in capsys.readouterr().err
