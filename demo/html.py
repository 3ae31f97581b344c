"""Ce que les onglets montrent : grilles de nombres, barres, images, messages, en HTML.

Tout texte venu d'ailleurs passe par `html.escape`. Les images sont écrites dans la page même
(`data:`) : rien n'est rangé sur le disque pour être affiché.
"""

import base64
import io
import re
from collections.abc import Collection, Sequence
from html import escape

import numpy as np
from PIL import Image

from convnets.core.cli import percent

POSITIVE, NEGATIVE = (0x56, 0xB4, 0xE9), (0xE6, 0x9F, 0x00)  # bleu et ambre d'Okabe et Ito, 2008
LIGHTEST = 0.9  # part de couleur de la valeur la plus forte : le noir s'y lit encore
SURE = 0.5  # en dessous, une réponse a plus de chances d'être fausse que juste

Cell = tuple[int, int]


def error(message: str) -> str:
    """Rend un message d'erreur, qu'un lecteur d'écran annonce."""
    return f'<p class="erreur" role="alert">{escape(message)}</p>'


def note(message: str) -> str:
    """Rend une phrase d'explication."""
    return f'<p class="note">{escape(message)}</p>'


def warning(message: str) -> str:
    """Rend une réserve, plus visible qu'une note."""
    return f'<p class="reserve">{escape(message)}</p>'


def integer(value: int) -> str:
    """Écrit un entier à la française : `"61 706"`, en espaces insécables."""
    return f"{value:,}".replace(",", "\u202f")


def decimal(text: str) -> str:
    """Écrit les nombres d'un texte à la française : `"0,33"`."""
    return re.sub(r"(?<=\d)\.(?=\d)", ",", text)


def shade(value: float, highest: float) -> str:
    """Rend la couleur d'une case : bleue si elle est positive, ambre si elle est négative."""
    share = LIGHTEST * min(1.0, abs(value) / highest) if highest else 0.0
    strong = POSITIVE if value > 0 else NEGATIVE
    return "#" + "".join(f"{round(255 + share * (each - 255)):02x}" for each in strong)


def grid(
    values,
    texts: Sequence[Sequence[str]],
    *,
    caption: str,
    marked: Collection[Cell] = (),
    added: Collection[Cell] = (),
    clickable: bool = False,
) -> str:
    """Rend un tableau de nombres, coloré selon leur valeur.

    Args:
        values: `(h, w)`, ce qui colore les cases ; None pour une case vide.
        texts: les mêmes, écrits.
        caption: ce que c'est, au-dessus.
        marked: cases encadrées.
        added: cases de padding, en pointillés.
        clickable: chaque case devient un bouton, que la page sait suivre (`data-index`).

    Returns:
        Un élément `<figure>`.
    """
    flat = [abs(float(each)) for row in values for each in row if each is not None]
    highest = max(flat, default=0)
    rows = []
    for i, row in enumerate(texts):
        cells = []
        for j, text in enumerate(row):
            names = [
                name for name, cases in (("choisie", marked), ("ajoutee", added)) if (i, j) in cases
            ]
            value = values[i][j]
            color = f"background:{shade(float(value), highest)}" if value is not None else ""
            inside = escape(decimal(text))
            if clickable:
                where = f"ligne {i + 1}, colonne {j + 1}"
                inside = (
                    f'<button type="button" data-index="{i * len(row) + j}" tabindex="-1" '
                    f'aria-label="{where} : {inside}">{inside}</button>'
                )
            cells.append(f'<td class="{" ".join(names)}" style="{color}">{inside}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<figure class="grille"><figcaption>{escape(caption)}</figcaption>'
        f"<table><tbody>{''.join(rows)}</tbody></table></figure>"
    )


def bars(
    classes: Sequence[str], probabilities: Sequence[float], *, title: str, top: int = 10
) -> str:
    """Rend les classes les plus probables, chacune avec sa barre.

    Args:
        classes: noms, en français.
        probabilities: `(classes,)` dans [0, 1].
        title: au-dessus des barres.
        top: nombre de classes montrées.

    Returns:
        Un élément `<section>`.
    """
    order = sorted(range(len(classes)), key=lambda i: -float(probabilities[i]))[:top]
    shares = [(classes[i], float(probabilities[i])) for i in order]
    lines = [
        f'<li><span class="nom">{escape(name)}</span>'
        f'<span class="piste"><span style="width:{100 * share:.2f}%"></span></span>'
        f'<span class="part">{percent(share)}</span></li>'
        for name, share in shares
    ]
    return f'<section class="barres"><h3>{escape(title)}</h3><ul>{"".join(lines)}</ul></section>'


def data_url(image: Image.Image, *, lossy: bool = False) -> str:
    """Écrit une image Pillow dans une adresse `data:`, en PNG, ou en WebP si `lossy`."""
    content = io.BytesIO()
    kind = "webp" if lossy else "png"
    image.save(content, format=kind)
    return f"data:image/{kind};base64,{base64.b64encode(content.getvalue()).decode()}"


def picture(pixels: np.ndarray, *, caption: str) -> str:
    """Rend une petite image, agrandie sans lissage pour qu'on en voie les pixels.

    Args:
        pixels: uint8 `(h, w)` ou `(h, w, 3)`.
        caption: ce que c'est, au-dessus.

    Returns:
        Un élément `<figure>`.
    """
    url, caption = data_url(Image.fromarray(pixels)), escape(caption)
    return (
        f'<figure class="image"><figcaption>{caption}</figcaption>'
        f'<img alt="{caption}" src="{url}"></figure>'
    )


def side_by_side(*parts: str) -> str:
    """Range des éléments côte à côte, ou l'un sous l'autre quand la place manque."""
    return f'<div class="cote-a-cote">{"".join(parts)}</div>'
