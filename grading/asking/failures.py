"""Ce qui tient lieu de réponse quand un rendu n'en donne pas : une raison, et ce qui la précise.

Une exception du rendu devient l'identifiant d'une raison (`scale.read_reasons`), suivi de la ligne
et du message que Python en donne.
"""

import re
from pathlib import Path
from typing import NamedTuple

from grading import sealed
from grading.inside import causes
from grading.reading.submission import file_of

# `from exercises.ex05_inception import head`, quand head.py n'est pas là.
ABSENT = r"cannot import name '(\w+)' from '([\w.]+)' \((?:unknown|.*__init__\.py)"


class Failure(Exception):
    """Une demande sans réponse utilisable.

    Attributes:
        reason: identifiant d'une raison (`scale.read_reasons`).
        detail: ce qui précise, déjà lisible ; par exemple `"ValueError, ligne 12"`.
        error: ce que `probes.describe_error` en dit, ou None.
        call: l'appel qui s'arrête ainsi, `(positionnels, nommés)`, comme tous les autres ; ou None.
    """

    call: tuple | None = None

    def __init__(self, reason: str, detail: str = "", error: dict | None = None):
        super().__init__(reason)
        self.reason, self.detail, self.error = reason, detail, error


class Answer(NamedTuple):
    """Ce qu'a donné un appel : une valeur, ou une erreur."""

    value: object
    error: dict | None = None
    changed: tuple[int | str, ...] = ()  # les tableaux reçus qu'il a changés : rangs et noms

    @property
    def is_refused(self) -> bool:
        """Dit si l'appel lève ValueError, ou une exception qui en hérite."""
        return bool(self.error) and "ValueError" in self.error.get("families", ())


ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)")
FRENCH = {  # ce que dit Python d'une exception, par son type
    "ArithmeticError": "calcul impossible",
    "AssertionError": "une vérification du programme échoue",
    "AttributeError": "attribut ou fonction qui n'existe pas",
    "FileNotFoundError": "fichier absent",
    "FloatingPointError": "calcul impossible",
    "ImportError": "import impossible",
    "IndexError": "indice hors du tableau",
    "InvalidArgumentError": "tableau d'une forme ou d'un type impossible",
    "KeyError": "clé absente",
    "NameError": "nom qui n'est pas défini",
    "OverflowError": "nombre trop grand",
    "PermissionError": "refusé par la correction",
    "RecursionError": "une fonction s'appelle sans fin",
    "StopIteration": "plus rien à lire",
    "SyntaxError": "erreur de syntaxe",
    "SystemExit": "le programme met fin à lui-même",
    "TypeError": "argument d'un type ou en nombre inattendu",
    "UnboundLocalError": "variable employée avant d'avoir une valeur",
    "UnicodeDecodeError": "texte qui n'est pas en UTF-8",
    "UnknownArgument": "argument que Keras n'a jamais eu",  # `inside/stops.py`
    "UnwrittenCall": "appel qui n'a que `...` pour argument",  # de même
    "ValueError": "valeur ou forme refusée",
    "ZeroDivisionError": "division par zéro",
}


def clean(text, *, limit: int = 160) -> str:
    """Rend un texte venu d'un rendu sur une ligne, court, sans couleur ni caractère de contrôle."""
    text = ESCAPES.sub("", str(text)[: 4 * limit])
    text = "".join(c if c.isprintable() else " " for c in text)
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    words = text[:limit].rpartition(" ")[0]  # jamais au milieu d'un mot
    return f"{words or text[: limit - 1]}…"


def quoted(message: str, *, who: str = "Python") -> str:
    """Cite un message, souvent anglais, en disant de qui il est ; rien s'il est vide."""
    message = clean(message)
    return f"{who} dit : « {message} »" if message else ""


