"""Les fonctions des onglets, sans navigateur."""

import asyncio
import base64
import html as stdlib_html
import io
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio.blocks", reason="pip install -r demo/requirements.txt")

from convnets.core.cli import percent
from convnets.explaining.methods import EXPLANATIONS
from convnets.serving.classifier import Classifier
from convnets.training.augmentation import shift
from demo import __main__ as command
from demo import app, convolution, digit, html, limits, network, predict, x_or_o

GRID = re.compile(r"<figcaption>(.*?)</figcaption><table>(.*?)</table>", re.DOTALL)


def grids(text):
    """Relit les grilles d'un HTML : {légende: [[texte, classe], ...] par ligne}."""
    found = {}
    for caption, table in GRID.findall(text):
        rows = []
        for row in re.findall(r"<tr>(.*?)</tr>", table):
            cells = re.findall(r'<td class="(.*?)".*?>(.*?)</td>', row)
            rows.append([(re.sub("<.*?>", "", inside), name) for name, inside in cells])
        found[stdlib_html.unescape(caption)] = rows
    return found


def numbers(rows):
    return [[float(text.replace(",", ".")) for text, _ in row] for row in rows]


# --- Convolution -----------------------------------------------------------------------


def settings(**changed):
    known = {
        "image": convolution.named("5x5"),
        "kernel": convolution.named("3x3"),
        "stride": 1,
        "padding": "valid",
        "dilation": 1,
        "flip": "correlation",
        "step": 1,
    }
    return list((known | changed).values())


def test_every_step_of_the_5x5_example():
    image = np.array(
        [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
    )
    kernel = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
    for step in range(1, 10):
        drawn, at, total = convolution.show(*settings(step=step))
        shown = grids(drawn)
        i, j = divmod(step - 1, 3)
        products = image[i : i + 3, j : j + 3] * kernel
        assert (at, total) == (step, 9)
        assert numbers(shown["Produits"]) == products.tolist()
        assert numbers(shown["Sortie"]) == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]
        assert f"= {products.sum()}</strong>" in drawn
        marked = [
            (r, c)
            for r, row in enumerate(shown["Image, et la fenêtre"])
            for c, (_, name) in enumerate(row)
            if "choisie" in name
        ]
        assert marked == [(r, c) for r in range(i, i + 3) for c in range(j, j + 3)]
        assert shown["Sortie"][i][j][1] == "choisie"


def test_padding_is_drawn_apart_and_same_gives_n4():
    shown = grids(convolution.show(*settings(padding="same"))[0])
    expected = [[2, 2, 3, 1, 1], [1, 4, 3, 4, 1], [1, 2, 4, 3, 3], [1, 2, 3, 4, 1], [0, 2, 2, 1, 1]]
    assert numbers(shown["Sortie"]) == expected
    added = sum("ajoutee" in name for row in shown["Image, et la fenêtre"] for _, name in row)
    assert added == 7 * 7 - 5 * 5


def test_flip_tells_convolution_from_correlation():
    """N21 : six lignes, 0 puis 200, et le noyau de Prewitt, qui n'est pas symétrique."""
    image = "/".join(["0 0 0 0 0 0"] * 3 + ["200 200 200 200 200 200"] * 3)
    prewitt = {"image": image, "kernel": convolution.named("prewitt"), "padding": "same"}
    sums = [
        np.array(numbers(grids(convolution.show(*settings(**prewitt, flip=flip))[0])["Sortie"]))
        for flip in ("correlation", "convolution")
    ]
    assert sums[0][2].tolist() == [400, 600, 600, 600, 600, 400]
    assert (sums[1] == -sums[0]).all()


def test_stride_and_dilation():
    image = "/".join(" ".join(str(7 * r + c) for c in range(7)) for r in range(7))
    found = grids(
        convolution.show(*settings(image=image, kernel="1 0/0 1", dilation=3, stride=2))[0]
    )["Sortie"]
    expected = [[2 * (7 * r + c) + 24 for c in (0, 2)] for r in (0, 2)]
    assert numbers(found) == expected


