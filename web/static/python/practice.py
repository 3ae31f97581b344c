"""Vérifier ce qu'un lecteur écrit dans une page : Pyodide l'exécute, dans un navigateur.

Chaque vérification repart d'un espace de noms vide, où tout ce que la page contient est exécuté.
La question posée est celle de `check`.
"""

import contextlib
import io
import json
import traceback
from collections.abc import Callable

from grading import check

MAX_PRINTED = 2000  # lettres gardées de ce que les fonctions affichent


def verify(request: str, tell: Callable[[str], None] = lambda _: None) -> str:
    """Exécute ce qui est écrit, et pose les questions demandées.

    Args:
        request: JSON : `given`, le code donné ; `cells`, le code écrit, par nom de fonction ;
            `rules`, les questions, `"ex00.conv2d"` par exemple ; `hint`, vrai pour un indice.
        tell: reçoit ce qui se sait d'une question avant sa cause, JSON : `{"rule": …, "rows": …}`.

    Returns:
        JSON : par question, `{"right": vrai ou faux, "rows": des lignes}` ; sous `""`, ce que les
        fonctions ont affiché.
    """
    asked = json.loads(request)
    printed, failures = io.StringIO(), {}
    space = {"__name__": "__main__"}
    with contextlib.redirect_stdout(printed):
        exec(asked["given"], space)  # noqa: S102
        for name, code in asked["cells"].items():
            try:
                exec(compile(code, name, "exec"), space)  # noqa: S102
            except Exception as error:
                failures[name] = describe(error, name)
        verdicts = {
            identifier: _verdict(identifier, space, failures, tell, hint=asked["hint"])
            for identifier in asked["rules"]
        }
    return json.dumps(verdicts | {"": printed.getvalue()[:MAX_PRINTED]})


def _verdict(
    identifier: str,
    space: dict,
    failures: dict[str, str],
    tell: Callable[[str], None],
    *,
    hint: bool,
) -> dict:
    """Pose une question ; une fonction qui ne s'est pas définie est dite, et rien n'est demandé."""
    rule = check.find_rule(identifier)
    stopped = [failures[name] for name in rule.writes if name in failures]
    if stopped:
        return {"right": False, "rows": stopped}

    def first(known: check.Verdict) -> None:
        tell(json.dumps({"rule": identifier, "rows": check.opening(known)}))

    verdict = check.answer(rule, space, first=first)
    rows = check.rows(verdict, hint=hint, more="Un indice : le bouton au-dessous.")
    return {"right": verdict.is_right, "rows": rows}


def describe(error: Exception, name: str) -> str:
    """Dit en une phrase pourquoi un code ne s'est pas exécuté, et à quelle ligne."""
    if isinstance(error, SyntaxError):
        return f"{name}, ligne {error.lineno} : Python ne peut pas lire ce code ({error.msg})."
    lines = [
        each.lineno for each in traceback.extract_tb(error.__traceback__) if each.filename == name
    ]
    place = f", ligne {lines[-1]}" if lines else ""
    return f"{name}{place} : {type(error).__name__}, {error}."
