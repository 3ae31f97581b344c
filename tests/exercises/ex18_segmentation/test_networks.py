import keras
import numpy as np
import pytest

QUESTION = "S3 Different problems, models & metrics"
KINDS = ("unet", "plain", "segnet")


@pytest.fixture(scope="module")
def ex18():
    from exercises.ex18_segmentation import networks

    return networks


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
@pytest.mark.parametrize("kind", KINDS)
def test_shapes_and_parameters(ex18, kind):
    model = ex18.build_model(kind)
    assert model.input_shape == (None, 64, 64, 3) and model.inputs[0].dtype == "uint8"
    assert model.output_shape == (None, 64, 64, 11) and model.outputs[0].dtype == "float32"
    assert model.count_params() == EXPECTED[kind]
    x = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    np.testing.assert_allclose(np.asarray(model(x)).sum(-1), 1, atol=1e-5)


def test_without_connections_the_network_is_not_smaller():
    assert EXPECTED["plain"] > EXPECTED["unet"] > 200_000


@pytest.fixture(scope="module", params=KINDS)
def through_the_middle(ex18, request):
    """Un réseau, dont le fond est coupé : ce qui en sort ne passe que par les connexions."""
    kind = request.param
    keras.utils.set_random_seed(0)
    model = ex18.build_model(kind, channels=(4, 6, 8), side_px=16)
    middle = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D)
        and not isinstance(layer, keras.layers.Conv2DTranspose)
    ][3]
    assert middle.output.shape[1:] == (4, 4, 8)
    middle.set_weights([np.zeros_like(each) for each in middle.get_weights()])
    return kind, model, middle


@pytest.mark.question(QUESTION)
def test_what_goes_around_the_middle(through_the_middle):
    """Fond coupé : seul le U-Net voit encore l'image, la place des maximums seule ne dit rien."""
    kind, model, _ = through_the_middle
    x = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
    first, second = np.asarray(model(x, training=False))
    assert (abs(first - second).max() > 1e-3) == (kind == "unet")


@pytest.mark.question(QUESTION)
def test_the_places_reach_segnet(through_the_middle):
    """Fond constant, non nul : SegNet répond selon la place des maximums, `plain` ne sait rien."""
    kind, model, middle = through_the_middle
    norm = model.layers[model.layers.index(middle) + 1]
    assert isinstance(norm, keras.layers.BatchNormalization)
    gamma, beta, mean, variance = norm.get_weights()
    norm.set_weights([gamma, np.ones_like(gamma), mean, variance])
    x = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
    first, second = np.asarray(model(x, training=False))
    norm.set_weights([gamma, beta, mean, variance])
    assert (abs(first - second).max() > 1e-4) == (kind != "plain")


def test_what_is_refused(ex18):
    with pytest.raises(ValueError, match="'fcn' inconnu ; au choix : unet, plain, segnet"):
        ex18.build_model("fcn")
    with pytest.raises(ValueError, match="60 pixels .* un multiple de 8"):
        ex18.build_model("unet", side_px=60)
