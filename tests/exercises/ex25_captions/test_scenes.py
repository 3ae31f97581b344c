"""Les scènes : chaque vêtement dans son coin, de sa couleur ; aucun couple caché à apprendre."""

import numpy as np
import pytest

from convnets.datasets import sources
from exercises.ex25_captions import grammar, questions, scenes, training
from exercises.ex25_captions.grammar import KINDS, THINGS, read

QUESTION = "S3, image captioning"
SQUARES = [np.full((1, 28, 28), 255, np.uint8) for _ in KINDS]  # des vêtements tout blancs
NIGHT = np.zeros((1, 32, 32, 3), np.uint8)
HALF = scenes.SCENE_PX // 2


@pytest.fixture(scope="module")
def albums():
    return {
        unseen: scenes.make_album(SQUARES, NIGHT, num_scenes=30, num_draws=2, seed=3, unseen=unseen)
        for unseen in (False, True)
    }


def sentence(numbers):
    words = [grammar.CAPTIONS.words[number] for number in numbers]
    return " ".join(words[1 : words.index(grammar.END)]).replace(" ,", ",")


def asked_text(numbers):
    return " ".join(questions.ASKED.words[number] for number in numbers if number)


def find_question(numbers):
    text = asked_text(numbers)
    (found,) = [q for q in questions.QUESTIONS if " ".join(grammar.split(q.text)) == text]
    return found


@pytest.mark.question(QUESTION)
def test_each_garment_is_in_its_corner_and_of_its_color(albums):
    for image, caption in zip(albums[False].images, albums[False].captions, strict=True):
        scene = read(sentence(caption))
        for cell, thing in enumerate(scene):
            top, left = HALF * (cell // 2), HALF * (cell % 2)
            corner = image[top : top + HALF, left : left + HALF].astype(int)
            rows, columns = np.nonzero(corner.any(-1))
            assert len(rows) == 0 if thing is None else len(rows) > 0
            if thing is None:
                continue
            least, most = scenes.OBJECT_PX
            assert least <= np.ptp(rows) + 1 == np.ptp(columns) + 1 < most
            gap = np.abs(corner[rows, columns] - scenes.RGB[thing.color])
            assert gap.max() <= scenes.RGB_NOISE + 1


def test_a_black_pattern_keeps_its_color(extract):
    x, y = extract("fashion_mnist")
    garments = [x[y.reshape(-1) == kind] for kind in scenes.FASHION_KINDS]
    rng = np.random.default_rng(0)
    for thing in THINGS:
        image = scenes.compose((thing, None, None, None), garments, NIGHT, rng).astype(float)
        shown = image[image.any(-1)]
        toward = shown / np.linalg.norm(shown, axis=1, keepdims=True)
        aims = np.array(scenes.RGB) / np.linalg.norm(scenes.RGB, axis=1, keepdims=True)
        assert ((toward @ aims.T).argmax(1) == thing.color).all()
        assert shown.max(1).min() > 0.8 * scenes.DARKEST * max(scenes.RGB[thing.color])


def test_the_background_is_darker_than_its_photograph_and_never_black():
    rng, white = np.random.default_rng(0), NIGHT + np.uint8(255)
    found = [scenes.compose((None,) * 4, SQUARES, white, rng) for _ in range(200)]
    shades = np.array([[image.min(), image.max()] for image in found])
    assert (shades[:, 0] == shades[:, 1]).all()  # un fond uni le reste
    assert 0.3 * 255 < shades.min() < 0.4 * 255 and 0.7 * 255 < shades.max() < 0.8 * 255


def test_garments_are_the_ones_their_names_say():
    names = [sources.FASHION_CLASSES_FR[k] for k in scenes.FASHION_KINDS]
    assert [name.lower() for name in names] == [each.singular for each in KINDS]


def test_test_scenes_share_nothing_with_the_training_ones(monkeypatch):
    """Des vêtements et des fonds dont le niveau dit de quelle part ils viennent."""

    def load(shape):
        y = np.repeat(np.arange(10), 2)
        return [(np.full((20, *shape), level, np.uint8), y) for level in (250, 125)]

    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: load((28, 28)))
    monkeypatch.setattr(sources, "load_cifar10", lambda: load((32, 32, 3)))
    made = []
    monkeypatch.setattr(training, "make_album", lambda *known, **more: made.append((known, more)))
    assert list(training.make_albums(limit=1500)) == ["train", "seen", "unseen"]
    levels = [{int(x.max()) for x in (*garments, ground)} for (garments, ground), _ in made]
    assert levels == [{250}, {125}, {125}]
    found = [(more["num_scenes"], more["num_draws"], more["unseen"]) for _, more in made]
    assert found == [(1500, 2, False), (1000, 1, False), (1000, 1, True)]
    assert len({more["seed"] for _, more in made}) == 3


@pytest.mark.question(QUESTION)
def test_held_out_pairs_are_in_no_training_scene_sentence_or_question(albums):
    forbidden = {
        f"{grammar.noun(thing.kind, number=n)} {grammar.color_word(thing, number=n)}"
        for thing in scenes.UNSEEN
        for n in (1, 2)
    }
    texts = [sentence(caption) for caption in albums[False].captions]
    texts += [asked_text(each) for each in albums[False].questions.reshape(180, -1)]
    assert not [text for text in texts if any(each in text for each in forbidden)]


def test_every_unseen_scene_has_one_and_its_questions_are_about_it(albums):
    album = albums[True]
    for caption, asked in zip(album.captions, album.questions, strict=True):
        hidden = scenes.UNSEEN.intersection(read(sentence(caption)))
        assert hidden
        for numbers in asked:
            question = find_question(numbers)
            colors = [thing.color for thing in hidden if thing.kind == question.kind]
            assert colors and question.color in (None, *colors)


def test_answers_and_types_are_those_of_the_scene(albums):
    for album in albums.values():
        assert album.answers.shape == album.types.shape == album.questions.shape[:2] == (30, 6)
        for row, caption in enumerate(album.captions):
            scene = read(sentence(caption))
            for k, numbers in enumerate(album.questions[row]):
                question = find_question(numbers)
                said = questions.ANSWERS[album.answers[row, k]]
                assert said == questions.answer(question, scene)
                assert questions.TYPES[album.types[row, k]] == question.type
