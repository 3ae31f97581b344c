import keras
import numpy as np
import pytest
from keras.layers import BatchNormalization

from convnets.core import reports
from convnets.datasets import scenes
from convnets.training import saving
from exercises.ex18_segmentation import __main__ as ex18
from exercises.ex18_segmentation.measures import measure

QUESTION = "S3 Different problems, models & metrics"


# --- Les trois réseaux ---------------------------------------------------------------


def conv(num_in, num_out, side=3):
    return side * side * num_in * num_out


def count(pairs):
    """Convolutions 3 × 3 sans biais, chacune suivie de quatre nombres par carte."""
    return sum(conv(a, b) + 4 * b for a, b in pairs)


DOWN = [(3, 16), (16, 24), (24, 48), (48, 96), (96, 96)]
HEAD = 16 * 11 + 11
EXPECTED = {
    "unet": count([*DOWN, (96, 48), (48, 24), (32, 16)])
    + sum(conv(a, b, 2) + b for a, b in [(96, 48), (48, 24), (24, 16)])
    + HEAD,
    "plain": count([*DOWN, (96, 48), (48, 24), (32, 16)])
    + sum(conv(a, b, 2) + b for a, b in [(96, 96), (48, 48), (24, 32)])
    + HEAD,
    "segnet": count([*DOWN, (96, 48), (48, 48), (48, 24), (24, 24), (24, 16), (16, 16)]) + HEAD,
}


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("kind", EXPECTED)
def test_shapes_and_parameters(kind):
    model = ex18.build_model(kind)
    assert model.output_shape == (None, 64, 64, 11)
    assert model.count_params() == EXPECTED[kind]


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("kind", EXPECTED)
@pytest.mark.parametrize("level", [0, 1])
def test_what_goes_around_the_middle(kind, level):
    """Le fond ne rend plus qu'une constante : ce qui reste passe par les connexions.

    Le U-Net voit encore l'image. Chez SegNet, la place des maximums ne se voit que si la constante
    n'est pas nulle. Le dernier réseau ne voit plus rien.
    """
    keras.utils.set_random_seed(0)
    model = ex18.build_model(kind)
    norm = [layer for layer in model.layers if isinstance(layer, BatchNormalization)][3]
    norm.gamma.assign(np.zeros(96))
    norm.beta.assign(np.full(96, level))
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    first, second = np.asarray(model(images, training=False))
    seen = {"unet": True, "segnet": level > 0, "plain": False}
    assert (abs(first - second).max() > 1e-4) == seen[kind]


# --- La leçon ------------------------------------------------------------------------


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.slow
def test_the_lesson(small_data, eager, unrendered, tmp_path, monkeypatch, capsys, short_runs):
    for name in ("fashion_mnist", "cifar10"):
        small_data(name)
    short_runs(tmp_path)
    with unrendered():
        arguments = ["--epochs", "1", "--limit", "12", "--output", str(tmp_path / "f")]
        assert ex18.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "le même sans connexions" in printed and "« fond » partout" in printed
    report = reports.read_report("ex18_segmentation", models_dir=tmp_path)
    assert set(report.metrics) >= set(reports.load_measures("ex18_segmentation").metrics)

    # Relu, le modèle redonne ce que dit le compte rendu.
    sets = scenes.make_sets(ex18.NUM_SCENES, num_objects=ex18.NUM_OBJECTS, limit=12)
    test = sets["test"]
    model = saving.load_model("ex18_segmentation", models_dir=tmp_path)
    for name, value in measure(test.masks, ex18.predict_masks(model, test.images)).items():
        assert report.metrics[f"unet_{name}"].mean == pytest.approx(value)


@pytest.mark.ci
def test_an_image_is_segmented(repo, tmp_path, capsys):
    scene = str(repo / "web" / "static" / "scenes" / "0.png")
    assert ex18.main([scene, "--output", str(tmp_path)]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    shares = [float(line.split()[-4].replace(",", ".")) for line in lines]
    assert lines[0].startswith("Fond : ") and sum(shares) == pytest.approx(100, abs=0.6)
    assert (tmp_path / "0_masque.png").stat().st_size > 5000 and "0_masque.png" in last
    assert ex18.main([str(repo / "samples" / "avion.png"), "--output", str(tmp_path)]) == 0
    assert "de 527 × 262 pixels, n'est pas une scène" in capsys.readouterr().out


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_shipped_model(extract):
    model = saving.load_model("ex18_segmentation")
    published = reports.load_measures("ex18_segmentation").metrics
    objects, labels = extract("fashion_mnist")
    made = scenes.compose_scenes(
        objects, labels, extract("cifar10")[0], num_scenes=100, num_objects=ex18.NUM_OBJECTS, seed=9
    )
    found = measure(made.masks, ex18.predict_masks(model, made.images))
    assert found["mean_iou"] == pytest.approx(published["unet_mean_iou"].mean, abs=0.08)
