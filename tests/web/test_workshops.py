"""Les pages où l'on essaie, dans un vrai navigateur : chacune s'ouvre et répond."""

import base64
import json
import re
import subprocess
import zipfile

import pytest

from convnets.core.images import crop_resize_image, open_image
from convnets.core.paths import MODELS_DIR
from web import sources

MAX_GAP = 0.01  # écart de probabilité que l'on admet, entre une page et `./predict`
SAMPLES = MODELS_DIR.parent / "samples"


def click(page, name):
    page.get_by_role("button", name=name).first.click()


# Ce qu'on fait dans chaque atelier, et ce qu'il répond alors.
WORKSHOPS = {
    "apprendre": (
        lambda page: (
            click(page, "Prendre trois sortes"),
            click(page, "Apprendre"),
            wait_for(page, "#apprendre", " sur 30 : perte"),  # une époque peut passer sans être vue
            page.locator("#apprendre canvas").first.drag_to(
                page.locator("#apprendre canvas").first,
                source_position={"x": 50, "y": 80},
                target_position={"x": 180, "y": 150},
            ),
            click(page, "Entrer dans le réseau"),
            click(page, "Entrer par la case la plus forte"),
        ),
        "#apprendre .dedans",
        "Convolution 1, carte",
    ),
    "attention": (
        lambda page: page.keyboard.press("Tab"),
        "#attention",
        "le jeton de classe regarde surtout",
    ),
    "boites": (
        lambda page: page.locator("#boites .vignette").first.click(),
        "#boites",
        "doublons ôtés",
    ),
    "chiffre": (lambda page: click(page, "Un 2"), "#chiffre", "LeNet : 2"),
    "convolution": (
        lambda page: page.get_by_text("Fenêtre suivante").click(),
        "#convolution",
        "Fenêtre 2 sur 9 : ",
    ),
    "ecrire": (lambda page: None, "#ecrire", "Cette page demande un serveur"),
    "graphes": (
        lambda page: click(page, "Membre 4 :"),
        "#graphes",
        "Membre 4 : (3 × 1,00 + 2 × 0,00 + 3 × 0,00) / 8 = 0,38",
    ),
    "masques": (
        lambda page: page.locator("#masques .vignette").first.click(),
        "#masques",
        "IoU moyenne des vêtements",
    ),
    "noyaux": (
        lambda page: page.select_option("#connu", "moyenne (exercice 01)"),
        "#noyaux",
        "Somme des poids : 1,00. Sortie : 320 × 240",
    ),
    "nommer": (
        lambda page: page.set_input_files("#fichier", SAMPLES / "avion.png"),
        "#nommer",
        "Prédiction : Avion.",
    ),
    "reseau": (
        lambda page: page.select_option("#modele", "Fashion-MNIST, architecture imposée (S1)"),
        "#reseau",
        "93 322 paramètres",
    ),
    "transfert": (
        lambda page: (
            page.set_input_files("#images-0", [SAMPLES / "chat.png", SAMPLES / "chien.webp"]),
            wait_for(page, "#transfert", "« seconde sorte » en a 0."),
            page.set_input_files("#images-1", [SAMPLES / "avion.png", SAMPLES / "voiture.jpg"]),
            wait_for(page, "#transfert", "Vous pouvez apprendre"),
            click(page, "Apprendre"),
            wait_for(page, "#transfert", "Appris de 4 images"),
            page.set_input_files("#image", SAMPLES / "avion.png"),  # une de celles qu'il a apprises
        ),
        "#transfert",
        "C'est : seconde sorte.",
    ),
    "sources": (
        lambda page: page.get_by_text("Écouter la mélodie séparée").click(),
        "#sources",
        "On entend la mélodie séparée.",
    ),
    "x_ou_o": (
        lambda page: page.get_by_role("button", name="O", exact=True).click(),
        "#lettre",
        "Réponse : O.",
    ),
}


