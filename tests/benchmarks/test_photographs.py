"""Les photographies prises dans des dépôts publics, et ce que `./predict` en dit."""

import hashlib
import subprocess

import numpy as np
import pytest
from PIL import Image

from benchmarks import photographs
from benchmarks.photographs import Answer, Photograph
from convnets.datasets.sources import CIFAR10_CLASSES_FR

LISTS = [photographs.TEST_LIST, photographs.DEVELOPMENT_LIST]


def git(folder, *arguments):
    names = ["-c", "user.name=x", "-c", "user.email=x@x"]
    done = subprocess.run(
        ["git", *names, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def copies(tmp_path):
    """Un dossier de clones : un dépôt de deux images, dont l'une a changé depuis."""
    folder = tmp_path / "clones" / "alice+photos"
    (folder / "des images").mkdir(parents=True)
    git(folder, "init", "--quiet")
    for name, color in (("des images/chat 1.png", "red"), ("chien.png", "blue")):
        Image.new("RGB", (80, 70), color).save(folder / name)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "images")
    commit = git(folder, "rev-parse", "HEAD")
    old = {path.name: path.read_bytes() for path in folder.rglob("*.png")}
    Image.new("RGB", (80, 70), "green").save(folder / "chien.png")
    git(folder, "commit", "--quiet", "-am", "autre chien")
    wanted = [
        Photograph(label, (), "alice/photos", commit, path, "", "", sha256(old[path[-len(name) :]]))
        for label, path, name in (
            ("chat", "des images/chat 1.png", "chat 1.png"),
            ("chien", "chien.png", "chien.png"),
        )
    ]
    return tmp_path / "clones", wanted


def sha256(content):
    return hashlib.sha256(content).hexdigest()


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
def test_pictures_come_from_a_clone_at_their_commit(copies, tmp_path):
    folder, wanted = copies
    cache = tmp_path / "cache"
    found = photographs.collect(wanted, copies=folder, cache_dir=cache)
    assert [*found] == wanted  # l'ancien chien, et un nom avec des espaces
    for each, path in found.items():
        assert sha256(path.read_bytes()) == each.sha256
    assert sorted(path.name for path in (cache / "photographies").iterdir()) == sorted(
        f"{each.sha256}.png" for each in wanted
    )
    again = photographs.collect(wanted, copies=tmp_path / "vide", cache_dir=cache)
    assert again == found  # du cache, sans les clones


@pytest.mark.ci
def test_a_lost_repository_leaves_the_others(copies, tmp_path, capsys):
    folder, wanted = copies
    lost = wanted[0]._replace(repository="bob/perdu", sha256="0" * 64)
    wrong = wanted[1]._replace(sha256="1" * 64, commit="2" * 40)
    found = photographs.collect([*wanted, lost, wrong], copies=folder, cache_dir=tmp_path / "c")
    assert [*found] == wanted
    error = capsys.readouterr().err
    assert "bob/perdu, 1 image" in error and error.count("n'a pas pu être lu") == 2
    with pytest.raises(FileNotFoundError, match="Aucune photographie"):
        photographs.collect([lost], copies=folder, cache_dir=tmp_path / "d")


@pytest.mark.ci
def test_a_damaged_cache_is_not_measured(copies, tmp_path, capsys):
    """Une image abîmée du cache, dont le dépôt a disparu, passait pour une erreur du réseau."""
    folder, wanted = copies
    found = photographs.collect(wanted, copies=folder, cache_dir=tmp_path / "c")
    found[wanted[0]].write_bytes(b"coupe")
    again = photographs.collect(wanted, copies=tmp_path / "vide", cache_dir=tmp_path / "c")
    assert [*again] == wanted[1:] and "n'a pas pu être lu" in capsys.readouterr().err
    assert photographs.collect(wanted, copies=folder, cache_dir=tmp_path / "c") == found


@pytest.mark.ci
def test_a_changed_picture_is_refused(copies, tmp_path, capsys):
    folder, wanted = copies
    changed = wanted[1]._replace(sha256="3" * 64)
    with pytest.raises(FileNotFoundError):
        photographs.collect([changed], copies=folder, cache_dir=tmp_path / "c")
    assert "n'a pas l'empreinte attendue" in capsys.readouterr().err
    assert not [*(tmp_path / "c" / "photographies").iterdir()]


@pytest.mark.ci
def test_without_a_network_the_message_says_what_to_do(copies, tmp_path, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # personne n'y répond
    with pytest.raises(FileNotFoundError, match="GitHub ne répond pas.*--from"):
        photographs.collect(copies[1], cache_dir=tmp_path / "c")


def test_wilson_interval():
    low, high = photographs.wilson(347, 363)
    assert (round(low, 4), round(high, 4)) == (0.9296, 0.9727)  # Brown, Cai et DasGupta, 2001, (4)
    assert photographs.wilson(0, 10)[0] == pytest.approx(0, abs=1e-9)
    assert photographs.wilson(10, 10)[1] == pytest.approx(1)
    rng = np.random.default_rng(0)
    bounds = np.array([photographs.wilson(n, 200) for n in rng.binomial(200, 0.95, 2000)])
    assert 0.93 < np.mean((bounds[:, 0] <= 0.95) & (0.95 <= bounds[:, 1])) < 0.98


def answer(label, name, *tags, path=None, familiar=True):
    photograph = Photograph(label, tags, "a/b", "", "", "CC BY 2.0", "", "")
    return Answer(photograph, path, name, familiar)


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
def test_mistakes_are_drawn(repo, tmp_path):
    cat = repo / "samples" / "chat.png"
    found = [answer("chat", "Chat", path=cat), answer("chat", "Chien", path=cat)]
    photographs.draw_mistakes(found, tmp_path / "une.png")
    assert np.asarray(Image.open(tmp_path / "une.png")).std() > 20


def test_the_page_keeps_what_surrounds_its_measures(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"avant\n{photographs.START}\nvieux\n{photographs.END}\naprès\n")
    photographs.update_page("neuf", page)
    assert page.read_text() == (f"avant\n{photographs.START}\nneuf\n{photographs.END}\naprès\n")


@pytest.mark.ci
def test_the_whole_command(copies, tmp_path, monkeypatch, capsys):
    folder, wanted = copies
    header = "class,tags,repository,commit,path,licence,address,sha256"
    lines = [f"{e.label},,{e.repository},{e.commit},{e.path},libre,,{e.sha256}" for e in wanted]
    (tmp_path / "liste.csv").write_text("\n".join([header, *lines]), encoding="utf-8")
    monkeypatch.setattr(photographs, "TEST_LIST", tmp_path / "liste.csv")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    assert photographs.main(["--from", str(folder)]) == 0
    assert "sur 2)** des photographies" in capsys.readouterr().out
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "autre"))
    assert photographs.main(["--from", str(tmp_path)]) == 1
    assert "Aucune photographie" in capsys.readouterr().err
