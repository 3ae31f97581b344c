"""Recherche de contre-exemples : chaque opération contre TensorFlow, SciPy, ou à la main.

En chercher 2 000 par opération :
`HYPOTHESIS_PROFILE=thorough pytest tests/exercises/ex00_convolution/test_search.py`.
"""

import os
from typing import NamedTuple

import numpy as np
import pytest
import scipy.signal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exercises.ex00_convolution.geometry import output_size, pads, receptive_field
from exercises.ex00_convolution.matrices import kernel_gradient, toeplitz_matrix
from exercises.ex00_convolution.operations import conv1d, conv2d
from exercises.ex00_convolution.pooling import pool2d

NUM_CASES = 2000 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 40
search = settings(
    max_examples=NUM_CASES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def tf():
    import tensorflow

    return tensorflow


class Axis(NamedTuple):
    """Une opération sur un axe, toujours possible."""

    size: int
    kernel: int
    stride: int
    padding: str | int | tuple[int, int]
    dilation: int

    @property
    def explicit(self):
        """Le padding en nombres, compté ici sans `pads`."""
        if self.padding == "valid":
            return (0, 0)
        if self.padding != "same":
            return self.padding if isinstance(self.padding, tuple) else (self.padding,) * 2
        # La formule de TensorFlow, écrite autrement que dans `pads`.
        span = self.dilation * (self.kernel - 1) + 1
        missing = max(0, span - (self.size % self.stride or self.stride))
        return (missing // 2, missing - missing // 2)


@st.composite
def axes(draw, *, max_dilation=3, paddings=("valid", "same", "number", "pair"), max_pad=3):
    kernel, stride = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    dilation, kind = draw(st.integers(1, max_dilation)), draw(st.sampled_from(paddings))
    span, pad = dilation * (kernel - 1) + 1, st.integers(0, max_pad)
    padding = {
        "valid": st.just("valid"),
        "same": st.just("same"),
        "number": pad,
        "pair": st.tuples(pad, pad),
    }[kind]
    padding = draw(padding)
    added = 0 if isinstance(padding, str) else sum(padding if kind == "pair" else (padding,) * 2)
    smallest = 1 if kind == "same" else max(1, span - added)
    return Axis(draw(st.integers(smallest, smallest + 7)), kernel, stride, padding, dilation)


@st.composite
def both_axes(draw, **options):
    """Deux axes, avec ou sans le même padding nommé, comme TensorFlow l'exige."""
    return draw(axes(**options)), draw(axes(**options))


def integers(seed, *shape):
    return np.random.default_rng(seed).integers(-9, 10, shape)


def options_of(vertical, horizontal):
    return {
        "stride": (vertical.stride, horizontal.stride),
        "padding": (vertical.padding, horizontal.padding),
        "dilation": (vertical.dilation, horizontal.dilation),
    }


def spread(kernel, dilation):
    """Écarte les cases d'un noyau avec des zéros."""
    height, width = ((n - 1) * d + 1 for n, d in zip(kernel.shape, dilation, strict=True))
    spaced = np.zeros((height, width), kernel.dtype)
    spaced[:: dilation[0], :: dilation[1]] = kernel
    return spaced


seeds = st.integers(0, 2**32 - 1)


# --- Tailles -------------------------------------------------------------------------


@pytest.mark.question("S3 Input/Output dimensions")
@search
@given(axis=axes())
def test_output_size_counts_the_positions(axis):
    size, kernel, stride, padding, dilation = axis
    before, after = axis.explicit
    reached = [
        start
        for start in range(-before, size + after, stride)
        if start + dilation * (kernel - 1) <= size + after - 1
    ]
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    assert pads(size, kernel, **options) == (before, after)
    assert output_size(size, kernel, **options) == len(reached)


@pytest.mark.question("S3 Agrégation progressive des échelles")
@search
@given(layers=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=4))
def test_receptive_field_counts_the_pixels_that_matter(layers):
    size = 1
    for kernel, stride in reversed(layers):  # la plus petite image qui donne un neurone
        size = (size - 1) * stride + kernel
    seen, expected = np.eye(size), []
    for kernel, stride in layers:  # chaque ligne : les pixels dont un neurone dépend
        seen = np.stack(
            [seen[at : at + kernel].sum(0) for at in range(0, len(seen) - kernel + 1, stride)]
        )
        reached = np.flatnonzero(seen[0])
        expected.append(reached[-1] - reached[0] + 1)
    assert receptive_field(layers) == expected


# --- Convolutions --------------------------------------------------------------------


@pytest.mark.question("S2 §1")
@search
@given(axis=axes(), flip=st.booleans(), seed=seeds)
def test_conv1d_against_numpy(axis, flip, seed):
    signal, kernel = integers(seed, axis.size), integers(seed + 1, axis.kernel)
    ours = conv1d(
        signal, kernel, stride=axis.stride, padding=axis.padding, dilation=axis.dilation, flip=flip
    )
    padded = np.pad(signal, axis.explicit)
    turned = kernel[::-1] if flip else kernel
    spaced = spread(turned[np.newaxis], (1, axis.dilation))[0]
    # np.convolve retourne son noyau : on lui donne l'autre sens.
    np.testing.assert_array_equal(
        ours, np.convolve(padded, spaced[::-1], mode="valid")[:: axis.stride]
    )


@pytest.mark.question("S2 §1.1, S4")
@search
@given(both=both_axes(), flip=st.booleans(), seed=seeds)
def test_conv2d_against_scipy(both, flip, seed):
    vertical, horizontal = both
    image = integers(seed, vertical.size, horizontal.size)
    kernel = integers(seed + 1, vertical.kernel, horizontal.kernel)
    spaced = spread(kernel, (vertical.dilation, horizontal.dilation))
    padded = np.pad(image, (vertical.explicit, horizontal.explicit))
    oracle = scipy.signal.convolve2d if flip else scipy.signal.correlate2d
    # SciPy en « valid » échange ses arguments si le second est le plus grand : ici jamais.
    expected = oracle(padded, spaced, mode="valid")[:: vertical.stride, :: horizontal.stride]
    ours = conv2d(image, kernel, flip=flip, **options_of(vertical, horizontal))
    np.testing.assert_array_equal(ours, expected)
    assert ours.dtype == np.int64


@pytest.mark.question("S4 plusieurs canaux")
@search
@given(both=both_axes(), channels=st.integers(1, 3), filters=st.integers(1, 3), seed=seeds)
def test_conv2d_with_channels_against_tensorflow(tf, both, channels, filters, seed):
    vertical, horizontal = both
    image = integers(seed, vertical.size, horizontal.size, channels)
    kernel = integers(seed + 1, vertical.kernel, horizontal.kernel, channels, filters)
    padding = [(0, 0), vertical.explicit, horizontal.explicit, (0, 0)]
    if vertical.padding == horizontal.padding in ("same", "valid"):
        padding = vertical.padding.upper()  # c'est alors TensorFlow qui compte les zéros
    theirs = tf.nn.conv2d(
        image[None].astype(float),
        kernel.astype(float),
        padding=padding,
        strides=(vertical.stride, horizontal.stride),
        dilations=(vertical.dilation, horizontal.dilation),
    )
    np.testing.assert_array_equal(
        conv2d(image, kernel, **options_of(vertical, horizontal)), theirs[0]
    )


# --- Pooling et ReLU -----------------------------------------------------------------


def poolings():
    """Des fenêtres qui touchent toujours l'image : padding plus petit que la fenêtre."""
    return both_axes(max_dilation=1, max_pad=0) | both_axes(
        max_dilation=1, paddings=("number", "pair")
    ).filter(lambda both: all(max(axis.explicit) < axis.kernel for axis in both))


@pytest.mark.question("S3 Couche de Pooling")
@search
@given(both=poolings(), channels=st.integers(1, 3), seed=seeds)
def test_max_pooling_against_tensorflow(tf, both, channels, seed):
    vertical, horizontal = both
    image = integers(seed, vertical.size, horizontal.size, channels)
    window = (vertical.kernel, horizontal.kernel)
    options = options_of(vertical, horizontal)
    del options["dilation"]
    ours = pool2d(image, window, **options)
    padding = [(0, 0), vertical.explicit, horizontal.explicit, (0, 0)]
    if vertical.padding == horizontal.padding in ("same", "valid"):
        padding = vertical.padding.upper()
    theirs = tf.nn.max_pool2d(image[None].astype(float), window, options["stride"], padding)
    np.testing.assert_array_equal(ours, theirs[0])


@pytest.mark.question("S3 Couche de Pooling")
@search
@given(both=poolings(), seed=seeds)
def test_sum_and_average_pooling_against_scipy(both, seed):
    vertical, horizontal = both
    image = integers(seed, vertical.size, horizontal.size)
    window, margins = (vertical.kernel, horizontal.kernel), [a.explicit for a in both]
    options = options_of(vertical, horizontal)
    del options["dilation"]
    steps = (slice(None, None, vertical.stride), slice(None, None, horizontal.stride))

    def total(values):
        return scipy.signal.correlate2d(np.pad(values, margins), np.ones(window), "valid")[steps]

    np.testing.assert_array_equal(pool2d(image, window, mode="sum", **options), total(image))
    counted = total(np.ones_like(image))  # seules les cases de l'image comptent
    np.testing.assert_allclose(
        pool2d(image, window, mode="average", **options), total(image) / counted, atol=1e-12
    )


# --- Matrices et gradient ------------------------------------------------------------


@pytest.mark.question("S4 produit matriciel")
@search
@given(both=both_axes(), seed=seeds)
def test_toeplitz_against_scipy(both, seed):
    vertical, horizontal = both
    image = integers(seed, vertical.size, horizontal.size)
    kernel = integers(seed + 1, vertical.kernel, horizontal.kernel)
    matrix = toeplitz_matrix(kernel, image.shape, **options_of(vertical, horizontal))
    padded = np.pad(image, (vertical.explicit, horizontal.explicit))
    spaced = spread(kernel, (vertical.dilation, horizontal.dilation))
    expected = scipy.signal.correlate2d(padded, spaced, mode="valid")
    expected = expected[:: vertical.stride, :: horizontal.stride]
    assert matrix.shape == (expected.size, image.size)
    np.testing.assert_array_equal(matrix @ image.reshape(-1), expected.reshape(-1))


@pytest.mark.question("S4 rétropropagation")
@search
@given(both=both_axes(), channels=st.integers(1, 2), filters=st.integers(1, 2), seed=seeds)
def test_kernel_gradient_against_finite_differences(both, channels, filters, seed):
    vertical, horizontal = both
    shape = (vertical.kernel, horizontal.kernel)
    image = integers(seed, vertical.size, horizontal.size, channels) / 4
    kernel = integers(seed + 1, *shape, channels, filters) / 4
    options = options_of(vertical, horizontal)

    def loss(weights):  # L = Σ O² / 2, dont le gradient par rapport à O est O
        return (conv2d(image, weights, **options) ** 2).sum() / 2

    ours = kernel_gradient(image, conv2d(image, kernel, **options), shape, **options)
    assert ours.shape == kernel.shape
    for at in np.random.default_rng(seed).permutation(kernel.size)[:4]:
        step = np.zeros(kernel.size)
        step[at] = 0.5  # la perte est du second degré : la différence centrée est exacte
        step = step.reshape(kernel.shape)
        difference = loss(kernel + step) - loss(kernel - step)
        np.testing.assert_allclose(ours.reshape(-1)[at], difference, atol=1e-8)
