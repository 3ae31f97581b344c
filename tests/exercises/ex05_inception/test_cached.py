import numpy as np
import pytest

from convnets.core import reports
from convnets.datasets import pretrained, sources

QUESTION = "TD keras & CNN, question 2"
pytestmark = [
    pytest.mark.usefixtures("eager"),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
]


def test_cross_validation_never_predicts_what_it_has_seen(ex05, monkeypatch):
    """Une image, un code à elle : qui l'a vue la reconnaît, qui ne l'a pas vue ne peut rien."""
    for name, value in {"LEARNING_RATE": 0.1, "DROPOUT": 0.0, "L2": 0.0}.items():
        monkeypatch.setattr(ex05.head, name, value)  # peu d'époques suffisent
    labels = np.arange(40) % 2
    codes = np.eye(40, dtype=np.float32)  # sans rapport avec la classe
    seen = ex05.head.train_head(codes, labels, seed=0, epochs=3)
    assert ex05.head.accuracy(ex05.head.predict(seen, codes), labels) == 1
    assert ex05.cached.cross_validate(codes, labels, seed=0, epochs=3, num_folds=2) < 0.75
    told = np.repeat(2 * labels[:, None] - 1, 3, 1).astype(np.float32)  # la classe elle-même
    assert ex05.cached.cross_validate(told, labels, seed=0, epochs=3, num_folds=2) == 1


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_the_sequel_passes_the_images_once(
    ex05, tiny_inception, tmp_path, monkeypatch, as_dataset, capsys
):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(pretrained, "inception_v3", tiny_inception)
    monkeypatch.setattr(sources, "load_cifar10", lambda: as_dataset("cifar10"))
    monkeypatch.setattr(ex05.cached, "NUM_FOLDS", 2)
    assert ex05.cached.main(["--limit", "20", "--epochs", "1", "--output", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "une fois dans la base" in printed
    assert all(label in printed for label in ex05.cached.LABELS.values())


@pytest.mark.question(QUESTION)
def test_published_measures_reach_the_goal():
    metrics = reports.load_measures("ex05_inception").metrics
    assert metrics["accuracy"].n >= 3 and metrics["folds_accuracy"].mean >= 0.87
    assert metrics["control_accuracy"].mean < metrics["folds_accuracy"].mean - 0.1