def wait_for(page, place, text):
    spaces = "replace(/[\\u00a0\\u202f]/g, ' ').replace(/’/g, \"'\")"
    page.wait_for_function(
        f"([place, text]) => document.querySelector(place)?.textContent.{spaces}.includes(text)",
        arg=[place, text],
    )


def test_each_workshop_has_its_test():
    assert sorted(WORKSHOPS) == sorted(path.stem for path in sources.WORKSHOPS.glob("*.md"))


@pytest.mark.parametrize("name", WORKSHOPS)
def test_it_opens_and_answers(page, site, name):
    """Depuis un dossier, qui permet moins qu'un serveur ; servis, ils le sont ailleurs."""
    act, place, answer = WORKSHOPS[name]
    page.goto(f"{site.as_uri()}/{name}.html")
    act(page)
    wait_for(page, place, answer)
    ours = (site.as_uri(), "data:", "blob:")
    assert [url for url in page.requests if not url.startswith(ours)] == []


def test_two_sources_are_told_apart(page, address):
    page.goto(f"{address}/sources.html")
    said = page.locator("#sources [role=status]:has-text('Masque du réseau. Gain')")
    said.wait_for()
    gains = re.findall(r"([\d,−]+)\sdB", said.inner_text())
    assert len(gains) == 2 and all(float(gain.replace(",", ".")) > 3 for gain in gains)


def test_one_s_own_model_answers(page, address):
    page.goto(f"{address}/nommer.html")
    files = [MODELS_DIR / f"garments{suffix}" for suffix in (".tflite", ".json")]
    page.set_input_files("#fichier", files[:1])
    wait_for(page, "#nommer", "Déposez ensemble")
    page.set_input_files("#fichier", MODELS_DIR / "garments.keras")
    wait_for(page, "#nommer", "garments.keras ne se lit pas ici")
    page.set_input_files("#fichier", files)
    wait_for(page, "#nommer", "Modèle chargé")
    page.set_input_files("#fichier", SAMPLES / "chat.png")
    wait_for(page, "#nommer", "Prédiction : Sac")
    click(page, "Entrer dans le réseau")
    click(page, "Entrer par la case la plus forte")
    wait_for(page, "#nommer .dedans", "1. convolution 5 × 5, carte")
    (total,) = re.findall(r": ([\d,]+)\. Ce réseau compte", page.inner_text("#nommer .dedans .dit"))
    assert float(total.replace(",", ".")) > 0  # la case la plus forte


def test_a_picture_that_cannot_be_read_gets_a_sentence(page, address):
    page.goto(f"{address}/nommer.html")
    cut = (SAMPLES / "chat.png").read_bytes()[:200]
    cases = (
        (b"", "est vide"),
        (b"non", "n'est pas une image"),
        (cut, "tronquée"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "un dessin SVG"),
        (b"\0\0\0\x18ftypheic", "une photo HEIC, qui ne se lit pas"),
    )
    for content, said in cases:
        page.set_input_files("#fichier", {"name": "a.png", "mimeType": "", "buffer": content})
        wait_for(page, "#nommer", said)


def test_a_picture_is_pasted(page, address):
    page.goto(f"{address}/nommer.html")
    page.evaluate(
        "(content) => {"
        " const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));"
        " const clipboardData = new DataTransfer();"
        " clipboardData.items.add(new File([bytes], 'a.png', {type: 'image/png'}));"
        " document.dispatchEvent(new ClipboardEvent('paste', {clipboardData})); }",
        base64.b64encode((SAMPLES / "avion.png").read_bytes()).decode(),
    )
    wait_for(page, "#nommer", "Prédiction : Avion.")


def test_the_camera_names_what_it_sees(chromium, address):
    context = chromium.new_context(permissions=["camera"])
    page = context.new_page()
    page.goto(f"{address}/nommer.html")
    click(page, "Appareil photo")
    page.wait_for_function("document.querySelector('#nommer video')?.videoWidth > 0")
    click(page, "Prendre la photo")
    wait_for(page, "#nommer", "Prédiction : ")
    context.close()


