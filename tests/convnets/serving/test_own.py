"""Un réseau appris ailleurs : ce qu'il lit, ce qu'il rend, et les noms de ses classes."""

import json

import numpy as np
import pytest
from PIL import Image

from convnets.serving import own, trial
from convnets.serving.classifier import grey_square
from convnets.serving.engine import Engine
from convnets.serving.look import Look

PIXELS = np.array([[[0, 255]], [[51, 204]], [[255, 0]]], np.uint8)  # trois images de 1×2


def test_what_a_network_reads_is_a_picture_or_is_refused():
    shapes = [(784,), (30, 60), (32, 32, 1), (1, 1024, 3)]
    expected = [(28, 28), (30, 60), (32, 32), (1, 1024, 3)]
    assert [own.picture_shape(shape) for shape in shapes] == expected
    for shape in ((783,), (-1,), (0, 5, 3), (9, 1025), (8, 8, 4), (-1, -1, 3), (4, 8, 8, 3)):
        with pytest.raises(ValueError, match=r"il lit des entrées \[.*\], et non des images"):
            own.picture_shape(shape)


@pytest.fixture
def engine(monkeypatch):
    """engine(**réglages) : un moteur d'images 1×2 qui rend les pixels tels qu'il les reçoit."""
    asked = []
    monkeypatch.setattr(Engine, "answer", lambda self, x: asked.append(x) or (x.reshape(-1, 2), 0))

    def build(*, kind=np.float32, batch=-1, quantized=(0.0, 0), **more):
        made = own.OwnEngine.__new__(own.OwnEngine)
        made.scale, made.answers, made._own_shape = "0-255", own.PROBABILITIES, (2,)
        made._type, made._batch, made._quantized, made.asked = kind, batch, quantized, asked
        vars(made).update(more)
        return made

    return build


@pytest.mark.parametrize(
    ("settings", "first", "second"),
    [
        ({}, (0, 255), (51, 204)),
        ({"scale": "0-1"}, (0, 1), (0.2, 0.8)),
        ({"scale": "-1-1"}, (-1, 1), (-0.6, 0.6)),
        ({"kind": np.uint8, "scale": "0-1"}, (0, 255), (51, 204)),
        ({"kind": np.int8}, (-128, 127), (-77, 76)),
        ({"kind": np.uint8, "quantized": (0.5, 100)}, (-50, 77.5), (-24.5, 52)),
    ],
)
def test_pixels_are_put_to_the_scale_of_the_network(engine, settings, first, second):
    made = engine(**settings)
    np.testing.assert_allclose(made.raw(PIXELS)[:2], [first, second], atol=1e-6)
    assert made.asked[0].shape == (3, 2) and made.asked[0].dtype == made._type
    np.testing.assert_allclose(engine(batch=1, **settings).raw(PIXELS), made.raw(PIXELS))
    assert [len(part) for part in made.asked] == [3, 1, 1, 1, 3]  # ce réseau n'en lit qu'une


@pytest.mark.parametrize(
    ("answers", "found", "expected"),
    [
        (own.SCORES, [1000, 1000 + np.log(3)], [0.25, 0.75]),
        (own.SCORES, [np.log(3)], [0.25, 0.75]),  # une sortie : la seconde classe
        (own.PROBABILITIES, [0.75], [0.25, 0.75]),
        (own.SHARES, [0.2, 0.6], [0.25, 0.75]),
        (own.SHARES, [0, 0], [0, 0]),
    ],
)
def test_its_answers_become_probabilities(engine, answers, found, expected):
    made = engine(answers=answers, raw=lambda x: np.array([found, found], float))
    probabilities, _ = made.answer(PIXELS)
    np.testing.assert_allclose(probabilities, [expected] * 2, atol=1e-6)
    assert probabilities.dtype == np.float32


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        ([[0.2, 0.8], [1, 0]], own.PROBABILITIES),
        ([[0.2], [0.7]], own.PROBABILITIES),
        ([[0.2, 0.8], [0.2, 0.2]], own.SHARES),
        ([[0.2, 0.8], [-0.1, 1]], own.SCORES),
        ([[0.2], [1.5]], own.SCORES),
        ([[0.5, np.nan]], own.NO_NUMBERS),
    ],
)
def test_what_a_network_answers_is_recognised(found, kind):
    assert trial.kind(np.array(found)) == kind


