import numpy as np
import pytest

from convnets.core import reports
from convnets.datasets.streets import VOID
from exercises.ex18_segmentation import streets

QUESTION = "S3 Different problems, models & metrics"


def test_what_is_known_without_looking():
    masks = np.array([[[3, 5, VOID]], [[3, 7, VOID]], [[1, 7, 9]]], np.uint8)
    assert streets.most_frequent(masks).tolist() == [[3, 7, 9]]


@pytest.mark.question(QUESTION)
def test_a_pixel_without_a_name_is_not_judged():
    masks = np.array([[[0, 0, 4, VOID]], [[VOID, 4, 4, 4]]], np.uint8)
    counts = streets.matrices(masks, np.where(masks == VOID, 0, 4))
    assert counts.sum(axis=(1, 2)).tolist() == [3, 3]
    assert counts[0, 0, 4] == 2 and counts[:, 4, 4].tolist() == [1, 3]


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_two_answers_are_compared_on_the_same_photographs():
    """Une réponse juste partout contre une qui manque la même moitié de chaque photographie."""
    right, half = np.zeros((2, 40, 11, 11))
    right[:, [0, 1], [0, 1]] = 10
    half[:, 0, 0], half[:, 1, [0, 1]] = 10, 5
    expected = 1 - (10 / 15 + 5 / 10) / 2
    assert streets.paired_gain(right, right) == (0, 0)
    assert streets.paired_gain(right, half) == pytest.approx((expected, 0), abs=1e-9)
    half[:20] = right[:20]  # une photographie sur deux : l'écart dépend de celles qu'on tire
    gain, reach = streets.paired_gain(right, half)
    assert 0.1 < gain < expected and 0.02 < reach < 0.2


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.slow
def test_the_lesson(tiny_streets, eager, unrendered, tmp_path, monkeypatch, capsys, short_runs):
    short_runs(tmp_path)
    with unrendered():
        arguments = ["--epochs", "1", "--limit", "2", "--output", str(tmp_path / "f")]
        assert streets.main(arguments) == 0
    # Ce U-Net-là n'est pas celui qui segmente une photographie : il n'en connaît pas le doute.
    proposed = capsys.readouterr().out.split()[-1]
    asked = [proposed, "--model", str(tmp_path / "ex18_streets"), "--output", str(tmp_path / "f")]
    assert streets.main(asked) == 1
    assert "n'est pas un modèle de rues" in capsys.readouterr().err
    report = reports.read_report("ex18_streets", models_dir=tmp_path)
    assert set(report.metrics) == set(reports.load_measures("ex18_streets").metrics)
