"""Le correcteur dans ce processus : le corrigé, le squelette, un module qui manque."""

import shutil

import numpy as np
import pytest

from grading import skeleton
from grading.asking import grader
from grading.questions import copies
from grading.reading import submission
from grading.scale import read_scale
from tests.grading import handins

pytestmark = pytest.mark.ci

RULES = {rule.id: rule for each in read_scale().values() for rule in each.rules}
LIGHT = [rule for rule in RULES.values() if rule.exercise == "ex00"]


def test_the_untouched_skeleton_gets_nothing(made, tmp_path):
    skeleton.write_skeletons(["ex00"], tmp_path / "squelette")
    submitted = submission.find(tmp_path / "squelette")
    marks = [made.grade(submitted, rule) for rule in LIGHT]
    assert {(mark.points, mark.reason) for mark in marks} == {(0, "not_done")}


def test_a_needed_module_is_filled_in_only_when_asked(tmp_path, repo):
    folder = tmp_path / "dupont/ex00_convolution"
    folder.mkdir(parents=True)
    shutil.copy(repo / "exercises/ex00_convolution/pooling.py", folder)
    submitted, rule = submission.find(folder.parent), RULES["ex00.pool2d"]
    found = []
    for fill in (False, True):
        made = grader.Grader(grader.Options(seed=1, fill_missing=fill))
        found += [made.grade(submitted, each) for each in (rule, RULES["ex00.conv1d"])]
        made.close()
    assert [(mark.level, mark.reason, mark.detail) for mark in found] == [
        (0, "missing_module", "ex00_convolution/geometry.py"),
        (0, "not_handed_in", "ex00_convolution/operations.py"),
        (1, None, ""),
        (0, "not_handed_in", "ex00_convolution/operations.py"),
    ]


def test_a_workshop_that_dies_costs_nobody_a_mark(tmp_path, repo):
    """Tué par le noyau, faute de mémoire : un autre s'ouvre, et la question est reposée."""
    folder = tmp_path / "dupont/ex00_convolution"
    folder.mkdir(parents=True)
    shutil.copy(repo / "exercises/ex00_convolution/pooling.py", folder)
    submitted = submission.find(folder.parent)
    made = grader.Grader(grader.Options(seed=1, fill_missing=True))
    marks = []
    for name in ("ex00.relu", "ex00.pool2d"):
        marks.append(made.grade(submitted, RULES[name]))
        process = made.workshop("numpy")._process
        process.kill()
        process.wait()
    made.close()
    assert [(mark.level, mark.reason) for mark in marks] == [(1, None)] * 2


def test_a_file_beside_a_module_is_imported_but_hides_nothing(made, tmp_path):
    folder = tmp_path / "dupont/ex00_convolution"
    folder.mkdir(parents=True)
    text = "import colorsys\nfrom outils import seuil\n\n\ndef relu(values):\n"
    text += "    return seuil(values) + 0 * colorsys.ONE_THIRD\n"
    (folder / "pooling.py").write_text(text, encoding="utf-8")
    (folder / "outils.py").write_text("def seuil(x):\n    return x * (x > 0)\n", encoding="utf-8")
    (folder / "colorsys.py").write_text("raise SystemExit\n", encoding="utf-8")
    mark = made.grade(submission.find(folder.parent), RULES["ex00.relu"])
    assert (mark.level, mark.reason, mark.detail) == (1, None, "")


def test_a_trial_at_the_bottom_of_a_file(made, tmp_path):
    """L'image de l'énoncé se lit ; une autre qui manque est dite à la ligne de l'élève."""
    text = "from pathlib import Path\n\nfrom convnets.core.images import open_image\n"
    text += handins.answers("filtres_numpy")["ex01_filters.py"]
    pictures = ("Path(__file__).resolve().parents[1] / 'samples/pont.png'", "'/absent.png'")
    marks = []
    for name, picture in zip(("dupont", "martin"), pictures, strict=True):
        path = tmp_path / name / "ex01_filters.py"
        path.parent.mkdir()
        path.write_text(f"{text}open_image({picture})\n", encoding="utf-8")
        marks.append(made.grade(submission.find(path.parent), RULES["ex01.convolve"]))
    bridge, absent = marks
    assert bridge.level == 1 and absent.reason == "missing_file"
    line = len(text.splitlines()) + 1
    assert absent.detail.startswith("dès l'import du fichier : fichier absent")
    assert f"ligne {line} de ex01_filters.py" in absent.detail
    assert "correction-" not in absent.detail


# --- Ce qui demande Keras ------------------------------------------------------------


@pytest.fixture
def fashion(tmp_path, monkeypatch):
    """fashion(changements, weights=…) -> un rendu d'ex02, et les poids qu'écrit une fonction."""
    monkeypatch.setattr(copies, "shipped", lambda *_: ())  # celui du dépôt, retouché, est à l'élève

    def build(*edits, weights):
        (tmp_path / "models").mkdir()
        text = handins.changed(handins.solution("ex02_fashion"), list(edits), name="dupont")
        (tmp_path / "ex02_fashion.py").write_text(text)
        weights(tmp_path / "models/ex02_fashion.keras")
        return submission.find(tmp_path)

    return build


def reworked(repo, change):
    """Écrit une copie du modèle livré, ses poids changés."""

    def write(path):
        import keras

        model = keras.saving.load_model(repo / "models/ex02_fashion.keras", compile=False)
        (change(model) or model).save(path)

    return write


def noisy(model):
    """Change chaque noyau, un peu."""
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if layer.name.startswith(("conv", "dense")):
            layer.set_weights(
                [w + rng.normal(0, 0.1 * w.std(), w.shape) for w in layer.get_weights()]
            )


@pytest.mark.slow
def test_weights_are_measured_without_the_code_of_the_hand_in(made, fashion, repo):
    handed = fashion(
        ("import keras\nimport numpy", "import keras(\nimport numpy"), weights=reworked(repo, noisy)
    )
    assert made.grade(handed, RULES["ex02.weights"]).level == 1
    assert made.grade(handed, RULES["ex02.train"]).reason == "syntax_error"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "reason"),
    [("hasard", "weights_low"), ("onze", "wrong_number_of_classes"), ("abîmé", "loading_fails")],
)
def test_wrong_weights(made, fashion, repo, kind, reason):
    import keras

    def change(model):
        noisy(model)
        if kind == "hasard":
            return keras.models.clone_model(model)
        if kind == "onze":
            return keras.Model(
                model.inputs, keras.layers.Dense(11, name="onze")(model.layers[-2].output)
            )

    write = reworked(repo, change)
    handed = fashion(
        weights=(lambda path: path.write_bytes(b"PK rien")) if kind == "abîmé" else write
    )
    mark = made.grade(handed, RULES["ex02.weights"])
    assert (mark.level, mark.reason) == (0, reason)
