"""Les dernières lignes d'un entraînement."""

from argparse import Namespace
from pathlib import Path

import pytest

from convnets.core import paths
from convnets.core.reports import Metric, Report
from convnets.training import result


def report(mean, *, seeds=1, test=10_000, unit=1.0):
    sd = 0.0013 if seeds > 1 else None
    return Report(
        command="",
        metrics={"accuracy": Metric(mean, sd, seeds), "gain": Metric(100 * mean * unit, None, 1)},
        shipped={"seed": 0},
        num_images={"test": test},
    )


def told(capsys, folder, **changes):
    known = {"reason": None, "published": report(0.9457, seeds=3), "report": report(0.9341)}
    options = Namespace(module="ex02_fashion", command="ex02_fashion", models_dir=folder)
    known |= changes
    result.tell(options, known.pop("report"), **known)
    return capsys.readouterr().out.splitlines()


def test_what_was_reached_stands_beside_what_is_published(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    lines = told(capsys, tmp_path / "runs" / "ex02_fashion", reason="Le modèle en place reste.")
    assert lines == [
        "Exactitude sur le jeu de test : 93,41 % (1 graine, en une passe) ; le modèle publié : "
        "94,57 % ± 0,13 (3 graines, en une passe).",
        "Poids : runs/ex02_fashion/ex02_fashion.keras (graine 0).",
        "Le modèle en place reste.",
        "Pour s'en servir : ./predict --model runs/ex02_fashion image.png",
    ]


def test_a_shipped_model_is_called_by_its_name(capsys, monkeypatch):
    monkeypatch.chdir(paths.MODELS_DIR.parent)
    lines = told(capsys, paths.MODELS_DIR, published=None)
    assert lines == [
        "Exactitude sur le jeu de test : 93,41 % (1 graine, en une passe).",
        "Poids : models/ex02_fashion.keras (graine 0).",
        "Pour s'en servir : ./predict --model ex02_fashion image.png",
    ]


def test_a_folder_of_several_models_names_one(capsys, tmp_path):
    *_, last = told(capsys, tmp_path / "m")
    assert last == f"Pour s'en servir : ./predict --model {tmp_path}/m/ex02_fashion image.png"


def test_fewer_test_images_are_said(capsys, tmp_path):
    first, *_ = told(capsys, tmp_path, report=report(0.5, test=100))
    assert "50,00 % (1 graine, 100 images, en une passe) ; le modèle publié : 94,57 %" in first


def test_another_measure_and_another_command(capsys, tmp_path):
    shown = result.Shown("gain", "Gain de SI-SDR", "dB")
    options = Namespace(command="ex20_source_separation")
    use = result.own_command(options, "son.wav", folder=tmp_path)
    lines = told(capsys, tmp_path, shown=shown, use=use, published=None)
    assert lines[0] == "Gain de SI-SDR sur le jeu de test : 93,41 dB (1 graine)."
    assert lines[-1] == (
        f"Pour s'en servir : python -m exercises.ex20_source_separation son.wav --models-dir "
        f"{tmp_path}"
    )
    shipped = result.own_command(options, "son.wav", folder=paths.MODELS_DIR)
    assert shipped == "python -m exercises.ex20_source_separation son.wav"


@pytest.mark.parametrize("content", [None, "{", '{"version": 2}'])
def test_an_unreadable_published_report_is_left_out(monkeypatch, tmp_path, content):
    monkeypatch.setattr(paths, "MODELS_DIR", tmp_path)
    if content:
        Path(tmp_path / "ex02_fashion.json").write_text(content, encoding="utf-8")
    assert result.published("ex02_fashion") is None
