from types import SimpleNamespace

import numpy as np
import pytest

from convnets.core import paths
from convnets.core import reports as storage
from convnets.datasets import sources
from convnets.serving import calibration
from convnets.training import saving

QUESTION = "Jour 04, exercice 3"
SHIPPED = ("ex03_cifar10", "ex03_cifar10_light")


@pytest.fixture(scope="module")
def ex03():
    from exercises import ex03_cifar10

    return ex03_cifar10


@pytest.fixture
def tiny(ex03):
    """Les deux formes de réseau, à peu de filtres."""
    return {
        name: recipe._replace(widths=(8, 12, 16), batch_size=90)
        for name, recipe in ex03.RECIPES.items()
    }


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("name", ["large", "light"])
def test_structure(ex03, name):
    recipe = ex03.RECIPES[name]
    model = ex03.build_model(recipe)
    assert model.input_shape == (None, 32, 32, 3) and model.output_shape == (None, 10)
    assert model.inputs[0].dtype == "uint8" and model.name == recipe.slug
    a, b, c = recipe.widths
    expected = 2 * 2 * 3 * 24  # blanchiment, figé
    for inputs, filters in ((24, a), (a, b), (b, c)):
        expected += 9 * inputs * filters + (recipe.depth - 1) * 9 * filters**2
        expected += recipe.depth * 3 * filters  # décalage, moyenne et variance
    expected += c * 10
    assert model.count_params() == expected == {"large": 9_921_824, "light": 2_327_200}[name]
    assert sum(np.prod(w.shape) for w in model.trainable_weights) == expected - 288 - (
        2 * recipe.depth * (a + b + c)
    )


def test_third_convolution_adds_to_the_second(ex03, tiny, extract):
    """Une troisième convolution nulle ne change rien à ce que rend la deuxième."""
    import keras

    model = ex03.build_model(tiny["large"])
    for number in (1, 2, 3):
        kernel = model.get_layer(f"group{number}_conv3")
        kernel.set_weights([np.zeros_like(w) for w in kernel.get_weights()])
    x = extract("cifar10")[0][:4]
    sums = [layer for layer in model.layers if isinstance(layer, keras.layers.Add)]
    assert len(sums) == 3
    for layer in sums:
        zero, second = layer.input
        parts = keras.Model(model.inputs[0], [zero, second, layer.output]).predict(x, verbose=0)
        assert np.abs(parts[0]).max() == 0 < np.abs(parts[1]).max()
        np.testing.assert_array_equal(parts[2], parts[1])


def test_probabilities_sum_to_one(ex03, tiny, extract):
    probabilities = ex03.build_model(tiny["large"]).predict(extract("cifar10")[0][:20], verbose=0)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)


def test_scaling_matches_the_whitening_statistics(ex03, tiny, extract):
    import keras

    x = extract("cifar10")[0][:10]
    model = ex03.build_model(tiny["light"])
    scaled = keras.Model(model.inputs[0], model.layers[1].output).predict(x, verbose=0)
    np.testing.assert_allclose(scaled, (x / 255 - ex03.MEAN) / ex03.STD, atol=1e-5)


def test_whitening_decorrelates_patches(ex03, extract):
    x, _ = extract("cifar10")
    kernel = ex03.whitening_kernel(x)
    assert kernel.shape == (2, 2, 3, 24) and kernel.dtype == np.float32
    np.testing.assert_array_equal(kernel[..., 12:], -kernel[..., :12])
    standard = (x[:50] / 255 - ex03.MEAN) / ex03.STD
    # Oracle : chaque carré de 2×2 pixels, pris un par un, projeté sur les douze filtres.
    responses = np.array(
        [
            [
                np.sum(image[i : i + 2, j : j + 2, :, None] * kernel[..., :12], axis=(0, 1, 2))
                for i in range(0, 31, 3)
                for j in range(0, 31, 3)
            ]
            for image in standard
        ]
    ).reshape(-1, 12)
    covariance = np.cov(responses, rowvar=False)
    off_diagonal = covariance - np.diag(np.diag(covariance))
    assert np.abs(off_diagonal).max() < 0.35  # quasi décorrélés, sur d'autres carrés
    assert 0.5 < np.median(np.diag(covariance)) < 1.5


