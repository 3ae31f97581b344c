import keras
import numpy as np
import pytest

from convnets.core import reports
from convnets.training import saving
from exercises.ex16_bag_of_words import __main__ as ex16
from exercises.ex16_bag_of_words import dictionary

QUESTION = "S3 Avant le deep"


@pytest.mark.question(QUESTION)
def test_the_network_has_the_size_of_the_bag():
    bag = 108 * 108 + 800 * 109 + (4 * 800 + 1) * 10
    network = ex16.build_cnn()
    convolutions = 4 * 4 * 3 * 32 + 3 * 3 * 32 * 64 + 3 * 3 * 64 * 160
    parameters = convolutions + 4 * (32 + 64 + 160) + (4 * 4 * 160 + 1) * 10
    assert network.count_params() == parameters == pytest.approx(bag, rel=0.1)
    found = network(np.full((2, 32, 32, 3), 255, np.uint8))
    np.testing.assert_allclose(np.sum(found, axis=1), 1, atol=1e-5)


def test_pictures_are_moved_by_three_pixels_at_most_and_mirrored_half_the_time():
    x = np.arange(32 * 32 * 3).reshape(1, 32, 32, 3).repeat(400, axis=0)
    found = ex16.augment(x, indices=None, epoch=0, rng=np.random.default_rng(0))
    padded = np.pad(x[0], [(3, 3), (3, 3), (0, 0)], mode="reflect")
    windows = [padded[i : i + 32, j : j + 32] for i, j in np.ndindex(7, 7)]
    windows = {each.tobytes() for window in windows for each in (window, window[:, ::-1])}
    assert windows > {image.tobytes() for image in found} > {x[0].tobytes()}
    assert np.mean(found[:, 0, 8, 0] > found[:, 0, 23, 0]) == pytest.approx(0.5, abs=0.1)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_lesson_compares_saves_and_shows(
    small_data, eager, unrendered, tmp_path, monkeypatch, capsys, short_runs
):
    """Un extrait de CIFAR-10, deux petits dictionnaires, un réseau de quelques filtres."""
    dataset = small_data("cifar10")
    short_runs(tmp_path / "m")
    monkeypatch.setattr(dictionary, "NUM_PATCHES", 1000)
    monkeypatch.setattr(ex16, "MAX_ITERATIONS", 20)
    for name, value in {"SIZES": (6, 12), "FILTERS": (4, 4, 4)}.items():
        monkeypatch.setattr(ex16, name, value)
    monkeypatch.setattr(ex16.figures, "SIZES", (6, 12))
    with unrendered():
        assert ex16.main(["--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    printed = capsys.readouterr().out
    assert all(label in printed for label in ex16.LABELS.values()) and "━" not in printed
    metrics = reports.read_report("ex16_bag_of_words", models_dir=tmp_path / "m").metrics
    assert metrics["accuracy_hard"] == metrics["hard_12"]
    # Le modèle de Keras et la chaîne de scikit-learn répondent la même chose.
    assert metrics["accuracy"].mean == pytest.approx(metrics["soft_quarters_12"].mean)
    assert metrics["accuracy"].mean > 0.15  # le hasard : 0,1
    names = {path.name for path in (tmp_path / "f").iterdir()}
    assert names == {"comparaison.png", "dictionnaire.png"}
    model = keras.saving.load_model(tmp_path / "m" / "ex16_bag_of_words.keras")
    x_test, y_test = dataset[1]
    assert np.mean(ex16.is_right(model, x_test, y_test.squeeze())) == pytest.approx(
        metrics["accuracy"].mean
    )

    # Mesurée, la leçon a deux témoins de plus, et garde les images de test que chacun classe bien.
    with unrendered():
        found = ex16.run(0, epochs=1)
    assert set(found.metrics) == {*metrics, "drawn_words", "cnn_plain"}
    means = {name: np.mean(right) for name, right in found.kept["pooled"].items()}
    assert means == pytest.approx(found.metrics)


@pytest.mark.ci
def test_an_image_in_words(tmp_path, repo, capsys):
    """Avec le sac livré, et une photographie."""
    picture = str(repo / "samples" / "chat.png")
    assert ex16.main([picture, "--output", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"Figure : {tmp_path}/chat_mots.png\n"
    assert (tmp_path / "chat_mots.png").stat().st_size > 10_000


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_shipped_model(extract):
    x, y = extract("cifar10")
    model = saving.load_model("ex16_bag_of_words")
    assert ex16.is_right(model, x, y.squeeze()).mean() > 0.57
    report = reports.read_report("ex16_bag_of_words")
    assert report.command.endswith(f" --epochs {ex16.EPOCHS}") and report.input_shape == [32, 32, 3]
    measures = reports.load_measures("ex16_bag_of_words").metrics
    known = [measures[f"accuracy{name}"].mean for name in ("_pixels", "_hard", "", "_cnn")]
    assert known == sorted(known) and known[0] > 0.3
