"""Le temps d'un rendu ne dépend ni de la machine, ni de ce qu'il fait attendre."""

import pytest

from grading.asking import clock
from grading.asking.clock import Instant

SECONDS = 15
TAKEN = {  # (heure, secondes de processeur, attente de chaque fil) : le temps est-il passé ?
    "court": (2, 1.9, {"1": 0.1}, False),
    "machine_chargée": (100, 12, {"1": 87}, False),
    "calcul_sans_fin": (16, 15.1, {"1": 0.5}, True),
    "calcul_sur_deux_coeurs": (8, 15.1, {"1": 0.1, "2": 0.1}, True),
    "sommeil": (16, 0.1, {"1": 0.1}, True),
    "deux_cents_fils_qui_dorment": (16, 0.2, {str(k): 0.4 for k in range(200)}, True),
    "attente_sans_fin": (200, 1, {"1": 199}, True),
    "fil_mort": (10, 9, {}, False),
}


@pytest.mark.parametrize("name", TAKEN)
def test_time_is_that_of_the_hand_in(name, monkeypatch):
    wall, processor, waited, over = TAKEN[name]
    start = Instant(1000, 3, dict.fromkeys(waited, 7.0))  # il a déjà servi
    after = {thread: 7 + seconds for thread, seconds in waited.items()}
    instants = iter([start, Instant(1000 + wall, 3 + processor, after)])
    monkeypatch.setattr(clock.Clock, "_read", lambda _: next(instants))
    assert clock.Clock(1, SECONDS).is_over() is over
