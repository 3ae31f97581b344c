"""`check` : la question du correcteur, posée aux fonctions de l'appelant, sans rien laisser."""

import json
import os
import random
import sys
import types
from fractions import Fraction

import numpy as np
import pytest

from grading import check, report, sealed
from grading.asking import differences, grader
from grading.questions import ex10, ex13, ex14, ex16, ex17, ex18, ex21, ex22, ex24
from tests.grading import handins


def space(source, **names):
    """Les variables globales d'une fiche où l'élève a écrit ce code."""
    found = {"np": np, "__name__": "__main__", **names}
    exec(compile(source, "fiche.py", "exec"), found)
    return found


RIGHT = "def positions(n, patch, step): return [*range(0, n - patch, step), n - patch]"
SHORT = "def positions(n, patch, step): return list(range(0, n - patch + 1, step))"
CRASHES = "def positions(n, patch, step):\n    return n[0]"
ELSEWHERE = "def first(n):\n    return n[0]\ndef positions(n, patch, step): return first(n)"
NOTHING = "def positions(n, patch, step): list(range(n))"


def said(identifier, source, **options):
    verdict = check.answer(check.find_rule(identifier), space(source))
    return "\n".join(check.rows(verdict, **options))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (RIGHT, ["ex07.positions ✓ juste"]),
        (
            SHORT,
            [
                "acquis : quand le pas tombe juste — à faire : partout, le dernier carré",
                "attendu : list",
                "Le dernier carré ne touche pas le bord",
                'check("ex07.positions", hint=True)',
            ],
        ),
        (CRASHES, ["TypeError, ligne 2 de la cellule", "acquis : rien encore"]),
        (ELSEWHERE, ["TypeError, ligne 2 de la cellule de `first`"]),
        (NOTHING, ["reçu : None, il manque un `return`", "positions(6, 6, 2)"]),
        ("", ["La fonction demandée n'est pas dans le fichier qui est jugé. (positions)"]),
    ],
)
def test_a_verdict_says_what_is_reached_and_what_remains(source, expected):
    text = " ".join(said("ex07.positions", source).split())
    for part in expected:
        assert part in text, text


def test_a_right_function_that_changes_what_it_receives_is_told_so():
    source = "def relu(values):\n    values[values < 0] = 0\n    return values"
    text = " ".join(said("ex00.relu", source).split())
    assert text.startswith("ex00.relu ✓ juste Remarque : La fonction change, sur place,")
    assert "(`values`)" in text


INTEGERS = """
from scipy import ndimage

def near_contour(masks, *, distance_px=2):
    size = 1, 2 * distance_px + 1, 2 * distance_px + 1
    return (ndimage.maximum_filter(masks, size) != ndimage.minimum_filter(masks, size)).astype(int)
"""


def test_integers_for_booleans_are_told_to_who_is_right():
    text = " ".join(said("ex18.near_contour", INTEGERS).split())
    assert text == (
        "ex18.near_contour ✓ juste Remarque : Ce sont des nombres, et le corrigé rend des booléens."
    )


FILTERS = "def as_filters(kernels, num_channels):\n    return {}"
STACKED = "np.stack([np.stack(kernels, axis=-1)] * num_channels, axis=2)"


@pytest.mark.parametrize(
    ("written", "remark"),
    [
        (f"{STACKED}.astype(np.float32)", ""),
        (
            f"{STACKED}.astype(np.float64)",
            " Remarque : Ces nombres sont en float64, et ceux du corrigé en float32.",
        ),
    ],
)
def test_doubles_for_singles_are_told_to_who_is_right(written, remark):
    text = " ".join(said("ex01.as_filters", FILTERS.format(written)).split())
    assert text == f"ex01.as_filters ✓ juste{remark}"