@pytest.mark.parametrize(("name", "count"), [("large", 9), ("light", 6)])
def test_convolutions_start_as_partial_identity(ex03, tiny, name, count):
    model = ex03.build_model(tiny[name])
    kernels = [np.asarray(w) for w in model.weights if w.shape[:2] == (3, 3)]
    assert len(kernels) == count
    for kernel in kernels:
        channels, filters = kernel.shape[2:]
        copied = min(channels, filters)
        image = np.random.default_rng(0).normal(size=(3, 3, channels))
        response = np.einsum("ijc,ijcf->f", image, kernel)
        np.testing.assert_allclose(response[:copied], image[1, 1, :copied], atol=1e-6)
        others = kernel[..., copied:]
        assert np.abs(others).max(initial=0) <= 1 / np.sqrt(9 * channels) + 1e-6


@pytest.mark.parametrize("slug", SHIPPED)
def test_saved_model_opens_without_our_code(repo, slug):
    import subprocess
    import sys

    code = "import keras, sys; print(keras.saving.load_model(sys.argv[1]).count_params())"
    result = subprocess.run(
        [sys.executable, "-I", "-c", code, str(repo / "models" / f"{slug}.keras")],
        capture_output=True,
        text=True,
    )
    expected = storage.read_report(slug).num_parameters
    assert result.stdout.strip() == str(expected), result.stderr[-500:]


def test_triangle_schedule(ex03):
    schedule = ex03.Triangle(2.0, 1000)
    rates = [float(schedule(step)) for step in (0, 115, 230, 615, 1000)]
    np.testing.assert_allclose(rates, [0.4, 1.2, 2.0, 1.07, 0.14], rtol=1e-5)


def test_offsets_learn_faster(ex03):
    import keras

    def moved(optimizer):
        inputs = keras.Input((3,))
        normalised = keras.layers.BatchNormalization(gamma_initializer="ones")(inputs)
        model = keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="ones")(normalised))
        model.compile(optimizer, "mse", jit_compile=False)
        before = [w.copy() for w in model.get_weights()]
        x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
        model.train_on_batch(x, np.ones((8, 1)))
        after = model.get_weights()
        return {
            v.path.split("/")[-1]: b - a
            for v, a, b in zip(model.weights, before, after, strict=True)
        }

    plain, fast = moved(keras.optimizers.SGD(0.001)), moved(ex03.FastBetaSGD(0.001))
    np.testing.assert_allclose(fast["beta"], 64 * plain["beta"], rtol=1e-4)
    np.testing.assert_allclose(fast["kernel"], plain["kernel"], rtol=1e-5)


def test_lookahead_averages_every_five_steps(ex03):
    class Model:
        def __init__(self):
            self.value, self.optimizer = 0.0, SimpleNamespace(iterations=0)

        def get_weights(self):
            return [np.array(self.value)]

        def set_weights(self, weights):
            self.value = float(weights[0])

    model, callback = Model(), ex03.Lookahead(total_steps=20)
    callback.set_model(model)
    callback.set_params({"steps": 20})
    callback.on_train_begin()
    slow = 0.0
    for step in range(1, 21):
        model.value += 1
        callback.on_train_batch_end(step - 1)
        if step % 5 == 0:
            keep = 0.95**5 * (step / 20) ** 3
            slow = keep * slow + (1 - keep) * (slow + 5)
            assert model.value == pytest.approx(slow)


def test_each_image_is_mirrored_every_other_epoch(ex03, tiny, extract):
    recipe = tiny["light"]._replace(translate_px=0, cutout_px=0)
    x = extract("cifar10")[0][:100]
    views = [
        ex03.augment(
            x.copy(),
            indices=np.arange(100),
            epoch=epoch,
            rng=np.random.default_rng(epoch),
            recipe=recipe,
        )
        for epoch in range(3)
    ]
    same = [(view == x).all(axis=(1, 2, 3)) for view in views]
    mirrored = [(view == x[:, :, ::-1]).all(axis=(1, 2, 3)) for view in views]
    assert all((s ^ m).all() for s, m in zip(same, mirrored, strict=True))
    assert (same[0] == mirrored[1]).all() and (same[0] == same[2]).all()
    assert 30 < same[0].sum() < 70


