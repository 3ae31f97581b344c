import functools
import io
import os
import signal
import stat
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from convnets.core import reports
from convnets.core.reports import Report
from convnets.training import export, saving


@pytest.fixture(scope="module")
def model():
    import keras

    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(4, 3, activation="gelu")(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x), name="ex99_essai")


IMAGES = np.random.default_rng(0).integers(0, 256, (50, 6, 6, 3), np.uint8)


def report(score=0.5, **fields):
    return Report("python -m exercises.ex99_essai", {}, score=score, **fields)


@pytest.fixture(scope="module")
def expected(model):
    return model.predict(IMAGES, verbose=0)


@pytest.fixture(scope="module")
def exported(model):
    """exported("int8") -> le contenu de l'export, converti une fois pour tous les tests."""
    convert = export.export_litert  # la vraie, même si un test la remplace
    return functools.cache(lambda weights: convert(model, weights=weights))


@pytest.fixture
def save(model, exported):
    """save(dossier, score) : le modèle, dont l'export est déjà fait."""

    def call(folder, score=0.5, **options):
        options = {"export": (exported("float32"), "float32"), "models_dir": folder, **options}
        return saving.save_model(model, "ex99_essai", report(score), **options)

    return call


def names(folder):
    return sorted(p.name for p in folder.iterdir())


FILES = ["ex99_essai.json", "ex99_essai.keras", "ex99_essai.tflite"]


@pytest.mark.ci
def test_saved_model_predicts_the_same(model, tmp_path, expected, exported):
    export = exported("float32"), "float32"
    (tmp_path / ".ex99_essai.tmp" / "reste").mkdir(parents=True)  # d'un processus tué
    saving.save_model(model, "ex99_essai", report(), export=export, models_dir=tmp_path)
    assert names(tmp_path) == FILES
    again = saving.load_model("ex99_essai", models_dir=tmp_path)
    np.testing.assert_allclose(again(IMAGES), expected, atol=1e-6)
    np.testing.assert_allclose(answers((tmp_path / FILES[2]).read_bytes()), expected, atol=1e-5)
    assert reports.read_report("ex99_essai", models_dir=tmp_path).export == "float32"


def answers(content):
    from ai_edge_litert.interpreter import Interpreter

    engine = Interpreter(model_content=content)
    index = engine.get_input_details()[0]["index"]
    engine.resize_tensor_input(index, IMAGES.shape)
    engine.allocate_tensors()
    engine.set_tensor(index, IMAGES)
    engine.invoke()
    return engine.get_tensor(engine.get_output_details()[0]["index"])


@pytest.mark.parametrize(("weights", "tolerance"), [("float16", 1e-3), ("int8", 0.05)])
def test_export_agrees_with_keras(exported, expected, weights, tolerance):
    np.testing.assert_allclose(answers(exported(weights)), expected, atol=tolerance)


def test_a_failed_export_is_one_sentence(model, monkeypatch):
    """Sous JAX, un autre processus convertit : `cli.run` montrait la trace de son échec."""
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    failed = SimpleNamespace(returncode=1, stderr="plus de mémoire\n")
    monkeypatch.setattr("subprocess.run", lambda *_, **__: failed)
    with pytest.raises(OSError, match="a échoué : plus de mémoire$"):
        export.export_litert(model)


def test_sidecar_of_other_weights_is_refused(save, tmp_path):
    save(tmp_path)
    with open(tmp_path / FILES[1], "ab") as file:
        file.write(b"x")
    with pytest.raises(ValueError, match="ne décrit pas ex99_essai.keras"):
        saving.load_model("ex99_essai", models_dir=tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"files": 3}', "{}"])
def test_broken_sidecar(save, tmp_path, content):
    save(tmp_path)
    (tmp_path / FILES[0]).write_text(content)
    with pytest.raises(ValueError, match="abîmé"):
        saving.load_model("ex99_essai", models_dir=tmp_path)


def test_missing_files(save, tmp_path):
    with pytest.raises(FileNotFoundError, match="Pas de modèle ex99_essai.*python -m exercises"):
        saving.load_model("ex99_essai", models_dir=tmp_path)
    save(tmp_path)
    (tmp_path / FILES[1]).unlink()
    with pytest.raises(FileNotFoundError, match="décrit ex99_essai.keras"):
        saving.load_model("ex99_essai", models_dir=tmp_path)