def test_a_step_too_far_shows_the_last_one():
    drawn, at, total = convolution.show(*settings(step=500))
    assert (at, total) == (9, 9) and "Étape 9 sur 9" in drawn
    assert convolution.show(*settings(step=None))[1] == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"image": "1 2/3"}, "Image : les lignes de la grille n'ont pas la même longueur"),
        ({"kernel": "a"}, "Noyau : 'a' n'est pas un nombre"),
        ({"image": "/".join(["1 " * 13] * 2)}, "au plus 12×12"),
        ({"kernel": "/".join(["1 1 1 1 1 1"] * 6)}, "La fenêtre couvre 6 cases"),
        ({"stride": 0}, "Le pas vaut 0 : un entier de 1 à 12 est attendu."),
        ({"stride": None}, "Le pas est vide"),
        ({"stride": float("inf")}, "Le pas vaut inf"),
        ({"dilation": 1.5}, "La dilatation vaut 1,5"),
        ({"padding": "beaucoup"}, "valid, same ou un entier de 0 à 12"),
        ({"padding": "10"}, "au plus 24 se lisent"),
        ({"step": "x"}, "L'étape vaut x"),
    ],
)
def test_a_bad_setting_gives_a_sentence(changed, said):
    drawn, at, total = convolution.show(*settings(**changed))
    assert (at, total) == (0, 0)
    assert 'role="alert"' in drawn and said in stdlib_html.unescape(drawn)


def test_the_choices_can_all_be_drawn():
    for name in convolution.IMAGES:
        for kernel in convolution.KERNELS:
            text, kernel_text = convolution.named(name), convolution.named(kernel)
            drawn = convolution.show(*settings(image=text, kernel=kernel_text))[0]
            assert 'role="alert"' not in drawn, (name, kernel)
    assert convolution.named("X").count("1") > 20


# --- X ou O ? --------------------------------------------------------------------------


def test_the_stages_of_the_slides():
    drawn = x_or_o.describe(x_or_o.one_line(x_or_o.DRAWINGS["X"]), "hand")
    third = drawn.split("3. Max-pooling")[1].split("4. Encore")[0]
    assert [[text for text, _ in row] for row in grids(third)["F1 : descente"]] == [
        ["1", "0,33", "0,55", "0,33"],
        ["0,33", "1", "0,33", "0,55"],
        ["0,55", "0,33", "1", "0,11"],
        ["0,33", "0,55", "0,11", "0,77"],
    ]
    vector = [text for text, _ in grids(drawn)["Vecteur"][0]]
    assert vector == "1 0,55 0,55 1 1 0,55 0,55 0,55 0,55 1 1 0,55".split()
    assert "Réponse : <strong>X</strong>" in drawn


