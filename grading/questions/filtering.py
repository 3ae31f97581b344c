"""Juger l'exercice 01 rendu comme un programme, d'après les filtres qu'il applique.

L'énoncé ne nomme aucune fonction : qui n'a pas lu la feuille rend un programme. Il est exécuté
comme son auteur l'exécute (`inside/running.py`) ; des filtres appliqués, celui qui répond le mieux
à la question est jugé. Le barème est dans docs/bareme.md.
"""

import re
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from grading.asking.failures import Failure, failure_of
from grading.questions import RIGHT, Ask, Credit, credit, first_fault, programs
from grading.reading import notebooks

SECONDS = 40  # de processeur, pour tout le programme
CONTRAST = 4  # fois plus de réponse à une direction qu'à l'autre
MIN_SIDE_PX = 16  # en deçà, une matrice écrite à la main
SHOWS = re.compile(r"^(?!np\.|numpy\.)(.*\.)?(imshow|matshow|imsave|imwrite|save|save_img)$")


def of_program(judge: Callable[[Ask], Credit]):
    """Fait juger un programme, si le rendu ne définit aucune fonction de l'énoncé."""

    def decorate(ask_functions):
        def answer(ask: Ask) -> Credit:
            return judge(ask) if _is_program(ask) else ask_functions(ask)

        return answer

    return decorate


def _is_program(ask: Ask) -> bool:
    try:
        source = _source(ask)
    except NotImplementedError:  # `check` : un élève vérifie ses fonctions
        return False
    return not notebooks.DECISIVE[notebooks.FILTERS] & source.functions


def _source(ask: Ask) -> notebooks.Source:
    return notebooks.handed(ask.rule.module, ask.desk.submission.root)


def _record(ask: Ask) -> dict:
    """Exécute le rendu, une fois ; rend ce que `running.record_filters` a noté.

    Raises:
        Failure: le programme a été arrêté, ou apprend ses filtres.
    """
    if notebooks.teaches(_source(ask)):
        raise Failure("filter_taught")
    levels = {name: list(pair) for name, pair in programs.LEVELS.items()}
    found = ask.op("record_filters", dataset="cifar10", levels=levels, seconds=SECONDS)
    if not isinstance(found, dict) or not isinstance(found.get("calls"), list):
        raise Failure("forged_answer")
    return found


# --- Les cinq questions --------------------------------------------------------------


def judge_call(ask: Ask) -> Credit:
    """Cherche un appel qui aboutit, sur une image et un filtre."""
    return _best(ask, _is_applied) or _without_call(ask)


def _is_applied(call: dict) -> Credit:
    return RIGHT


def judge_tool(ask: Ask) -> Credit:
    """Cherche un appel au pas d'un pixel, sur une image."""
    return _best(ask, _judge_step) or _without_call(ask)


def _judge_step(call: dict) -> Credit:
    sides = " × ".join(map(str, call["sides"]))
    return first_fault(
        ("1/2", "filter_jumps", call["step"] > 1, f"{call['place']}, {call['step']} pixels"),
        ("1/2", "small_matrix", min(call["sides"]) < MIN_SIDE_PX, f"{call['place']}, {sides}"),
    )


def judge_patterns(ask: Ask) -> Credit:
    """Cherche un filtre qui répond à une direction, et peu à l'autre."""
    vertical = ask.rule.name == "vertical_patterns"

    def judge(call: dict) -> Credit:
        return credit(int(responds(call["filter"], vertical=vertical)))

    found = _best(ask, judge)
    if not found or found.level:
        return found or _without_call(ask)
    known = _record(ask)
    _check_all_seen(known, notebooks.lines_of(_source(ask), notebooks.APPLIES), _places(known))
    reason = "no_vertical_filter" if vertical else "no_horizontal_filter"
    return credit(0, reason, ", ".join(dict.fromkeys(each["place"] for each in known["calls"])))


