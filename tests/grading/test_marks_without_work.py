"""Des points sans travail : ce qu'un rendu malhonnête a obtenu un jour, et n'obtient plus."""

from fractions import Fraction

import numpy as np
import pytest

from grading import skeleton
from grading.asking import grader, staging
from grading.questions import copies
from grading.reading import submission
from grading.scale import read_scale

RULES = {rule.id: rule for each in read_scale().values() for rule in each.rules}
REWRITTEN = """
import sys

probes = sys.modules.get("inside.probes") or sys.modules["probes"]
ANSWERS = {ANSWERS}
for name in ANSWERS:
    probes.OPERATIONS[name] = lambda name=name, **ignored: ANSWERS[name]
"""
FROZEN = {"trainable": 0, "output": [[1.0]], "maps": [[[[1.0]]]]}
FACTS = {  # ce que le correcteur croirait du processus du rendu
    "record": {"networks": [], "calls": {"frozen_base": {"value": FROZEN}}},
    "export": b"PK",
}


@pytest.mark.slow
def test_a_hand_in_that_rewrites_the_probes_gets_nothing(made, tmp_path):
    folder = tmp_path / "dupont/ex05_inception"
    folder.mkdir(parents=True)
    for name in ("features", "head"):
        text = REWRITTEN.replace("{ANSWERS}", repr(FACTS))
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    submitted = submission.find(folder.parent)
    rules = [rule for rule in RULES.values() if rule.exercise == "ex05"]
    assert {made.grade(submitted, rule).level for rule in rules} == {Fraction(0)}


# --- Les poids d'un autre ------------------------------------------------------------


@pytest.fixture
def hand_in(tmp_path):
    """hand_in("dupont", écrire) -> un rendu d'ex02, et les poids qu'écrit une fonction."""

    def build(name, write, slug="ex02_fashion"):
        (tmp_path / name / "models").mkdir(parents=True)
        (tmp_path / name / f"{slug}.py").write_text("VALEUR = 1\n", encoding="utf-8")
        write(tmp_path / name / f"models/{slug}.keras")
        return submission.find(tmp_path / name)

    return build


def network(*, seed=0, scale=1.0):
    """network(seed=…) -> une fonction qui écrit un petit réseau tiré de cette graine."""

    def write(path):
        import keras
        from keras import layers

        keras.utils.set_random_seed(seed)
        images = keras.Input((28, 28), dtype="uint8")
        x = layers.Flatten()(layers.Rescaling(1 / 255)(images))
        x = layers.Dense(10, activation="softmax")(layers.Dense(8, activation="relu")(x))
        model = keras.Model(images, x)
        model.set_weights([scale * weight for weight in model.get_weights()])
        model.save(path)

    return write


def test_shared_arrays_are_counted():
    rng = np.random.default_rng(0)
    ours = [((8, 8), rng.normal(size=64)), ((4, 9), rng.normal(size=36))]
    retouched = [(shape, 1.001 * values + 1e-4) for shape, values in ours]
    others = [(shape, rng.normal(size=len(values))) for shape, values in ours]
    assert copies.shared(ours, retouched) == 1 and copies.shared(ours, others) == 0
    assert copies.shared(ours, [retouched[1], others[0]]) == 0.5
    noisy = [(shape, values + 0.1 * rng.normal(size=len(values))) for shape, values in ours]
    assert copies.shared(noisy, ours) == 1
    assert copies.shared([], ours) == copies.shared(ours, []) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("slug", "source"), [("ex03_cifar10", "thumbnails"), ("ex04_lenet", "digits")]
)
def test_no_shipped_model_is_a_hand_in_under_another_name(made, hand_in, repo, slug, source):
    shipped = (repo / f"models/{source}.keras").read_bytes()
    dupont = hand_in("dupont", lambda path: path.write_bytes(shipped), slug)
    mark = made.grade(dupont, RULES[f"{slug[:4]}.weights"])
    assert (mark.level, mark.reason, mark.detail) == (0, "weights_copied", f"{source}.keras")


@pytest.mark.slow
def test_the_weights_of_a_neighbour_are_nobodys_until_the_teacher_says(hand_in):
    chosen = {"a": network(), "b": network(scale=1.001), "c": network(seed=1)}
    hand_ins = [hand_in(name, write) for name, write in chosen.items()]
    made = grader.Grader(grader.Options(seed=1), submissions=hand_ins)
    marks = [made.grade(each, RULES["ex02.weights"]) for each in hand_ins]
    made.close()
    found = [(mark.reason, mark.detail) for mark in marks]
    assert found[:2] == [("weights_shared", "b"), ("weights_shared", "a")]
    assert found[2][0] == "weights_low"  # pas appris, mais à lui


@pytest.mark.slow
def test_the_command_of_the_course_earns_nothing_without_weights(made, tmp_path, repo):
    """Un dépôt d'une autre version, ex03 vide, et `--fill-missing` : 2/20 pour rien."""
    skeleton.write_skeletons(["ex03"], tmp_path / "dupont")
    command = tmp_path / "dupont/convnets" / staging.COMMAND
    command.parent.mkdir(parents=True)
    command.write_bytes((repo / "convnets" / staging.COMMAND).read_bytes() + b"# ancien\n")
    script = tmp_path / "martin/predict.py"
    skeleton.write_skeletons(["ex03"], tmp_path / "martin")
    script.write_text(
        "import sys\nfrom convnets.serving.command import main\nsys.exit(main(sys.argv[1:]))\n"
    )
    for name in ("dupont", "martin"):
        mark = made.grade(submission.find(tmp_path / name), RULES["ex03.command"])
        assert mark.level == 0 and mark.reason in ("command_missing", "missing_module"), mark