def test_learned_filters_answer_like_the_shipped_network():
    """Oracle : LiteRT, qui lit un autre fichier (poids en float16)."""
    rng = np.random.default_rng(0)
    drawings = [x_or_o.read_drawing(x_or_o.one_line(rows)) for rows in x_or_o.DRAWINGS.values()]
    drawings += [rng.choice([-1, 1], (9, 9)) for _ in range(20)]
    images = np.stack([(each + 1) * 255 // 2 for each in drawings]).astype(np.uint8)
    expected = Classifier("ex00_learned_filters").predict(images)
    found = np.stack([x_or_o.learned_probabilities(each) for each in drawings])
    np.testing.assert_allclose(found, expected, atol=0.02)
    for name, rows in x_or_o.DRAWINGS.items():
        drawn = x_or_o.describe(x_or_o.one_line(rows), "learned")
        assert f"Réponse : <strong>{name[0]}</strong>" in drawn


@pytest.mark.parametrize("filters", ["hand", "learned"])
def test_an_erased_grid_is_no_letter(filters):
    drawn = limits.in_french(x_or_o.describe, x_or_o.BLANK, filters)
    assert "Rien n'est dessiné" in stdlib_html.unescape(drawn) and 'role="alert"' in drawn
    assert "Réponse" not in drawn


def test_a_weak_vote_says_so():
    """Une seule case : ni X ni O n'a la moitié des voix."""
    one = " ".join(["." * 9] * 4 + ["....#...."] + ["." * 9] * 4)
    votes = [float(each) for each in x_or_o.x_or_o.votes(x_or_o.read_drawing(one))]
    assert max(votes) < html.SURE
    assert ", pas sûr</strong>" in x_or_o.describe(one, "hand")
    assert "pas sûr" not in x_or_o.describe(x_or_o.one_line(x_or_o.DRAWINGS["O"]), "hand")


def test_numbers_have_a_french_comma():
    drawn = x_or_o.describe(x_or_o.one_line(x_or_o.DRAWINGS["X"]), "learned")
    drawn += convolution.show(*settings(kernel="0,5 1/-0,25 2", image="1,5 2/3 4"))[0]
    shown = re.sub("<[^>]*>", " ", re.sub(r'(style|src)="[^"]*"', "", drawn))
    assert not re.findall(r"\d\.\d", shown) and re.search(r"\d,\d", shown)
    assert html.decimal("1.5 + 2.25 = 3.75. Fin, v1.") == "1,5 + 2,25 = 3,75. Fin, v1."


@pytest.mark.parametrize("text", ["", "###", " ".join(["#" * 9] * 8), " ".join(["#a" * 5] * 9)])
def test_a_bad_drawing_gives_a_sentence(text):
    assert "Dessin illisible" in limits.in_french(x_or_o.describe, text, "hand")


# --- Chiffre ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", digit.EXAMPLES)
def test_the_networks_name_our_digits(name):
    square = digit.read_paper(digit.example(name))
    for kind in ("lenet", "position"):
        for answer in digit.answers(square, 0, 0, networks=kind):
            assert str(answer.probabilities.argmax()) == name, answer.title
            assert answer.map[6, 6] == int(name)


def test_moves_are_those_of_shift():
    square = np.arange(28 * 28, dtype=np.uint8).reshape(28, 28)
    moved = digit.moves(square)
    assert moved.shape == (169, 40, 40)
    np.testing.assert_array_equal(moved[84][6:34, 6:34], square)  # en place
    np.testing.assert_array_equal(moved[84 + 13 * 2 - 3][8:36, 3:31], square)  # 2 bas, 3 gauche


def test_each_answer_bears_the_name_of_its_network(extract):
    """Les sorties d'un export ne sont pas rangées : à 4 pixels, LeNet tient, le dense non."""
    x, y = extract("mnist")
    found = digit._outputs("ex04_comparison").predict(shift(x, 0, 4))
    right = {name: (each.argmax(1) == y.reshape(-1)).mean() for name, each in found.items()}
    assert right["lenet"] > 0.55 > 0.45 > right["dense"]
    wide = np.pad(x, ((0, 0), (6, 6), (6, 6)))
    found = digit._outputs("ex00_position").predict(shift(wide, 0, 6))
    right = {name: (each.argmax(1) == y.reshape(-1)).mean() for name, each in found.items()}
    assert right["cnn"] > 0.6 > 0.25 > right["dense"]


def test_the_chosen_move_is_the_one_shown():
    square = digit.read_paper(digit.example("4"))
    for answer in digit.answers(square, -5, 3, networks="position"):
        assert answer.probabilities.argmax() == answer.map[1, 9]
    shown = grids(digit.describe(digit.example("4"), 3, -5, "position"))
    for caption, rows in shown.items():
        marked = [(r, c) for r, row in enumerate(rows) for c, (_, name) in enumerate(row) if name]
        assert marked == [(1, 9)], caption


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("", 0, 0, "lenet"), "Dessinez un chiffre"),
        (("data:image/png;base64,é", 0, 0, "lenet"), "Ce dessin est abîmé"),
        (("data:image/png;base64,aaaa", 0, 0, "lenet"), "format d'image connu"),
        (("http://ailleurs", 0, 0, "lenet"), "ne vient pas de la feuille"),
        ((digit.example("4"), 7, 0, "lenet"), "Le déplacement vaut 7 : un entier de -6 à 6"),
    ],
)
def test_a_bad_digit_gives_a_sentence(arguments, said):
    assert said in stdlib_html.unescape(limits.in_french(digit.describe, *arguments))


def test_a_blank_paper_gives_a_sentence():
    blank = html.data_url(Image.new("L", (280, 280), 255))
    assert "ucun chiffre visible" in limits.in_french(digit.describe, blank, 0, 0, "lenet")


