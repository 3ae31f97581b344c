"""Dire ce qui est faux dans un graphe : un champ, ses arcs, ou ce que portent ses arcs.

Un graphe a quatre champs : `num_nodes`, `senders`, `receivers`, `features`. L'ordre de ses arcs ne
compte pas : ils se comparent rangés. Un arc se note `(i, j)` : il arrive en i, et vient de j.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from grading.asking import differences, failures
from grading.asking.arguments import OF_SIDES
from grading.asking.comparing import ANOTHER, DIRECTIONS, UNEXPLAINED
from grading.asking.parts import Keyed, with_names
from grading.questions import TOLERANCE, Ask, Credit, as_floats, same

FIELDS = ("num_nodes", "senders", "receivers", "features")  # d'un graphe
MAX_NODES = 6  # dont le numéro se dit

Fault = tuple[str, str]  # l'identifiant d'une raison, et ce qui la précise
# Reçoit les arguments de l'appel, puis le graphe rendu et le bon, aux champs de formes possibles.
Rule = Callable[[Sequence, Sequence, Sequence], Fault | None]


def arcs(graph) -> np.ndarray:
    """Range les arcs d'un graphe, une ligne `(n, i, j, *e_ji)` chacun, d'après i, puis j.

    Un arc qui ne porte que des zéros n'en est pas un.
    """
    num_nodes, senders, receivers, features = map(as_floats, graph)
    rows = np.column_stack([np.full(len(senders), num_nodes), receivers, senders, features])
    rows = rows[features.any(axis=1)]
    return rows[np.lexsort(rows.T[::-1])]  # de deux arcs pareils, d'après ce qu'ils portent


def ends(graph) -> np.ndarray:
    """Range de même les deux bouts de chaque arc, sans ce qu'il porte."""
    return arcs(graph)[:, :3]


def compare(ask: Ask, groups: list, mistakes: list, *, rules: Sequence[Rule] = (), **how) -> Credit:
    """Compare des graphes ; dit leurs nombres d'arcs, et ce qui est faux dans celui du rendu.

    Args:
        ask: la question.
        groups: voir `Ask.compare`.
        mistakes: de même.
        rules: ce qui nomme une faute propre à cette question.
        how: voir `Ask.compare`.
    """
    found = ask.compare(ask.rule.name, groups, mistakes=mistakes, **how)
    if found.wrong is None or found.wrong.answer.error:
        return found
    calls = [(found.wrong.positional, found.wrong.named)]
    ours, theirs = (each.calls(ask.rule.name, calls)[0].value for each in (ask, ask.reference))
    if not all(map(_is_graph, (ours, theirs))):
        return found
    whole = failures.Answer(_shown(ours)), _shown(theirs)
    found = found._replace(wrong=found.wrong._replace(whole=whole))
    fault = _fault_of_form(ours)
    is_settled = ask.seeks_cause or found.reason not in UNEXPLAINED  # rien de plus n'est cherché
    if not fault and is_settled and (found.reason in OF_ROWS or found.detail == ANOTHER):
        fault = _cause(found.wrong.positional, ours, theirs, rules)
    if not fault and is_settled and found.reason in OF_ROWS:
        fault = _place(ours, theirs)
    return found._replace(reason=fault[0], detail=fault[1]) if fault else found


def _is_graph(value) -> bool:
    """Dit si une valeur a quatre champs faits de nombres, les trois derniers des tableaux."""
    is_long = isinstance(value, tuple | list) and len(value) == len(FIELDS)
    fields = [as_floats(each) for each in value] if is_long else [None]
    return all(each is not None for each in fields) and all(each.ndim for each in fields[1:])


def _shown(graph) -> Keyed:
    """Rend ce qui se montre d'un graphe : « 70 arcs et `features` (70, 9) »."""
    names = (f"{len(graph[1])} arcs", f"`features` {np.shape(graph[3])}")
    return with_names(names, names)