@pytest.mark.parametrize(
    ("content", "names", "numbered"),
    [
        ("\ufeff0 chat noir\n1 chien\n\n", ["chat noir", "chien"], True),
        ("0 chat\n2 chien", ["0 chat", "2 chien"], False),
    ],
)
def test_names_of_classes_are_a_list_a_file_or_folders(tmp_path, content, names, numbered):
    path = tmp_path / "noms.txt"
    path.write_text(content, encoding="utf-8")
    assert own.read_classes(str(path)) == (names, numbered)
    assert own.read_classes("chat, chien ,") == (["chat", "chien"], False)
    (tmp_path / "robe").mkdir()
    (tmp_path / ".ipynb_checkpoints").mkdir()
    assert own.read_classes(str(tmp_path)) == (["robe"], False)


@pytest.mark.parametrize(("written", "framing"), [("0 chat\n1 chien", "crop"), ("a\nb", "squash")])
def test_numbered_classes_ask_for_the_framing_of_teachable_machine(
    tmp_path, monkeypatch, written, framing
):
    """Teachable Machine numérote ses classes, et découpe le carré du milieu."""
    trial = {"num_outputs": 2, "reads_integers": True, "input_shape": [8, 8, 3], "said": {}}
    trial["answers"] = dict.fromkeys(own.SCALES, "probabilities")
    monkeypatch.setattr(own.apart, "run", lambda *_, **__: (trial, b""))
    path, names = tmp_path / "modele.tflite", tmp_path / "labels.txt"
    path.write_bytes(b"\x1c\0\0\0TFL3")
    names.write_text(written)
    card = own.adopt(path, own.Wanted(str(names), None, None), picture=None)
    assert json.loads(card.read_text())["framing"] == framing


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_names_are_read_whatever_their_encoding(tmp_path, encoding):
    path = tmp_path / "noms.txt"
    path.write_bytes("éléphant\r\nzèbre\r\n".encode(encoding))
    assert own.read_classes(str(path)) == (["éléphant", "zèbre"], False)


def test_a_name_given_twice_is_refused():
    with pytest.raises(ValueError, match="nomme deux fois chat"):
        own.read_classes("chat,chien,chat")


def test_pixels_of_caffe_are_blue_first_and_centred(engine):
    made = engine(scale=own.CAFFE, _own_shape=(1, 1, 3))
    made.raw(np.array([[[[255, 0, 100]]], [[[0, 0, 0]]]], np.uint8))
    expected = [[-3.939, -116.779, 131.32], [-103.939, -116.779, -123.68]]
    np.testing.assert_allclose(made.asked[0].reshape(2, 3), expected, atol=1e-3)


def test_an_unfinished_saved_model_names_what_it_lacks(tmp_path):
    (tmp_path / "variables").mkdir()
    (tmp_path / "variables" / "variables.index").touch()
    assert own.is_own(tmp_path)
    wanted = own.Wanted("chat,chien", None, None)
    with pytest.raises(ValueError, match=r"il lui manque saved_model.pb"):
        own.adopt(tmp_path, wanted, picture=None)
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(ValueError, match=r"il lui manque variables/variables.data-\*"):
        own.adopt(tmp_path, wanted, picture=None)


@pytest.mark.parametrize(
    ("ground", "level", "expected"),
    [("dark", 230, 25), ("dark", 20, 20), ("light", 20, 235), ("light", 230, 230), ("any", 20, 20)],
)
def test_the_ground_of_a_grey_network_is_that_of_its_pictures(ground, level, expected):
    picture = Image.new("RGB", (40, 40), (level,) * 3)
    found = grey_square(Look(picture), (28, 28), framing="squash", ground=ground)
    assert found.shape == (28, 28) and (found == expected).all()
