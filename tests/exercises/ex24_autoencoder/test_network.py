import keras
import numpy as np
import pytest
from scipy.stats import logistic

from exercises.ex24_autoencoder import baselines, network
from exercises.ex24_autoencoder.codec import STEPS, quantise


@pytest.fixture(scope="module")
def model(principal):
    keras.utils.set_random_seed(0)
    model = network.build_model()
    network.start_from_pca(model, principal[0])
    return model


def test_it_starts_as_pca(images, model, principal, eager):
    """Avant d'apprendre, ses codes et son image sont ceux de l'ACP à 96 axes."""
    axes, _ = principal
    np.testing.assert_allclose(axes.T @ axes, np.eye(192), atol=1e-4)
    analyse, synthesise = network.to_codec(model)
    x = images[:3, :16]
    wanted = baselines.to_blocks(x.astype(np.float32) - baselines.GREY) @ axes[:, : network.CODES]
    codes = analyse(x)
    np.testing.assert_allclose(codes, wanted, atol=0.05)
    back = baselines.from_blocks(wanted @ axes[:, : network.CODES].T) + baselines.GREY
    np.testing.assert_allclose(synthesise(codes), back, atol=0.1)


def test_bits_are_those_of_the_law():
    """Deux logistiques de même largeur n'en font qu'une : SciPy en dit la probabilité."""
    layer = network.Bits(np.array([10.0, 3.0], np.float32))
    layer.narrow.assign(np.log([5.0, 2.0]))
    layer.wide.assign(np.log([5.0, 2.0]))
    steps = np.full((1, 1, 1, 1), 6, np.float32)
    found = layer(np.array([[[[4.0, -20.0]]]], np.float32), steps)
    wanted = 0.0
    for code, width in ((4, 5), (-20, 2)):
        wanted -= np.log2(np.diff(logistic.cdf([code - 3, code + 3], scale=width)))
    assert float(found[0]) == pytest.approx(wanted.item(), rel=1e-3)


def test_what_is_learned_through_is_the_rounding_of_the_files():
    keras.utils.set_random_seed(0)
    codes = np.random.default_rng(0).normal(0, 100, (40, 2, 2, 3)).astype(np.float32)
    rounded, noisy, steps = map(np.asarray, network.Rounding()(codes))
    assert STEPS[-1] <= steps.min() < 40 < 100 < steps.max() <= STEPS[0]
    wanted = [quantise(each, step.item()) for each, step in zip(codes, steps, strict=True)]
    np.testing.assert_allclose(rounded / steps, wanted, atol=1e-4)
    assert np.all(np.abs(noisy - codes) <= 0.501 * steps)
    assert np.std((noisy - codes) / steps) == pytest.approx(12**-0.5, rel=0.1)


@pytest.mark.ci
def test_the_cost_counts_bits_and_errors(images, model, principal):
    """Un coût par image, et un gradient qui traverse l'arrondi."""
    learner = network.build_training_model(model, principal[1][: network.CODES])
    costs = np.asarray(learner(images[:8]))
    assert costs.shape == (8,) and np.all(np.isfinite(costs)) and costs.min() > 0
    learner.compile("sgd", loss=lambda _, costs: costs, run_eagerly=True)
    axes = model.get_layer("encoder").get_layer("axes")
    before = axes.get_weights()
    learner.train_on_batch(images[:8], np.zeros(8))
    assert np.abs(axes.get_weights()[0] - before[0]).max() > 0
