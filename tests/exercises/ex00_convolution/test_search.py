"""Recherche de contre-exemples : chaque opération contre NumPy, SciPy ou TensorFlow."""

from typing import NamedTuple

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from exercises.ex00_convolution.geometry import output_size, pads
from exercises.ex00_convolution.matrices import im2col, kernel_gradient, toeplitz_matrix
from exercises.ex00_convolution.operations import conv1d, conv2d
from exercises.ex00_convolution.pooling import pool2d

search = settings(max_examples=40, deadline=None)


class Axis(NamedTuple):
    """Les réglages d'une opération sur un axe."""

    size: int
    kernel: int
    stride: int
    padding: str | tuple[int, int]
    dilation: int

    @property
    def span(self):
        return self.dilation * (self.kernel - 1) + 1

    @property
    def margins(self):
        """Le padding en nombres, compté ici sans `pads`."""
        if self.padding == "valid":
            return (0, 0)
        if self.padding != "same":
            return self.padding
        # La formule de TensorFlow, écrite autrement que dans `pads`.
        missing = max(0, self.span - (self.size % self.stride or self.stride))
        return (missing // 2, missing - missing // 2)


def axes(*, max_dilation=3):
    """Tire un axe où l'opération est possible, et où la fenêtre touche toujours l'image."""
    side, pad = st.integers(1, 4), st.integers(0, 3)
    padding = st.sampled_from(["valid", "same"]) | st.tuples(pad, pad)
    dilation = st.integers(1, max_dilation)
    found = st.builds(Axis, st.integers(1, 12), side, side, padding, dilation)
    found = found.filter(lambda axis: axis.size + sum(axis.margins) >= axis.span)
    return found.filter(lambda axis: max(axis.margins) < axis.span)


def integers(seed, *shape):
    return np.random.default_rng(seed).integers(-9, 10, shape)


def options_of(vertical, horizontal):
    pairs = zip(vertical, horizontal, strict=True)
    return dict(zip(("size", "kernel", "stride", "padding", "dilation"), pairs, strict=True))


def spread(kernel, *dilation):
    """Écarte les cases d'un noyau avec des zéros."""
    shape = [(n - 1) * d + 1 for n, d in zip(kernel.shape, dilation, strict=True)]
    spaced = np.zeros(shape, kernel.dtype)
    spaced[tuple(slice(None, None, d) for d in dilation)] = kernel
    return spaced


seeds, few = st.integers(0, 2**32 - 1), st.integers(1, 3)


# --- Convolutions --------------------------------------------------------------------


@pytest.mark.question("S2 §1")
@search
@given(axis=axes(), flip=st.booleans(), seed=seeds)
def test_sizes_and_conv1d_against_numpy(axis, flip, seed):
    size, num_weights, stride, padding, dilation = axis
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    signal, kernel = integers(seed, size), integers(seed + 1, num_weights)
    turned = spread(kernel, dilation) if flip else spread(kernel, dilation)[::-1]
    expected = np.convolve(np.pad(signal, axis.margins), turned, mode="valid")[::stride]
    assert pads(size, num_weights, **options) == axis.margins
    assert output_size(size, num_weights, **options) == len(expected)
    np.testing.assert_array_equal(conv1d(signal, kernel, flip=flip, **options), expected)


@pytest.mark.question("S2 §1.1, S4")
@search
@given(vertical=axes(), horizontal=axes(), flip=st.booleans(), seed=seeds)
def test_conv2d_and_toeplitz_against_scipy(vertical, horizontal, flip, seed):
    options = options_of(vertical, horizontal)
    image, kernel = integers(seed, *options.pop("size")), integers(seed + 1, *options.pop("kernel"))
    padded = np.pad(image, (vertical.margins, horizontal.margins))
    oracle = scipy.signal.convolve2d if flip else scipy.signal.correlate2d
    expected = oracle(padded, spread(kernel, *options["dilation"]), mode="valid")
    expected = expected[:: vertical.stride, :: horizontal.stride]
    np.testing.assert_array_equal(conv2d(image, kernel, flip=flip, **options), expected)
    turned = kernel[::-1, ::-1] if flip else kernel
    matrix = toeplitz_matrix(turned, image.shape, **options)
    np.testing.assert_array_equal(matrix @ image.reshape(-1), expected.reshape(-1))


@pytest.mark.question("S4 plusieurs canaux")
@search
@given(vertical=axes(), horizontal=axes(), layers=st.tuples(few, few), seed=seeds)
def test_channels_and_im2col_against_tensorflow(vertical, horizontal, layers, seed):
    import tensorflow as tf

    options = options_of(vertical, horizontal)
    (channels, filters), window = layers, options.pop("kernel")
    image = integers(seed, *options.pop("size"), channels)
    kernel = integers(seed + 1, *window, channels, filters)
    padding = [(0, 0), vertical.margins, horizontal.margins, (0, 0)]
    if vertical.padding == horizontal.padding in ("same", "valid"):
        padding = vertical.padding.upper()  # c'est alors TensorFlow qui compte les zéros
    strides, dilations = options["stride"], options["dilation"]
    floats = image[np.newaxis].astype(float), kernel.astype(float)
    theirs = tf.nn.conv2d(*floats, strides, padding, dilations=dilations)[0].numpy()
    np.testing.assert_array_equal(conv2d(image, kernel, **options), theirs)
    product = im2col(image, window, **options) @ kernel.reshape(-1, filters)
    np.testing.assert_array_equal(product, theirs.reshape(-1, filters))


@pytest.mark.question("S4 rétropropagation")
@search
@given(vertical=axes(), horizontal=axes(), layers=st.tuples(few, few), seed=seeds)
def test_kernel_gradient_is_the_transpose_of_the_convolution(vertical, horizontal, layers, seed):
    """La sortie O est linéaire en K : Σ O·G, de gradient ∂/∂K, vaut donc Σ K·∂/∂K."""
    options = options_of(vertical, horizontal)
    window = options.pop("kernel")
    image = integers(seed, *options.pop("size"), layers[0])
    kernel = integers(seed + 1, *window, *layers)
    output = conv2d(image, kernel, **options)
    weights = integers(seed + 2, *output.shape)
    gradient = kernel_gradient(image, weights, window, **options)
    assert gradient.shape == kernel.shape
    assert (kernel * gradient).sum() == (output * weights).sum()


# --- Pooling -------------------------------------------------------------------------


@pytest.mark.question("S3 Couche de Pooling")
@search
@given(vertical=axes(max_dilation=1), horizontal=axes(max_dilation=1), channels=few, seed=seeds)
def test_pooling_against_numpy(vertical, horizontal, channels, seed):
    options = options_of(vertical, horizontal)
    window, (down, right) = options.pop("kernel"), options["stride"]
    image = integers(seed, *options.pop("size"), channels)
    del options["dilation"]
    margins = (vertical.margins, horizontal.margins, (0, 0))
    padded = np.pad(image.astype(float), margins, constant_values=np.nan)  # ne compte pas
    seen = np.lib.stride_tricks.sliding_window_view(padded, window, axis=(0, 1))[::down, ::right]
    for mode, reduce in (("max", np.nanmax), ("sum", np.nansum), ("average", np.nanmean)):
        ours = pool2d(image, window, mode=mode, **options)
        np.testing.assert_allclose(ours, reduce(seen, axis=(-2, -1)), atol=1e-12)
