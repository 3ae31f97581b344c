"""`pytest grading --submission DOSSIER` : un test par question, une note à la fin.

Ce module est chargé par chaque `pytest` du dépôt (`-p grading.plugin`) : il n'importe rien de
lourd avant d'avoir à noter.
"""

import json
import pickle
import secrets
import tempfile
from operator import attrgetter
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
        "help": "compte rendu .json, .csv, ou un dossier : une page par élève (peut être répétée)",
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
    if not hasattr(config, "workerinput"):  # celui qui rassemble les notes
        config.pluginmanager.register(Reports(config), "correction")


@pytest.hookimpl(optionalhook=True)  # celui de pytest-xdist, qui peut manquer
def pytest_configure_node(node) -> None:
    """Donne à chaque processus de pytest-xdist la graine de la session, et la copie des rendus."""
    node.workerinput["grade_seed"] = node.config.option.grade_seed
    if session := node.config.stash[SESSION]:
        node.workerinput["hand_ins"] = pickle.dumps(session.collected)


class Session:
    """Ce qu'une session de correction partage : rendus, barème, correcteur."""

    def __init__(self, config: pytest.Config):
        from grading import scale, sealed
        from grading.asking import grader

        try:  # avant de copier quoi que ce soit
            sealed.folder()
        except sealed.UnsealedError as error:
            raise pytest.UsageError(str(error)) from error
        options = self.options = config.option
        self.scale = scale.read_scale()
        known = getattr(config, "workerinput", {}).get("hand_ins")
        self.collected = pickle.loads(known) if known else self._find()
        self.submissions = self.collected.submissions
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

    def _find(self):
        """Trouve les rendus, et les copie tous avant que l'un d'eux ne s'exécute."""
        from grading.reading import handin, submission

        options = self.options
        asked = options.submission or options.submissions
        if not asked:
            return handin.Collected([submission.course()], {}, {})
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
        if mark.level != 1:
            raise Lost(mark)

    def repr_failure(self, excinfo):
        """Montre la raison, sans le code du correcteur."""
        if isinstance(excinfo.value, Lost):
            from grading import report

            (mark,) = excinfo.value.args
            text, clue = report.explain(mark)
            hint = f"\n  → {clue}" if self.config.option.hint else ""
            share = "non jugé" if mark.level is None else f"{mark.level} des points"
            return f"{mark.rule.title} : {share}. {text}{hint}"
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


# --- Les comptes rendus, à mesure que les notes viennent -------------------------------


