"""Le jugement lui-même, sur des réponses écrites à la main : sans processus, sans TensorFlow."""

import sys
import types
from fractions import Fraction

import numpy as np
import pytest

from grading import scale
from grading.asking import ask as asked
from grading.asking import failures
from grading.asking.failures import Answer
from grading.check import Desk
from grading.questions import Mistake, ex03, judge, networks, same
from grading.scale import read_scale

# --- Comparer ------------------------------------------------------------------------


def test_same_sees_shapes_and_values():
    assert same([[1, 2], [3, 4]], np.array([[1.0, 2], [3, 4 + 1e-9]]))
    assert same(np.array([Fraction(1, 3)], dtype=object), [1 / 3])
    assert not same([1, 2, 3], [[1, 2, 3]]) and not same([1, 2], [1, 3])
    assert not same(float("nan"), 1.0)


def double(x):
    if x < 0:
        raise ValueError
    return 2 * x


CALLS = [((k,), {}) for k in (1, 5, 7)]
GROUPS = [("1/2", CALLS[:1]), ("3/4", CALLS[1:]), ("1", [((-1,), {})])]
REFUSED = Answer(None, {"type": "ValueError", "families": ["ValueError", "Exception"]})
TRIPLE, SQUARE = Mistake("rounded", lambda x: 3 * x, "1/4"), Mistake("floored", lambda x: x * x)


@pytest.mark.parametrize(
    ("values", "level", "reason"),
    [
        ((2, 10, 14, REFUSED), "1", None),
        ((3, 15, 21, REFUSED), "1/4", "rounded"),
        ((1, 25, 49, REFUSED), "0", "floored"),
        ((2, 15, 14, REFUSED), "1/2", "rounded"),  # une seule erreur, reconnue
        ((2, 10, 14, 0), "3/4", "no_error"),
        ((2, 11, 14, REFUSED), "1/2", "wrong_values"),
        ((2, [10], 14, REFUSED), "1/2", "wrong_shape"),
        ((None, 10, 14, REFUSED), "0", "wrong_type"),
        ((3, 25, 14, REFUSED), "0", "wrong_values"),  # un seul nombre ne prouve rien
        ((9, 16, 49, REFUSED), "0", "wrong_values"),  # aucune n'explique rien
        ((2, float("nan"), 14, REFUSED), "1/2", "not_a_number"),
    ],
)
def test_levels_and_known_mistakes(values, level, reason):
    answers = [value if isinstance(value, Answer) else Answer(value) for value in values]
    found = judge(answers, GROUPS, double, [TRIPLE, SQUARE])
    assert (found.level, found.reason) == (Fraction(level), reason)


BROKEN = {"type": "TypeError", "message": "", "families": ["TypeError", "Exception"]}
IMPOSSIBLE = {"type": "ValueError", "message": "", "families": ["ValueError", "Exception"]}


def compared(theirs, ours):
    """Note deux réponses d'après celles du corrigé : la moitié de la première, puis tout."""
    theirs_, ours_ = (
        types.SimpleNamespace(
            ask=lambda _, operation, *__, answers=answers: {
                "value": [] if operation == "neighbours" else answers  # rien ne change le corrigé
            }
        )
        for answers in (theirs, ours)
    )
    theirs_.reference = ours_
    ask = asked.Ask(read_scale()["ex18"].rules[0], None, theirs_)
    calls = [(("appel",), {})]
    return ask.compare("f", [("1/2", calls, lambda pair: pair[0]), ("1", calls)])


RIGHT = {"value": [1, np.nan]}


@pytest.mark.parametrize(
    ("theirs", "ours", "level", "reason"),
    [
        ([RIGHT, RIGHT], [RIGHT, RIGHT], "1", None),
        ([RIGHT, {"value": [1, 2]}], [RIGHT, RIGHT], "1/2", "wrong_values"),
        ([{"value": 2}, RIGHT], [RIGHT, RIGHT], "0", "wrong_values"),  # aucune part à en tirer
        ([RIGHT, RIGHT], [RIGHT, {"error": IMPOSSIBLE}], "1/2", "no_error"),
    ],
)
def test_a_part_at_a_time_is_compared_to_our_answer(theirs, ours, level, reason):
    found = compared(theirs, ours)
    assert (found.level, found.reason) == (Fraction(level), reason)


