import keras
import pytest

from convnets.core import paths, reports
from convnets.datasets import sources
from convnets.training import saving
from exercises.ex16_bag_of_words import __main__ as ex16
from exercises.ex16_bag_of_words import dictionary

QUESTION = "S3 Avant le deep"


@pytest.mark.question(QUESTION)
def test_the_network_has_the_size_of_the_bag():
    bag = 108 * 108 + 800 * 109 + (4 * 800 + 1) * 10
    assert ex16.build_cnn().count_params() == pytest.approx(bag, rel=0.1)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_lesson_compares_saves_and_shows(
    as_dataset, eager, unrendered, tmp_path, monkeypatch, capsys
):
    """Un extrait de CIFAR-10, deux petits dictionnaires, un réseau de quelques filtres."""
    dataset = as_dataset("cifar10")
    monkeypatch.setattr(sources, "load_cifar10", lambda: dataset)
    monkeypatch.setattr(paths, "MODELS_DIR", tmp_path / "m")
    monkeypatch.setattr(dictionary, "NUM_PATCHES", 1000)
    monkeypatch.setattr(ex16, "MAX_ITERATIONS", 20)
    for name, value in {"SIZES": (6, 12), "FILTERS": (4, 4, 4)}.items():
        monkeypatch.setattr(ex16, name, value)
    monkeypatch.setattr(ex16.figures, "SIZES", (6, 12))
    with unrendered():
        assert ex16.main(["--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    printed = capsys.readouterr().out
    assert all(label in printed for label in ex16.LABELS.values())
    metrics = reports.read_report("ex16_bag_of_words", models_dir=tmp_path / "m").metrics
    assert metrics["accuracy_hard"] == metrics["hard_12"]
    # Le modèle de Keras et la chaîne de scikit-learn répondent la même chose.
    assert metrics["accuracy"].mean == pytest.approx(metrics["soft_quarters_12"].mean)
    assert metrics["accuracy"].mean > 0.15  # le hasard : 0,1
    names = {path.name for path in (tmp_path / "f").iterdir()}
    assert names == {"comparaison.png", "dictionnaire.png"}
    model = keras.saving.load_model(tmp_path / "m" / "ex16_bag_of_words.keras")
    x_test, y_test = dataset[1]
    assert ex16.evaluate(model, x_test, y_test.squeeze()) == pytest.approx(metrics["accuracy"].mean)


@pytest.mark.ci
def test_an_image_in_words(tmp_path, repo):
    """Avec le sac livré, et une photographie."""
    picture = str(repo / "samples" / "chat.png")
    assert ex16.main([picture, "--output", str(tmp_path)]) == 0
    assert (tmp_path / "chat_mots.png").stat().st_size > 10_000


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_shipped_model(extract):
    x, y = extract("cifar10")
    model = saving.load_model("ex16_bag_of_words")
    assert ex16.evaluate(model, x, y.squeeze()) > 0.57
    measures = reports.load_measures("ex16_bag_of_words").metrics
    known = [measures[f"accuracy{name}"].mean for name in ("_pixels", "_hard", "", "_cnn")]
    assert known == sorted(known) and known[0] > 0.3
