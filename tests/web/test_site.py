"""Le site construit, dans un vrai navigateur ; voir conftest.py.

Les pages sont lisibles par tous, sur un téléphone, et leur JavaScript a des types justes.
"""

import re
import subprocess
import sys
import threading
import zipfile
from html import unescape
from html.parser import HTMLParser
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

import pytest

from exercises import EXERCISES
from web import book
from web.__main__ import main, open_server
from web.examples import list_examples
from web.path import PICTURES
from web.sources import WORKSHOPS


def test_types_are_right(tools, repo):
    done = subprocess.run(
        [tools / ".bin" / "tsc", "--project", repo / "web" / "tsconfig.json"],
        capture_output=True,
        encoding="utf-8",
    )
    assert not done.returncode, done.stdout


KINDS = (  # une page de chaque sorte
    "search",
    "404",
    "ex02_fashion",
    "ex09_grad_cam",
    "ex17_detection/boxes",
    "ex01_filters_execute",
    "galerie",
    "laboratoire/resultats",
)
EVERY = ("index", *(path.stem for path in sorted(WORKSHOPS.glob("*"))), *KINDS)


@pytest.mark.parametrize(
    ("name", "scheme", "width"),
    [(name, "light", 390) for name in KINDS]  # l'accueil et les ateliers : voir test_layout
    + [
        pytest.param(name, scheme, 1280, marks=pytest.mark.slow)
        for name in EVERY
        for scheme in ("light", "dark")
    ],
)
def test_axe_finds_nothing(page, address, violations, name, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}/{name}.html")
    assert violations() == []


def test_every_page_fits_a_phone_and_asks_its_own_site_only(chromium, address, site):
    """Ce qui est écrit, sans JavaScript ; les ateliers, eux, sont mesurés par test_layout."""
    options = {"viewport": {"width": 360, "height": 740}, "java_script_enabled": False}
    context, asked = chromium.new_context(**options), []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    for path in [*site.glob("*.html"), site / "ex17_detection" / "boxes.html"]:
        page.goto(f"{address}/{path.relative_to(site).as_posix()}")
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 360, path
    assert asked and [url for url in asked if not url.startswith((address, "data:"))] == []
    context.close()


class Links(HTMLParser):
    """Les adresses d'une page (`href`, `src`, ce qui se télécharge) et les ancres qu'elle porte."""

    def __init__(self, html):
        super().__init__()
        self.targets, self.downloads, self.anchors = [], [], set()
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.targets += [found[name] for name in ("href", "src") if found.get(name)]
        self.downloads += [found["href"]] if "download" in found else []
        self.anchors |= {found[name] for name in ("id", "name") if name in found}


