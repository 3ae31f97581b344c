from types import SimpleNamespace

import pytest

from convnets.core.reports import Metric, Report, read_report
from exercises.ex11_curves.comparison import write_report


@pytest.mark.parametrize("limit", [None, 5])
def test_a_trial_never_replaces_the_report(tmp_path, limit):
    options = SimpleNamespace(
        module="ex11_curves", model="thumbnails_light", cell=4, limit=limit, models_dir=tmp_path
    )
    found = {"deletion lime": Metric(0.2, None, 1, se=None)}
    path = write_report(Report(command="", metrics=found), options, trial=limit is not None)
    folder = tmp_path / "runs" / "ex11_curves" if limit else tmp_path
    assert path == folder / "ex11_curves.json"
    report = read_report("ex11_curves", models_dir=folder)
    command = "python -m exercises.ex11_curves --model thumbnails_light --cell 4"
    assert report.command == command + (" --limit 5" if limit else "")
    assert list(folder.iterdir()) == [path]  # rien ne reste de l'écriture provisoire
