"""Ce que l'on voit d'une image : petite et grise, agrandie, entourée d'une marge."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from convnets.core.images import crop_resize_image, open_image
from convnets.serving import say
from convnets.serving.asked import GREY, PHOTOGRAPH, THUMBNAIL, Asked, Row
from convnets.serving.classifier import Classifier
from convnets.serving.images import figure_box, has_black_ground, is_grey, long_squares
from convnets.serving.look import Look
from convnets.serving.router import Router, load

SIDE_PX = 280


def enlarged(pixels, name="NEAREST"):
    return Image.fromarray(pixels).resize((SIDE_PX, SIDE_PX), Image.Resampling[name])


def in_a_figure(picture, *, ticks):
    """Rend ce que `savefig` fait d'une image : une marge blanche, et un cadre gradué."""
    figure = Image.new("RGB", (640, 480), "white")
    figure.paste(picture, (180, 90))
    if ticks:
        draw = ImageDraw.Draw(figure)
        draw.rectangle((179, 89, 180 + SIDE_PX, 90 + SIDE_PX), outline="black")
        for place in range(100, 90 + SIDE_PX, 40):
            draw.line((172, place, 178, place), fill="black")
            draw.text((150, place - 5), str(place), fill="black")
    return figure


def test_grey_and_its_ground_are_seen(extract):
    garment, thumbnail = extract("fashion_mnist")[0][0], extract("cifar10")[0][0]
    grey, color = Image.fromarray(garment).convert("RGB"), Image.fromarray(thumbnail)
    assert is_grey(grey) and not is_grey(color)
    assert has_black_ground(grey)
    assert not has_black_ground(Image.fromarray(255 - garment).convert("RGB"))


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_the_grey_pictures_of_the_course_are_doubted_whatever_their_size(extract, tmp_path, name):
    paths = []
    for number, pixels in enumerate(extract(name)[0][:6]):
        small = Image.fromarray(255 - pixels if number == 1 else pixels)
        large = enlarged(pixels, ("NEAREST", "BICUBIC")[number % 2])
        for picture, size in ((small, "petite"), (large, "grande")):
            paths.append(str(tmp_path / f"{number}-{size}.png"))
            picture.save(paths[-1])
    for result in Router(num_threads=1).classify(paths):
        assert result.familiar is False, result.path
        assert "--model digits" in result.answer.why and "--model garments" in result.answer.why


def test_an_enlarged_garment_is_named_as_the_small_one(extract, tmp_path):
    small, large = [], []
    for number, pixels in enumerate(extract("fashion_mnist")[0][:20]):
        for kept, picture in (
            (small, Image.fromarray(pixels)),
            (large, enlarged(pixels, ("NEAREST", "BILINEAR")[number % 2])),
        ):
            kept.append(str(tmp_path / f"{number}-{picture.width}.png"))
            picture.save(kept[-1])
    model = load("garments", num_threads=1)
    before, after = ([each.best for each in model.classify(paths)] for paths in (small, large))
    assert sum(a == b for a, b in zip(before, after, strict=True)) >= 19


@pytest.mark.parametrize("ticks", [False, True])
def test_a_figure_of_a_notebook_is_read_without_its_margin(extract, ticks):
    for pixels in extract("cifar10")[0][:8]:
        figure = in_a_figure(enlarged(pixels), ticks=ticks)
        box = figure_box(figure)
        assert np.abs(np.subtract(box, (180, 90, 180 + SIDE_PX, 90 + SIDE_PX))).max() <= 2
        inside = Look(figure).inside_figure()
        assert inside.image.size != figure.size and inside.is_enlarged


def test_what_is_no_figure_is_left():
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    photo = Image.new("RGB", (400, 400), "white")
    photo.paste(Image.fromarray(noise), (100, 100))
    for picture in (photo, Image.new("RGB", (90, 90), "white"), Image.fromarray(noise)):
        look = Look(picture)
        assert look.inside_figure() is look


