"""`pytest grading --submission DOSSIER` : un test par question, une note à la fin.

Ce module est chargé par chaque `pytest` du dépôt (`-p grading.plugin`) : il n'importe rien de
lourd avant d'avoir à noter.
"""

import json
import os
import pickle
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest

QUESTIONS = Path(__file__).resolve().parent / "questions"
SESSION = pytest.StashKey["Session | None"]()
PROPERTY = "grading"  # la note voyage dans les propriétés du test, jusqu'à JUnit


def pytest_addoption(parser: pytest.Parser) -> None:
    """Ajoute les options de correction à celles de pytest."""
    add_options(parser.getgroup("grading", "correction").addoption)


def add_options(add) -> None:
    """Ajoute les options de correction.

    Args:
        add: `addoption` de pytest, ou `add_argument` d'argparse, pour l'aide.
    """
    add("--submission", metavar="RENDU", help="noter ce rendu (sinon, le corrigé du dépôt)")
    add(
        "--submissions",
        metavar="DOSSIER",
        help="noter une classe : un dossier, un fichier par élève",
    )
    add(
        "--as",
        action="append",
        dest="chosen",
        default=[],
        metavar="EXERCICE=FICHIER",
        help="dire de quel exercice est un fichier : ex02=tp2.ipynb (peut être répétée)",
    )
    add("--exercises", metavar="LISTE", help="exercices demandés : ex00,ex02… (sinon, ceux rendus)")
    add(
        "--fill-missing",
        action="store_true",
        help="compléter un rendu par les modules du dépôt, qui ne rapportent rien",
    )
    add(
        "--grade-report",
        action="append",
        default=[],
        metavar="FICHIER",
        help="compte rendu .json, .csv ou .md (peut être répétée)",
    )
    add("--hint", action="store_true", help="donner l'indice de chaque erreur")
    add("--grade-seed", type=int, metavar="N", help="graine des essais (sinon, tirée au hasard)")
    add("--without-weights", action="store_true", help="ne pas noter les poids enregistrés")


def pytest_configure(config: pytest.Config) -> None:
    """Comprend ce qui est à noter ; sans option ni chemin vers `grading`, ne fait rien."""
    options = config.option
    asked = options.submission or options.submissions
    if options.submission and options.submissions:
        raise pytest.UsageError("--submission (un rendu) ou --submissions (une classe) : un seul.")
    paths = [Path(text.partition("::")[0]).resolve() for text in config.args]
    if asked or any(path.is_relative_to(QUESTIONS.parent) for path in paths):
        from grading import sandbox

        try:
            sandbox.check_system()
        except sandbox.WrongSystemError as error:
            raise pytest.UsageError(str(error)) from error
    if asked and config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = [str(QUESTIONS)]
    for name in options.grade_report:
        if Path(name).suffix not in (".json", ".csv", ".md"):
            raise pytest.UsageError(f"--grade-report {name} : finissez par .json, .csv ou .md.")
        folder = Path(name).absolute().parent
        if not folder.is_dir():
            raise pytest.UsageError(f"--grade-report {name} : le dossier {folder} n'existe pas.")
        if Path(name).is_dir() or not os.access(folder, os.W_OK):
            raise pytest.UsageError(f"--grade-report {name} : ce fichier ne peut pas être écrit.")
    if (options.grade_seed or 0) < 0:
        raise pytest.UsageError(f"--grade-seed {options.grade_seed} : un entier positif, ou 0.")
    config.stash[SESSION] = None
    if hasattr(config, "workerinput"):
        options.grade_seed = config.workerinput["grade_seed"]
    elif options.grade_seed is None:
        options.grade_seed = int.from_bytes(os.urandom(4), "big")
    if asked:  # un dossier sans rendu se dit tout de suite
        _session(config)
    if _is_brief(config):  # le tableau dit tout, une ligne par élève
        options.tbstyle, options.reportchars = "no", ""


def _is_brief(config: pytest.Config) -> bool:
    """Dit si une classe est notée, et que l'enseignant n'a pas demandé le détail (`-v`)."""
    return bool(config.option.submissions) and config.option.verbose < 0


def pytest_report_teststatus(report: pytest.TestReport, config: pytest.Config):
    """Pour une classe, n'affiche rien d'une question."""
    if _is_brief(config) and report.when == "call":
        return report.outcome, "", ""
    return None


@pytest.hookimpl(optionalhook=True)  # celui de pytest-xdist, qui peut manquer
def pytest_configure_node(node) -> None:
    """Donne à chaque processus de pytest-xdist la graine de la session, et la copie des rendus."""
    node.workerinput["grade_seed"] = node.config.option.grade_seed
    if session := node.config.stash[SESSION]:
        node.workerinput["hand_ins"] = pickle.dumps((session.submissions, session.empty))


