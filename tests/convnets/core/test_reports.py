import dataclasses
import json
import math

import pytest

from convnets.core import reports
from convnets.core.paths import MODELS_DIR
from convnets.core.reports import Headline, Metric, Report

METRIC = Metric(0.94125, 0.0012, 3, [0.94, 0.941, 0.942])


def report(**fields):
    return Report("python -m exercises.ex99_essai", {"accuracy": METRIC}, **fields)


def write(folder, found):
    path = folder / "ex99_essai.json"
    reports.replace_report(found, path)
    return path


def test_what_is_written_is_read_again(tmp_path):
    found = report(
        headline=[Headline("accuracy", "exactitude")],
        views=[("crop", 1.0), ("crop", 0.7)],
        input_shape=[None, 257, 1],
        data_sha256={"train": "a", "test": "b"},
        score=0.5,
        duration_s=Metric(3, None, 1, [3]),
        details={"cpu_s": {"cnn": METRIC}, "pairs": (("a", "b"),), "none": None},
    )
    path = write(tmp_path, found)
    again = reports.read_report("ex99_essai", models_dir=tmp_path)
    assert again == found
    assert again.details["cpu_s"]["cnn"]["mean"] == 0.94125
    assert list(tmp_path.iterdir()) == [path]  # rien à côté
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["version"] == reports.VERSION and content["files"] == {}
    assert "calibration" not in content and again.duration_s.sd is None


def test_shipped_reports_are_of_this_version():
    for path in MODELS_DIR.glob("*.json"):
        found = reports.read_report(path.stem)
        content = json.loads(path.read_text(encoding="utf-8"))
        assert content["version"] == reports.VERSION, path
        assert found.exercise == path.stem and found.metrics, path


@pytest.mark.parametrize(
    "change",
    [
        {"metrics": 3},
        {"metrics": {"accuracy": 0.5}},
        {"headline": [3]},
        {"files": ["a.keras"]},
        {"inconnue": 1},
        *({key: None} for key in ("command", "metrics", "files")),
    ],
)
def test_a_field_of_the_wrong_kind_is_refused(tmp_path, change):
    path = write(tmp_path, report())
    content = json.loads(path.read_text(encoding="utf-8"))
    kept = {key: each for key, each in (content | change).items() if each is not None}
    path.write_text(json.dumps(kept), encoding="utf-8")
    with pytest.raises(ValueError, match="abîmé ou incomplet"):
        reports.read_report("ex99_essai", models_dir=tmp_path)


@pytest.mark.parametrize("content", ["", "{", "3", "[]", "{}", '{"files": 3}', "[" * 10**5, "é"])
def test_what_is_not_a_report_is_refused(tmp_path, content):
    (tmp_path / "ex99_essai.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(ValueError, match="abîmé"):
        reports.read_report("ex99_essai", models_dir=tmp_path)


def test_a_missing_report(tmp_path):
    with pytest.raises(FileNotFoundError, match="ex99_rien"):
        reports.read_report("ex99_rien", models_dir=tmp_path)


def test_format_accuracy_and_result():
    found = report()
    spread = "écart type 0,12 ; 3 graines"
    found.metrics["accuracy_tta"] = dataclasses.replace(METRIC, mean=0.95)
    for count, word in ((None, "plusieurs"), (6, "six"), (7, "sept")):
        found.num_views = count
        expected = f"94,12 % en une passe ({spread}), 95,00 % en moyennant {word} vues ({spread})"
        assert reports.format_accuracy(found) == reports.format_result(found) == expected
    found.metrics["gain"] = Metric(7.5, None, 1)
    found.headline = [Headline("accuracy", "exactitude"), Headline("gain", "gain", "dB")]
    assert reports.format_result(found) == f"exactitude : 94,12 % ({spread})"
    found.headline = found.headline[1:]
    assert reports.format_result(found) == "gain : 7,50 dB (1 graine)"
    study = Report("", {"insertion": METRIC})
    assert reports.format_result(study) == "voir docs/laboratoire/resultats.md"


def test_a_seed_that_could_not_measure_leaves_no_mean():
    found = reports.summarise([0.5, float("nan")])
    assert found.n == 2 and math.isnan(found.mean) and math.isnan(found.sd)
    assert reports.summarise([0.5, 0.7]).mean == pytest.approx(0.6)
