"""Toutes les pages : lisibles par tous, sur un téléphone, et un JavaScript aux types justes.

`SITE_SCREENSHOTS=1` refait l'image du README.
"""

import os
import shutil
import subprocess
import sys

import pytest

from convnets.core.paths import MODELS_DIR, keras_models_dir
from web import runtime
from web.sources import WORKSHOPS

TOOLS = ("typescript@7.0.2", "axe-core@4.14.1")
SAMPLES = MODELS_DIR.parent / "samples"
PICTURE = MODELS_DIR.parent / "docs" / "site" / "nommer.png"


@pytest.fixture(scope="session")
def tools():
    if shutil.which("npm") is None:
        pytest.skip("npm manque (apt install npm)")
    name = "-".join(each.replace("@", "-") for each in TOOLS)
    return runtime.install(TOOLS, keras_models_dir() / "cours-cnn" / name)


@pytest.fixture(scope="session")
def pages(site):
    names = sorted(path.name for path in site.glob("*.html"))
    return [*names, "ex17_detection/boxes.html", "ex17_detection/main.html"]


def test_types_are_right(tools, repo):
    done = subprocess.run(
        [tools / ".bin" / "tsc", "--project", repo / "web" / "tsconfig.json"],
        capture_output=True,
        encoding="utf-8",
    )
    assert not done.returncode, done.stdout


@pytest.mark.parametrize(
    "scheme", ["light", "dark", pytest.param("everywhere", marks=pytest.mark.slow)]
)
def test_axe_finds_nothing(page, address, pages, tools, scheme):
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    few = [
        "index.html",
        "ex02_fashion.html",
        *(f"{path.stem}.html" for path in WORKSHOPS.glob("*")),
    ]
    found = {}
    for name in pages if scheme == "everywhere" else few:
        page.goto(f"{address}/{name}")
        page.add_script_tag(path=tools / "axe-core" / "axe.min.js")
        rules = (
            "{runOnly: ['color-contrast']}" if scheme == "dark" else ""
        )  # le reste ne change pas
        violations = page.evaluate(f"axe.run({rules}).then((result) => result.violations)")
        if violations:
            found[name] = [
                (each["id"], len(each["nodes"]), each["nodes"][0]["html"][:200])
                for each in violations
            ]
    assert not found


def test_every_page_fits_a_phone_and_asks_its_own_site_only(page, address, pages):
    page.set_viewport_size({"width": 360, "height": 740})
    for name in pages:
        page.goto(f"{address}/{name}")
        width = page.evaluate("document.scrollingElement.scrollWidth")
        assert width <= 360, name
    ours = (address, "data:", "blob:")
    assert [url for url in page.requests if not url.startswith(ours)] == []


def test_one_s_own_model_answers(page, address):
    page.goto(f"{address}/nommer.html")
    files = [MODELS_DIR / f"garments{suffix}" for suffix in (".tflite", ".json")]
    page.set_input_files("#fichier", files)
    page.locator("#nommer [role=status]:has-text('Modèle chargé')").wait_for()
    page.set_input_files("#fichier", SAMPLES / "chat.png")
    page.locator("#nommer [role=status]:has-text('Prédiction: Sac')").wait_for()


def test_what_decided_is_painted(page, address):
    page.goto(f"{address}/nommer.html")
    page.set_input_files("#fichier", SAMPLES / "chien.webp")
    page.get_by_role("button", name="Qu'est-ce qui a décidé").click()
    page.locator("#nommer figcaption:has-text('points perdus')").wait_for()
    if os.environ.get("SITE_SCREENSHOTS"):  # celle du README
        page.locator("#nommer").screenshot(path=PICTURE)


def test_a_drawing_is_named_x_or_o(page, address):
    page.goto(f"{address}/x_ou_o.html")
    said = page.locator("#lettre [role=status]")
    page.locator("#lettre [role=status]:has-text('Réponse : X.')").wait_for()
    page.get_by_role("button", name="O", exact=True).click()
    assert said.inner_text().startswith("Réponse : O.")
    page.get_by_role("button", name="Effacer").click()
    assert "Rien n'est dessiné" in said.inner_text()
    page.focus("#lettre .case")
    for key in ("Space", "ArrowRight", "ArrowDown", "Space"):
        page.keyboard.press(key)
    assert "Réponse" in said.inner_text()
    page.select_option("#filtres", "learned")
    assert "Probabilités" in said.inner_text()


