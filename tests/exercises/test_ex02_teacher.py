import keras
import numpy as np
import pytest

from convnets.core import reports
from convnets.datasets import sources
from convnets.training import saving, study
from exercises import ex02_teacher as teacher
from exercises import ex03_cifar10

TINY = ex03_cifar10.Recipe("petit", (4, 4, 8), 2, 1, 1e-3, 8e-3, 4, 6)


@pytest.fixture
def start():
    keras.utils.set_random_seed(5)
    return ex03_cifar10.build_model(TINY)


def build(start, *, seed=0, precision="float32"):
    return study.build(lambda: teacher.build_model(start), seed=seed, precision=precision)


def test_only_the_dense_layer_is_new(start):
    before = start.get_weights()
    model = build(start)
    assert model.input_shape == (None, 28, 28) and model.output_shape == (None, 10)
    assert model.inputs[0].dtype == "uint8"
    pairs = zip(model.get_weights(), start.get_weights(), strict=True)
    changed = [mine.shape for mine, theirs in pairs if not np.array_equal(mine, theirs)]
    assert changed == [(8, 10)]
    assert np.array_equal(build(start).get_weights()[-1], model.get_weights()[-1])
    assert not np.array_equal(build(start, seed=1).get_weights()[-1], model.get_weights()[-1])
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    for old, now in zip(before, start.get_weights(), strict=True):
        np.testing.assert_array_equal(old, now)  # le réseau de départ n'a pas bougé


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_grey_image_goes_in_as_three_equal_colors(start, extract, precision):
    x = extract("fashion_mnist")[0][:20]
    model = build(start, precision=precision)
    found = model.predict(x, verbose=0)
    assert found.dtype == np.float32  # les deux bouts restent en float32
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    # Oracle : les mêmes couches, appelées l'une après l'autre sur l'image recopiée trois fois.
    y = np.repeat(x[..., None], 3, axis=-1).astype("float32")
    for layer in start.layers[1:]:
        if isinstance(layer, keras.layers.Dense):
            y = np.asarray(y) @ model.get_weights()[-1]
        else:
            y = layer(y)
    np.testing.assert_allclose(found, y, atol=1e-4 if precision == "float32" else 0.02)


def test_augmentation_keeps_the_form(extract):
    x = extract("fashion_mnist")[0][:60]
    before, indices = x.copy(), np.arange(60)
    views = [
        teacher.augment(x, indices=indices, epoch=epoch, rng=np.random.default_rng(0))
        for epoch in (0, 1)
    ]
    np.testing.assert_array_equal(x, before)
    assert all(view.shape == x.shape and view.dtype == np.uint8 for view in views)
    # Chaque image alterne : à l'endroit une époque, dans son miroir l'autre. Hors des carrés
    # effacés, tirés pareils aux deux époques, l'une est le miroir de l'autre.
    for first, second in zip(*views, strict=True):
        same = first == second[:, ::-1]
        assert same.mean() > 1 - 2.5 * teacher.CUTOUT_PX**2 / 28**2


def test_main_trains_reports_and_saves(start, as_dataset, tmp_path, monkeypatch, capsys):
    dataset = as_dataset("fashion_mnist")
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: dataset)
    load = saving.load_model
    monkeypatch.setattr(
        saving,
        "load_model",
        lambda slug, **options: start if slug == teacher.START else load(slug, **options),
    )
    arguments = [
        "--epochs",
        "2",
        "--seeds",
        "2",
        "--batch-size",
        "60",
        "--precision",
        "float32",
        "--models-dir",
        str(tmp_path / "m"),
        "--output",
        str(tmp_path / "f"),
    ]
    assert teacher.main(arguments) == 0
    assert "validation" in capsys.readouterr().out
    assert {p.name for p in (tmp_path / "f").iterdir()} >= {"courbes.png", "confusion.png"}
    report = reports.read_report("ex02_teacher", models_dir=tmp_path / "m")
    assert report.command.startswith("python -m exercises.ex02_teacher --seeds 2")
    assert report.num_views == 6
    assert report.num_images == {"train": 270, "val": 30, "test": 100}
    model = saving.load_model("ex02_teacher", models_dir=tmp_path / "m")
    found = teacher.evaluate(model, *dataset[1])
    for name in ("accuracy", "accuracy_tta"):
        assert found[name] == pytest.approx(report.shipped[name])


def test_the_start_must_be_there(as_dataset, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: as_dataset("fashion_mnist"))
    monkeypatch.setattr(teacher, "START", "ex03_absent")
    assert teacher.main(["--limit", "100", "--models-dir", str(tmp_path)]) == 1
    message = capsys.readouterr().err
    assert "ex03_absent" in message and "Traceback" not in message


def test_the_start_comes_first_from_the_chosen_folder(as_dataset, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: as_dataset("fashion_mnist"))
    broken = tmp_path / f"{teacher.START}.json"
    broken.write_text("{")
    assert teacher.main(["--limit", "100", "--models-dir", str(tmp_path)]) == 1
    assert str(broken) in capsys.readouterr().err


def test_shipped_teacher_on_the_real_extract(extract):
    x, y = extract("fashion_mnist")
    result = teacher.evaluate(saving.load_model("ex02_teacher"), x, y)
    assert result["accuracy"] >= 0.93 and result["accuracy_tta"] >= 0.93  # 400 images de test


@pytest.mark.slow
def test_shipped_teacher_on_the_whole_test_set():
    _, (x_test, y_test) = sources.load_fashion_mnist()
    report = reports.read_report("ex02_teacher")
    result = teacher.evaluate(saving.load_model("ex02_teacher"), x_test, y_test)
    assert result["accuracy"] == pytest.approx(report.shipped["accuracy"], abs=2e-4)
