"""Les photographies prises dans des dépôts publics, et ce que `./predict` en dit."""

import hashlib
import subprocess

import pytest
from PIL import Image

from benchmarks import photographs
from benchmarks.photographs import Answer, Photograph
from convnets.datasets.sources import CIFAR10_CLASSES_FR
from docs.tables import marks

LISTS = [photographs.TEST_LIST, photographs.DEVELOPMENT_LIST]
NAMES = {"chat": "des images/chat 1.png", "chien": "chien.png"}


def git(folder, *arguments):
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@x", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def wanted(tmp_path, monkeypatch):
    """Deux images d'un dépôt, dont l'une a changé depuis ; son clone est dans `clones/`."""
    folder = tmp_path / "clones" / "alice+photos"
    (folder / "des images").mkdir(parents=True)
    git(folder, "init", "--quiet")
    for path, color in zip(NAMES.values(), ("red", "blue"), strict=True):
        Image.new("RGB", (80, 70), color).save(folder / path)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "images")
    commit = git(folder, "rev-parse", "HEAD").strip()
    found = [
        Photograph(label, (), "alice/photos", commit, path, "CC BY 2.0", "", sha256(folder / path))
        for label, path in NAMES.items()
    ]
    Image.new("RGB", (80, 70), "green").save(folder / "chien.png")
    git(folder, "commit", "--quiet", "-am", "autre chien")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return found


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("path", LISTS)
def test_lists_are_well_formed(path):
    rows = photographs.read_list(path)
    names = {name.casefold() for name in CIFAR10_CLASSES_FR}
    known = {*photographs.TAGS, *photographs.NOT_PHOTOGRAPHS}
    for each in rows:
        assert each.label in names and set(each.tags) <= known
        assert len(each.sha256) == 64 and len(each.commit) == 40
        assert each.repository.count("/") == 1 and each.licence
    assert len({each.sha256 for each in rows}) == len(rows)


def test_what_measures_never_chooses():
    test, development = map(photographs.read_list, LISTS)
    assert not {each.repository for each in test} & {each.repository for each in development}
    assert not {each.sha256 for each in test} & {each.sha256 for each in development}
    photos = [each.label for each in test if each.is_photograph]
    assert len(photos) >= 300 and min(map(photos.count, set(photos))) >= 25


@pytest.mark.ci
def test_pictures_come_from_a_clone_at_their_commit_then_from_the_cache(wanted, tmp_path):
    clones, nothing = tmp_path / "clones", tmp_path / "vide"
    found = photographs.collect(wanted, copies=clones)
    assert [*found] == wanted  # l'ancien chien, et un nom avec des espaces
    assert all(sha256(path) == each.sha256 for each, path in found.items())
    assert photographs.collect(wanted, copies=nothing) == found
    found[wanted[0]].write_bytes(b"coupe")  # une image abîmée passait pour une erreur du réseau
    assert [*photographs.collect(wanted, copies=nothing)] == wanted[1:]
    assert photographs.collect(wanted, copies=clones) == found


@pytest.mark.ci
def test_what_cannot_be_had_leaves_the_others(wanted, tmp_path, capsys):
    lost = wanted[0]._replace(repository="bob/perdu", sha256="0" * 64)
    wrong = wanted[1]._replace(sha256="1" * 64, commit="2" * 40)
    changed = wanted[1]._replace(sha256="3" * 64)
    found = photographs.collect([*wanted, lost, wrong, changed], copies=tmp_path / "clones")
    assert [*found] == wanted
    error = capsys.readouterr().err
    assert "bob/perdu, 1 image" in error and error.count("n'a pas pu être lu") == 2


@pytest.mark.ci
def test_without_a_network_the_message_says_what_to_do(wanted, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # personne n'y répond
    with pytest.raises(FileNotFoundError, match=r"vérifiez le réseau.*--from"):
        photographs.collect(wanted)


def answer(label, name, *tags, familiar=True):
    photograph = Photograph(label, tags, "a/b", "", "", "CC BY 2.0", "", "")
    return Answer(photograph, None, name, familiar)


def test_drawings_and_toys_are_apart():
    found = [
        answer("chat", "Chat"),
        answer("chat", "Chien", "petit"),
        answer("chat", "Chien", "petit", "coco", familiar=False),
        answer("chien", "Chien", "nuit"),
        answer("chien", "Avion", "dessin"),
    ]
    text = photographs.report(found, 6, 0.0123)
    assert "**50,0 % [15,0 ; 85,0] (2 sur 4)**" in text
    assert "1 est mise en doute, dont 0 bien nommée." in text and "12 ms" in text
    assert "Aucune n'est mise en doute." in photographs.report(found[:2], 2, 0.1)
    assert "Il manque 1 image de la liste" in text
    assert "| chat | 1 sur 3 | Chien (2) |" in text and "| chien | 1 sur 1 |  |" in text
    assert "| objet petit | 0,0 % [0,0 ; 65,8] (0 sur 2) |" in text
    assert "*à part :* dessin | 0,0 %" in text and "jouet" not in text


@pytest.mark.ci
def test_the_whole_command_writes_its_page(wanted, tmp_path, monkeypatch, capsys):
    header = "class,tags,repository,commit,path,licence,address,sha256"
    lines = [
        f"{e.label},,{e.repository},{e.commit},{e.path},{e.licence},,{e.sha256}" for e in wanted
    ]
    listed, page, figure = (tmp_path / name for name in ("a.csv", "page.md", "figure.png"))
    listed.write_text("\n".join([header, *lines]), encoding="utf-8")
    page.write_text("avant\n" + "\nvieux\n".join(marks("mesures")) + "\naprès\n", encoding="utf-8")
    for name, path in (("TEST_LIST", listed), ("PAGE", page), ("FIGURE", figure)):
        monkeypatch.setattr(photographs, name, path)
    assert photographs.main(["--from", str(tmp_path / "clones"), "--update-page"]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("avant\n") and text.endswith("\naprès\n") and "vieux" not in text
    assert capsys.readouterr().out.strip() in text and "sur 2)** des photographies" in text
    with Image.open(figure) as image:  # des carrés unis : l'un au moins n'est pas bien nommé
        assert image.width > 100
