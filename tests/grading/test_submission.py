import shutil

import pytest

from grading.asking import staging
from grading.reading import archives, handin, submission

POOLING = "ex00_convolution/pooling.py"


@pytest.fixture
def handed(tmp_path):
    folder = tmp_path / "dupont"
    (folder / "ex00_convolution").mkdir(parents=True)
    (folder / POOLING).write_text("VALEUR = 1\n")
    (folder / "ex02_fashion.py").write_text("VALEUR = 2\n")
    return folder


@pytest.mark.parametrize("given", ["martin", "martin/exercises"])
def test_a_whole_repository(tmp_path, handed, given):
    shutil.copytree(handed, tmp_path / "martin/exercises")
    (found,) = handin.collect(tmp_path / given, tmp_path / "garde", one=True).submissions
    assert found.root == found.home / "exercises" and (found.root / POOLING).is_file()


@pytest.mark.parametrize("kind", ["absent", "vide", "fichier"])
def test_nothing_to_grade_is_said_in_french(tmp_path, kind):
    (tmp_path / "vide").mkdir()
    (tmp_path / "fichier").touch()
    with pytest.raises(FileNotFoundError, match="donnez"):
        handin.collect(tmp_path / kind, tmp_path / "garde", one=True)


def test_the_copy_holds_the_hand_in_and_the_shared_code_only(tmp_path, handed, repo):
    files = ("gros.py", "aide.py", "video.mp4", "predict.py", "models/ex02_fashion.keras")
    for name in (*files, "convnets/figures/style.py"):
        (handed / name).parent.mkdir(parents=True, exist_ok=True)
        (handed / name).write_text(f"NOM = {name!r}\n")
    (handed / "gros.py").write_text("#" * (archives.MAX_SOURCE_BYTES + 1))
    kept = handin.collect(handed, tmp_path / "garde", one=True).submissions[0]
    shutil.rmtree(handed)
    assert kept.modules == {"ex00_convolution.pooling", "ex02_fashion"} and kept.name == "dupont"
    assert submission.weights(kept, "ex02_fashion") == b"NOM = 'models/ex02_fashion.keras'\n"
    copy = tmp_path / "copie"
    copy.mkdir()
    staging.stage(copy, kept, models=("ex02_fashion",))
    assert {path.name for path in copy.iterdir()} == {"exercises", "convnets", "models", "samples"}
    assert {path.name for path in (copy / "exercises").iterdir()} == {
        *("__init__.py", "ex00_convolution", "ex02_fashion.py", "aide.py", "predict.py", "models")
    }
    assert (copy / "exercises" / POOLING).read_text() == "VALEUR = 1\n"
    assert (copy / "convnets/figures/style.py").read_text().startswith("NOM")
    assert (copy / "models/ex02_fashion.keras").read_text().startswith("NOM")
    ours = repo / "convnets/serving/images.py"
    assert (copy / "convnets/serving/images.py").read_bytes() == ours.read_bytes()


def test_whose_command_it_is(handed, repo):
    found = submission.find(handed)
    assert staging.own_command(found) is None
    shutil.copy(repo / "predict", handed)  # notre script sh : ce n'est pas une commande à eux
    assert staging.own_command(found) is None
    command = handed / "convnets" / staging.COMMAND
    command.parent.mkdir(parents=True)
    command.write_text("def main(argv): ...\n")
    assert staging.own_command(found) == ""
    (handed / "predict.py").write_text("print('Prédiction: Avion')\n")
    assert staging.own_command(found) == "exercises/predict.py"
    assert staging.own_command(submission.reference()) == ""