def test_every_link_leads_somewhere(site):
    pages = {path: Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    broken, downloads = [], set()
    for path, page in pages.items():
        downloads |= set(page.downloads)
        if path.name != "404.html":  # elle peut manquer dans n'importe quel dossier : pas de lien
            assert any(target.endswith("credits.html") for target in page.targets), path
        for target in page.targets:
            url = urlsplit(target)
            if url.scheme or url.netloc:  # un autre site
                continue
            file = (path.parent / unquote(url.path)).resolve() if url.path else path
            anchor = unquote(url.fragment)
            if not file.is_file() or anchor and anchor not in pages[file].anchors:
                broken.append((path.relative_to(site).as_posix(), target))
    assert broken == []
    assert len(downloads) == 2 * len(EXERCISES) + 1 and "telecharger/cours_eleve.zip" in downloads


MAX_SITE_MB = 100


def test_the_site_is_light_and_the_browser_makes_its_archive(page, address, site, tmp_path):
    weight = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    assert weight < MAX_SITE_MB * 1e6
    page.goto(f"{address}/index.html")
    with page.expect_download() as given:
        page.get_by_role("button", name="Prendre le site en zip").click()
    given.value.save_as(tmp_path / "cours.zip")
    with zipfile.ZipFile(tmp_path / "cours.zip") as archive:
        assert archive.testzip() is None
        taken = {name.removeprefix("cours/") for name in archive.namelist()}
        archive.extractall(tmp_path)
    here = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    left = here - taken
    assert taken < here and all(re.match(r"python/|donnees/fichiers|\.", name) for name in left)
    page.goto((tmp_path / "cours" / "index.html").as_uri())
    page.locator("#emporter:has-text('déjà sur votre machine')").wait_for()
    page.goto((tmp_path / "cours" / "chiffre.html").as_uri())
    page.locator("#chiffre .dit:has-text('LeNet')").wait_for()


def test_no_english_is_left_by_the_theme(site):
    english = re.compile(rf'[>"]\s*(?:{"|".join(map(re.escape, book.TEXTS))})\s*[<"]')
    for path in site.rglob("*.html"):
        assert not english.search(path.read_text(encoding="utf-8")), path


def test_text_and_search_work_from_a_folder(page, site):
    page.goto((site / "search.html").as_uri() + "?q=dropout")
    page.locator("#search-results li a").first.wait_for()
    page.goto((site / "ex02_fashion.html").as_uri())
    assert "def build_model" in page.inner_text("article")


def test_search_needs_no_accents_and_puts_lessons_first(page, site):
    address = (site / "search.html").as_uri()
    found = []
    for words in ("entraîné réseau", "ENTRAINE RESEAU"):
        page.goto(address)
        page.fill("#mots", words)
        page.get_by_role("button", name="Chercher").click()
        page.locator("#search-results h2:has-text('Résultats')").wait_for()
        assert page.input_value("#mots") == words
        titles = page.eval_on_selector_all(
            "#search-results li > a", "all => all.map((a) => a.text)"
        )
        assert titles and not [title for title in titles if re.search(r"\w'\w| [:?!]", title)]
        links = page.eval_on_selector_all("#search-results li > a", "all => all.map((a) => a.href)")
        found.append([urlsplit(link).path.removeprefix(f"{site}/") for link in links])
    assert found[0] == found[1]
    kinds = [
        0
        if re.fullmatch(r"(ex\d\d_\w+|glossaire)\.html", name)
        else 2
        if "/" in name and not name.startswith("laboratoire/")
        else 1
        for name in found[0]
        if not name.startswith("mesures/")
    ]
    assert kinds == sorted(kinds) and {0, 2} <= {*kinds}


EXAMPLES = list_examples()
LISTED = sorted({each["number"] for each in EXAMPLES}, key=lambda number: int(number[1:]))


def plain(text):
    """Rend un texte d'une page sans sa typographie : espaces et apostrophes ordinaires."""
    return text.replace("\u00a0", " ").replace("’", "'")


def test_every_example_of_the_documents_gives_what_is_expected(page, address):
    assert LISTED == [f"N{number}" for number in range(1, 24)]
    page.goto(f"{address}/convolution.html?exemple=N23-2")
    chosen = page.locator("#exemple")
    chosen.wait_for()
    assert chosen.input_value() == "N23-2"
    for each in EXAMPLES:
        if each["page"] == "convolution":
            chosen.select_option(each["id"])
            said = plain(page.inner_text("#convolution .verifie"))
            assert said.startswith(f"{each['number']} : la ")
            assert "retrouvée" in said and "n'est pas" not in said, each["id"]
    for each in EXAMPLES:
        if each["page"] == "reseau":
            page.goto(f"{address}/reseau.html?exemple={each['id']}")
            said = plain(page.inner_text("#reseau .verifie"))
            assert "le compte attendu est retrouvé" in said, each["id"]


def test_a_folder_with_something_else_is_kept(tmp_path, capsys):
    pytest.importorskip("sphinx", reason="pip install -r web/requirements.txt")
    (tmp_path / "cours.txt").write_text("à moi")
    assert main(["--output", str(tmp_path)]) == 1
    assert "contient autre chose" in capsys.readouterr().err
    assert (tmp_path / "cours.txt").read_text() == "à moi"


def test_a_missing_package_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(book, "KEPT", tmp_path / "kept")  # rien n'est encore construit
    monkeypatch.setattr(book.runtime, "find", lambda program: program)
    monkeypatch.setitem(sys.modules, "sphinx", None)
    monkeypatch.delitem(sys.modules, "sphinx.application", raising=False)
    assert main(["--output", str(tmp_path / "site")]) == 1
    assert "le paquet sphinx manque" in capsys.readouterr().err


def test_node_is_looked_for_before_anything_is_built(tmp_path, capsys, monkeypatch):
    pytest.importorskip("sphinx", reason="pip install -r web/requirements.txt")
    monkeypatch.setattr(book, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(book.runtime.shutil, "which", lambda program, path: None)
    assert main(["--output", str(tmp_path / "site")]) == 1
    assert "node manque" in capsys.readouterr().err and not (tmp_path / "kept").exists()


def test_a_lesson_leads_to_the_next_one(site):
    """Dans l'ordre du menu, et non au premier fichier de son code."""
    lesson = (site / "ex09_grad_cam.html").read_text(encoding="utf-8")
    assert '<a class="next-page" href="ex10_lime.html">' in lesson
    assert '<a class="prev-page" href="ex08_saliency.html">' in lesson
    last = (site / "ex27_video.html").read_text(encoding="utf-8")
    assert 'class="next-page"' not in last


def test_a_page_says_what_it_is_about_once(site):
    for path in site.rglob("*.html"):
        head = path.read_text(encoding="utf-8").partition("</head>")[0]
        assert head.count('name="viewport"') == 1, path
        if path.name != "404.html":
            (about,) = re.findall('<meta name="description" content="([^"]+)">', head)
            assert 10 < len(unescape(about)) <= book.DESCRIPTION, path


def test_a_published_page_gives_its_address_and_a_picture(tmp_path):
    for name in ("index.html", "ex07_occlusion.html", "ex17_detection/boxes.html", "404.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("<head></head>")
    book.add_address(tmp_path, "https://exemple.fr/cours/")
    start = "https://exemple.fr/cours"
    for name, page, number in (
        ("index.html", "", book.SHARED),
        ("ex07_occlusion.html", "ex07_occlusion.html", 7),
        ("ex17_detection/boxes.html", "ex17_detection/boxes.html", 17),
    ):
        text = (tmp_path / name).read_text()
        assert f'<link rel="canonical" href="{start}/{page}">' in text
        assert f'og:image" content="{start}/_static/accueil_{number:02}.jpg">' in text
        assert number in PICTURES
    assert (tmp_path / "404.html").read_text() == "<head></head>"


def test_a_server_answers_in_french_and_keeps_its_folders_closed(tmp_path):
    (tmp_path / "index.html").write_text("<p>oui</p>")
    (tmp_path / "dossier").mkdir()
    with open_server(tmp_path, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        with urlopen(f"{address}/index.html") as response:
            assert response.headers["Cache-Control"] == "no-cache"
            assert response.headers["Last-Modified"]
        for missing in ("rien.html", "dossier/"):
            with pytest.raises(HTTPError) as caught:
                urlopen(f"{address}/{missing}")
            assert caught.value.code == 404
            assert "Cette page n’existe pas" in caught.value.read().decode()
        server.shutdown()