def arguments(folder, *more):
    return [
        "--epochs",
        "2",
        "--seeds",
        "1",
        "--batch-size",
        "90",
        "--precision",
        "float32",
        "--models-dir",
        str(folder),
        "--output",
        str(folder / "f"),
        *more,
    ]


@pytest.fixture
def small(ex03, tiny, as_dataset, monkeypatch):
    dataset = as_dataset("cifar10")
    monkeypatch.setattr(sources, "load_cifar10", lambda: dataset)
    monkeypatch.setattr(ex03, "RECIPES", tiny)
    monkeypatch.setattr(ex03.refinement, "CYCLES", 1)
    return dataset


@pytest.mark.question(QUESTION)
@pytest.mark.usefixtures("eager")
def test_each_recipe_has_its_files(ex03, small, tmp_path):
    for name, recipe in ex03.RECIPES.items():
        assert ex03.main(arguments(tmp_path, "--epochs", "1", "--recipe", name)) == 0
        report = storage.read_report(recipe.slug, models_dir=tmp_path)
        assert report.command.startswith(f"python -m exercises.ex03_cifar10 --recipe {name} ")
        assert report.views[0] == ("crop", 1.0) and report.num_views == 6
        assert report.calibration["temperature"] > 0
        assert "--teacher" not in report.command
        weights = saving.load_model(recipe.slug, models_dir=tmp_path).get_weights()
        for each in weights:  # arrondis à 16 bits : c'est ce qui est mesuré et livré
            np.testing.assert_array_equal(each, each.astype(np.float16))


@pytest.mark.usefixtures("training_alone", "eager")
def test_refinement_can_be_cut_and_resumed(ex03, small, tmp_path, monkeypatch, capfd):
    """Repris au deuxième cycle, le départ et le maître sont les mêmes que d'une traite."""
    whole, cut = tmp_path / "entier", tmp_path / "coupe"
    more = ("--recipe", "large", "--epochs", "1")
    assert ex03.main(arguments(whole, *more, "--refine-cycles", "2")) == 0
    capfd.readouterr()

    def ctrl_c(self, epoch, logs=None):
        if "cycle2" in self.path.name:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ex03.training.Checkpoint, "on_epoch_begin", ctrl_c)
        assert ex03.main(arguments(cut, *more, "--refine-cycles", "2")) == 130
    assert "--resume" in capfd.readouterr().err
    assert ex03.main(arguments(cut, *more, "--refine-cycles", "2", "--resume")) == 0
    reports = [storage.read_report("ex03_cifar10", models_dir=m) for m in (whole, cut)]
    for report in reports:
        assert " --refine-cycles 2 " in report.command
        # Une époque, puis deux cycles qui ne durent pas plus qu'elle.
        assert {len(values) for values in report.history.values()} == {3}
    load = [saving.load_model("ex03_cifar10", models_dir=m).get_weights() for m in (whole, cut)]
    for expected, got in zip(*load, strict=True):
        np.testing.assert_allclose(got, expected, atol=2e-3)

    points = paths.runs_dir("ex03_cifar10", models_dir=whole)
    names = {"seed0.npz", "cycle1_seed0.npz", "cycle2_seed0.npz"}
    assert {path.name for path in points.iterdir()} == names
    assert ex03.main(arguments(whole, *more, "--refine-cycles", "0", "--force")) == 0
    assert [path.name for path in points.iterdir()] == ["seed0.npz"]  # repartir de zéro, en tout
    plain = saving.load_model("ex03_cifar10", models_dir=whole).get_weights()
    assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(plain, load[1], strict=True))


