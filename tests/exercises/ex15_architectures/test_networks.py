import keras
import pytest

from exercises.ex15_architectures.networks import NETWORKS
from exercises.ex15_architectures.operations import measure

QUESTION = "S3 Deep CNN / VGG / ResNet"


def count(*stages):
    """Compte à la main : `(positions, entrées par sortie, sorties)` → paramètres, opérations.

    Une convolution n'a pas de biais, mais quatre nombres par carte normalisée ; une couche dense,
    qui n'a qu'une position, a ses biais.
    """
    return (
        sum((inputs + (1 if positions == 1 else 4)) * out for positions, inputs, out in stages),
        sum(positions * inputs * out for positions, inputs, out in stages),
    )


RESNET = (
    (32**2, 27, 16),
    (32**2, 144, 16),
    (32**2, 144, 16),
    (16**2, 144, 32),
    (16**2, 288, 32),
    (16**2, 16, 32),
    (8**2, 288, 64),
    (8**2, 576, 64),
    (8**2, 32, 64),
    (1, 64, 10),
)
EXPECTED = {
    "lenet": count((28**2, 75, 6), (10**2, 150, 16), (1, 400, 120), (1, 120, 84), (1, 84, 10)),
    "alexnet": count(
        (16**2, 75, 24),
        (8**2, 600, 48),
        (4**2, 432, 64),
        (4**2, 576, 64),
        (4**2, 576, 48),
        (1, 192, 512),
        (1, 512, 512),
        (1, 512, 10),
    ),
    "vgg": count(
        (32**2, 27, 16),
        (16**2, 144, 32),
        (8**2, 288, 64),
        (8**2, 576, 64),
        (4**2, 576, 128),
        (4**2, 1152, 128),
        (1, 512, 256),
        (1, 256, 256),
        (1, 256, 10),
    ),
    "resnet": count(*RESNET),
}


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("name", EXPECTED)
def test_sizes_are_those_of_the_layers(name):
    model = NETWORKS[name]()
    assert measure(model)[:2] == EXPECTED[name]
    assert model.input_shape == (None, 32, 32, 3) and model.output_shape == (None, 10)
    adds = sum(isinstance(layer, keras.layers.Add) for layer in model.layers)
    assert adds == (3 if name == "resnet" else 0)
