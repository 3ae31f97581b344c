import pytest

from convnets.core import reports
from exercises.ex21_graphs import __main__ as ex21
from exercises.ex21_graphs import figures, images, real_graphs

QUESTION = "S3, réseaux de graphes"


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.slow
def test_the_lesson(small_data, eager, tmp_path, monkeypatch, capsys, short_runs):
    """La leçon entière : des réseaux étroits, un tirage, un pas."""
    small_data("fashion_mnist")
    short_runs(tmp_path)
    monkeypatch.setattr(ex21, "BATCH_SIZE", 135)
    monkeypatch.setattr(real_graphs, "STEPS", 1)
    monkeypatch.setattr(real_graphs, "NUM_DRAWS", 1)
    monkeypatch.setattr(figures, "DEPTHS", range(2))
    for name, value in {"UNITS": 8, "ALONE_UNITS": 8, "DEPTH": 1}.items():
        monkeypatch.setattr(images, name, value)
    assert ex21.main(["--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    printed = capsys.readouterr().out
    assert "[1 4 3 4 1]" in printed and "propagation d'étiquettes" in printed
    written = {path.stem: path.stat().st_size for path in (tmp_path / "f").iterdir()}
    assert set(written) == {"mesures", "club", "champ"} and min(written.values()) > 10_000
    report = reports.read_report("ex21_graphs", models_dir=tmp_path)
    assert set(report.metrics) <= set(reports.load_measures("ex21_graphs").metrics)