WORDS = """
def to_words(numbers):
    kept = [CAPTIONS.words[number] for number in numbers]
    kept = kept[: kept.index(END)] if END in kept else kept
    words = [word for word in kept if word not in ("", START)]
    return """


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("words", "✓ juste"),
        ("tuple(words)", "✓ juste"),
        ("[START, *words]", "La fin est bonne, mais il y a des éléments de trop avant. (1 élément"),
        ("words[1:]", "La fin est bonne, mais le début manque."),
        ("[*dict.fromkeys(words)]", "Un élément qui se répète n'est gardé qu'une fois."),
        ("' '.join(words)", "Une chaîne est rendue, au lieu d'une liste."),
        ("[CAPTIONS.numbers[word] for word in words]", "des nombres qui sont rendus, au lieu de"),
        ("words[: kept.index('')]", "ValueError"),
        ("[f'{word}s' for word in words]", "0 sur 4 sont justes ; dans l'appel montré"),
    ],
)
def test_a_list_of_words_is_told_how_it_differs(returned, expected):
    grammar = vars(sealed.module("ex25_captions.grammar"))
    names = {name: grammar[name] for name in ("CAPTIONS", "START", "END")}
    verdict = check.answer(check.find_rule("ex25.to_words"), space(WORDS + returned, **names))
    assert expected in " ".join(" ".join(check.rows(verdict)).split())


NEAREST = """
def at_rate(rates, values, rate):
    np.log(np.zeros(1))
    return values[int(np.argmin(np.abs(np.subtract(rates, rate))))]
"""


def test_only_the_warnings_of_the_pupil_are_heard(recwarn):
    """Ceux du corrigé, appelé avec d'autres arguments, en montreraient une ligne."""
    assert "pas encore" in said("ex24.at_rate", NEAREST)
    assert {each.filename for each in recwarn} == {"fiche.py"}


def test_an_exception_is_said_once():
    """Certains appels répondent, d'autres s'arrêtent : l'appel manqué et la cause se suivent."""
    stops = "def positions(n, patch, step):\n    if (n - patch) % step: [][0]\n    return "
    text = said("ex07.positions", stops + RIGHT.partition("return ")[2])
    assert text.count("IndexError, ligne 2") == 1 and "sur une exception." in text


def test_the_bars_of_keras_are_silent_and_what_the_pupil_prints_is_not(monkeypatch, capsys):
    class Bar:
        def update(self, current):
            print("1/1 ━━━━")

    update = Bar.update
    utils = types.SimpleNamespace(Progbar=Bar)
    monkeypatch.setitem(sys.modules, "keras", types.SimpleNamespace(utils=utils))
    with check._without_bars():
        Bar().update(1)
        print("de l'élève")
    assert capsys.readouterr().out == "de l'élève\n" and Bar.update is update


def test_a_wrong_function_makes_those_that_call_it_wait():
    source = """
def output_size(size, kernel, *, stride=1, padding=0, dilation=1):
    return (size - kernel) // stride
def conv1d(signal, kernel, *, stride=1, padding=0, dilation=1, flip=False):
    num = output_size(len(signal), len(kernel), stride=stride, padding=padding, dilation=dilation)
    return [sum(signal[k + j] * kernel[j] for j in range(len(kernel))) for k in range(num)]
"""
    text = said("ex00.conv1d", source)
    assert "Attend `output_size`" in text and 'check("ex00.output_size")' in text
    assert "forme" not in text and "acquis" not in text, "une fausse piste"


WITHOUT_PHASE = """
from exercises.ex20_source_separation.spectrograms import istft
def apply_masks(mixtures, masks, num_samples):
    return np.stack([istft(m * abs(mixtures), num_samples) for m in (masks, 1 - masks)], axis=1)
"""


def test_a_function_that_is_not_written_is_taken_from_the_course():
    text = said("ex20.apply_masks", WITHOUT_PHASE)
    assert "`mixtures` privé de sa phase" in text and "Attend" not in text


def test_what_the_question_calls_is_named_before_what_the_function_calls():
    text = said("ex20.apply_masks", WITHOUT_PHASE + "def stft(sounds, window=512): return 0 / 0")
    assert "Attend `stft`" in text  # et non `istft`, qui est juste


