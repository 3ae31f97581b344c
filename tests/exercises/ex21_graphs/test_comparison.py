import numpy as np

from exercises.ex21_graphs import comparison


def test_controls_are_the_ones_of_the_measured_model():
    """Chaque mesure vient de son réseau, et le réseau livré choisit ses témoins."""

    class Constant:
        def __init__(self, answer):
            self.answer = answer

        def predict(self, x, **options):
            return np.eye(10)[np.full(len(x), self.answer)]

    first, second = Constant(1), Constant(2)
    controls = {first: {"alone": Constant(3)}, second: {"alone": Constant(2)}}
    y = np.array([1, 1, 2, 3])
    found = comparison.evaluate(controls, first, np.zeros((4, 28, 28)), y)
    assert (found["accuracy"], found["accuracy_alone"]) == (0.5, 0.25)
    assert found["probabilities"][:, 1].all()
    found = comparison.evaluate(controls, second, np.zeros((4, 28, 28)), y)
    assert (found["accuracy"], found["accuracy_alone"]) == (0.25, 0.25)
