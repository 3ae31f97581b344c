"""Deux notebooks, exécutés et montrés avec leurs sorties ; et leurs formules, en MathML."""

import io
import tempfile
from base64 import b64decode
from pathlib import Path

import nbformat
from PIL import Image

from exercises import find
from exercises import notebook as course

SHOWN = ("ex01_filters", "ex07_occlusion")  # moins d'une minute à eux deux
EXPLAINED = (
    "Ce notebook a été exécuté à la construction du site : chaque sortie est celle de la cellule "
    "qui la précède."
)
FOLDED = "<details><summary>Une cellule qui prépare la suite</summary>\n\n{}\n\n</details>"
OUTPUT = "```{{code-block}} text\n:class: sortie\n\n{}\n```"

FIXES = (  # sans police de mathématiques, une accolade étirée est en morceaux, et « ⧵ » manque
    ("<mo>{", '<mo stretchy="false">{'),
    ("<mo>}", '<mo stretchy="false">}'),
    ("\u29f5", "\u2216"),
)


def run_notebooks(folder: Path) -> None:
    """Exécute les notebooks montrés.

    Args:
        folder: y écrire `exNN_nom.ipynb`, sorties comprises.

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
            client = NotebookClient(
                notebook,
                timeout=600,
                record_timing=False,
                coalesce_streams=True,
                extra_arguments=["--log-level=ERROR"],
            )
            client.execute(cwd=str(course.FOLDER.parent))
        text = nbformat.writes(notebook).replace(place, "figures")
        (folder / f"{slug}.ipynb").write_text(text, encoding="utf-8")


def write_page(path: Path, page: Path) -> None:
    """Fait une page d'un notebook exécuté, et met ses figures à côté.

    Args:
        path: le notebook.
        page: le fichier Markdown à écrire.
    """
    page.parent.mkdir(exist_ok=True)
    texts, number = [], 0
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            texts.append(cell.source)
            continue
        code = f"```python\n{cell.source}\n```"
        plumbing = cell.source in (course.setup(), course.HELPERS) or "__file__ =" in cell.source
        texts.append(FOLDED.format(code) if plumbing else code)
        for output in cell.outputs:
            data = output.get("data", {})
            if "image/png" in data:
                number += 1
                name = f"{page.stem}_{number}.webp"
                image = Image.open(io.BytesIO(b64decode(data["image/png"])))
                image.save(page.parent / name, quality=90)
                texts.append(f"![Figure {number} : ce que montre la cellule]({name})")
            else:
                text = data.get("text/plain") or output.get("text", "")
                texts.append(OUTPUT.format(text.rstrip()))
    title, body = texts[0].split("\n", 1)
    texts[0] = f"{title} : le notebook exécuté\n\n{EXPLAINED}\n{body}"
    page.write_text("\n\n".join(texts) + "\n", encoding="utf-8")


def setup(app) -> dict:
    """Apprend à Sphinx à écrire les formules en MathML, que tout navigateur lit sans rien charger.

    Le nom et la forme sont ceux qu'attend Sphinx d'une extension.
    """
    from docutils.nodes import SkipNode
    from docutils.utils.math.latex2mathml import tex2mathml

    def write(*, block):
        def visit(writer, node):
            formula = tex2mathml(node.astext(), as_block=block)
            for found, better in FIXES:
                formula = formula.replace(found, better)
            writer.body.append(formula)
            raise SkipNode

        return visit, None

    app.add_html_math_renderer("mathml", write(block=False), write(block=True))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