def test_a_browser_without_webassembly_is_told_so(chromium, address):
    context = chromium.new_context()
    page = context.new_page()
    page.add_init_script("delete globalThis.WebAssembly;")
    page.goto(f"{address}/nommer.html")
    page.set_input_files("#fichier", SAMPLES / "avion.png")
    wait_for(page, "#nommer", "n'a pas WebAssembly")
    context.close()


def test_fractions_are_read_and_kept_by_the_address(page, address):
    page.goto(f"{address}/convolution.html")
    page.fill("#noyau", "1/9 0,0625 −1\n0 1/2 0")
    wait_for(page, "#convolution", "1 × 0,1111 + 1 × 0,0625 + 1 × (−1)")
    page.reload()
    wait_for(page, "#convolution", "1 × 0,1111 + 1 × 0,0625 + 1 × (−1)")
    page.fill("#noyau", "1/")
    wait_for(page, "#convolution", "« 1/ » n'est pas un nombre")


def test_what_decided_can_be_stopped_and_is_painted(page, address, tmp_path):
    page.goto(f"{address}/nommer.html")
    page.set_input_files("#fichier", SAMPLES / "chien.webp")
    page.get_by_role("button", name="ce qui a décidé").dblclick()
    click(page, "Arrêter")
    wait_for(page, "#nommer", "Arrêté.")
    painted = page.locator("#nommer figcaption:has-text('points perdus')")
    assert not painted.count()
    small = tmp_path / "chien.png"  # une vignette, dont le réseau est bien plus rapide
    crop_resize_image(open_image(SAMPLES / "chien.webp"), 32).save(small)
    page.set_input_files("#fichier", small)
    click(page, "ce qui a décidé")
    painted.wait_for()


NUMBER = r"(−?\d+(?:,\d+)?)"


def value_of(text):
    return float(text.replace("−", "-").replace(",", "."))


def written(value, like):
    """Écrit un nombre avec autant de décimales qu'un autre."""
    return f"{value:.{len(like.partition(',')[2])}f}".replace("-", "−").replace(".", ",")


def redo(inside):
    """Refait le calcul d'une case avec les nombres montrés : rend son total, et celui qu'on lit."""
    total = 0
    for table in inside.locator("table.cases").all():
        shown = table.inner_text().replace("\u202f", "").replace("\u00a0", " ")
        said = re.search(f"\\s:\\s{NUMBER}", shown)[1]
        products = re.findall(f"{NUMBER} × {NUMBER}", shown)
        found = sum(value_of(value) * value_of(weight) for value, weight in products)
        assert written(found, said) == said
        total += value_of(said)
    text = re.sub(r"\s", " ", inside.inner_text().replace("\u202f", ""))
    if others := re.search(f"qui pèsent moins : {NUMBER} en tout", text):
        total += value_of(others[1])
    products, bias, said = re.search(
        f"Somme des produits .*?, {NUMBER}, plus le biais, {NUMBER} : {NUMBER}", text
    ).groups()
    assert written(total, products) == products
    return written(total + value_of(bias), said), said


@pytest.mark.parametrize(
    ("name", "example", "opening", "num_layers"),
    [
        ("chiffre", "7", lambda page: None, 3),
        (
            "nommer",
            "chien.webp",
            lambda page: (
                click(page, "Entrer dans le réseau"),
                page.select_option("#couche", "34"),  # des branches, mises bout à bout
            ),
            8,
        ),
    ],
)
def test_one_walks_from_a_map_back_to_the_pixels(page, address, name, example, opening, num_layers):
    page.goto(f"{address}/{name}.html?exemple={example}")
    opening(page)
    click(page, "Entrer par la case la plus forte")
    inside = page.locator(f"#{name} .dedans")
    for _ in range(num_layers):
        if "Somme des produits" in inside.inner_text():
            found, said = redo(inside)
            assert found == said
        inside.locator("button.lien").last.click()
    while inside.locator("button.lien").count():
        inside.locator("button.lien").last.click()
    wait_for(page, f"#{name} .dedans", "Somme des produits de l'image")