def _fault_of_form(graph) -> Fault | None:
    """Dit quel champ d'un graphe n'a pas une forme possible ; None si toutes le sont."""
    forms = {name: np.shape(each) for name, each in zip(FIELDS[1:], graph[1:], strict=True)}
    if len(forms["features"]) == 1:
        return "features_without_axis", ""
    sizes = {name: form[0] for name, form in forms.items()}
    if len({*sizes.values()}) > 1:
        said = ", ".join(f"`{name}` : {size}" for name, size in sizes.items())
        return "fields_of_other_lengths", said
    return None


# Ce qui se dit des lignes d'un tableau d'arcs, et qui ne dirait rien d'un graphe.
OF_ROWS = {
    *(each.reason for each in (*differences.SHAPES, *differences.VALUES)),
    *(*UNEXPLAINED, *DIRECTIONS, *OF_SIDES, "only_some_calls"),
}


# --- Nommer la faute -----------------------------------------------------------------


def _cause(positional: Sequence, graph, expected, rules: Sequence[Rule]) -> Fault | None:
    """Nomme ce qui est faux ; None si rien ne se reconnaît."""
    if np.shape(graph[3])[1:] != np.shape(expected[3])[1:]:
        return "features_of_other_width", ""
    num_nodes, given, right = int(expected[0]), _every_end(graph), _every_end(expected)
    fault = _cause_of_ends(given, right, num_nodes) if given != right else None
    for rule in rules if not fault else ():
        fault = fault or rule(positional, graph, expected)
    return fault or (_cause_of_features(graph, expected) if given == right else None)


def _every_end(graph) -> Counter:
    """Compte les arcs `(i, j)`, ceux qui ne portent que des zéros aussi."""
    receivers, senders = (as_floats(graph[k]).astype(int).tolist() for k in (2, 1))
    return Counter(zip(receivers, senders, strict=True))


def gaps(graph, expected) -> tuple[list, list]:
    """Rend les arcs `(i, j)` de trop, et ceux qui manquent."""
    given, right = _every_end(graph), _every_end(expected)
    extra, missing = given - right, right - given
    return sorted(extra.elements()), sorted(missing.elements())


def _cause_of_ends(given: Counter, right: Counter, num_nodes: int) -> Fault | None:
    """Nomme ce qui est faux dans les arcs `(i, j)`."""
    extra, missing = given - right, right - given
    unknown = sorted(each for each in extra if not {*each} <= {*range(num_nodes)})
    if unknown:
        known = f"les nœuds vont de 0 à {num_nodes - 1}"
        return "nodes_out_of_range", f"le premier {_from_to(unknown[0])} ; {known}"
    if {*extra} <= {*right} and not missing:
        return "arcs_repeated", f"le premier {_from_to(min(extra))}"
    if all(_ends_at(given, k) == _ends_at(right, k) for k in (0, 1)):
        return "ends_shuffled", f"le premier faux {_from_to(min(extra))}"
    if extra:
        return None
    if _is_one_way(given, right):
        return "one_way_only", ""
    return _cause_of_silence(given, missing)


def _ends_at(counted: Counter, end: int) -> Counter:
    """Compte les nœuds qui sont à ce bout des arcs : 0, ceux qui reçoivent ; 1, qui envoient."""
    return Counter(each[end] for each in counted.elements())


def _is_one_way(given: Counter, right: Counter) -> bool:
    """Dit si, entre deux nœuds, il n'y a toujours qu'un arc, et s'il en fallait deux."""
    return all((i, j) in given or i != j for i, j in right) and all(
        ((i, j) in given) != ((j, i) in given) for i, j in right if i != j
    )


