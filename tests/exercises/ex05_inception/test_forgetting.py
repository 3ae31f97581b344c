import numpy as np
import pytest

from convnets.core import reports

QUESTION = "S3 Fine-tuning approach"
pytestmark = [
    pytest.mark.usefixtures("eager"),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
]


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.slow
def test_a_frozen_base_forgets_nothing_and_a_large_rate_everything(ex05, tiny_blocks, monkeypatch):
    """Vérité plantée : la seconde tâche est du bruit, l'apprendre à grands pas détruit tout."""
    tuning = ex05.forgetting.fine_tuning
    monkeypatch.setattr(ex05.forgetting, "RATES", {"frozen": None, "petit": 1e-6, "grand": 1.0})
    monkeypatch.setattr(tuning.top, "LEARNING_RATE", 0.1)
    monkeypatch.setattr(tuning.top, "EPOCHS", 6)
    rng = np.random.default_rng(0)
    _, end = tuning.split_base(tiny_blocks, "mixed8")
    signs = rng.choice([-1, 1], 60)
    maps = (rng.normal(0, 0.1, (60, 5, 5, 6)) + signs[:, None, None, None]).astype(np.float32)
    first, second = (maps, (signs > 0).astype(int)), (maps, rng.integers(0, 2, 60))
    tasks = [{"train": task, "test": task} for task in (first, second)]
    before = end.get_weights()
    found = ex05.forgetting.measure_forgetting(end, tasks, epochs=4, seed=0)
    assert found["first before"].all() and found["first frozen"].all()
    assert found["first petit"].all() and found["first grand"].mean() < 0.8
    gaps = ex05.forgetting.pool([found, found])["gaps"]
    assert set(gaps) == {"first petit", "second petit", "first grand", "second grand"}
    assert gaps["first petit"] == [0, 0, 0] and gaps["first grand"][0] > 0.2
    for initial, weights in zip(before, end.get_weights(), strict=True):
        np.testing.assert_array_equal(initial, weights)  # la base est rendue intacte


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_the_whole_study_of_forgetting(ex05, tiny_blocks, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ex05.forgetting, "RATES", {"frozen": None, "1e-02": 1e-2})
    monkeypatch.setattr(ex05.forgetting.fine_tuning.top, "EPOCHS", 1)
    assert ex05.forgetting.main(["--epochs", "1", "--limit", "50", "--output", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "hauts" in printed and "1e-02" in printed
    assert (tmp_path / "oubli.png").stat().st_size > 5000


@pytest.mark.question(QUESTION)
def test_published_study_shows_forgetting(ex05):
    metrics = reports.load_measures("ex05_forgetting").metrics
    assert metrics["first frozen"] == metrics["first before"]
    worst = metrics[f"first {list(ex05.forgetting.RATES)[-1]}"]
    assert worst.mean < metrics["first before"].mean - 0.2
