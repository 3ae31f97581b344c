"""`pytest grading --submission DOSSIER` : un test par question, une note à la fin.

Ce module est chargé par chaque `pytest` du dépôt (`-p grading.plugin`) : il n'importe rien de
lourd avant d'avoir à noter.
"""

import json
import pickle
import secrets
import tempfile
from pathlib import Path

import pytest

from convnets.core.cli import natural_int

QUESTIONS = Path(__file__).resolve().parent / "questions"
SESSION = pytest.StashKey["Session | None"]()
OPTIONS = {
    "--submission": {"metavar": "RENDU", "help": "noter ce rendu (sinon, le corrigé du dépôt)"},
    "--submissions": {
        "metavar": "DOSSIER",
        "help": "noter une classe : un dossier, un fichier par élève",
    },
    "--as": {
        "action": "append",
        "dest": "chosen",
        "default": [],
        "metavar": "EXERCICE=FICHIER",
        "help": "dire de quel exercice est un fichier : ex02=tp2.ipynb (peut être répétée)",
    },
    "--exercises": {
        "metavar": "LISTE",
        "help": "exercices demandés : ex00,ex02… (sinon, ceux rendus)",
    },
    "--fill-missing": {
        "action": "store_true",
        "help": "compléter un rendu par les modules du dépôt, qui ne rapportent rien",
    },
    "--grade-report": {
        "action": "append",
        "default": [],
        "metavar": "FICHIER",
        "help": "compte rendu .json ou .csv (peut être répétée)",
    },
    "--hint": {"action": "store_true", "help": "donner l'indice de chaque erreur"},
    "--grade-seed": {
        "type": natural_int,
        "metavar": "N",
        "help": "graine des essais (sinon, tirée au hasard)",
    },
    "--without-weights": {"action": "store_true", "help": "ne pas noter les poids enregistrés"},
}
PROPERTY = "grading"  # la note voyage dans les propriétés du test, jusqu'à JUnit


def pytest_addoption(parser: pytest.Parser) -> None:
    """Ajoute les options de correction à celles de pytest."""
    group = parser.getgroup("grading", "correction")
    for name, given in OPTIONS.items():
        group.addoption(name, **given)


def pytest_configure(config: pytest.Config) -> None:
    """Comprend ce qui est à noter ; sans option ni chemin vers `grading`, ne fait rien."""
    options, config.stash[SESSION] = config.option, None
    asked = options.submission or options.submissions
    if asked and config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = [str(QUESTIONS)]
    if options.grade_seed is None:
        options.grade_seed = getattr(config, "workerinput", {}).get(
            "grade_seed", secrets.randbits(32)
        )
    if asked:  # un dossier sans rendu se dit tout de suite
        _session(config)


@pytest.hookimpl(optionalhook=True)  # celui de pytest-xdist, qui peut manquer
def pytest_configure_node(node) -> None:
    """Donne à chaque processus de pytest-xdist la graine de la session, et la copie des rendus."""
    node.workerinput["grade_seed"] = node.config.option.grade_seed
    if session := node.config.stash[SESSION]:
        node.workerinput["hand_ins"] = pickle.dumps((session.submissions, session.empty))


class Session:
    """Ce qu'une session de correction partage : rendus, barème, correcteur."""

    def __init__(self, config: pytest.Config):
        from grading import grader, scale, sealed

        try:  # avant de copier quoi que ce soit
            sealed.folder()
        except sealed.UnsealedError as error:
            raise pytest.UsageError(str(error)) from error
        options = self.options = config.option
        self.scale = scale.read_scale()
        known = getattr(config, "workerinput", {}).get("hand_ins")
        self.submissions, self.empty = pickle.loads(known) if known else self._find()
        self.wanted = [name.strip() for name in (options.exercises or "").split(",") if name]
        unknown = [name for name in self.wanted if name not in self.scale]
        if unknown:
            raise pytest.UsageError(
                f"--exercises : {', '.join(unknown)} n'est pas au barème ; au choix : "
                f"{', '.join(self.scale)}."
            )
        self.grader = grader.Grader(
            grader.Options(options.grade_seed, options.fill_missing), submissions=self.submissions
        )

    def _find(self) -> tuple[list, dict[str, str]]:
        """Trouve les rendus, et les copie tous avant que l'un d'eux ne s'exécute."""
        from grading import handin, submission

        options = self.options
        asked = options.submission or options.submissions
        if not asked:
            return [submission.course()], {}
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

    def rules(self, submitted, exercise: str) -> list:
        """Rend les questions d'un exercice posées à un rendu.

        Il y en a si l'enseignant a nommé l'exercice ; s'il n'en nomme aucun, si l'élève l'a rendu.
        """
        handed = self.wanted or {name[:4] for name in submitted.modules}
        rules = self.scale[exercise].rules if exercise in handed else ()
        return [r for r in rules if r.name != "weights" or not self.options.without_weights]


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
        """Rend, pour chaque rendu, un test par question.

        pytest-xdist garde ensemble (loadscope) les tests qui ont le même nom, leur fin exceptée :
        ici, les questions d'un module.
        """
        session = _session(self.config)
        for submitted in session.submissions:
            for rule in session.rules(submitted, self.path.stem):
                name = f"{rule.module}::{submitted.name}::{rule.name}"
                yield QuestionItem.from_parent(self, name=name, submitted=submitted, rule=rule)


