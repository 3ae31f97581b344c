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
    found = streets.score(masks, np.where(masks == VOID, 0, 4))
    assert found["iou_sky"] == 0 and found["iou_pavement"] == 4 / 6
    assert found["mean_iou"] == 2 / 6 and np.isnan(found["iou_car"])


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.slow
def test_the_lesson(
    tiny_streets, eager, unrendered, repo, tmp_path, monkeypatch, capsys, short_runs
):
    short_runs(tmp_path)
    figures = ["--output", str(tmp_path / "f")]
    with unrendered():
        assert streets.main(["--epochs", "1", "--limit", "2", *figures]) == 0
        printed = capsys.readouterr().out
        assert "photographie par photographie" in printed
        proposed = printed.split()[-3:]
        assert proposed[0] == "--model"
        assert streets.main([*proposed, *figures]) == 0
    said = capsys.readouterr().out
    assert "des pixels" in said and "Il connaît mal" in said
    report = reports.read_report("ex18_streets", models_dir=tmp_path)
    assert set(report.details) == {"min_probability", "usual"}
    # Un réseau qui n'a pas appris de rues ne dit rien d'une photographie.
    other = ["--model", str(repo / "models" / "ex18_segmentation")]
    assert streets.main([proposed[-1], *other, *figures]) == 1
    assert "n'est pas un modèle de rues" in capsys.readouterr().err
    assert set(report.metrics) == set(reports.load_measures("ex18_streets").metrics)
