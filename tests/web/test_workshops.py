"""Les pages où l'on essaie, dans un vrai navigateur ; voir conftest.py."""

import io
import re

import pytest
from PIL import Image, ImageDraw

from convnets.core.paths import MODELS_DIR


@pytest.mark.parametrize("name", ["chiffre", "graphes", "attention", "sources"])
def test_a_page_opened_from_a_folder_says_why_it_is_empty(chromium, site, name):
    page = chromium.new_page()
    page.goto((site / f"{name}.html").as_uri())
    assert "python -m web" in page.inner_text(f"#{name}")
    page.close()


def _picture(*points):
    """Une photo claire où un trait sombre relie des points, pour `set_input_files`."""
    image, file = Image.new("RGB", (900, 700), (215, 210, 200)), io.BytesIO()
    if points:
        ImageDraw.Draw(image).line(points, (40, 40, 60), 18, joint="curve")
    image.save(file, "PNG")
    return {"name": "a.png", "mimeType": "image/png", "buffer": file.getvalue()}


SEVEN = _picture((620, 90), (760, 90), (680, 300))


def test_one_s_own_digit_model_reads_a_picture(page, address):
    page.goto(f"{address}/nommer.html")
    files = [MODELS_DIR / f"digits{suffix}" for suffix in (".tflite", ".json")]
    page.set_input_files("#fichier", files)
    page.get_by_text("Modèle chargé").wait_for()
    page.set_input_files("#fichier", SEVEN)
    page.get_by_text("Prédiction: 7.").wait_for()
    page.set_input_files("#fichier", _picture())
    page.get_by_text("Aucun chiffre visible, rien ne se détache du fond").wait_for()


def test_the_digit_of_a_picture_is_read_like_a_drawing(page, address):
    page.goto(f"{address}/chiffre.html")
    page.set_input_files("#image", SEVEN)
    page.locator("#chiffre > [role=status]:has-text('LeNet : 7')").wait_for()
    page.set_input_files("#image", {"name": "a.png", "mimeType": "", "buffer": b"non"})
    page.locator("#chiffre > [role=status]:has-text('pas une image')").wait_for()
    page.set_input_files("#image", _picture())
    page.locator("#chiffre > [role=status]:has-text('Aucun chiffre visible')").wait_for()
    page.get_by_role("button", name="Un 2").click()
    page.locator("#chiffre > [role=status]:has-text('LeNet : 2')").wait_for()


def test_a_digit_is_drawn_from_the_keyboard_and_moved(page, address):
    page.goto(f"{address}/chiffre.html")
    said = page.locator("#chiffre > [role=status]")
    page.locator("#chiffre .decalages").nth(2).wait_for()
    assert said.inner_text() == "LeNet : 4 ; Réseau dense : 4 ; LeNet, recette moderne : 4."
    page.focus("#droite")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('#chiffre output').textContent === '4 px'")
    page.locator("#chiffre > [role=status]:has-text('Réseau dense : 2')").wait_for()
    assert said.inner_text().startswith("LeNet : 4")
    page.get_by_text("Remettre en place").click()
    page.focus("#chiffre canvas.feuille")
    page.keyboard.press("Escape")
    assert said.inner_text().startswith("Dessinez un chiffre")
    page.keyboard.press("Space")
    for _ in range(12):
        page.keyboard.press("ArrowDown")
    page.locator("#chiffre > [role=status]:has-text('LeNet : 1')").wait_for()


def test_a_moved_digit_is_seen_by_a_global_maximum(page, address):
    page.goto(f"{address}/chiffre.html")
    page.select_option("#reseaux", "position")
    page.locator("#chiffre figcaption:has-text('maximum global : 32 nombres')").wait_for()
    captions = page.locator("#chiffre .decalages caption")
    captions.nth(1).wait_for()
    page.wait_for_function("document.querySelectorAll('#chiffre .decalages').length === 2")
    cnn, dense = (
        float(re.search(r"4 pour ([\d,]+) %", text)[1].replace(",", "."))
        for text in captions.all_inner_texts()
    )
    assert cnn > 70 > 40 > dense  # le premier ne perd rien à déplacer le chiffre, ou presque


