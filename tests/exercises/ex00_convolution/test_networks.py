import pytest

CONV, DENSE = "conv", "dense"


def count(*layers):
    """Compte à la main : `(CONV, côté, canaux, filtres)` ou `(DENSE, entrées, sorties)`."""
    return [(n[1] ** 2 * n[2] + 1) * n[3] if n[0] == CONV else (n[1] + 1) * n[2] for n in layers]


@pytest.fixture(scope="module")
def nets():
    from exercises.ex00_convolution import networks

    return networks


@pytest.mark.question("S2 §1.3, S3")
@pytest.mark.parametrize("side", [32, 28])
def test_lenet(nets, side):
    expected = count(
        (CONV, 5, 1, 6), (CONV, 5, 6, 16), (DENSE, 400, 120), (DENSE, 120, 84), (DENSE, 84, 10)
    )
    model = nets.build_lenet(side)
    assert nets.parameters(model) == expected and sum(expected) == 61706
    assert model.output_shape == (None, 10)


@pytest.mark.question("S3 Récapitulatif des paramètres")
def test_convnet_and_its_dense_equivalent(nets):
    model = nets.build_convnet()
    assert model.output_shape == (None, 22, 22, 16)
    assert nets.parameters(model) == count((CONV, 5, 1, 16))
    assert nets.build_dense_equivalent().count_params() == (784 + 1) * 24 * 24 * 16


@pytest.mark.question("S0 BasicCNNModel")
def test_basic_cnn_takes_any_size(nets):
    model = nets.build_basic_cnn()
    assert nets.parameters(model) == count((CONV, 3, 3, 50), (CONV, 3, 50, 100), (DENSE, 100, 1000))
    assert model.compute_output_shape((1, 10, 17, 3)) == (1, 1000)


@pytest.mark.question("S1 ex. 2, S2 TD 1")
def test_the_other_counts(nets):
    assert (
        sum(
            count(
                (CONV, 3, 1, 32),
                (CONV, 3, 32, 64),
                (CONV, 3, 64, 64),
                (DENSE, 576, 64),
                (DENSE, 64, 10),
            )
        )
        == nets.build_fashion().count_params()
    )
    for hidden in (77, 78):
        by_hand = sum(count((DENSE, 784, hidden), (DENSE, hidden, 10)))
        assert nets.build_dense(hidden).count_params() == by_hand