def judge_shown(ask: Ask) -> Credit:
    """Cherche si une réponse est montrée, ou écrite, comme une image."""
    known = _record(ask)
    if not known["calls"]:
        return _without_call(ask)
    if known["shown"]:
        return _as_run(known, known["shown"][0], RIGHT)
    _check_all_seen(known, notebooks.lines_of(_source(ask), SHOWS), known["looked"])
    looked = ", ".join(dict.fromkeys(known["looked"]))
    return credit(0, "response_not_shown", f"montré d'autre : {looked}" if looked else "")


def responds(weights: np.ndarray, *, vertical: bool) -> bool:
    """Dit si l'un des filtres `(kh, kw, c, n)` fait ressortir des lignes d'une direction.

    D'une ligne claire, la plus forte réponse est la plus grande somme des poids le long d'elle.
    """
    for kernel in np.moveaxis(np.asarray(weights, float), -1, 0):  # (kh, kw, c)
        along, across = (np.abs(kernel.sum(axis=(axis, 2))).max() for axis in (1, 0))
        along, across = (across, along) if vertical else (along, across)
        if along > 0 and along >= CONTRAST * across and not _is_drawn(kernel):
            return True
    return False


def _is_drawn(kernel: np.ndarray) -> bool:
    """Dit si un filtre est tiré au hasard : aucun poids n'en répète un autre, ni n'est arrondi."""
    shades = np.round(kernel / np.abs(kernel).max(), 4)
    return len(np.unique(shades)) == kernel.size and not np.allclose(
        kernel, kernel.round(3), 0, 1e-6
    )


# --- Ce que le programme a fait ------------------------------------------------------


def _best(ask: Ask, judge: Callable[[dict], Credit]) -> Credit | None:
    """Rend ce que vaut l'appel qui répond le mieux ; None s'il n'y en a aucun."""
    known = _record(ask)
    found = [_as_run(known, call, judge(call)) for call in known["calls"]]
    return max(found, key=_level, default=None)


def _level(found: Credit) -> Fraction:
    return found.level


def _as_run(known: dict, noted: dict, found: Credit) -> Credit:
    """Ôte d'un crédit ce que coûte un programme qui, lancé tel quel, n'arrive pas jusque-là."""
    return programs.as_run(
        found,
        forgotten=known["forgotten"] if noted["forgotten"] else (),
        stop=known["stop"]["error"] if noted["stopped"] else None,
        error=known["error"] if noted["halted"] else None,
    )


def _places(known: dict) -> list[str]:
    """Rend les lignes des appels qui ont abouti, ou qui échouent sans que rien ne manque ici."""
    own = [each for each in known["failed"] if not each["error"]["after"]]
    return [each["place"] for each in known["calls"] + own]


def _check_all_seen(known: dict, written: list[str], reached: list[str]) -> None:
    """Vérifie que ce qui est écrit dans le programme a été vu.

    Raises:
        Failure: le temps a manqué, ou une ligne n'a pas été exécutée ici.
    """
    if known["late"]:
        raise Failure("timeout")
    unseen = [each for each in written if each not in reached]
    if unseen:
        raise Failure("filter_unseen", unseen[0])


def _without_call(ask: Ask) -> Credit:
    """Dit pourquoi aucun appel n'aboutit.

    Raises:
        Failure: ce n'est peut-être pas la faute du programme.
    """
    known = _record(ask)
    for each in known["failed"]:
        if not each["error"]["after"]:
            return credit(0, "filter_fails", failure_of(each["error"]).detail)
    if known["late"]:
        raise Failure("timeout")
    stop = programs.stop_failure(known["stop"]["error"]) if known["stop"] else None
    if stop and stop.reason != "syntax_error":
        return credit(0, "stops_before_filter", stop.detail)
    written = notebooks.lines_of(_source(ask), notebooks.APPLIES)
    if not written and not known["error"] and not _filters_elsewhere(ask):
        raise Failure("filter_missing")
    why = [*written[:1], failure_of(known["error"]).detail] if known["error"] else written[:1]
    raise Failure("filter_unseen", " ; ".join(why))


def _filters_elsewhere(ask: Ask) -> bool:
    """Dit si un autre fichier du rendu, que le programme importe peut-être, appelle le filtre."""
    files = ask.desk.submission.root.rglob("*.py")
    return any("nn.conv2d(" in each.read_text("utf-8", errors="ignore") for each in files)