@pytest.mark.question(QUESTION)
def test_main_trains_saves_and_resumes(ex03, small, tmp_path, monkeypatch, capfd):
    def arguments_alone(*more):
        return arguments(*more, "--teacher", "none")

    whole, cut = tmp_path / "entier", tmp_path / "coupe"
    assert ex03.main(arguments_alone(whole)) == 0
    assert "accuracy_tta" in capfd.readouterr().out
    report = storage.read_report("ex03_cifar10_light", models_dir=whole)
    assert set(report.metrics) == {"accuracy", "accuracy_tta"}
    assert report.classes_fr[0] == "Avion" and np.sum(report.confusion_matrix) == 100

    def ctrl_c(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ex03.Lookahead, "on_epoch_begin", ctrl_c)
        assert ex03.main(arguments_alone(cut)) == 130
    assert "--resume" in capfd.readouterr().err
    assert not (cut / "ex03_cifar10_light.json").exists()
    assert ex03.main(arguments_alone(cut, "--resume")) == 0

    # Mêmes poids qu'un entraînement d'une traite, aux arrondis de calcul parallèle près.
    load = [
        saving.load_model("ex03_cifar10_light", models_dir=m).get_weights() for m in (whole, cut)
    ]
    for expected, got in zip(*load, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-3)


@pytest.mark.usefixtures("training_alone", "eager")
def test_the_light_network_imitates_the_large_one(ex03, small, tmp_path):
    """Le maître est celui du dossier choisi, s'il y est ; il change ce que l'élève apprend."""
    assert ex03.main(arguments(tmp_path, "--epochs", "1", "--recipe", "large")) == 0
    found = {}
    for teacher in ([], ["--teacher", "none"]):
        assert ex03.main(arguments(tmp_path, "--epochs", "1", *teacher, "--force")) == 0
        report = storage.read_report("ex03_cifar10_light", models_dir=tmp_path)
        assert (" --teacher none " in report.command) == bool(teacher)
        model = saving.load_model("ex03_cifar10_light", models_dir=tmp_path)
        found[bool(teacher)] = model.get_weights()
    assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(*found.values(), strict=True))


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("slug", SHIPPED)
def test_shipped_model_and_its_export_on_the_real_extract(ex03, extract, slug):
    from convnets.serving.classifier import Classifier

    x, y = extract("cifar10")
    result = ex03.evaluate(saving.load_model(slug), x, y)
    assert result["accuracy"] >= 0.91  # 400 images de test, fixes
    agree(slug, Classifier(slug).predict(x), result["probabilities"])


def agree(slug, light, probabilities):
    """L'export en int8 arrondit : même classe presque partout, étalonnage mis à part."""
    report = storage.read_report(slug)
    expected = calibration.soften(probabilities, report.calibration["temperature"])
    rounding = 1e-5 if report.export == "float32" else 0.02
    assert np.abs(light - expected).mean() < rounding
    assert np.mean(light.argmax(1) == expected.argmax(1)) >= (1 if rounding < 1e-3 else 0.99)


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize(
    ("slug", "goals", "export_bytes"),
    [
        ("ex03_cifar10", {"accuracy": 0.958, "accuracy_tta": 0.96}, 20e6),
        ("ex03_cifar10_light", {"accuracy": 0.942, "accuracy_tta": 0.9465}, 2.5e6),
    ],
)
def test_shipped_result(repo, slug, goals, export_bytes):
    report = storage.read_report(slug)
    for name, goal in goals.items():
        assert report.metrics[name].mean >= goal
    assert report.num_images["test"] == 10000
    assert (repo / "models" / f"{slug}.tflite").stat().st_size <= export_bytes
    before, after = (report.calibration[name] for name in ("ece_before", "ece_after"))
    assert after <= 0.02 < before
    assert report.export_accuracy >= report.shipped["accuracy"] - 0.002


@pytest.mark.slow
@pytest.mark.parametrize("slug", SHIPPED)
def test_shipped_model_and_its_export_on_the_whole_test_set(ex03, slug):
    from convnets.serving.classifier import Classifier

    _, (x_test, y_test) = sources.load_cifar10()
    report = storage.read_report(slug)
    result = ex03.evaluate(saving.load_model(slug), x_test, y_test)
    assert result["accuracy"] == pytest.approx(report.shipped["accuracy"], abs=2e-4)
    assert result["accuracy_tta"] == pytest.approx(report.shipped["accuracy_tta"], abs=2e-4)
    light = Classifier(slug)
    got = np.concatenate([light.predict(x_test[i : i + 500]) for i in range(0, 10000, 500)])
    agree(slug, got, result["probabilities"])
    accuracy = np.mean(got.argmax(1) == y_test.reshape(-1))
    assert accuracy == pytest.approx(report.export_accuracy, abs=2e-4)