class Reports:
    """Rassemble les notes ; récrit les comptes rendus dès que celle d'un élève est connue.

    Une correction arrêtée, par Ctrl-C ou par une panne, laisse ainsi des fichiers entiers : les
    notes connues, et le nom de ceux qui attendent la leur.

    Args:
        config: celle de la session.
    """

    def __init__(self, config: pytest.Config):
        self.config, self.tests = config, []
        self._waited: dict[tuple[str, str], int] = {}  # questions à venir, par élève et exercice

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report):
        """N'affiche pas un point par question d'une classe : une ligne par élève le remplace."""
        options = self.config.option
        if options.submissions and options.verbose <= 0 and report.when == "call":
            return report.outcome, "", ""
        return None

    def pytest_runtest_logreport(self, report) -> None:
        """Garde une note ; la dernière d'un élève est affichée et écrite."""
        mark = _mark_of(report)
        if mark is None:
            self.tests += [report] * report.failed  # le correcteur est en panne
            return
        self.tests.append(report)
        session, key = _session(self.config), (mark.submission, mark.rule.exercise)
        if key not in self._waited:
            (submitted,) = (s for s in session.submissions if s.name == mark.submission)
            self._waited[key] = len(session.rules(submitted, mark.rule.exercise))
        self._waited[key] -= 1
        if self._waited[key] == 0 and self.config.option.submissions:
            self._show(*key)
            self.write("correction en cours : il manque des notes")

    def _show(self, name: str, exercise: str) -> None:
        from grading import report

        mine = [m for m in self.marks() if (m.submission, m.rule.exercise) == (name, exercise)]
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if terminal and self.config.option.verbose <= 0:
            terminal.write_line(f"{exercise}, {name} : {report.total(mine).out_of}")

    def marks(self) -> list:
        """Rend les notes connues, dans l'ordre des rendus et du barème."""
        found = [mark for mark in map(_mark_of, self.tests) if mark]
        if not found:
            return []
        from grading import scale

        order = [rule.id for each in scale.read_scale().values() for rule in each.rules]

        def place(mark):
            return mark.submission, order.index(mark.rule.id)

        return sorted(found, key=place)

    def write(self, warning: str = "") -> list[str]:
        """Écrit les comptes rendus demandés ; rend une phrase pour chacun qui n'a pas pu l'être."""
        from convnets.core.cli import reason
        from grading import report

        marks, rows, options = self.marks(), [], self.config.option
        header = self.header(marks, warning) if options.grade_report else {}
        for name in options.grade_report:
            try:
                if Path(name).suffix:
                    report.write(Path(name), marks, header, hint=options.hint)
                else:
                    from grading.term import pages  # jinja2, dont un seul fichier se passe

                    pages.write_folder(Path(name), marks, header, hint=options.hint)
            except OSError as error:
                rows.append(f"{name} n'a pas pu être écrit ({reason(error, named=False)}).")
        return rows

    def header(self, marks: list, warning: str) -> dict:
        """Fait l'en-tête : la graine, les exercices, et ce qu'il faut savoir de chaque élève."""
        from grading import report, sealed
        from grading.asking import workshop

        options, session = self.config.option, _session(self.config)
        exercises = ", ".join(dict.fromkeys(mark.rule.exercise for mark in marks))
        if options.submissions:
            named = options.exercises is not None
            exercises += (
                " ; un exercice absent vaut 0" if named else " ; à chacun ceux qu'il a rendus"
            )
        header = {
            "graine": options.grade_seed,
            "exercices": exercises,
            "protections": workshop.protections_here(),
        }
        graded = report.grouped(marks, attrgetter("submission"))
        asked = {
            each.name: sum(len(session.rules(each, exercise)) for exercise in session.scale)
            for each in session.submissions
        }
        said = "la correction n'y est pas encore, ou s'est arrêtée avant"
        late = {name: said for name, num in asked.items() if len(graded.get(name, ())) < num}
        found = {
            "attention": warning,
            "corrigé": sealed.remark(),
            report.WITHOUT: session.collected.empty,
            report.UNGRADED: session.collected.ungraded,
            report.NOT_YET: late,
            "à regarder": report.alerts(marks),
            "remarques": {s.name: [*s.remarks] for s in session.submissions if s.remarks},
        }
        return header | {key: value for key, value in found.items() if value}


def _mark_of(test):
    """Rend la note que porte le compte rendu d'un test ; None s'il n'en a pas."""
    said = [value for name, value in getattr(test, "user_properties", ()) if name == PROPERTY]
    if not said or test.when != "call":
        return None
    from grading import report

    return report.read_mark(json.loads(said[0]))


def pytest_terminal_summary(terminalreporter, exitstatus, config: pytest.Config) -> None:
    """Affiche les notes et écrit les comptes rendus demandés."""
    reports = config.pluginmanager.get_plugin("correction")
    marks = reports.marks()
    if not marks:
        return
    from grading import report

    options, lost = config.option, len(reports.tests) - len(marks)
    warning = f"le correcteur est en panne, questions sans note : {lost}" if lost > 0 else ""
    if exitstatus == pytest.ExitCode.INTERRUPTED:
        warning = "correction interrompue : il manque des notes"
    every = not options.submissions or options.verbose > 0 or options.hint
    terminalreporter.section("correction")
    rows = report.header_rows(reports.header(marks, warning))
    rows += report.table(marks, every=every, hint=options.hint)
    if options.tbstyle == "no":  # pytest n'a pas montré ce qui a mis le correcteur en panne
        failed = [each for each in reports.tests if each.failed and _mark_of(each) is None]
        rows += [each.longreprtext for each in failed]
    terminalreporter.write_line("\n".join(rows + reports.write(warning)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Ferme les processus des rendus."""
    if found := session.config.stash.get(SESSION, None):
        found.grader.close()
