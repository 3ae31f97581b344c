"""La page « Nommer » quand quelque chose manque ou ne va pas : une phrase, et elle sert encore."""

import base64
import io
import json

import pytest
from PIL import Image

from convnets.core.paths import MODELS_DIR
from tests.convnets.serving import test_command_base as heads

SAMPLES = MODELS_DIR.parent / "samples"
built = heads.built  # une tête et sa base, qui nomment une couleur


@pytest.fixture
def open_page(chromium, address):
    """Ouvre « Nommer » après un script ; les pages ouvertes ici peuvent se plaindre."""
    contexts = []

    def open_after(script="", permissions=()):
        contexts.append(chromium.new_context(permissions=[*permissions]))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        page.add_init_script(script)
        page.goto(f"{address}/nommer.html")
        return page

    yield open_after
    for context in contexts:
        context.close()


def wait_for(page, text):
    page.locator(f'#nommer [role=status]:has-text("{text}")').wait_for()


def name_a_sample(page):
    page.set_input_files("#fichier", SAMPLES / "avion.png")
    wait_for(page, "Prédiction: Avion.")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("delete globalThis.WebAssembly;", "n'a pas WebAssembly"),
        (
            "WebAssembly.instantiate = WebAssembly.instantiateStreaming ="
            " async () => { throw new RangeError('out of memory'); };",
            "la mémoire manque",
        ),
    ],
)
def test_what_the_browser_lacks_is_said(open_page, script, said):
    page = open_page(script)
    page.set_input_files("#fichier", SAMPLES / "avion.png")
    wait_for(page, said)
    assert (
        page.locator("#nommer .vignette").count() and page.locator("#nommer progress").is_hidden()
    )


def test_a_lost_connection_is_said_and_may_come_back(open_page):
    page = open_page()
    page.context.set_offline(True)
    page.set_input_files("#fichier", SAMPLES / "avion.png")
    wait_for(page, "vérifiez la connexion")
    page.context.set_offline(False)
    name_a_sample(page)


def test_the_camera_names_what_it_sees(open_page):
    page = open_page(permissions=["camera"])
    page.get_by_role("button", name="Appareil photo").click()
    page.wait_for_function("document.querySelector('#nommer video')?.videoWidth > 0")
    page.get_by_role("button", name="Prendre la photo").click()
    wait_for(page, "Prédiction: ")
    assert not page.locator("#nommer video").count()


def test_a_refused_camera_gets_one_sentence(open_page):
    page = open_page()
    page.get_by_role("button", name="Appareil photo").click()
    wait_for(page, "L'appareil photo n'est pas disponible")
    name_a_sample(page)


def test_a_picture_is_pasted_or_dropped(page, address):
    page.goto(f"{address}/nommer.html")
    content = base64.b64encode((SAMPLES / "avion.png").read_bytes()).decode()
    for event, names in (("paste", "clipboardData"), ("drop", "dataTransfer")):
        page.evaluate("document.querySelector('#nommer [role=status]').textContent = ''")
        page.evaluate(
            "([content, event, names]) => {"
            " const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));"
            " const data = new DataTransfer();"
            " data.items.add(new File([bytes], 'a.png', {type: 'image/png'}));"
            " const made = event === 'paste' ? new ClipboardEvent(event, {[names]: data})"
            "  : new DragEvent(event, {[names]: data});"
            " document.dispatchEvent(made); }",
            [content, event, names],
        )
        wait_for(page, "Prédiction: Avion.")


def _picture(size, mode, colour=0, **options):
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, **{"format": "PNG"} | options)
    return file.getvalue()


def _give(page, content, said):
    page.set_input_files("#fichier", {"name": "a.png", "mimeType": "", "buffer": content})
    wait_for(page, said)


def test_broken_and_huge_pictures(page, address):
    page.goto(f"{address}/nommer.html")
    _give(page, b"", "est vide")
    _give(page, b"ce n'est pas une image", "n'est pas une image")
    _give(page, (SAMPLES / "chat.png").read_bytes()[:200], "ou elle est tronquée")
    _give(page, _picture((20_000, 20_000), "1"), "démesurée (20000 × 20000 pixels)")
    name_a_sample(page)