def test_a_whole_network_is_seen_at_once_and_walked(page, address):
    page.goto(f"{address}/nommer.html?exemple=chien.webp")
    click(page, "Entrer dans le réseau")
    whole = page.locator("#nommer .reseau-entier")
    whole.locator("canvas").nth(96).wait_for()  # votre image, et 96 couches
    assert whole.locator("button").count() == 96 and "Chien" in whole.inner_text()
    thirtieth = whole.get_by_role("button", name=re.compile("^30. convolution 5 × 5"))
    thirtieth.locator("canvas").click(position={"x": 20, "y": 20})  # sa première carte
    wait_for(page, "#nommer .dedans", "30. convolution 5 × 5, carte")
    assert page.locator("#couche").input_value() == "30"
    read = whole.locator("button.lue").all()
    assert [each.get_attribute("aria-label").partition(".")[0] for each in read] == ["29"]
    thirtieth.press("ArrowRight")
    focused = page.evaluate("document.activeElement.ariaLabel")
    assert focused.startswith("31. ") and page.locator("#couche").input_value() == "31"


@pytest.mark.parametrize("is_served", [True, False], ids=["served", "folder"])
def test_a_workshop_is_shown_alone_in_a_frame_of_its_height(page, address, site, is_served):
    start = address if is_served else site.as_uri()
    around = (
        ".mobile-header, .sidebar-drawer, .toc-drawer, footer, article section > p:not([class])"
    )
    for name in ("nommer", "noyaux"):
        page.goto(f"{start}/{name}.html?seul")
        assert page.locator(".atelier").bounding_box()["y"] < 5, name
        assert page.locator(f":is({around}):visible").count() == 0, name
    page.goto(f"{start}/index.html")
    page.evaluate("document.body.innerHTML = '<iframe src=\"noyaux.html?seul\"></iframe>'")
    page.add_script_tag(url=f"{start}/_static/ateliers/frames.js")
    page.frame_locator("iframe").get_by_text("Somme des poids").wait_for()
    page.wait_for_function("document.querySelector('iframe').style.height")
    inside = page.frames[-1].evaluate("document.scrollingElement.scrollHeight")
    assert abs(page.locator("iframe").bounding_box()["height"] - inside) < 2


def test_a_learning_stopped_and_begun_again_is_alone(page, address):
    page.goto(f"{address}/apprendre.html?exemple=chaussures")
    wait_for(page, "#apprendre", "apprenez-les")
    click(page, "Apprendre")
    wait_for(page, "#apprendre", " sur 30 : perte")
    said = page.evaluate(  # dans la même tâche : le premier n'a pas le temps de voir qu'il s'arrête
        "() => { for (const _ of [1, 2]) [...document.querySelectorAll('#apprendre button')]"
        ".find((each) => /^(Apprendre|Arrêter)$/.test(each.textContent)).click();"
        "return document.querySelector('#apprendre [role=status].dit').textContent; }"
    )
    done = int(re.search(r"(\d+)\ssur", said)[1])
    before = page.inner_text("#apprendre [role=status].dit")
    last = int(re.search(r"sur (\d+)", page.evaluate(EPOCH_AFTER, before))[1])
    assert last == done + 30
    page.get_by_role("button", name="Ôter").nth(1).click()  # la sorte du milieu
    page.wait_for_timeout(300)
    assert page.inner_text("#apprendre").count("Époque") == 1  # la dernière, et aucune courbe
    assert not page.locator("#apprendre .courbes").count()


EPOCH_AFTER = """(before) => new Promise((resolve) => {
  const said = document.querySelector("#apprendre [role=status].dit");
  new MutationObserver(() => said.textContent !== before && resolve(said.textContent))
    .observe(said, {childList: true});
})"""


