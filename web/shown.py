"""Deux notebooks, exécutés et montrés avec leurs sorties ; et leurs formules, en MathML."""

import io
import re
import tempfile
from base64 import b64decode
from pathlib import Path

from PIL import Image

from exercises import find
from exercises import notebook as course

SHOWN = ("ex01_filters", "ex07_occlusion")  # dix secondes de calcul à eux deux
ORPHAN = "---\norphan: true\n---\n\n"  # l'en-tête d'une page qui n'est pas dans le menu
EXPLAINED = (
    " : le notebook exécuté\n\nCe notebook a été exécuté à la construction du site : chaque sortie "
    "est celle de la cellule qui la précède.\n"
)
FOLDED = "<details><summary>Une cellule qui prépare la suite</summary>\n\n{}\n\n</details>"
OUTPUT = "```{{code-block}} text\n:class: sortie\n\n{}\n```"


def write_shown(folder: Path) -> None:
    """Exécute les notebooks, et écrit leurs pages et leurs figures.

    Args:
        folder: y écrire `exNN_nom_execute.md`.

    Raises:
        nbclient.exceptions.CellExecutionError: une cellule s'est arrêtée.
    """
    from nbclient import NotebookClient

    for slug in SHOWN:
        notebook = course.make_notebook(find(slug))
        with tempfile.TemporaryDirectory() as scratch:  # et non `figures/`, dans le dépôt
            place = Path(scratch).as_posix()
            for cell in notebook.cells:
                cell.source = cell.source.replace('"figures/', f'"{place}/')
            NotebookClient(
                notebook, timeout=600, coalesce_streams=True, extra_arguments=["--log-level=ERROR"]
            ).execute(cwd=str(course.FOLDER.parent))
        page = folder / f"{slug}_execute.md"
        text = to_page(notebook, page).replace(place, "figures")
        page.write_text(ORPHAN + text, encoding="utf-8")


def to_page(notebook, page: Path) -> str:
    """Rend la page d'un notebook exécuté, en Markdown.

    Args:
        notebook: ses cellules, sorties comprises.
        page: où elle sera ; ses figures sont écrites à côté.
    """
    texts = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            texts.append(_with_pictures(cell, page))
            continue
        plumbing = cell.source in (course.setup(), course.HELPERS) or "__file__ =" in cell.source
        texts.append((FOLDED if plumbing else "{}").format(f"```python\n{cell.source}\n```"))
        for output in cell.outputs:
            data = output.get("data", {})
            if "image/png" in data:
                figure = page.with_name(f"{page.stem}_{len(texts)}.webp")
                Image.open(io.BytesIO(b64decode(data["image/png"]))).save(figure, quality=90)
                texts.append(f"![Ce que montre la cellule]({figure.name})")
            else:
                text = data.get("text/plain") or output.text
                texts.append(OUTPUT.format(text.rstrip()))
    return "\n\n".join(texts).replace("\n", EXPLAINED, 1) + "\n"  # après le titre


def _with_pictures(cell, page: Path) -> str:
    """Rend le texte d'une cellule ; ses figures jointes sont écrites à côté de la page."""
    text = cell.source
    for name, contents in cell.get("attachments", {}).items():
        (encoded,) = contents.values()
        figure = page.with_name(f"{page.stem}_{name}")
        figure.write_bytes(b64decode(encoded))
        text = text.replace(f"(attachment:{name})", f"({figure.name})")
    return text


def setup(app) -> dict:
    """Apprend à Sphinx à écrire les formules en MathML, que tout navigateur lit sans rien charger.

    Le nom et la forme sont ceux qu'attend Sphinx d'une extension.
    """
    from docutils import nodes
    from docutils.utils.math.latex2mathml import tex2mathml

    def visit(writer, node):
        formula = tex2mathml(node.astext(), as_block=isinstance(node, nodes.math_block))
        # Sans police de mathématiques, une accolade étirée serait en morceaux.
        writer.body.append(re.sub("<mo>(?=[{}])", '<mo stretchy="false">', formula))
        raise nodes.SkipNode

    app.add_html_math_renderer("mathml", (visit, None), (visit, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
