import keras
import numpy as np
import pytest
from keras import layers

from recipes.training import averaging

PARTS = (0.25, 0.5, 0.75, 1.0)


def test_normalisations_are_measured_again():
    images = np.random.default_rng(0).normal(3, 2, (100, 5)).astype(np.float32)
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.BatchNormalization(momentum=0.7, name="first"),
            layers.Dense(3),
            layers.BatchNormalization(name="second"),
        ]
    )
    before = [w.copy() for w in model.get_weights()]
    averaging.measure_normalisations(model, images, batch_size=30)
    used = images[:90].reshape(3, 30, 5)  # le lot incomplet est laissé de côté
    first, dense, second = model.layers
    np.testing.assert_allclose(first.moving_mean, used.mean(axis=(0, 1)), rtol=1e-4)
    np.testing.assert_allclose(first.moving_variance, used.var(axis=1).mean(axis=0), rtol=1e-4)
    # La deuxième voit ce que la première rend pendant l'entraînement : chaque lot normalisé.
    normal = (used - used.mean(1, keepdims=True)) / np.sqrt(used.var(1, keepdims=True) + 1e-3)
    seen = normal @ dense.get_weights()[0]
    np.testing.assert_allclose(second.moving_mean, seen.mean(axis=(0, 1)), atol=1e-5)
    np.testing.assert_allclose(second.moving_variance, seen.var(axis=1).mean(axis=0), rtol=1e-3)
    assert (first.momentum, second.momentum) == (0.7, 0.99)
    after = model.get_weights()
    moved = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    assert moved == [False, False, True, True, False, False, False, False, True, True]


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("truth", [0.25, 1.0])
def test_a_network_stops_where_validation_is_most_likely(truth, capsys):
    """Un modèle linéaire dont les vrais poids sont sur le chemin, à un endroit connu."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 2)).astype(np.float32)
    y = (rng.random(3000) < 1 / (1 + np.exp(3 * (x[:, :1] - x[:, 1:])[:, 0]))).astype(int)
    right, away = np.eye(2, dtype=np.float32), np.array([[0, 4], [0, 0]], np.float32)
    network = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(2, use_bias=False, activation="softmax")]
    )
    network.set_weights([right - (1 - truth) * away])
    found = averaging.stop_between(
        [right + truth * away],
        network,
        PARTS,
        images=x[:100],
        validation=(x, y[:, None]),
        batch_size=50,
    )
    assert found == truth
    np.testing.assert_allclose(network.get_weights()[0], right, atol=1e-6)
    assert capsys.readouterr().out.count("entropie croisée") == len(PARTS)