@pytest.mark.parametrize(("name", "button"), [("noyaux", "Caméra"), ("nommer", "Appareil photo")])
def test_a_camera_is_opened_once_and_turned_off_by_another_picture(chromium, address, name, button):
    context = chromium.new_context(permissions=["camera"])
    page = context.new_page()
    page.add_init_script(
        "const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);"
        "globalThis.tracks = [];"
        "navigator.mediaDevices.getUserMedia = async (wanted) => {"
        " const stream = await open(wanted); tracks.push(...stream.getTracks()); return stream; };"
    )
    lit = "tracks.filter(({readyState}) => readyState === 'live').length"
    page.goto(f"{address}/{name}.html")
    page.get_by_role("button", name=button).first.evaluate(
        "(button) => { for (const _ of [1, 2, 3]) button.click(); }"
    )
    page.wait_for_function(f"{lit} > 0")
    page.wait_for_timeout(500)
    assert page.evaluate(lit) == 1
    page.set_input_files("#fichier", SAMPLES / "avion.png")
    page.wait_for_function(f"{lit} === 0")
    context.close()


def test_drawings_are_still_there_after_a_reload(page, address):
    page.goto(f"{address}/apprendre.html")
    sheet = page.locator("#apprendre canvas").first
    for _ in range(2):
        sheet.drag_to(
            sheet, source_position={"x": 50, "y": 80}, target_position={"x": 180, "y": 150}
        )
        click(page, re.compile("C.est.: croix"))
    page.reload()
    wait_for(page, "#apprendre", "Repris : rond (0), croix (2), trait (0).")
    assert page.locator("#apprendre .sorte:has-text('2 dessins') canvas").count() == 1


def test_one_epoch_at_a_time_and_a_rate_too_large(page, address):
    page.goto(f"{address}/apprendre.html?exemple=chaussures")
    page.locator("#apprendre .sorte canvas").first.wait_for()
    for count in (1, 2):
        click(page, "Une époque")
        wait_for(page, "#apprendre", f"Époque {count} sur {count} : perte")
    table = page.locator("#apprendre .confiance tbody")
    before = table.inner_text()
    assert page.locator("#apprendre .confiance tbody tr").count() == 3
    page.select_option("#taux", "0.1")
    click(page, "Une époque")
    wait_for(page, "#apprendre", "Époque 3 sur 3 : perte")
    assert table.inner_text() != before


def take(page, name, folder):
    """Décompresse ce qu'une page donne à `./predict`, et rend le dossier du réseau."""
    with page.expect_download() as given:
        click(page, "Donner à ./predict")
    given.value.save_as(folder / f"{name}.zip")
    with zipfile.ZipFile(folder / f"{name}.zip") as archive:
        archive.extractall(folder)
    return folder / name


def predict(model, pictures):
    """Rend ce que `./predict` répond de chaque image : probabilité de chaque classe, par nom."""
    command = ["./predict", "--model", model, "--json", "--top", "9", *pictures]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=MODELS_DIR.parent)
    assert not done.returncode, done.stderr
    tops = [json.loads(line)["top"] for line in done.stdout.splitlines()]
    return [{each["class"]: each["probability"] for each in top} for top in tops]


def answered(page, place):
    """Rend ce que la page répond : probabilité de chaque classe, par nom."""
    rows = page.locator(f"{place} .reponse tr").all()
    cells = [row.inner_text().replace("\u00a0", " ").replace("\u202f", " ") for row in rows]
    found = [re.match(r"\s*(.+?)\s+([\d,]+) %", cell).groups() for cell in cells]
    return {name: float(share.replace(",", ".")) / 100 for name, share in found}


def is_same(found, expected):
    return found.keys() == expected.keys() and all(
        abs(found[name] - expected[name]) < MAX_GAP for name in found
    )


STROKES = {  # des signes tracés d'un trait, en pixels de la feuille
    "rond": [(128, 50), (70, 90), (70, 160), (128, 200), (186, 160), (186, 90), (128, 50)],
    "croix": [(70, 60), (190, 190), (130, 125), (190, 60), (70, 190)],
    "trait": [(60, 128), (200, 128)],
}


def draw_sign(page, name, shift):
    """Trace un signe sur la feuille, à la souris, un peu déplacé."""
    box = page.locator("#apprendre canvas.feuille").bounding_box()
    points = [(box["x"] + x + shift, box["y"] + y - shift) for x, y in STROKES[name]]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=4)
    page.mouse.up()


