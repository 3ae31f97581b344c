"""`python -m grading DOSSIER --watch` : écrire, enregistrer, savoir tout de suite.

Le correcteur reste chargé. À chaque enregistrement, il pose la première question qui n'est pas
encore juste, dit ce qui est acquis et ce qui reste, puis passe à la suivante. Une fois la réponse
juste, il montre celle du corrigé. Rien n'est noté, rien n'est écrit.
"""

import ast
import contextlib
import os
import select
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from convnets.core.cli import FrenchParser
from grading import check, sealed
from grading.asking import grader
from grading.inside import sandbox
from grading.reading import handin, notebooks, submission
from grading.reading.notebooks import Source
from grading.scale import Rule, read_reasons, read_scale

LOOK_S = 0.1  # entre deux regards sur les fichiers et sur le clavier
SETTLED_S = 0.05  # un éditeur finit d'écrire
SECONDS = {"numpy": 5, "keras": 20}  # de processeur, accordées à une question
BAR = 24
NEXT = "\n\n"  # entre deux paragraphes d'une docstring
KEYS = "touches : i, un indice ; b, le barème ; s, la question suivante ; q, quitter"


class Question(NamedTuple):
    """Une question, et l'endroit où l'on en est."""

    rule: Rule
    is_right: bool = False


class Watch:
    """Suit un rendu ; à fermer.

    Args:
        path: le dossier, ou le fichier, où l'élève écrit.
        exercises: les exercices suivis ; vide, tous ceux qui y sont.
    """

    def __init__(self, path: Path, exercises: Sequence[str] = ()):
        self.path, self.exercises = path, exercises
        self.grader = grader.Grader(grader.Options(grader.random_seed(), fill_missing=True))
        self.right: dict[str, bool] = {}
        self.skipped: set[str] = set()
        self.credit = None
        self._loading: threading.Thread | None = None
        self._seen: dict[Path, tuple[int, int]] = {}

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_) -> None:
        if self._loading:
            self._loading.join()
        self.grader.close()

    # --- Les fichiers ----------------------------------------------------------------

    def has_changed(self) -> bool:
        """Dit si un fichier a été écrit depuis le dernier regard."""
        paths = [self.path] if self.path.is_file() else handin.walk(self.path)
        found = {}
        for each in paths:
            with contextlib.suppress(OSError):  # un éditeur est en train de le remplacer
                stat = each.stat()
                found[each] = (stat.st_mtime_ns, stat.st_size)
        changed, self._seen = found != self._seen, found
        return changed

    @contextlib.contextmanager
    def _copied(self) -> Iterator[submission.Submission]:
        """Copie le rendu tel qu'il est maintenant."""
        with tempfile.TemporaryDirectory(prefix="rendu-") as folder:
            asked = self.exercises[0] if len(self.exercises) == 1 else ""
            found = handin.collect(self.path, Path(folder), asked=asked, one=True)
            yield found.submissions[0]

    def questions(self, submitted: submission.Submission) -> list[Rule]:
        """Rend les questions suivies, dans l'ordre du barème ; `in_order` les range ensuite."""
        names = self.exercises or sorted({name[:4] for name in submitted.modules})
        rules = [rule for name in names for rule in read_scale()[name].rules]
        return [rule for rule in rules if rule.name != "weights"]

    # --- Demander --------------------------------------------------------------------

    def ask(self) -> list[str]:
        """Pose les questions, de la première qui n'est pas juste jusqu'à la première manquée.

        Returns:
            Les lignes à montrer.
        """
        try:
            with self._copied() as submitted:
                return self._ask(submitted)
        except (FileNotFoundError, ValueError) as error:
            return [str(error)]

    def _is_skipped(self, rule: Rule) -> bool:
        return rule.id in self.skipped

    def _ask(self, submitted: submission.Submission) -> list[str]:
        rules = self.questions(submitted)
        sources = sources_of(submitted, rules)
        if wrong := [each for source in sources.values() for each in source.wrong]:
            self.credit = None  # aucune question n'est posée : les touches n'ont rien à en dire
            return [*unreadable(wrong[0]), self.bar(rules)]
        rules = in_order(rules, sources)
        self._load_keras(rules, sources)
        rows: list[str] = []
        waiting = [each for each in rules if not self.right.get(each.id)]
        for rule in sorted(waiting, key=self._is_skipped):
            self.credit, self.rule = self._credit(submitted, rule), rule
            tried = rule.id in self.right  # et manquée : l'élève vient de la réussir
            self.right[rule.id] = self.credit.level == 1
            if not self.right[rule.id]:
                break
            rows += [f"{rule.id} ✓ juste", *(right_way(rule) if tried else [])]
        rows += self._lost(submitted, rules)
        rows.append(self.bar(rules))
        if all(self.right.get(each.id) for each in rules):
            return [*rows, "Tout est juste."]
        return [
            *rows,
            *check.rows(check.Verdict(self.rule, self.credit), more="Un indice : touche i"),
        ]

    def _credit(self, submitted: submission.Submission, rule: Rule):
        if self._loading:
            self._loading.join()
        seconds = min(rule.seconds, SECONDS.get(rule.engine, rule.seconds))
        return self.grader.answer(submitted, rule._replace(seconds=seconds))

    def _lost(self, submitted: submission.Submission, rules: Sequence[Rule]) -> list[str]:
        """Redemande ce qui était juste avant cet enregistrement ; dit ce qui ne l'est plus."""
        before = [each for each in rules if self.right.get(each.id)]
        lost = []
        for rule in before:
            self.right[rule.id] = self._credit(submitted, rule).level == 1
            lost += [] if self.right[rule.id] else [f"{rule.id} n'est plus juste."]
        return lost

    def _load_keras(self, rules: Sequence[Rule], sources: Mapping[str, Source]) -> None:
        """Charge TensorFlow pendant que l'élève lit, si une question ou un fichier en a besoin."""
        needed = any(rule.engine == "keras" for rule in rules)
        needed = needed or any(map(notebooks.loads_keras, sources.values()))
        if self._loading is None and needed:
            self._loading = self.grader.load_keras()

    def bar(self, rules: Sequence[Rule]) -> str:
        """Dessine ce qui est fait : `"[██████··] 3 sur 4"`."""
        done = sum(bool(self.right.get(each.id)) for each in rules)
        full = BAR * done // max(1, len(rules))
        return f"[{'█' * full}{'·' * (BAR - full)}] {done} sur {len(rules)}"

    # --- Les touches -----------------------------------------------------------------

    def press(self, key: str) -> list[str]:
        """Fait ce que demande une touche ; rend les lignes à montrer."""
        if self.credit is None or self.credit.level == 1:
            return []
        if key == "i":
            return check._wrapped(f"→ {read_reasons()[self.credit.reason].hint}")
        if key == "b":
            return [f"{self.rule.id} — {self.rule.title}", *(f"  - {x}" for x in self.rule.levels)]
        if key == "s":
            self.skipped.add(self.rule.id)
            return self.ask()
        return [KEYS]