def test_nothing_is_left_behind(capsys):
    before = random.getstate(), np.random.get_state()[1].tolist(), os.getcwd(), {*sys.modules}
    check.check("ex07.fill_color")  # rien de ce nom ici : la fonction manque
    assert "n'est pas dans le fichier" in capsys.readouterr().out
    after = random.getstate(), np.random.get_state()[1].tolist(), os.getcwd()
    assert after == before[:3]
    assert not {"messages", "probes", "models"} & ({*sys.modules} - before[3])


def test_the_course_of_the_caller_is_not_the_reference(monkeypatch):
    import exercises.ex16_bag_of_words.dictionary as theirs

    monkeypatch.setattr(theirs, "normalise", lambda patches: patches)
    text = said("ex16.normalise", "def normalise(patches): return patches")
    assert "✓" not in text and sealed.module("ex16_bag_of_words.dictionary") is not theirs


@pytest.mark.parametrize(
    ("identifier", "mistakes"),
    [
        ("ex16.normalise", ex16.NORMALISED),
        ("ex17.iou", ex17.IOU),
        ("ex17.average_precision", ex17.AREAS),
        ("ex22.softmax", ex22.SOFTMAX),
        ("ex22.cross_entropy", ex22.LOSSES),
        ("ex24.psnr", ex24.PSNR),
        ("ex24.ssim", ex24.SSIM),
        ("ex24.at_rate", ex24.READ),
        ("ex24.quantise", ex24.QUANTISED),
        pytest.param("ex24.principal_axes", ex24.AXES, marks=pytest.mark.ci),
        ("ex10.fit_linear", ex10.FITTED),
        ("ex13.feature_distance", ex13.DISTANCES),
        ("ex14.content_loss", ex14.CONTENTS),
        pytest.param("ex18.iou", ex18.IOU, marks=pytest.mark.ci),
        pytest.param("ex18.near_contour", ex18.NEAR, marks=pytest.mark.ci),
        pytest.param("ex18.measure", ex18.MEASURED, marks=pytest.mark.ci),
        pytest.param("ex21.grid_graph", ex21.GRIDS, marks=pytest.mark.ci),
        pytest.param("ex21.undirected_graph", ex21.LINKED, marks=pytest.mark.ci),
    ],
)
def test_a_mistake_that_is_known_is_named(identifier, mistakes):
    rule = check.find_rule(identifier)
    ours = vars(sealed.module(rule.module))
    assert check.answer(rule, {**ours}).is_right
    for mistake in mistakes:
        found = check.answer(rule, {**ours, rule.name: mistake.compute})
        assert found.credit.reason == mistake.reason


def test_a_vague_reason_says_what_the_scale_still_asks():
    rule = check.find_rule("ex07.drops")
    mark = grader.Mark("dupont", rule, Fraction(1, 2), "wrong_values", "")
    assert (
        "(à faire : la moyenne des baisses, pour des carrés qui se recouvrent)"
        in report.explain(mark)[0]
    )


def smooth_with(body):
    space = {"np": np, "__name__": "moi"}
    exec(compile(f"def smooth(images, share):\n    {body}\n", "moi.py", "exec"), space)
    return check.answer(check.find_rule("ex06.smooth"), space, seed=0).credit


def test_a_loop_without_end_is_stopped_and_its_line_said(monkeypatch):
    monkeypatch.setattr(check, "LIMIT_S", 1)
    found = smooth_with("while True: pass")
    assert (found.reason, found.detail) == ("timeout", "ligne 2 de la cellule")


def test_a_long_list_of_boxes_is_shown_by_its_first_ones():
    frames = [np.arange(12.0).reshape(3, 4) + row for row in range(30)]
    said = check.shown(frames)
    assert len(said) < 250 and said.startswith("[[[0.0, 1.0") and said.endswith("… 30 éléments]")
    assert check.shown(frames[:1]).endswith("11.0]]]")


def test_a_function_that_calls_itself_is_shown_calling_itself():
    found = smooth_with("return (lambda: smooth(images, share))()")
    assert "smooth → <lambda> → smooth" in found.detail


