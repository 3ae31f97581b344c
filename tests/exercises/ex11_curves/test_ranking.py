import numpy as np
import pytest

from convnets.core.reports import Metric, Report, read_report
from exercises.ex11_curves import ranking


def make_report(areas):
    """areas : {nom: (suppression, insertion)}, chacune une liste de valeurs."""
    metrics, curves = {}, {}
    for name, pair in areas.items():
        for curve, values in zip(("deletion", "insertion"), pair, strict=True):
            metrics[f"{curve} {name}"] = ranking.summarise(values)
        deletion = [0.9, 0.7, 0.385, *14 * [0.1]]  # le huitième de l'image : deux pas sur seize
        curves[name] = {"deletion": deletion, "insertion": deletion[::-1]}
    methods = {name: {"title": f"La {name}", "duration_s": 0.25} for name in areas}
    return Report(
        command="essai",
        metrics=metrics,
        num_images={"test": 2},
        details={"curves": curves, "methods": methods},
    )


def test_summarise():
    found = ranking.summarise([0.1, 0.2, 0.6])
    assert found.mean == pytest.approx(0.3) and found.n == 3
    assert found.sd == pytest.approx(np.sqrt(0.07))
    assert found.se == pytest.approx(np.sqrt(0.07 / 3))
    assert ranking.summarise([0.5]) == Metric(0.5, None, 1)


def test_the_table_puts_the_best_first():
    report = make_report({"a": ([0.5, 0.7], [0.5, 0.5]), "b": ([0.1, 0.1], [0.7, 0.9])})
    assert ranking.table(report).splitlines()[2:] == [
        "| La b | 0,100 ± 0,000 | 0,800 ± 0,100 | 51,5 | 0,25 |",
        "| La a | 0,600 ± 0,100 | 0,500 ± 0,000 | 51,5 | 0,25 |",
    ]
    alone = make_report({"a": ([0.5], [0.5])})
    assert ranking.table(alone).splitlines()[2] == "| La a | 0,500 | 0,500 | 51,5 | 0,25 |"


@pytest.mark.ci
def test_the_figure_takes_one_or_many_methods(tmp_path):
    for number in (1, 10):
        report = make_report({f"m{k}": ([0.5, 0.6], [0.5, 0.7 + k]) for k in range(number)})
        path = ranking.save_figure(report, tmp_path / "f" / f"{number}.png")
        assert path.stat().st_size > 5000


def test_shipped_report_is_complete():
    report = read_report("ex11_curves")
    metrics = {name: metric.mean for name, metric in report.metrics.items()}
    assert report.num_images["test"] == 200
    for name in ("occlusion", "lime"):  # l'ordre du hasard est battu, et de loin
        assert metrics[f"deletion {name}"] < metrics["deletion random"] - 0.03
        assert metrics[f"insertion {name}"] > metrics["insertion random"] + 0.03
    assert len(ranking.table(report).splitlines()) == 2 + len(report.details["methods"])
