"""L'exercice 05 : tout le parcours sur une petite base."""

import ast
import importlib
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from convnets.core import paths as storage
from convnets.core import reports
from convnets.datasets import folders, pretrained, sources
from convnets.serving.classifier import Classifier
from convnets.training import export_base

QUESTION = "TD keras & CNN, question 2"
pytestmark = [
    pytest.mark.ci,
    pytest.mark.filterwarnings(
        "ignore:Even though the `tf.config", "ignore:Please import `affine_transform`"
    ),
]
COLORS = ("bleu", "rouge", "vert")


@pytest.fixture(scope="module")
def ex05():
    from exercises.ex05_inception import __main__ as ex05_inception

    return ex05_inception


@pytest.fixture(scope="module")
def features():
    from exercises.ex05_inception import features as ex05_features

    return ex05_features


@pytest.fixture(scope="module")
def top():
    from exercises.ex05_inception import head as ex05_head

    return ex05_head


@pytest.fixture
def tiny(tmp_path, monkeypatch, tiny_inception):
    """La petite base à la place d'InceptionV3, et un cache à elle."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    for module in (pretrained, export_base):
        monkeypatch.setattr(module, "inception_v3", tiny_inception)
    return tiny_inception()


def run_main(ex05, tmp_path, *arguments):
    return ex05.main(
        [
            "--epochs",
            "8",
            "--folds",
            "2",
            "--seeds",
            "1",
            "--models-dir",
            str(tmp_path / "m"),
            "--output",
            str(tmp_path / "f"),
            *map(str, arguments),
        ]
    )


@pytest.mark.parametrize("part", ["__main__", "layers", "forgetting"])
def test_figures_in_a_file_are_refused_at_once(part, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pretrained, "inception_v3", lambda **_: pytest.fail("cherche la base"))
    (tmp_path / "notes.md").touch()
    command = importlib.import_module(f"exercises.ex05_inception.{part}")
    assert command.main(["--output", str(tmp_path / "notes.md")]) == 1
    assert capsys.readouterr().err.endswith("notes.md n'est pas un dossier.\n")


@pytest.mark.question(QUESTION)
def test_validation_chooses_the_head_and_test_only_measures(features, monkeypatch, tmp_path):
    """La deuxième tête est la meilleure en validation, et la moins bonne sur le test."""
    from exercises.ex05_inception import evaluation

    monkeypatch.setattr(features, "make_generator", lambda *_, **__: None)
    monkeypatch.setattr(features, "rows", lambda _: [0, 1])
    pictures = folders.Pictures(
        tmp_path, ["a", "b"], [tmp_path] * 10, np.zeros(10), [], "empreinte"
    )
    labels, answers = np.array([0, 0, 1, 1]), ([0, 0, 1, 1], [0, 1, 1, 0], [0, 0, 1, 0])
    runs = [
        (
            SimpleNamespace(count_params=lambda seed=seed: 100 + seed),
            {"score": score, "duration_s": 1.0 + seed, "curves": {"loss": [seed]}},
        )
        for seed, score in enumerate((0.7, 0.9, 0.8))
    ]
    results = {"folds": [0.5], "control": None, "timing": {}, "labels": labels}
    results["probabilities"] = [np.eye(2)[each] for each in answers]
    options = SimpleNamespace(images=None, seeds=3, epochs=2, folds=5, limit=None, augment=False)
    report = evaluation.make_report(
        options, pictures, pretrained.Provenance("source", "empreinte", ""), runs, results
    )
    assert report.shipped == {"seed": 1, "accuracy": 0.5} and report.score == 0.9
    assert report.num_parameters == 101 and report.history == {"loss": [1]}
    assert report.confusion_matrix == [[1, 1], [1, 1]]
    assert report.metrics["accuracy"].values == [1, 0.5, 0.75]
    assert report.num_images == {"train": 8, "val": 2, "test": 4}


# --- Le parcours entier ---------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_main_on_a_folder_of_three_classes(
    ex05, features, top, tiny, write_colors, eager, tmp_path, monkeypatch, capfd
):
    monkeypatch.setattr(top, "LEARNING_RATE", 0.05)  # peu d'époques suffisent
    root = write_colors(tmp_path / "mes images", COLORS)
    (root / "vert" / "cassée.jpg").write_bytes(b"\xff\xd8\xff")
    assert run_main(ex05, tmp_path, "--images", root, "--epochs", 20) == 0
    printed = capfd.readouterr().out
    for expected in (
        "30 images : bleu 10, rouge 10, vert 10.",
        "Laissé de côté : vert/cassée.jpg",
        "fois plus vite avec le cache",
        "base aux poids tirés au hasard",
        "Validation croisée, 2 plis",
    ):
        assert expected in printed
    report = reports.read_report("ex05_inception", models_dir=tmp_path / "m")
    base, provenance = tiny
    assert report.base == {
        "name": "InceptionV3",
        "input_px": 150,
        "layer": features.LAYER,
        "sha256": provenance.sha256,
        "source": "base d'essai",
    }
    assert report.classes == ["bleu", "rouge", "vert"]
    assert report.classes_fr == ["Bleu", "Rouge", "Vert"]
    assert report.input_shape == [150, 150, 3] and report.framing == "squash"
    assert report.num_images == {"train": 24, "val": 6, "test": 30}
    assert set(report.metrics) == {"accuracy", "folds_accuracy", "control_accuracy"}
    assert report.command.endswith("--images mes images --seeds 1 --epochs 20 --folds 2")
    assert report.metrics["accuracy"].mean > 0.8  # des couleurs unies, ou presque
    assert np.trace(report.confusion_matrix) == pytest.approx(30 * report.shipped["accuracy"])
    assert str(tmp_path) not in str(report)  # le compte rendu ne dit pas où sont les photos
    assert {path.name for path in (tmp_path / "f").iterdir()} == {
        "courbes.png",
        "confusion.png",
        "erreurs.png",
    }

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


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_main_makes_its_own_folder(
    ex05, tiny, eager, unrendered, tmp_path, monkeypatch, as_dataset, capfd
):
    """Sans dossier ; et, sur demande seulement, sans cache et avec des poids au hasard."""
    monkeypatch.setattr(sources, "load_cifar10", lambda: as_dataset("cifar10"))
    arguments = ["--limit", 16, "--augment", "--epochs", 1, "--weights", "none"]
    with unrendered():
        assert run_main(ex05, tmp_path, *arguments) == 0
    printed = capfd.readouterr().out
    assert "16 images : chat 8, chien 8." in printed
    assert "--augment : les images changent à chaque époque" in printed
    assert "Exactitude (images de test de CIFAR-10)" in printed
    assert "base aux poids tirés au hasard" not in printed  # pas de témoin
    assert not (tmp_path / "m").exists()  # jamais enregistrés


def test_no_silent_fall_back_to_random_weights(ex05, two_colors, tmp_path, monkeypatch, capfd):
    def missing(**options):
        raise FileNotFoundError("Les poids d'InceptionV3 sont introuvables.")

    monkeypatch.setattr(pretrained, "inception_v3", missing)
    assert run_main(ex05, tmp_path, "--images", two_colors) == 1
    assert capfd.readouterr().err.endswith("Erreur : Les poids d'InceptionV3 sont introuvables.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--images", "nulle-part"], "nulle-part n'existe pas ; donnez un dossier"),
        (["--images", "images", "--folds", "1"], "--folds 1 : de 2 à 10 plis"),
        (["--images", "images/bleu"], "0 dossier de classe"),
        (["--prepare"], "Pas de modèle ex05_inception"),
    ],
)
def test_errors_are_one_french_sentence(
    ex05, tiny, two_colors, tmp_path, monkeypatch, arguments, message, capfd
):
    monkeypatch.chdir(tmp_path)
    assert run_main(ex05, tmp_path, *arguments) == 1
    error = capfd.readouterr().err
    assert "Traceback" not in error
    assert error.splitlines()[-1].startswith("Erreur : ") and message in error


def test_a_bad_folder_is_told_before_looking_for_the_weights(ex05, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(pretrained, "inception_v3", lambda **options: pytest.fail("trop tôt"))
    assert run_main(ex05, tmp_path, "--images", tmp_path / "rien") == 1
    assert "rien n'existe pas" in capfd.readouterr().err


# --- Les options ----------------------------------------------------------------------


def test_defaults_are_those_of_the_statement(ex05):
    assert vars(ex05.make_parser().parse_args([])) == {
        "images": None,
        "limit": None,
        "epochs": 30,
        "seeds": 1,
        "folds": 5,
        "augment": False,
        "weights": "imagenet",
        "prepare": False,
        "force": False,
        "output": None,
        "models_dir": storage.MODELS_DIR,
        "module": "ex05_inception",
    }


def test_help_is_in_french(ex05, capsys):
    with pytest.raises(SystemExit) as caught:
        ex05.main(["--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert caught.value.code == 0
    assert printed.startswith("usage : python -m exercises.ex05_inception ")
    assert "montre cette aide et s'arrête" in printed and "2000" in printed
    assert "figures/ex05_inception par défaut" in printed.replace("- ", "-")
    assert not re.search(r"\b(show|default|optional|usage:)\b", printed)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--limit", "0"], "nombre entier d'au moins 1 attendu, reçu '0'"),
        (["--folds", "x"], "nombre entier d'au moins 1"),
        (["--weights", "vgg"], "choix impossible"),
        (["--images"], "attend une valeur"),
    ],
)
def test_wrong_values_exit_2_in_french(ex05, arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        ex05.main(arguments)
    assert caught.value.code == 2 and message in capsys.readouterr().err


def test_importing_only_defines(repo):
    """Rien ne s'exécute à l'import : ni appel, ni boucle, hors des définitions."""
    known = (ast.Import, ast.ImportFrom, ast.Assign, ast.FunctionDef, ast.ClassDef)
    for path in repo.glob("exercises/ex05_inception/*.py"):
        docstring, *body = ast.parse(path.read_text(encoding="utf-8")).body
        last = (
            [body.pop()] if body and isinstance(body[-1], ast.If) else []
        )  # if __name__ == "__main__"
        assert isinstance(docstring, ast.Expr) and all(isinstance(node, known) for node in body)
        assert all("__main__" in ast.unparse(node.test) for node in last)
        calls = [node for each in body if isinstance(each, ast.Assign) for node in ast.walk(each)]
        assert not any(isinstance(node, ast.Call) for node in calls), path


# --- Ce qui est livré -----------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped():
    return reports.read_report("ex05_inception")


@pytest.mark.question(QUESTION)
def test_shipped_result_reaches_the_goal(shipped):
    metrics = shipped.metrics
    assert metrics["accuracy"].n >= 3 and shipped.num_images["test"] == 2000
    assert metrics["folds_accuracy"].mean >= 0.87 and shipped.details["num_folds"] == 5
    assert metrics["control_accuracy"].mean < metrics["folds_accuracy"].mean - 0.1


@pytest.mark.question(QUESTION)
def test_shipped_timing_is_what_the_cache_is_for(shipped):
    timing = shipped.details["timing"]
    assert timing["speedup"] >= 30
    assert timing["pushed"]["val_accuracy"] == pytest.approx(
        timing["cached"]["val_accuracy"], abs=0.005
    )


def test_shipped_files_are_small(shipped):
    assert sum((storage.MODELS_DIR / name).stat().st_size for name in shipped.files) < 300_000
    assert len(shipped.base["sha256"]) == 64


@pytest.mark.slow
def test_real_weights_tell_cats_from_dogs(ex05, tmp_path):
    arguments = ["--seeds", "1", "--limit", "600", "--models-dir", str(tmp_path)]
    assert ex05.main([*arguments, "--output", str(tmp_path)]) == 0
    metrics = reports.read_report("ex05_inception", models_dir=tmp_path).metrics
    assert metrics["accuracy"].mean > 0.8 > metrics["control_accuracy"].mean
