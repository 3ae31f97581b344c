"""L'exercice 05 : images, caractéristiques, tête, et tout le parcours sur une petite base."""

import ast
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from exercises.common import data, folders, pretrained, storage
from exercises.common.prediction import Classifier

QUESTION = "TD keras & CNN, question 2"
pytestmark = pytest.mark.filterwarnings(
    "ignore:Even though the `tf.config", "ignore:Please import `affine_transform`"
)
RNG = np.random.default_rng(0)
COLORS = {"bleu": (40, 60, 200), "rouge": (200, 50, 40), "vert": (30, 180, 60)}


@pytest.fixture(scope="module")
def ex05():
    from exercises import ex05_inception

    return ex05_inception


@pytest.fixture(scope="module")
def features():
    from exercises import ex05_features

    return ex05_features


@pytest.fixture(scope="module")
def top():
    from exercises import ex05_head

    return ex05_head


@pytest.fixture
def eager():
    """Sans construire de graphe : les réseaux sont minuscules, et il y en a beaucoup."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def inception():
    """Le vrai InceptionV3, aux poids tirés au hasard : rien à télécharger."""
    return pretrained.inception_v3(input_px=150, weights=None)[0]


def tiny_inception(*, input_px=150, weights="imagenet", seed=0, sha256=None, cache_dir=None):
    """Une base de quelques poids, avec deux noms de couches d'InceptionV3."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed + (weights is None))
    images = keras.Input((input_px, input_px, 3))
    x = layers.AveragePooling2D(input_px // 5)(images)
    x = layers.BatchNormalization(scale=False)(x)
    for name in ("mixed2", "mixed9"):
        x = layers.Conv2D(8, 1, activation="leaky_relu", name=name)(x)
    base = keras.Model(images, x)
    found = pretrained.weights_sha256(base)
    if sha256 not in (None, found):
        raise FileNotFoundError(f"pas de poids d'empreinte {sha256}")
    return base, pretrained.Provenance("base d'essai", found, "")


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """La petite base à la place d'InceptionV3, et un cache à elle."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(pretrained, "inception_v3", tiny_inception)
    return tiny_inception()


def write_colors(root, names, *, num=10, size=(24, 16)):
    """Des classes que leur couleur moyenne suffit à séparer."""
    for name in names:
        (root / name).mkdir(parents=True, exist_ok=True)
        for k in range(num):
            noise = RNG.normal(0, 40, (size[1], size[0], 3)) + COLORS[name]
            pixels = np.clip(noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{k:02}.png")
    return root


@pytest.fixture
def two_colors(tmp_path):
    return write_colors(tmp_path / "images", ["bleu", "rouge"])


@pytest.fixture
def two_pictures(two_colors):
    with folders.square_copies(folders.scan(two_colors), 150) as pictures:
        yield pictures


def copied(pictures):
    """Les copies que lit le générateur, dans l'ordre de leurs numéros."""
    paths = sorted(pictures.folder.rglob("*.png"), key=lambda path: path.stem)
    return np.stack([np.asarray(Image.open(path)) for path in paths])


def run_main(ex05, tmp_path, *arguments):
    return ex05.main(
        ["--epochs", "8", "--folds", "2", "--seeds", "1", "--models-dir", str(tmp_path / "m"),
         "--output", str(tmp_path / "f"), *map(str, arguments)]
    )  # fmt: skip


# --- Le vrai InceptionV3 --------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_the_base_is_inception_v3_and_frozen(features, inception):
    whole = features.frozen_base(inception, layer_name="mixed10")
    assert whole.count_params() == 21_802_784
    assert whole.input_shape == (None, 150, 150, 3) and whole.output_shape == (None, 2048)
    channels = {"mixed2": 288, "mixed4": 768, "mixed6": 768, "mixed8": 1280, "mixed9": 2048}
    counts = []
    for name, expected in channels.items():
        cut = features.frozen_base(inception, layer_name=name)
        assert cut.output_shape == (None, expected)
        assert cut.trainable_weights == []
        counts.append(cut.count_params())
    assert counts == sorted(counts) and counts[-1] < whole.count_params()


def test_generator_and_export_see_the_same_features(features, inception, two_pictures):
    """Le générateur met à l'échelle avant la base, l'export de `./predict` dedans."""
    frozen = features.frozen_base(inception)
    exported = pretrained.features_model(inception, layer_name=features.LAYER)
    batch, _ = features.make_generator(two_pictures)[0]
    pixels = copied(two_pictures)
    expected, got = np.asarray(exported(pixels[:2])), np.asarray(frozen(batch[:2]))
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


# --- Le générateur de l'énoncé --------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_generator_reads_what_the_statement_asks(features, two_pictures):
    train = features.make_generator(two_pictures, subset="training", shuffle=True)
    x, y = train[0]
    assert x.shape == (16, 150, 150, 3) and x.dtype == np.float32
    assert -1 <= x.min() < 0 < x.max() <= 1
    assert sorted(y.tolist()) == [0] * 8 + [1] * 8  # binary
    assert len(train) == 1  # 16 images : 16 // 64 vaudrait 0
    assert train.target_size == (150, 150) and train.batch_size == 64


@pytest.mark.question(QUESTION)
def test_validation_is_the_first_fifth_of_each_class_in_order(features, two_pictures):
    val = features.make_generator(two_pictures, subset="validation", augment=False)
    assert features.rows(val).tolist() == [0, 1, 10, 11]
    train = features.make_generator(two_pictures, subset="training", shuffle=True)
    assert sorted(features.rows(train)) == [*range(2, 10), *range(12, 20)]
    once, again = val[0][0], val[0][0]
    np.testing.assert_array_equal(once, again)  # ni transformée…
    pixels = copied(two_pictures)[features.rows(val)]
    np.testing.assert_allclose(once, pixels / 127.5 - 1, atol=1e-5)  # … ni mélangée


def test_augmentation_changes_the_training_images(features, two_pictures):
    train = features.make_generator(two_pictures, subset="training", augment=True)
    assert np.abs(train[0][0] - train[0][0]).max() > 0.1


def test_three_classes_are_categorical(features, top, tmp_path):
    root = write_colors(tmp_path / "trois", COLORS, num=5)
    with folders.square_copies(folders.scan(root), 150) as pictures:
        _, y = features.make_generator(pictures)[0]
    np.testing.assert_array_equal(y, top.targets(pictures.labels, 3))
    assert y.shape == (15, 3) and (y.sum(1) == 1).all()


def test_keras_prints_nothing_in_english(features, two_pictures, capfd):
    features.make_generator(two_pictures)
    assert capfd.readouterr().out == ""


# --- Les caractéristiques -------------------------------------------------------------


def test_features_are_in_the_order_of_the_files(features, two_pictures, tmp_path):
    """Vérité plantée : une base qui moyenne chaque canal rend la couleur de chaque image."""
    import keras

    images = keras.Input((150, 150, 3))
    mean_color = keras.Model(images, keras.layers.GlobalAveragePooling2D()(images))
    x, duration_s = features.extract(two_pictures, mean_color, base_sha256="", cache_dir=tmp_path)
    expected = copied(two_pictures).mean((1, 2)) / 127.5 - 1
    np.testing.assert_allclose(x, expected, atol=1e-4)
    assert duration_s > 0


def test_features_are_computed_again_when_what_they_depend_on_changes(
    features, two_colors, tmp_path
):
    frozen, calls = features.frozen_base(tiny_inception()[0]), []

    def predict(batches, verbose):
        calls.append(1)
        return np.zeros((batches.n, frozen.output_shape[1]), np.float32)

    spy = SimpleNamespace(predict=predict)

    def extract(**changes):
        options = {"base_sha256": "a", "cache_dir": tmp_path / "c", **changes}
        with folders.square_copies(folders.scan(two_colors), 150) as pictures:
            features.extract(pictures, spy, **options)
        return len(calls)

    assert (extract(), extract()) == (1, 1)
    assert extract(base_sha256="b") == 2
    assert extract(layer_name="mixed2") == 3
    Image.new("RGB", (9, 9)).save(two_colors / "bleu" / "03.png")
    assert (extract(), extract()) == (4, 4)
    (two_colors / "bleu" / "04.png").write_bytes(b"")  # illisible : une image de moins
    assert extract() == 5


@pytest.mark.question(QUESTION)
def test_both_ways_of_making_an_epoch_learn_the_same(features, eager, two_pictures):
    frozen = features.frozen_base(tiny_inception()[0])
    x = frozen.predict(features.make_generator(two_pictures), verbose=0)
    found = features.compare_epochs(two_pictures, frozen, x)
    assert found["pushed"]["val_accuracy"] == pytest.approx(found["cached"]["val_accuracy"])
    assert found["speedup"] == found["pushed"]["epoch_s"] / found["cached"]["epoch_s"] > 0


def test_the_clock_leaves_the_first_batch_out(features, monkeypatch):
    now = iter([0, 100, 101, 102, 103])  # un premier lot très long, puis trois d'une seconde
    monkeypatch.setattr(features.time, "monotonic", lambda: next(now))
    clock = features._Clock()
    clock.on_epoch_begin(0)
    for batch in range(4):
        clock.on_train_batch_end(batch)
    clock.on_epoch_end(0)
    assert clock.epoch_s == 4


# --- La tête --------------------------------------------------------------------------


def test_head_parameters_and_probabilities(top):
    x = RNG.normal(5, 3, (30, 2048)).astype(np.float32)
    head = top.build_head(x, 2, seed=0)
    assert head.count_params() == 2 * 2048 + 2  # la normalisation n'apprend rien
    kernel, bias = RNG.normal(0, 0.01, (2048, 2)), np.array([0.1, -0.2])
    head.set_weights([kernel, bias])
    probabilities = top.predict(head, x)
    assert probabilities.shape == (30, 2)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    # Deux sorties softmax valent une sigmoïde de la différence, comme l'énoncé.
    logits = (x - x.mean(0)) / x.std(0) @ kernel + bias
    np.testing.assert_allclose(
        probabilities[:, 1], 1 / (1 + np.exp(logits[:, 0] - logits[:, 1])), atol=1e-4
    )


def test_the_same_seed_gives_the_same_head(top, eager):
    x = RNG.normal(size=(40, 6)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int)
    first, second, other = (
        top.train_head(x, y, num_classes=2, seed=seed, epochs=1)[0].get_weights()[0]
        for seed in (7, 7, 8)
    )
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_folds_share_each_class_evenly(top):
    labels = np.array([0] * 11 + [1] * 23)
    folds = top.draw_folds(labels, 5, seed=3)
    counts = [np.bincount(folds[labels == label], minlength=5) for label in (0, 1)]
    assert all(np.ptp(each) <= 1 and each.min() > 0 for each in counts)
    assert (folds != top.draw_folds(labels, 5, seed=4)).any()


@pytest.mark.parametrize("num_folds", [1, 12])
def test_impossible_folds(top, num_folds):
    with pytest.raises(ValueError, match=f"{num_folds} plis demandés ; entre 2 et 11"):
        top.draw_folds(np.array([0] * 11 + [1] * 23), num_folds, seed=0)


def test_cross_validation_never_predicts_what_it_has_seen(top, eager, monkeypatch):
    """Une image, un code à elle : qui l'a vue la reconnaît, qui ne l'a pas vue ne peut rien."""
    monkeypatch.setattr(top, "LEARNING_RATE", 0.1)  # peu d'époques suffisent
    monkeypatch.setattr(top, "L2", 0)
    x, labels = np.zeros((60, 41), np.float32), np.arange(60) % 2
    x[:40, :40] = np.eye(40)  # quarante codes uniques, sans rapport avec la classe…
    x[40:, 40] = 2 * labels[40:] - 1  # … et vingt images que la dernière colonne trahit
    options = {"seed": 0, "epochs": 20}
    head, _ = top.train_head(x, labels, num_classes=2, **options)
    assert top.accuracy(top.predict(head, x), labels) == 1
    unseen = top.cross_validate(x, labels, num_folds=2, **options)
    assert top.accuracy(unseen[:40], labels[:40]) < 0.75
    assert top.accuracy(unseen[40:], labels[40:]) == 1


# --- Le parcours entier ---------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_main_on_a_folder_of_three_classes(ex05, features, top, tiny, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(top, "LEARNING_RATE", 0.05)  # peu d'époques suffisent
    root = write_colors(tmp_path / "mes images", COLORS)
    (root / "vert" / "cassée.jpg").write_bytes(b"\xff\xd8\xff")
    assert run_main(ex05, tmp_path, "--images", root, "--epochs", 20) == 0
    printed = capfd.readouterr().out
    for expected in ("30 images : bleu 10, rouge 10, vert 10.", "Laissé de côté : vert/cassée.jpg",
                     "fois plus vite avec le cache", "base aux poids tirés au hasard",
                     "Validation croisée, 2 plis"):  # fmt: skip
        assert expected in printed
    report = storage.read_sidecar("ex05_inception", models_dir=tmp_path / "m")
    base, provenance = tiny
    assert report["base"] == {
        "name": "InceptionV3", "input_px": 150, "layer": features.LAYER,
        "sha256": provenance.sha256, "source": "base d'essai",
    }  # fmt: skip
    assert report["classes"] == ["bleu", "rouge", "vert"]
    assert report["classes_fr"] == ["Bleu", "Rouge", "Vert"]
    assert report["input_shape"] == [150, 150, 3] and report["framing"] == "squash"
    assert report["num_images"] == {"train": 24, "val": 6, "test": 30}
    assert set(report["metrics"]) == {"accuracy", "folds_accuracy", "control_accuracy"}
    assert report["command"].endswith("--images mes images --seeds 1 --epochs 20 --folds 2")
    assert report["metrics"]["accuracy"]["mean"] > 0.8  # des couleurs unies, ou presque
    assert np.trace(report["confusion_matrix"]) == pytest.approx(30 * report["shipped"]["accuracy"])
    assert str(tmp_path) not in str(report)  # le compte rendu ne dit pas où sont les photos
    assert {path.name for path in (tmp_path / "f").iterdir()} == {
        "courbes.png", "confusion.png", "erreurs.png"
    }  # fmt: skip

    # ./predict : deux moteurs LiteRT, la même réponse que la base et la tête relues par Keras.
    import keras

    head = keras.saving.load_model(tmp_path / "m" / "ex05_inception.keras", compile=False)
    whole = pretrained.features_model(base, layer_name=features.LAYER)
    classifier = Classifier("ex05_inception", models_dir=tmp_path / "m")
    paths = [str(root / name / "03.png") for name in COLORS]
    images = np.stack([classifier.prepare(path) for path in paths])
    expected = np.asarray(head(whole(images)))
    np.testing.assert_allclose(classifier.predict(images), expected, atol=1e-4)
    assert expected.argmax(1).tolist() == [0, 1, 2]

    # Sans l'export, le remède marche.
    shutil.rmtree(tmp_path / "keras" / "models")
    with pytest.raises(FileNotFoundError, match="python -m exercises.ex05_inception --prepare"):
        Classifier("ex05_inception", models_dir=tmp_path / "m")
    assert run_main(ex05, tmp_path, "--prepare") == 0
    again = Classifier("ex05_inception", models_dir=tmp_path / "m").predict(images)
    np.testing.assert_allclose(again, expected, atol=1e-4)


@pytest.mark.question(QUESTION)
def test_main_makes_its_own_folder(ex05, tiny, eager, tmp_path, monkeypatch, as_dataset, capfd):
    """Sans dossier ; et, sur demande seulement, sans cache et avec des poids au hasard."""
    monkeypatch.setattr(data, "load_cifar10", lambda: as_dataset("cifar10"))
    arguments = ["--limit", 16, "--augment", "--epochs", 2, "--weights", "none"]
    assert run_main(ex05, tmp_path, *arguments) == 0
    printed = capfd.readouterr().out
    assert "16 images : chat 8, chien 8." in printed
    assert "--augment : les images changent à chaque époque" in printed
    assert "Précision (images de test de CIFAR-10)" in printed
    assert "base aux poids tirés au hasard" not in printed  # pas de témoin
    assert not (tmp_path / "m").exists()  # jamais enregistrés


def test_no_silent_fall_back_to_random_weights(ex05, two_colors, tmp_path, monkeypatch, capfd):
    def missing(**options):
        raise FileNotFoundError("Les poids d'InceptionV3 sont introuvables.")

    monkeypatch.setattr(pretrained, "inception_v3", missing)
    assert run_main(ex05, tmp_path, "--images", two_colors) == 1
    assert capfd.readouterr().err.endswith("Erreur : Les poids d'InceptionV3 sont introuvables.\n")


def test_other_classes_replace_the_model_and_the_same_do_not(ex05, tmp_path):
    options = SimpleNamespace(models_dir=tmp_path)
    from exercises.ex05_report import replaces_another_task

    assert not replaces_another_task(options, ["a", "b"])  # rien en place
    (tmp_path / "ex05_inception.json").write_text('{"files": {}, "classes": ["a", "b"]}')
    assert not replaces_another_task(options, ["a", "b"])
    assert replaces_another_task(options, ["a", "c"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--images", "nulle-part"], "nulle-part n'existe pas ; donnez un dossier"),
        (["--images", "images", "--folds", "1"], "1 plis demandés ; entre 2 et 10"),
        (["--images", "images/bleu"], "0 dossier de classe"),
        (["--prepare"], "Pas de modèle ex05_inception"),
    ],
)
def test_errors_are_one_french_sentence(ex05, tiny, two_colors, tmp_path, monkeypatch, arguments,
                                        message, capfd):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run_main(ex05, tmp_path, *arguments) == 1
    error = capfd.readouterr().err
    assert "Traceback" not in error
    assert error.splitlines()[-1].startswith("Erreur : ") and message in error


def test_a_bad_folder_is_told_before_looking_for_the_weights(ex05, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(pretrained, "inception_v3", lambda **options: pytest.fail("trop tôt"))
    assert run_main(ex05, tmp_path, "--images", tmp_path / "rien") == 1
    assert "rien n'existe pas" in capfd.readouterr().err


def test_bad_options(ex05, capsys):
    for arguments, message in ((["--weights", "vgg"], "choix impossible"),
                               (["--folds", "x"], "nombre entier d'au moins 1")):  # fmt: skip
        with pytest.raises(SystemExit) as caught:
            ex05.main(arguments)
        assert caught.value.code == 2 and message in capsys.readouterr().err


def test_importing_only_defines(repo):
    """Rien ne s'exécute à l'import : ni appel, ni boucle, hors des définitions."""
    known = (ast.Import, ast.ImportFrom, ast.Assign, ast.FunctionDef, ast.ClassDef)
    for path in repo.glob("exercises/ex05_*.py"):
        docstring, *body = ast.parse(path.read_text(encoding="utf-8")).body
        last = [body.pop()] if isinstance(body[-1], ast.If) else []  # if __name__ == "__main__"
        assert isinstance(docstring, ast.Expr) and all(isinstance(node, known) for node in body)
        assert all("__main__" in ast.unparse(node.test) for node in last)
        calls = [node for each in body if isinstance(each, ast.Assign) for node in ast.walk(each)]
        assert not any(isinstance(node, ast.Call) for node in calls), path


# --- Ce qui est livré -----------------------------------------------------------------


@pytest.fixture
def shipped():
    if not (storage.MODELS_DIR / "ex05_inception.json").exists():
        pytest.skip("models/ex05_inception n'est pas encore entraîné")
    return storage.read_sidecar("ex05_inception")


@pytest.mark.question(QUESTION)
def test_shipped_result_reaches_the_goal(shipped):
    metrics = shipped["metrics"]
    assert metrics["accuracy"]["n"] >= 3 and shipped["num_images"]["test"] == 2000
    assert metrics["folds_accuracy"]["mean"] >= 0.87 and shipped["num_folds"] == 5
    assert metrics["control_accuracy"]["mean"] < metrics["folds_accuracy"]["mean"] - 0.1


@pytest.mark.question(QUESTION)
def test_shipped_timing_is_what_the_cache_is_for(shipped):
    timing = shipped["timing"]
    assert timing["speedup"] >= 30
    assert timing["pushed"]["val_accuracy"] == pytest.approx(
        timing["cached"]["val_accuracy"], abs=0.005
    )


def test_shipped_files_are_small(shipped):
    assert sum((storage.MODELS_DIR / name).stat().st_size for name in shipped["files"]) < 300_000
    assert len(shipped["base"]["sha256"]) == 64


@pytest.mark.slow
def test_real_weights_tell_cats_from_dogs(ex05, tmp_path):
    arguments = ["--seeds", "1", "--limit", "600", "--models-dir", str(tmp_path)]
    assert ex05.main([*arguments, "--output", str(tmp_path)]) == 0
    metrics = storage.read_sidecar("ex05_inception", models_dir=tmp_path)["metrics"]
    assert metrics["accuracy"]["mean"] > 0.8 > metrics["control_accuracy"]["mean"]