class QuestionItem(pytest.Item):
    """Une question posée à un rendu ; réussie si elle obtient tous ses points."""

    def __init__(self, *, submitted, rule, **options):
        super().__init__(**options)
        self.submitted, self.rule = submitted, rule
        if self.config.pluginmanager.hasplugin("timeout"):  # notre minuterie est plus courte
            self.add_marker(pytest.mark.timeout(10 * (60 + rule.seconds)))

    def runtest(self) -> None:
        """Pose la question."""
        from grading import report

        mark = _session(self.config).grader.grade(self.submitted, self.rule)
        said = json.dumps(report.write_mark(mark), ensure_ascii=False)
        self.user_properties.append((PROPERTY, said))
        if mark.level < 1:
            raise Lost(mark)

    def repr_failure(self, excinfo):
        """Montre la raison, sans le code du correcteur."""
        if isinstance(excinfo.value, Lost):
            from grading import report

            (mark,) = excinfo.value.args
            text, clue = report.explain(mark)
            hint = f"\n  → {clue}" if self.config.option.hint else ""
            return f"{mark.rule.title} : {mark.level} des points. {text}{hint}"
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
    """Une question qui n'a pas tous ses points ; son argument est la note."""


# --- Le tableau final ----------------------------------------------------------------


def graded(tests: list) -> list:
    """Rassemble les notes de la session, dans l'ordre des rendus et du barème."""
    found = [
        json.loads(value)
        for each in tests
        for name, value in getattr(each, "user_properties", ())
        if name == PROPERTY and each.when == "call"
    ]
    if not found:
        return []
    from grading import report, scale

    order = [rule.id for each in scale.read_scale().values() for rule in each.rules]
    marks = map(report.read_mark, found)
    return sorted(marks, key=lambda mark: (mark.submission, order.index(mark.rule.id)))


def pytest_terminal_summary(terminalreporter, exitstatus, config: pytest.Config) -> None:
    """Affiche les notes et écrit les comptes rendus demandés."""
    stats = terminalreporter.stats
    tests = [each for name in ("passed", "failed", "error") for each in stats.get(name, [])]
    marks = graded(tests)
    if not marks:
        return
    from convnets.core.cli import reason
    from grading import pupil, report, sealed

    options = config.option
    exercises = ", ".join(dict.fromkeys(mark.rule.exercise for mark in marks))
    if options.submissions:
        named = options.exercises is not None
        exercises += " ; un exercice absent vaut 0" if named else " ; à chacun ceux qu'il a rendus"
    header = {
        "graine": options.grade_seed,
        "exercices": exercises,
        "protections": pupil.protections_here(),
    }
    lost = len(tests) - len(marks)
    warning = f"le correcteur est en panne, questions sans note : {lost}" if lost > 0 else ""
    if exitstatus == pytest.ExitCode.INTERRUPTED:
        warning = "correction interrompue : il manque des notes"
    session = _session(config)
    remarks = {each.name: list(each.remarks) for each in session.submissions if each.remarks}
    found = {"attention": warning, "corrigé": sealed.remark()}
    found |= {"sans rendu": session.empty, "remarques": remarks}
    header |= {key: value for key, value in found.items() if value}
    every = not options.submissions or options.verbose > 0
    terminalreporter.section("correction")
    rows = report.header_rows(header) + report.table(marks, every=every, hint=options.hint)
    for name in options.grade_report:
        try:
            report.write(Path(name), marks, header, hint=options.hint)
        except OSError as error:
            rows.append(f"{name} n'a pas pu être écrit ({reason(error, named=False)}).")
    terminalreporter.write_line("\n".join(rows))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Ferme les processus des rendus."""
    if found := session.config.stash.get(SESSION, None):
        found.grader.close()
