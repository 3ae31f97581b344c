import json

import numpy as np
import pytest
from PIL import Image

from benchmarks import familiarity, strangers
from benchmarks.familiarity import Pass
from recipes import familiarity as shipped


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.slow
def test_images_are_those_set_aside_by_the_recipes():
    from recipes import thumbnails, thumbnails_light

    assert shipped.NUM_VAL == thumbnails.NUM_VAL
    assert familiarity.MODELS == (thumbnails.SLUG, thumbnails_light.SLUG)


def test_auroc_counts_the_pairs_in_the_right_order(rng):
    known, strange = rng.integers(0, 9, 30), rng.integers(-3, 6, 20)  # des ex æquo
    gaps = known[:, np.newaxis] - strange
    expected = np.mean((gaps > 0) + 0.5 * (gaps == 0))
    assert familiarity.auroc(known, strange) == pytest.approx(expected)


def test_measures_find_a_planted_stranger(rng):
    y, centers = np.arange(600) % 10, 4 * np.eye(10, 40)

    def look(features: np.ndarray, shift: float) -> Pass:
        maps = rng.standard_normal((len(features), 2, 36)) + shift
        return Pass(features @ centers.T / 4, features, maps, maps[:, -1, :34])

    train, val, test = [look(centers[y] + rng.standard_normal((600, 40)), 0) for _ in range(3)]
    # L'étrangère : rien dans les directions des classes, trop dans les autres.
    strange = look(3 * rng.standard_normal((300, 40)) * (np.arange(40) >= 10), 3)
    measures = familiarity.all_measures(train, y, val, centers.T, strange)
    areas = {name: familiarity.auroc(each(test), each(strange)) for name, each in measures.items()}
    assert min(areas.values()) > 0.95, areas
    measure = measures["énergie + groupes 1 et 2"]
    limit = shipped.threshold(measure(val))
    assert (measure(strange) < limit).mean() > 0.95 and (measure(test) < limit).mean() < 0.02


def test_scrambled_pictures_keep_their_tiles(rng):
    images = rng.integers(0, 256, (3, 32, 32, 3), np.uint8)
    mixed = strangers.scramble(images, rng)

    def tiles(image: np.ndarray) -> set[bytes]:
        corners = range(0, 32, strangers.TILE_PX)
        px = strangers.TILE_PX
        return {image[i : i + px, j : j + px].tobytes() for i in corners for j in corners}

    for before, after in zip(images, mixed, strict=True):
        assert tiles(before) == tiles(after) and not np.array_equal(before, after)


def test_strangers_are_thumbnails(rng):
    images = rng.integers(0, 256, (8, 32, 32, 3), np.uint8)
    kinds = strangers.practice(images, 8) | {
        "bruit": strangers.noise(rng, 8),
        "motifs": strangers.textures(rng, 8),
        "chiffres": strangers.coloured(images[:, :28, :28, 0]),
    }
    for name, found in kinds.items():
        assert found.shape == (8, 32, 32, 3) and found.dtype == np.uint8, name
        assert found.std(axis=(1, 2, 3)).min() > 1, name


@pytest.mark.parametrize("count", [1, 3, 4])
def test_noise_has_as_many_pictures_as_asked(rng, count):
    assert len(strangers.noise(rng, count)) == count  # --limit 1 n'en avait aucune


def test_a_pass_gives_what_the_network_answers(rng):
    from recipes import network

    model = network.build((8, 12, 16), 2, name="petit", mean=[0.5] * 3, std=[0.25] * 3)
    images = rng.integers(0, 256, (4, 32, 32, 3), np.uint8)
    found = familiarity.passes(model)(images)
    expected = model.predict(images, verbose=0)
    powers = np.exp(found.scores)
    assert powers / powers.sum(1, keepdims=True) == pytest.approx(expected, abs=1e-5)
    assert [each.shape for each in found] == [(4, 10), (4, 16), (4, 2, 16), (4, 12)]
    assert (found.first[..., 8:] >= np.abs(found.first[..., :8]) - 1e-5).all()


