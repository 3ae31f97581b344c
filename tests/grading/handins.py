"""Trois collections de rendus, faites à partir du corrigé : faux, justes, hostiles.

Un rendu faux est le corrigé, ou une réponse juste, où l'on a changé une expression. Si ce texte
n'y est plus, le rendu est refusé : la collection ne peut pas, sans qu'on le voie, devenir celle
d'un autre code.
"""

import ast
import tomllib
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from grading.asking import differences, sequences
from grading.reading.submission import EXERCISES, REPO, file_of

HERE = Path(__file__).resolve().parent
WRONG = HERE / "wrong"
INSIDE = "    signal, kernel = as_numbers(signal), as_numbers(kernel)\n"  # au début de conv1d
VAGUE = {"wrong_values", "wrong_shape"}
ORDINARY = (*differences.SHAPES, *differences.VALUES, *sequences.DIFFERENCES)
PRECISE = {each.reason for each in ORDINARY}
PRECISE |= {  # ce que disent `arguments`, `parts` et `neighbours`
    "argument_changed",
    "argument_counted",
    "argument_held",
    "argument_ignored",
    "arguments_ignored",
    "axis_added",
    "axis_missing",
    "empty_result",
    "same_for_all",
    "arguments_swapped",
    "averaged",
    "parts_exchanged",
    "summed",
    "too_many_true",
    "wrong_parts",
    "one_operation",
    "two_operations",
    "first_operation",
    "only_some_calls",
    "sides_swapped",
    "one_side_wrong",
    "one_too_many",
    "one_missing",
    "too_large",
    "too_small",
}
DEFINITIONS = (ast.FunctionDef, ast.ClassDef)
AT_IMPORT = "import numpy as np\n"  # le premier import du fichier de conv1d


class HandIn(NamedTuple):
    """Un rendu : ses fichiers, et ce que le correcteur doit en dire."""

    name: str
    modules: tuple[str, ...]  # ceux que la collection regarde
    files: dict[str, str]  # chemin dans le rendu : contenu
    expected: dict[str, str]  # question : raison, ou deux (`a|b`) ; les autres sont justes
    free: frozenset[str] = frozenset()  # questions dont le crédit n'est pas regardé

    @property
    def exercise(self) -> str:
        """Numéro de l'exercice, par exemple `"ex00"`."""
        return self.modules[0][:4]


def changed(text: str, edits: list[tuple[str, str]], *, name: str) -> str:
    """Change un texte, expression par expression.

    Args:
        text: le corrigé.
        edits: couples (texte à changer, texte nouveau).
        name: nom du rendu, pour le message.

    Returns:
        Le texte changé.

    Raises:
        LookupError: un texte à changer n'y est pas une fois, et une seule.
    """
    for old, new in edits:
        if text.count(old) != 1:
            raise LookupError(
                f"{name} : {text.count(old)} fois {old!r} dans le corrigé, qui a changé ; "
                "remettez la collection d'accord avec lui."
            )
        text = text.replace(old, new)
    return text


def solution(module: str) -> str:
    """Lit un module du corrigé."""
    return (EXERCISES / file_of(module)).read_text(encoding="utf-8")


def answers(name: str) -> dict[str, str]:
    """Lit les fichiers d'un sous-dossier de `right/` : chemin dans le rendu, contenu."""
    folder = HERE / "right" / name
    paths = sorted(folder.rglob("*.py"))
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def completed(statement: str, answer: str) -> str:
    """Complète un énoncé comme le ferait un élève : chaque corps à écrire, et ce qu'il lui faut.

    Args:
        statement: énoncé.
        answer: fichier qui définit les fonctions à écrire, sans docstring ni commentaire.

    Returns:
        L'énoncé, ses fonctions remplacées, même données, par celles de la réponse ; les imports et
        les définitions qu'elle ajoute viennent avant la première définition de l'énoncé.
    """
    tree, theirs = ast.parse(statement), ast.parse(answer)
    written = {node.name: node for node in theirs.body if isinstance(node, DEFINITIONS)}
    body = [written.get(_name(node), node) for node in tree.body]
    mine = {_name(node) for node in tree.body} - {None}
    added = [node for node in theirs.body[1:] if _name(node) not in mine]
    first = next(k for k, node in enumerate(body) if not _is_introduction(node))
    tree.body = [*body[:first], *added, *body[first:]]
    return ast.unparse(tree) + "\n"


def disguised(text: str) -> str:
    """Déguise un code : noms changés, fonctions dans l'autre ordre, commentaires disparus."""
    tree = ast.parse(text)
    definitions = {_name(node) for node in tree.body if isinstance(node, ast.FunctionDef)}
    names = {
        each.id
        for each in ast.walk(tree)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }
    renamed = {name: f"valeur_{rank}" for rank, name in enumerate(sorted(names - definitions))}
    for each in ast.walk(tree):
        if isinstance(each, ast.Name):
            each.id = renamed.get(each.id, each.id)
    places = [k for k, node in enumerate(tree.body) if isinstance(node, ast.FunctionDef)]
    nodes = [tree.body[k] for k in reversed(places)]
    for place, node in zip(places, nodes, strict=True):
        tree.body[place] = node
    return ast.unparse(tree) + "\n"