# --- Prédire ---------------------------------------------------------------------------


def test_the_answer_is_the_one_of_predict(repo):
    path = repo / "samples" / "chien.webp"
    for slug in ("ex03_cifar10", "ex09_cam", "ex02_fashion"):
        network_ = predict.load(slug)
        expected = next(iter(Classifier(slug).classify([str(path)]))).probabilities
        found = network_.answer(predict.read_picture(path))
        np.testing.assert_allclose(found, expected, atol=1e-6)
    drawn = predict.describe(predict.read_picture(path), "ex03_cifar10")
    assert "Prédiction : <strong>Chien</strong>" in drawn and drawn.count("<li>") == 10


def test_an_unsure_answer_says_so_and_who_answered(repo):
    """Le pont n'est d'aucune des dix classes : « Chat » ne doit pas se lire comme une certitude."""
    bridge = predict.read_picture(repo / "samples" / "pont.png")
    drawn = stdlib_html.unescape(predict.describe(bridge, predict.AUTOMATIC))
    best = max(predict.load("ex05_photos").answer(bridge))
    assert best < html.SURE
    assert f"Le réseau n'est pas sûr : {percent(best)}, moins d'une chance sur deux" in drawn
    assert "cette image ressemble peu à ce qu'il a appris" in drawn
    assert "Réseau qui a répondu : Objets et animaux (ex05_photos)." in drawn
    dog = predict.read_picture(repo / "samples" / "chien.webp")
    for slug, title in (("ex03_cifar10", "Objets et animaux"), ("ex02_fashion", "Vêtements")):
        drawn = stdlib_html.unescape(predict.describe(dog, slug))
        assert f"Réseau qui a répondu : {title} ({slug})." in drawn
        sure = max(predict.load(slug).answer(dog)) >= html.SURE
        assert ("pas sûr" in drawn) is not sure


@pytest.mark.parametrize(("probability", "said"), [(0.4999, True), (0.5, False), (1.0, False)])
def test_unsure_is_less_than_an_even_chance(probability, said):
    assert ("n'est pas sûr" in stdlib_html.unescape(predict._doubt(probability, 10))) is said
    strange = stdlib_html.unescape(predict._doubt(probability, 10, familiar=False))
    assert "ressemble peu à ce qu'il a appris" in strange
    assert ("moins d'une chance sur deux" in strange) is said


def test_without_a_choice_the_model_is_the_one_of_predict(repo, extract):
    stream = io.BytesIO()
    Image.fromarray(extract("cifar10")[0][0]).save(stream, "png")
    thumbnail = predict.Picture("vignette.png", stream.getvalue())
    photo = predict.read_picture(repo / "samples" / "chien.webp")
    for picture, slug in ((thumbnail, "ex03_cifar10"), (photo, "ex05_photos")):
        assert predict.load_for(picture, predict.AUTOMATIC) is predict.load(slug)
        assert predict.load_for(picture, "ex09_cam") is predict.load("ex09_cam")
        drawn = predict.describe(picture, predict.AUTOMATIC)
        assert drawn == predict.describe(picture, slug)
    _, explanation = predict.judged(photo, predict.AUTOMATIC, "occlusion")
    assert explanation.values.shape == (192, 192)


def test_models_are_those_that_name_a_picture():
    names = [slug for _, slug in predict.models()]
    assert "ex03_cifar10" in names and "ex04_lenet" in names
    assert not set(names) & set(predict.PAIRS)
    for slug in names:
        if slug != "ex05_inception":  # sa base n'est pas dans le dépôt
            assert predict.load(slug).classifier.classes
    assert "inconnu" in limits.in_french(predict.describe, None, "../models/ex03_cifar10")


def test_samples_are_all_there(repo):
    names = {path.name for path in (repo / "samples").iterdir()} - {"README.md"}
    assert {name for name, _ in predict.samples()} == names
    assert all(url.startswith("data:image/webp;base64,") for _, url in predict.samples())


