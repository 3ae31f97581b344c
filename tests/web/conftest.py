"""Le site construit, servi, et une page d'un vrai navigateur.

Sans Sphinx, Playwright, npm ou Chromium, les tests qui en demandent sont passés, en le disant.
"""

import shutil
import threading

import pytest
from filelock import FileLock

PATIENCE_MS = 60_000  # la machine peut être occupée à autre chose


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id):
    """Le site, construit une seule fois, quel que soit le nombre de processus de pytest."""
    pytest.importorskip("sphinx", reason="pip install -r web/requirements.txt")
    if shutil.which("npm") is None:
        pytest.skip("npm manque (apt install npm)")
    from web import book

    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":  # le dossier que les processus de pytest-xdist partagent
        shared = shared.parent
    with FileLock(shared / "site.lock"):
        if not (shared / "site").exists():
            book.build(shared / "site")
    return shared / "site"


@pytest.fixture(scope="session")
def address(site):
    from web.__main__ import open_server

    with open_server(site.parent, 0) as server:  # dans un sous-dossier, comme chez un hébergeur
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{site.name}"
        server.shutdown()


@pytest.fixture(scope="session")
def chromium():
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="pip install -r tests/web/requirements.txt"
    )
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser_path is None:
        pytest.skip("aucun navigateur (apt install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path,
            args=["--no-sandbox", "--use-fake-device-for-media-stream"],  # un appareil photo
        )
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
        "console",
        lambda message: (
            message.type == "error" and page.complaints.append(f"{message.text} {message.location}")
        ),
    )
    yield page
    assert not page.complaints
    page.close()
