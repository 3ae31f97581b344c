"""Appris sans TensorFlow, exporté ensuite : les mêmes poids, et le même compte rendu."""

import pytest

from convnets.core import reports
from convnets.training import export
from recipes import export as command
from recipes import photos

pytestmark = pytest.mark.ci


@pytest.mark.slow
def test_learnt_there_exported_here(small, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(export, "can_export", lambda: False)
        before = small("digits")
    assert "python -m recipes.export digits" in capsys.readouterr().out
    assert set(before.report.files) == {"digits.keras"}
    assert command.main(["digits", "--models-dir", str(tmp_path / "m")]) == 0
    after = reports.read_report("digits", models_dir=tmp_path / "m")
    assert set(after.files) == {"digits.keras", "digits.tflite"}
    assert (after.metrics, after.command) == (before.report.metrics, before.report.command)


def test_a_model_made_of_two_is_refused_before_learning(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(export, "can_export", lambda: False)
    monkeypatch.setattr(photos.pretrained, "inception_v3", lambda **_: pytest.fail("trop tard"))
    assert photos.main(["--models-dir", str(tmp_path), "--output", str(tmp_path / "f")]) == 1
    assert "que là où il est appris" in capsys.readouterr().err
