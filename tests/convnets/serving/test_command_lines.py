"""Ce que `./predict` écrit d'une réponse, sans lancer de processus."""

from types import SimpleNamespace

import pytest

from convnets.serving import command
from convnets.serving.classifier import Result


def answer(*arguments, alone=True):
    """Rend la ligne d'une image : Chat à 50 %, Chien à 30 %, Âne à 20 %."""
    card = SimpleNamespace(familiarity=0.5, garments=None)
    model = SimpleNamespace(classes=["Chien", "Chat", "Âne"], card=card)
    result = Result("a\nb.png", [0.3, 0.5, 0.2], None, model, 0.5)
    return command._line(result, command._parse([*arguments, "a\nb.png"]), alone=alone)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "Chat"),
        (["--top", "2"], "Chat (50,0 %), Chien (30,0 %)"),
        (["--top", "9"], "Chat (50,0 %), Chien (30,0 %), Âne (20,0 %)"),
        (["--threshold", "0,5", "--strict"], "Chat"),  # le seuil lui-même suffit
        (["--threshold", "0.51", "--top", "2"], "Indéterminé"),
    ],
)
def test_the_line_of_a_picture(arguments, expected):
    assert answer(*arguments) == f"Prédiction: {expected}"
    assert answer(*arguments, alone=False) == f"a\\nb.png: Prédiction: {expected}"
