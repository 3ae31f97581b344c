import numpy as np
import pytest
from PIL import Image

from convnets.core.reports import Report
from convnets.training.study import summarise

QUESTION = "S3 Un grand nombre d'architectures"


@pytest.fixture(scope="module")
def figs():
    from exercises.ex15_architectures import figures

    return figures


def make_report(seeds):
    """Un compte rendu inventé : exactitude de 20 à 80 %, trois époques."""
    names = ["lenet", "alexnet", "vgg", "resnet", "plain_8", "plain_30", "residual_30"]
    names += ["inception", "inception_twin"]
    accuracies = np.linspace(0.2, 0.8, 9)
    spread = np.arange(seeds) / 100
    metrics, networks = {}, {}
    for name, accuracy in zip(names, accuracies, strict=True):
        metric = "accuracy" if name == "resnet" else f"accuracy_{name}"
        metrics[metric] = summarise(accuracy + spread)
        curve = [summarise(accuracy * k / 3 + spread) for k in (1, 2, 3)]
        networks[name] = {
            "metric": metric,
            "parameters": 1000 * len(name),
            "operations": 10**6 * len(name),
            "duration_s": summarise(12 + spread),
            "curves": {"loss": curve, "val_accuracy": curve},
        }
    return Report(
        command="", metrics=metrics, num_images={"train": 10_000}, details={"networks": networks}
    )


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("seeds", [1, 3])
def test_summary_has_a_line_per_network(figs, seeds):
    lines = figs.summary(make_report(seeds)).splitlines()
    assert lines[0] == (
        f"10 000 images et 3 époques pour tous ; {seeds} graine{'s' * (seeds > 1)}."
    )
    assert len(lines) == 11 and len({len(line) for line in lines[1:]}) == 1
    row = lines[2].split()
    assert row[:4] == ["LeNet", "(1998)", "5", "000"] and row[-1] == "12"
    accuracy = ["20,00", "%"] if seeds == 1 else ["21,00", "%", "±", "1,00"]
    assert row[-1 - len(accuracy) : -1] == accuracy
    assert "30 couches, avec raccourcis" in lines[8] and "Inception" in lines[9]


@pytest.mark.question(QUESTION)
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seeds", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_figures_are_drawn(figs, tmp_path, seeds):
    report = make_report(seeds)
    for save in (figs.save_costs, figs.save_depths):
        path = tmp_path / "sous" / f"{save.__name__}.png"
        save(report, path)
        pixels = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
        assert len(pixels) == 1440 * 480
        for color in ([0, 114, 178], [213, 94, 0], [0, 158, 115]):  # une couleur par réseau
            assert (abs(pixels.astype(int) - color).max(1) < 4).sum() > 50
