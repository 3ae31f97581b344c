"""Le chemin du bruit à l'image : la vitesse exacte, la force de la phrase, les pas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exercises.ex26_text_to_image import flow

QUESTION = "S3, figure (6)"


@pytest.fixture
def noise():
    return np.random.default_rng(0).standard_normal((40, 3, 2, 1))


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("num_steps", [1, 2, 7])
def test_a_single_picture_is_reached_whatever_the_noise_and_the_steps(noise, num_steps):
    point = np.arange(6.0).reshape(1, 3, 2, 1) / 6
    velocity = flow.exact_velocity(point)
    path = flow.follow(velocity, noise, num_steps=num_steps)
    assert path.shape == (num_steps + 1, 40, 3, 2, 1) and (path[0] == noise).all()
    np.testing.assert_allclose(path[-1], np.broadcast_to(point, noise.shape), atol=1e-12)
    # Le chemin est droit, et sa vitesse est celle qu'apprend le réseau : image − bruit.
    middle = flow.travel(noise, np.broadcast_to(point, noise.shape), np.full(40, 0.3))
    np.testing.assert_allclose(velocity(middle, 0.3), point - noise, atol=1e-12)


@pytest.mark.question(QUESTION)
def test_two_pictures_share_the_noises_by_the_plane_between_them(noise):
    """De deux points opposés, chaque bruit va au plus proche, et à l'un des deux exactement."""
    point = np.zeros((3, 2, 1))
    point[0, 0] = 3
    path = flow.follow(flow.exact_velocity(np.stack([point, -point])), noise, num_steps=40)
    wanted = np.where(noise[:, :1, :1] > 0, point, -point)
    np.testing.assert_allclose(path[-1], wanted, atol=1e-6)


@pytest.mark.question(QUESTION)
def test_the_exact_velocity_is_the_mean_of_those_that_pass_there():
    """La moyenne conditionnelle, comptée sur un million de tirages autour d'un point."""
    rng = np.random.default_rng(0)
    points, time, place = np.array([[-1.0], [0.2], [1.5]]), 0.4, 0.3
    images = points[rng.integers(3, size=1_000_000)]
    noise = rng.standard_normal(images.shape)
    near = np.abs(flow.travel(noise, images, np.full(len(images), time)) - place)[:, 0] < 0.01
    counted = (images - noise)[near].mean()
    exact = flow.exact_velocity(points)(np.array([[place]]), time)[0, 0]
    assert exact == pytest.approx(counted, abs=0.05)
    assert abs(exact) > 0.1  # qu'une réponse nulle ne passerait pas


@pytest.mark.question(QUESTION)
@given(force=st.floats(0, 20), time=st.floats(0, 1))
def test_guidance_goes_from_one_velocity_through_the_other(force, time):
    def asked(x, t):
        return 2 * x + t

    def free(x, t):
        return 1 - x

    assert flow.guided(asked, free, 0) is free and flow.guided(asked, free, 1) is asked
    x = np.array([0.5, -2.0, 3.0])
    found = flow.guided(asked, free, force)(x, time)
    np.testing.assert_allclose(found, (1 - force) * free(x, time) + force * asked(x, time))


def test_euler_is_exact_on_a_straight_line_and_converges_on_a_curve():
    start = np.array([1.0, 2.0])
    straight = flow.follow(lambda x, t: np.array([3.0, -1.0]), start, num_steps=3)
    np.testing.assert_allclose(straight[-1], [4, 1])
    gaps = [
        abs(flow.follow(lambda x, t: x, start, num_steps=n)[-1][0] - np.e) for n in (10, 20, 40)
    ]
    assert gaps[0] > 1.8 * gaps[1] > 3.2 * gaps[2] > 0  # l'erreur d'Euler : deux fois moins


def test_the_scale_of_the_network_gives_the_pixels_back():
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    unit = flow.to_unit(pixels)
    assert unit.dtype == np.float32 and unit.min() == -1 and unit.max() == 1
    assert (flow.to_pixels(unit) == pixels).all()
    assert flow.to_pixels(np.array([-9.0, 9.0])).tolist() == [0, 255]
