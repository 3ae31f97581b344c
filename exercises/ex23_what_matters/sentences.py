"""Ce que disent les mesures, en phrases qui s'en déduisent.

D'après : S1, exercice 2, « ce qui fonctionne le mieux ».

Aucune conclusion n'est écrite d'avance : changez les images, les époques ou les graines, les
phrases changent avec les mesures.
"""

from convnets.core.cli import percent
from convnets.core.reports import Report
from exercises.ex23_what_matters.intervals import LEVEL, Gap, sign
from exercises.ex23_what_matters.networks import CHANGES, NAMES_FR

DATASETS_FR = {"fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}
VERDICTS = {1: "au-dessus", -1: "au-dessous", 0: "indiscernable"}


def points(share: float) -> str:
    """Écrit une différence d'exactitudes, en points : `"+1,2"`, `"−0,3"`."""
    return f"{100 * share:+.1f}".replace("-", "−").replace(".", ",")


def bounds(gap: Gap) -> str:
    """Écrit une différence et son intervalle : `"+1,2 [+0,4 ; +2,0]"`."""
    return f"{points(gap.difference)} [{points(gap.low)} ; {points(gap.high)}]"


def gap_of(report: Report, dataset: str, key: str) -> Gap:
    """Lit une différence dans un compte rendu."""
    return Gap(*report.details["datasets"][dataset][key]["gap"])


# --- Question : qu'est-ce qui se distingue de la référence ? -------------------------


def sorted_names(report: Report, dataset: str) -> dict[int, list[str]]:
    """Range les variantes : au-dessus (1), au-dessous (-1), indiscernables (0), par différence."""
    gaps = {name: gap_of(report, dataset, name) for name in CHANGES}
    names = sorted(CHANGES, key=lambda name: -gaps[name].difference)
    return {each: [name for name in names if sign(gaps[name]) == each] for each in VERDICTS}


def tell_dataset(report: Report, dataset: str) -> str:
    """Dit, d'un jeu, quelles variantes sont au-dessus, au-dessous, et lesquelles on ne sait pas."""
    reference = report.metrics[f"accuracy_{dataset}_reference"].mean
    told = [f"{DATASETS_FR[dataset]}, référence à {percent(reference)}"]
    for each, names in sorted_names(report, dataset).items():
        listed = [
            f"{NAMES_FR[name]} ({points(gap_of(report, dataset, name).difference)})"
            for name in names
        ]
        verdict = VERDICTS[each] + "s" * (each == 0)
        told.append(f"{verdict} : {', '.join(listed) or 'aucune'}")
    return " ; ".join(told) + "."


# --- Question : et le hasard ? -------------------------------------------------------


def tell_counted(report: Report) -> str:
    """Dit quels hasards les intervalles comptent : un de moins avec une seule graine."""
    seeds = report.metrics["accuracy"].n
    if seeds > 1:
        return f"Les intervalles comptent le hasard des {seeds} graines et des images de test."
    return (
        "Une seule graine : les intervalles ne comptent que le hasard des images de test, pas "
        "celui de l'apprentissage (--seeds 3 compte les deux)."
    )


def tell_chance(report: Report) -> str:
    """Dit ce que l'intervalle compte, et combien excluraient zéro par hasard."""
    number = len(CHANGES) * len(DATASETS_FR)
    wrong = f"{(1 - LEVEL) * number:.1f}".replace(".", ",")
    return (
        f"{tell_counted(report)} Sur {number} intervalles à 95 %, {wrong} en moyenne excluraient "
        "zéro si aucune pièce ne comptait."
    )


def tell_twin(report: Report) -> str:
    """Dit l'écart du témoin : la référence, apprise d'un autre tirage."""
    told = []
    for dataset, name in DATASETS_FR.items():
        gap = gap_of(report, dataset, "twin")
        wrong = " : on l'en distinguerait, à tort" if sign(gap) else ""
        told.append(f"{bounds(gap)} sur {name}{wrong}")
    return f"Témoin, la référence d'un autre tirage : {' ; '.join(told)}."


# --- Question : et en apprenant plus longtemps ? -------------------------------------


def tell_budget(report: Report, dataset: str) -> list[str]:
    """Dit ce que devient, à un budget plus long, ce qu'on y a essayé, contre la référence longue.

    Returns:
        Une phrase par variante ; aucune si le jeu n'a pas été appris plus longtemps.
    """
    known = report.details["datasets"][dataset]
    told = []
    for name in CHANGES:
        if f"{name}_long" in known:
            short, long = (gap_of(report, dataset, key) for key in (name, f"{name}_long"))
            told.append(
                f"{DATASETS_FR[dataset]}, {NAMES_FR[name]} : {VERDICTS[sign(short)]} au budget "
                f"court ({bounds(short)}), {VERDICTS[sign(long)]} au budget long ({bounds(long)})."
            )
    return told


def tell(report: Report) -> list[str]:
    """Rend toutes les phrases d'un compte rendu, dans l'ordre où les lire."""
    told = [tell_dataset(report, dataset) for dataset in DATASETS_FR]
    for dataset in DATASETS_FR:
        told += tell_budget(report, dataset)
    return [*told, tell_chance(report), tell_twin(report)]
