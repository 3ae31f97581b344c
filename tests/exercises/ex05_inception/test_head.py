import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config")
RNG = np.random.default_rng(0)


def test_head_parameters_and_probabilities(ex05):
    x = RNG.normal(5, 3, (30, 2048)).astype(np.float32)
    head = ex05.head.build_head(x, 2, seed=0)
    assert head.count_params() == 2 * 2048 + 2  # la normalisation n'apprend rien
    kernel, bias = RNG.normal(0, 0.01, (2048, 2)), np.array([0.1, -0.2])
    head.set_weights([kernel, bias])
    probabilities = ex05.head.predict(head, x)
    assert probabilities.shape == (30, 2)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    # Deux sorties softmax valent une sigmoïde de la différence, comme l'énoncé.
    logits = (x - x.mean(0)) / x.std(0) @ kernel + bias
    np.testing.assert_allclose(
        probabilities[:, 1], 1 / (1 + np.exp(logits[:, 0] - logits[:, 1])), atol=1e-4
    )
