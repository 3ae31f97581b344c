"""Le site construit, dans un vrai navigateur ; voir conftest.py."""

import re
import sys
from pathlib import Path

import pytest

from convnets.serving import router
from web import book
from web.__main__ import main
from web.examples import list_examples

SAMPLES = Path(__file__).parents[2] / "samples"
MAX_FIRST_VIEW_BYTES = 500_000


def test_no_english_is_left_by_the_theme(site):
    english = re.compile(rf'[>"]\s*(?:{"|".join(map(re.escape, book.TEXTS))})\s*[<"]')
    for path in site.rglob("*.html"):
        assert not english.search(path.read_text(encoding="utf-8")), path


def test_the_first_view_is_light(page, address):
    sizes = []
    page.on("response", lambda response: sizes.append(len(response.body())))
    for name in ("index.html", "nommer.html"):
        sizes.clear()
        page.goto(f"{address}/{name}", wait_until="networkidle")
        assert sum(sizes) < MAX_FIRST_VIEW_BYTES, name


@pytest.mark.parametrize("name", ["ex17_detection.html", "ex17_detection/roi.html"])
def test_the_menu_opens_its_own_branch_only(site, name):
    menu = (site / name).read_text(encoding="utf-8").partition('class="sidebar-tree"')[2]
    menu = menu.partition("</aside>")[0]
    assert "proposals" in menu and "ex18_segmentation.html" in menu
    assert "ex18_segmentation/" not in menu


def test_text_and_search_work_from_a_folder(page, site):
    page.goto((site / "search.html").as_uri() + "?q=dropout")
    page.locator("#search-results li a").first.wait_for()
    page.goto((site / "ex02_fashion.html").as_uri())
    assert "def build_model" in page.inner_text("article")


def test_a_workshop_opened_from_a_folder_says_why_it_is_empty(chromium, site):
    page = chromium.new_page()
    page.goto((site / "nommer.html").as_uri())
    assert "python -m web" in page.inner_text("#nommer")
    page.close()


def test_a_picture_has_the_name_that_predict_gives(page, address):
    paths = [
        SAMPLES / name for name in ("chat.png", "avion.png", "chien.webp", "oiseau.jpg", "pont.png")
    ]
    page.goto(f"{address}/nommer.html")
    for path, expected in zip(paths, router.load(None).classify([*map(str, paths)]), strict=True):
        page.set_input_files("#fichier", path)
        page.locator("#nommer table").wait_for()
        said = page.inner_text("#nommer [role=status]")
        assert said.startswith(f"Prédiction: {expected.classifier.classes[expected.best]}.")
        assert ("ressemble peu" in said) == (not expected.familiar)
        shown = page.inner_text("#nommer td >> nth=0").removesuffix(" %").replace(",", ".")
        assert abs(float(shown) / 100 - max(expected.probabilities)) < 0.02


def test_a_window_slides(page, address):
    page.goto(f"{address}/convolution.html")
    page.get_by_text("Fenêtre suivante").click()
    assert page.inner_text("#convolution [role=status]").startswith("Fenêtre 2 sur 9 : ")
    page.fill("#noyau", "1 2\n3")
    assert "même longueur" in page.inner_text("#convolution [role=status]")
    page.fill("#noyau", "1 2\n3 4")
    for stride in ("-1", "2.5", ""):
        page.fill("#pas", stride)
        assert "Pas : un entier de 1 à 12" in page.inner_text("#convolution [role=status]")
    page.fill("#pas", "1")
    heights = page.eval_on_selector_all("#convolution td", "all => all.map((x) => x.offsetHeight)")
    assert max(heights) - min(heights) <= 2  # une case pas encore calculée en est une
    page.check("#couleurs")
    page.set_input_files("#fichier", SAMPLES / "chat.png")
    page.locator("#convolution caption:has-text('image, canal 3')").wait_for()
    assert page.locator("#convolution caption:has-text('noyau, canal 3')").count()


EXAMPLES = list_examples()
LISTED = sorted({each["number"] for each in EXAMPLES}, key=lambda number: int(number[1:]))


def test_every_example_of_the_documents_gives_what_is_expected(page, address):
    assert LISTED == [f"N{number}" for number in range(1, 24)]
    page.goto(f"{address}/convolution.html?exemple=N23-2")
    chosen = page.locator("#exemple")
    chosen.wait_for()
    assert chosen.input_value() == "N23-2"
    for each in EXAMPLES:
        if each["page"] == "convolution":
            chosen.select_option(each["id"])
            said = page.inner_text("#convolution .verifie")
            assert said.startswith(f"{each['number']} : la ")
            assert "retrouvée" in said and "n'est pas" not in said, each["id"]
    for each in EXAMPLES:
        if each["page"] == "reseau":
            page.goto(f"{address}/reseau.html?exemple={each['id']}")
            said = page.inner_text("#reseau .verifie")
            assert "le compte attendu est retrouvé" in said, each["id"]


def test_the_list_of_examples_opens_them(page, address):
    page.goto(f"{address}/exemples.html")
    links = page.locator("article a[href*='exemple=']")
    assert links.count() == len(EXAMPLES)
    links.nth(3).click()
    page.locator(".verifie:has-text('N2 : la sortie attendue est retrouvée')").wait_for()


def test_a_folder_with_something_else_is_kept(tmp_path, capsys):
    pytest.importorskip("sphinx", reason="pip install -r web/requirements.txt")
    (tmp_path / "cours.txt").write_text("à moi")
    assert main(["--output", str(tmp_path)]) == 1
    assert "contient autre chose" in capsys.readouterr().err
    assert (tmp_path / "cours.txt").read_text() == "à moi"


def test_a_missing_package_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "sphinx", None)
    monkeypatch.delitem(sys.modules, "sphinx.application", raising=False)
    assert main(["--output", str(tmp_path / "site")]) == 1
    assert "le paquet sphinx manque" in capsys.readouterr().err