def test_a_network_is_changed_by_hand(page, address):
    page.goto(f"{address}/reseau.html")
    said = page.locator("#reseau [role=status]")
    assert said.inner_text().replace("\u202f", " ").startswith("61 706 paramètres")
    page.get_by_role("button", name="Ôter la couche 5").click()
    assert "dépliez d'abord" in said.inner_text()
    page.fill("#entree0", "0")
    assert "trois entiers de 1 à" in said.inner_text()
    page.fill("#entree0", "32")
    page.locator("#reseau input[type=number]").nth(3).fill("2.5")
    assert said.inner_text().startswith("Couche 1 : chaque nombre doit être un entier")
    page.select_option("#modele", "VGG16 (2014)")
    assert said.inner_text().replace("\u202f", " ").startswith("138 357 544 paramètres")


def test_two_boxes_are_moved_by_keys(page, address):
    page.goto(f"{address}/boites.html")
    page.focus("#boites rect >> nth=0")
    page.keyboard.press("ArrowRight")
    assert "= 0,171" in page.inner_text("#boites [role=status] >> nth=0")
    page.locator("#boites .vignette").first.click()
    page.locator("#boites figcaption:has-text('doublons ôtés')").wait_for()


def test_pixels_are_named(page, address):
    page.goto(f"{address}/masques.html")
    page.locator("#masques .vignette").first.click()
    page.locator("#masques [role=status]:has-text('Pixels justes')").wait_for()
    assert page.locator("#masques canvas").count() == 3


def _compare(site, repo, *folders):
    """Dans un autre processus : Playwright n'en veut qu'un par fil."""
    done = subprocess.run(
        [sys.executable, "-m", "web.parity", site, *folders],
        cwd=repo,
        capture_output=True,
        encoding="utf-8",
    )
    return [line.strip("| ").split(" | ") for line in done.stdout.splitlines()]


def test_the_page_and_the_command_answer_alike(site, chromium, repo, tmp_path):
    # Le pont n'est d'aucune classe : ses probabilités, presque égales, sont celles que l'arrondi
    # change le plus (0,024 mesuré, et 0,04 au plus ; docs/site.md).
    pictures = {"connues": ("avion.png", "chat.png", "voiture.jpg"), "étrangère": ("pont.png",)}
    for kind, names in pictures.items():
        (tmp_path / kind).mkdir()
        for name in names:
            shutil.copy(SAMPLES / name, tmp_path / kind)
    rows = {row[0]: row[1:] for row in _compare(site, repo, tmp_path)}
    total, same, close, _, doubt, alone = rows["connues"]
    assert total == same == close == doubt == "3" and alone == "0"
    total, same, _, gap, doubt, alone = rows["étrangère"]
    assert total == same == doubt == "1" and alone == "0"
    assert float(gap.replace(",", ".")) <= 0.04


@pytest.mark.slow
def test_they_answer_alike_on_a_thousand_pictures(site, chromium, repo):
    *_, (_, total, same, close, _, _, alone) = _compare(site, repo)
    assert int(total) >= 1000 and alone == "0"
    assert int(same) >= 0.995 * int(total) and int(close) >= 0.99 * int(total)


@pytest.mark.slow
def test_the_site_is_measured(site, chromium, repo):
    done = subprocess.run(
        [sys.executable, "-m", "web.measure", site], cwd=repo, capture_output=True, encoding="utf-8"
    )
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()]
    pages = {row[0]: row[1:] for row in rows if row[0].endswith(".html")}
    assert {outside for _, _, outside in pages.values()} == {"0"}
    times = [row for row in rows if row[0].startswith("ex0") and len(row) == 5]
    assert len(times) == 3 and all(cell.endswith(" ms") for row in times for cell in row[1:])
