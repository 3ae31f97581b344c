import json

import numpy as np
import pytest
from PIL import Image

from benchmarks import familiarity, strangers
from convnets.core.paths import data_cache_dir
from convnets.datasets import sources
from recipes import familiarity as shipped


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("count", [1, 3, 4])  # --limit 1 n'avait aucun bruit
def test_strangers_are_thumbnails_as_many_as_asked(rng, count):
    found = strangers.noise(rng, count)
    assert found.shape == (count, 32, 32, 3) and found.dtype == np.uint8
    assert found.std(axis=(1, 2, 3)).min() > 1


def test_the_table_says_what_predict_doubts(rng, extract):
    x, _ = extract("cifar10")
    strange = rng.integers(0, 256, (10, 32, 32, 3), np.uint8)
    text = familiarity.table(["thumbnails"], {"bruit": strange, "connues": x[:40]}, x[:40])
    assert text.splitlines() == [
        "| étrangères | thumbnails |",
        "|---|---|",
        "| bruit | 100,0 / 100 |",
        "| connues | 50,0 / 0 |",  # elles-mêmes : une fois sur deux
        "| doutes sur 40 images de test | 0 |",
    ]


@pytest.mark.ci
def test_grey_networks_have_their_own_strangers(extract, monkeypatch, capsys):
    for name in ("mnist", "fashion_mnist", "cifar10"):
        x, y = extract(name)
        both = ((x, y), (x[:30], y[:30]))
        monkeypatch.setattr(sources, f"load_{name}", lambda both=both: both)
    few = {slug: (load, 20) for slug, (load, _) in shipped.SETS.items()}
    monkeypatch.setattr(shipped, "SETS", few)
    monkeypatch.setattr(shipped, "NUM_VAL", 20)
    monkeypatch.setattr(familiarity, "strangers", lambda x, count: {"connues": x[:count]})
    assert familiarity.main(["--limit", "20"]) == 0
    lines = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()]
    noise = [float(line[1].rpartition("/")[2]) for line in lines if line[0] == "bruit"]
    assert len(noise) == 2 and min(noise) >= 80


def test_a_picture_that_predict_refuses_is_no_familiar_one():
    blank, digit = np.zeros((2, 28, 28), np.uint8)
    digit[5:24, 13:16] = 255
    found = familiarity.scores(familiarity.Classifier("digits"), np.stack([blank, digit]))
    assert found[0] == -np.inf and np.isfinite(found[1])


def test_near_strangers_are_objects_outside_the_ten_classes(tmp_path, monkeypatch):
    """Deux photos : un vélo vert, et un mouton bleu devant un chien."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    folder = data_cache_dir() / strangers.COCO.name
    categories = [{"id": k, "name": n} for k, n in enumerate(["bicycle", "sheep", "dog"])]
    found = {
        "train2017": [(0, [20, 30, 40, 40]), (0, [20, 30, 9, 40])],
        "val2017": [(1, [100, 10, 80, 80]), (2, [140, 10, 40, 80])],
    }
    picture = Image.new("RGB", (200, 100), "red")
    picture.paste("green", (20, 30, 60, 70))
    picture.paste("blue", (100, 10, 180, 90))
    for name in ("annotations", *found):
        (folder / name).mkdir(parents=True)
    for part, boxes in found.items():
        content = {
            "categories": categories,
            "images": [{"id": 7, "file_name": "a.png"}],
            "annotations": [
                {"image_id": 7, "category_id": which, "bbox": box, "iscrowd": 0}
                for which, box in boxes
            ],
        }
        path = folder / "annotations" / f"instances_{part}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        picture.save(folder / part / "a.png")
    (only,) = strangers.objects()
    assert only.shape == (32, 32, 3)
    assert (only[4:-4, 4:-4] == (0, 128, 0)).all() and only[0, 0].tolist() == [255, 0, 0]
