"""Les erreurs des documents : un test par ligne de `docs/errata.md` qu'un calcul tranche.

Chaque test calcule ce que le document écrit et ce qui est juste : il échoue si le premier se
vérifie, ou si le second ne se vérifie pas.
"""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import scipy.signal

from exercises.ex00_convolution import x_or_o
from exercises.ex00_convolution.examples import EDGE_IMAGE, read_examples
from exercises.ex00_convolution.geometry import output_size, receptive_field
from exercises.ex00_convolution.operations import EDGE_KERNEL, SIGNAL, SIGNAL_KERNEL, conv1d, conv2d
from exercises.ex00_convolution.pooling import pool2d, relu

PAGE = Path(__file__).resolve().parents[3] / "docs" / "errata.md"
X = x_or_o.read_picture(x_or_o.X)
FIRST = x_or_o.read_picture(x_or_o.FILTERS[0])


def test_the_page_names_these_tests():
    named = re.findall(r"^\| (\d+) \| .*\| `(test_e(\d+)_\w+)` \|$", PAGE.read_text("utf-8"), re.M)
    assert [name for _, name, _ in named] == [n for n in globals() if n.startswith("test_e")]
    assert all(row == number for row, _, number in named)


@pytest.mark.question("S0 Opération de Convolution")
def test_e1_the_products_have_the_size_of_the_filter():
    products = X[3:6, 3:6] * FIRST
    assert products.shape == FIRST.shape == (3, 3) != X.shape


@pytest.mark.question("S0 Convolution – Padding - Stride")
def test_e2_the_step_is_the_stride_not_the_padding():
    assert [output_size(9, 3, stride=stride) for stride in (1, 2, 3)] == [7, 4, 3]
    padded = conv2d(X, FIRST, padding=1)  # « padding = 1 » ajoute un bord, et ne change pas le pas
    np.testing.assert_array_equal(padded[1:-1, 1:-1], conv2d(X, FIRST))


@pytest.mark.question("S0 Couche de Convolution")
def test_e3_the_x_has_nine_rows():
    printed = np.delete(X, 4, axis=0)  # la diapositive a perdu la ligne du milieu
    assert printed.shape == (8, 9) and conv2d(printed, FIRST).shape == (6, 7)
    assert conv2d(X, FIRST).tolist() == read_examples()["N6"]["attendu"]["neuvièmes"][0]


@pytest.mark.question("S0 Couche de Pooling")
def test_e4_the_pooling_inputs_are_55_where_33_is_printed():
    outputs, changed = read_examples()["N8"]["attendu"]["neuvièmes"], []
    for each, output in zip(x_or_o.chain(X).maps * 9, outputs, strict=True):
        printed = np.where(abs(each) == 5, 3 * np.sign(each), each)  # ±.55 imprimé ±.33
        changed.append((printed != each).sum())
        assert pool2d(relu(each), padding="same").tolist() == output
        assert pool2d(relu(printed), padding="same").tolist() != output
    assert changed == [5, 24, 5]


@pytest.mark.question("S1 Features de haut niveau et bas niveau")
def test_e5_the_first_layers_see_small_patterns():
    assert receptive_field([(5, 1), (2, 2), (5, 1), (2, 2)]) == [5, 6, 14, 16]


@pytest.mark.question("S1 RELU")
def test_e6_relu_does_not_bound_positive_values():
    assert relu([1e30, -1e30]).tolist() == [1e30, 0]


@pytest.mark.question("S1 Convolution")
def test_e7_the_formula_flips_the_kernel_and_the_steps_do_not():
    # La formule : Σ f(n − m) g(m), pour les n où tout existe.
    formula = [sum(SIGNAL[n - m] * SIGNAL_KERNEL[m] for m in range(2)) for n in range(1, 5)]
    steps = [sum(SIGNAL[t + a] * SIGNAL_KERNEL[a] for a in range(2)) for t in range(4)]
    assert conv1d(SIGNAL, SIGNAL_KERNEL, flip=True).tolist() == formula == [2, 6, 16, 17]
    assert conv1d(SIGNAL, SIGNAL_KERNEL).tolist() == steps == [3, 4, 14, 18]


@pytest.mark.question("S1 Pooling")
def test_e8_pooling_keeps_where_things_are():
    corner, near, far = np.zeros((3, 8, 8))
    corner[0, 0], near[1, 1], far[6, 6] = 1, 1, 1
    np.testing.assert_array_equal(pool2d(corner), pool2d(near))  # dans la même fenêtre : rien
    assert np.argwhere(pool2d(far)).tolist() == [[3, 3]]  # plus loin : la carte le dit


@pytest.mark.question("S1 Pooling")
def test_e9_a_quarter_of_the_pixels_for_even_sides_only():
    kept = [pool2d(np.zeros((n, n)), padding="same").size / n**2 for n in (6, 7, 8, 9)]
    assert kept == [1 / 4, 16 / 49, 1 / 4, 25 / 81]


@pytest.mark.question("S2 §1.3")
def test_e10_lenet_averaged_and_measured_distances():
    # C1, S2, C3 et sa table de connexions, S4, C5, F6 ; les codes de la sortie sont fixes.
    c3 = 6 * (3 * 25 + 1) + 9 * (4 * 25 + 1) + (6 * 25 + 1)
    assert 156 + 2 * 6 + c3 + 2 * 16 + 48_120 + 10_164 == 60_000
    assert 156 + 2_416 + 48_120 + 10_164 + 850 == 61_706  # aujourd'hui


@pytest.mark.question("S2 TD 2")
def test_e12_the_last_incomplete_batch_is_forgotten():
    import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    # Keras 3 lit 0 comme « non précisé » : 63 images font alors un lot, et non aucun.
    for samples, steps, seen in ((100, 100 // 64, 1), (100, None, 2), (63, 63 // 64, 1)):
        x = np.zeros((samples, 1))
        model.compile("sgd", "mse")  # l'optimiseur repart de zéro
        model.fit(x, x, batch_size=64, steps_per_epoch=steps, verbose=0)
        assert model.optimizer.iterations == seen


@pytest.mark.question("S3 Input/Output dimensions")
def test_e14_the_output_size_needs_a_floor_and_the_dilation():
    assert Fraction(224 - 11, 4) + 1 == Fraction("54.25")  # pas un nombre de cases
    assert output_size(224, 11, stride=4) == 54
    assert output_size(7, 3, dilation=2) == 3 != 7 - 3 + 1


@pytest.mark.question("S4 Convolutions et Réseaux de neurones")
def test_e15_the_formula_correlates_and_the_code_convolves():
    formula = scipy.signal.correlate2d(EDGE_IMAGE, EDGE_KERNEL, mode="same")
    code = scipy.signal.convolve2d(EDGE_IMAGE, EDGE_KERNEL, mode="same")
    np.testing.assert_array_equal(formula, conv2d(EDGE_IMAGE, EDGE_KERNEL, padding="same"))
    np.testing.assert_array_equal(code, conv2d(EDGE_IMAGE, EDGE_KERNEL, padding="same", flip=True))
    assert formula.any() and (formula == -code).all()  # la valeur absolue le cache


@pytest.mark.question("S0 BasicCNNModel")
def test_e16_sizes_are_fixed_when_the_layer_is_built():
    import keras

    layer = keras.layers.Dense(1000)
    layer.build((None, 100))
    layer.units = 10  # trop tard : les poids existent
    assert layer(np.zeros((1, 100))).shape == (1, 1000)
