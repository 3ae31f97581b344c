import json
import zipfile

import keras
import numpy as np
import pytest

from recipes import digits, garments, network, thumbnails, thumbnails_light

SMALL = {"widths": (8, 12, 16), "name": "petit", "mean": thumbnails.MEAN, "std": thumbnails.STD}


@pytest.mark.parametrize(
    ("recipe", "parameters"),
    [
        (garments, 3_586_890),
        (thumbnails, 9_921_824),
        (thumbnails_light, 2_327_200),
        (digits, 61_706),
    ],
    ids=lambda each: getattr(each, "__name__", None),
)
def test_the_network_is_the_published_one(repo, recipe, parameters):
    """Poids par poids, la recette construit la forme du modèle livré.

    Sa forme seule est lue : que ses poids y entrent, les tests qui chargent le modèle le disent.
    """
    model = recipe.build_model()
    with zipfile.ZipFile(repo / "models" / f"{recipe.SLUG}.keras") as archive:
        shipped = keras.saving.deserialize_keras_object(json.loads(archive.read("config.json")))
    assert model.count_params() == shipped.count_params() == parameters
    shapes = [[weight.shape for weight in each.get_weights()] for each in (model, shipped)]
    assert shapes[0] == shapes[1]
    assert [layer.__class__ for layer in model.layers] == [
        layer.__class__ for layer in shipped.layers
    ]
    assert model.inputs[0].dtype == "uint8" and model.output_shape == (None, 10)


def test_parameters_by_hand():
    for recipe, widths, depth in (
        (thumbnails, (128, 384, 512), 3),
        (thumbnails_light, (64, 256, 304), 2),
    ):
        expected = 2 * 2 * 3 * 24  # blanchiment, figé
        for inputs, filters in zip((24, *widths), widths, strict=False):
            expected += 9 * inputs * filters + (depth - 1) * 9 * filters**2
            expected += depth * 3 * filters  # décalage, moyenne et variance
        expected += widths[-1] * 10
        model = recipe.build_model()
        assert model.count_params() == expected
        learnt = sum(np.prod(w.shape) for w in model.trainable_weights)
        assert learnt == expected - 288 - 2 * depth * sum(widths)


def test_third_convolution_adds_to_the_second(extract):
    """Une troisième convolution nulle ne change rien à ce que rend la deuxième."""
    model = network.build(depth=3, **SMALL)
    for number in (1, 2, 3):
        kernel = model.get_layer(f"group{number}_conv3")
        kernel.set_weights([np.zeros_like(w) for w in kernel.get_weights()])
    x = extract("cifar10")[0][:4]
    sums = [layer for layer in model.layers if isinstance(layer, keras.layers.Add)]
    assert len(sums) == 3
    for layer in sums:
        zero, second = layer.input
        parts = [*map(np.asarray, keras.Model(model.inputs[0], [zero, second, layer.output])(x))]
        assert np.abs(parts[0]).max() == 0 < np.abs(parts[1]).max()
        np.testing.assert_array_equal(parts[2], parts[1])


def test_scaling_and_probabilities(extract):
    x = extract("cifar10")[0][:10]
    model = network.build(depth=2, **SMALL)
    scaled = keras.Model(model.inputs[0], model.layers[1].output)(x)
    expected = (x / 255 - np.array(thumbnails.MEAN)) / np.array(thumbnails.STD)
    np.testing.assert_allclose(scaled, expected, atol=1e-5)
    np.testing.assert_allclose(np.asarray(model(x)).sum(1), 1, atol=1e-5)


def test_whitening_decorrelates_patches(extract):
    x, _ = extract("cifar10")
    model = network.build(depth=2, **SMALL)
    network.whiten(model, x)
    (kernel,) = model.get_layer("whitening").get_weights()
    assert kernel.shape == (2, 2, 3, 24)
    np.testing.assert_array_equal(kernel[..., 12:], -kernel[..., :12])
    standard = (x[:50] / 255 - np.array(thumbnails.MEAN)) / np.array(thumbnails.STD)
    # Oracle : chaque carré de 2×2 pixels, pris un par un, projeté sur les douze filtres.
    responses = np.array(
        [
            np.sum(image[i : i + 2, j : j + 2, :, None] * kernel[..., :12], axis=(0, 1, 2))
            for image in standard
            for i in range(0, 31, 3)
            for j in range(0, 31, 3)
        ]
    )
    covariance = np.cov(responses, rowvar=False)
    off_diagonal = covariance - np.diag(np.diag(covariance))
    assert np.abs(off_diagonal).max() < 0.35  # quasi décorrélés, sur d'autres carrés
    assert 0.5 < np.median(np.diag(covariance)) < 1.5
    assert not model.get_layer("whitening").trainable


@pytest.mark.parametrize(("depth", "count"), [(3, 9), (2, 6)])
def test_convolutions_start_as_partial_identity(depth, count):
    model = network.build(depth=depth, **SMALL)
    kernels = [np.asarray(w) for w in model.weights if w.shape[:2] == (3, 3)]
    assert len(kernels) == count
    for kernel in kernels:
        channels, filters = kernel.shape[2:]
        copied = min(channels, filters)
        image = np.random.default_rng(0).normal(size=(3, 3, channels))
        response = np.einsum("ijc,ijcf->f", image, kernel)
        np.testing.assert_allclose(response[:copied], image[1, 1, :copied], atol=1e-6)
        others = kernel[..., copied:]
        assert np.abs(others).max(initial=0) <= 1 / np.sqrt(9 * channels) + 1e-6
