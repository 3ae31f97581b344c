"""`./predict --explain` : une figure à côté de la réponse."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from convnets.explaining.methods import EXPLANATIONS

pytestmark = pytest.mark.question("S3 : ce que regarde le réseau")


@pytest.fixture
def cat(repo):
    return repo / "samples" / "chat.png"


# Celles qui dérivent le réseau chargent Keras ; test_own_model en garde une, sur un petit réseau.
DERIVING = [method for method, entry in EXPLANATIONS.items() if entry.derives]


def check_figure(path):
    with Image.open(path) as figure:
        assert min(figure.size) > 300
        assert len(np.unique(np.asarray(figure.convert("RGB")).reshape(-1, 3), axis=0)) > 100


@pytest.mark.slow
@pytest.mark.parametrize("method", DERIVING)
def test_each_method_writes_a_figure(repo, cat, tmp_path, monkeypatch, capfd, method):
    from convnets.serving import command

    monkeypatch.chdir(repo)
    output = tmp_path / "carte.png"
    assert command.main(["--explain", str(output), "--method", method, str(cat)]) == 0
    printed = capfd.readouterr()
    assert printed.out == "Prédiction: Chat\n" and "Keras" in printed.err
    check_figure(output)


@pytest.mark.parametrize("method", ["occlusion", pytest.param("lime", marks=pytest.mark.slow)])
def test_methods_without_gradient_draw_without_keras(repo, cat, tmp_path, method):
    code = (
        "import sys; from convnets.serving import command;"
        "code = command.main(sys.argv[1:]);"
        "print(code, [m for m in ('keras', 'tensorflow', 'torch') if m in sys.modules])"
    )
    output = tmp_path / "carte.png"
    options = ["--explain", str(output), "--method", method, "--model", "thumbnails_light"]
    result = subprocess.run(
        [sys.executable, "-c", code, *options, str(cat)],
        cwd=repo,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.stdout.splitlines() == ["Prédiction: Chat", "0 []"], result.stderr
    assert "Keras" not in result.stderr
    check_figure(output)


def test_prediction_as_before(run_predict, cat, tmp_path):
    """Par un réseau bien plus court que celui d'usage : son nom ne change rien à ce qui est dit."""
    options = ["--json", "--model", "thumbnails_light"]
    plain = run_predict(*options, cat)
    more = ["--method", "occlusion", "--explain", tmp_path / "c.svg"]
    explained = run_predict(*options, *more, cat)
    assert explained.stdout == plain.stdout and explained.returncode == 0
    assert (tmp_path / "c.svg").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--explain", "carte.txt", "samples/chat.png"], 1, "se termine par"),
        (["--explain", "absent/carte.png", "samples/chat.png"], 1, "dossier absent"),
        (["--explain", "{tmp}/carte.png", "samples"], 2, "une seule image"),
        (
            ["--explain", "{tmp}/carte.png", "samples/chat.png", "samples/avion.png"],
            2,
            "une seule image",
        ),
        (["--explain", "{tmp}/carte.png", "-"], 2, "une seule image"),
        (["--explain", "{tmp}/carte.png", "--method", "regard", "samples/chat.png"], 2, "regard"),
        (["--method", "lime", "samples/chat.png"], 2, "--method choisit"),
        (["--explain", "{tmp}/carte.png", "/dev/null"], 2, "une seule image"),
        (["--explain", "{tmp}/carte.png", "absente.png"], 1, "absente.png"),
        (["--explain", "{tmp}/carte.png", "README.md"], 1, "README.md"),
        (
            ["--explain", "{tmp}/carte.png", "--model", "garments", "samples/chat.png"],
            1,
            "en couleurs",
        ),
    ],
)
def test_wrong_inputs(run_predict, tmp_path, arguments, code, message):
    result = run_predict(*[text.replace("{tmp}", str(tmp_path)) for text in arguments])
    error = result.stderr.decode()
    assert result.returncode == code and message in error and "Traceback" not in error
    assert not [*tmp_path.iterdir()]


def test_the_figure_never_replaces_the_picture(run_predict, cat, tmp_path):
    picture = tmp_path / "moi.png"
    picture.write_bytes(cat.read_bytes())
    (tmp_path / "lien.png").symlink_to(picture)
    for figure in ("moi.png", "lien.png"):
        done = run_predict("--explain", figure, "./moi.png", cwd=tmp_path)
        assert done.returncode == 1 and done.stdout == b""
        assert "est l'image elle-même".encode() in done.stderr
    assert picture.read_bytes() == cat.read_bytes()


def test_settings_of_the_user_change_nothing(run_predict, cat, tmp_path):
    """Un autre moteur de Keras, un style de matplotlib qui demande LaTeX, un dossier absent."""
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\ninconnu: 1\n")
    (tmp_path / "keras.json").write_text('{"image_data_format": "channels_first"}')
    env = {"KERAS_BACKEND": "jax", "MPLBACKEND": "aucun", "HOME": "/proc/absent"}
    env |= {"MATPLOTLIBRC": str(tmp_path), "KERAS_HOME": str(tmp_path)}
    options = ["--model", "thumbnails_light", "--explain", tmp_path / "c.png"]
    done = run_predict(*options, cat, env=env)
    assert done.returncode == 0 and (tmp_path / "c.png").stat().st_size > 1000
    assert done.stderr.decode() == "grad_cam dérive le réseau : Keras se charge…\n"


def test_a_folder_where_nothing_can_be_written(repo, cat, tmp_path, run_predict):
    import os

    if os.getuid() == 0:
        pytest.skip("root écrit partout")
    tmp_path.chmod(0o500)
    result = run_predict("--method", "occlusion", "--explain", tmp_path / "c.png", cat)
    assert result.returncode == 1 and "Traceback" not in result.stderr.decode()


def test_the_figure_explains_the_class_that_was_printed(repo, cat, tmp_path, monkeypatch):
    """La classe et la probabilité sont celles de la réponse, toutes vues comprises."""
    from convnets.explaining import explain
    from convnets.serving.classifier import Classifier, Result

    shown = []
    monkeypatch.setattr(explain, "save_explanation", lambda drawn, *_, **__: shown.append(drawn))
    probabilities = np.full(10, 0.04, np.float32)
    probabilities[8] = 0.64  # comme si les autres vues avaient vu un bateau
    classifier = Classifier()
    explain.explain(
        Result(str(cat), probabilities, None, classifier), tmp_path / "c.png", name="occlusion"
    )
    assert shown[0].class_index == 8 and shown[0].class_fr == "Bateau"
    assert shown[0].probability == pytest.approx(0.64)
    [own] = classifier.classify([str(cat)])
    explain.explain(own, tmp_path / "c.png", name="occlusion")
    assert shown[1].class_fr == "Chat"
    assert shown[1].probability == pytest.approx(max(own.probabilities))


def test_the_figure_says_that_an_unfamiliar_picture_is_unsure(cat, tmp_path, monkeypatch):
    from convnets.explaining import explain, maps
    from convnets.serving.classifier import Classifier, Result

    titles = []

    def draw(subject, explanation, _, *, method):
        titles.append(maps.describe(subject, explanation, method=method))

    monkeypatch.setattr(explain, "save_explanation", draw)
    classifier = Classifier()
    [known] = classifier.classify([str(cat)])
    strange = Result(str(cat), known.probabilities, None, classifier, familiarity=-1e9)
    for result in (known, strange):
        explain.explain(result, tmp_path / "c.png", name="occlusion")
    assert maps.UNFAMILIAR not in titles[0]
    assert titles[1].split("\n")[1] == maps.UNFAMILIAR
