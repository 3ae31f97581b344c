"""`./predict --explain` : une figure à côté de la réponse."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from convnets.explaining import explain, methods, verdict
from convnets.explaining.methods import EXPLANATIONS
from convnets.serving import command
from convnets.serving.batches import Result
from convnets.serving.classifier import Classifier
from convnets.serving.say import Answer

pytestmark = pytest.mark.question("S3 : ce que regarde le réseau")
LIGHT = ["--model", "thumbnails"]


@pytest.fixture
def cat(repo):
    return repo / "samples" / "chat.png"


def check_figure(path):
    with Image.open(path) as figure:
        assert min(figure.size) > 300
        assert len(np.unique(np.asarray(figure.convert("RGB")).reshape(-1, 3), axis=0)) > 100


@pytest.mark.slow
@pytest.mark.parametrize("method", [name for name, each in EXPLANATIONS.items() if each.derives])
def test_each_method_writes_a_figure(repo, cat, tmp_path, monkeypatch, capfd, method):
    monkeypatch.chdir(repo)
    output = tmp_path / "carte.png"
    assert command.main(["--explain", str(output), "--method", method, str(cat)]) == 0
    printed = capfd.readouterr()
    assert printed.out == "Prédiction: Chat\n" and "Keras" in printed.err
    check_figure(output)


@pytest.mark.ci
@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("convnets.serving.command", ["--explain", "{tmp}/c.png", *LIGHT]),
        ("convnets.serving.command", ["--explain", "{tmp}/c.png", "--method", "lime", *LIGHT]),
        ("exercises.ex07_occlusion", ["--output", "{tmp}"]),
        ("exercises.ex10_lime", ["--output", "{tmp}"]),
    ],
)
@pytest.mark.slow
def test_methods_without_gradient_never_import_keras(repo, cat, tmp_path, module, arguments):
    """Un piège sur l'import : importer Keras puis l'oublier se verrait aussi."""
    code = f"""
import importlib, sys
class Trap:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("keras", "tensorflow", "torch", "jax"):
            raise ImportError("importé : " + name)
