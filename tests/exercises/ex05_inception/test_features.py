import numpy as np
import pytest
from PIL import Image

from convnets.datasets import folders, pretrained

QUESTION = "TD keras & CNN, question 2"
pytestmark = pytest.mark.filterwarnings(
    "ignore:Even though the `tf.config", "ignore:Please import `affine_transform`"
)


@pytest.fixture
def two_pictures(two_colors):
    with folders.square_copies(folders.scan(two_colors), 150) as pictures:
        yield pictures


def copied(pictures):
    """Les copies que lit le générateur, dans l'ordre de leurs numéros."""
    paths = sorted(pictures.folder.rglob("*.png"), key=lambda path: path.stem)
    return np.stack([np.asarray(Image.open(path)) for path in paths])


def test_generator_and_export_see_the_same_features(ex05, tiny_inception, two_pictures):
    """Le générateur met à l'échelle avant la base, l'export de `./predict` dedans."""
    base, _ = tiny_inception()
    exported = pretrained.features_model(base, layer_name=ex05.features.LAYER)
    batch, _ = ex05.features.make_generator(two_pictures)[0]
    expected = np.asarray(exported(copied(two_pictures)))
    assert np.ptp(expected) > 0
    frozen = ex05.features.frozen_base(base)
    assert frozen.trainable_weights == []
    np.testing.assert_allclose(frozen(batch), expected, atol=1e-5)


@pytest.mark.question(QUESTION)
def test_validation_is_the_first_fifth_of_each_class_in_order(ex05, two_pictures, capfd):
    val = ex05.features.make_generator(two_pictures, subset="validation")
    assert ex05.features.rows(val).tolist() == [0, 1, 10, 11]
    assert capfd.readouterr().out == ""  # « Found 4 images », en anglais
