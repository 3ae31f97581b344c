import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from convnets.core.reports import Metric
from convnets.datasets import scenes
from exercises.ex17_detection.boxes import Detections

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture(scope="module")
def ex17():
    from exercises.ex17_detection import figures

    return figures


@pytest.fixture
def made(extract):
    objects, labels = extract("fashion_mnist")
    return scenes.compose_scenes(
        objects, labels, extract("cifar10")[0], num_scenes=6, num_objects=(1, 3), seed=3
    )


def as_found(made, i):
    present = made.labels[i] != scenes.ABSENT
    num = int(present.sum())
    return Detections(made.boxes[i][present], np.linspace(0.9, 0.5, num), made.labels[i][present])


@pytest.mark.question(QUESTION)
def test_boxes_are_drawn_where_they_are(ex17, made):
    from convnets.datasets import sources

    axis = Figure().subplots()
    found = Detections(np.array([[3, 5, 30, 40], [40, 2, 60, 20]]), [0.934, 0.5], [8, 1])
    ex17.draw_scene(axis, made.images[0], found, np.array([[4, 6, 31, 41]]))
    drawn = [(*patch.get_xy(), patch.get_width(), patch.get_height()) for patch in axis.patches]
    assert drawn == [(4, 6, 27, 35), (3, 5, 27, 35), (40, 2, 20, 18)]
    assert [patch.get_linestyle() for patch in axis.patches] == ["--", "solid", "solid"]
    assert [text.get_text() for text in axis.texts] == ["Sac 93 %", "Pantalon 50 %"]
    assert len(set(ex17.CLASS_COLORS)) == len(sources.FASHION_CLASSES)


@pytest.mark.question(QUESTION)
def test_labels_of_close_boxes_do_not_hide_one_another(ex17, made):
    boxes = np.array([[10, 11, 40, 50], [12, 12, 42, 50], [11, 13, 41, 50], [40, 10, 60, 60]])
    rows = ex17.label_rows(boxes)
    for i, row in enumerate(rows[:3]):  # les trois premières, qui commencent au même endroit
        assert all(abs(row - other) >= ex17.LABEL_PX for other in rows[i + 1 : 3])
    assert rows[0] == 11 and all(0 < row <= 64 for row in rows)
    assert ex17.label_rows(np.array([[0, 0, 9, 9]])) == [ex17.LABEL_PX]  # reste dans l'image


@pytest.mark.question(QUESTION)
def test_true_classes_are_written_under_each_scene(ex17, made, tmp_path, monkeypatch):
    from convnets.datasets import sources

    axes, draw = [], ex17.draw_scene
    monkeypatch.setattr(ex17, "draw_scene", lambda axis, *a: (axes.append(axis), draw(axis, *a)))
    found = [as_found(made, i) for i in range(6)]
    ex17.save_scenes(tmp_path / "scenes.png", made, found, title="Scènes")
    for axis, labels in zip(axes, made.labels, strict=True):
        names = [sources.FASHION_CLASSES_FR[k] for k in labels if k != scenes.ABSENT]
        said = axis.texts[0].get_text().replace("\n", " ")
        assert said == f"vrai : {', '.join(names)}"


def test_files_are_written(ex17, made, tmp_path):
    found = [as_found(made, i) for i in range(6)]
    path = ex17.save_scenes(tmp_path / "scenes.png", made, found, title="Scènes")
    with Image.open(path) as picture:
        assert picture.width > 900 and np.asarray(picture).std() > 20


@pytest.mark.question(QUESTION)
def test_duplicates_shown_are_the_most_numerous(ex17, made, tmp_path, monkeypatch):
    after = [as_found(made, i) for i in range(6)]
    before = [
        Detections(*(np.concatenate([each] * (1 + 3 * (i == 4))) for each in found))
        for i, found in enumerate(after)
    ]
    shown = []
    monkeypatch.setattr(ex17, "draw_scene", lambda axis, image, *_: shown.append(image))
    ex17.save_duplicates(tmp_path / "doublons.png", made, before, after)
    assert len(shown) == 8 and (shown[0] == shown[4]).all()
    assert (shown[0] == made.images[4]).all()


@pytest.mark.question(QUESTION)
def test_curves_of_one_or_several_seeds(ex17, tmp_path):
    from exercises.ex17_detection.metrics import Judged

    rng = np.random.default_rng(0)
    judged = Judged(rng.random(50), rng.random(50) < 0.6, np.zeros(50, int), np.array([40]))
    for sd in (None, 0.02):
        means = {"map": 0.5, "ap Bag": 0.8, "ap Coat": 0.3}
        metrics = {name: Metric(mean, sd, n=3) for name, mean in means.items()}
        path = ex17.save_curves(tmp_path / "c.png", {"a": judged, "b": judged}, metrics)
        assert path.stat().st_size > 10_000
