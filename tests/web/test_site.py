"""Le site construit, dans un vrai navigateur ; voir conftest.py."""

import re
import sys
from pathlib import Path

import pytest

from convnets.serving import router
from web import book
from web.__main__ import main

SAMPLES = Path(__file__).parents[2] / "samples"
MAX_FIRST_VIEW_BYTES = 500_000


def test_no_english_is_left_by_the_theme(site):
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for english in book.TEXTS:
            assert not re.search(rf'[>"]\s*{re.escape(english)}\s*[<"]', text), (path, english)


def test_a_page_asks_its_own_site_only(page, address, site):
    for path in [*site.glob("*.html"), *site.glob("ex17_detection/*.html")]:
        page.goto(f"{address}/{path.relative_to(site).as_posix()}")
    assert {
        url for url in page.requests if not url.startswith((address, "data:", "blob:"))
    } == set()


def test_the_first_view_is_light(page, address):
    sizes = []
    page.on("response", lambda response: sizes.append(len(response.body())))
    page.goto(address, wait_until="networkidle")
    assert sum(sizes) < MAX_FIRST_VIEW_BYTES


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


@pytest.mark.parametrize("name", ["chat.png", "avion.png", "chien.webp", "oiseau.jpg", "pont.png"])
def test_a_picture_has_the_name_that_predict_gives(page, address, name):
    [expected] = router.load(None).classify([str(SAMPLES / name)])
    page.goto(f"{address}/nommer.html")
    page.set_input_files("#fichier", SAMPLES / name)
    page.locator("#nommer table").wait_for()
    said = page.inner_text("#nommer [role=status]")
    assert said.startswith(f"Prédiction: {expected.classifier.classes[expected.best]}.")
    assert ("ressemble peu" in said) == (not expected.familiar)
    shown = page.inner_text("#nommer td >> nth=0").removesuffix(" %").replace(",", ".")
    assert abs(float(shown) / 100 - max(expected.probabilities)) < 0.02


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("vide.png", b"", "vide"),
        ("texte.png", b"ce n'est pas une image", "n'est pas une image"),
        ("seul.tflite", b"TFL3", "Déposez ensemble"),
    ],
)
def test_a_wrong_file_gets_one_sentence(page, address, name, content, said):
    page.goto(f"{address}/nommer.html")
    page.set_input_files("#fichier", {"name": name, "mimeType": "", "buffer": content})
    page.locator(f"#nommer [role=status]:has-text({said!r})").wait_for()


def test_a_window_slides(page, address):
    page.goto(f"{address}/convolution.html")
    page.get_by_text("Fenêtre suivante").click()
    assert page.inner_text("#convolution [role=status]").startswith("Fenêtre 2 sur 9 : ")
    page.fill("#noyau", "1 2\n3")
    assert "même longueur" in page.inner_text("#convolution [role=status]")


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
