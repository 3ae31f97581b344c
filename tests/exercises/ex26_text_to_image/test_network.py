"""Le réseau : ce qu'il reçoit, ce qui y entre, et qu'il apprend la bonne vitesse."""

import numpy as np
import pytest

from exercises.ex26_text_to_image import flow, network, sentences

QUESTION = "S3, figure (6)"


@pytest.fixture(scope="module")
def model():
    """Un petit réseau dont aucun poids n'est nul."""
    built, rng = network.build_model(channels=(8, 8)), np.random.default_rng(0)
    built.set_weights([0.3 * rng.standard_normal(w.shape) for w in built.get_weights()])
    return built


@pytest.fixture
def asked():
    return sentences.encode(["une robe claire", "un sac", "une botte large"])


@pytest.mark.question(QUESTION)
def test_the_sizes_and_the_parameters():
    built = network.build_model()
    assert built.output_shape == (None, 28, 28, 1) and built.count_params() == 341_505


@pytest.mark.question(QUESTION)
def test_the_sentence_and_the_time_change_the_velocity(model, asked):
    def answer(words, time):
        return network.velocity(model, words)(network.draw_noise(3, seed=0), time)

    found, other = answer(asked, 0.5), answer(asked[[1, 0, 2]], 0.5)
    assert np.abs(found[:2] - other[:2]).max() > 1e-3
    np.testing.assert_allclose(found[2], other[2], atol=1e-5)
    assert np.abs(found - answer(asked, 0.9)).max() > 1e-3


@pytest.mark.question(QUESTION)
def test_a_batch_is_points_of_straight_paths_and_their_velocity():
    images = np.random.default_rng(0).integers(0, 256, (2000, 2, 2, 1)).astype(np.uint8)
    words = np.full((2000, sentences.MAX_WORDS), 3, np.uint8)
    given, velocity = network.draw_batch(images, words, rng=np.random.default_rng(1))
    # En allant jusqu'au bout à cette vitesse, on arrive à l'image ; en reculant, au bruit.
    left = (1 - given["time"]).reshape(-1, 1, 1, 1)
    np.testing.assert_allclose(given["image"] + left * velocity, flow.to_unit(images), atol=1e-5)
    noise = given["image"] - (1 - left) * velocity
    assert abs(noise.mean()) < 0.05 and abs(noise.std() - 1) < 0.05
    assert given["time"].min() < 0.01 and given["time"].max() > 0.99
    erased = (given["words"] == sentences.NOTHING).all(axis=1)
    assert 0.07 < erased.mean() < 0.13 and (given["words"][~erased] == 3).all()


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_strength_zero_does_not_read_and_one_only_reads(model, asked, eager):
    noise = network.draw_noise(3, seed=0)

    def draw(words, guidance):
        return network.draw_path(model, words, noise, guidance=guidance, num_steps=2)

    silent = np.zeros_like(asked)
    np.testing.assert_array_equal(draw(asked, 0), draw(silent, 1))
    alone = flow.follow(network.velocity(model, asked), noise, num_steps=2)
    np.testing.assert_allclose(draw(asked, 1).astype(int), flow.to_pixels(alone), atol=1)
