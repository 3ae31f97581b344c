"""La grammaire : chaque accord, chaque phrase relue, chaque réponse recalculée autrement."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exercises.ex25_captions import questions
from exercises.ex25_captions.grammar import (
    CAPTIONS,
    COLORS,
    END,
    KINDS,
    MAX_WORDS,
    PLACES,
    START,
    THINGS,
    Thing,
    describe,
    group,
    number_word,
    read,
    split,
)

QUESTION = "S3, image captioning"
MASCULINE, FEMININE = ("pantalon", "pull", "sac"), ("robe", "sandale", "bottine")
FORMS = {  # rang de la couleur : masculin, féminin, masculin pluriel, féminin pluriel
    0: "rouge rouge rouges rouges",
    1: "orange orange orange orange",
    2: "vert verte verts vertes",
    3: "bleu bleue bleus bleues",
    4: "violet violette violets violettes",
    5: "blanc blanche blancs blanches",
}
SCENES = st.tuples(*4 * [st.none() | st.sampled_from(THINGS)]).filter(any)
FEW = settings(max_examples=40, deadline=None)


def thing(text):
    """« robe verte » → son vêtement, cherché dans les formes écrites ici."""
    name, color = text.split()
    kinds = [each.singular for each in KINDS]
    color = next(k for k, forms in FORMS.items() if color in forms.split())
    return Thing(kinds.index(name), color)


def scene(*corners):
    return tuple(thing(each) if each else None for each in corners)


@pytest.mark.question(QUESTION)
def test_every_noun_and_color_agrees():
    assert {each.singular for each in KINDS} == {*MASCULINE, *FEMININE}
    assert len(COLORS) == len(FORMS)
    for each in THINGS:
        name = KINDS[each.kind].singular
        forms, feminine = FORMS[each.color].split(), name in FEMININE
        one = "une" if feminine else "un"
        assert group(each, number=1) == f"{one} {name} {forms[feminine]}"
        assert group(each, number=2) == f"deux {name}s {forms[2 + feminine]}"
        assert number_word(0, each.kind) == ("aucune" if feminine else "aucun")
        assert [number_word(n, each.kind) for n in (2, 3, 4)] == ["deux", "trois", "quatre"]


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize(
    ("corners", "said"),
    [
        (
            ("sac rouge", "", "pull bleu", "pull bleu"),
            "un sac rouge en haut à gauche et deux pulls bleus en bas",
        ),
        (("", "", "", "robe blanche"), "une robe blanche en bas à droite"),
        (  # pareilles, mais l'une sous l'autre
            ("robe verte", "", "robe verte", ""),
            "une robe verte en haut à gauche et une robe verte en bas à gauche",
        ),
        (
            ("bottine violette", "bottine violette", "pantalon orange", "sandale bleue"),
            "deux bottines violettes en haut, un pantalon orange en bas à gauche et une sandale "
            "bleue en bas à droite",
        ),
        (4 * ("sac orange",), "deux sacs orange en haut et deux sacs orange en bas"),
    ],
)
def test_known_sentences(corners, said):
    assert describe(scene(*corners)) == said
    assert read(said.capitalize() + ".") == scene(*corners)


@FEW
@given(SCENES)
def test_a_sentence_says_its_scene_and_no_other(drawn):
    said = describe(drawn)
    assert read(said) == drawn
    assert read(" et ".join(reversed(re.split(", | et ", said)))) == drawn
    words = [START, *split(said), END]
    numbers = CAPTIONS.encode(words, MAX_WORDS + 1)
    found = [CAPTIONS.words[number] for number in numbers if number]
    assert len(numbers) == MAX_WORDS + 1 and found == words


def test_the_longest_sentence_fills_what_the_network_says():
    longest = scene("sac rouge", "sac vert", "sac bleu", "sac blanc")
    assert len([*split(describe(longest)), END]) == MAX_WORDS


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "un robe verte en haut à gauche",
        "une robe vert en haut à gauche",
        "deux sacs rouge en bas",
        "deux sacs oranges en bas",
        "un sac rouge en bas",
        "un chat rouge en bas à gauche",
    ],
)
def test_what_does_not_agree_is_refused(wrong):
    with pytest.raises(ValueError, match="n'est pas compris. Attendu, par exemple"):
        read(wrong)


def test_two_garments_in_one_corner_are_refused():
    with pytest.raises(ValueError, match="deux vêtements en haut à gauche"):
        read("deux sacs verts en haut, une robe verte en haut à gauche")


# --- Les questions -------------------------------------------------------------------


def ask(text):
    (found,) = [each for each in questions.QUESTIONS if each.text == text]
    return found


@pytest.mark.question("S3, image question answering")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Combien y a-t-il de sacs rouges ?", "deux"),
        ("Combien y a-t-il de bottines orange ?", "aucune"),
        ("De quelle couleur est la robe ?", "violette"),
        ("De quelle couleur est le sac ?", None),  # il y en a trois
        ("Où est le sac vert ?", "en bas à gauche"),
        ("Où est le sac rouge ?", None),
        ("Où est la robe blanche ?", None),
    ],
)
def test_known_answers(text, said):
    shown = scene("sac rouge", "sac rouge", "sac vert", "robe violette")
    assert questions.answer(ask(text), shown) == said


@FEW
@given(SCENES)
def test_every_answer_recomputed_from_the_scene(drawn):
    """Par des tableaux et les formes écrites ici, sans la grammaire."""
    kinds = np.array([-1 if each is None else each.kind for each in drawn])
    colors = np.array([-1 if each is None else each.color for each in drawn])
    for question in questions.QUESTIONS:
        found = kinds == question.kind
        if question.color is not None:
            found &= colors == question.color
        count, feminine = found.sum(), KINDS[question.kind].singular in FEMININE
        expected = None
        if question.type == "count":
            expected = ("aucun", "un", "deux", "trois", "quatre")[count]
            expected += "e" if feminine and count < 2 else ""
        elif question.type == "where" and count == 1:
            expected = PLACES[np.flatnonzero(found)[0]]
        elif question.type == "color" and count == 1:
            expected = FORMS[colors[found][0]].split()[feminine]
        assert questions.answer(question, drawn) == expected
        assert expected is None or expected in questions.ANSWERS


def test_one_question_of_each_type_when_there_is_one():
    rng = np.random.default_rng(0)
    alone = scene("", "sac rouge", "", "")
    drawn = questions.draw(alone, rng, among=questions.QUESTIONS, num_draws=200)
    assert [each.type for each in drawn] == 200 * [*questions.TYPES]
    said = [questions.answer(each, alone) for each in drawn]
    assert {*said[1::3]} == {"rouge"} and {*said[2::3]} == {"en haut à droite"}
    empty = np.mean([each.startswith("aucun") for each in said[::3]])
    assert empty == pytest.approx(questions.NONE_SHARE, abs=0.1)
