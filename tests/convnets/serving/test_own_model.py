"""`./predict --model DOSSIER` : un modèle que l'on a soi-même entraîné."""

import json
import shutil
import tomllib

import pytest

from convnets.serving import command

BAG = "samples/chat.png"  # d'une couleur que le modèle des vêtements ne connaît pas : un sac


@pytest.fixture
def own(repo, tmp_path):
    """Rend une fonction qui copie un modèle livré ailleurs, sous un autre nom s'il le faut."""

    def copy(slug, folder, name=None):
        folder = tmp_path / folder
        folder.mkdir(parents=True, exist_ok=True)
        for end in (".keras", ".tflite", ".json"):
            shutil.copy(repo / "models" / f"{slug}{end}", folder / f"{name or slug}{end}")
        return folder

    return copy


@pytest.fixture
def predict(repo, monkeypatch, capfd):
    """Rend une fonction qui exécute la commande ici : `(code, sortie, erreurs)`."""
    monkeypatch.chdir(repo)

    def run(*arguments):
        code = command.main([str(each) for each in arguments])
        out, err = capfd.readouterr()
        # `./predict` tait le moteur, qui dit une ligne en anglais la première fois.
        said = [line for line in err.splitlines(keepends=True) if not line.startswith("INFO: ")]
        return code, out, "".join(said)

    return run


def test_a_folder_or_a_path_answers_as_the_shipped_model(own, predict):
    folder = own("digits", "runs/digits")
    expected = predict("--json", "--top", "3", "--model", "digits", BAG)[:2]
    assert expected[0] == 0
    for wanted in (
        folder,
        f"{folder}/",
        folder / "digits",
        folder / "digits.tflite",
        folder / "digits.keras",
    ):
        assert predict("--json", "--top", "3", "--model", wanted, BAG)[:2] == expected, wanted
    unsure = predict("--threshold", "1", "--model", folder, BAG)
    assert unsure[:2] == (0, "Prédiction: Indéterminé\n")


@pytest.mark.ci
def test_from_a_terminal_in_its_own_folder(own, run_predict, repo):
    folder = own("garments", "x", "mon modèle")
    result = run_predict("--model", "mon modèle", repo / BAG, cwd=folder)
    assert (result.stdout.decode(), result.returncode) == ("Prédiction: Sac\n", 0)


@pytest.mark.ci
@pytest.mark.parametrize("method", ["occlusion", "saliency"])
def test_an_own_model_is_explained(own, predict, tmp_path, method):
    folder = own("thumbnails", "runs/mon_essai", "monmodele")
    figure = tmp_path / "carte.png"
    code, out, _ = predict("--model", folder, "--explain", figure, "--method", method, BAG)
    assert (code, out) == (0, "Prédiction: Chat\n") and figure.stat().st_size > 10_000


def test_its_version_is_that_of_the_course(predict, repo):
    project = tomllib.loads((repo / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert predict("--version") == (0, f"predict {project['version']}\n", "")


def test_without_keras_files_a_method_that_derives_is_refused_first(own, predict, tmp_path):
    folder = own("thumbnails", "installé")
    (folder / "thumbnails.keras").unlink()
    figure = ("--explain", tmp_path / "carte.png", "--method", "grad_cam")
    code, out, err = predict("--model", folder, *figure, BAG)
    assert (code, out) == (1, "") and "le fichier .keras n'est pas installé" in err


def test_several_models_in_a_folder_are_named(own, predict):
    folder = own("garments", "runs/deux")
    own("digits", "runs/deux")
    code, out, err = predict("--model", folder, BAG)
    assert (code, out) == (1, "") and err.count("\n") == 1
    assert f"({folder}/digits, {folder}/garments)" in err


def test_what_is_not_a_model(own, predict, tmp_path):
    (tmp_path / "vide").mkdir()
    for wanted, message in (
        (tmp_path / "vide", "devrait contenir un seul modèle"),
        (tmp_path / "absent", "Pas de modèle"),
        (tmp_path / "a\nb", "a\\nb"),
        ("x" * 5000, "Pas de modèle"),
        ("samples/chat.png", "Pas de modèle"),
    ):
        code, out, err = predict("--model", wanted, BAG)
        assert (code, out) == (1, "") and message in err and err.count("\n") == 1, err


@pytest.mark.ci
def test_names_that_are_proposed_are_read(predict):
    code, out, err = predict("--model", "ex77", BAG)
    names = err.split("présents : ")[1].split(")")[0].split(", ")
    assert {"garments", "thumbnails", "digits", "photos"} <= {*names}
    for name in names:
        assert predict("--model", name, BAG)[0] == 0, name


@pytest.mark.parametrize("end", [".tflite", ".json"])
def test_the_files_of_two_trainings_are_refused(own, predict, repo, end):
    folder = own("garments", "runs/garments")
    shutil.copy(repo / "models" / f"digits{end}", folder / f"garments{end}")
    code, out, err = predict("--model", folder, BAG)
    assert (code, out) == (1, "") and "l'empreinte SHA-256 diffère" in err


@pytest.mark.parametrize("end", [".tflite", ".json"])
def test_a_missing_file_is_named(own, predict, end):
    folder = own("garments", "runs/garments")
    (folder / f"garments{end}").unlink()
    code, out, err = predict("--model", folder / "garments", BAG)
    assert (code, out) == (1, "") and f"garments{end}" in err and err.count("\n") == 1


def test_a_report_of_another_kind_is_one_sentence(own, predict):
    folder = own("garments", "runs/garments")
    report = json.loads((folder / "garments.json").read_text(encoding="utf-8"))
    for key in ("files", "classes_fr", "input_shape", "calibration", "views", "base"):
        for value in (0, "x", [1]):
            text = json.dumps(report | {key: value})
            (folder / "garments.json").write_text(text, encoding="utf-8")
            code, out, err = predict("--model", folder, BAG)
            assert (code, out) == (1, ""), (key, value)
            assert err.count("\n") == 1 and "Traceback" not in err, (key, value)
