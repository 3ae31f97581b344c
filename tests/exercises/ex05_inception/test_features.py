from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from convnets.datasets import folders, pretrained

QUESTION = "TD keras & CNN, question 2"
pytestmark = pytest.mark.filterwarnings(
    "ignore:Even though the `tf.config", "ignore:Please import `affine_transform`"
)


@pytest.fixture(scope="module")
def features():
    from exercises.ex05_inception import features as ex05_features

    return ex05_features


@pytest.fixture(scope="module")
def inception():
    """Le vrai InceptionV3, aux poids tirés au hasard : rien à télécharger."""
    return pretrained.inception_v3(input_px=150, weights=None)[0]


@pytest.fixture
def two_pictures(two_colors):
    with folders.square_copies(folders.scan(two_colors), 150) as pictures:
        yield pictures


def copied(pictures):
    """Les copies que lit le générateur, dans l'ordre de leurs numéros."""
    paths = sorted(pictures.folder.rglob("*.png"), key=lambda path: path.stem)
    return np.stack([np.asarray(Image.open(path)) for path in paths])


# --- Le vrai InceptionV3 -----------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_the_base_is_inception_v3_and_frozen(features, inception):
    whole = features.frozen_base(inception, layer_name="mixed10")
    assert whole.count_params() == 21_802_784
    assert whole.input_shape == (None, 150, 150, 3) and whole.output_shape == (None, 2048)
    channels = {"mixed2": 288, "mixed4": 768, "mixed6": 768, "mixed8": 1280, "mixed9": 2048}
    counts = []
    for name, expected in channels.items():
        cut = features.frozen_base(inception, layer_name=name)
        assert cut.output_shape == (None, expected)
        assert cut.trainable_weights == []
        counts.append(cut.count_params())
    assert counts == sorted(counts) and counts[-1] < whole.count_params()


@pytest.mark.ci
def test_generator_and_export_see_the_same_features(features, inception, two_pictures):
    """Le générateur met à l'échelle avant la base, l'export de `./predict` dedans."""
    frozen = features.frozen_base(inception)
    exported = pretrained.features_model(inception, layer_name=features.LAYER)
    batch, _ = features.make_generator(two_pictures)[0]
    pixels = copied(two_pictures)
    expected, got = np.asarray(exported(pixels[:2])), np.asarray(frozen(batch[:2]))
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


# --- Le générateur de l'énoncé -----------------------------------------------------


@pytest.mark.question(QUESTION)
def test_generator_reads_what_the_statement_asks(features, two_pictures):
    train = features.make_generator(two_pictures, subset="training", shuffle=True)
    x, y = train[0]
    assert x.shape == (16, 150, 150, 3) and x.dtype == np.float32
    assert -1 <= x.min() < 0 < x.max() <= 1
    assert sorted(y.tolist()) == [0] * 8 + [1] * 8  # binary
    assert len(train) == 1  # 16 images : 16 // 64 vaudrait 0
    assert train.target_size == (150, 150) and train.batch_size == 64


@pytest.mark.question(QUESTION)
def test_validation_is_the_first_fifth_of_each_class_in_order(features, two_pictures):
    val = features.make_generator(two_pictures, subset="validation", augment=False)
    assert features.rows(val).tolist() == [0, 1, 10, 11]
    train = features.make_generator(two_pictures, subset="training", shuffle=True)
    assert sorted(features.rows(train)) == [*range(2, 10), *range(12, 20)]
    once, again = val[0][0], val[0][0]
    np.testing.assert_array_equal(once, again)  # ni transformée…
    pixels = copied(two_pictures)[features.rows(val)]
    np.testing.assert_allclose(once, pixels / 127.5 - 1, atol=1e-5)  # … ni mélangée


def test_augmentation_changes_the_training_images(features, two_pictures):
    train = features.make_generator(two_pictures, subset="training", augment=True)
    assert np.abs(train[0][0] - train[0][0]).max() > 0.1


def test_three_classes_are_categorical(features, write_colors, tmp_path):
    from exercises.ex05_inception import head

    root = write_colors(tmp_path / "trois", ["bleu", "rouge", "vert"], num=5)
    with folders.square_copies(folders.scan(root), 150) as pictures:
        _, y = features.make_generator(pictures)[0]
    np.testing.assert_array_equal(y, head.targets(pictures.labels, 3))
    assert y.shape == (15, 3) and (y.sum(1) == 1).all()


def test_keras_prints_nothing_in_english(features, two_pictures, capfd):
    features.make_generator(two_pictures)
    assert capfd.readouterr().out == ""


# --- Les caractéristiques ----------------------------------------------------------


def test_features_are_in_the_order_of_the_files(features, two_pictures, tmp_path):
    """Vérité plantée : une base qui moyenne chaque canal rend la couleur de chaque image."""
    import keras

    images = keras.Input((150, 150, 3))
    mean_color = keras.Model(images, keras.layers.GlobalAveragePooling2D()(images))
    x, duration_s = features.extract(two_pictures, mean_color, base_sha256="", cache_dir=tmp_path)
    expected = copied(two_pictures).mean((1, 2)) / 127.5 - 1
    np.testing.assert_allclose(x, expected, atol=1e-4)
    assert duration_s > 0


@pytest.mark.ci
def test_features_are_computed_again_when_what_they_depend_on_changes(
    features, tiny_inception, two_colors, tmp_path
):
    frozen, calls = features.frozen_base(tiny_inception()[0]), []

    def predict(batches, verbose):
        calls.append(1)
        return np.zeros((batches.n, frozen.output_shape[1]), np.float32)

    spy = SimpleNamespace(predict=predict)

    def extract(**changes):
        options = {"base_sha256": "a", "cache_dir": tmp_path / "c", **changes}
        with folders.square_copies(folders.scan(two_colors), 150) as pictures:
            features.extract(pictures, spy, **options)
        return len(calls)

    assert (extract(), extract()) == (1, 1)
    assert extract(base_sha256="b") == 2
    assert extract(layer_name="mixed2") == 3
    Image.new("RGB", (9, 9)).save(two_colors / "bleu" / "03.png")
    assert (extract(), extract()) == (4, 4)
    (two_colors / "bleu" / "04.png").write_bytes(b"")  # illisible : une image de moins
    assert extract() == 5


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_both_ways_of_making_an_epoch_learn_the_same(features, tiny_inception, eager, two_pictures):
    frozen = features.frozen_base(tiny_inception()[0])
    x = frozen.predict(features.make_generator(two_pictures), verbose=0)
    found = features.compare_epochs(two_pictures, frozen, x)
    assert found["pushed"]["val_accuracy"] == pytest.approx(found["cached"]["val_accuracy"])
    assert found["speedup"] == found["pushed"]["epoch_s"] / found["cached"]["epoch_s"] > 0


def test_the_clock_leaves_the_first_batch_out(features, monkeypatch):
    now = iter([0, 100, 101, 102, 103])  # un premier lot très long, puis trois d'une seconde
    monkeypatch.setattr(features.time, "monotonic", lambda: next(now))
    clock = features._Clock()
    clock.on_epoch_begin(0)
    for batch in range(4):
        clock.on_train_batch_end(batch)
    clock.on_epoch_end(0)
    assert clock.epoch_s == 4
