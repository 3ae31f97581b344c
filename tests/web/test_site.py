"""Le site construit, dans un vrai navigateur.

Sans Sphinx, Playwright, npm ou Chromium, ces tests sont passés, en le disant.
"""

import re
import shutil
import threading
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="pip install -r web/requirements.txt")
sync_api = pytest.importorskip(
    "playwright.sync_api", reason="pip install -r tests/demo/requirements.txt"
)

from convnets.serving import router  # noqa: E402
from web import book  # noqa: E402
from web.__main__ import main, open_server  # noqa: E402

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
if BROWSER is None or shutil.which("npm") is None:
    pytest.skip("ni navigateur, ni npm (apt install chromium npm)", allow_module_level=True)

SAMPLES = Path(__file__).parents[2] / "samples"
PATIENCE_MS = 60_000  # la machine peut être occupée à autre chose
MAX_FIRST_VIEW_BYTES = 500_000


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "site"
    book.build(folder)
    return folder


@pytest.fixture(scope="module")
def address(site):
    with open_server(site, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def chromium():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """Une page vide, qui note ce qu'elle demande et ce dont elle se plaint."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    page.requests, page.complaints = [], []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on(
        "requestfailed",  # sauf ce qu'une page quittée n'attend plus
        lambda each: "ABORTED" in each.failure or page.complaints.append(each.url),
    )
    page.on(
        "console", lambda message: message.type == "error" and page.complaints.append(message.text)
    )
    yield page
    assert not page.complaints
    page.close()


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
    (tmp_path / "cours.txt").write_text("à moi")
    assert main(["--output", str(tmp_path)]) == 1
    assert "contient autre chose" in capsys.readouterr().err
    assert (tmp_path / "cours.txt").read_text() == "à moi"
