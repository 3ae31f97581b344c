import numpy as np
import pytest

from exercises.ex00_convolution.matrices import im2col, kernel_gradient, toeplitz_matrix
from exercises.ex00_convolution.operations import IMAGE, KERNEL, conv2d


@pytest.mark.question("S4 produit matriciel")
def test_the_toeplitz_matrix_repeats_the_kernel():
    matrix = toeplitz_matrix(KERNEL, (5, 5))
    assert matrix.shape == (9, 25) and (matrix == 0).sum() == 180
    first = np.zeros((5, 5), int)
    first[:3, :3] = KERNEL
    np.testing.assert_array_equal(matrix[0].reshape(5, 5), first)
    np.testing.assert_array_equal(matrix[1], np.roll(matrix[0], 1))  # le noyau, décalé d'un pixel


@pytest.mark.question("S4 produit matriciel")
def test_im2col_times_the_kernels_is_the_layer():
    rng = np.random.default_rng(1)
    image, kernel = rng.integers(-5, 6, (6, 5, 2)), rng.integers(-5, 6, (3, 2, 2, 4))
    options = {"stride": (2, 1), "padding": "same", "dilation": 2}
    expected = conv2d(image, kernel, **options)
    product = im2col(image, (3, 2), **options) @ kernel.reshape(-1, 4)
    np.testing.assert_array_equal(product.reshape(expected.shape), expected)


@pytest.mark.question("S4 rétropropagation")
def test_the_gradient_can_learn_a_kernel():
    rng = np.random.default_rng(0)
    image, kernel = rng.normal(size=(12, 12)), np.zeros((3, 3))
    target = conv2d(image, KERNEL)
    for _ in range(200):
        error = conv2d(image, kernel) - target
        kernel -= 0.1 * kernel_gradient(image, error / error.size, (3, 3))
    np.testing.assert_allclose(kernel, KERNEL, atol=1e-3)


def test_a_gradient_of_the_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"la sortie est de forme \(3, 3\)"):
        kernel_gradient(IMAGE, np.ones((4, 3)), (3, 3))
    with pytest.raises(ValueError, match="la sortie est de forme"):
        kernel_gradient(IMAGE, np.ones((3, 3, 1)), (3, 3))
