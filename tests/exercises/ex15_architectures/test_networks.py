import keras
import pytest

QUESTION = "S3 Deep CNN / VGG / ResNet"


@pytest.fixture(scope="module")
def nets():
    from exercises.ex15_architectures import networks

    return networks


@pytest.fixture(scope="module")
def ops():
    from exercises.ex15_architectures import operations

    return operations


def count(*stages):
    """Compte à la main : `(positions, entrées par sortie, sorties)` → paramètres, opérations."""
    return (
        sum((inputs + 1) * out for _, inputs, out in stages),
        sum(positions * inputs * out for positions, inputs, out in stages),
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
}


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("name", EXPECTED)
def test_sizes_are_those_of_the_layers(nets, ops, name):
    model = nets.NETWORKS[name]()
    assert ops.measure(model)[:2] == EXPECTED[name]
    assert model.input_shape == (None, 32, 32, 3) and model.output_shape == (None, 10)
    assert model.inputs[0].dtype == "uint8"


@pytest.mark.question(QUESTION)
def test_size_of_resnet(nets, ops):
    # Sans biais, mais quatre nombres par carte normalisée.
    convolutions = [(32**2, 27, 16), (32**2, 144, 16), (32**2, 144, 16)]
    for side, filters in ((16, 32), (8, 64)):
        convolutions += [
            (side**2, 9 * filters // 2, filters),
            (side**2, 9 * filters, filters),
            (side**2, filters // 2, filters),
        ]
    parameters = sum((inputs + 4) * out for _, inputs, out in convolutions) + 65 * 10
    products = sum(positions * inputs * out for positions, inputs, out in convolutions) + 64 * 10
    model = nets.build_resnet()
    assert ops.measure(model)[:2] == (parameters, products)
    assert sum(isinstance(layer, keras.layers.Add) for layer in model.layers) == 3


@pytest.mark.question(QUESTION)
def test_each_keeps_the_form_of_its_article(nets, ops):
    with keras.StatelessScope(initialize_variables=False):  # sans tirer de poids
        sizes = {name: ops.measure(build_model()) for name, build_model in nets.NETWORKS.items()}
    assert list(sizes) == list(nets.NAMES_FR)
    assert sizes["alexnet"].dense_share > 0.7 and sizes["resnet"].dense_share < 0.02
    assert sizes["alexnet"].parameters == max(size.parameters for size in sizes.values())
    assert sizes["resnet"].operations == max(size.operations for size in sizes.values())