def save(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


def test_bad_files_give_a_sentence(tmp_path, monkeypatch, repo):
    text = predict.read_picture(save(tmp_path, "note.png", b"bonjour"))
    empty = predict.read_picture(save(tmp_path, "vide.png", b""))
    cut = (repo / "samples" / "chat.png").read_bytes()[:5000]
    broken = predict.read_picture(save(tmp_path, "coupe.png", cut))
    for picture, said in (
        (text, "note.png n'est d'aucun format"),
        (empty, "vide.png est vide"),
        (broken, "coupe.png est une image endommagée"),
    ):
        for function in (predict.preview, lambda each: predict.describe(each, "ex03_cifar10")):
            assert said in stdlib_html.unescape(limits.in_french(function, picture))
    with pytest.raises(ValueError, match="10,0 Mo : au plus 10 Mo"):
        predict.read_picture(save(tmp_path, "gros.png", bytes(limits.MAX_BYTES + 1)))


def test_a_huge_picture_is_refused_before_decoding(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
    limits.limit_pixels()
    Image.new("1", (8000, 5001)).save(tmp_path / "immense.png")
    picture = predict.read_picture(tmp_path / "immense.png")
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("décodée"))
    with pytest.raises(ValueError, match="immense.png .* 40,0 millions de pixels"):
        predict.preview(picture)


def test_the_name_of_a_file_cannot_write_html(tmp_path):
    picture = predict.Picture('<img src=x onerror="alert(1)">', b"rien")
    said = limits.in_french(predict.preview, picture)
    assert "<img" not in said and "&lt;img" in said


class Corner:
    """Un faux modèle, qui ne regarde que le quart en haut à gauche."""

    class classifier:
        input_shape = (32, 48, 3)
        classes = ("clair", "sombre")

    def seen(self, picture):
        return np.full((32, 48, 3), 200, np.uint8)

    def answer(self, picture):
        return list(self.predict(self.seen(picture)[None])[0])

    def predict(self, images):
        light = images[:, :16, :24].mean(axis=(1, 2, 3)) / 255
        return np.stack([light, 1 - light], axis=1).astype(np.float32)


def test_an_explanation_finds_what_the_model_looks_at(monkeypatch):
    monkeypatch.setattr(predict, "load", lambda slug: Corner())
    monkeypatch.setattr("exercises.ex07_occlusion.fill_color", lambda *_: np.zeros(3, np.uint8))
    _, explanation = predict.judged(None, "coin", "occlusion")
    heat, top = explanation.painted()
    assert heat.shape == (32, 48) and heat.max() == top == pytest.approx(
        100 * explanation.values.max()
    )
    assert heat[:9, :17].min() > 0.4 * top and heat[24:].max() == 0 and heat[:, 32:].max() == 0


def test_an_explanation_is_the_one_of_the_exercise(repo):
    from convnets.explaining.explain import load_method

    picture = predict.read_picture(repo / "samples" / "chat.png")
    network_ = predict.load("ex03_cifar10")

    class Model:
        def predict(self, images, **_):
            return network_.classifier.predict(images)

    index = network_.classifier.classes.index("Chat")
    expected = load_method("occlusion").measure(Model(), network_.seen(picture), index)
    _, found = predict.judged(picture, "ex03_cifar10", "occlusion")
    np.testing.assert_allclose(found.values, expected, atol=1e-4)
    drawn = predict.explain(picture, "ex03_cifar10", "occlusion")
    assert "Occlusion : Chat" in drawn and drawn.count("<img") == 2
    assert "Presque rien ne change" in drawn and "ce qui compte" not in drawn
    assert set(predict.METHODS) == {"none", *EXPLANATIONS}
    assert predict.explain(picture, "ex03_cifar10", "none") == ""


def test_a_grey_model_says_why_it_has_no_explanation(repo):
    picture = predict.read_picture(repo / "samples" / "chat.png")
    said = limits.in_french(predict.explain, picture, "ex02_fashion", "occlusion")
    assert "lit des images grises" in said and 'role="alert"' in said


def test_a_long_computation_is_stopped(monkeypatch):
    class Slow(Corner):
        def predict(self, images):
            calls.append(len(images))
            if len(calls) > 1:
                time.sleep(0.05)
            return super().predict(images)

    calls = []
    monkeypatch.setattr(predict, "load", lambda slug: Slow())
    monkeypatch.setattr(limits, "MAX_SECONDS", 0.02)
    with pytest.raises(ValueError, match="calcul arrêté .* plus de 0,02 s"):
        predict.judged(None, "lent", "occlusion")
    time.sleep(0.3)
    assert len(calls) <= 4  # le fil qui calculait s'est arrêté aussi


def test_a_forgotten_file_is_erased(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "FORGET_AFTER_S", 0.2)
    path = tmp_path / "photo.png"
    path.write_bytes(b"photo")
    limits.forget(str(path))
    limit = time.monotonic() + 5
    while path.exists() and time.monotonic() < limit:
        time.sleep(0.01)
    assert not path.exists()


def test_a_file_that_comes_back_is_not_erased_too_soon(tmp_path, monkeypatch):
    """Deux visiteurs déposent la même image : l'effacement du premier ne gêne pas le second."""
    monkeypatch.setattr(limits, "FORGET_AFTER_S", 0.4)
    path = tmp_path / "photo.png"
    path.write_bytes(b"photo")
    limits.forget(str(path))
    time.sleep(0.25)
    (tmp_path / "autre").write_bytes(b"photo")
    os.replace(tmp_path / "autre", path)  # comme Gradio range un envoi
    time.sleep(0.3)
    assert path.exists()
    limits.forget(str(path))
    time.sleep(0.7)
    assert not path.exists()


# --- Réseau ----------------------------------------------------------------------------


def test_lenet_layer_by_layer():
    rows = network.count("lenet32", None)
    assert [row.parameters for row in rows if row.parameters] == [156, 2416, 48120, 10164, 850]
    assert [row.field for row in rows[1:5]] == [(5, 5), (6, 6), (14, 14), (16, 16)]
    assert {row.field for row in rows[5:]} == {None}
    assert [row.shape for row in rows[:6]] == [
        (32, 32, 1),
        (28, 28, 6),
        (14, 14, 6),
        (10, 10, 16),
        (5, 5, 16),
        (400,),
    ]
    expected = [0, 28 * 28 * 6 * 25, 0, 10 * 10 * 16 * 25 * 6, 0, 0, 400 * 120, 120 * 84, 840]
    assert [row.operations for row in rows] == expected


@pytest.mark.parametrize(
    ("name", "side", "total"),
    [
        ("lenet28", None, 61706),
        ("dense", None, 62020),
        ("convnet", None, 416),
        ("convnet_dense", None, 7234560),
        ("basic_cnn", 32, 147500),
        ("fashion", None, 93322),
        ("x_or_o", None, 27 + 24),
        ("alexnet", None, 60_965_224),
        ("vgg16", None, 138_357_544),
        ("resnet50", None, 25_636_712),
        ("inception", 150, 21_802_784),
    ],
)
def test_parameters_are_those_of_the_documents(name, side, total):
    assert sum(row.parameters for row in network.count(name, side)) == total
    drawn = network.describe(name, side)
    assert f"{html.integer(total)} paramètres" in drawn and "Keras se charge" not in drawn


def test_a_free_size_changes_the_outputs_only():
    small, large = network.count("basic_cnn", 10), network.count("basic_cnn", 20)
    assert small[1].shape == (8, 8, 50) and large[1].shape == (18, 18, 50)
    assert large[1].operations == 18 * 18 * 50 * 27
    assert sum(row.parameters for row in small) == sum(row.parameters for row in large)


def test_the_widest_branch_gives_the_field():
    import keras
    from keras import layers

    images = keras.Input((32, 32, 3))
    narrow = layers.Conv2D(2, 3, padding="same", use_bias=False)(images)
    narrow = layers.Activation("relu")(layers.BatchNormalization()(narrow))
    wide = layers.Conv2D(2, (1, 7), padding="same")(layers.Conv2D(2, 5, padding="same")(images))
    both = layers.Concatenate()([narrow, wide])
    rows = network.rows(keras.Model(images, layers.MaxPooling2D(3, strides=2)(both)))
    by_kind = {row.kind: row for row in rows}
    assert by_kind["concaténation"].field == (5, 11)
    assert by_kind["max-pooling 3×3, pas 2"].field == (7, 13)
    assert by_kind["convolution 3×3"].parameters == 54 + 8  # et sa normalisation
    assert len(rows) == 6


def test_inception_ends_with_small_deep_maps():
    rows = network.count("inception", 150)
    assert rows[-1].shape == (3, 3, 2048) and rows[-1].kind == "concaténation"
    assert rows[1].field == (3, 3) and rows[-1].field[0] > 1000


def test_counting_draws_no_weights():
    """VGG16 aurait 550 Mo de poids : seules leurs formes servent."""
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    network.count.cache_clear()
    network.count("vgg16", None)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kio


@pytest.mark.parametrize(
    ("name", "side", "said"),
    [
        ("inception", 74, "Le côté vaut 74 : un entier de 75 à 600"),
        ("basic_cnn", None, "est vide"),
        ("basic_cnn", 12.5, "vaut 12,5"),
        ("vgg", 32, "architecture 'vgg' inconnue"),
    ],
)
def test_a_bad_architecture_gives_a_sentence(name, side, said):
    text = stdlib_html.unescape(limits.in_french(network.describe, name, side)).lower()
    assert said.lower() in text


# --- La page ---------------------------------------------------------------------------


def test_building_the_page_loads_nothing_heavy(repo):
    heavy = "tensorflow keras matplotlib scipy ai_edge_litert h5py"
    code = (
        "import sys, os, pathlib; from demo import app; app.build(); "
        f"print([name for name in '{heavy}'.split() if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=repo,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"},
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
    assert not list((repo / "demo").rglob("*.pyi"))  # Gradio en écrirait


def test_exercises_know_nothing_of_the_page(repo):
    for path in (repo / "exercises").rglob("*.py"):
        assert not re.search(r"^\s*(from|import) (demo|gradio)\b", path.read_text(), re.MULTILINE)


def test_the_home_page_is_french_and_has_no_outside_address():
    page = (
        '<html lang="en">\n<head>\n<meta charset="utf-8" />\n<meta\n\tproperty="og:image"\n'
        '\tcontent="https://ailleurs.example/image.jpg"\n/>\n<title>x</title></head>'
    )
    found = app.in_french(page)
    assert '<html lang="fr">' in found and 'charset="utf-8"' in found
    assert "ailleurs" not in found and f"<title>{app.TITLE}</title>" in found


def call(application, *, method="GET", path="/", headers=(), query=b""):
    sent = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": list(headers),
        "query_string": query,
    }
    asyncio.run(application(scope, None, send))
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(m.get("body", b"") for m in sent)


