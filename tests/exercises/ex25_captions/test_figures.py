"""Ce que les figures disent d'une phrase, d'une réponse, et de l'endroit regardé."""

from exercises.ex25_captions import figures, grammar, questions


def test_a_mistake_is_shown_with_the_truth():
    said, truth = (grammar.split(f"deux sacs {color}, une robe") for color in ("verts", "bleus"))
    assert figures.caption_text(truth, truth) == "Deux sacs bleus, une robe. (juste)"
    expected = "Deux sacs verts, une robe. La vérité : Deux sacs bleus, une robe."
    assert figures.caption_text(said, truth) == expected
    asked = questions.ASKED.encode(grammar.split("Où est le sac ?"), questions.MAX_ASKED)
    one, other = (
        questions.ANSWERS.index(place) for place in ("en haut à gauche", "en bas à gauche")
    )
    text = "Où est le sac ? en haut à gauche"
    assert figures.answer_text(asked, one, one) == f"{text} (juste)"
    assert figures.answer_text(asked, one, other) == f"{text} (la vérité : en bas à gauche)"
