from functools import partial

import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config")
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def top():
    from exercises.ex05_inception import head as ex05_head

    return ex05_head


def test_head_parameters_and_probabilities(top):
    x = RNG.normal(5, 3, (30, 2048)).astype(np.float32)
    head = top.build_head(x, 2, seed=0)
    assert head.count_params() == 2 * 2048 + 2  # la normalisation n'apprend rien
    kernel, bias = RNG.normal(0, 0.01, (2048, 2)), np.array([0.1, -0.2])
    head.set_weights([kernel, bias])
    probabilities = top.predict(head, x)
    assert probabilities.shape == (30, 2)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    # Deux sorties softmax valent une sigmoïde de la différence, comme l'énoncé.
    logits = (x - x.mean(0)) / x.std(0) @ kernel + bias
    np.testing.assert_allclose(
        probabilities[:, 1], 1 / (1 + np.exp(logits[:, 0] - logits[:, 1])), atol=1e-4
    )


def test_the_same_seed_gives_the_same_head(top, eager):
    x = RNG.normal(size=(40, 6)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int)
    first, second, other = (
        top.train_head(x, y, num_classes=2, seed=seed, epochs=1)[0].get_weights()[0]
        for seed in (7, 7, 8)
    )
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_folds_share_each_class_evenly(top):
    labels = np.array([0] * 11 + [1] * 23)
    folds = top.draw_folds(labels, 5, seed=3)
    counts = [np.bincount(folds[labels == label], minlength=5) for label in (0, 1)]
    assert all(np.ptp(each) <= 1 and each.min() > 0 for each in counts)
    assert (folds != top.draw_folds(labels, 5, seed=4)).any()


@pytest.mark.parametrize("num_folds", [1, 12])
def test_impossible_folds(top, num_folds):
    with pytest.raises(ValueError, match=f"--folds {num_folds} : de 2 à 11 plis"):
        top.draw_folds(np.array([0] * 11 + [1] * 23), num_folds, seed=0)


def test_cross_validation_never_predicts_what_it_has_seen(top, eager, monkeypatch):
    """Une image, un code à elle : qui l'a vue la reconnaît, qui ne l'a pas vue ne peut rien."""
    monkeypatch.setattr(top, "LEARNING_RATE", 0.1)  # peu d'époques suffisent
    monkeypatch.setattr(top, "build_head", partial(top.build_head, dropout=0, l2=0))
    x, labels = np.zeros((60, 41), np.float32), np.arange(60) % 2
    x[:40, :40] = np.eye(40)  # quarante codes uniques, sans rapport avec la classe…
    x[40:, 40] = 2 * labels[40:] - 1  # … et vingt images que la dernière colonne trahit
    options = {"seed": 0, "epochs": 3}
    head, _ = top.train_head(x, labels, num_classes=2, **options)
    assert top.accuracy(top.predict(head, x), labels) == 1
    unseen = top.cross_validate(x, labels, num_folds=2, **options)
    assert top.accuracy(unseen[:40], labels[:40]) < 0.75
    assert top.accuracy(unseen[40:], labels[40:]) == 1