# --- Les fichiers de l'élève, sans rien exécuter -------------------------------------


def sources_of(submitted: submission.Submission, rules: Sequence[Rule]) -> dict[str, Source]:
    """Lit les fichiers dont des questions ont besoin.

    Args:
        submitted: le rendu.
        rules: les questions.

    Returns:
        Par module, le fichier de l'élève ; un module qui n'est pas rendu manque.

    Raises:
        RefusedError: un fichier est trop long.
    """
    modules = dict.fromkeys(rule.module for rule in rules if rule.module in submitted.modules)
    return {module: notebooks.handed(module, submitted.root) for module in modules}


def in_order(rules: Sequence[Rule], sources: Mapping[str, Source]) -> list[Rule]:
    """Range des questions dans l'ordre des fonctions du fichier de l'élève.

    L'énoncé suit la leçon, et non le barème. S'il y a plusieurs fichiers, ils se suivent comme au
    barème. Une question attend la dernière fonction qu'elle demande ; sans fonction dans le
    fichier, elle vient à la fin.

    Args:
        rules: les questions, dans l'ordre du barème.
        sources: les fichiers, par module.
    """
    starts: dict[str, int] = {}
    places: dict[str, tuple[int, int]] = {}
    for number, rule in enumerate(rules):
        source = sources.get(rule.module)
        names = [getattr(node, "name", "") for *_, node in source.nodes] if source else []
        file = source.cells[0][0] if source else rule.id
        lines = [names.index(each) for each in rule.writes if each in names]
        places[rule.id] = starts.setdefault(file, number), max(lines, default=len(names))
    return sorted(rules, key=lambda rule: places[rule.id])


