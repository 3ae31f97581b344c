import numpy as np
import pytest

from convnets.core import reports
from convnets.datasets import sources
from convnets.serving import calibration
from convnets.training import saving, views

QUESTION = "Jour 04, exercice 3"
SHIPPED = ("thumbnails", "thumbnails_light")


@pytest.fixture(scope="module")
def ex03():
    from exercises import ex03_cifar10

    return ex03_cifar10


@pytest.fixture
def tiny(ex03, monkeypatch):
    """Le même réseau, à peu de filtres."""
    monkeypatch.setattr(ex03, "FILTERS", (8, 12, 16))


@pytest.mark.question(QUESTION)
def test_structure(ex03):
    model = ex03.build_model()
    assert model.input_shape == (None, 32, 32, 3) and model.output_shape == (None, 10)
    assert model.inputs[0].dtype == "uint8" and model.name == "ex03_cifar10"
    a, b, c = ex03.FILTERS
    expected = 2 * 2 * 3 * 24  # blanchiment, figé
    for inputs, filters in ((24, a), (a, b), (b, c)):
        expected += 9 * inputs * filters + 9 * filters**2
        expected += 2 * 3 * filters  # décalage, moyenne et variance
    expected += c * 10
    assert model.count_params() == expected
    learnt = sum(np.prod(w.shape) for w in model.trainable_weights)
    assert learnt == expected - 288 - 2 * 2 * (a + b + c)


@pytest.mark.usefixtures("tiny")
def test_probabilities_sum_to_one(ex03, extract):
    probabilities = ex03.build_model().predict(extract("cifar10")[0][:20], verbose=0)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)


@pytest.mark.usefixtures("tiny")
def test_scaling_matches_the_whitening_statistics(ex03, extract):
    import keras

    x = extract("cifar10")[0][:10]
    model = ex03.build_model()
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


@pytest.mark.usefixtures("tiny")
def test_convolutions_start_as_partial_identity(ex03, extract):
    model, x = ex03.build_model(), extract("cifar10")[0]
    ex03.prepare(model, x)
    first, *kernels = [np.asarray(w) for w in model.weights if len(w.shape) == 4]
    np.testing.assert_array_equal(first, ex03.whitening_kernel(x))
    assert len(kernels) == 6
    for kernel in kernels:
        channels, filters = kernel.shape[2:]
        copied = min(channels, filters)
        image = np.random.default_rng(0).normal(size=(3, 3, channels))
        response = np.einsum("ijc,ijcf->f", image, kernel)
        np.testing.assert_allclose(response[:copied], image[1, 1, :copied], atol=1e-6)
        assert np.abs(kernel[..., copied:]).max(initial=0) < 1  # les autres, tirés au sort


def test_each_image_is_mirrored_every_other_epoch(ex03, extract, monkeypatch):
    monkeypatch.setattr(ex03, "TRANSLATE_PX", 0)
    x, seen = extract("cifar10")[0][:100], np.arange(100)
    views = [
        ex03.augment(x.copy(), indices=seen, epoch=epoch, rng=np.random.default_rng(epoch))
        for epoch in range(3)
    ]
    same = [(view == x).all(axis=(1, 2, 3)) for view in views]
    mirrored = [(view == x[:, :, ::-1]).all(axis=(1, 2, 3)) for view in views]
    assert all((s ^ m).all() for s, m in zip(same, mirrored, strict=True))
    assert (same[0] == mirrored[1]).all() and (same[0] == same[2]).all()
    assert 30 < same[0].sum() < 70


def arguments(folder, *more):
    return (
        f"--epochs 2 --batch-size 135 --precision float32 --models-dir {folder} "
        f"--output {folder}/f {' '.join(more)}".split()
    )


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.usefixtures("tiny", "eager")
def test_main_trains_and_saves(
    ex03, as_dataset, run_predict, unrendered, tmp_path, monkeypatch, capfd
):
    monkeypatch.setattr(sources, "load_cifar10", lambda: as_dataset("cifar10"))
    whole = tmp_path / "entier"
    with unrendered():  # test_ex02_fashion.py dessine ces figures
        assert ex03.main(arguments(whole)) == 0
    printed = capfd.readouterr().out
    report = reports.read_report("ex03_cifar10", models_dir=whole)
    assert report.command.startswith("python -m exercises.ex03_cifar10 --seeds 1 --epochs 2 ")
    assert set(report.metrics) == {"accuracy"} and report.calibration["temperature"] > 0
    assert report.classes_fr[0] == "Avion" and np.sum(report.confusion_matrix) == 100

    # La commande que proposent les dernières lignes nomme une image.
    proposed = printed.rpartition("./predict --model ")[2].split()[0]
    shown = run_predict("--model", proposed, "samples/avion.png")
    assert shown.returncode == 0 and shown.stdout.decode().startswith("Prédiction: ")


