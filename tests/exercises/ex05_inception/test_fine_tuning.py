import numpy as np
import pytest

QUESTION = "S3 Fine-tuning approach"
pytestmark = [
    pytest.mark.usefixtures("eager"),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
]


@pytest.mark.question(QUESTION)
def test_the_two_halves_make_the_base(ex05, tiny_blocks):
    import keras

    start, end = ex05.fine_tuning.split_base(tiny_blocks, "mixed8")
    images = np.random.default_rng(0).uniform(-1, 1, (3, 150, 150, 3)).astype(np.float32)
    whole = keras.Model(
        tiny_blocks.input, keras.layers.GlobalAveragePooling2D()(tiny_blocks.output)
    )
    np.testing.assert_allclose(end(start(images)), whole(images), atol=1e-6)


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_fine_tuning_moves_the_end_and_spares_the_statistics(ex05, tiny_blocks):
    from keras import layers

    _, end = ex05.fine_tuning.split_base(tiny_blocks, "mixed8")
    maps = np.random.default_rng(0).normal(size=(40, 5, 5, 6)).astype(np.float32)
    labels = (maps.mean((1, 2))[:, 0] > 0).astype(int)
    head = ex05.head.build_head(np.asarray(end(maps)), 2, seed=0)
    head.set_weights([np.eye(6, 2), np.zeros(2)])
    weights = [*tiny_blocks.weights, *head.trainable_weights]
    before = [each.numpy() for each in weights]
    clock = ex05.fine_tuning.Clock(1, None)
    ex05.fine_tuning.fine_tune(end, head, (maps, labels), learning_rate=1e-2, seed=0, clock=clock)
    moved = [w.path for w, old in zip(weights, before, strict=True) if (w.numpy() != old).any()]
    learned = [layer.kernel.path for layer in end.layers if isinstance(layer, layers.Conv2D)]
    assert len(learned) == 2  # ni le bas, ni les normalisations
    assert moved == [*learned, *(each.path for each in head.trainable_weights)]