def test_the_guard_forbids_outside_addresses_and_big_bodies():
    async def home(scope, receive, send):
        headers = [(b"content-type", b"text/html"), (b"content-length", b"99")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for part in (b'<html lang="en"><he', b"ad></head>"):
            await send({"type": "http.response.body", "body": part, "more_body": part[-1:] != b">"})

    guard = app.Guard(home)
    status, headers, body = call(guard)
    assert status == 200 and body.startswith(b'<html lang="fr">')
    assert int(headers[b"content-length"]) == len(body)
    policy = headers[b"content-security-policy"].decode()
    assert "default-src 'self'" in policy and "http" not in policy and "*" not in policy
    status, headers, body = call(guard, path="/assets/x.js")
    assert body.startswith(b'<html lang="en">') and b"content-security-policy" in headers
    big = [(b"content-length", str(2 * limits.MAX_BYTES + 1).encode())]
    assert call(guard, method="POST", path="/gradio_api/upload", headers=big)[0] == 413


def test_no_option_of_gradio_talks_to_others():
    options = app.launch_options()
    assert options["share"] is False and options["footer_links"] == []
    assert options["run_history"] is False and options["max_file_size"] <= 2 * limits.MAX_BYTES
    theme = options["theme"]
    assert theme._stylesheets == [] and "url(" not in "".join(theme._font_css)


# --- La commande -----------------------------------------------------------------------


def test_free_port_takes_the_next_one():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < command.free_port("127.0.0.1", port) < port + command.NUM_PORTS
    assert command.free_port("127.0.0.1", 0) > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "99999"], "port 99999 reçu : un entier de 0 à 65535"),
        (["--host", "203.0.113.7"], "n'est pas une de celles de cette machine"),
    ],
)
def test_a_bad_option_gives_a_sentence(arguments, said, capsys, monkeypatch):
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)
    monkeypatch.setattr(command, "prepare_environment", lambda folder: None)
    made = []
    make = command.tempfile.mkdtemp
    monkeypatch.setattr(command.tempfile, "mkdtemp", lambda **k: made.append(make(**k)) or made[0])
    monkeypatch.setattr(sys.stdout, "reconfigure", lambda **_: None, raising=False)
    monkeypatch.setattr(sys.stderr, "reconfigure", lambda **_: None, raising=False)
    assert command.main(["--no-browser", *arguments]) == 1
    assert said in capsys.readouterr().err
    assert made and not Path(made[0]).exists()


