"""Ce que partagent les questions qui exécutent un programme : un réseau, ou des filtres."""

from grading.questions import Credit, credit
from grading.scale import read_reasons

# Les niveaux de gris des jeux de l'essai : d'où vient une image se lit sur elle.
LEVELS = {"train": (5, 80), "val": (82, 130), "test": (170, 240)}
FAILS_HERE = "Une ligne échoue sur la machine qui corrige, ce qui ne coûte rien"


def halved(found: Credit, reason: str, detail: str) -> Credit:
    """Ne garde que la moitié d'un crédit : le programme, lancé tel quel, n'y arrive pas."""
    also = f", de plus : {read_reasons()[found.reason].text}" if found.reason else ""
    more = f" ({found.detail})" if also and found.detail else ""
    return credit(found.level / 2, reason, detail + also + more)
