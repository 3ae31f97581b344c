"""Le site construit, servi, et une page d'un vrai navigateur.

Sans Sphinx, Playwright, npm ou Chromium, les tests qui en demandent sont passés, en le disant.
"""

import shutil
import threading

import pytest

TOOLS = ("typescript@7.0.2", "axe-core@4.14.1")
PATIENCE_MS = 60_000  # la machine peut être occupée à autre chose


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    pytest.importorskip("sphinx", reason="pip install -r web/requirements.txt")
    if shutil.which("npm") is None:
        pytest.skip("npm manque (apt install npm)")
    from web import book

    return book.build(tmp_path_factory.mktemp("cours") / "site")


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


@pytest.fixture(scope="session")
def tools():
    """Le dossier des paquets de npm qui vérifient le site."""
    if shutil.which("npm") is None:
        pytest.skip("npm manque (apt install npm)")
    from convnets.core.paths import keras_models_dir
    from web import runtime

    name = "-".join(each.replace("@", "-") for each in TOOLS)
    return runtime.install(TOOLS, keras_models_dir() / "cours-cnn" / name)


@pytest.fixture
def violations(page, tools):
    """violations() -> ce qu'axe trouve dans la page ouverte : la règle, et un élément."""

    def find():
        page.add_script_tag(path=tools / "axe-core" / "axe.min.js")
        found = page.evaluate("axe.run().then((result) => result.violations)")
        return [(each["id"], each["nodes"][0]["html"][:200]) for each in found]

    return find