def follow(turns, works):
    """Suit des calculs ensemble ; rend ce que chacun a dit, sans les balises."""

    async def listen(work):
        return [re.sub("<[^>]*>", "", text) async for text in turns.follow(work)]

    async def everyone():
        return await asyncio.gather(*map(listen, works))

    return asyncio.run(everyone())


def test_who_waits_knows_it(monkeypatch):
    monkeypatch.setattr(limits, "QUIET_S", 0.01)
    monkeypatch.setattr(limits, "REFRESH_S", 0.02)
    turns = limits.Turns(2, lambda seconds: f"en cours depuis {seconds} s")
    gates = [threading.Event() for _ in range(4)]
    threading.Timer(0.1, gates[0].set).start()

    def work(k):
        assert gates[k].wait(10)
        threading.Timer(0.1, gates[(k + 1) % 4].set).start()
        return f"résultat {k}"

    said = follow(turns, [lambda k=k: work(k) for k in range(4)])
    assert [each[-1] for each in said] == [f"résultat {k}" for k in range(4)]
    for each in said[:2]:
        assert set(each[:-1]) == {"en cours depuis 0 s"}
    assert said[2][0] == "En attente : 1 calcul passe avant celui-ci."
    assert said[3][0] == "En attente : 2 calculs passent avant celui-ci."
    assert "En attente : 1 calcul passe avant celui-ci." in said[3]  # il avance
    assert "en cours depuis 0 s" in said[3]
    assert turns._queue == []