sys.meta_path.insert(0, Trap())
raise SystemExit(importlib.import_module({module!r}).main(sys.argv[1:]))
"""
    words = [each.replace("{tmp}", str(tmp_path)) for each in arguments]
    command = [sys.executable, "-c", code, *words, str(cat)]
    done = subprocess.run(command, cwd=repo, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "Chat" in done.stdout, done.stderr
    for path in tmp_path.glob("*.png"):
        check_figure(path)
    assert [*tmp_path.glob("*.png")]


@pytest.mark.ci
def test_prediction_as_before(run_predict, cat, tmp_path):
    plain = run_predict("--json", *LIGHT, cat)
    more = ["--method", "occlusion", "--explain", tmp_path / "c.svg"]
    explained = run_predict("--json", *LIGHT, *more, cat)
    assert explained.stdout == plain.stdout and explained.returncode == 0
    assert (tmp_path / "c.svg").stat().st_size > 1000


@pytest.mark.ci
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--explain", "absent/carte.png", "samples/chat.png"], 1, "dossier absent"),
        (["--explain", "{tmp}/c.png", "samples"], 2, "une seule image"),
        (["--explain", "{tmp}/c.png", "--method", "regard", "samples/chat.png"], 2, "regard"),
        (["--method", "lime", "samples/chat.png"], 2, "--method choisit"),
        (["--explain", "{tmp}/c.png", "README.md"], 1, "README.md"),
        (
            ["--explain", "{tmp}/c.png", "--method", "grad_cam", "--model", "digits"]
            + ["samples/chat.png"],
            1,
            "couleurs",
        ),
    ],
)
def test_wrong_inputs(run_predict, tmp_path, arguments, code, message):
    result = run_predict(*[text.replace("{tmp}", str(tmp_path)) for text in arguments])
    error = result.stderr.decode()
    assert result.returncode == code and message in error and "Traceback" not in error
    assert not [*tmp_path.iterdir()]


def test_the_figure_has_a_known_format_and_never_replaces_the_picture(cat, tmp_path):
    picture = tmp_path / "moi.png"
    picture.write_bytes(cat.read_bytes())
    (tmp_path / "lien.png").symlink_to(picture)
    for figure in ("moi.png", "lien.png"):
        with pytest.raises(ValueError, match="est l'image elle-même"):
            explain.check_output(tmp_path / figure, str(picture))
    with pytest.raises(ValueError, match="se termine par"):
        explain.check_output(tmp_path / "carte.txt", str(picture))
    assert picture.read_bytes() == cat.read_bytes()
    (tmp_path / "ancienne.svg").write_text("une figure")
    for figure in ("ancienne.svg", "nouvelle.PNG"):
        for shown in (str(picture), "absente.png"):  # son absence est dite ailleurs
            explain.check_output(tmp_path / figure, shown)
    assert (tmp_path / "ancienne.svg").read_text() == "une figure"
    assert not (tmp_path / "nouvelle.PNG").exists()  # rien n'est écrit avant le calcul


def test_what_a_map_counts_and_which_methods_load_keras():
    found = {name: (each.unit, each.derives) for name, each in EXPLANATIONS.items()}
    assert found == {
        "grad_cam": (methods.RELATIVE, True),
        "grad_cam_plus_plus": (methods.RELATIVE, True),
        "saliency": (methods.SCORE_PER_LEVEL, True),
        "smooth_grad": (methods.SCORE_PER_LEVEL, True),
        "integrated_gradients": (methods.SCORE, True),
        "occlusion": (methods.POINTS, False),
        "lime": (methods.POINTS, False),
    }


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (None, ""),
        ("grad_cam", "grad_cam dérive le réseau : Keras se charge…\n"),
        ("saliency", "saliency dérive le réseau : Keras se charge…\n"),
        ("lime", ""),
    ],
)
def test_the_wait_for_keras_is_said(monkeypatch, capsys, method, message):
    monkeypatch.setattr(explain, "explain", lambda *_, name: print(name))
    command._explain(SimpleNamespace(method=method, explain="c.png"), None)
    assert capsys.readouterr() == (f"{method or 'occlusion'}\n", message)


@pytest.mark.ci
def test_settings_of_the_user_change_nothing(run_predict, cat, tmp_path):
    """Un autre moteur de Keras, un style de matplotlib qui demande LaTeX, un dossier absent."""
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\ninconnu: 1\n")
    (tmp_path / "keras.json").write_text('{"image_data_format": "channels_first"}')
    env = {"KERAS_BACKEND": "jax", "MPLBACKEND": "aucun", "HOME": "/proc/absent"}
    env |= {"MATPLOTLIBRC": str(tmp_path), "KERAS_HOME": str(tmp_path)}
    done = run_predict(*LIGHT, "--explain", tmp_path / "c.png", cat, env=env)
    assert done.returncode == 0 and (tmp_path / "c.png").stat().st_size > 1000
    assert done.stderr == b""


def test_the_figure_explains_the_class_that_was_printed(cat, tmp_path, monkeypatch):
    """La classe et la probabilité sont celles de la réponse, et non celles de la seule vue lue."""
    drawn = []
    monkeypatch.setattr(explain, "save_explanation", lambda *found, **_: drawn.append(found))
    probabilities = np.full(10, 0.04, np.float32)
    probabilities[8] = 0.64  # comme si d'autres vues avaient vu un bateau
    classifier = Classifier(LIGHT[1])
    for familiar in (None, False):
        answer = Answer(classifier.classes, probabilities, familiar)
        result = Result(str(cat), answer, None, classifier)
        explain.explain(result, tmp_path / "c.png", name="occlusion")
    subject, explanation, _ = drawn[0]
    assert subject.class_index == 8 and subject.class_fr == "Bateau"
    assert subject.probability == pytest.approx(0.64)
    # La carte compte un score : cette réponse est si sûre que sa probabilité ne bougerait pas.
    assert explanation.unit == methods.SCORE and explanation.values.max() > 0.05
    assert verdict.UNFAMILIAR not in verdict.describe(subject, explanation, method="Occlusion")
    strange = verdict.describe(drawn[1][0], explanation, method="Occlusion")
    assert strange.split("\n")[1] == verdict.UNFAMILIAR


def test_a_model_of_grey_pictures_is_explained_and_shown_in_three_equal_colours(
    cat, tmp_path, monkeypatch
):
    drawn = []
    monkeypatch.setattr(explain, "save_explanation", lambda *found, **_: drawn.append(found))
    classifier = Classifier("digits")
    (result,) = classifier.classify([str(cat)])
    explain.explain(result, tmp_path / "c.png", name="occlusion")
    ((subject, explanation, _),) = drawn
    assert subject.image.shape == (28, 28, 3) and explanation.values.shape == (28, 28)
    for k in range(3):
        np.testing.assert_array_equal(subject.image[..., k], classifier.prepare(cat))