@pytest.mark.parametrize("first", [RIGHT, {"error": BROKEN}])
def test_our_own_failure_is_never_blamed_on_the_pupil(first):
    with pytest.raises(LookupError):  # `Grader.grade` n'accuse alors personne
        compared([RIGHT, RIGHT], [first, {"error": BROKEN}])


class Pupil(asked.Ask):
    """Un élève imaginaire : il répond ce que calcule une fonction donnée."""

    def __init__(self, rule, seed):
        super().__init__(rule, np.random.default_rng(seed), desk=Desk(None))
        self.compute = None

    def calls(self, function, calls):
        found = []
        for positional, named in calls:
            try:
                found.append(Answer(self.compute(*positional, **named)))
            except ValueError:
                found.append(REFUSED)
            except Exception:
                found.append(Answer(None))
        return found


PURE = [
    rule
    for exercise in ("ex00", "ex01")
    for rule in read_scale()[exercise].rules
    if rule.name not in ("chain", "to_grey_levels", "horizontal_patterns", "vertical_patterns")
]
MAPS = {  # des exercices 06 à 10, les fonctions de tableaux aux erreurs connues
    "ex06": ("strongest",),
    "ex07": ("fill_color", "positions", "drops"),
    "ex09": ("grad_cam_map", "enlarge"),
    "ex10": ("variants", "fit_linear"),
}
PURE += [
    pytest.param(rule, marks=pytest.mark.slow)
    for exercise, names in MAPS.items()
    for rule in read_scale()[exercise].rules
    if rule.name in names
]


@pytest.mark.parametrize("rule", PURE, ids=lambda rule: rule.name)
def test_every_known_mistake_is_named_whatever_the_draw(rule, monkeypatch):
    asked.load(rule.exercise)
    module = sys.modules[f"grading.questions.{rule.exercise}"]
    seen = {}

    def spy(answers, groups, right, mistakes=(), **options):
        seen.update(right=right, mistakes=mistakes)
        return judge(answers, groups, right, mistakes, **options)

    monkeypatch.setattr(module, "judge", spy, raising=False)
    monkeypatch.setattr(asked, "judge", spy)
    for seed in range(3):
        pupil_ = Pupil(rule, seed)
        pupil_.compute = lambda *args, **named: None
        asked.QUESTIONS[rule.id](pupil_)  # pour connaître la bonne fonction et les erreurs
        for reason, compute in [(None, seen["right"]), *[(m[0], m[1]) for m in seen["mistakes"]]]:
            pupil_ = Pupil(rule, seed)
            pupil_.compute = compute
            found = asked.QUESTIONS[rule.id](pupil_)
            assert found.reason == reason, (seed, found)
            assert (found.level == 1) is (reason is None)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"type": "NotImplementedError"}, "not_done"),
        ({"type": "SyntaxError", "line": 3, "file": "a.py"}, "syntax_error"),
        (
            {"type": "ModuleNotFoundError", "missing": "exercises.ex00_convolution.geometry"},
            "missing_module",
        ),
        (
            {
                "type": "ImportError",
                "message": "cannot import name 'head' from 'exercises.ex05_x' (/x/__init__.py)",
            },
            "missing_module",
        ),
        (
            {
                "type": "SyntaxError",
                "message": "(unicode error) 'utf-8' codec can't decode byte 0xe9 in position 3",
                "file": "a.py",
            },
            "wrong_encoding",
        ),
        ({"type": "ModuleNotFoundError", "missing": "torchvision"}, "missing_package"),
        ({"type": "MemoryError"}, "memory"),
        ({"type": "SystemExit"}, "exited"),
        ({"type": "PermissionError"}, "forbidden"),
        ({"type": "KeyError", "message": "a\x1b[31m\nb", "line": 7, "file": "a.py"}, "exception"),
        (
            {
                "type": "AttributeError",
                "message": "module 'exercises.ex00_convolution.pooling' has no attribute 'relu'",
            },
            "missing_name",
        ),
        ({"type": "FileNotFoundError", "message": "No such file: 'a.json'"}, "missing_file"),
        (
            {"type": "ValueError", "message": "inputs=<inside.absent.Nothing object>"},
            "missing_file",
        ),
        ({"type": 3, "message": None}, "exception"),
    ],
)
def test_exceptions_become_reasons(error, reason):
    failure = failures.failure_of(error)
    assert failure.reason == reason and failure.detail.isprintable()


