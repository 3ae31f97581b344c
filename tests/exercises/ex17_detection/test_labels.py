import numpy as np
import pytest

from convnets.datasets.scenes import ABSENT

QUESTION = "S3 How to switch to multi-class?"


@pytest.fixture(scope="module")
def ex17():
    from exercises.ex17_detection import labels

    return labels


SETS = np.eye(10, dtype=np.float32)[[0, 3, 7]] + np.eye(10, dtype=np.float32)[[2, 3, 9]]
SETS = np.minimum(SETS, 1)  # {0, 2}, {3}, {7, 9}


@pytest.mark.question(QUESTION)
def test_a_set_forgets_how_many_and_where(ex17):
    found = ex17.to_sets(np.array([[2, 0, ABSENT], [3, 3, ABSENT], [9, 7, 9]]))
    np.testing.assert_array_equal(found, SETS)
    assert found.dtype == np.float32


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("name", ["sigmoid", "softmax"])
def test_two_ends_of_the_same_network(ex17, name, monkeypatch):
    monkeypatch.setattr(ex17, "WIDTHS", (4, 6))
    model = ex17.build_model(name)
    assert model.input_shape == (None, 64, 64, 3) and model.output_shape == (None, 10)
    convolutions, normalisations = 9 * (3 * 4 + 4 * 6 + 6 * 6), 4 * (4 + 6 + 6)
    assert model.count_params() == convolutions + normalisations + (6 + 1) * 10
    answers = np.asarray(model(np.full((2, 64, 64, 3), 200, np.uint8)))
    assert (abs(answers.sum(1) - 1) < 1e-5).all() == (name == "softmax")


@pytest.mark.question(QUESTION)
def test_the_losses_are_the_plain_sums(ex17):
    guess = np.random.default_rng(0).dirichlet(np.ones(10), 3).astype(np.float32)
    separate = -np.where(SETS > 0, np.log(guess), np.log(1 - guess)).sum(1)
    np.testing.assert_allclose(ex17.separate_loss(SETS, guess), separate, rtol=1e-4)
    shared = -(SETS / SETS.sum(1, keepdims=True) * np.log(guess)).sum(1)
    np.testing.assert_allclose(ex17.shared_loss(SETS, guess), shared, rtol=1e-4)
    # La vérité ne coûte rien aux sigmoïdes ; un softmax ne peut mieux faire que partager.
    np.testing.assert_allclose(ex17.separate_loss(SETS, SETS), 0, atol=1e-4)
    best = ex17.shared_loss(SETS, SETS / SETS.sum(1, keepdims=True))
    np.testing.assert_allclose(best, np.log([2, 1, 2]), atol=1e-4)


@pytest.mark.question(QUESTION)
def test_the_threshold_is_the_best_of_the_validation(ex17):
    answers = 0.2 + 0.25 * SETS
    answers[1, 4] = 0.33
    chosen = ex17.choose_threshold(answers, SETS)
    assert chosen == 0.34 and ex17.exact(answers, SETS, chosen).all()


@pytest.mark.question(QUESTION)
def test_evaluate_by_hand(ex17):
    answers = 0.9 * SETS
    answers[0, 2] = 0.4
    found = ex17.evaluate("sigmoid", answers, SETS, 0.3)
    assert found["labels_map_sigmoid"] == found["exact_sigmoid"] == 1
    found = ex17.evaluate("sigmoid", answers, SETS, 0.5)
    assert found["exact_1_sigmoid"] == 1 and found["exact_2_sigmoid"] == 0.5
    assert found["sigmoid ap Pullover"] == 1 and "sigmoid ap Coat" not in found


@pytest.mark.question(QUESTION)
def test_the_constant_answers_the_most_frequent_set(ex17):
    found = ex17.evaluate_constant(SETS[[0, 1, 1, 2]], SETS)
    assert found["exact_constant"] == pytest.approx(1 / 3)
    assert ex17.evaluate_constant(SETS[[0, 1, 1, 2]], SETS[[1, 1]])["exact_constant"] == 1
    assert found["labels_map_constant"] == pytest.approx(1 / 3)
