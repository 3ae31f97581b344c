import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config")
RNG = np.random.default_rng(0)


def test_two_outputs_are_one_sigmoid_of_normalised_features(ex05):
    x = RNG.normal(5, 3, (30, 2048)).astype(np.float32)
    head = ex05.head.build_head(x, 2, seed=0)
    assert head.count_params() == 2 * 2048 + 2  # la normalisation n'apprend rien
    kernel, bias = RNG.normal(0, 0.01, (2048, 2)), np.array([0.1, -0.2])
    head.set_weights([kernel, bias])
    scores = (x - x.mean(0)) / x.std(0) @ kernel + bias
    expected = 1 / (1 + np.exp(scores[:, 0] - scores[:, 1]))
    np.testing.assert_allclose(ex05.head.predict(head, x)[:, 1], expected, atol=1e-4)
