"""Une réponse juste à une opération près : le corrigé, changé de même, la donne aussi."""

import pytest

from exercises import FOLDER
from grading import check, sealed

pytestmark = pytest.mark.ci

CASES = [  # question, ce qui change dans le corrigé, ce qui s'en dit
    ("ex11.area", "np.trapezoid(curve, dx=1 / (len(curve) - 1))", "np.mean(curve)", "la moyenne"),
    (
        "ex11.deletion_and_insertion",
        "pixel_order(each, seed=seed, cell_px=cell_px)",
        "pixel_order(each, seed=seed)",
        "option d'une fonction est oubliée",
    ),
    (
        "ex23.paired_gap",
        "right.astype(np.float64) - reference",
        "reference - right * 1.0",
        "l'envers",
    ),
    ("ex00.conv1d", "in range(len(kernel)):", "in range(len(kernel) - 1):", "dernier tour"),
    ("ex16.triangle_code", "ops.mean(distances, axis=-1,", "ops.mean(distances, axis=1,", "axe"),
    ("ex28.pck", "fraction * torso[:, None]", "fraction * torso.mean()", "une moyenne de tous"),
    (
        "ex28.pck",
        "norm(found - puppets.joints,",
        "norm(found - puppets.joints, 1,",
        "somme des écarts",
    ),
    ("ex00.kernel_gradient", "gradient + patch", "patch", "terme"),
]


def space_of(rule, old="", new=""):
    """Les variables d'un élève dont le programme est celui du corrigé, à une ligne près."""
    path = FOLDER.joinpath(*rule.module.split(".")).with_suffix(".py")
    source = path.read_text(encoding="utf-8")
    assert old in source
    space = {"__name__": "eleve"}
    exec(compile(source.replace(old, new), str(path), "exec"), space)
    return space


@pytest.mark.parametrize(("identifier", "old", "new", "said"), CASES)
def test_the_operation_that_differs_is_named(identifier, old, new, said):
    rule = check.find_rule(identifier)
    verdict = check.answer(rule, space_of(rule, old, new), seed=3)
    assert verdict.credit.reason == "one_operation", verdict.credit
    assert said in verdict.credit.detail


def test_two_operations_are_named_together():
    rule = check.find_rule("ex23.paired_gap")
    space = space_of(rule, "float(gaps.mean()), sum(part", "float(-gaps.sum()), sum(part")
    found = check.answer(rule, space, seed=3).credit
    assert found.reason == "two_operations", found


def test_the_right_answer_is_left_as_it_was():
    rule = check.find_rule("ex11.area")
    before = vars(sealed.module(rule.module))["area"]
    assert not check.answer(
        rule, space_of(rule, "np.trapezoid(curve", "-np.trapezoid(curve"), seed=3
    ).is_right
    assert vars(sealed.module(rule.module))["area"] is before
    assert check.answer(rule, space_of(rule), seed=3).is_right


def test_an_operation_is_not_said_to_who_did_not_write_it():
    rule = check.find_rule("ex11.area")
    source = "np.trapezoid(curve, dx=1 / (len(curve) - 1))"
    answers = [
        check.answer(rule, space_of(rule, source, new), seed=3).credit.detail
        for new in ("curve.mean()", "curve @ np.full(17, 1 / 17)")
    ]
    assert ["la moyenne" in each for each in answers] == [True, False]


def test_what_no_operation_explains_is_not_explained():
    rule = check.find_rule("ex11.area")
    source = "float(np.trapezoid(curve, dx=1 / (len(curve) - 1)))"
    found = check.answer(
        rule, space_of(rule, source, "float(curve[3] ** 3 + 0.123)"), seed=3
    ).credit
    assert found.reason not in ("one_operation", "two_operations")
