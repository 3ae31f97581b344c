"""La page dans un vrai navigateur, comme une personne s'en servirait.

Sans Playwright ou sans Chromium, ces tests sont passés, en le disant. `DEMO_SCREENSHOTS=1`
refait les captures de `docs/demo/`.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image

pytest.importorskip("gradio.blocks", reason="pip install -r demo/requirements.txt")
sync_api = pytest.importorskip(
    "playwright.sync_api", reason="pip install -r tests/demo/requirements.txt"
)
expect = sync_api.expect

REPO = Path(__file__).resolve().parents[2]
SAMPLES = REPO / "samples"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
if BROWSER is None:
    pytest.skip("aucun navigateur (apt install chromium)", allow_module_level=True)

TABS = [  # et ce qui dit que chacun est prêt
    ("Prédire", "#image"),
    ("Convolution", "#convolution table"),
    ("X ou O ?", "#chaine table"),
    ("Chiffre", "#chiffre table"),
    ("Réseau", "#reseau table"),
]
PATIENCE_MS = 30_000  # d'une attente ; la machine peut être occupée à autre chose
START_S = 6  # au plus, de temps de processeur, avant que la page réponde

# Le serveur, dont chaque connexion vers une autre machine est notée dans un fichier.
GUARDED = """
import runpy, socket, sys
log, connect, resolve = sys.argv.pop(1), socket.socket.connect, socket.getaddrinfo
def note(host):
    if str(host) not in ("127.0.0.1", "::1", "localhost", "None", ""):
        open(log, "a").write(f"{host}\\n")
def spy(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6): note(address[0])
    return connect(self, address)
