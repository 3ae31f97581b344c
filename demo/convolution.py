"""Onglet « Convolution » : une fenêtre qui glisse, pas à pas.

Le calcul est celui de l'exercice 00 (`ex00_convolution.animation.slide`, donc `conv2d`) ; les
grilles et les noms sont lus par `ex00_convolution.grids`.
"""

from argparse import ArgumentTypeError

import gradio as gr
import numpy as np

from demo import html, limits
from demo.components import NumberGrid, Steps
from demo.predict import SAMPLES
from exercises.ex00_convolution import grids
from exercises.ex00_convolution.animation import MAX_CELLS, slide

IMAGES = {
    "5x5": "L'exemple 5×5",
    "X": "X",
    "X-deforme": "X déformé",
    "O": "O",
    str(SAMPLES / "pont.png"): "Le pont",
}
KERNELS = {
    "3x3": "L'exemple 3×3",
    "prewitt": "Bords (Prewitt)",
    "F1": "F1 : descente",
    "F2": "F2 : centre",
    "F3": "F3 : montée",
}
PADDINGS = ["valid", "same", *"1234"]  # aucun, taille gardée, cases de chaque côté
FIRST_IMAGE, FIRST_KERNEL = "5x5", "3x3"
SIDE = grids.MAX_SIDE


# --- Calculer ------------------------------------------------------------------------


def as_text(values: np.ndarray) -> str:
    """Écrit une grille comme on la tape : `"1 0 2/0 1 3"`, les décimales avec une virgule."""

    def number(value) -> str:
        return str(value) if value == int(value) else f"{float(value):g}".replace(".", ",")

    return "/".join(" ".join(number(value) for value in row) for row in values)


def named(name: str) -> str:
    """Rend la grille d'un nom d'`IMAGES` ou de `KERNELS`, comme on la tape."""
    read = grids.read_image if name in IMAGES else grids.read_kernel
    return as_text(read(name))


def read_padding(text: str) -> str | int:
    """Lit `valid`, `same` ou un nombre de cases.

    Raises:
        ValueError: rien de tel.
    """
    try:
        return grids.read_padding(str(text).strip() or "valid")
    except ArgumentTypeError as error:
        raise ValueError(f"Padding : {error}") from error


def prepare(image: str, kernel: str, stride, padding: str, dilation, flip: bool):
    """Lit les grilles et les réglages, et calcule.

    Args:
        image: grille, au plus 12×12.
        kernel: de même.
        stride: pas, de 1 à 12.
        padding: voir `read_padding`.
        dilation: écart entre deux cases du noyau, de 1 à 12.
        flip: retourner le noyau.

    Returns:
        Un `convnets.figures.convolution.Sliding`.

    Raises:
        ValueError: grille mal remplie, ou tailles impossibles.
    """
    pair = []
    for title, text in (("Image", image), ("Noyau", kernel)):
        try:
            pair.append(grids.read_grid(text))
        except ArgumentTypeError as error:
            raise ValueError(f"{title} : {error}.") from error
    sliding = slide(
        *pair,
        padding=read_padding(padding),
        flip=flip,
        stride=limits.whole(stride, "Le pas", low=1, high=SIDE),
        dilation=limits.whole(dilation, "La dilatation", low=1, high=SIDE),
    )
    margins = zip(sliding.image.shape, sliding.margins, strict=True)
    side = max(size + sum(added) for size, added in margins)
    if side > MAX_CELLS:
        raise ValueError(
            f"L'image aurait {side} cases de côté, padding compris : au plus "
            f"{MAX_CELLS} se lisent ; réduisez le padding."
        )
    return sliding


# --- Montrer -------------------------------------------------------------------------


def _grid(values, *, caption: str, **options) -> str:
    from convnets.figures.convolution import format_number

    texts = [["" if value is None else format_number(value) for value in row] for row in values]
    return html.grid(values, texts, caption=caption, **options)


def show_step(sliding, index: int) -> str:
    """Rend une étape : image et fenêtre, noyau, produits, somme, sortie.

    Args:
        sliding: l'opération.
        index: numéro de l'étape, de 0 à `output.size - 1`.

    Returns:
        Du HTML.
    """
    (top, bottom), (left, right) = sliding.margins
    height, width = sliding.image.shape
    cells = [[(r, c) for c in range(-left, width + right)] for r in range(-top, height + bottom)]
    padded = [[sliding.image[c] if sliding.inside(c) else 0 for c in row] for row in cells]
    marked = {(r + top, c + left) for r, c in sliding.window_cells(index)}
    added = {(r + top, c + left) for row in cells for r, c in row if not sliding.inside((r, c))}
    i, j = divmod(index, sliding.output.shape[1])
    place = (
        f"Étape {index + 1} sur {sliding.output.size} : ligne {i + 1}, colonne {j + 1} de la "
        f"sortie, {sliding.output.shape[0]}×{sliding.output.shape[1]}."
    )
    return (
        f'<p role="status">{place} <strong>'
        f"{html.escape(html.decimal(sliding.sentence(index)))}</strong></p>"
        + html.side_by_side(
            _grid(padded, caption="Image, et la fenêtre", marked=marked, added=added),
            _grid(sliding.kernel, caption="Noyau, tel qu'il est posé"),
            _grid(sliding.terms(index), caption="Produits"),
            _grid(sliding.output, caption="Sortie", marked={(i, j)}, clickable=True),
        )
    )


