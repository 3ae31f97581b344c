import keras
import numpy as np
import pytest

from convnets.datasets import scenes

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture(scope="module")
def training():
    from exercises.ex18_segmentation import training as ex18_training

    return ex18_training


@pytest.fixture
def datasets(as_dataset):
    return as_dataset("fashion_mnist"), as_dataset("cifar10")


@pytest.mark.question(QUESTION)
def test_no_image_is_shared_between_the_three_sets(training, as_dataset, monkeypatch):
    """Chaque image source est d'une couleur à elle : on sait d'où vient chaque pixel."""
    (x, y), (x_test, y_test) = as_dataset("fashion_mnist")
    grounds = [np.zeros((len(each), 32, 32, 3), np.uint8) for each in (x, x_test)]
    seen = {}

    def compose(objects, labels, backgrounds, *, num_scenes, num_objects, seed):
        seen[seed] = objects, labels, backgrounds, num_scenes
        return scenes.Scenes(*[np.zeros((num_scenes, 1))] * 4)

    monkeypatch.setattr(scenes, "compose_scenes", compose)
    for k, each in enumerate(grounds):
        each[..., 0] = np.arange(len(each))[:, None, None] % 256
        each[..., 1] = np.arange(len(each))[:, None, None] // 256
        each[..., 2] = k
    photos = tuple((each, np.zeros((len(each), 1))) for each in grounds)
    made = training.make_scenes(((x, y), (x_test, y_test)), photos, limit=50)
    assert list(made) == ["train", "val", "test"]
    assert [seen[k][3] for k in range(3)] == [50, 5, 50]
    assert [len(seen[k][0]) for k in range(3)] == [270, 30, 100]
    keys = [{each.tobytes() for each in seen[k][0]} for k in range(3)]
    codes = [{tuple(each[0, 0]) for each in seen[k][2]} for k in range(3)]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert not keys[a] & keys[b] and not codes[a] & codes[b]
    assert [len(each) for each in codes] == [270, 30, 100]
    known = {each.tobytes(): label for each, label in zip(x, y, strict=True)}
    assert all(known[each.tobytes()] == label for each, label in zip(*seen[1][:2], strict=True))


def test_the_same_scenes_every_time(training, datasets):
    first, second = (training.make_scenes(*datasets, limit=4) for _ in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name].images, second[name].images)
    assert not np.array_equal(first["train"].images, first["test"].images)


def test_predict_masks_is_the_argmax(training, eager):
    keras.utils.set_random_seed(0)
    model = training.build_model("unet", channels=(4, 6))
    x = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    found = training.predict_masks(model, x)
    assert found.dtype == np.uint8 and found.shape == (3, 64, 64)
    np.testing.assert_array_equal(found, model.predict(x, verbose=0).argmax(-1))
