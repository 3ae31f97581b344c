import zipfile

import numpy as np
import pytest

from convnets.core import reports
from convnets.training import saving
from exercises.ex19_vision_transformer import __main__ as ex19
from exercises.ex19_vision_transformer import networks

pytestmark = pytest.mark.ci

QUESTION = "S3 The Transformer Wave"
WITNESSES = {"accuracy_dense", "accuracy_nearest"}  # mesurés, mais non appris par la leçon


@pytest.mark.question(QUESTION)
@pytest.mark.slow
def test_the_lesson(eager, unrendered, small_data, tmp_path, monkeypatch, capsys, short_runs):
    """De petits réseaux : un seul bloc, seize jetons de huit valeurs."""
    for module in (networks, ex19):
        monkeypatch.setattr(module, "PATCH_PX", 7)
    sizes = {"WIDTH": 8, "HIDDEN": 8, "DEPTH": 1, "CNN_FILTERS": (4, 4, 4)}
    for name, value in {**sizes, "STEM_FILTERS": (4, 4), "HYBRID_DEPTH": 1}.items():
        monkeypatch.setattr(networks, name, value)
    dataset = small_data("fashion_mnist")
    short_runs(tmp_path)
    with unrendered():
        assert ex19.main(["--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    printed = capsys.readouterr().out
    assert "transformeur sans positions" in printed
    assert {path.stem for path in (tmp_path / "f").iterdir()} == {
        *("transformer", "attention", "attention_hybride", "positions", "vetement")
    }
    report = reports.read_report("ex19_vision_transformer", models_dir=tmp_path)
    published = reports.load_measures("ex19_vision_transformer").metrics
    assert set(report.metrics) == set(published) - WITNESSES
    metrics = {name: metric.mean for name, metric in report.metrics.items()}
    assert metrics["accuracy_no_positions"] == metrics["accuracy_no_positions_shuffled"]

    # Relu, sans rien de nous, le modèle redit son exactitude.
    with zipfile.ZipFile(tmp_path / "ex19_vision_transformer.keras") as archive:
        assert b"exercises" not in archive.read("config.json")
    model = saving.load_model("ex19_vision_transformer", models_dir=tmp_path)
    right = ex19.is_right(model, *dataset[1])
    assert np.mean(right) == pytest.approx(metrics["accuracy"])

    # Mesurée, la leçon a deux témoins de plus, et garde les images de test que chacun nomme bien.
    with unrendered():
        found = ex19.run(0, epochs=1)
    assert set(found.metrics) == {*report.metrics, *WITNESSES}
    means = {name: np.mean(right) for name, right in found.kept["pooled"].items()}
    assert means == pytest.approx(found.metrics)
    assert len(ex19.pool([found.kept["pooled"]])["gaps"]) == len(ex19.PAIRS)


def test_an_image_is_explained(repo, tmp_path, capsys):
    picture = str(repo / "samples" / "chat.png")
    assert ex19.main([picture, "--output", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert str(tmp_path / "chat_attention.png") in said
    assert "en couleurs, n'est pas un vêtement de Fashion-MNIST, de 28 × 28 pixels" in said
    assert (tmp_path / "chat_attention.png").stat().st_size > 3000


@pytest.mark.question(QUESTION)
def test_shipped_model(extract):
    model = saving.load_model("ex19_vision_transformer")
    assert model.count_params() == 60682
    assert ex19.is_right(model, *extract("fashion_mnist")).mean() > 0.75  # 400 images, fixes
    published = reports.load_measures("ex19_vision_transformer").metrics
    metrics = {name: metric.mean for name, metric in published.items()}
    assert metrics["accuracy"] > metrics["accuracy_no_positions"]
    assert metrics["accuracy_cnn"] > metrics["accuracy_hybrid"] > metrics["accuracy"] + 0.01
    assert metrics["accuracy_shuffled"] < metrics["accuracy"] - 0.1
    similarity = ex19.attention.position_similarity(model).reshape(7, 7, 7, 7)
    beside = np.mean([similarity[row, k, row, k + 1] for row in range(7) for k in range(6)])
    assert beside > similarity.mean() + 0.1  # deux places voisines se ressemblent
