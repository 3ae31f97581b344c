import keras
import numpy as np
import pytest

from exercises.ex15_architectures import inception as ex15
from exercises.ex15_architectures.operations import measure

QUESTION = "S0 ImageNet Challenge 2014"


@pytest.fixture(scope="module")
def pair():
    return {name: build_model() for name, build_model in ex15.PAIR.items()}


def module_by_hand(inputs, widths):
    """Paramètres d'un module, normalisations comprises, et ses opérations par position."""
    one, before_three, three, before_five, five, pooled = widths
    stages = [(inputs, one), (inputs, before_three), (9 * before_three, three)]
    stages += [(inputs, before_five), (25 * before_five, five), (inputs, pooled)]
    return sum((a + 4) * b for a, b in stages), sum(a * b for a, b in stages)


@pytest.mark.question(QUESTION)
def test_inception_is_counted_by_hand(pair):
    inputs = 32, sum((16, 32, 8, 8)), sum((32, 48, 24, 16))
    parameters, operations = zip(*map(module_by_hand, inputs, ex15.MODULES), strict=True)
    outputs = sum((48, 52, 12, 16))
    size = measure(pair["inception"])
    assert size.parameters == 31 * 32 + sum(parameters) + (outputs + 1) * 10
    assert size.operations == (
        32**2 * 27 * 32
        + 16**2 * (operations[0] + operations[1])
        + 8**2 * operations[2]
        + 10 * outputs
    )


@pytest.mark.question(QUESTION)
def test_the_twin_makes_as_many_operations(pair):
    first, second = (measure(model).operations for model in pair.values())
    assert abs(second / first - 1) < 0.03


@pytest.mark.question(QUESTION)
def test_each_branch_sees_its_own_scale():
    """Un point au milieu d'une image noire : chaque branche l'étale sur le carré qu'elle voit."""
    images = keras.Input((9, 9, 1))
    module = keras.Model(images, ex15.inception_module(images, ex15.Widths(1, 2, 1, 2, 1, 1)))
    for variable in module.weights:
        if len(variable.shape) == 4:
            variable.assign(np.ones(variable.shape))
    point = np.zeros((1, 9, 9, 1), np.float32)
    point[0, 4, 4] = 1
    one, three, five, pooled = np.round(np.moveaxis(np.asarray(module(point))[0], -1, 0), 1)
    for found, reach, value in ((one, 0, 1), (three, 1, 2), (five, 2, 2), (pooled, 1, 1)):
        expected = np.zeros((9, 9))
        expected[4 - reach : 5 + reach, 4 - reach : 5 + reach] = value
        np.testing.assert_array_equal(found, expected)
