"""Les emojis : des noms qui se composent, des couples mis de côté, des témoins, la commande."""

import numpy as np
import pytest
from PIL import Image

from convnets.core import reports
from exercises.ex26_text_to_image import emojis, network, sentences

QUESTION = "S3, figure (6)"
ROLES = ("pilote", "juge", "qui court")
HANDS = ("main levée", "poing levé")


def paint(thing: str, gender: str, tint: str) -> np.ndarray:
    """Un rectangle dont la place dit la chose, la hauteur le genre, et la couleur la teinte."""
    image = np.full((32, 32, 3), 255, np.uint8)
    tints = ["", *emojis.SKINS, *emojis.COLORS]
    left = 3 * [*ROLES, *HANDS, *emojis.SHAPES].index(thing)
    height = 8 + 8 * ["", *emojis.GENDERS].index(gender)
    image[:height, left : left + 8] = [10 * tints.index(tint), 100, 50]
    return image


@pytest.fixture
def drawn(monkeypatch):
    """Trois rôles, deux mains, trois formes ; et un rôle à qui il manque un genre."""
    names = {}
    for thing in (*ROLES, *HANDS, *emojis.SHAPES):
        for gender, tint in emojis.family_of(thing):
            names[" ".join(each for each in (thing, gender, tint) if each)] = (thing, gender, tint)
    names |= {f"homme barbu {skin}": None for skin in emojis.SKINS} | {"cœur rose": None}

    def draw(texts, *, side_px):
        return np.stack([paint(*names[each]) for each in texts])

    monkeypatch.setattr(emojis.emojis, "load_names", lambda: {name: name for name in names})
    monkeypatch.setattr(emojis.emojis, "draw", draw)
    for each in (emojis.load_families, emojis.vocabulary):
        each.cache_clear()
    yield emojis.load_families()
    for each in (emojis.load_families, emojis.vocabulary):
        each.cache_clear()


@pytest.mark.question(QUESTION)
def test_a_name_is_a_thing_a_gender_and_a_tint():
    for name, words in {
        "pilote femme peau légèrement mate": ("pilote", "femme", "peau légèrement mate"),
        "personne qui court": ("qui court", "", ""),
        "main levée peau mate": ("main levée", "", "peau mate"),
        "cœur vert": ("cœur", "", "vert"),
        "cœur bleu clair": ("cœur bleu clair", "", ""),
    }.items():
        assert emojis.split_name(name) == words


@pytest.mark.question(QUESTION)
def test_only_whole_families_are_kept(drawn):
    assert set(drawn.words[:, emojis.THING]) == {*ROLES, *HANDS, *emojis.SHAPES}
    assert len(drawn.names) == 18 * len(ROLES) + 6 * len(HANDS) + 9 * len(emojis.SHAPES)
    assert sentences.encode(list(drawn.names), emojis.vocabulary()).any(axis=1).all()


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("seed", range(3))
def test_a_pair_set_aside_is_never_learned_but_both_its_words_are(drawn, monkeypatch, seed):
    monkeypatch.setattr(emojis, "NUM_ASIDE", {"gender": 1, "skin": 3})
    parts = emojis.split_families(drawn, seed=seed)
    for part, axis in emojis.AXES.items():
        for words in parts.asked[part].words:
            thing, other = (parts.learned.words[:, k] == words[k] for k in (emojis.THING, axis))
            assert thing.any() and other.any() and not (thing & other).any()
    aside = sum(len(parts.asked[part].names) for part in emojis.AXES)
    assert aside + len(parts.learned.names) == len(drawn.names)
    assert len(set(parts.ranks["gender"])) == 1 and len(parts.asked["gender"].names) == 6
    assert len(set(parts.ranks["skin"])) == 3 and len(set(parts.ranks["color"])) == 6
    again = emojis.split_families(drawn, seed=seed)
    np.testing.assert_array_equal(again.learned.names, parts.learned.names)


@pytest.mark.question(QUESTION)
def test_a_drawing_with_two_names_is_not_set_aside(drawn, monkeypatch):
    monkeypatch.setattr(emojis, "NUM_ASIDE", {"gender": 3, "skin": 1})
    one, other = (drawn.names == f"juge {gender}" for gender in emojis.GENDERS)
    drawn.images[one] = drawn.images[other]
    found = emojis.set_aside(drawn, seed=0)["gender"]
    assert len(found) == 2 and "juge" not in found[:, 0]


@pytest.mark.question(QUESTION)
def test_witnesses_of_a_planted_truth(drawn, monkeypatch):
    """La teinte ne change que la couleur : repeindre est exact, recopier se trompe de teinte."""
    monkeypatch.setattr(emojis, "NUM_ASIDE", {"gender": 1, "skin": 3})
    parts = emojis.split_families(drawn, seed=0)
    asked = parts.asked["skin"]
    controls = emojis.make_controls(parts.learned, asked.words, emojis.TINT)
    np.testing.assert_array_equal(controls["recolor"], asked.images)
    assert emojis.is_right(controls["recolor"], asked.images, drawn).all()
    assert not emojis.is_right(controls["copy"], asked.images, drawn).any()
    # La teinte la plus proche est la suivante, ou celle d'avant : dix niveaux de rouge.
    reds = [
        np.ptp([a[0, :, 0].min(), b[0, :, 0].min()])
        for a, b in zip(controls["copy"], asked.images, strict=True)
    ]
    assert set(reds) == {10}


@pytest.mark.question(QUESTION)
def test_adding_words_is_exact_when_words_add():
    words = np.array([[a, "", t] for a in "ab" for t in ("vert", "bleu")])
    images = np.array([10, 30, 110, 130], np.uint8)[:, None, None, None] + np.zeros((1, 2, 2, 3))
    learned = emojis.Emojis(images, words[:, 0], words).take(np.arange(3))
    np.testing.assert_allclose(emojis.add_words(learned, words[3:]), 130)


@pytest.mark.question(QUESTION)
def test_the_error_is_in_grey_levels_and_pairs_count_once():
    truth = np.zeros((2, 32, 32, 3), np.uint8)
    np.testing.assert_allclose(emojis.find_errors(truth + np.uint8(200), truth), 200)
    np.testing.assert_allclose(emojis.by_pair(np.array([1, 3, 5]), np.array([0, 0, 1])), [2, 5])


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_the_whole_lesson_then_a_name(
    drawn, eager, monkeypatch, tmp_path, capsys, short_runs, unrendered
):
    short_runs(tmp_path / "m")
    monkeypatch.setattr(emojis, "NUM_ASIDE", {"gender": 1, "skin": 2})
    monkeypatch.setattr(network.build_model, "__kwdefaults__", {"channels": (4, 4)})
    monkeypatch.setattr(network.draw_path, "__kwdefaults__", {"num_steps": 2})
    with unrendered():
        assert emojis.main(["--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    said = capsys.readouterr().out
    assert all(title in said for title in (*emojis.LABELS.values(), *emojis.PARTS.values()))
    assert (tmp_path / "f" / "emojis.png").exists()
    report = reports.read_report("ex26_emojis", models_dir=tmp_path / "m")
    assert report.metrics["right_recolor_skin"].mean == 1
    own = ["--model", str(tmp_path / "m" / "ex26_emojis"), "--output", str(tmp_path / "x.png")]
    assert emojis.main(["--say", "cœur vert", *own]) == 0
    assert Image.open(tmp_path / "x.png").size == (256, 256)
    assert emojis.main(["--say", "dragon vert", *own]) == 1
    assert "dragon" in capsys.readouterr().err