def test_the_shipped_exports_are_measured_as_predict_answers(
    rng, extract, monkeypatch, capsys, tmp_path
):
    x, y = extract("cifar10")
    strange = rng.integers(0, 256, (10, 32, 32, 3), np.uint8)
    slug = "thumbnails_light"
    monkeypatch.setattr(shipped, "MEASURES", {slug: shipped.MEASURES[slug]})
    monkeypatch.setattr(familiarity.sources, "load_cifar10", lambda: ((x, y), (x[:40], y[:40])))
    monkeypatch.setattr(shipped, "NUM_VAL", 20)
    monkeypatch.setattr(familiarity, "strangers", lambda *_, **__: {"bruit": strange})
    monkeypatch.setattr(familiarity, "practice", lambda *_: {"connues": x[:40]})
    path = tmp_path / "figure.png"
    assert familiarity.main(["--shipped", "--figure", str(path)]) == 0
    assert Image.open(path).size[0] > 500
    head, _, row = capsys.readouterr().out.rstrip().splitlines()
    assert head.endswith("doutes sur 40 | bruit | connues |")
    assert row.startswith(f"| `{slug}` | {shipped.MEASURES[slug]} | 0 | 100,0 / 100 | ")
    assert row.endswith(" | 50,0 / 0 |")


def test_a_figure_is_of_the_shipped_exports(capsys):
    with pytest.raises(SystemExit) as stopped:
        familiarity.main(["--figure", "a.png"])
    assert stopped.value.code == 2 and "--figure demande --shipped" in capsys.readouterr().err


def test_grey_networks_have_their_own_strangers(extract, monkeypatch, capsys):
    sets = {name: extract(name) for name in ("mnist", "fashion_mnist", "cifar10")}
    for name, (x, y) in sets.items():
        both = ((x, y), (x[:30], y[:30]))
        monkeypatch.setattr(familiarity.sources, f"load_{name}", lambda both=both: both)
    slugs = ("garments", "digits")
    monkeypatch.setattr(shipped, "MEASURES", {slug: shipped.MEASURES[slug] for slug in slugs})
    monkeypatch.setattr(shipped, "SETS", {slug: (shipped.SETS[slug][0], 20) for slug in slugs})
    assert familiarity.main(["--shipped", "--limit", "20"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert len(lines) == 6 and lines[0] == lines[3]
    for slug, line in zip(slugs, lines[2::3], strict=True):
        cells = line.strip("| ").split(" | ")
        assert cells[:2] == [f"`{slug}`", shipped.MEASURES[slug]] and len(cells) == 11
        assert int(cells[2]) <= 1  # de trente images connues
        kinds = lines[0].strip("| ").split(" | ")
        assert int(cells[kinds.index("bruit")].rpartition("/")[2]) >= 80


def test_a_picture_that_predict_refuses_is_no_familiar_one():
    blank, digit = np.zeros((2, 28, 28), np.uint8)
    digit[5:24, 13:16] = 255
    found = familiarity._scores(familiarity.Classifier("digits"), np.stack([blank, digit]))
    assert found[0] == -np.inf and np.isfinite(found[1])


def test_near_strangers_are_objects_outside_the_ten_classes(tmp_path, monkeypatch):
    """Deux photos : un vélo vert, et un mouton bleu devant un chien."""

    def lay(_, __, paths, place, *, copies):
        assert copies == tmp_path and paths[0] == "annotations"
        categories = [{"id": k, "name": n} for k, n in enumerate(["bicycle", "sheep", "dog"])]
        picture = Image.new("RGB", (200, 100), "red")
        picture.paste("green", (20, 30, 60, 70))
        picture.paste("blue", (100, 10, 180, 90))
        (place / "annotations").mkdir()
        for part, boxes in (
            ("train2017", [(0, [20, 30, 40, 40]), (0, [20, 30, 9, 40])]),
            ("val2017", [(1, [100, 10, 80, 80]), (2, [140, 10, 40, 80])]),
        ):
            content = {
                "categories": categories,
                "images": [{"id": 7, "file_name": "a.png"}],
                "annotations": [
                    {"image_id": 7, "category_id": which, "bbox": box, "iscrowd": 0}
                    for which, box in boxes
                ],
            }
            path = place / "annotations" / f"instances_{part}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
            (place / part).mkdir()
            picture.save(place / part / "a.png")

    monkeypatch.setattr(strangers, "checkout", lay)
    monkeypatch.setattr(strangers, "cached_array", lambda name, key, compute: (compute(), None))
    (only,) = strangers.objects(copies=tmp_path)
    assert only.shape == (32, 32, 3)
    assert (only[4:-4, 4:-4] == (0, 128, 0)).all() and only[0, 0].tolist() == [255, 0, 0]