socket.socket.connect = spy
socket.getaddrinfo = lambda host, *a, **k: (note(host), resolve(host, *a, **k))[1]
runpy.run_module("demo", run_name="__main__", alter_sys=True)
"""


class Server:
    """`python -m demo`, lancé comme dans un terminal."""

    def __init__(self, folder):
        self.outside, self.temporary = folder / "dehors.txt", folder / "tmp"
        self.temporary.mkdir()
        started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-c", GUARDED, str(self.outside), "--port", "0", "--no-browser"],
            cwd=REPO,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(self.temporary), "PYTHONPATH": str(REPO)},
        )
        self.first_line = self.process.stdout.readline()
        self.duration_s = time.monotonic() - started
        self.cpu_s = self._cpu_s()
        found = re.search(r"http://127\.0\.0\.1:\d+/", self.first_line)
        assert found, self.first_line + self.process.stderr.read()
        self.url = found[0]

    def _cpu_s(self):
        stat = Path(f"/proc/{self.process.pid}/stat")
        if not stat.exists():  # pas sous Linux : le temps écoulé, faute de mieux
            return self.duration_s
        fields = stat.read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    def uploads(self):
        return [path for path in self.temporary.rglob("*") if path.is_file()]

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=30)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("page"))
    yield server
    if server.process.poll() is None:
        server.stop()


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=BROWSER,
            args=[
                "--no-sandbox",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, server):
    """open_page() ouvre une fenêtre ; à la fin, aucune n'a vu d'erreur ni parlé à d'autres."""
    contexts, errors, hosts = [], [], set()

    def open_one(*, width=1200, height=900, locale="fr-FR"):
        context = browser.new_context(
            viewport={"width": width, "height": height},
            locale=locale,
            permissions=["camera", "clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", lambda m: m.type == "error" and errors.append(m.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: hosts.add(urlsplit(request.url)))
        page.goto(server.url)
        page.wait_for_selector("#exemples button")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert errors == []
    outside = [
        url.geturl()
        for url in hosts
        if url.scheme not in ("data", "blob") and url.hostname != "127.0.0.1"
    ]
    assert outside == []
    assert not server.outside.exists() or server.outside.read_text() == ""


@pytest.fixture
def shoot(tmp_path):
    """shoot(page, "nom") : une capture, dans docs/demo/ si DEMO_SCREENSHOTS=1."""
    folder = tmp_path
    if os.environ.get("DEMO_SCREENSHOTS") == "1":
        folder = REPO / "docs" / "demo"
        folder.mkdir(parents=True, exist_ok=True)

    def take(page, name):
        page.mouse.move(0, 0)
        path = folder / f"{name}.png"
        page.screenshot(path=path, full_page=True, animations="disabled")
        with Image.open(path) as image:  # toutes ses couleurs : une photo en a beaucoup
            image.convert("RGB").save(path, optimize=True)
        assert path.stat().st_size > 5000

    return take


def open_tab(page, title, ready):
    page.get_by_role("tab", name=title, exact=True).click()
    page.wait_for_selector(ready)


def choose(page, box, option):
    """Choisit dans une liste déroulante, à la souris."""
    page.locator(f"{box} input").click()
    page.get_by_role("option", name=option).click()


def wait_for_text(page, selector, text):
    expect(page.locator(selector)).to_contain_text(text, timeout=PATIENCE_MS)


def read_grid(page, container, caption):
    """Relit une grille de nombres affichée, d'après sa légende."""
    figure = page.locator(f"{container} figure").filter(has_text=caption).first
    return figure.evaluate(
        "figure => [...figure.querySelectorAll('tr')]"
        ".map(row => [...row.cells].map(cell => Number(cell.innerText)))"
    )


# --- Ouvrir ----------------------------------------------------------------------------


def test_the_page_opens_quickly_and_says_where(server):
    assert server.first_line.startswith("La page est ouverte : http://127.0.0.1:")
    assert server.cpu_s < START_S, f"{server.cpu_s:.1f} s de processeur"


def test_nothing_to_fetch_elsewhere_in_the_page(server, open_page):
    page = open_page(locale="en-US")  # et tout est en français quand même
    assert page.evaluate("document.documentElement.lang") == "fr"
    fetched = page.evaluate(
        "[...document.querySelectorAll('[src], link[href]')].map(e => e.src || e.href)"
    )
    outside = [url for url in fetched if not url.startswith((server.url, "data:", "blob:"))]
    assert fetched and outside == []
    english = (
        "Drop Upload upload Click Built with Settings Paste Remove input slider range Empty grant"
    )
    for title, ready in TABS:
        open_tab(page, title, ready)
        if title == "Prédire":
            page.get_by_role("button", name="Prendre une photo").click()
            page.get_by_role("button", name="Cliquez pour ouvrir la caméra").wait_for()
        words = page.locator("body").inner_text()
        names = page.evaluate(
            "[...document.querySelectorAll('[aria-label], [title], [alt], [placeholder]')].map(e =>"
            " [e.getAttribute('aria-label'), e.title, e.alt, e.placeholder].join(' ')).join(' ')"
        )
        found = set(english.split()) & set(re.findall(r"\w+", words + " " + names))
        assert not found, (title, found)


# --- Prédire ---------------------------------------------------------------------------


def test_a_picture_is_uploaded_named_and_explained(server, open_page, shoot):
    page = open_page()
    page.set_input_files("#image input[type=file]", SAMPLES / "chat.png")
    wait_for_text(page, "#resultat", "Prédiction : Chat")
    wait_for_text(page, "#carte", "Occlusion : Chat")
    assert page.locator("#carte img").count() == 2
    page.get_by_role("button", name="chien.webp").click()  # une des nôtres
    wait_for_text(page, "#resultat", "Prédiction : Chien")
    wait_for_text(page, "#carte", "Occlusion : Chien")
    shoot(page, "predire")
    choose(page, "#modele", "ex02_fashion")
    wait_for_text(page, "#carte", "lit des images grises")
    choose(page, "#explication", "Aucune")
    expect(page.locator("#carte")).not_to_contain_text("grises", timeout=PATIENCE_MS)
    page.get_by_role("button", name="Retirer l'image").click()
    wait_for_text(page, "#resultat", "Déposez, collez ou photographiez")


def test_bad_files_are_refused_in_french(tmp_path, server, open_page):
    (tmp_path / "note.png").write_text("ce n'est pas une image")
    (tmp_path / "note.txt").write_text("ni cela")
    (tmp_path / "gros.png").write_bytes(bytes(11 * 10**6))
    Image.new("1", (8000, 6000)).save(tmp_path / "immense.png")
    page = open_page()
    for name, place, said in (
        ("note.png", "#resultat", "note.png n'est d'aucun format d'image connu"),
        ("gros.png", "#refus", "gros.png pèse 11,0 Mo : au plus 10 Mo"),  # sans être envoyé
        ("note.txt", "#refus", "note.txt n'est pas une image que le navigateur connaisse"),
        ("immense.png", "#resultat", "immense.png est une image démesurée"),
    ):
        page.set_input_files("#image input[type=file]", tmp_path / name)
        wait_for_text(page, place, said)
    assert page.locator("[role=alert]").count() >= 1
    assert "Invalid" not in page.locator("body").inner_text()  # le refus de Gradio, en anglais
    page.set_input_files("#image input[type=file]", SAMPLES / "oiseau.jpg")  # et tout remarche
    wait_for_text(page, "#resultat", "Prédiction : Oiseau")


def test_a_photograph_and_a_paste(open_page):
    page = open_page()
    page.get_by_role("button", name="Prendre une photo").click()
    page.get_by_role("button", name="Cliquez pour ouvrir la caméra").click()
    page.wait_for_function("document.querySelector('#image video')?.readyState >= 2")
    page.get_by_role("button", name="Prendre la photo").click()
    wait_for_text(page, "#resultat", "Prédiction :")
    page = open_page()
    page.evaluate(
        """async () => {
          const picture = [...document.querySelectorAll('#exemples button')]
            .find((button) => button.dataset.name === 'chat.png').querySelector('img');
          const canvas = document.createElement('canvas');
          [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
          canvas.getContext('2d').drawImage(picture, 0, 0);
          const blob = await new Promise((done) => canvas.toBlob(done, 'image/png'));
          await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
        }"""
    )
    page.get_by_role("button", name="Coller une image").click()
    wait_for_text(page, "#resultat", "Prédiction : Chat")


def test_nothing_uploaded_stays(server):
    limit = time.monotonic() + 30
    while server.uploads() and time.monotonic() < limit:
        time.sleep(0.2)
    assert server.uploads() == []


def test_two_windows_do_not_mix(open_page):
    first, second = open_page(), open_page()
    first.get_by_role("button", name="avion.png").click()
    second.get_by_role("button", name="cerf.webp").click()
    wait_for_text(first, "#resultat", "Prédiction : Avion")
    wait_for_text(second, "#resultat", "Prédiction : Cerf")
    wait_for_text(first, "#carte", "Occlusion : Avion")
    wait_for_text(second, "#carte", "Occlusion : Cerf")


def test_ten_people_at_once(server):
    from gradio_client import Client, handle_file

    known = {
        "avion.png": "Avion",
        "chat.png": "Chat",
        "cerf.webp": "Cerf",
        "chien.webp": "Chien",
        "camion.png": "Camion",
    }
    visitors = [*known.items()] * 2
    together = threading.Barrier(len(visitors))

    def visit(name, expected):
        client = Client(server.url, verbose=False)
        together.wait(timeout=120)
        answer = client.predict(handle_file(SAMPLES / name), "ex03_cifar10", api_name="/predict")
        return expected in str(answer), str(answer)[:200]

    with ThreadPoolExecutor(len(visitors)) as pool:
        found = list(pool.map(lambda visitor: visit(*visitor), visitors))
    assert all(right for right, _ in found), found


# --- Convolution -----------------------------------------------------------------------


def test_a_kernel_is_edited_and_its_number_read_back(open_page, shoot):
    page = open_page()
    open_tab(page, "Convolution", "#convolution table")
    assert read_grid(page, "#convolution", "Sortie") == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]
    page.get_by_label("Noyau, ligne 2, colonne 2").fill("5")
    wait_for_text(page, "#convolution", "Somme : 2 + 5 + 1 = 8")
    # Le centre pèse 4 de plus là où l'image vaut 1 : partout ici, sauf en deux cases.
    assert read_grid(page, "#convolution", "Sortie") == [[8, 7, 8], [2, 8, 7], [2, 7, 8]]
    page.get_by_role("button", name="Suivante").click()
    wait_for_text(page, "#convolution", "Étape 2 sur 9")
    page.locator("#convolution button[data-index='8']").click()
    wait_for_text(page, "#convolution", "Étape 9 sur 9")
    assert read_grid(page, "#convolution", "Produits") == [[1, 0, 1], [0, 5, 0], [1, 0, 0]]
    choose(page, "#padding", "same")
    wait_for_text(page, "#convolution", "la sortie, 5×5")
    shoot(page, "convolution")
    page.get_by_label("Noyau, ligne 2, colonne 2").fill("abc")
    wait_for_text(page, "#convolution [role=alert]", "'abc' n'est pas un nombre")
    choose(page, "#choix-image", "Le pont")
    choose(page, "#choix-noyau", "Bords")
    wait_for_text(page, "#convolution", "Étape 9 sur")
    assert page.get_by_label("Image, ligne 8, colonne 12").input_value() != ""


# --- X ou O ? --------------------------------------------------------------------------


def test_a_letter_is_drawn_with_the_keyboard_alone(open_page, shoot):
    page = open_page()
    page.get_by_role("tab", name="Prédire").focus()
    for _ in range(2):  # Convolution, X ou O ?
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#chaine table")
    wait_for_text(page, "#chaine", "Réponse : X")
    shoot(page, "x_ou_o")
    page.get_by_role("button", name="Effacer").focus()
    page.keyboard.press("Enter")
    wait_for_text(page, "#chaine [role=alert]", "Rien n'est dessiné")
    page.locator("#dessin button[tabindex='0']").focus()
    drawing = (
        "........./...###.../..#...#../.#.....#./.#.....#./.#.....#./..#...#../...###.../........."
    )
    for r, row in enumerate(drawing.split("/")):
        for mark in row if r % 2 == 0 else row[::-1]:  # en lacets
            if mark == "#":
                page.keyboard.press("Space")
            page.keyboard.press("ArrowRight" if r % 2 == 0 else "ArrowLeft")
        page.keyboard.press("ArrowDown")
    wait_for_text(page, "#chaine", "Réponse : O")
    page.get_by_label("Appris").focus()
    page.keyboard.press("Space")
    wait_for_text(page, "#chaine", "appris 1")
    wait_for_text(page, "#chaine", "Réponse : O")


def test_a_letter_is_drawn_with_the_mouse(open_page):
    page = open_page()
    open_tab(page, "X ou O ?", "#chaine table")
    page.locator("#dessin").get_by_label("ligne 5, colonne 5").click()
    expect(page.locator("#dessin").get_by_label("ligne 5, colonne 5")).to_have_attribute(
        "aria-pressed", "false"
    )
    wait_for_text(page, "#chaine", "X 95,6 %")  # 100,0 % avant


# --- Chiffre ---------------------------------------------------------------------------


def test_a_digit_is_drawn_and_dragged(open_page, shoot):
    page = open_page()
    open_tab(page, "Chiffre", "#chiffre table")
    page.get_by_role("button", name="Effacer").click()
    wait_for_text(page, "#chiffre [role=alert]", "Dessinez un chiffre")
    box = page.locator("#feuille canvas").bounding_box()
    points = [(80, 70), (195, 70), (130, 225)]
    page.mouse.move(box["x"] + points[0][0], box["y"] + points[0][1])
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(box["x"] + x, box["y"] + y, steps=8)
    page.mouse.up()
    wait_for_text(page, "#chiffre", "LeNet : 7 ; Réseau dense : 7 ; LeNet, recette moderne : 7.")
    slider = page.locator("#droite input[type=range]")
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    moved = page.locator("#chiffre td.choisie").first
    page.wait_for_function(
        "[...document.querySelectorAll('#chiffre td.choisie')].every(td => td.cellIndex === 11)"
    )
    assert moved.evaluate("td => td.parentElement.rowIndex") == 6
    shoot(page, "chiffre")
    page.get_by_label("CNN à maximum global").click()
    wait_for_text(page, "#chiffre", "CNN à maximum global : 7")


def test_a_digit_is_drawn_with_the_keyboard(open_page):
    page = open_page()
    open_tab(page, "Chiffre", "#chiffre table")
    page.locator("#feuille canvas").focus()
    page.keyboard.press("Escape")
    wait_for_text(page, "#chiffre [role=alert]", "Dessinez un chiffre")
    page.keyboard.press("Space")
    for _ in range(16):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    wait_for_text(page, "#chiffre", "LeNet : 1 ;")


# --- Réseau ----------------------------------------------------------------------------


def test_a_network_is_chosen(open_page, shoot):
    page = open_page()
    open_tab(page, "Réseau", "#reseau table")
    wait_for_text(page, "#reseau", "61\u202f706 paramètres")
    shoot(page, "reseau")
    page.locator("#architecture input").focus()  # au clavier
    page.keyboard.press("ArrowDown")
    page.get_by_role("option", name="BasicCNNModel").wait_for()
    for _ in range(5):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    wait_for_text(page, "#reseau", "147\u202f500 paramètres")
    page.get_by_label("Côté de l'image").fill("2")
    wait_for_text(page, "#reseau [role=alert]", "Le côté vaut 2 : un entier de 5 à 600")


# --- Un petit écran, et la fin ---------------------------------------------------------


def test_360_pixels_are_enough(open_page, shoot):
    page = open_page(width=360, height=740)
    page.get_by_role("button", name="chat.png").click()
    wait_for_text(page, "#carte", "Occlusion : Chat")
    for title, ready in (
        ("Prédire", "#carte img"),
        ("Convolution", "#convolution table"),
        ("X ou O ?", "#chaine table"),
        ("Chiffre", "#chiffre table"),
    ):
        open_tab(page, title, ready)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, title
        small = page.evaluate(
            "[...document.querySelectorAll('figure td, .barres span, label span, p')]"
            ".filter(e => e.offsetParent && parseFloat(getComputedStyle(e).fontSize) < 10).length"
        )
        assert small == 0, title
    open_tab(page, "Convolution", "#convolution table")
    shoot(page, "telephone")


def test_ctrl_c_closes_everything(server):
    assert list(server.temporary.iterdir())
    output, errors = server.stop()
    assert server.process.returncode == 0
    assert output.strip() == "Page fermée ; rien de ce qui y a été déposé n'est resté."
    assert errors == ""
    assert list(server.temporary.iterdir()) == []


def test_a_forged_request_fetches_and_reads_nothing(tmp_path):
    """Sans navigateur : ce que Gradio accepterait de qui lui parle directement."""
    import httpx

    server = Server(tmp_path)
    call = f"{server.url}gradio_api/call/predict"
    for path in ("https://example.com/a.png", "http://127.0.0.1:1/", str(SAMPLES / "chat.png")):
        forged = {"path": path, "url": path, "meta": {"_type": "gradio.FileData"}}
        for model in ("ex03_cifar10", forged):
            event = httpx.post(call, json={"data": [forged, model]}, timeout=60).json()["event_id"]
            answer = httpx.get(f"{call}/{event}", timeout=60).text
            assert "event: error" in answer and "Chat" not in answer
        assert httpx.get(f"{server.url}gradio_api/file={path}").status_code in (403, 404)
    server.stop()
    assert not server.outside.exists(), server.outside.read_text()