def test_an_unknown_question_is_said_in_french():
    with pytest.raises(ValueError, match="au choix : ex07.fill_color"):
        check.find_rule("ex07.rien")


def test_what_is_asked_of_files_is_sent_to_the_command(capsys):
    check.check("ex02.weights")
    assert "python -m grading DOSSIER --exercises ex02" in capsys.readouterr().out


@pytest.mark.ci
@pytest.mark.skipif(sys.platform != "linux", reason="un rendu ne s'enferme que sous Linux")
def test_a_network_of_a_notebook_is_asked_in_a_process_of_its_own():
    text = handins.answers("fashion_simple")["ex02_fashion.py"]
    cells = ["", text, text.replace('Conv2D(32, 3, activation="relu")', "Conv2D(32, 3)")]
    known = {"get_ipython": None, "In": [*cells, 'check("ex02.non_linearity")']}
    found = check.answer(check.find_rule("ex02.non_linearity"), known)
    assert found.credit.reason == "relu_partly"


@pytest.mark.ci
@pytest.mark.skipif(sys.platform != "linux", reason="un rendu ne s'enferme que sous Linux")
def test_a_notebook_is_asked_before_its_last_functions_are_written():
    text = handins.solution("ex05_inception.features")
    known = {"get_ipython": None, "In": ["", text, 'check("ex05.make_generator")']}
    assert check.answer(check.find_rule("ex05.make_generator"), known).is_right


def test_a_cell_that_only_checks_is_not_of_the_program(tmp_path):
    """Sinon, chaque vérification changerait le programme, qui serait exécuté de nouveau."""
    cells = ["", "x = 1", 'check("ex02.train")\ncheck("ex02.output", hint=True)', "%time x"]
    path = check._program({"get_ipython": None, "In": cells}, tmp_path)
    kept = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert [each["source"] for each in kept] == ["x = 1", "%time x"]


WITHOUT_BATCH = """
def convolve(image, filters, *, border="reflect"):
    return tf.nn.conv2d(image.astype("float32"), filters, 1, "SAME").numpy()
"""


def test_a_picture_without_its_batch_does_not_stop_python():
    import tensorflow as tf

    found = check.answer(check.find_rule("ex01.convolve"), space(WITHOUT_BATCH, tf=tf)).credit
    assert (found.reason, found.detail) == (
        "batch_missing",
        "il en a reçu trois, ligne 3 de la cellule",
    )


TWO_WAYS = """
def undirected_graph(num_nodes, pairs, weights):
    senders, receivers = np.concatenate([pairs, pairs[:, ::-1]]).T
    return num_nodes, senders, receivers, {}
"""


@pytest.mark.ci
@pytest.mark.parametrize(
    ("features", "reason", "shown"),
    [
        ("weights[:, None]", "fields_of_other_lengths", "`features` : 4"),
        ("np.tile(weights, 2)[:, None] + 1", "plus_a_number", "c'est le champ `features`"),
        ("(np.tile(weights, 2) % 3 + 1)[:, None]", "features_wrong", "arcs sur 8 sont justes"),
        ("np.tile(weights, (2, 2)).T", "features_of_other_width", "`features` (8, 2)"),
    ],
)
def test_the_wrong_field_of_a_graph_is_named(features, reason, shown):
    identifier, source = "ex21.undirected_graph", TWO_WAYS.format(features)
    found = check.answer(check.find_rule(identifier), space(source), seed=0).credit
    assert found.reason == reason
    assert shown in " ".join(said(identifier, source).split())


