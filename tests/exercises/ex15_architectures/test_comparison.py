import keras
import numpy as np
import pytest

QUESTION = "S3 Architectures en image"


@pytest.fixture(scope="module")
def comparison():
    from exercises.ex15_architectures import comparison as ex15_comparison

    return ex15_comparison


@pytest.mark.question(QUESTION)
def test_augment_only_moves_and_mirrors(comparison, extract):
    images = extract("cifar10")[0][:24]
    out = comparison.augment(images, indices=None, epoch=0, rng=np.random.default_rng(0))
    assert out.dtype == np.uint8 and out.shape == images.shape
    pad = comparison.SHIFT_PX
    mirrored = 0
    for image, got in zip(images, out, strict=True):
        padded = np.pad(image, ((pad, pad), (pad, pad), (0, 0)), mode="reflect")
        moves = [
            padded[r : r + 32, c : c + 32] for r in range(2 * pad + 1) for c in range(2 * pad + 1)
        ]
        kept = any((move == got).all() for move in moves)
        mirrored += (not kept) and any((move[:, ::-1] == got).all() for move in moves)
        assert kept or any((move[:, ::-1] == got).all() for move in moves)
    assert 4 < mirrored < 20


@pytest.mark.question(QUESTION)
def test_all_networks_share_the_recipe(comparison):
    assert list(comparison.BUILDERS) == [
        "lenet",
        "alexnet",
        "vgg",
        "resnet",
        "plain_8",
        "plain_30",
        "residual_30",
        "inception",
        "inception_twin",
    ]
    metrics = {
        "accuracy" if name == comparison.SHIPPED else f"accuracy_{name}"
        for name in comparison.BUILDERS
    }
    assert set(comparison.HEADLINE) <= metrics and len(comparison.COSTS) == 9


@pytest.mark.question(QUESTION)
def test_evaluate_tells_the_networks_apart(comparison):
    """Trois réseaux qui répondent toujours la même classe : leurs exactitudes sont connues."""
    images = keras.Input((32, 32, 3), dtype="uint8")
    models = {}
    for name, answer in (("lenet", 2), ("resnet", 5), ("plain_8", 9)):
        x = keras.layers.Rescaling(0.0)(keras.layers.Flatten()(images))
        dense = keras.layers.Dense(10, activation="softmax")
        models[name] = keras.Model(images, dense(x))
        dense.set_weights([np.zeros((3072, 10)), np.eye(10)[answer]])
    y = np.array([[2], [5], [5], [5], [1], [9], [9], [0]], np.uint8)
    found = comparison.evaluate(models, models["resnet"], np.zeros((8, 32, 32, 3), np.uint8), y)
    assert found.pop("probabilities").argmax(1).tolist() == [5] * 8
    assert found == {"accuracy_lenet": 1 / 8, "accuracy": 3 / 8, "accuracy_plain_8": 2 / 8}