def test_asked_for_a_garment_the_answer_is_one(repo):
    model = load("garments", num_threads=1)
    (found,) = model.classify([str(repo / "samples" / "chat.png")])
    assert "Chat" not in found.answer.classes and len(found.answer.classes) == 11
    assert sum(found.probabilities) == pytest.approx(1) and found.is_doubted


@pytest.mark.parametrize("name", ["chat.png", "chien.webp", "voiture.jpg"])
@pytest.mark.parametrize("is_tall", [False, True])
def test_a_long_picture_is_looked_at_whole(repo, tmp_path, name, is_tall):
    square = crop_resize_image(open_image(repo / "samples" / name), 200)
    size = (200, 560) if is_tall else (560, 200)
    long = Image.new("RGB", size, square.getpixel((199, 0)))
    long.paste(square, (0, 0))  # loin du carré du milieu
    assert [each.size for each in long_squares(long)] == [(200, 200)] * 3
    found = Look(long)
    Classifier("photos", num_threads=1).glance_at(found)
    assert found.square.tobytes() == long.crop((0, 0, 200, 200)).tobytes()


def test_what_is_not_long_is_one_square():
    for size in ((300, 200), (640, 60), (100, 1500)):
        assert long_squares(Image.new("RGB", size)) == []


def test_two_things_in_a_long_picture_are_doubted(repo, tmp_path):
    long = Image.new("RGB", (600, 200))
    for place, name in enumerate(("chat.png", "avion.png", "camion.png")):
        picture = crop_resize_image(open_image(repo / "samples" / name), 200)
        long.paste(picture, (200 * place, 0))
    long.save(tmp_path / "longue.png")
    (found,) = Router(num_threads=1).classify([str(tmp_path / "longue.png")])
    assert found.answer.why == say.DIVIDED and found.familiar


@pytest.mark.parametrize(("probability", "is_doubted"), [(0.69, True), (0.7, False)])
def test_a_low_answer_is_doubted_in_one_sentence(probability, is_doubted):
    card = SimpleNamespace(slug="photos", familiarity=0.5, garments=None, own=None)
    asked = Asked(SimpleNamespace(card=card, classes=["Chat", "Chien"]), [])
    found = say.say(asked, [Row([probability, 1 - probability], 1.0)])
    assert bool(found.why) == is_doubted and found.familiar
    assert found.why == "donne une réponse à 69,0 % seulement : elle n'est pas sûre." * is_doubted


@pytest.mark.parametrize(("name", "is_doubted"), [("chat.png", True), (None, False)])
def test_the_network_of_a_lesson_points_to_the_one_of_photographs(
    repo, extract, tmp_path, name, is_doubted
):
    path = repo / "samples" / name if name else tmp_path / "vetement.png"
    if not name:
        enlarged(extract("fashion_mnist")[0][0]).save(path)
    (found,) = Classifier("ex02_fashion", num_threads=1).classify([str(path)])
    learned = "des images grises de 28 × 28 pixels, sur un fond uni"
    said = say.UNLIKE.format(say.KINDS[PHOTOGRAPH], learned)
    advice = f"{said} {say.READERS['Robe']}"
    assert found.answer.why == advice * is_doubted and found.familiar is None


THUMBNAIL_LESSONS = ("ex03_cifar10", "ex15_architectures", "ex23_what_matters")


@pytest.mark.parametrize("slug", THUMBNAIL_LESSONS)
def test_the_network_of_a_lesson_doubts_what_it_has_not_learned(repo, extract, tmp_path, slug):
    thumbnail, digit = extract("cifar10")[0][0], extract("mnist")[0][0]
    pictures = {"petite": Image.fromarray(thumbnail), "grande": enlarged(thumbnail)}
    pictures["chiffre"] = Image.fromarray(digit)
    paths = [str(repo / "samples" / "voiture.jpg")]
    for name, picture in pictures.items():
        paths.append(str(tmp_path / f"{name}.png"))
        picture.save(paths[-1])
    whys = [found.answer.why for found in load(slug, num_threads=1).classify(paths)]
    assert "n'a appris que des vignettes de 32 × 32 pixels" in whys[0] and "Sans --model" in whys[0]
    assert not any("appris" in why for why in whys[1:3])
    assert whys[3] == say.GREY_THUMBNAIL