@pytest.mark.slow
def test_main_cut_then_resumed_ends_alike(
    ex03, as_dataset, unrendered, tmp_path, monkeypatch, capfd
):
    monkeypatch.setattr(sources, "load_cifar10", lambda: as_dataset("cifar10"))
    whole, cut = tmp_path / "entier", tmp_path / "coupe"
    with unrendered():
        assert ex03.main(arguments(whole)) == 0
    report = reports.read_report("ex03_cifar10", models_dir=whole)

    def ctrl_c(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ex03.study.Checkpoint, "on_epoch_begin", ctrl_c)
        assert ex03.main(arguments(cut)) == 130
    assert "--resume" in capfd.readouterr().err
    assert not (cut / "ex03_cifar10.json").exists()
    # L'export et les figures ont été vus plus haut : ici, seuls les poids comptent.
    export = (whole / "ex03_cifar10.tflite").read_bytes(), report.export
    monkeypatch.setattr(ex03.study.exports, "choose_export", lambda *given: export)
    monkeypatch.setattr(ex03, "save_training_figures", lambda *given: None)
    assert ex03.main(arguments(cut, "--resume")) == 0

    # Mêmes poids qu'un entraînement d'une traite, aux arrondis de calcul parallèle près.
    load = [saving.load_model("ex03_cifar10", models_dir=m).get_weights() for m in (whole, cut)]
    for expected, got in zip(*load, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-3)


# --- Les modèles livrés, que recipes/ refait -----------------------------------------


@pytest.mark.slow
def test_saved_models_open_without_our_code(repo):
    import subprocess
    import sys

    code = (
        "import keras, sys\n"
        "for path in sys.argv[1:]: print(keras.saving.load_model(path).count_params())"
    )
    files = [str(repo / "models" / f"{slug}.keras") for slug in SHIPPED]
    result = subprocess.run(
        [sys.executable, "-I", "-c", code, *files], capture_output=True, text=True
    )
    expected = [str(reports.read_report(slug).num_parameters) for slug in SHIPPED]
    assert result.stdout.split() == expected, result.stderr[-500:]


@pytest.mark.ci
@pytest.mark.question(QUESTION)
@pytest.mark.parametrize("slug", SHIPPED)
def test_shipped_model_and_its_export_on_the_real_extract(extract, slug):
    from convnets.serving.classifier import Classifier

    x, y = (each[:200] for each in extract("cifar10"))
    probabilities = saving.load_model(slug).predict(x, verbose=0)
    assert np.mean(probabilities.argmax(1) == y.reshape(-1)) >= 0.91  # 200 images de test, fixes
    agree(slug, Classifier(slug).predict(x), probabilities)


def agree(slug, light, probabilities):
    """L'export en int8 arrondit : même classe presque partout, étalonnage mis à part."""
    report = reports.read_report(slug)
    expected = calibration.soften(probabilities, report.calibration["temperature"])
    rounding = 1e-5 if report.export == "float32" else 0.02
    assert np.abs(light - expected).mean() < rounding
    assert np.mean(light.argmax(1) == expected.argmax(1)) >= (1 if rounding < 1e-3 else 0.99)


@pytest.mark.question(QUESTION)
@pytest.mark.parametrize(
    ("slug", "goals", "export_bytes"),
    [
        ("thumbnails", {"accuracy": 0.958, "accuracy_tta": 0.96}, 20e6),
        ("thumbnails_light", {"accuracy": 0.944, "accuracy_tta": 0.948}, 2.4e6),
    ],
)
def test_shipped_result(repo, slug, goals, export_bytes):
    report = reports.read_report(slug)
    for name, goal in goals.items():
        assert report.metrics[name].mean >= goal
    assert report.num_images["test"] == 10000
    assert (repo / "models" / f"{slug}.tflite").stat().st_size <= export_bytes
    before, after = (report.calibration[name] for name in ("ece_before", "ece_after"))
    assert after <= 0.02 < before
    assert report.export_accuracy >= report.shipped["accuracy"] - 0.002


@pytest.mark.slow
@pytest.mark.parametrize("slug", SHIPPED)
def test_shipped_model_and_its_export_on_the_whole_test_set(slug):
    from convnets.serving.classifier import Classifier

    _, (x_test, y_test) = sources.load_cifar10()
    report = reports.read_report(slug)
    result = views.evaluate_thumbnails(saving.load_model(slug), x_test, y_test)
    assert result["accuracy"] == pytest.approx(report.shipped["accuracy"], abs=2e-4)
    assert result["accuracy_tta"] == pytest.approx(report.shipped["accuracy_tta"], abs=2e-4)
    light = Classifier(slug)
    got = np.concatenate([light.predict(x_test[i : i + 500]) for i in range(0, 10000, 500)])
    agree(slug, got, result["probabilities"])
    accuracy = np.mean(got.argmax(1) == y_test.reshape(-1))
    assert accuracy == pytest.approx(report.export_accuracy, abs=2e-4)
