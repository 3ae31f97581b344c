import keras
import numpy as np
import pytest

CONVNET, BASIC = "S3 Récapitulatif des paramètres", "S0 BasicCNNModel"


@pytest.fixture(scope="module")
def lectures():
    from exercises.ex15_architectures import lectures as ex15_lectures

    return ex15_lectures


def run(model, images):
    return keras.ops.convert_to_numpy(model(images, training=False))


@pytest.mark.question(CONVNET)
@pytest.mark.parametrize(
    ("pooling", "reduce"), [("max", np.max), ("average", np.mean), ("sum", np.sum)]
)
def test_the_pooling_is_the_one_asked(lectures, pooling, reduce):
    model = lectures.build_convnet(pooling)
    assert model.count_params() == 416 and model.output_shape == (None, 22, 22, 16)
    image = np.random.default_rng(0).random((1, 28, 28, 1), np.float32)
    kernel, bias = model.get_weights()
    maps = np.zeros((24, 24, 16))
    for row, column in np.ndindex(24, 24):
        window = image[0, row : row + 5, column : column + 5]
        maps[row, column] = np.tensordot(window, kernel, 3) + bias
    expected = np.zeros((22, 22, 16))
    for row, column in np.ndindex(22, 22):
        expected[row, column] = reduce(maps[row : row + 3, column : column + 3], axis=(0, 1))
    np.testing.assert_allclose(run(model, image)[0], expected, atol=1e-4)


@pytest.mark.question(CONVNET)
def test_an_unknown_pooling_is_refused(lectures):
    with pytest.raises(ValueError, match="'median' inconnu : prenez max, average ou sum"):
        lectures.build_convnet("median")


@pytest.mark.question(CONVNET)
def test_no_class_sums_and_the_default_stride_would_reduce(lectures):
    poolings = [name for name in dir(keras.layers) if "Pooling" in name]
    assert poolings and not any("Sum" in name for name in poolings)
    assert keras.layers.MaxPooling2D(3).strides == (3, 3)
    assert lectures.build_convnet(stride=3).output_shape == (None, 8, 8, 16)


@pytest.mark.question(BASIC)
def test_a_size_changed_late_changes_nothing(lectures):
    assert lectures.late_size(10) == lectures.late_size(5000) == 1000


@pytest.mark.question(BASIC)
def test_one_softmax_per_cell(lectures):
    keras.utils.set_random_seed(0)
    whole, cells = (lectures.build_grid_model(per_cell=each) for each in (False, True))
    cells.set_weights(whole.get_weights())
    assert whole.count_params() == cells.count_params() == 147_500
    photo = np.random.default_rng(0).random((2, 12, 17, 3), np.float32)
    one, right = run(whole, photo), run(cells, photo)
    assert one.shape == right.shape == (2, 10, 10, 10)
    np.testing.assert_allclose(one.sum((1, 2, 3)), 1, atol=1e-5)
    assert one.sum(-1).mean() == pytest.approx(0.01) and one.sum(-1).max() < 0.1
    np.testing.assert_allclose(right.sum(-1), 1, atol=1e-5)
    # Mêmes scores : dans une case, les deux sont proportionnels.
    np.testing.assert_allclose(one / one.sum(-1, keepdims=True), right, atol=1e-5)


@pytest.mark.question(BASIC)
def test_the_answer_does_not_depend_on_the_place(lectures):
    keras.utils.set_random_seed(0)
    model, rng = lectures.build_grid_model(per_cell=False), np.random.default_rng(0)
    photos = np.zeros((3, 20, 20, 3), np.float32)
    photos[0, 4:9, 4:9] = rng.random((5, 5, 3)) * 5
    photos[1] = np.roll(photos[0], (7, 5), (0, 1))
    photos[2, 4:9, 4:9] = rng.random((5, 5, 3)) * 5
    out = run(model, photos)
    np.testing.assert_allclose(out[0], out[1], atol=1e-7)
    assert abs(out[0] - out[2]).max() > 1e-4  # un autre motif, lui, change la réponse


@pytest.mark.question("S0, S3")
def test_facts_say_what_was_found(lectures):
    lines = lectures.facts().splitlines()
    assert len(lines) == 5
    for line, words in zip(
        lines,
        (
            "416 paramètres ; la somme vaut 9 fois",
            "devient 22 au pas",
            "147 500 paramètres",
            ": 1 % avec un seul",
            "au plus",
        ),
        strict=True,
    ):
        assert words in line


@pytest.mark.question("S0, S3")
def test_pytorch_agrees():
    torch = pytest.importorskip("torch")
    convolution, dense = torch.nn.Conv2d(3, 50, kernel_size=3), torch.nn.Linear(100, 1000)
    assert not hasattr(convolution, "in_features") and convolution.in_channels == 3
    dense.out_features = (10, 10)
    assert dense(torch.zeros(1, 100)).shape == (1, 1000)
    assert not hasattr(torch.nn, "SumPool2d") and torch.nn.MaxPool2d(3).stride == 3