def unreadable(wrong: notebooks.Wrong) -> list[str]:
    """Dit où un fichier n'est pas du Python, et que rien n'est perdu."""
    return [
        f"{wrong.label}, ligne {wrong.line} : Python ne peut pas lire ce code, à cause d'une "
        "erreur de syntaxe.",
        "  Cherchez à cette ligne, ou juste au-dessus, puis enregistrez. Ce qui est acquis le "
        "reste.",
    ]


# --- Le corrigé, une fois la réponse juste -------------------------------------------


def right_way(rule: Rule) -> list[str]:
    """Rend la fonction du corrigé que demande une question, sans la liste de ses arguments.

    Args:
        rule: la question.

    Returns:
        Ses lignes ; aucune si la question ne porte pas le nom d'une fonction.
    """
    path = sealed.folder() / submission.file_of(rule.module)
    source = path.read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == rule.name:
            lines = source.splitlines()[node.lineno - 1 : node.end_lineno]
            return [
                "  Le corrigé l'écrit ainsi :",
                *textwrap.indent(_short(node, lines), "    ").split("\n"),
            ]
    return []


def _short(node: ast.FunctionDef | ast.ClassDef, lines: list[str]) -> str:
    """Ôte d'une définition les parties `Args`, `Returns`, `Raises` et `Example` de sa docstring."""
    text = ast.get_docstring(node)
    if text is None:
        return "\n".join(lines)
    kept = [
        part
        for part in text.split("\n\n")
        if not part.startswith(("Args:", "Returns:", "Raises:", "Example:"))
    ]
    first, last = (line - node.lineno for line in (node.body[0].lineno, node.body[0].end_lineno))
    said = textwrap.indent(f'"""{NEXT.join(kept)}"""', "    ")
    return "\n".join([*lines[:first], said, *lines[last + 1 :]])


# --- La commande ---------------------------------------------------------------------


@contextlib.contextmanager
def _keyboard() -> Iterator[bool]:
    """Lit les touches une à une, si la commande est lancée dans un terminal."""
    if not sys.stdin.isatty():
        yield False
        return
    import termios
    import tty

    kept = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield True
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, kept)


def follow(watch: Watch, *, has_keys: bool, rounds: int | None = None) -> None:
    """Regarde les fichiers et le clavier, jusqu'à la touche q, à Ctrl-C, ou à la fin de l'entrée.

    Args:
        watch: ce qui est suivi.
        has_keys: des touches peuvent être lues.
        rounds: nombre de verdicts, pour un essai ; None, sans fin.
    """
    told = 0
    while rounds is None or told < rounds:
        if watch.has_changed():
            time.sleep(SETTLED_S)
            watch.has_changed()
            start = time.monotonic()
            print("\nJe vérifie…", flush=True)
            rows = watch.ask()
            told += 1
            print("\n".join([*rows, f"({time.monotonic() - start:.1f} s)"]), flush=True)
            continue
        if not has_keys:
            time.sleep(LOOK_S)
            continue
        if select.select([sys.stdin], [], [], LOOK_S)[0]:
            key = os.read(sys.stdin.fileno(), 1).decode(errors="replace")
            if key in ("q", ""):
                return
            print("\n".join(watch.press(key)), flush=True)


def main(argv: list[str]) -> int:
    """Suit un dossier jusqu'à ce qu'on l'arrête."""
    parser = FrenchParser(prog="python -m grading", description=__doc__.splitlines()[0])
    parser.add_argument("RENDU", type=Path, help="le dossier, ou le fichier, où vous écrivez")
    parser.add_argument("--watch", action="store_true", help="vérifier à chaque enregistrement")
    parser.add_argument("--exercises", default="", metavar="LISTE", help="exercices : ex00,ex02…")
    options = parser.parse_args(argv)
    sandbox.check_system()
    names = [name.strip() for name in options.exercises.split(",") if name.strip()]
    unknown = [name for name in names if name not in read_scale()]
    if unknown:
        raise ValueError(f"--exercises : {unknown[0]} n'est pas au barème.")
    if not options.RENDU.exists():
        raise FileNotFoundError(f"{options.RENDU} n'est pas un dossier, ni un fichier.")
    with _keyboard() as has_keys, Watch(options.RENDU.absolute(), names) as watch:
        print(f"J'attends vos enregistrements dans {options.RENDU} ; Ctrl-C pour finir.")
        print(KEYS if has_keys else "", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            follow(watch, has_keys=has_keys)
    return 0