def test_messages_are_passed_by_hand_until_each_node_has_its_answer(page, address):
    page.goto(f"{address}/graphes.html")
    page.get_by_role("button", name="Membre 4 :").click()
    said = page.locator("#graphes [role=status]")
    assert said.inner_text() == "Membre 4 : (3 × 1,00 + 2 × 0,00 + 3 × 0,00) / 8 = 0,38"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert said.inner_text().startswith("Membre 5 : (3 × 1,00")
    page.get_by_text("Dix passages").click()
    page.get_by_text("34 membres sur 34 ont une réponse, 33 la bonne").wait_for()
    page.select_option("#graphe", index=1)
    for _ in range(25):
        page.get_by_text("Nœud suivant").click()
    page.get_by_text("égale à sa convolution").wait_for()


def test_arcs_of_a_garment_are_cut_and_put_back(page, address):
    page.goto(f"{address}/graphes.html")
    page.select_option("#graphe", "vetement")
    answer, told = (page.locator("#graphes [role=status]").nth(rank) for rank in (0, 1))
    whole = answer.inner_text()
    assert whole.startswith("Réponse : Bottine") and "Son étiquette : Bottine." in whole
    page.get_by_role("button", name="Carré ligne 3, colonne 2", exact=True).click()
    page.keyboard.press("ArrowRight")
    assert "le carré ligne 3, colonne 3 entend 8 voisins" in told.inner_text()
    assert page.locator("#graphes line").count() == 8
    page.get_by_text("Couper ses arcs").click()
    cut = answer.inner_text()
    assert cut.startswith("Arcs coupés : 16 sur 312. Réponse : Bottine")
    shares = [re.search(r"Bottine ([\d,]+) %", text)[1] for text in (whole, cut)]
    assert shares[0] != shares[1] and f"avec tous les arcs, Bottine {shares[0]} %" in cut
    assert "n'entend que lui-même" in told.inner_text()
    page.focus("#graphes .morceaux [aria-pressed=true]")
    page.keyboard.press("Enter")
    assert answer.inner_text() == whole
    page.get_by_text("Couper tous les arcs").click()
    assert answer.inner_text().startswith("Arcs coupés : 312 sur 312. Réponse : Sac")
    page.get_by_text("Les remettre tous").click()
    page.get_by_role("button", name="Passage 2").click()
    assert told.inner_text().startswith("Passage 2 : le carré ligne 3, colonne 3 entend 8")


def test_a_patch_says_where_it_looks(page, address):
    page.goto(f"{address}/attention.html")
    answer, told = (page.locator("#attention [role=status]").nth(rank) for rank in (0, 1))
    page.locator("#attention .cartes canvas").nth(12).wait_for()
    assert "Son étiquette : Bottine." in answer.inner_text()
    assert "le jeton de classe regarde surtout" in told.inner_text()
    page.focus("#attention .morceaux button")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert "le morceau ligne 2, colonne 2 regarde surtout" in told.inner_text()
    page.get_by_text("Mélanger les morceaux").click()
    assert "morceaux mélangés" in answer.inner_text()
    page.set_input_files("#vetement", {"name": "a.png", "mimeType": "", "buffer": b"non"})
    page.locator('#attention [role=status]:has-text("n\'est pas une image")').wait_for()


def test_two_sources_are_heard_and_the_mask_is_painted(page, address):
    page.goto(f"{address}/sources.html")
    said, told = (page.locator("#sources [role=status]").nth(rank) for rank in (0, 1))
    page.locator("#sources [role=status]:has-text('Masque du réseau. Gain')").wait_for()
    gains = re.findall(r"([\d,−]+) dB", said.inner_text())
    assert all(float(gain.replace(",", ".")) > 5 for gain in gains) and len(gains) == 2
    page.get_by_text("Écouter la mélodie séparée").click()
    page.get_by_text("On entend la mélodie séparée.").wait_for()
    page.select_option("#masque", "cut")
    assert said.inner_text().startswith("Au-dessous de 1500 Hz")
    page.focus("#sources canvas[tabindex]")
    page.keyboard.press("Space")
    assert said.inner_text().startswith("Votre masque. Gain")
    assert told.inner_text().startswith("Pinceau posé")
    page.set_input_files("#son", {"name": "a.wav", "mimeType": "", "buffer": b"non"})
    page.locator('#sources [role=status]:has-text("n\'est pas un son")').wait_for()