@pytest.mark.slow
def test_a_hundred_megapixels_are_too_many_eighty_are_not(page, address):
    page.goto(f"{address}/nommer.html")
    _give(page, _picture((10_000, 10_000), "L", format="JPEG"), "démesurée")
    _give(page, _picture((9_000, 9_000), "L", format="JPEG"), "Prédiction")


def _own(weights, report):
    return [
        {"name": name, "mimeType": "", "buffer": content}
        for name, content in (("le_mien.tflite", weights), ("le_mien.json", report))
    ]


def test_a_wrong_model_gets_one_sentence(open_page):
    page, report = open_page(), (MODELS_DIR / "ex00_learned_filters.json").read_bytes()
    weights, detector, separator = (
        (MODELS_DIR / f"{slug}.tflite").read_bytes()
        for slug in ("ex00_learned_filters", "ex17_detection", "ex20_source_separation")
    )
    unsigned = {key: value for key, value in json.loads(report).items() if key != "files"}
    bare = json.dumps(unsigned).encode()
    for files, said in (
        (_own(weights, report)[:1], "Déposez ensemble"),
        (_own(weights, b"{"), "n'est pas un compte rendu"),
        (_own(weights, b"{}"), "ne nomme pas de classes"),
        (_own(weights[:-1], report), "ne décrit pas"),
        (_own(weights[:900], bare), "est abîmé"),
        (_own(b"TFL3", bare), "n'est pas un modèle"),
        (_own(detector, bare), "ne répond pas par une classe"),
        (_own(separator, bare), "ne lit pas des octets"),
    ):
        page.set_input_files("#fichier", files)
        wait_for(page, said)
    name_a_sample(page)


def test_a_head_answers_on_its_base(page, address, built):
    folder, base, _ = built
    weights, report = (
        folder / "models" / f"{heads.SLUG}{suffix}" for suffix in (".tflite", ".json")
    )
    other = {"name": base.name, "mimeType": "", "buffer": weights.read_bytes()}
    blue = other | {"name": "a.png", "buffer": _picture((90, 30), "RGB", (20, 20, 200))}
    wide = other | {"buffer": (MODELS_DIR / "thumbnails.tflite").read_bytes()}
    own = [
        {"name": path.name, "mimeType": "", "buffer": path.read_bytes()}
        for path in (weights, report, base)
    ]
    page.goto(f"{address}/nommer.html")
    for files, said in (
        (own[:2], f"déposez avec lui sa base, {base.name}"),
        (own[:2], heads.REMEDY),
        (own[1:], f"Avec {base.name}, déposez"),
        ([*own[:2], other], "ne lit pas des octets"),
        ([*own[:2], wide], "ne se pose pas sur"),
        (own, "Modèle chargé"),
        ([blue], "Prédiction: Bleu."),
    ):
        page.set_input_files("#fichier", files)
        wait_for(page, said)


def test_a_model_of_another_size_answers(page, address):
    page.goto(f"{address}/nommer.html")
    files = [MODELS_DIR / f"photos{suffix}" for suffix in (".tflite", ".json")]
    page.set_input_files("#fichier", files)
    wait_for(page, "Modèle chargé")
    page.set_input_files("#fichier", SAMPLES / "chat.png")
    wait_for(page, "Prédiction: Chat.")


@pytest.mark.slow
def test_a_slow_download_shows_how_far_it_is(page, address):
    page.goto(f"{address}/nommer.html")
    link = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 100, "downloadThroughput": 2e6, "uploadThroughput": 2e6}
    link.send("Network.emulateNetworkConditions", slow)
    page.set_input_files("#fichier", SAMPLES / "avion.png")
    wait_for(page, "Téléchargement du réseau")
    done = "document.querySelector('#nommer progress').value"
    page.wait_for_function(f"{done} > 0.2 && {done} < 0.9")
    wait_for(page, "Préparation du réseau")
    assert page.locator("#nommer progress:not([value])").is_visible()
    wait_for(page, "Prédiction: Avion.")
