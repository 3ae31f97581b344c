"""La courbe de l'exactitude selon les minutes : ce qui est écrit est ce qui a été mesuré."""

import json
import subprocess
from types import SimpleNamespace

import pytest
from PIL import Image

from benchmarks import minutes
from convnets.core.reports import read_report


def test_each_budget_is_trained_once_and_written_as_measured(tmp_path, monkeypatch, capsys):
    trained = []

    def train(asked_min):
        trained.append(asked_min)
        return minutes.Point(asked_min, asked_min + 0.5, 3, 0.5 + asked_min / 100, "essai")

    monkeypatch.setattr(minutes, "train", train)
    where = ["--output", str(tmp_path)]
    assert minutes.main(["--minutes", "4", *where]) == 0
    assert minutes.main(["--minutes", "4", "1", *where]) == 0
    assert trained == [4, 1] and "1 min demandées : 51,0 %" in capsys.readouterr().out
    page = (tmp_path / "minutes.md").read_text(encoding="utf-8")
    assert page.index("| 1,5 | 3 | 51,00 % |") < page.index("| 4,5 | 3 | 54,00 % |")
    assert "| `thumbnails`, publié" in page
    rows = json.loads((tmp_path / "minutes.json").read_text(encoding="utf-8"))
    assert [row["asked_min"] for row in rows] == [1, 4]
    assert Image.open(tmp_path / "minutes.png").width > 300


def test_published_minutes_count_the_steps_before(repo):
    found = {slug: waited for slug, waited, _ in minutes.published()}
    last = read_report("thumbnails", models_dir=repo / "models").duration_s.mean / 60
    assert found["thumbnails"] > 5 * last


def test_a_failed_training_is_said(tmp_path, monkeypatch, capsys):
    failed = SimpleNamespace(returncode=1, stderr="disque plein")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    assert minutes.main(["--minutes", "1", "--output", str(tmp_path)]) == 1
    assert "disque plein" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["abîmé", '[{"a": 1}]', "[1]"])
def test_a_damaged_file_is_said_in_french(tmp_path, capsys, content):
    (tmp_path / "minutes.json").write_text(content, encoding="utf-8")
    assert minutes.main(["--minutes", "1", "--output", str(tmp_path)]) == 1
    assert "minutes.json est abîmé" in capsys.readouterr().err


def test_folders_may_have_spaces(tmp_path, monkeypatch):
    asked = []

    def run(command, **_):
        asked.append(command)
        return SimpleNamespace(returncode=1, stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "mes fichiers"))
    (tmp_path / "mes fichiers").mkdir()
    with pytest.raises(ChildProcessError):
        minutes.train(1)
    folders = [each for each in asked[0] if "mes" in each]
    assert len(folders) == 2 and all("mes fichiers" in each for each in folders)
