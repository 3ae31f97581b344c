import shutil

import pytest

from grading import submission

POOLING = "ex00_convolution/pooling.py"


@pytest.fixture
def handed(tmp_path):
    folder = tmp_path / "dupont"
    (folder / "ex00_convolution").mkdir(parents=True)
    (folder / POOLING).write_text("VALEUR = 1\n")
    (folder / "ex02_fashion.py").write_text("VALEUR = 2\n")
    return folder


@pytest.fixture
def staged(tmp_path, handed):
    """staged(options) -> la copie que recevrait l'enfant."""

    def copy(**options):
        (tmp_path / "copie").mkdir()
        submission.stage(tmp_path / "copie", submission.find(handed), **options)
        return tmp_path / "copie"

    return copy


def test_a_whole_repository(tmp_path, handed):
    repo = tmp_path / "martin"
    shutil.copytree(handed, repo / "exercises")
    for given in (repo, repo / "exercises"):
        found = submission.find(given)
        assert (found.root, found.home) == (repo / "exercises", repo)


@pytest.mark.parametrize("kind", ["absent", "vide", "fichier"])
def test_nothing_to_grade_is_said_in_french(tmp_path, kind):
    (tmp_path / "vide").mkdir()
    (tmp_path / "fichier").touch()
    with pytest.raises(FileNotFoundError, match="donnez"):
        submission.find(tmp_path / kind)


@pytest.mark.parametrize("linked", ["models", "models/ex02_fashion.keras"])
def test_a_link_leads_to_no_weights(tmp_path, handed, staged, linked):
    real = tmp_path / "ailleurs/ex02_fashion.keras"
    real.parent.mkdir()
    real.write_bytes(b"ceux d'un autre")
    (handed / linked).parent.mkdir(exist_ok=True)
    (handed / linked).symlink_to(real.parent if linked == "models" else real)
    found = submission.find(handed)
    kept = submission.keep(found, tmp_path / "garde", slugs=["ex02_fashion"])
    assert submission.weights(found, "ex02_fashion") is None
    assert submission.weights(kept, "ex02_fashion") is None
    assert not (staged(models=("ex02_fashion",)) / "models").exists()


def test_what_is_kept_is_what_would_be_graded(tmp_path, handed):
    for name in ("predict.py", "models/ex02_fashion.keras", "convnets/essai.py", "video.mp4"):
        (handed / name).parent.mkdir(exist_ok=True)
        (handed / name).write_text("VALEUR = 3\n")
    found = submission.find(handed)
    kept = submission.keep(found, tmp_path / "garde", slugs=["ex02_fashion"])
    shutil.rmtree(handed)
    assert kept.modules == {"ex00_convolution.pooling", "ex02_fashion"} and kept.name == "dupont"
    assert submission.weights(kept, "ex02_fashion") == b"VALEUR = 3\n"
    assert submission.own_command(kept) == "exercises/predict.py"
    assert (kept.home / "convnets/essai.py").exists() and not (kept.home / "video.mp4").exists()


def test_the_copy_holds_the_hand_in_and_the_shared_code_only(handed, staged, repo):
    (handed / "gros.py").write_text("#" * (submission.MAX_SOURCE_BYTES + 1))
    (handed / "aide.py").write_text("")
    (handed / "convnets/figures").mkdir(parents=True)
    (handed / "convnets/figures/style.py").write_text("CHANGÉ = True\n")
    copy = staged()
    assert {path.name for path in copy.iterdir()} == {"exercises", "convnets", "samples"}
    assert {path.name for path in (copy / "exercises").iterdir()} == {
        "__init__.py",
        "ex00_convolution",
        "ex02_fashion.py",
        "aide.py",
    }
    assert (copy / "exercises" / POOLING).read_text() == "VALEUR = 1\n"
    assert (copy / "convnets/figures/style.py").read_text() == "CHANGÉ = True\n"
    ours = repo / "convnets/serving/images.py"
    assert (copy / "convnets/serving/images.py").read_bytes() == ours.read_bytes()


def test_whose_command_it_is(handed, repo):
    found = submission.find(handed)
    assert submission.own_command(found) is None
    shutil.copy(repo / "predict", handed)  # notre script sh : ce n'est pas une commande à eux
    assert submission.own_command(found) is None
    command = handed / "convnets" / submission.COMMAND
    command.parent.mkdir(parents=True)
    command.write_text("def main(argv): ...\n")
    assert submission.own_command(found) == ""
    (handed / "predict.py").write_text("print('Prédiction: Avion')\n")
    assert submission.own_command(found) == "exercises/predict.py"
    assert submission.own_command(submission.reference()) == ""


def test_weights_are_those_that_the_lesson_saves(handed, staged, repo):
    found, name = submission.find(handed), "ex00_position"
    path = handed / f"models/{name}.keras"
    assert found.weights(name) == path and submission.weights(found, name) is None
    path.parent.mkdir()
    path.write_bytes(b"les miens")
    assert submission.weights(found, name) == b"les miens"
    assert (staged(models=(name,)) / f"models/{name}.keras").read_bytes() == b"les miens"
    assert submission.reference().weights(name) == repo / f"models/{name}.keras"
