"""Juger : une distance de Fréchet connue, un copieur reconnu."""

import numpy as np
import pytest
from scipy import linalg

from exercises.ex26_text_to_image import flow, measures
from exercises.ex26_text_to_image.sentences import thirds

QUESTION = "S3, figure (6)"


@pytest.fixture(scope="module")
def pictures():
    from tests.conftest import load_extract

    x, y = load_extract("fashion_mnist")
    return x[..., None], y


@pytest.mark.question(QUESTION)
def test_the_frechet_distance_is_that_of_its_formula():
    """Contre la racine carrée de matrice de SciPy, sur des covariances qui ne commutent pas."""
    rng = np.random.default_rng(1)
    first, second = (rng.standard_normal((60, 4)) @ rng.standard_normal((4, 4)) for _ in range(2))
    one, two = np.cov(first.T), np.cov(second.T)
    gap = first.mean(axis=0) - second.mean(axis=0)
    wanted = gap @ gap + np.trace(one + two - 2 * linalg.sqrtm(one @ two).real)
    assert measures.frechet(first, second) == pytest.approx(wanted)
    assert measures.frechet(first, first) == pytest.approx(0, abs=1e-9)
    assert measures.frechet(first + [3, 0, 4, 0], first) == pytest.approx(25)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_a_copier_is_caught_and_honest_pictures_are_not(pictures):
    x, _ = pictures
    train, real, fresh = x[:200], x[200:300], x[300:]
    floor = measures.nearness(real, train)
    # Recopier en éclaircissant un peu, ou le réseau parfait, qui suit la vitesse exacte.
    lighter = np.clip(train[[5, 17, 5]].astype(int) + 6, 0, 255).astype(np.uint8)
    assert measures.copied(measures.nearness(lighter, train), floor).all()
    noise = np.random.default_rng(0).standard_normal((20, 28, 28, 1))
    perfect = flow.follow(flow.exact_velocity(flow.to_unit(train)), noise)[-1]
    assert (measures.nearness(flow.to_pixels(perfect), train) == 0).all()
    assert measures.copied(measures.nearness(fresh, train), floor).mean() < 0.1


def test_the_nearness_is_that_of_a_double_loop(pictures):
    x, _ = pictures
    found = measures.nearness(x[60:63], x[:60])
    for image, ratio in zip(x[60:63].astype(float), found, strict=True):
        gaps = sorted(np.sqrt(((image - other) ** 2).mean()) for other in x[:60])
        near = np.mean(gaps[: measures.NUM_NEIGHBOURS])
        assert ratio == pytest.approx(gaps[0] / near, rel=1e-5)


@pytest.mark.question(QUESTION)
def test_an_adjective_is_checked_on_the_picture(pictures):
    x, y = pictures
    bounds = thirds(x, y)
    dark = np.tile([-1, 0], (len(y), 1))
    assert measures.obeyed(x, y, dark, bounds).mean() == pytest.approx(1 / 3, abs=0.03)
    black = np.zeros_like(x)
    assert measures.obeyed(black, y, dark, bounds).tolist() == [1] * len(y)
    assert measures.obeyed(black, y, -dark, bounds).tolist() == [0] * len(y)
    dark[1:] = 0  # seule la première phrase demande quelque chose
    assert measures.obeyed(black, y, dark, bounds).tolist() == [1]
