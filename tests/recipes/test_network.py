"""Le réseau des recettes : celui qui est livré, et un bon départ."""

import numpy as np
import pytest

from convnets.training import saving
from recipes import digits, garments, network, thumbnails

SMALL = {"widths": (8, 12, 16), "name": "petit", "mean": thumbnails.MEAN, "std": thumbnails.STD}


@pytest.mark.ci
@pytest.mark.parametrize(
    ("recipe", "parameters"),
    [(garments, 3_586_890), (thumbnails, 2_327_200), (digits, 61_706)],
    ids=lambda each: getattr(each, "__name__", None),
)
def test_the_network_is_the_published_one(recipe, parameters):
    """Avec les poids livrés, le réseau de la recette répond comme le modèle livré."""
    model, shipped = recipe.build_model(), saving.load_model(recipe.SLUG)
    assert model.count_params() == parameters
    model.set_weights(shipped.get_weights())
    x = np.random.default_rng(0).integers(0, 256, (4, *model.input_shape[1:]), np.uint8)
    answers = [np.asarray(each(x)) for each in (model, shipped)]
    assert model.inputs[0].dtype == "uint8" and answers[0].shape == (4, 10)
    np.testing.assert_allclose(*answers, atol=1e-5)


def test_whitening_decorrelates_patches(extract):
    x, _ = extract("cifar10")
    model = network.build(depth=2, **SMALL)
    network.whiten(model, x)
    layer = model.get_layer("whitening")
    (kernel,) = layer.get_weights()
    np.testing.assert_array_equal(kernel[..., 12:], -kernel[..., :12])
    assert kernel.shape == (2, 2, 3, 24) and not layer.trainable
    standard = (x[:50] / 255 - np.array(thumbnails.MEAN)) / np.array(thumbnails.STD)
    # Oracle : chaque carré de 2×2 pixels, pris un par un, projeté sur les douze filtres.
    responses = [
        np.sum(image[i : i + 2, j : j + 2, :, None] * kernel[..., :12], axis=(0, 1, 2))
        for image in standard
        for i in range(0, 31, 3)
        for j in range(0, 31, 3)
    ]
    covariance = np.cov(responses, rowvar=False)
    off_diagonal = covariance - np.diag(np.diag(covariance))
    assert np.abs(off_diagonal).max() < 0.35  # quasi décorrélés, sur d'autres carrés
    assert 0.5 < np.median(np.diag(covariance)) < 1.5


def test_convolutions_start_as_partial_identity():
    model = network.build(depth=3, **SMALL)
    kernels = [np.asarray(w) for w in model.weights if w.shape[:2] == (3, 3)]
    assert len(kernels) == 9
    for kernel in kernels:
        copied = min(kernel.shape[2:])
        image = np.random.default_rng(0).normal(size=kernel.shape[:3])
        response = np.einsum("ijc,ijcf->f", image, kernel)
        np.testing.assert_allclose(response[:copied], image[1, 1, :copied], atol=1e-6)