def test_a_quick_computation_says_nothing_before_its_result():
    assert follow(limits.Turns(1, str), [lambda: "<p>tout de suite</p>"]) == [["tout de suite"]]


def test_who_leaves_gives_up_its_turn(monkeypatch):
    monkeypatch.setattr(limits, "QUIET_S", 0.01)
    turns, gate, done = limits.Turns(1, str), threading.Event(), []

    async def visit():
        first = turns.follow(lambda: str(gate.wait(10)))
        second = turns.follow(lambda: done.append("fait") or "fait")
        await anext(first)
        await anext(second)
        await second.aclose()  # la fenêtre est fermée
        gate.set()
        return [text async for text in first][-1]

    assert asyncio.run(visit()) == "True"
    turns._pool.shutdown()
    assert done == [] and turns._queue == []


def test_a_port_is_refused_on_every_system(monkeypatch):
    """« Adresse d'ailleurs » : 99 sous Linux, 49 sous macOS, 10049 sous Windows."""
    import errno

    class Probe(socket.socket):
        def bind(self, address):
            raise OSError(4321, "adresse d'ailleurs")

    monkeypatch.setattr(errno, "EADDRNOTAVAIL", 4321)
    monkeypatch.setattr(command.socket, "socket", Probe)
    with pytest.raises(ValueError, match="n'est pas une de celles de cette machine"):
        command.free_port("203.0.113.7", 7860)


def test_within_gives_back_the_result_and_its_errors():
    assert limits.within(5, lambda: threading.current_thread().name) != "MainThread"
    with pytest.raises(ZeroDivisionError):
        limits.within(5, lambda: 1 / 0)


def test_data_urls_can_be_read_back():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    url = html.data_url(Image.fromarray(pixels))
    content = base64.b64decode(url.removeprefix("data:image/png;base64,"))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(content))), pixels)
