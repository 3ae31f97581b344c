"""Écrire du HTML où tout texte est échappé, sauf ce que ce fichier a lui-même écrit."""

import base64
import html
import re
from pathlib import Path

STYLE = Path(__file__).with_name("pages.css")
GENERATOR = "python -m grading"  # signe nos pages : seules elles peuvent être effacées
VOID = {"img", "meta", "rect", "polyline", "line"}
# Rien ne se charge d'ailleurs et aucun script ne s'exécute, quoi que contienne la page.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
BLANKS = re.compile(r"[\t\n\r\x0b\x0c]+")
# De contrôle, moitiés de caractères, et ceux qui retournent le sens de lecture de ce qui suit.
UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


class Html(str):
    """Du HTML déjà sûr ; un `str` ordinaire est du texte, à échapper."""

    __slots__ = ()


def text(value) -> Html:
    """Échappe un texte venu de n'importe où, et remplace par « � » ce qui ne s'affiche pas."""
    if isinstance(value, Html):
        return value
    return Html(html.escape(UNSEEN.sub("\N{REPLACEMENT CHARACTER}", BLANKS.sub(" ", str(value)))))


def join(*parts) -> Html:
    """Met des morceaux bout à bout ; un `str` est échappé, None est sauté."""
    return Html("".join(text(part) for part in parts if part is not None))


def tag(name: str, /, *parts, **attributes) -> Html:
    """Écrit un élément.

    Args:
        name: `"p"`.
        parts: ce qu'il contient ; un `str` est échappé, None est sauté.
        attributes: leurs noms s'écrivent comme en HTML, `_` pour `-`, et `class_` pour `class` ; un
            attribut None est sauté.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in VOID:
        return Html(f"<{name}{given}>" if name in ("img", "meta") else f"<{name}{given}/>")
    return Html(f"<{name}{given}>{join(*parts)}</{name}>")


def table(caption: str, heads, rows, *, class_: str | None = None, wide: bool = False) -> Html:
    """Écrit un tableau : la première case de chaque ligne est son en-tête.

    Args:
        caption: ce que le tableau montre.
        heads: en-têtes des colonnes.
        rows: lignes, chacune de la taille de `heads`.
        class_: classe du tableau.
        wide: il peut être plus large qu'un téléphone, et défile alors.
    """
    body = (
        tag("tr", tag("th", first, scope="row"), *(tag("td", cell) for cell in others))
        for first, *others in rows
    )
    made = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *(tag("th", head, scope="col") for head in heads))),
        tag("tbody", *body),
        class_=class_,
    )
    if not wide:
        return made
    return tag("div", made, class_="defile", tabindex="0", role="region", aria_label=caption)


def bar(*shares: float) -> Html:
    """Dessine des parts d'un tout, de la plus foncée à la plus claire ; se lit aussi sans couleur.

    Args:
        shares: parts de [0, 1], leur somme au plus 1 ; deux au plus.
    """
    parts, left = [tag("rect", x="0.5", y="0.5", width="99", height="9", class_="cadre")], 0.5
    for share, name in zip(shares, ("plein", "clair"), strict=False):
        width = 99 * share
        parts.append(
            tag("rect", x=f"{left:.2f}", y="0.5", width=f"{width:.2f}", height="9", class_=name)
        )
        left += width
    return tag(
        "svg",
        *parts,
        class_="barre",
        viewBox="0 0 100 10",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def picture(content: bytes, description: str) -> Html:
    """Met une image PNG dans la page elle-même."""
    data = base64.b64encode(content).decode()
    return tag("img", src=Html(f"data:image/png;base64,{data}"), alt=description)


def document(title: str, *parts) -> str:
    """Fait une page entière, qui n'a besoin de rien d'autre.

    Args:
        title: titre de la fenêtre.
        parts: ce que la page contient.
    """
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="generator", content=GENERATOR),
        tag("meta", name="robots", content="noindex"),
        tag("title", title),
        tag("style", Html(STYLE.read_text(encoding="utf-8"))),
    )
    page = tag("html", head, tag("body", tag("main", *parts)), lang="fr")
    return f"<!doctype html>\n{page}\n"
