"""Ce que partagent les questions qui exécutent un programme : un réseau, ou des filtres."""

from grading.asking.failures import Failure, clean, failure_of
from grading.questions import RIGHT, Credit, credit
from grading.scale import read_reasons

# Les niveaux de gris des jeux de l'essai : d'où vient une image se lit sur elle.
LEVELS = {"train": (5, 80), "val": (82, 130), "test": (170, 240)}
FAILS_HERE = "Une ligne échoue sur la machine qui corrige, ce qui ne coûte rien"
READ_TOO_SOON = (
    "Un nom est lu avant d'être défini, ce qui ne coûte rien ; relancé depuis le début, le "
    "programme s'arrêterait là"
)


def as_run(
    found: Credit, *, forgotten: list[str] = (), stop: dict | None = None, error: dict | None = None
) -> Credit:
    """Ôte d'un crédit ce que coûte un programme qui, lancé tel quel, n'arrive pas jusque-là.

    Args:
        found: ce que vaut ce qui suit, lu comme si le programme continuait.
        forgotten: les noms qu'il a employés avant, sans les importer.
        stop: l'arrêt dont il est la cause, s'il vient avant.
        error: sa première erreur, si elle vient avant : il lui manque ici un fichier, peut-être.
    """
    if found.level and stop:  # dit d'abord : un import mal écrit cache ceux qui sont oubliés
        return _halved(found, "program_stops", stop_failure(stop).detail)
    if found.level and forgotten:
        return _halved(found, "import_forgotten", ", ".join(forgotten))
    if found == RIGHT and error:
        too_soon = error["type"] == "NameError" and not error.get("after")
        said = READ_TOO_SOON if too_soon else FAILS_HERE
        return credit(1, None, f"{said} : {failure_of(error).detail}")
    return found


def stop_failure(error: dict) -> Failure:
    """Traduit l'arrêt dont un programme est la cause, et dit les lignes qui l'arrêteraient ensuite.

    Args:
        error: l'exception, et `later`, les lignes des suivantes (voir `inside.running`).

    Returns:
        La `Failure` de cette exception, dont le détail nomme aussi ces lignes.
    """
    found = failure_of(error)
    places = [clean(each) for each in error.get("later", ())]
    others = "d'autres l'arrêteraient" if len(places) > 1 else "une autre l'arrêterait"
    more = f" ; une fois cette ligne corrigée, {others} : {', '.join(places)}" if places else ""
    found.detail += more
    return found


def _halved(found: Credit, reason: str, detail: str) -> Credit:
    """Ne garde que la moitié d'un crédit : le programme, lancé tel quel, n'y arrive pas."""
    also = f", de plus : {read_reasons()[found.reason].text}" if found.reason else ""
    more = f" ({found.detail})" if also and found.detail else ""
    return credit(found.level / 2, reason, detail + also + more)