def _name(node: ast.stmt) -> str | None:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return getattr(node, "name", None)


def _is_introduction(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom | ast.Expr)


def wrong() -> list[HandIn]:
    """Rend les rendus faux de `wrong/`, un fichier par exercice.

    Chacun est le corrigé, ou la réponse simple de `right/` que nomme `answer`, où l'on change
    une expression, et la raison que le correcteur doit donner. Les questions du module qui ne
    sont ni dans `expected` ni dans `free` restent justes. `old` doit se trouver une fois, et
    une seule, dans le texte de départ.
    """
    found = []
    for each in chain.from_iterable(map(_read, sorted(WRONG.glob("ex*.toml")))):
        name, module = each["name"], each["module"]
        edits = [(edit["old"], edit["new"]) for edit in each.get("edit", [])]
        path = file_of(module)
        start = answers(each["answer"])[path] if "answer" in each else solution(module)
        files = {path: changed(start, edits, name=name)}
        if "command" in each:  # la commande de prédiction, où l'on change un texte au plus
            script = (HERE / "predict.py").read_text(encoding="utf-8")
            pairs = [tuple(each["command"])] if each["command"] else []
            files["predict.py"] = changed(script, pairs, name=name)
        free = frozenset(each.get("free", ()))
        found.append(HandIn(name, (module,), files, each["expected"], free))
    return found


def right() -> list[HandIn]:
    """Rend les rendus justes, un sous-dossier de `right/` chacun."""
    found = []
    for folder in sorted((HERE / "right").iterdir()):
        files = answers(folder.name)
        modules = tuple(name.removesuffix(".py").replace("/", ".") for name in files)
        if folder.name.startswith("cifar"):
            files["predict.py"] = (HERE / "predict.py").read_text(encoding="utf-8")
        found.append(HandIn(f"juste_{folder.name}", modules, files, {}))
    return found


def hostile(*, target: Path, repo: Path = REPO) -> list[HandIn]:
    """Rend les rendus hostiles de `hostile.toml`.

    Args:
        target: fichier que certains voudront écrire.
        repo: dossier que l'un d'eux voudra effacer, et que d'autres voudront lire.

    Returns:
        Des rendus d'`ex00_convolution/operations.py` : une bêtise dans `conv1d`, ou dès l'import.
    """
    found, module = [], "ex00_convolution.operations"
    for each in _read(HERE / "hostile.toml"):
        code = each["code"].strip("\n").replace("{REPO}", str(repo)).replace("{CIBLE}", str(target))
        early = each.get("at_import", False)
        place, margin = (AT_IMPORT, "") if early else (INSIDE, "    ")
        lines = "".join(f"{margin}{line}\n" for line in code.splitlines())
        text = changed(solution(module), [(place, lines + place)], name=each["name"])
        lost = ["ex00.conv1d", *(["ex00.conv2d"] if early else [])]
        expected = dict.fromkeys(lost, each["reason"]) if "reason" in each else {}
        found.append(HandIn(each["name"], (module,), {file_of(module): text}, expected))
    return found


def _read(path: Path) -> list[dict]:
    return tomllib.loads(path.read_text(encoding="utf-8"))["handin"]


def write(handin: HandIn, folder: Path) -> Path:
    """Écrit un rendu dans un sous-dossier à son nom ; rend ce sous-dossier."""
    target = folder / handin.name
    for name, content in handin.files.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(content, encoding="utf-8")
    return target


def verdicts(report: dict) -> dict[str, dict[str, dict]]:
    """Range un compte rendu JSON par rendu, puis par question."""
    return {
        each["name"]: {question["id"]: question for question in each["questions"]}
        for each in report["submissions"]
    }


def problems(handin: HandIn, found: dict[str, dict]) -> list[str]:
    """Compare ce que le correcteur a dit d'un rendu à ce qu'il devait dire.

    Args:
        handin: le rendu.
        found: ses questions, d'après `verdicts`.

    Returns:
        Une phrase par désaccord ; rien si tout est reconnu.
    """
    disagreements = []
    mine = {name: each for name, each in found.items() if each["module"] in handin.modules}
    for name, each in mine.items():
        reason, wanted = each["reason"], handin.expected.get(name)
        accepted = wanted.split("|") if wanted else [None]
        if VAGUE & {*accepted}:  # ou ce qui le précise
            accepted = [*accepted, *PRECISE]
        if name not in handin.free and reason not in accepted:
            disagreements.append(
                f"{handin.name}, {name} : {reason} au lieu de {wanted} ({each['text']})"
            )
        if wanted and each["points"] is not None and each["points"] >= each["out_of"]:
            disagreements.append(f"{handin.name}, {name} : tous les points malgré {wanted}")
    missing = sorted(set(handin.expected) - set(mine))
    return disagreements + [f"{handin.name} : {name} n'a pas été notée" for name in missing]
