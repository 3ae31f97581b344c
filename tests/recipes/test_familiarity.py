"""Ce qui donne une familiarité à un export : la même réponse, et un score que NumPy retrouve."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy.spatial.distance import mahalanobis
from scipy.special import logsumexp

from convnets.core import reports
from convnets.core.images import crop_resize
from convnets.datasets import sources
from convnets.serving.classifier import PHOTO_MODEL, Classifier
from convnets.serving.engine import Engine
from recipes import familiarity, outliers


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_threshold_doubts_the_announced_share_of_validation(rng):
    val = rng.permutation(2000)
    assert (val < familiarity.threshold(val)).sum() == 4


def test_gaussian_is_the_distance_of_mahalanobis(rng, monkeypatch):
    monkeypatch.setattr(familiarity, "RIDGE", 0)
    monkeypatch.setattr(familiarity, "RANK", 3)
    known = rng.standard_normal((500, 4)) @ rng.standard_normal((4, 4)) + 3
    found, inverse = rng.standard_normal((6, 4)) * 5, np.linalg.inv(np.cov(known.T))
    expected = [mahalanobis(x, known.mean(0), inverse) ** 2 for x in found]
    # Trois directions et la variance du reste, qui n'en a qu'une : rien n'est approché.
    nearness = familiarity.nearness(familiarity.fit_gaussian(known))
    near = nearness([found.astype("float32")], None)
    assert -np.asarray(near) == pytest.approx(expected, rel=0.01)


def test_the_boundary_is_between_two_clouds(rng):
    shift, spread = rng.standard_normal(6), np.array([1, 1, 1, 1, 10, 0])
    known, strange = (rng.standard_normal((400, 6)) * spread for _ in range(2))
    direction = familiarity.fit_boundary(known + shift, strange[:50] - shift)
    right = np.mean((known + shift) @ direction > np.median((strange - shift) @ direction))
    assert np.isfinite(direction).all() and right > 0.95


@pytest.mark.parametrize("slug", [*familiarity.MEASURES])
def test_the_report_says_what_was_measured(slug):
    found = reports.load_report(reports.MODELS_DIR / f"{slug}.json").familiarity
    assert found.measure == familiarity.MEASURES[slug]
    if slug == PHOTO_MODEL:
        assert found.num_val > 500
        assert found.num_doubted == int(familiarity.DOUBTED_OF_PHOTOS * found.num_val)
    else:
        assert (found.num_val, found.num_doubted) == (familiarity.NUM_VAL, 4)
    assert found.command == "python -m recipes.familiarity"


@pytest.mark.ci
@pytest.mark.parametrize("slug", [*familiarity.MEASURES])
def test_the_answer_is_that_of_the_export_alone(repo, slug, extract):
    """Au bit près : rien de ce que l'export calculait déjà n'est touché."""
    content = (repo / "models" / f"{slug}.tflite").read_bytes()
    alone = familiarity.read_export(content)
    assert len(alone.subgraphs[0].outputs) == 1
    plain, whole = Engine(familiarity.write_export(alone), num_threads=1), Engine(content)
    count = 2 if plain.input_shape[0] > 32 else 100
    x = np.resize(extract("cifar10")[0][:count], (count, *plain.input_shape))
    expected, none = plain.answer(x)
    found, scores = whole.answer(x)
    assert none is None and scores.shape == (count, 1) and np.isfinite(scores).all()
    np.testing.assert_array_equal(found, expected)


@pytest.mark.ci
def test_the_measure_of_photos_is_the_one_of_numpy(repo, extract, rng):
    """Le score d'un export, refait à partir des tenseurs qu'il lit."""
    content = (repo / "models" / f"{PHOTO_MODEL}.tflite").read_bytes()
    model = familiarity.read_export(content)
    taps = familiarity.find_taps(model)
    x = extract("cifar10")[0][:3]
    ((features, scores),) = familiarity.look(model, [taps.features, taps.scores], x)
    kernel, bias = rng.standard_normal((features.shape[1], 5)) / 9, rng.standard_normal(5)
    handicap = np.arange(scores.shape[1]) / 9
    term = familiarity.outweighing(kernel, bias, handicap)
    measure = familiarity.add_up([(term, 1)], tf.convert_to_tensor)
    remade = Engine(familiarity.add_measure(model, measure, [taps.features, taps.scores]))
    enlarged = np.stack([crop_resize(Image.fromarray(image), 192) for image in x])
    expected = logsumexp(scores - handicap, 1) - logsumexp(features @ kernel + bias, 1)
    # Les poids de ces colonnes sont arrondis à huit bits.
    assert remade.answer(enlarged)[1][:, 0] == pytest.approx(expected, rel=0.02, abs=0.1)


@pytest.mark.parametrize(
    ("slug", "shapes"),
    [("garments", [[14, 14, 64], [7, 7, 128]]), ("thumbnails", [[15, 15, 64], [7, 7, 256]])],
)
def test_the_maps_of_a_group_are_those_the_next_convolution_reads(repo, slug, shapes):
    model = familiarity.read_export((repo / "models" / f"{slug}.tflite").read_bytes())
    tensors = model.subgraphs[0].tensors
    found = [tensors[familiarity.find_taps(model, group=k).maps[-1]] for k in (1, 2)]
    assert [[*tensor.shapeSignature[1:]] for tensor in found] == shapes


@pytest.mark.ci
@pytest.mark.slow
def test_the_command_remakes_the_same_answers(repo, extract, tmp_path, monkeypatch):
    """Sur un extrait : un export qui a déjà une familiarité en reçoit une autre, une seule."""
    slug = "thumbnails"
    for end in (".keras", ".json", ".tflite"):
        shutil.copy(repo / "models" / f"{slug}{end}", tmp_path)
    x, y = extract("cifar10")
    monkeypatch.setattr(sources, "load_cifar10", lambda: ((x, y), (x, y)))
    monkeypatch.setattr(sources, "split_validation", lambda *a, **k: ((x[:300], 0), (x[300:], 0)))
    before = Classifier(slug, num_threads=1)
    found = familiarity.write(
        slug, models_dir=tmp_path, num_train=300, num_val=100, num_outliers=30
    )
    report = reports.read_report(slug, models_dir=tmp_path)  # les empreintes sont justes
    assert report.familiarity == found and found.num_doubted == 0
    after = Classifier(slug, models_dir=tmp_path, num_threads=1)
    views = [image.tobytes() for image in x[:50]]
    olds, news = before.answer(views), after.answer(views)
    assert [row for row, _ in olds] == [row for row, _ in news]
    # Le score, refait par NumPy à partir des tenseurs que l'export lit.
    model = familiarity.read_export((tmp_path / f"{slug}.tflite").read_bytes())
    taps = familiarity.find_taps(model)
    assert len(taps.maps) == 2  # une par convolution du groupe

    def look(images):
        parts = [*familiarity.look(model, [*taps.maps, taps.scores], images)]
        *maps, scores = (np.concatenate(each) for each in zip(*parts, strict=True))
        return [np.asarray(familiarity.moments(each)) for each in maps], scores

    strange = np.concatenate([*outliers.make(x[:300], count=30).values()])
    (known, _), (others, _), (val, _) = look(x[:300]), look(strange), look(x[300:])
    moments, scores = look(x[:50])
    units = found.parameters
    expected = np.log(np.exp(scores).sum(1)) / units["energy_unit"]
    near = familiarity.nearness(familiarity.fit_gaussian(known[-1]))(moments, scores)
    expected += np.asarray(near) / units["distance_unit"]
    boundary = familiarity.fit_boundary(np.hstack(known), np.hstack(others))
    expected += np.hstack(moments) @ boundary / units["boundary_unit"]
    low, middle = np.quantile(np.hstack(val) @ boundary, [0.005, 0.5])
    assert units["boundary_unit"] == pytest.approx((middle - low) / 0.5, rel=1e-3)
    got = np.array([score for _, score in news])
    assert np.corrcoef(got, expected)[0, 1] > 0.999
    assert np.abs(got - expected).max() < 0.1 * expected.std()  # poids arrondis à huit bits
