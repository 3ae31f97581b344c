import json
from types import SimpleNamespace

import numpy as np
import pytest

from convnets.core import paths, reports
from exercises.ex11_curves import report as ex11_report


def make_report(areas):
    """areas : {nom: (suppression, insertion)}, chacune une liste de valeurs."""
    metrics, curves = {}, {}
    for name, pair in areas.items():
        for curve, values in zip(("deletion", "insertion"), pair, strict=True):
            metrics[f"{curve} {name}"] = ex11_report.summarise(values)
        curves[name] = {"deletion": [0.9, 0.4, 0.1], "insertion": [0.1, 0.6, 0.9]}
    methods = {name: {"title": f"La {name}", "duration_s": 0.25} for name in areas}
    return {"metrics": metrics, "curves": curves, "methods": methods, "num_images": {"test": 2}}


def test_summarise():
    found = ex11_report.summarise([0.1, 0.2, 0.6])
    assert found["mean"] == pytest.approx(0.3) and found["n"] == 3
    assert found["sd"] == pytest.approx(np.sqrt(0.07))
    assert found["se"] == pytest.approx(np.sqrt(0.07 / 3))
    assert ex11_report.summarise([0.5]) == {"mean": 0.5, "sd": None, "se": None, "n": 1}


def test_the_table_puts_the_best_first():
    report = make_report({"a": ([0.5, 0.7], [0.5, 0.5]), "b": ([0.1, 0.1], [0.7, 0.9])})
    assert ex11_report.table(report).splitlines()[2:] == [
        "| La b | 0,100 ± 0,000 | 0,800 ± 0,100 | 0,25 |",
        "| La a | 0,600 ± 0,100 | 0,500 ± 0,000 | 0,25 |",
    ]
    alone = make_report({"a": ([0.5], [0.5])})
    assert ex11_report.table(alone).splitlines()[2] == "| La a | 0,500 | 0,500 | 0,25 |"


def test_the_figure_takes_one_or_many_methods(tmp_path):
    for number in (1, 10):
        report = make_report({f"m{k}": ([0.5, 0.6], [0.5, 0.7 + k]) for k in range(number)})
        path = ex11_report.save_figure(report, tmp_path / "f" / f"{number}.png")
        assert path.stat().st_size > 5000


@pytest.mark.parametrize("limit", [None, 5])
def test_a_trial_never_replaces_the_report(tmp_path, limit):
    options = SimpleNamespace(
        module="ex11_curves", model="ex03_cifar10_light", cell=4, limit=limit, models_dir=tmp_path
    )
    path = ex11_report.write_report({"metrics": {}}, options, trial=limit is not None)
    folder = tmp_path / "runs" / "ex11_curves" if limit else tmp_path
    assert path == folder / "ex11_curves.json"
    report = reports.read_sidecar("ex11_curves", models_dir=folder)
    command = "python -m exercises.ex11_curves --model ex03_cifar10_light --cell 4"
    assert report["command"] == command + (" --limit 5" if limit else "")
    assert list(folder.iterdir()) == [path]  # rien ne reste de l'écriture provisoire


def test_shipped_report_is_complete():
    path = paths.MODELS_DIR / "ex11_curves.json"
    if not path.exists():
        pytest.skip("ex11_curves.json n'est pas encore mesuré")
    report = json.loads(path.read_text(encoding="utf-8"))
    metrics = {name: metric["mean"] for name, metric in report["metrics"].items()}
    assert report["num_images"]["test"] == 200
    for name in ("occlusion", "lime"):  # l'ordre du hasard est battu, et de loin
        assert metrics[f"deletion {name}"] < metrics["deletion random"] - 0.03
        assert metrics[f"insertion {name}"] > metrics["insertion random"] + 0.03
    assert len(ex11_report.table(report).splitlines()) == 2 + len(report["methods"])