@pytest.mark.parametrize(
    ("slug", "is_known"), [("ex00_learned_filters", False), ("ex02_fashion", True)]
)
def test_a_grey_picture_of_another_size_is_not_what_a_lesson_learned(extract, slug, is_known):
    look = Look(Image.fromarray(extract("mnist")[0][0]).convert("RGB"))
    classifier = Classifier(slug, num_threads=1)
    assert (classifier.ask(look).unlike == "") == is_known


@pytest.mark.parametrize("size", [9, 90, 270])
def test_the_network_of_crosses_knows_its_own_pictures(size):
    cross = Image.fromarray((255 * (np.eye(9) + np.eye(9)[::-1] > 0)).astype(np.uint8))
    large = cross.resize((size, size), Image.Resampling.NEAREST).convert("RGB")
    assert Look(large).unlike((9, 9)) == ""


@pytest.mark.parametrize(
    ("slug", "lender"),
    [("ex04_lenet", "digits"), ("ex02_fashion", "garments"), ("ex23_what_matters", "thumbnails")],
)
def test_a_lesson_borrows_the_familiarity_of_the_network_that_learned_the_same(
    extract, tmp_path, slug, lender
):
    pixels = extract("mnist" if slug == "ex02_fashion" else "fashion_mnist")[0][0]
    enlarged(pixels).save(tmp_path / "autre.png")
    path = [str(tmp_path / "autre.png")]
    alone, borrowing, lent = (
        [*model.classify(path)][0] for model in (Classifier(slug), load(slug), Classifier(lender))
    )
    assert alone.familiar is None and borrowing.familiar == lent.familiar
    assert borrowing.probabilities == alone.probabilities


@pytest.mark.parametrize(("own", "is_said"), [(None, True), ("scale", False)])
def test_a_lesson_that_believes_itself_wrong_says_so(own, is_said):
    card = SimpleNamespace(slug="ex16_bag_of_words", familiarity=None, garments=None, own=own)
    asked = Asked(SimpleNamespace(card=card, classes=["Chat", "Chien", "Cerf"]), [])
    found = say.say(asked, [Row([0.4, 0.3, 0.3], None)])
    assert ("40,0 % seulement" in found.why) == is_said and found.familiar is None


def test_every_garment_of_one_network_has_its_names_in_the_other():
    photos, garments = (Classifier(slug, num_threads=1) for slug in ("photos", "garments"))
    assert say.NAMES.keys() == {*photos.classes[photos.card.garments.first :]}
    assert {name for names in say.NAMES.values() for name in names} == set(garments.classes)


@pytest.mark.parametrize(
    ("shape", "kind", "said"),
    [
        ((192, 192, 3), THUMBNAIL, "est une vignette, et ce réseau n'a appris que des photo"),
        ((28, 28), THUMBNAIL, "est une vignette, et ce réseau n'a appris que des images gris"),
        ((28, 28), PHOTOGRAPH, "--model garments lit un vêtement photographié."),
        ((32, 32, 3), GREY, "--model digits lit un chiffre, et --model garments un vêtement."),
    ],
)
def test_a_lesson_says_what_it_learned_and_who_reads_a_photograph(shape, kind, said):
    card = SimpleNamespace(
        slug="ex05", familiarity=None, garments=None, own=None, input_shape=shape, classes=["Robe"]
    )
    asked = Asked(SimpleNamespace(card=card, classes=["Robe"]), [], unlike=kind)
    found = say.say(asked, [Row([1.0], None)])
    assert said in found.why and found.familiar is None
    assert ("photographié." in found.why) == (kind == PHOTOGRAPH)