class Session:
    """Ce qu'une session de correction partage : rendus, barème, correcteur, notes."""

    def __init__(self, config: pytest.Config):
        from grading import grader, scale

        options = config.option
        self.scale, self.reasons = scale.read_scale(), scale.read_reasons()
        known = getattr(config, "workerinput", {}).get("hand_ins")
        self.submissions, self.empty = pickle.loads(known) if known else self._find(options)
        self.exercises = self._exercises(options.exercises)
        self.named = options.exercises is not None
        self.without_weights = options.without_weights
        self.grader = grader.Grader(
            grader.Options(options.grade_seed, options.fill_missing), submissions=self.submissions
        )

    def _find(self, options) -> tuple[list, dict[str, str]]:
        """Trouve les rendus, et les copie tous avant que l'un d'eux ne s'exécute."""
        from grading import handin, submission

        asked = options.submission or options.submissions
        if not asked:
            return [submission.reference()], {}
        self._copies = tempfile.TemporaryDirectory(prefix="rendus-")  # effacé avec la session
        try:
            return handin.collect(
                Path(asked),
                Path(self._copies.name),
                chosen=options.chosen,
                asked=(options.exercises or "").strip(),
                one=bool(options.submission),
            )
        except (FileNotFoundError, ValueError) as error:
            raise pytest.UsageError(str(error)) from error

    def _exercises(self, asked: str | None) -> list[str]:
        if asked is None:
            handed = {name[:4] for each in self.submissions for name in each.modules}
            return [name for name in self.scale if name in handed]
        wanted = [name.strip() for name in asked.split(",")]
        unknown = [name for name in wanted if name not in self.scale]
        if unknown:
            raise pytest.UsageError(
                f"--exercises : {', '.join(unknown)} n'est pas au barème ; au choix : "
                f"{', '.join(self.scale)}."
            )
        return [name for name in self.scale if name in wanted]

    def asks(self, submitted, exercise: str) -> bool:
        """Dit si un exercice compte pour un rendu : l'enseignant l'a nommé, ou il est rendu."""
        return self.named or any(name[:4] == exercise for name in submitted.modules)

    def rules(self, exercise: str):
        """Rend les questions notées d'un exercice."""
        if exercise not in self.exercises:
            return []
        return [
            rule
            for rule in self.scale[exercise].rules
            if not (self.without_weights and rule.name == "weights")
        ]


def _session(config: pytest.Config) -> Session:
    if config.stash[SESSION] is None:
        config.stash[SESSION] = Session(config)
    return config.stash[SESSION]


# --- Un test par question ------------------------------------------------------------


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Prend `grading/questions/exNN.py` pour un fichier de questions."""
    if file_path.parent == QUESTIONS and file_path.match("ex[0-9][0-9].py"):
        return QuestionFile.from_parent(parent, path=file_path)
    return None


class QuestionFile(pytest.File):
    """Un exercice."""

    def collect(self):
        """Rend, pour chaque rendu, ses questions groupées par module."""
        session = _session(self.config)
        for submitted in session.submissions:
            if not session.asks(submitted, self.path.stem):
                continue
            modules: dict[str, list] = {}
            for rule in session.rules(self.path.stem):
                modules.setdefault(rule.module, []).append(rule)
            for module, rules in modules.items():
                name = f"{module}::{_safe(submitted.name)}"
                yield QuestionGroup.from_parent(self, name=name, submitted=submitted, rules=rules)


class QuestionGroup(pytest.Collector):
    """Les questions d'un module d'un rendu : pytest-xdist les garde ensemble (loadscope)."""

    def __init__(self, *, submitted, rules, **options):
        super().__init__(**options)
        self.submitted, self.rules = submitted, rules

    def collect(self):
        """Rend un test par question."""
        for rule in self.rules:
            yield QuestionItem.from_parent(
                self, name=rule.name, submitted=self.submitted, rule=rule
            )


class QuestionItem(pytest.Item):
    """Une question posée à un rendu ; réussie si elle obtient tous ses points."""

    def __init__(self, *, submitted, rule, **options):
        super().__init__(**options)
        self.submitted, self.rule = submitted, rule
        if self.config.pluginmanager.hasplugin("timeout"):  # notre minuterie est plus courte
            self.add_marker(pytest.mark.timeout(10 * (60 + rule.seconds)))

    def runtest(self) -> None:
        """Pose la question."""
        # Si la minuterie de pytest interrompt la correction, la question compte quand même : zéro.
        content = {
            "submission": self.submitted.name,
            "question": self.rule.id,
            "level": "0",
            "reason": "timeout",
            "detail": "",
        }
        self.user_properties.append((PROPERTY, json.dumps(content)))
        try:
            mark = _session(self.config).grader.grade(self.submitted, self.rule)
        except Exception:  # le correcteur est en panne : ce n'est pas un zéro
            self.user_properties.pop()
            raise
        content |= {"level": str(mark.level), "reason": mark.reason, "detail": mark.detail}
        self.user_properties[-1] = (PROPERTY, json.dumps(content, ensure_ascii=False))
        if mark.level < 1:
            raise Lost(_line(self.config, content))

    def repr_failure(self, excinfo):
        """Montre la raison, sans le code du correcteur."""
        if isinstance(excinfo.value, Lost):
            line = excinfo.value.line
            hint = f"\n  → {line.hint}" if line.hint else ""
            return f"{line.title} : {line.level} des points. {line.text}{hint}"
        if isinstance(excinfo.value, Exception):
            last = excinfo.traceback[-1]
            return (
                f"{self.rule.id} n'est pas notée : le correcteur est en panne, le rendu n'y est "
                f"pour rien ({excinfo.exconly()} ; {last.path}, ligne {last.lineno + 1})."
            )
        return super().repr_failure(excinfo)

    def reportinfo(self):
        """Nomme le test : rendu, module, question."""
        return self.path, None, f"{self.rule.module} {self.submitted.name} {self.rule.name}"


class Lost(Exception):
    """Une question qui n'a pas tous ses points."""

    def __init__(self, line):
        super().__init__(line.text)
        self.line = line


