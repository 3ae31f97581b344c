import numpy as np
import pytest

from convnets.core import reports

QUESTION = "S3 Fine-tuning approach"
pytestmark = [
    pytest.mark.usefixtures("eager"),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
]


@pytest.fixture(scope="module")
def forgetting():
    from exercises.ex05_inception import forgetting as ex05_forgetting

    return ex05_forgetting


@pytest.fixture(scope="module")
def tuning():
    from exercises.ex05_inception import fine_tuning

    return fine_tuning


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_a_frozen_base_forgets_nothing_and_a_large_rate_everything(
    forgetting, tuning, tiny_blocks, monkeypatch
):
    """Vérité plantée : la seconde tâche est du bruit, l'apprendre à grands pas détruit tout."""
    monkeypatch.setattr(forgetting, "RATES", (1e-6, 1.0))
    monkeypatch.setattr(forgetting.top, "LEARNING_RATE", 0.1)
    monkeypatch.setattr(forgetting.top, "EPOCHS", 6)
    rng = np.random.default_rng(0)
    _, end = tuning.split_base(tiny_blocks, "mixed8")
    signs = rng.choice([-1, 1], 60)
    maps = (rng.normal(0, 0.1, (60, 5, 5, 6)) + signs[:, None, None, None]).astype(np.float32)
    first, second = (maps, (signs > 0).astype(int)), (maps, rng.integers(0, 2, 60))
    tasks = [{"train": task, "test": task} for task in (first, second)]
    before = end.get_weights()
    found = forgetting.measure_forgetting(end, tasks, epochs=4, seed=0)
    assert list(found)[0] == "first before" and found["first before"] == 1
    assert found["first frozen"] == found["first before"]
    assert found["first 1e-06"] == 1 and found["first 1e+00"] < 0.8
    for initial, weights in zip(before, end.get_weights(), strict=True):
        np.testing.assert_array_equal(initial, weights)  # la base est rendue intacte


@pytest.mark.question(QUESTION)
@pytest.mark.slow
def test_the_whole_study_of_forgetting(
    trial_arguments, forgetting, tiny_blocks, tmp_path, monkeypatch, capfd
):
    monkeypatch.setattr(forgetting, "RATES", (1e-2,))
    monkeypatch.setattr(forgetting.top, "EPOCHS", 1)
    assert forgetting.main(trial_arguments(tmp_path)) == 0
    assert "chat ou chien" in capfd.readouterr().out
    folder = tmp_path / "m" / "runs" / "ex05_forgetting"
    report = reports.read_report("ex05_forgetting", models_dir=folder)
    assert set(report.metrics) == {
        "first before",
        "first frozen",
        "second frozen",
        "first 1e-02",
        "second 1e-02",
    }
    assert report.metrics["first before"] == report.metrics["first frozen"]
    assert report.details["num_images"] == [{"train": 12, "test": 12}] * 2
    assert len({task[split] for task in report.details["data_sha256"] for split in task}) == 4
    assert (tmp_path / "f" / "oubli.png").stat().st_size > 5000


# --- Ce qui est livré --------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_shipped_study_shows_forgetting(shipped_means, forgetting):
    metrics = shipped_means("ex05_forgetting")
    assert metrics["first frozen"] == metrics["first before"]
    worst = metrics[f"first {forgetting.rate_name(max(forgetting.RATES))}"]
    assert worst < metrics["first before"] - 0.2
