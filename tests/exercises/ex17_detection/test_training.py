import numpy as np
import pytest

from convnets.datasets import scenes

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture(scope="module")
def ex17():
    from exercises.ex17_detection import training

    return training


@pytest.mark.question(QUESTION)
def test_no_garment_is_in_two_sets(ex17, extract, as_dataset, monkeypatch):
    """Chaque vêtement a pour classe son numéro : on sait duquel est faite une scène."""
    x, _ = extract("fashion_mnist")
    fashion = (x[:200], np.arange(200)), (x[200:250], np.arange(200, 250))
    monkeypatch.setattr(ex17, "NUM_SCENES", {"train": 90, "val": 50, "test": 40})
    made = ex17.make_scenes(fashion, as_dataset("cifar10"), num_objects=(1, 2), limit=None)
    assert {part: len(each.images) for part, each in made.items()} == {
        "train": 90,
        "val": 15,
        "test": 40,
    }
    used = {part: set(each.labels.ravel()) - {scenes.ABSENT} for part, each in made.items()}
    assert not used["train"] & used["val"] and not used["train"] & used["test"]
    assert used["test"] <= set(range(200, 250)) and used["val"] <= set(range(200))
    assert len(used["val"]) > 8 and len(used["test"]) > 20
    images = np.concatenate([each.images for each in made.values()])
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def test_limit_and_reproducibility(ex17, as_dataset):
    sets = as_dataset("fashion_mnist"), as_dataset("cifar10")
    made, again = (ex17.make_scenes(*sets, num_objects=(1, 1), limit=12) for _ in range(2))
    assert [len(each.images) for each in made.values()] == [12, 2, 12]
    for part in made:
        assert all(np.array_equal(a, b) for a, b in zip(made[part], again[part], strict=True))


@pytest.mark.question(QUESTION)
def test_targets_of_each_network(ex17, as_dataset):
    from exercises.ex17_detection import grid, localization

    sets = as_dataset("fashion_mnist"), as_dataset("cifar10")
    made = ex17.make_scenes(*sets, num_objects=(1, 1), limit=12)["train"]
    one = ex17.targets(localization, made)
    np.testing.assert_allclose(localization.to_boxes(one), made.boxes[:, 0], atol=1e-4)
    grids = ex17.targets(grid, made)
    assert grids.shape == (12, 8, 8, 15) and (grids[..., 0].sum((1, 2)) == 1).all()