def _safe(name: str) -> str:
    """Rend un nom de dossier qui tient dans un identifiant de test."""
    return "".join(c if c.isalnum() or c in "-_. " else "_" for c in name)


def _line(config: pytest.Config, content: dict):
    from grading import report, scale

    rules = {rule.id: rule for each in scale.read_scale().values() for rule in each.rules}
    rule, level = rules[content["question"]], Fraction(content["level"])
    text, hint = report.explain(
        content["reason"], content["detail"], scale.read_reasons(), config.option.hint
    )
    return report.Line(
        content["submission"],
        rule.exercise,
        rule.name,
        rule.module,
        rule.title,
        level * rule.points,
        rule.points,
        level,
        content["reason"] or "",
        text,
        hint,
    )


# --- Le tableau final ----------------------------------------------------------------


def graded_lines(terminalreporter) -> list:
    """Rassemble les notes de la session, dans l'ordre des rendus et du barème."""
    lines = []
    for outcome in ("passed", "failed"):
        for found in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(found, "user_properties", ()):
                if name == PROPERTY and found.when == "call":
                    lines.append(_line(terminalreporter.config, json.loads(value)))
    from grading import scale

    rules = [rule.id for each in scale.read_scale().values() for rule in each.rules]
    order = {name: number for number, name in enumerate(rules)}
    return sorted(lines, key=lambda line: (line.submission, order[line.id]))


def pytest_terminal_summary(terminalreporter, exitstatus, config: pytest.Config) -> None:
    """Affiche les notes et écrit les comptes rendus demandés."""
    lines = graded_lines(terminalreporter)
    if not lines:
        return
    from convnets.core.cli import reason
    from grading import report, scale

    exercises = list(dict.fromkeys(line.exercise for line in lines))
    header = {
        "graine": config.option.grade_seed,
        "exercices": ", ".join(exercises) + _counted(config),
        "protections": _protections(),
    }
    stats = [terminalreporter.stats.get(name, []) for name in ("passed", "failed", "error")]
    lost = sum(map(len, stats)) - len(lines)
    if exitstatus == pytest.ExitCode.INTERRUPTED:
        header["attention"] = "correction interrompue : il manque des notes"
    elif lost > 0:
        header["attention"] = f"le correcteur est en panne, questions sans note : {lost}"
    if session := config.stash[SESSION]:
        remarks = {each.name: list(each.remarks) for each in session.submissions if each.remarks}
        found = {"sans rendu": session.empty, "remarques": remarks}
        header |= {key: value for key, value in found.items() if value}
    terminalreporter.section("correction")
    for row in report.header_rows(header):
        terminalreporter.write_line(row)
    every = not config.option.submissions or config.option.verbose > 0
    for row in report.table(lines, scale.read_scale(), every=every):
        terminalreporter.write_line(row)
    for name in config.option.grade_report:
        try:
            report.write(Path(name), lines, scale.read_scale(), header)
        except OSError as error:
            terminalreporter.write_line(
                f"{name} n'a pas pu être écrit ({reason(error, named=False)})."
            )


def _counted(config: pytest.Config) -> str:
    """Dit ce qui compte dans la note, quand une classe est notée."""
    if not config.option.submissions:
        return ""
    named = config.option.exercises is not None
    return " ; un exercice absent vaut 0" if named else " ; chacun est noté sur ce qu'il a rendu"


def _protections() -> Sequence[str]:
    from grading import pupil

    return pupil.protections_here()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Ferme les processus des rendus."""
    found = session.config.stash.get(SESSION, None)
    if found is not None:
        found.grader.close()
