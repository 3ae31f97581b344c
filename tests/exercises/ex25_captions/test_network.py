"""Les réseaux : une phrase qui ne lit pas la suite, qui s'arrête ; ce que valent les témoins."""

import keras
import numpy as np
import pytest

from exercises.ex25_captions import decoding, measures, network
from exercises.ex25_captions.grammar import CAPTIONS, END, MAX_WORDS, START, split
from exercises.ex25_captions.questions import ANSWERS, MAX_ASKED
from exercises.ex25_captions.scenes import SCENE_PX, Album

QUESTION = "S3, image captioning"
RNG = np.random.default_rng(0)
NUM_WORDS = 4  # d'une phrase de ces essais : un GRU y calcule mot à mot


@pytest.fixture
def model():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "WIDTHS", (4, 4, 4, 6))
        patch.setattr(network, "UNITS", 8)
        patch.setattr(network, "MAX_WORDS", NUM_WORDS)
        keras.utils.set_random_seed(0)
        return network.build_model()


@pytest.fixture
def maps():
    return RNG.normal(size=(3, network.CELLS, 6)).astype("float32")


def caption(text):
    words = [START, *split(text), END]
    return np.array(CAPTIONS.encode(words, MAX_WORDS + 1), np.uint8)


def test_shapes_and_parameters(model):
    counts = [network.build_encoder(), network.build_speaker(), network.build_answerer()]
    assert [each.count_params() for each in counts] == [186_464, 184_525, 119_317]
    images = np.zeros((2, SCENE_PX, SCENE_PX, 3), np.uint8)
    words, asked = np.ones((2, NUM_WORDS), np.uint8), np.ones((2, 3, MAX_ASKED), np.uint8)
    found = model({"image": images, "words": words, "questions": asked})
    assert found["caption"].shape == (2, NUM_WORDS, len(CAPTIONS.words))
    assert found["answers"].shape == (2, 3, len(ANSWERS))


@pytest.mark.question(QUESTION)
def test_a_word_depends_on_the_map_and_on_the_words_before_it_only(model, maps):
    speaker = model.get_layer("speaker")
    words = RNG.integers(1, len(CAPTIONS.words), (3, NUM_WORDS)).astype(np.uint8)
    after = words.copy()
    after[:, 2:] = 0
    first, second = (np.asarray(speaker([maps, each])[0]) for each in (words, after))
    np.testing.assert_allclose(first[:, :2], second[:, :2], atol=1e-6)
    assert np.abs(first[:, 2:] - second[:, 2:]).max() > 1e-4
    other = np.asarray(speaker([maps[::-1].copy(), words])[0])
    assert np.abs(first - other).max() > 1e-4


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_decoding_stops_at_the_end_and_never_goes_on_for_ever(model, maps):
    """Un dernier biais planté : il dit toujours le même mot, « fin » ou un autre."""
    last = model.get_layer("speaker").layers[-1]
    for word, expected in ((END, 1), ("sac", NUM_WORDS)):
        kernel, bias = (np.zeros_like(each) for each in last.get_weights())
        bias[CAPTIONS.numbers[word]] = 9
        last.set_weights([kernel, bias])
        said, attention = decoding.say(model, maps)
        assert (said[:, 0] == CAPTIONS.numbers[START]).all()
        assert (said[:, 1 : expected + 1] == CAPTIONS.numbers[word]).all()
        assert (said[:, expected + 1 :] == 0).all()
        np.testing.assert_allclose(attention[:, :expected].sum(-1), 1, atol=1e-5)
        assert (attention[:, expected:] == 0).all()
        assert decoding.to_words(said[0]) == ([] if word == END else [word] * NUM_WORDS)


# --- Les mesures et le témoin --------------------------------------------------------


def test_judged_sentences():
    true = np.stack([caption("un sac rouge en haut à gauche"), caption("deux robes bleues en bas")])
    said = true.copy()
    said[0, 3] = CAPTIONS.numbers["vert"]
    assert measures.exact(said, true).tolist() == [False, True]
    assert 0 < measures.bleu4(said, true) < 1


def test_judged_answers():
    answers, types = np.array([[0, 1, 2], [3, 4, 5]]), np.array([[0, 1, 2], [0, 1, 0]])
    made = Album(None, None, None, answers, types)
    found = measures.judge_answers(np.array([[0, 1, 0], [3, 0, 0]]), made)
    found = {name: each.tolist() for name, each in found.items()}
    assert found["answers"] == pytest.approx([2 / 3, 1 / 3])
    assert found["count"] == pytest.approx([1, 1 / 2])  # la seconde scène en a deux
    assert found["color"] == [1, 0] and found["where"] == [0]


def test_the_nearest_scene_lends_its_sentence(maps):
    known = np.concatenate([maps + 3, maps, -maps])
    sentences = np.arange(9)[:, None]
    points = (measures.quarter(each) for each in (maps + 0.01, known))
    found = measures.neighbour_captions(*points, sentences)
    assert found[:, 0].tolist() == [3, 4, 5]
    corners = np.zeros((1, 8, 8, 1))
    corners[0, :4, 4:] = 2  # en haut à droite
    assert measures.quarter(corners.reshape(1, 64, 1)).tolist() == [[0, 2, 0, 0]]


def test_the_habit_answers_each_question_without_its_image():
    asked = np.array([[[1, 2], [1, 3]], [[1, 2], [1, 3]], [[1, 2], [4, 4]]], np.uint8)
    types = np.array([[0, 1], [0, 1], [0, 1]])
    known = Album(None, None, asked, np.array([[5, 7], [5, 8], [6, 8]]), types)
    test = Album(None, None, np.array([[[1, 2], [9, 9]]], np.uint8), np.zeros((1, 2)), types[:1])
    assert measures.frequent_answers(known, test).tolist() == [[5, 8]]  # « 9 9 » : sa sorte
    assert measures.frequent_caption(np.array([[1, 2], [1, 3], [1, 3]])).tolist() == [1, 3]
