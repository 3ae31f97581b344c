"""Des articles de boutique : partage par centaines, voisins, leçon, photographie à soi."""

import numpy as np
import pytest
from PIL import Image

from convnets.core import reports
from convnets.core.intervals import Interval, sign
from convnets.datasets.products import Product
from convnets.training import saving
from exercises.ex25_captions import catalogue, decoding, network, products
from exercises.ex25_captions.catalogue import ATTRIBUTES

QUESTION = "S3, image captioning"
COLORS = {"Red": (220, 30, 30), "Blue": (30, 30, 220)}


@pytest.fixture
def shop(tmp_path):
    """Deux articles dans chacune de dix centaines : un carré rouge, un bleu, sur fond blanc."""
    made = []
    for hundred in range(10):
        for k, (name, rgb) in enumerate(COLORS.items()):
            image = Image.new("RGB", (64, 64), "white")
            image.paste(rgb, (16, 10 + hundred, 48, 40 + hundred))
            path = tmp_path / f"{100 * hundred + k}.png"
            image.save(path)
            product = (100 * hundred + k, path, "Dresses", name, "Casual", "Women", "Summer")
            made.append(Product(*product))
    return made


def test_a_hundred_is_never_split_and_no_picture_is_kept_twice(shop, monkeypatch):
    numbers = np.array([product.number for product in shop])
    parts = products.share_out(numbers)
    hundreds = {part: set(numbers[parts == part] // 100) for part in products.PARTS}
    assert [len(each) for each in hundreds.values()] == [7, 1, 2]
    assert len(set.union(*hundreds.values())) == 10
    alone = products.share_out(numbers, block=1)
    assert {*numbers[alone == "test"] // 100} & {*numbers[alone == "train"] // 100}
    first, test = (shop[np.flatnonzero(parts == part)[0]] for part in ("train", "test"))
    test.path.write_bytes(first.path.read_bytes())  # la même image, sous un autre numéro
    unnamed = first._replace(color="NA")
    monkeypatch.setattr(products, "load_catalogue", lambda: [*shop, unnamed])
    albums = products.make_albums(limit=None)
    assert [len(album.images) for album in albums.values()] == [14, 2, 3]
    assert test.number not in albums["test"].numbers
    assert albums["train"].images.shape[1:] == (64, 64, 3)


def test_the_nearest_picture_is_copied_within_and_across_hundreds(shop, monkeypatch):
    monkeypatch.setattr(products, "load_catalogue", lambda: shop)
    products.read_everything.cache_clear()
    found = products.witnesses(0)
    products.read_everything.cache_clear()
    assert found["kind_blocks_1"] == found["color_blocks_100"] == 1


def test_neighbours_vote_and_validation_says_how_many():
    known, labels = np.array([[0.0], [1], [2], [9]]), np.zeros((4, 5), int)
    labels[0] = 3  # seul de son avis
    points = np.array([[0.1], [8]])
    assert products.vote(points, known, labels, num=1)[:, 0].tolist() == [3, 0]
    assert products.vote(points, known, labels, num=3)[:, 0].tolist() == [0, 0]
    album = products.Album(None, labels, None)
    parts = {"train": known, "val": np.array([[0.1], [0.2]]), "test": np.array([[0.0]])}
    for true in (3, 0):
        albums = {"train": album, "val": album._replace(labels=np.full((2, 5), true))}
        assert products.find_neighbours(albums, parts).tolist() == [[true] * 5]


def test_the_most_frequent_article_is_not_made_of_the_most_frequent_values():
    labels = np.array([[1, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 2, 0, 0, 0]])
    labels = np.concatenate([labels, [[0, 3, 0, 0, 0]]])
    row, values = products.most_frequent(labels)
    assert row.tolist() == [1, 0, 0, 0, 0] and values.tolist() == [0] * 5


def test_hundreds_keep_the_share_of_right_answers():
    right, hundreds = np.array([[1, 1, 0, 0, 0], [1, 0, 0, 0, 1]]), np.array([7, 7, 7, 7, 9])
    found = products.by_hundred(right, hundreds)
    assert found.shape == (2, 2)
    np.testing.assert_allclose(found.mean(axis=1), right.mean(axis=1))
    np.testing.assert_allclose(found, [[0.8, 0], [0.4, 0.4]])


def test_a_batch_asks_the_five_questions_of_each_article(shop, monkeypatch):
    monkeypatch.setattr(products, "load_catalogue", lambda: shop)
    album = products.make_albums(limit=None)["train"]
    batches = products.ProductBatches(
        album.images, album.labels, batch_size=4, seed=0, augment=products.augment
    )
    given, wanted = batches[0]
    assert given["questions"].shape == (4, 5, catalogue.MAX_ASKED)
    said = [" ".join(catalogue.to_words(each)) for each in catalogue.encode_captions(album.labels)]
    rows = batches.rows(0)
    for k, row in enumerate(rows):
        replies = [catalogue.ANSWERS[rank] for rank in wanted["answers"][k]]
        assert replies[0] == "une robe" and said[row].startswith(f"une robe {replies[1][:4]}")
        words = [given["words"][k, 0], *wanted["caption"][k]]
        assert " ".join(catalogue.to_words(words)) == said[row]


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_the_lesson_measures_its_witnesses_and_describes_a_picture(
    shop, eager, monkeypatch, tmp_path, capsys, short_runs
):
    monkeypatch.setattr(network, "WIDTHS", (4, 4, 4, 4))
    monkeypatch.setattr(network, "UNITS", 4)
    monkeypatch.setattr(products, "load_catalogue", lambda: shop)
    monkeypatch.setattr(products, "caption", lambda model, maps: [["une", "robe"]] * len(maps))
    short_runs(tmp_path / "m")
    folders = ["--output", str(tmp_path / "f")]
    assert products.main(["--epochs", "1", *folders]) == 0
    report = reports.read_report("ex25_products", models_dir=tmp_path / "m")
    means = {name: each.mean for name, each in report.metrics.items()}
    assert means["color_pixels"] == means["exact_pixels"] == means["bleu4_pixels"] == 1
    assert (
        means["exact_network"] == 0
        and means["exact_frequent"] == 0.5
        and means["kind_frequent"] == 1
    )
    assert (tmp_path / "f" / "articles.png").exists()
    said = capsys.readouterr().out
    assert "une seule graine ne dit rien de sa variation" in said
    own = ["--model", str(tmp_path / "m" / "ex25_products"), *folders]
    assert products.main([str(shop[0].path), *own]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Une robe.\n")
    assert all(attribute.question in said for attribute in ATTRIBUTES.values())
    assert "37 sortes d'articles" in said and "Le bord" not in said
    assert ("le réseau hésite" in said) == (" une robe " not in said)
    Image.new("RGB", (50, 80), "black").save(tmp_path / "noir.png")
    assert products.main([str(tmp_path / "noir.png"), *own]) == 0
    assert "Le bord de cette image n'est pas blanc" in capsys.readouterr().out


def test_what_is_not_a_picture_is_one_sentence(tmp_path, capsys):
    (tmp_path / "photo.jpg").write_text("bonjour")
    for path in (tmp_path / "photo.jpg", tmp_path / "absente.jpg"):
        assert products.main([str(path)]) == 1
        error = capsys.readouterr().err
        assert path.name in error and len(error.strip().splitlines()) == 1


# --- Le modèle livré -----------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_the_published_measures_say_what_the_lesson_says():
    published = reports.load_measures("ex25_products")
    gaps = {name: Interval(*values) for name, values in published.details["gaps"].items()}
    assert sign(gaps["color_answers_pixels"]) == sign(gaps["color_answers_pretrained"]) == 1
    assert sign(gaps["kind_answers_pixels"]) == sign(gaps["exact_network_pixels"]) == 0
    assert sign(gaps["kind_answers_pretrained"]) == sign(gaps["exact_answers_pretrained"]) == -1
    witness = reports.load_measures("ex25_products_witnesses").metrics
    for name in ATTRIBUTES:
        assert witness[f"{name}_blocks_1"].mean > witness[f"{name}_blocks_100"].mean


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_the_shipped_network_takes_a_cat_for_briefs(repo, tmp_path, capsys):
    """Ce que la leçon en dit : une grande probabilité n'est pas une preuve."""
    cat = repo / "samples" / "chat.png"
    assert products.main([str(cat), "--output", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "Le bord de cette image n'est pas blanc" in said and "Un slip marron" in said
    maps = decoding.see(saving.load_model("ex25_products"), products.read(cat)[None])
    probabilities = products.answer(saving.load_model("ex25_products"), maps)
    assert probabilities[0, 0].max() > 0.95
