"""La commande entière, à peu d'images, et les figures."""

import inspect
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from convnets.core import reports
from convnets.datasets import sources
from convnets.training import export, saving
from exercises.ex22_by_hand import __main__ as ex22
from exercises.ex22_by_hand import comparison, figures, gradients, loops, network
from tests.conftest import load_extract

pytestmark = pytest.mark.ci

SLUG = "ex22_by_hand"
PICTURES = {"boucles.png", "mesures.png", "filtres.png", "courbes.png", "confusion.png"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Un entraînement sur 270 chiffres ; les boucles ont leurs tests, et `--show` dessine."""
    x, y = load_extract("mnist")
    folder, shown = tmp_path_factory.mktemp("ex22"), []
    arguments = ["--models-dir", str(folder / "m"), "--output", str(folder / "f")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "run_loops", lambda x, y: LOSSES)
        patch.setattr(comparison, "show", lambda options, report, *_: shown.append(report))
        patch.setattr(gradients, "make_cases", lambda seed=0: {"ReLU": CASE})
        patch.setattr(sources, "load_mnist", lambda: ((x[:300], y[:300]), (x[300:], y[300:])))
        assert ex22.main(["--epochs", "2", "--batch-size", "30", *arguments]) == 0
    return SimpleNamespace(folder=folder, arguments=arguments, x=x, y=y, shown=shown)


CASE = gradients.Case([gradients.Relu()], np.linspace(-1, 1, 4).reshape(1, 2, 2, 1))
LOSSES = {name: [2.0, 1.0 + k / 1e6] for k, name in enumerate(loops.LOOPS)}


def test_figures_in_a_file_are_refused_at_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sources, "load_mnist", lambda: pytest.fail("lit les données"))
    (tmp_path / "notes.md").touch()
    for arguments in ([], ["--check"]):
        assert ex22.main([*arguments, "--output", str(tmp_path / "notes.md")]) == 1
        assert "notes.md n'est pas un dossier" in capsys.readouterr().err


@pytest.mark.question("S4, backpropagation pour CNN ?")
def test_main_checks_trains_measures_and_writes(trained):
    report = reports.read_report(SLUG, models_dir=trained.folder / "m")
    assert report.command == (
        f"python -m exercises.{SLUG} --seeds 1 --epochs 2 --batch-size 30 --precision float32"
    )
    assert report.num_images == {"train": 270, "val": 30, "test": 100}
    assert report.parameters == {"cnn": 7946, "frozen": 7946, "linear": 7850}
    assert report.num_parameters == 7946 and report.framing == "digit"
    names = {name for name, _ in comparison.HEADLINE}
    assert {*report.metrics} == names and {shown.metric for shown in report.headline} == names
    assert all(metric.n == 1 for metric in report.metrics.values())
    assert report.metrics["accuracy"].mean > report.metrics["accuracy_constant"].mean + 0.1
    curves = {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert {name: len(each) for name, each in report.history.items()} == {
        **dict.fromkeys(curves, 2),
        "duration_s": 6,
    }
    assert report.details["losses"] == LOSSES
    assert [*report.details["gradients"]] == ["ReLU"]
    assert [each.metrics for each in trained.shown] == [report.metrics]


def test_the_shipped_files_answer_like_numpy(trained):
    """Relu par Keras seul, puis par le moteur de ./predict : l'exactitude mesurée en NumPy."""
    report = reports.read_report(SLUG, models_dir=trained.folder / "m")
    x, y = trained.x[300:], trained.y[300:]
    model = saving.load_model(SLUG, models_dir=trained.folder / "m")
    found = model.predict(x, verbose=0)
    assert (found.argmax(1) == y).mean() == pytest.approx(report.shipped["accuracy"])
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    content = (trained.folder / "m" / f"{SLUG}.tflite").read_bytes()
    assert (export.export_guesses(content, x) == found.argmax(1)).all()


def test_show_redraws_without_training(trained, unrendered, capsys):
    (trained.folder / "f").mkdir()
    with unrendered():
        assert ex22.main(["--show", *trained.arguments]) == 0
    printed = capsys.readouterr().out
    assert "CNN, filtres appris" in printed and "GradientTape" in printed
    assert "différences finies" in printed and "époque" not in printed
    assert {path.name for path in (trained.folder / "f").iterdir()} == PICTURES


@pytest.mark.parametrize(
    "more", [["--resume"], ["--minutes", "1"], ["--precision", "mixed_bfloat16"]]
)
def test_what_the_loop_does_not_know_is_refused_at_once(more, tmp_path, capsys):
    assert ex22.main([*more, "--models-dir", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert "ne connaît ni --resume, ni --minutes, ni --precision" in captured.err
    assert captured.out == "" and not [*tmp_path.iterdir()]


# --- Les parties ---------------------------------------------------------------------


def test_accuracies_are_those_of_each_network():
    """Réseau, filtres figés, linéaire, constant : aucun n'est pris pour un autre."""

    class Answers:
        weights = gradients = ()

        def __init__(self, wanted):
            self.wanted = wanted

        def forward(self, x):
            return np.eye(10)[np.full(len(x), self.wanted)]

    networks = {name: [Answers(each)] for each, name in enumerate(comparison.NETWORKS)}
    y = np.array([0] * 4 + [1] * 3 + [2] * 2 + [9])
    controls = {"twin": networks | {"constant": 9}}
    found = comparison.evaluate(controls, "twin", np.zeros((10, 28, 28), np.uint8), y)
    assert {name: found[f"accuracy{name}"] for name in ("", "_frozen", "_linear", "_constant")} == {
        "": 0.4,
        "_frozen": 0.3,
        "_linear": 0.2,
        "_constant": 0.1,
    }
    assert found["probabilities"].argmax(1).tolist() == [0] * 10


def test_predict_joins_its_passes(extract, monkeypatch):
    x, _ = extract("mnist")
    layers = network.build_layers(seed=0)
    whole = network.forward(layers, network.to_floats(x[:25]))
    monkeypatch.setattr(comparison, "PASS", 10)
    np.testing.assert_allclose(comparison.predict(layers, x[:25]), whole, atol=1e-5)


@pytest.mark.question("S4, training loop")
@pytest.mark.parametrize("name", loops.LOOPS)
def test_the_figure_reads_the_loops_in_their_source(name):
    lines = figures.read_loop(name)
    source = inspect.getsource(getattr(loops, name))
    assert len(lines) * figures.LINE_HEIGHT < 1 and max(map(len, lines)) <= 80  # tient au cadre
    assert all(f"    {line}".rstrip() in source.splitlines() for line in lines)
    assert lines[-1].startswith("return ") and not any('"""' in line for line in lines)
    found = [gestures for gestures in map(figures.find_gestures, lines) if gestures]
    assert found == ([[1, 2, 3, 4]] if name == "with_fit" else [[1], [2], [3], [4]])


@pytest.mark.parametrize("absent", [None, "with_torch"])
def test_loops_are_drawn_with_and_without_torch(absent, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path: drawn.append(figure))
    losses = {name: each for name, each in LOSSES.items() if name != absent}
    figures.save_loops(losses, tmp_path / "boucles.png")
    *panels, curves, gaps = drawn[0].axes
    titles = [panel.get_title("left") for panel in panels]
    assert titles[:2] == ["NumPy, à la main", "Keras, GradientTape"]
    assert titles[2] == "PyTorch" + " (absent de cette machine)" * (absent is not None)
    assert [len(panel.collections) for panel in panels] == [4, 4, 4, 4]  # un geste par couleur
    assert len(curves.lines) == len(losses) == len(gaps.lines)  # là, la tolérance au lieu de NumPy
    assert "3e-06 d'écart" in curves.get_title()


# --- Les poids livrés ----------------------------------------------------------------


def test_the_published_measures_hold_together(shipped_means):
    means = shipped_means(SLUG)
    assert means["accuracy"] >= 0.975
    assert means["accuracy"] > means["accuracy_frozen"] > means["accuracy_linear"] > 0.9
    assert means["accuracy_constant"] == pytest.approx(0.1135)  # les 1 du jeu de test
    report = reports.read_report(SLUG)
    assert report.metrics["accuracy"].n == 3
    assert loops.largest_gap(report.details["losses"]) <= loops.TOLERANCE


def test_predict_names_a_digit_with_the_shipped_weights(extract, tmp_path, run_predict):
    x, y = extract("mnist")
    Image.fromarray(255 - x[0]).resize((112, 112)).save(tmp_path / "chiffre.png")
    done = run_predict("--model", SLUG, tmp_path / "chiffre.png")
    assert done.stdout.decode() == f"Prédiction: {y[0]}\n", done.stderr


@pytest.mark.slow
def test_the_shipped_weights_on_the_whole_test_set():
    _, (x, y) = sources.load_mnist()
    report = reports.read_report(SLUG)
    found = saving.load_model(SLUG).predict(x, batch_size=500, verbose=0).argmax(1)
    assert (found == y).mean() == pytest.approx(report.shipped["accuracy"], abs=1e-4)
    matrix = np.array(report.confusion_matrix)
    assert np.trace(matrix) / matrix.sum() == pytest.approx(report.shipped["accuracy"])


@pytest.mark.slow
def test_the_lesson_reaches_its_floor(tmp_path):
    folders = ["--models-dir", str(tmp_path / "m"), "--output", str(tmp_path / "f")]
    assert ex22.main(folders) == 0
    report = reports.read_report(SLUG, models_dir=tmp_path / "m")
    assert report.metrics["accuracy"].mean >= 0.975