def test_cut_while_saving_leaves_the_old_model(save, tmp_path, monkeypatch):
    save(tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}

    def cut(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(saving, "save_report", cut)  # le .keras est déjà écrit à côté
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path, score=0.99)
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before


def test_ctrl_c_between_two_renames_waits(save, tmp_path, monkeypatch):
    save(tmp_path)
    replace, calls = os.replace, []

    def replace_then_ctrl_c(source, target):
        replace(source, target)
        calls.append(target)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(os, "replace", replace_then_ctrl_c)
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignoré après un « & »
    try:
        with pytest.raises(KeyboardInterrupt):
            save(tmp_path, score=0.99)
    finally:
        signal.signal(signal.SIGINT, previous)
    monkeypatch.undo()
    assert len(calls) == 3
    assert reports.read_report("ex99_essai", models_dir=tmp_path).score == 0.99


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root écrit partout")
def test_no_write_permission(save, tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with pytest.raises(PermissionError, match=""):
            save(tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_models_dir_that_is_a_file(save, tmp_path):
    (tmp_path / "fichier").write_text("")
    with pytest.raises(OSError, match="fichier"):
        save(tmp_path / "fichier")


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([[0.3, 0.3, 0], [-1, 100, 0]], [[77 / 256, 0.25, 0], [-1, 100, 0]]),
        ([0.1, 3], np.array([0.1, 3], np.float16)),  # un vecteur : à seize bits
    ],
)
def test_weights_are_rounded_filter_by_filter(weights, expected):
    """Le pas est la plus petite puissance de deux dont 511 fois dépasse le plus grand poids."""
    found = saving.round_weight(np.array(weights, np.float32))
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.float32


def test_weights_are_compressed_without_loss(tmp_path):
    import keras

    inputs = keras.Input((6, 6, 3), dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    big = keras.Model(inputs, keras.layers.Dense(3000, activation="softmax")(x))
    rounded = [weight.astype(np.float16) for weight in big.get_weights()]
    big.set_weights(rounded)
    saved = {"export": (b"essai", "float32"), "models_dir": tmp_path}
    saving.save_model(big, "ex99_essai", report(1.0), **saved)
    path = tmp_path / "ex99_essai.keras"
    assert path.stat().st_size < 0.6 * 4 * big.count_params()
    again = saving.load_model("ex99_essai", models_dir=tmp_path)
    for expected, got in zip(rounded, again.get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected.astype(np.float32))


def test_a_large_model_is_exported_in_int8_unless_it_loses(model, expected, exported, monkeypatch):
    monkeypatch.setattr(export, "export_litert", lambda _, weights="float32": exported(weights))
    y = expected.argmax(1)
    exact, weights = export.choose_export(model, IMAGES, y)
    assert weights == "float32" and export.export_accuracy(exact, IMAGES, y) == 1
    wrong = (y + 1) % 3
    assert export.export_accuracy(exact, IMAGES, wrong[:, None]) == 0
    monkeypatch.setattr(export, "MAX_EXACT_EXPORT_BYTES", 0)
    assert export.choose_export(model, IMAGES, y) == (exported("int8"), "int8")

    # L'export en int8 se trompe sur les 30 premières images, ou sur une seule : le hasard.
    for num_wrong, chosen in ((30, "float16"), (1, "int8"), (0, "int8")):
        shifted = np.where(np.arange(len(y)) < num_wrong, wrong, y)
        answers = iter([y, shifted])
        with monkeypatch.context() as patch:
            patch.setattr(export, "export_guesses", lambda content, x, a=answers: next(a))
            assert export.choose_export(model, IMAGES, y) == (exported(chosen), chosen)


def test_a_model_made_of_compiled_ones_keeps_no_optimizer(tmp_path):
    import h5py
    import keras

    part = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    part.compile("adam", "mse")
    part.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    images = keras.Input((3,))
    whole = keras.Model(images, part(images))
    saving.save_model(whole, "m", Report("c", {}), export=None, models_dir=tmp_path)
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        content = archive.read("model.weights.h5")
    names = []
    h5py.File(io.BytesIO(content)).visit(names.append)
    assert not [name for name in names if "optimizer/vars" in name]
    (layer,) = saving.load_model("m", models_dir=tmp_path).layers[1:]
    np.testing.assert_array_equal(layer.get_weights()[0], part.get_weights()[0])
