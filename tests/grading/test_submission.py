import shutil

import pytest

from grading import submission


@pytest.fixture
def handed(tmp_path):
    folder = tmp_path / "dupont"
    folder.mkdir()
    (folder / "ex00_pooling.py").write_text("VALEUR = 1\n")
    return folder


def test_a_folder_of_modules(handed):
    found = submission.find(handed)
    assert (found.name, found.root, found.models) == ("dupont", handed, handed / "models")
    assert found.modules == {"ex00_pooling"} and not found.shipped


def test_a_whole_repository(tmp_path, handed):
    repo = tmp_path / "martin"
    shutil.copytree(handed, repo / "exercises")
    found = submission.find(repo)
    assert (found.name, found.root) == ("martin", repo / "exercises")
    assert found.models == repo / "models"


@pytest.mark.parametrize("kind", ["absent", "vide", "fichier"])
def test_nothing_to_grade_is_said_in_french(tmp_path, kind):
    path = tmp_path / "x"
    if kind == "vide":
        path.mkdir()
    elif kind == "fichier":
        path.touch()
    with pytest.raises(FileNotFoundError, match="donnez"):
        submission.find(path)


def test_a_class(tmp_path, handed):
    (tmp_path / "vide").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "lien").symlink_to(handed)
    found, empty = submission.find_all(tmp_path)
    assert [each.name for each in found] == ["dupont"] and empty == ["vide"]


def test_links_are_not_followed(tmp_path, handed, repo):
    (handed / "ex00_matrices.py").symlink_to(repo / "exercises/ex00_convolution/matrices.py")
    (handed / "models").symlink_to(repo / "models")
    found = submission.find(handed)
    assert found.modules == {"ex00_pooling"}
    staged = tmp_path / "copie"
    staged.mkdir()
    submission.stage(staged, found)
    assert not (staged / "exercises/ex00_convolution/matrices.py").exists()


def test_the_copy_holds_the_hand_in_and_the_shared_code_only(tmp_path, handed, repo):
    (handed / "gros.py").write_text("#" * (submission.MAX_SOURCE_BYTES + 1))
    (handed / "aide.py").write_text("")
    staged = tmp_path / "copie"
    staged.mkdir()
    submission.stage(staged, submission.find(handed))
    names = {path.name for path in (staged / "exercises").iterdir()}
    assert names == {"__init__.py", "common", "ex00_pooling.py", "aide.py"}
    assert (staged / "exercises/ex00_convolution/pooling.py").read_text() == "VALEUR = 1\n"
    assert not (staged / "grading").exists() and not (staged / "models").exists()


def test_filling_adds_the_missing_modules_and_replaces_none(tmp_path, handed, repo):
    staged = tmp_path / "copie"
    staged.mkdir()
    submission.stage(staged, submission.find(handed), fill=True)
    package = staged / "exercises"
    ours = (repo / "exercises/ex00_convolution/geometry.py").read_text()
    assert (package / "ex00_geometry.py").read_text() == ours
    assert (package / "ex00_pooling.py").read_text() == "VALEUR = 1\n"


def test_whose_command_it_is(handed, repo):
    found = submission.find(handed)
    assert submission.own_command(found) is None
    shutil.copy(repo / "predict", handed)  # notre script sh : ce n'est pas une commande à eux
    assert submission.own_command(found) is None
    (handed / "common").mkdir()
    shutil.copy(repo / "convnets/serving/command.py", handed / "common")
    assert submission.own_command(found) is None
    (handed / "common/prediction.py").write_text("def main(argv): ...\n")
    assert submission.own_command(found) == ""
    (handed / "predict.py").write_text("print('Prédiction: Avion')\n")
    assert submission.own_command(found) == "exercises/predict.py"
    assert submission.own_command(submission.reference()) == ""


def test_shipped_weights_are_lent_only_when_asked(tmp_path, handed):
    for lent in (False, True):
        staged = tmp_path / f"copie{lent}"
        staged.mkdir()
        submission.stage(
            staged, submission.find(handed), models=("ex00_position",), shipped_models=lent
        )
        assert (staged / "models/ex00_position.json").exists() is lent


def test_folder_size(tmp_path):
    (tmp_path / "a").write_bytes(bytes(100_000))
    assert 90_000 < submission.folder_bytes(tmp_path) < 200_000
