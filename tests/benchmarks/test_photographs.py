"""Les photographies prises dans des dépôts publics, et ce que `./predict` en dit."""

import hashlib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from PIL import Image

from benchmarks import photographs
from benchmarks.photographs import Answer, Photograph
from convnets.datasets.sources import CIFAR10_CLASSES_FR
from docs.tables import marks

LISTS = [photographs.TEST_LIST, photographs.DEVELOPMENT_LIST]
NAMES = {"chat": "des images/chat 1.png", "chien": "chien.png"}


@pytest.fixture
def wanted(tmp_path, monkeypatch):
    """Deux images d'un dépôt, que sert un serveur d'ici, et un cache vide."""
    place = "alice/photos", "c0"
    folder = (tmp_path / "web").joinpath(*place)
    (folder / "des images").mkdir(parents=True)
    for path, color in zip(NAMES.values(), ("red", "blue"), strict=True):
        Image.new("RGB", (80, 70), color).save(folder / path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path / "web")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(photographs, "ADDRESS", f"http://127.0.0.1:{server.server_port}")
        yield [
            Photograph(
                label, (), "alice/photos", "c0", path, "CC BY 2.0", "", sha256(folder / path)
            )
            for label, path in NAMES.items()
        ]
        server.shutdown()


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


def test_pictures_come_from_their_repository_then_from_the_cache(
    wanted, tmp_path, monkeypatch, capsys
):
    lost = wanted[0]._replace(repository="bob/perdu", sha256="0" * 64)
    changed = wanted[1]._replace(sha256="3" * 64)
    found = photographs.collect([lost, changed, *wanted])
    assert [*found] == wanted and "bob/perdu" in capsys.readouterr().err
    assert all(sha256(path) == each.sha256 for each, path in found.items())
    found[wanted[0]].write_bytes(b"coupe")  # une image abîmée passait pour une erreur du réseau
    assert photographs.collect(wanted) == found and sha256(found[wanted[0]]) == wanted[0].sha256
    monkeypatch.setattr(photographs, "ADDRESS", "http://127.0.0.1:9")  # personne n'y répond
    assert photographs.collect(wanted) == found
    with pytest.raises(FileNotFoundError, match=r"rétablir le réseau, ou copier .*photographies"):
        photographs.collect([lost])


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
    assert photographs.main(["--update-page"]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("avant\n") and text.endswith("\naprès\n") and "vieux" not in text
    assert capsys.readouterr().out.strip() in text and "sur 2)** des photographies" in text
    with Image.open(figure) as image:  # des carrés unis : l'un au moins n'est pas bien nommé
        assert image.width > 100
