"""Le chemin du bruit à l'image : la vitesse exacte, la force de la phrase, les pas."""

import numpy as np
import pytest

from exercises.ex26_text_to_image import flow

QUESTION = "S3, figure (6)"


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("num_steps", [1, 7])
def test_a_single_picture_is_reached_whatever_the_noise_and_the_steps(num_steps):
    noise = np.random.default_rng(0).standard_normal((40, 3, 2, 1))
    point = np.arange(6.0).reshape(1, 3, 2, 1) / 6
    path = flow.follow(flow.exact_velocity(point), noise, num_steps=num_steps)
    assert path.shape == (num_steps + 1, 40, 3, 2, 1) and (path[0] == noise).all()
    np.testing.assert_allclose(path[-1], np.broadcast_to(point, noise.shape), atol=1e-12)


@pytest.mark.question(QUESTION)
def test_the_exact_velocity_is_the_mean_of_those_that_pass_there():
    """La moyenne conditionnelle, comptée sur un million de tirages autour d'un point."""
    rng = np.random.default_rng(0)
    points, time, place = np.array([[-1.0], [0.2], [1.5]]), 0.4, 0.3
    images = points[rng.integers(3, size=1_000_000)]
    noise = rng.standard_normal(images.shape)
    near = np.abs(flow.travel(noise, images, np.full(len(images), time)) - place)[:, 0] < 0.01
    exact = flow.exact_velocity(points)(np.array([[place]]), time)[0, 0]
    assert exact == pytest.approx((images - noise)[near].mean(), abs=0.05)
    assert abs(exact) > 0.1  # qu'une réponse nulle ne passerait pas


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("force", [0, 0.5, 1, 4])
def test_guidance_goes_from_one_velocity_through_the_other(force):
    x, time = np.array([0.5, -2.0, 3.0]), 0.3
    found = flow.guided(lambda x, t: 2 * x + t, lambda x, t: 1 - x, force)(x, time)
    np.testing.assert_allclose(found, (1 - force) * (1 - x) + force * (2 * x + time))


def test_euler_reads_the_time_and_converges_on_a_curve():
    start = np.array([1.0])
    ends = [flow.follow(lambda x, t: x + t, start, num_steps=n)[-1][0] for n in (10, 20, 40)]
    gaps = np.abs(np.array(ends) - (2 * np.e - 2))  # la solution : 2 eᵗ − t − 1
    np.testing.assert_allclose(gaps[:-1] / gaps[1:], 2, atol=0.2)  # deux fois moins d'erreur


def test_the_scale_of_the_network_gives_the_pixels_back():
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    unit = flow.to_unit(pixels)
    assert unit.dtype == np.float32 and unit.min() == -1 and unit.max() == 1
    assert (flow.to_pixels(unit) == pixels).all()
    assert flow.to_pixels(np.array([-9.0, 9.0])).tolist() == [0, 255]
