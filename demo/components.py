"""Les éléments de la page que Gradio n'a pas : grilles, papier à dessin, vignettes, dépôt.

Ce sont des `gr.HTML` dont le script est dans `static/`. Leur valeur est un texte, que Python
relit avec les fonctions des exercices.
"""

from collections.abc import Sequence
from pathlib import Path

import gradio as gr
from gradio import component_meta
from gradio.data_classes import ImageData

from demo import html

# Gradio écrit un fichier .pyi à côté de toute classe dérivée des siennes : pas ici.
component_meta.create_or_modify_pyi = lambda *_: None

STATIC = Path(__file__).parent / "static"


def script(name: str) -> str:
    """Rend le contenu d'un fichier de `static/`."""
    return (STATIC / name).read_text(encoding="utf-8")


class NumberGrid(gr.HTML):
    """Une grille de nombres à remplir ; valeur : `"1 0 2/0 1 3"`, comme `grids.read_grid`.

    Args:
        value: grille de départ.
        label: son nom, dit avec chaque case.
    """

    def __init__(self, value: str, *, label: str, elem_id: str):
        super().__init__(
            value,
            label=label,
            elem_id=elem_id,
            js_on_load=script("number_grid.js"),
            apply_default_css=False,
            html_template=(
                '<fieldset class="saisie"><legend>${label}</legend><table class="nombres"></table>'
                '<p class="taille"></p></fieldset>'
            ),
        )


class CellGrid(gr.HTML):
    """Des cases à noircir ; valeur : des lignes de `#` et de `.`, comme `x_or_o.X`.

    Args:
        value: dessin de départ.
        label: son nom, dit avec chaque case.
    """

    def __init__(self, value: str, *, label: str, elem_id: str):
        super().__init__(
            value,
            label=label,
            elem_id=elem_id,
            js_on_load=script("cell_grid.js"),
            apply_default_css=False,
            html_template=(
                '<fieldset class="saisie"><legend>${label}</legend>'
                '<div class="cases" role="grid" aria-label="${label}"></div></fieldset>'
            ),
        )


class DigitPaper(gr.HTML):
    """Une feuille où écrire un chiffre ; valeur : une image PNG en `data:`, ou un texte vide.

    Args:
        value: dessin de départ.
        label: son nom.
    """

    def __init__(self, value: str, *, label: str, elem_id: str):
        super().__init__(
            value,
            label=label,
            elem_id=elem_id,
            js_on_load=script("digit_paper.js"),
            apply_default_css=False,
            html_template=(
                '<fieldset class="saisie"><legend>${label}</legend>'
                '<canvas class="feuille" width="280" height="280" tabindex="0" role="img" '
                'aria-label="${label}. Flèches : déplacer le crayon ; espace : le poser ou le '
                'lever ; Échap : effacer."></canvas>'
                '<p class="crayon" aria-live="polite"></p></fieldset>'
            ),
        )


class Thumbnails(gr.HTML):
    """Des vignettes à cliquer ; valeur : le nom de la dernière choisie.

    Args:
        pictures: `(nom, adresse data: de la vignette)`.
        label: leur nom à toutes.
    """

    def __init__(self, pictures: Sequence[tuple[str, str]], *, label: str, elem_id: str):
        buttons = "".join(
            f'<button type="button" data-name="{html.escape(name)}" '
            f'aria-label="{html.escape(name)}"><img alt="" src="{url}">'
            f"<span>{html.escape(name)}</span></button>"
            for name, url in pictures
        )
        super().__init__(
            "",
            label=label,
            elem_id=elem_id,
            js_on_load=script("thumbnails.js"),
            apply_default_css=False,
            html_template=(
                '<fieldset class="saisie"><legend>${label}</legend>'
                f'<div class="vignettes">{buttons}</div></fieldset>'
            ),
        )


class Drop(gr.Image):
    """Le dépôt d'une image : un fichier tel quel à l'aller, un aperçu dans la page au retour.

    `gr.Image` décode l'image avant de la donner, et dit en anglais ce qu'il ne sait pas lire.
    """

    def get_block_name(self) -> str:
        """Dit à la page que c'est une image."""
        return "image"

    def preprocess(self, payload: ImageData | None) -> ImageData | None:
        """Rend le fichier déposé (`path`, `orig_name`), sans le lire."""
        return payload

    def postprocess(self, value: str | None) -> ImageData | None:
        """Montre une adresse `data:`."""
        return ImageData(url=value, path=None) if value else None


class Steps(gr.Slider):
    """Un curseur dont la case accepte tout : c'est Python qui refuse, en français."""

    def get_block_name(self) -> str:
        """Dit à la page que c'est un curseur."""
        return "slider"

    def preprocess(self, payload: float | None) -> float | None:
        """Rend ce que la page envoie, tel quel."""
        return payload