def test_an_empty_answer_is_a_wrong_shape():
    rule = check.find_rule("ex22.convolution")
    ours = vars(sealed.module(rule.module))

    class Cut(ours["Convolution"]):
        def backward(self, dy):
            return super().backward(dy)[:, self.padding : -self.padding]

    assert check.answer(rule, {**ours, "Convolution": Cut}).credit.reason == "one_side_wrong"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # Un axe de trop : le corrigé le rendrait aussi, si un de ses nombres comptait mal les axes.
        ("return np.stack([(1 - t) * noise + t * images for t in times])", "un axe de trop"),
        # Ce seul instant ressemble à d'autres, mal rangés, et décalés d'un nombre par ligne.
        ("return (1 - times[0]) * noise + times[0] * images", "la valeur du premier sert"),
    ],
)
def test_the_likeliest_explanation_is_the_one_said(body, expected):
    text = " ".join(said("ex26.travel", f"def travel(noise, images, times):\n    {body}").split())
    assert expected in text, text


RNG = np.random.default_rng(0)
MAP = RNG.normal(size=(4, 5, 3))
CELLS = RNG.normal(size=(6, 6)) * 300


@pytest.mark.parametrize(
    ("found", "expected", "reason"),
    [
        (MAP.transpose(1, 0, 2), MAP, "axes_swapped"),
        (CELLS.T, CELLS, "axes_swapped"),
        (MAP[..., None], MAP, "other_axes"),
        (MAP, MAP.mean(), "mean_forgotten"),
        (MAP, MAP.sum(0), "sum_forgotten"),
        (MAP.mean(), MAP, "reduced_too_much"),
        (MAP[:, 0, 0][:, None] * MAP[:, 0, 0], MAP[:, 0, 0], "every_pair"),
        (MAP[:3], MAP, "some_missing"),
        (MAP, MAP[:, :4], "some_extra"),
        (-MAP, MAP, "negated"),
        (MAP[:, ::-1], MAP, "axis_reversed"),
        (abs(MAP), MAP, "signs_lost"),
        (np.maximum(MAP, 0), MAP, "negatives_zeroed"),
        (MAP, np.maximum(MAP, 0), "negatives_kept"),
        (np.clip(CELLS, 0, 255), CELLS, "bounded"),
        (np.clip(MAP, -1, 1), MAP, "bounded"),
        (np.stack([MAP[-1]] * 4), MAP, "last_everywhere"),
        (CELLS, np.clip(CELLS, 0, 255), "not_bounded"),
        (np.floor(CELLS), CELLS, "truncated"),
        (CELLS, np.rint(CELLS), "not_truncated"),
        (np.rint(CELLS) % 256, np.rint(CELLS), "integer_overflow"),
        (MAP / 7, MAP, "times_a_number"),
        (np.trunc(255 * MAP), MAP, "other_scale"),
        (100 * MAP, MAP, "other_scale"),
        ([21.4, 43.9], [0.214, 0.439], "other_scale"),
        (np.roll(MAP, (1, 2, 1), (0, 1, 2)), MAP, "rolled"),
        (MAP + 1, MAP, "plus_a_number"),
        (3 * MAP + 1, MAP, "stretched"),
        (MAP**2, MAP, "squared"),
        (np.sqrt(abs(MAP)), abs(MAP), "root_taken"),
        (np.log(abs(MAP)), abs(MAP), "logarithm_taken"),
        (np.exp(MAP), MAP, "exponential_taken"),
        (np.roll(MAP, 1, 0), MAP, "rolled"),
        (MAP.ravel()[RNG.permutation(MAP.size)].reshape(MAP.shape), MAP, "reordered"),
        (1.0 * (MAP < 0), 1.0 * (MAP >= 0), "complemented"),
        (np.where(abs(MAP) < 0.5, 0, MAP), MAP, "zeros_left"),
        (MAP, np.where(abs(MAP) < 0.5, 0, MAP), "zeros_filled"),
        (np.zeros_like(MAP), MAP, "all_equal"),
        (np.pad(CELLS[1:-1, 1:-1], 1), CELLS, "wrong_border"),
        (MAP * [1, 1, 2], MAP, "wrong_slice"),
        (RNG.normal(size=MAP.shape), MAP, None),
        (RNG.normal(size=(2, 2)), MAP, None),
    ],
)
def test_what_explains_a_difference(found, expected, reason):
    pair = np.asarray(found, float), np.asarray(expected, float)
    assert differences.explain([pair, pair]) == reason
