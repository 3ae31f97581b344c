"""Combien de couches garder, sur une petite base."""

import pytest

from convnets.core import reports

QUESTION = "S3 Fine-tuning approach"
pytestmark = [
    pytest.mark.usefixtures("eager"),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
]


@pytest.fixture(scope="module")
def ex05():
    from exercises.ex05_inception import layers

    return layers


# --- Combien de couches garder --------------------------------------------------------


@pytest.mark.question(QUESTION)
@pytest.mark.slow
def test_the_whole_study_of_layers(
    trial_arguments, ex05, tiny_blocks, tmp_path, monkeypatch, capfd
):
    monkeypatch.setattr(ex05, "CUTS", ("mixed2", "mixed10"))
    monkeypatch.setattr(ex05, "RELEARNED_AFTER", ("mixed9",))
    monkeypatch.setattr(ex05.top, "EPOCHS", 1)
    assert ex05.main(trial_arguments(tmp_path)) == 0
    printed = capfd.readouterr().out
    assert "12 images pour apprendre, 12 pour mesurer." in printed
    assert not (tmp_path / "m" / "ex05_layers.json").exists()  # un essai ne remplace rien
    folder = tmp_path / "m" / "runs" / "ex05_layers"
    report = reports.read_report("ex05_layers", models_dir=folder)
    titles = ["coupée après mixed2", "coupée après mixed10", "réapprise après mixed9"]
    assert list(report.details["choices"]) == titles
    assert [report.metrics[f"accuracy {title}"].n for title in titles] == [1, 1, 1]
    assert all(choice["duration_s"] > 0 for choice in report.details["choices"].values())
    cut, whole, relearned = report.details["choices"].values()
    assert cut["num_parameters"] < whole["num_parameters"] == tiny_blocks.count_params()
    assert relearned["relearned_parameters"] == 6 * 6  # une convolution 1×1, sans biais
    assert (tmp_path / "f" / "couches.png").stat().st_size > 5000
    assert report.command.endswith("ex05_inception.layers --seeds 1 --epochs 1 --limit 12")


# --- Ce qui est livré -----------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_shipped_study_of_layers_covers_the_issue(shipped_means, ex05):
    metrics = shipped_means("ex05_layers")
    cuts = [metrics[f"accuracy coupée après {name}"] for name in ex05.CUTS]
    assert set(ex05.CUTS) >= {"mixed2", "mixed4", "mixed6", "mixed8", "mixed10"}
    assert cuts[0] < cuts[-1]  # les dernières couches apportent quelque chose
    assert {f"accuracy réapprise après {name}" for name in ex05.RELEARNED_AFTER} <= set(metrics)
