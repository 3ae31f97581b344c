import pytest

from convnets.core import reports
from exercises.ex11_curves.__main__ import main
from exercises.ex11_curves.methods import METHODS

pytestmark = pytest.mark.ci


@pytest.mark.question("S3 Introspection d'un CNN")
@pytest.mark.slow
def test_the_whole_lesson(small_data, tmp_path, capsys):
    small_data("cifar10")
    assert main(["--limit", "2", "--output", str(tmp_path)]) == 0
    rows = capsys.readouterr().out.splitlines()
    for method in METHODS.values():
        assert any(row.startswith(f"| {method.title} | 0,") for row in rows), method.title
    report = reports.load_report(tmp_path / "ex11_curves.json")
    assert report.num_images == {"test": 2} and set(report.details["titles"]) == set(METHODS)
    assert (tmp_path / "ex11_curves.png").stat().st_size > 5000


def test_the_published_measures_are_complete():
    report = reports.load_measures("ex11_curves")
    metrics = {name: metric.mean for name, metric in report.metrics.items()}
    assert report.num_images["test"] >= 100
    for name in ("occlusion", "lime"):  # l'ordre du hasard est battu, et de loin
        assert metrics[f"deletion {name}"] < metrics["deletion random"] - 0.03
        assert metrics[f"insertion {name}"] > metrics["insertion random"] + 0.03
    # Image par image : LIME vaut mieux que désigner le milieu, Grad-CAM moins bien.
    lime, grad_cam = (report.metrics[f"deletion_gap {name}"] for name in ("lime", "grad_cam"))
    assert lime.mean + 1.96 * lime.se < 0 < grad_cam.mean - 1.96 * grad_cam.se