def not_found(name):
    return {"type": "ModuleNotFoundError", "missing": name, "message": f"No module named {name!r}"}


def not_in(name, package, place="/x/__init__.py"):
    message = f"cannot import name {name!r} from {package!r} ({place})"
    return {"type": "ImportError", "message": message}


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (not_found("exercises.ex00_convolution.geometry"), "ex00_convolution/geometry.py"),
        (not_found("exercises.ex00_convolution"), "ex00_convolution/"),
        (not_found("exercises.geometry"), "geometry.py"),  # from .geometry, dans un seul fichier
        (not_found("ex00_convolution.geometry"), "ex00_convolution/geometry.py"),
        (not_found("ex01_filters"), "ex01_filters.py"),
        (not_found("geometry"), "geometry.py"),  # importé sans son dossier
        (not_found("convnets.outils"), "convnets/outils.py"),
        (not_in("head", "exercises.ex05_inception"), "ex05_inception/head.py"),
        (not_in("head", "exercises.ex05_inception", "unknown location"), "ex05_inception/head.py"),
        (not_in("head", "ex05_inception", f"/{'x' * 150}/__init__.py"), "ex05_inception/head.py"),
        (not_in("ex01_filters", "exercises"), "ex01_filters.py"),
        (not_in("outils", "convnets.core"), "convnets/core/outils.py"),
        (
            {
                "type": "ImportError",
                "message": "attempted relative import with no known parent package",
            },
            "import impossible, ImportError ; Python dit : "
            "« attempted relative import with no known parent package »",
        ),
    ],
)
def test_a_missing_file_of_the_course_is_named_however_python_says_it(error, detail):
    failure = failures.failure_of(error)
    assert (failure.reason, failure.detail) == ("missing_module", detail)
    assert scale.read_reasons()[failure.reason].text.startswith("Module manquant : ")


# --- Les réseaux ---------------------------------------------------------------------


def network(text):
    """network("CMD") -> ce que le correcteur lit d'une convolution, d'un pooling, d'une dense."""
    kinds = {"C": "Conv2D", "M": "MaxPooling2D", "A": "AveragePooling2D", "D": "Dense"}
    layers = []
    for letter in text:
        before = after = [None, 28, 28, 1]
        if letter == "D":
            before = after = [None, 8]
        if letter in "MA":
            after = [None, 14, 14, 1]
        shapes = {"input": before, "output": after}
        layers.append({"class": kinds[letter], "weights": letter in "CD", "shapes": shapes})
    return {"layers": layers, "output_shape": [None, 10]}


@pytest.mark.parametrize(
    ("text", "level", "reason"),
    [
        ("CMCMCDD", 1, None),
        ("CMCMCD", "1/2", "missing_layer"),
        ("CMCMDD", "1/2", "missing_layer"),
        ("CMCMCDDD", "1/2", "extra_layer"),
        ("CMCMCCDD", "1/2", "extra_layer"),
        ("CCMCMDD", "1/2", "wrong_order"),
        ("CACMCDD", "1/2", "average_for_max"),
        ("DD", 0, "no_convolution"),
        ("CD", "1/4", "missing_layer"),
        ("CMCMDDD", "1/2", "missing_layer"),  # une dense pour une convolution : une faute
        ("CCMCCMCCDD", "1/4", "extra_layer"),
    ],
)
def test_architecture(text, level, reason):
    found = networks.judge_architecture(network(text), "CMCMCDD")
    assert (found.level, found.reason) == (Fraction(level), reason)


# --- La ligne de ./predict -----------------------------------------------------------


@pytest.mark.parametrize(
    ("printed", "index", "reason"),
    [
        ("Prédiction: Avion\n", 0, None),
        ("Prédiction: Camion\n", 9, None),
        ("Prediction: Avion\n", None, "wrong_line"),
        ("Prédiction : Avion\n", None, "wrong_line"),
        ("Prédiction: Avion", None, "wrong_line"),
        ("Prédiction: avion\n", None, "wrong_line"),
        ("Prédiction: Airplane\n", None, "english_class"),
        ("airplane\n", None, "english_class"),
        ("1/1 ━━━━ 0s\r\nPrédiction: Chat\n", None, "progress_bar"),
        ("1/1 [====]\rPrédiction: Chat\n", None, "progress_bar"),
        ("", None, "wrong_line"),
    ],
)
def test_the_printed_line(printed, index, reason):
    assert ex03.read_line(printed) == (index, reason)
