import dataclasses
import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from convnets.core.reports import Metric
from exercises.ex18_segmentation import comparison
from exercises.ex18_segmentation.measures import measure
from exercises.ex18_segmentation.networks import NAMES_FR


@pytest.fixture
def scenes():
    """Deux scènes d'un tiers de bottines (classe 10), sur fond vide ; `made` comme make_scenes."""
    masks = np.zeros((2, 6, 6), np.uint8)
    masks[:, 2:4] = 10
    images = np.zeros((2, 6, 6, 3), np.uint8)
    scene = SimpleNamespace(images=images, masks=masks)
    return {"train": scene, "val": scene, "test": scene}


@pytest.fixture
def options(tmp_path):
    return SimpleNamespace(
        package="exercises",
        command="ex18_segmentation",
        module="ex18_segmentation",
        seeds=2,
        epochs=3,
        limit=None,
        batch_size=None,
        precision="float32",
        output=tmp_path / "figures",
    )


def make_run(masks, *, seed, val):
    """Une graine : U-Net ne se trompe pas, « plain » perd une ligne, SegNet ne voit que le fond."""
    lost = masks.copy()
    lost[:, 3] = 0
    predicted = {"unet": masks, "plain": lost, "segnet": np.zeros_like(masks)}
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2 + seed)])
    return {
        "models": dict.fromkeys(NAMES_FR, model),
        "history": {
            kind: {"loss": [1.0 + seed], "duration_s": [10.0 + seed, 5.0]} for kind in NAMES_FR
        },
        "val": {kind: {"mean_iou": val} for kind in NAMES_FR},
        "test": {kind: measure(masks, found) for kind, found in predicted.items()},
        "predicted": predicted,
    }


@pytest.fixture
def report(options, scenes):
    runs = [make_run(scenes["test"].masks, seed=s, val=v) for s, v in ((0, 0.4), (1, 0.7))]
    x, y = np.zeros((3, 2, 2), np.uint8), np.arange(3)
    return comparison.make_report(options, runs, scenes, [((x, y), (x, y))] * 2)


def test_the_shipped_seed_is_the_best_on_validation(report):
    assert report.shipped["seed"] == 1 and report.score == 0.7
    assert report.validation.values == [0.4, 0.7] and report.seeds == [0, 1]
    assert report.num_parameters == 6  # le réseau de la graine 1 : 3 poids et 3 décalages
    assert report.history["unet_loss"] == [2.0]


def test_measures_and_durations_cover_all_seeds(report):
    assert report.metrics["unet_mean_iou"] == Metric(1, 0, 2, [1, 1])
    # Une ligne de bottine sur deux perdue : IoU de 1/2 pour elle, de 4/5 pour le fond.
    assert report.metrics["plain_mean_iou"].mean == pytest.approx((1 / 2 + 4 / 5) / 2)
    assert report.metrics["background_mean_iou"].mean == pytest.approx((0 + 2 / 3) / 2)
    assert report.metrics["background_mean_iou"].n == 1  # sans hasard : dite une seule fois
    assert report.details["duration_by_network_s"]["segnet"]["values"] == [15, 16]
    assert report.duration_s.values == [45, 48]


def test_absent_classes_have_no_iou(report):
    json.dumps(dataclasses.asdict(report), allow_nan=False)
    for kind, (ground, boot) in {"unet": (1, 1), "plain": (4 / 5, 1 / 2)}.items():
        found = report.details["iou_by_class"][kind]
        assert found[0] == pytest.approx(ground) and found[10] == pytest.approx(boot)
        assert found[1:10] == [None] * 9
    assert report.confusion_matrix[10][10] == 24 and report.confusion_matrix[0][0] == 48


@pytest.mark.ci
def test_show_prints_every_answer_and_writes_the_figures(report, options, scenes, capsys):
    predicted = dict.fromkeys(NAMES_FR, scenes["test"].masks)
    comparison.show(options, report, scenes["test"], predicted)
    printed = capsys.readouterr().out.splitlines()
    first = printed.index("sans connexions :")
    assert printed[first + 1].split() == [
        "IoU",
        "moyenne",
        "(11",
        "classes)",
        "65,00",
        "%",
        "±",
        "0,00",
    ]
    assert "« fond » partout :" in printed
    assert str(options.output / "scene.png") in printed[-1]
    assert len(list(options.output.rglob("*.png"))) == 3