def _cause_of_silence(given: Counter, missing: Counter) -> Fault | None:
    """Dit si ce qui manque est tout ce que des nœuds envoient, ou tout ce qu'ils reçoivent."""
    for end, reason in ((1, "nodes_send_nothing"), (0, "nodes_receive_nothing")):
        silent = sorted({each[end] for each in missing})
        if given and not any(each[end] in silent for each in given):
            said = ", ".join(map(str, silent[:MAX_NODES])) + ", …" * (len(silent) > MAX_NODES)
            return reason, f"nœud {said}" if len(silent) == 1 else f"nœuds {said}"
    return None


def _from_to(arc: tuple[int, int]) -> str:
    return f"va de {arc[1]} à {arc[0]}"


OF_NUMBERS = {  # ce qui se dit des nombres que portent les arcs
    *("negated", "signs_lost", "truncated", "not_truncated", "divided_by_maximum"),
    *("divided_by_sum", "times_a_number", "plus_a_number", "squared", "root_taken"),
    *("logarithm_taken", "exponential_taken", "all_equal"),
}


def _cause_of_features(graph, expected) -> Fault | None:
    """Nomme ce qui est faux dans ce que portent les arcs, qui sont tous les bons."""
    empty = ~as_floats(graph[3]).any(axis=1)
    if empty.any():
        first = min(zip(np.array(graph[2])[empty], np.array(graph[1])[empty], strict=True))
        return "arcs_carry_nothing", f"{empty.sum()} arcs ; le premier {_from_to(first)}"
    ours, theirs = arcs(graph), arcs(expected)
    reason = differences.explain([(ours[:, 3:], theirs[:, 3:])])
    if reason in OF_NUMBERS:
        return reason, "les arcs sont les bons ; c'est le champ `features`"
    if _is_right_one_way(ours, theirs) and not _are_shuffled(ours, theirs):
        return "one_way_weighted", ""
    return None


def _is_right_one_way(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Dit si, entre deux nœuds, un seul des deux arcs porte toujours ce qu'il faut."""
    known = zip(map(tuple, ours[:, 1:3]), _same_rows(ours, theirs), strict=True)
    right = {(i, j): is_right for (i, j), is_right in known if i != j}
    return bool(right) and all(right[i, j] != right.get((j, i)) for i, j in right)


def _same_rows(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Dit quels arcs portent ce qu'il faut."""
    return np.isclose(ours[:, 3:], theirs[:, 3:], rtol=TOLERANCE).all(axis=1)


def _are_shuffled(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Dit si les arcs portent les bons nombres, dans un autre ordre."""
    return same(np.sort(ours[:, 3:], axis=0), np.sort(theirs[:, 3:], axis=0))


# --- Dire où elle est ----------------------------------------------------------------


def _place(graph, expected) -> Fault | None:
    """Dit quel champ d'un graphe est faux, et à quel arc ; None si tous semblent justes."""
    ours, theirs = arcs(graph), arcs(expected)
    given, right = ([tuple(row) for row in each[:, 1:3].astype(int)] for each in (ours, theirs))
    if given != right:
        return "ends_wrong", _said_of_ends(Counter(given), Counter(right))
    if not same(ours[:, 0], theirs[:, 0]):
        return "wrong_num_nodes", ""
    good = _same_rows(ours, theirs)
    if good.all():
        return None
    share = f"{good.sum()} arcs sur {len(good)} sont justes"
    where = f"{share} ; le premier faux {_from_to(given[good.argmin()])}"
    return "features_shuffled" if _are_shuffled(ours, theirs) else "features_wrong", where


def _said_of_ends(given: Counter, right: Counter) -> str:
    """Dit quels arcs `(i, j)` sont de trop, et à quel nœud il en manque."""
    extra, missing = sorted((given - right).elements()), sorted((right - given).elements())
    said = []
    if extra:
        said.append(f"de trop : {len(extra)}, le premier {_from_to(extra[0])}")
    if missing:
        said.append(f"manquants : {len(missing)}, le premier arrive en {missing[0][0]}")
    return " ; ".join(said)