def show(image, kernel, stride, padding, dilation, flip, step) -> tuple[str, int, int]:
    """Calcule et montre une étape.

    Returns:
        `(HTML, numéro de l'étape, nombre d'étapes)`, à partir de 1 ; un message, 0 et 0 si les
        grilles ou les réglages ne conviennent pas.
    """
    total, at = 0, 0

    def draw() -> str:
        nonlocal total, at
        sliding = prepare(image, kernel, stride, padding, dilation, flip == "convolution")
        steps = sliding.output.size
        # Une étape de trop : les réglages viennent de changer, on montre la dernière.
        at = min(limits.whole(step or 1, "L'étape", low=1, high=MAX_CELLS**2), steps)
        total = steps
        return show_step(sliding, at - 1)

    return limits.in_french(draw), at, total


# --- L'onglet ------------------------------------------------------------------------

FOLLOW_CLICKS = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-index]");
  if (button) trigger("select", { index: Number(button.dataset.index) });
});
"""


def build() -> list:
    """Pose l'onglet dans la page en cours.

    Returns:
        `(fonction, entrées, sorties)` à appeler quand l'onglet s'ouvre.
    """
    with gr.Row():
        with gr.Column(min_width=280):
            image_name = gr.Dropdown(
                [(title, name) for name, title in IMAGES.items()],
                value=FIRST_IMAGE,
                label="Choisir une image",
                filterable=False,
                elem_id="choix-image",
            )
            image = NumberGrid(named(FIRST_IMAGE), label="Image", elem_id="grille-image")
        with gr.Column(min_width=280):
            kernel_name = gr.Dropdown(
                [(title, name) for name, title in KERNELS.items()],
                value=FIRST_KERNEL,
                label="Choisir un noyau",
                filterable=False,
                elem_id="choix-noyau",
            )
            kernel = NumberGrid(named(FIRST_KERNEL), label="Noyau", elem_id="grille-noyau")
    with gr.Row():
        stride = gr.Number(1, label="Pas", min_width=90)
        padding = gr.Dropdown(
            PADDINGS,
            value="valid",
            label="Padding",
            filterable=False,
            min_width=140,
            elem_id="padding",
        )
        dilation = gr.Number(1, label="Dilatation", min_width=90)
        flip = gr.Radio(
            [
                ("Corrélation (celle des réseaux)", "correlation"),
                ("Convolution (noyau retourné)", "convolution"),
            ],
            value="correlation",
            label="Opération",
            min_width=260,
        )
    with gr.Row(elem_classes="pas-a-pas"):
        step = Steps(
            1,
            9,
            value=1,
            step=1,
            label="Étape",
            elem_id="etape",
            buttons=[],
            min_width=280,
            scale=4,
        )
        before = gr.Button("◀ Précédente", min_width=130, scale=1, size="md")
        after = gr.Button("Suivante ▶", min_width=130, scale=1, size="md")
    shown = gr.HTML("", js_on_load=FOLLOW_CLICKS, elem_id="convolution")

    def update(*values):
        drawn, at, total = show(*values)
        if not total:  # un réglage refusé : le curseur reste où il est
            return drawn, gr.skip()
        return drawn, Steps(value=at, maximum=max(2, total), interactive=total > 1)

    def forward(*values):
        return update(*values[:-1], (values[-1] or 1) + 1)

    def backward(*values):
        return update(*values[:-1], max(1, (values[-1] or 1) - 1))

    def jump(event: gr.EventData, *values):
        return update(*values[:-1], event.index + 1)

    settings = [image, kernel, stride, padding, dilation, flip]
    inputs, outputs = [*settings, step], [shown, step]
    quiet = {"show_progress": "hidden", "trigger_mode": "always_last", "api_visibility": "private"}
    for part in (image, kernel, stride, padding, dilation, flip):
        part.input(update, inputs, outputs, **quiet)
    step.input(lambda *values: show(*values)[0], inputs, shown, **quiet)
    before.click(backward, inputs, outputs, **quiet)
    after.click(forward, inputs, outputs, **quiet)
    shown.select(jump, inputs, outputs, **quiet)
    for name, target in ((image_name, image), (kernel_name, kernel)):
        name.input(named, name, target, **quiet).then(update, inputs, outputs, **quiet)
    return [update, inputs, outputs]