# Ce que dit Python d'un objet qui tient lieu d'un absent (`inside/absent.py`).
NOTHING = r"inside\.(absent|stand_ins)\.|'Nothing'|unpack \(expected \d+, got 0"
OPENING = {"FileNotFoundError": causes.ABSENT, "PermissionError": causes.REFUSED}
NAMED = r"^\[Errno \d+\] [^:]+: '([^']+)'$"  # ce que dit Python d'un fichier absent, ou refusé
# Ce que dit Keras d'une taille que le réseau ne connaît pas encore, donnée à ces opérations.
UNKNOWN_SIZE = r"(Reshape|BroadcastTo|Tile|Repeat)\.call.*convert a value \(None\)"
# Type de l'exception, ce que dit son message, raison, et ce qui la précise ; le premier l'emporte.
REASONS = (
    ("SyntaxError", "codec can't decode|Non-UTF-8", "wrong_encoding", "{file}"),
    ("SyntaxError|IndentationError|TabError", "", "syntax_error", "{detail}"),
    ("NotImplementedError", "", "not_done", "{unwritten}"),
    ("MemoryError|.*ResourceExhausted.*", "", "memory", ""),
    (".*", "Cannot allocate", "memory", ""),
    ("SystemExit", "", "exited", "{detail}"),
    ("SavingError", "", "saving_fails", "{keras}"),
    ("LoadingError", "", "loading_fails", "{keras}"),
    ("Unreadable", "", "answer_too_long", ""),
    ("OSError", "File too large", "disk", ""),
    ("UnwrittenCall", "", "unwritten_call", "{place}"),
    ("MissingBatchError", "", "batch_missing", "{message}, {place}"),
    ("PermissionError", "", "forbidden", "{detail}"),
    ("BlockingIOError", "fork", "forbidden", "{detail}"),
    ("ImportError", "attempted relative import", "missing_module", "{detail}"),
    ("AttributeError", "module 'exercises", "missing_name", "{last}"),
    ("FileNotFoundError", "", "missing_file", "{detail}"),
    ("ValueError", UNKNOWN_SIZE, "unknown_size", "{detail}"),
    # Ce qui tient lieu d'un absent, et n'énumère rien.
    ("StopIteration", "", "missing_file", "{place}"),
    (".*", NOTHING, "missing_file", "{place}"),
    (".*", "", "exception", "{detail}"),
)


def _missing_module(error: dict) -> str:
    """Dit quel module une exception n'a pas trouvé ; "" si c'est autre chose."""
    absent = re.match(ABSENT, str(error.get("message")))
    if absent and error.get("type") == "ImportError":
        name = f"{absent[2]}.{absent[1]}"
        if _file_of_course(name):
            return clean(name, limit=80)
    return clean(error.get("missing") or "", limit=80)


def failure_of(error: dict) -> Failure:
    """Traduit une exception d'un rendu en raison.

    Args:
        error: ce qu'en dit `probes.describe_error`.

    Returns:
        Une `Failure` prête à lever.
    """
    if missing := _missing_module(error):
        path = _file_of_course(missing)
        return Failure("missing_module" if path else "missing_package", path or missing, error)
    kind, file = clean(error.get("type"), limit=60), clean(error.get("file"), limit=60)
    message = clean(error.get("message") or "")
    place = f"ligne {error['line']} de {file}" if error.get("line") else ""
    detail = ", ".join(filter(None, [FRENCH.get(kind), kind, place]))
    if named := re.search(NAMED, message):  # ce fichier dit mieux que l'anglais de Python
        why = OPENING.get(kind, FRENCH.get(kind, kind))
        detail = f"{why} : {named[1]}, {place}"
    shown = {
        "file": file,
        "message": message,
        "place": place,
        "keras": quoted(message, who="Keras"),
        "unwritten": message.removeprefix("À vous : ") if "À vous : " in message else "",
        "last": message.rpartition(" ")[2].strip("'"),
        "detail": detail if named else " ; ".join(filter(None, [detail, quoted(message)])),
    }
    reason, text = next(
        (reason, text)
        for kinds, said, reason, text in REASONS
        if re.fullmatch(kinds, kind) and re.search(said, message)
    )
    if error.get("after") and reason in ("exception", "missing_file"):  # l'erreur en découle
        after = clean(error["after"])
        depends = "" if after.endswith(place) else f" ; en dépend : {place}"
        return Failure("missing_file", f"{after}{depends}", error)
    return Failure(reason, text.format(**shown), error)


def _file_of_course(module: str) -> str:
    """Rend le chemin d'un module du cours, d'après le nom que Python n'a pas trouvé.

    Args:
        module: `"exercises.ex00_convolution.geometry"`, ou, importé sans son dossier,
            `"ex00_convolution.geometry"` ou `"geometry"`.

    Returns:
        `"ex00_convolution/geometry.py"` ; vide si le nom n'est pas celui d'un fichier du cours.
    """
    name = module.removeprefix("exercises.")
    files = {Path(path).stem for path in sealed.sources() if re.search(r"/ex\w+/[a-z]", path)}
    course = name != module or re.match(r"ex\d\d_|convnets\b", name)
    if not course and name not in files:
        return ""
    folder = name.replace(".", "/")
    return f"{folder}/" if sealed.is_course(folder) else file_of(name)
