import keras
import pytest

from convnets.core import paths, reports
from convnets.datasets import sources
from convnets.training import saving

pytestmark = pytest.mark.ci

QUESTION = "S3 Avant le deep"


@pytest.fixture(scope="module")
def ex16():
    from exercises.ex16_bag_of_words import __main__ as ex16_bag_of_words

    return ex16_bag_of_words


@pytest.fixture
def small(ex16, as_dataset, monkeypatch, tmp_path):
    """Un extrait de CIFAR-10, deux petits dictionnaires, des réseaux de quelques filtres."""
    from exercises.ex16_bag_of_words import classifier, dictionary

    dataset = as_dataset("cifar10")
    monkeypatch.setattr(sources, "load_cifar10", lambda: dataset)
    monkeypatch.setattr(paths, "MODELS_DIR", tmp_path / "m")
    monkeypatch.setattr(dictionary, "NUM_PATCHES", 1000)
    monkeypatch.setattr(classifier, "MAX_ITERATIONS", 20)
    for name, value in {"SIZES": (6, 12), "LONG": 2, "FILTERS": (4, 4, 4)}.items():
        monkeypatch.setattr(ex16.comparison, name, value)
    monkeypatch.setattr(ex16.figures, "SIZES", (6, 12))
    return dataset


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_lesson_compares_saves_and_shows(ex16, small, eager, unrendered, tmp_path, repo, capsys):
    with unrendered():
        assert ex16.main(["--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    printed = capsys.readouterr().out
    assert all(label in printed for label in ex16.comparison.LABELS.values())
    report = reports.read_report("ex16_bag_of_words", models_dir=tmp_path / "m")
    metrics = report.metrics
    assert metrics["accuracy_hard"] == metrics["hard_12"]
    # Le modèle de Keras et la chaîne de scikit-learn répondent la même chose.
    assert metrics["accuracy"].mean == pytest.approx(metrics["soft_quarters_12"].mean)
    assert metrics["accuracy"].mean > 0.15  # le hasard : 0,1
    assert min(metrics[f"cpu_s{name}"].mean for name in ("", "_pixels", "_cnn", "_cnn_long")) > 0
    names = {path.name for path in (tmp_path / "f").iterdir()}
    assert names == {"comparaison.png", "dictionnaire.png"}
    model = keras.saving.load_model(tmp_path / "m" / "ex16_bag_of_words.keras")
    x_test, y_test = small[1]
    found = ex16.comparison.evaluate(model, x_test, y_test.squeeze())
    assert found == pytest.approx(metrics["accuracy"].mean)


def test_an_image_in_words(ex16, tmp_path, repo, capsys):
    """Avec le sac livré, et une photographie."""
    picture = str(repo / "samples" / "chat.png")
    assert ex16.main([picture, "--output", str(tmp_path)]) == 0
    assert (tmp_path / "chat_mots.png").stat().st_size > 10_000


def test_too_few_images_are_refused(ex16, small, tmp_path, capsys):
    assert ex16.main(["--limit", "8", "--output", str(tmp_path)]) == 1
    assert "Augmentez --limit" in capsys.readouterr().err


@pytest.mark.ci
def test_the_figure_of_the_published_measures(ex16, tmp_path):
    metrics = reports.load_measures("ex16_bag_of_words").metrics
    ex16.figures.save_comparison(metrics, tmp_path / "sac.png")
    assert (tmp_path / "sac.png").stat().st_size > 20_000


@pytest.mark.question(QUESTION)
def test_shipped_model(ex16, extract):
    x, y = extract("cifar10")
    model = saving.load_model("ex16_bag_of_words")
    assert ex16.comparison.evaluate(model, x, y.squeeze()) > 0.57
    measures = reports.load_measures("ex16_bag_of_words").metrics
    means = {name: metric.mean for name, metric in measures.items()}
    assert means["accuracy"] > means["accuracy_hard"] > means["accuracy_pixels"] > 0.3
