"""Un notebook exécuté, en page : son code, ses sorties, ses figures, ses formules."""

import io
from base64 import b64encode

import pytest
from nbformat import v4
from PIL import Image

from web import shown


def test_an_output_follows_its_cell_and_a_figure_lies_beside_the_page(tmp_path):
    drawn = io.BytesIO()
    Image.new("RGB", (30, 20)).save(drawn, "png")
    figure = {"image/png": b64encode(drawn.getvalue()).decode(), "text/plain": "<Image>"}
    outputs = [
        v4.new_output("stream", name="stdout", text="8 images\n"),
        v4.new_output("display_data", figure),
        v4.new_output("execute_result", {"text/plain": "42"}),
    ]
    cells = [v4.new_markdown_cell("# Filtres\n\n$a$"), v4.new_code_cell("f()", outputs=outputs)]
    text = shown.to_page(v4.new_notebook(cells=cells), tmp_path / "execute.md")
    assert text.startswith("# Filtres : le notebook exécuté\n") and "<Image>" not in text
    parts = [
        "```python\nf()\n```",
        ":class: sortie\n\n8 images\n```",
        "](execute_3.webp)",
        ":class: sortie\n\n42\n```",
    ]
    assert sorted(parts, key=text.index) == parts
    assert Image.open(tmp_path / "execute_3.webp").size == (30, 20)


@pytest.mark.ci
def test_a_formula_is_drawn_without_another_address(site):
    text = (site / "ex01_filters_execute.html").read_text(encoding="utf-8")
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">' in text
    assert "<mtable" in text and 'src="http' not in text
