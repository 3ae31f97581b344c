"""Chaque gradient contre des différences finies, sur des tailles tirées au hasard."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

QUESTION = "S4, backpropagation pour CNN ?"
APPROXIMATE = 1e-7
SEEDS = st.integers(0, 2**16)


@pytest.fixture(scope="module")
def ex22():
    from exercises.ex22_by_hand import gradients

    return gradients


def agrees(ex22, case):
    for ours, theirs in zip(ex22.our_gradients(case), ex22.finite_differences(case), strict=True):
        assert ours.shape == theirs.shape
        scale = max(np.abs(theirs).max(), 1e-3)  # nul là où aucune fenêtre n'a lu
        assert np.abs(ours - theirs).max() <= APPROXIMATE * scale


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@settings(max_examples=12, deadline=None)
@given(
    seed=SEEDS,
    image=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 3)),
    channels=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
)
def test_convolution(ex22, seed, image, kernel, channels, stride, padding):
    assume(all(side + 2 * padding >= k for side, k in zip(image, kernel, strict=True)))
    rng = np.random.default_rng(seed)
    layer = ex22.Convolution(
        ex22.spread_values(rng, *kernel, *channels),
        ex22.spread_values(rng, channels[1]),
        stride=stride,
        padding=padding,
    )
    agrees(ex22, ex22.Case([layer], ex22.spread_values(rng, 2, *image, channels[0])))


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("kind", ["MaxPooling", "AveragePooling"])
@settings(max_examples=8, deadline=None)
@given(
    seed=SEEDS,
    size=st.integers(1, 3),
    more=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    stride=st.integers(1, 4),
    channels=st.integers(1, 2),
)
def test_pooling(ex22, kind, seed, size, more, stride, channels):
    shape = (2, size + more[0], size + more[1], channels)
    x = ex22.spread_values(np.random.default_rng(seed), *shape)
    agrees(ex22, ex22.Case([getattr(ex22, kind)(size, stride=stride)], x))


@pytest.mark.question(QUESTION)
@settings(max_examples=6, deadline=None)
@given(seed=SEEDS, images=st.integers(1, 3), sizes=st.tuples(st.integers(1, 5), st.integers(2, 5)))
def test_dense_relu_and_loss(ex22, seed, images, sizes):
    rng = np.random.default_rng(seed)
    matrix, bias = ex22.spread_values(rng, *sizes), ex22.spread_values(rng, sizes[1])
    x = ex22.spread_values(rng, images, sizes[0])
    agrees(ex22, ex22.Case([ex22.Relu(), ex22.Dense(matrix, bias)], x))
    scores = 20 * ex22.spread_values(rng, images, sizes[1])
    agrees(ex22, ex22.Case([], scores, rng.integers(sizes[1], size=images)))


# --- Ce qu'affiche l'exercice --------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_the_table_covers_every_layer_and_all_agree(ex22):
    layers = {type(each).__name__ for case in ex22.make_cases().values() for each in case.layers}
    assert layers == {"Convolution", "MaxPooling", "AveragePooling", "Relu", "Flatten", "Dense"}
    _, *rows = ex22.errors_table().splitlines()
    assert len(rows) == len(ex22.make_cases())
    assert all(0 < float(row.split()[-1]) < APPROXIMATE for row in rows)


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("fault", ["dx", "dk", "db"])
def test_a_wrong_formula_is_seen(ex22, fault):
    """Un pixel de décalage, un facteur de trop, un gradient qui remplace au lieu de s'ajouter."""

    class Wrong(ex22.Convolution):
        def backward(self, dy):
            dx, (dk, db) = super().backward(dy), self.gradients
            wrong = {"dx": np.roll(dx, 1, axis=1), "dk": 1.001 * dk, "db": dy[:, -1].sum((0, 1))}
            found = {"dx": dx, "dk": dk, "db": db} | {fault: wrong[fault]}
            self.gradients = [found["dk"], found["db"]]
            return found["dx"]

    rng = np.random.default_rng(0)
    layer = Wrong(ex22.spread_values(rng, 3, 3, 1, 2), ex22.spread_values(rng, 2))
    case = ex22.Case([layer], ex22.spread_values(rng, 1, 5, 7, 1))
    assert ex22.worst_error(case) > 5e-4


# --- Les couches, à la main ----------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_only_the_first_largest_receives_the_gradient(ex22):
    layer = ex22.MaxPooling(2)
    x = np.array([[1.0, 4, 0], [4, 2, 9]]).reshape(1, 2, 3, 1)
    assert layer.forward(x).tolist() == [[[[4]]]]  # la troisième colonne n'est pas lue
    assert layer.backward(np.array([[[[7.0]]]]))[0, :, :, 0].tolist() == [[0, 7, 0], [0, 0, 0]]


def test_a_window_larger_than_the_image_is_refused(ex22):
    layer = ex22.Convolution(np.zeros((5, 3, 1, 1)), np.zeros(1), padding=1)
    assert layer.forward(np.zeros((1, 3, 1, 1))).shape == (1, 1, 1, 1)
    with pytest.raises(ValueError, match="Une fenêtre 5×3 n'entre pas dans une image 4×6"):
        layer.forward(np.zeros((1, 2, 4, 1)))


@pytest.mark.question(QUESTION)
def test_loss_survives_huge_scores():
    from exercises.ex22_by_hand.loss import cross_entropy, softmax

    scores, labels = np.array([[1e4, 0, -1e4], [0.0, 0, 0]]), np.array([2, 1])
    loss, gradient = cross_entropy(scores, labels)
    assert loss == pytest.approx((2e4 + np.log(3)) / 2)
    np.testing.assert_allclose(gradient, [[0.5, 0, -0.5], [1 / 6, -1 / 3, 1 / 6]])
    np.testing.assert_allclose(softmax(scores).sum(axis=1), 1)