def test_what_was_learnt_in_the_page_answers_in_the_shell(page, address, tmp_path):
    page.goto(f"{address}/apprendre.html")
    for shift in (-12, 0, 12):
        for name in STROKES:
            draw_sign(page, name, shift)
            click(page, re.compile(f"C.est.: {name}"))
    click(page, "Donner à ./predict")
    wait_for(page, "#apprendre", "Apprenez d'abord")
    click(page, "Apprendre")
    wait_for(page, "#apprendre", "Époque 30 sur 30 : perte")
    model = take(page, "signes", tmp_path)
    named = []
    for name in STROKES:
        click(page, "Effacer la feuille")
        draw_sign(page, name, 6)
        wait_for(page, "#apprendre .reponse", f"C'est : {name}.")
        drawn = page.locator("#apprendre canvas.feuille").evaluate("(paper) => paper.toDataURL()")
        picture = tmp_path / f"{name}.png"
        picture.write_bytes(base64.b64decode(drawn.partition(",")[2]))
        named.append(answered(page, "#apprendre"))
    expected = predict(model, [tmp_path / f"{name}.png" for name in STROKES])
    assert all(map(is_same, named, expected))
    page.goto(f"{address}/nommer.html")  # où il répond aussi
    page.set_input_files("#fichier", [model / "signes.tflite", model / "signes.json"])
    wait_for(page, "#nommer", "Modèle chargé")
    page.set_input_files("#fichier", tmp_path / "croix.png")
    wait_for(page, "#nommer", "Prédiction : croix")
    click(page, "Entrer dans le réseau")
    click(page, "Entrer par la case la plus forte")
    for name in ("La case à gauche", "La case au-dessus"):
        for _ in range(14):
            click(page, name)
    wait_for(page, "#nommer .dedans", "ligne 1, colonne 1")  # sa fenêtre déborde de deux
    wait_for(page, "#nommer .dedans", "ce dont cette case dépend : 3 × 3 pixels")


def test_one_s_own_pictures_are_learnt_and_named_here_and_in_the_shell(page, address, tmp_path):
    page.goto(f"{address}/transfert.html?exemple=animaux")
    wait_for(page, "#transfert", "Vous pouvez apprendre")
    click(page, "Apprendre")
    wait_for(page, "#transfert", "Appris de 7 images")
    model = take(page, "mes_images", tmp_path)
    named = []
    names = {"chevaux.webp": "animal", "chat.png": "animal", "pont.png": ""}
    for name, kind in names.items():
        page.evaluate("document.querySelector('#transfert .reponse').replaceChildren()")
        page.set_input_files("#image", SAMPLES / name)
        wait_for(page, "#transfert .reponse", f"C'est : {kind}")
        named.append(answered(page, "#transfert"))
    assert all(map(is_same, named, predict(model, [SAMPLES / name for name in names])))


def test_the_camera_teaches_and_is_named_live(chromium, address):
    context = chromium.new_context(permissions=["camera"])
    page = context.new_page()
    page.goto(f"{address}/transfert.html")
    click(page, "Allumer")
    page.wait_for_function("document.querySelector('#transfert video')?.videoWidth > 0")
    click(page, "Prendre 10 vues")
    wait_for(page, "#transfert", "« seconde sorte » en a 0.")
    assert page.locator("#transfert .sorte").first.locator("canvas").count() == 10
    page.set_input_files("#images-1", [SAMPLES / "chat.png", SAMPLES / "chien.webp"])
    wait_for(page, "#transfert", "Vous pouvez apprendre")
    click(page, "Apprendre")
    wait_for(page, "#transfert", "Appris de 10 images")
    wait_for(page, "#transfert", "De côté, 2 justes sur 2.")
    wait_for(page, "#transfert .reponse", "C'est : première sorte.")  # sans rien demander
    click(page, "Éteindre")
    assert not page.evaluate("document.querySelector('#transfert video').srcObject")
    context.close()
