"""Deux vraies paires, et le réseau livré : le tableau, la figure, et ce que la leçon en dit."""

import numpy as np
import pytest

from convnets.core import reports
from convnets.datasets import stereo
from exercises.ex28_pose_and_depth import real_pairs

QUESTION = "S3, relief"


@pytest.mark.ci
@pytest.mark.slow
def test_a_plane_is_measured_by_every_method(monkeypatch, tmp_path, capsys):
    """Un plan, à six pixels de décalage : SGM n'y a presque pas de faute, la médiane aucune."""
    noise = np.random.default_rng(0).integers(0, 256, (60, 186)).astype(np.uint8)
    pair = np.stack([noise[:, :180], noise[:, 6:]])
    truth = np.full((60, 180), 6.0)
    truth[:, :20] = stereo.UNKNOWN  # non mesuré : n'est pas compté
    for name in ("aloe", "motorcycle"):
        monkeypatch.setattr(stereo, f"load_{name}", lambda width_px: (pair, truth))
    metrics = real_pairs.witnesses()
    assert metrics["moto_constant"] == 0 and metrics["moto_sgm"] < 0.02
    assert set(metrics) == set(reports.load_measures("ex28_real_pairs_witnesses").metrics)
    assert real_pairs.main(["--output", str(tmp_path)]) == 0
    assert "SGM, confirmé et complété" in capsys.readouterr().out
    assert (tmp_path / "vraies_paires.png").exists()


def test_the_published_measures_say_what_the_lesson_says():
    metrics = reports.load_measures("ex28_real_pairs_witnesses").metrics
    means = {name: metric.mean for name, metric in metrics.items()}
    assert means["moto_network"] > means["moto_small"] > means["moto_checked"] > means["moto_sgm"]
