"""Onglet « Chiffre » : dessiner un chiffre, le déplacer, et comparer les réponses.

LeNet et le réseau dense sont ceux de l'exercice 04, de même taille et entraînés de même ; le
CNN à maximum global et son réseau dense, ceux de `position`, dans l'exercice 00. Le dessin est
cadré par `digits.digit_square`, puis déplacé par `augmentation.shift`, comme dans ces exercices.
"""

import base64
import functools
import io
import threading
from typing import NamedTuple

import gradio as gr
import numpy as np
from PIL import Image, ImageDraw

from convnets.core.images import open_image
from convnets.core.paths import MODELS_DIR
from convnets.core.reports import read_report
from convnets.serving.digits import SIDE_PX, digit_square
from convnets.training.augmentation import shift
from demo import html, limits, predict
from demo.components import DigitPaper, Steps

MAX_SHIFT_PX = 6  # dans chaque direction ; au-delà de 4, une image de 28×28 rogne le chiffre
MAX_TEXT = 10**6  # caractères : une feuille de 280 pixels en fait cent fois moins
PREFIX = "data:image/png;base64,"
DIGITS = [str(k) for k in range(10)]
PAPER_PX, INK_PX = 280, 20
# Des chiffres tracés d'avance : des points reliés, sur une feuille de 280 pixels.
EXAMPLES = {
    "2": [(90, 95), (105, 65), (140, 55), (175, 65), (185, 100), (165, 140), (90, 220), (195, 220)],
    "4": [(160, 60), (80, 170), (205, 170), (165, 120), (165, 230)],
    "7": [(80, 70), (195, 70), (130, 225)],
}


class Answer(NamedTuple):
    """Ce qu'un réseau répond à un chiffre et à tous ses déplacements."""

    title: str
    probabilities: np.ndarray  # (10,) au déplacement choisi
    map: np.ndarray  # (2r + 1, 2r + 1) : le chiffre nommé à chaque déplacement


# --- Les réseaux ---------------------------------------------------------------------


class _Outputs:
    """Un export à plusieurs sorties, lues par leur nom."""

    def __init__(self, slug: str):
        from ai_edge_litert.interpreter import Interpreter

        read_report(slug)  # l'empreinte des fichiers est vérifiée
        content = (MODELS_DIR / f"{slug}.tflite").read_bytes()
        self._runner = Interpreter(model_content=content, num_threads=1).get_signature_runner()
        self._input = next(iter(self._runner.get_input_details()))
        self._lock = threading.Lock()

    def predict(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Rend les probabilités `(n, 10)` de chaque sortie."""
        with self._lock:
            return {
                name: each.copy() for name, each in self._runner(**{self._input: images}).items()
            }


@functools.cache
def _outputs(slug: str) -> _Outputs:
    return _Outputs(slug)


# --- Le chiffre ----------------------------------------------------------------------


def read_paper(text: str) -> np.ndarray:
    """Cadre ce qui est dessiné sur la feuille.

    Args:
        text: une adresse `data:` en PNG.

    Returns:
        uint8 `(28, 28)`, clair sur fond noir.

    Raises:
        ValueError: rien de dessiné, ou autre chose qu'un dessin.
    """
    if not text:
        raise ValueError("dessinez un chiffre sur la feuille, ou prenez un des nôtres.")
    if not str(text).startswith(PREFIX) or len(text) > MAX_TEXT:
        raise ValueError("ce dessin ne vient pas de la feuille ; effacez-la et recommencez.")
    try:
        content = base64.b64decode(text[len(PREFIX) :], validate=True)
    except ValueError as error:  # `binascii.Error` en est une
        raise ValueError("ce dessin est abîmé ; effacez la feuille et recommencez.") from error
    return digit_square(open_image(io.BytesIO(content)))


def example(name: str) -> str:
    """Trace un des chiffres d'`EXAMPLES` ; rend une adresse `data:`."""
    paper = Image.new("L", (PAPER_PX, PAPER_PX), 255)
    pen, points = ImageDraw.Draw(paper), EXAMPLES[name]
    pen.line(points, fill=0, width=INK_PX, joint="curve")
    for x, y in (points[0], points[-1]):
        pen.ellipse([x - INK_PX / 2, y - INK_PX / 2, x + INK_PX / 2, y + INK_PX / 2], fill=0)
    return html.data_url(paper)


def moves(square: np.ndarray) -> np.ndarray:
    """Rend le chiffre à tous les déplacements, du haut à gauche vers le bas à droite.

    Args:
        square: uint8 `(28, 28)`.

    Returns:
        uint8 `((2r + 1)², 40, 40)` : le chiffre déplacé dans une image assez grande.
    """
    steps = range(-MAX_SHIFT_PX, MAX_SHIFT_PX + 1)
    wide = np.pad(square, MAX_SHIFT_PX)[np.newaxis]
    return np.concatenate([shift(wide, down, right) for down in steps for right in steps])


def answers(square: np.ndarray, down: int, right: int, *, networks: str) -> list[Answer]:
    """Fait répondre des réseaux au chiffre, en place et déplacé.

    Args:
        square: uint8 `(28, 28)`.
        down: pixels vers le bas, de -6 à 6.
        right: pixels vers la droite.
        networks: `"lenet"` (28×28 : le bord rogne) ou `"position"` (40×40 : rien n'est rogné).

    Returns:
        Une réponse par réseau.
    """
    everywhere, count = moves(square), 2 * MAX_SHIFT_PX + 1
    if networks == "position":
        both = _outputs("ex00_position").predict(everywhere)
        found = {"CNN à maximum global": both["cnn"], "Réseau dense": both["dense"]}
    else:
        inner = slice(MAX_SHIFT_PX, MAX_SHIFT_PX + SIDE_PX)
        cropped = np.ascontiguousarray(everywhere[:, inner, inner])
        both = _outputs("ex04_comparison").predict(cropped)
        found = {
            "LeNet": both["lenet"],
            "Réseau dense": both["dense"],
            "LeNet, recette moderne": predict.load("ex04_lenet").predict(cropped),
        }
    at = (down + MAX_SHIFT_PX) * count + right + MAX_SHIFT_PX
    return [
        Answer(title, each[at], each.argmax(1).reshape(count, count))
        for title, each in found.items()
    ]


# --- Montrer -------------------------------------------------------------------------


def _column(answer: Answer, down: int, right: int) -> str:
    centre = answer.map[MAX_SHIFT_PX, MAX_SHIFT_PX]
    doubt = " (pas sûr)" if answer.probabilities.max() < html.SURE else ""
    same = np.where(answer.map == centre, 1, -1)
    texts = [[str(digit) for digit in row] for row in answer.map]
    share = f"{(same > 0).mean() * 100:.0f} %"
    return (
        '<section class="colonne">'
        f'<p class="reponse"><strong>{answer.probabilities.argmax()}</strong>{doubt} '
        f"{html.escape(answer.title)}</p>"
        + html.bars(DIGITS, answer.probabilities, title="Les trois plus probables", top=3)
        + html.grid(
            same,
            texts,
            caption=f"À chaque décalage (même réponse : {share})",
            marked={(down + MAX_SHIFT_PX, right + MAX_SHIFT_PX)},
        )
        + "</section>"
    )


def describe(text: str, right: int, down: int, networks: str) -> str:
    """Montre le chiffre déplacé et les réponses, côte à côte.

    Args:
        text: dessin, voir `read_paper`.
        right: pixels vers la droite, de -6 à 6.
        down: pixels vers le bas.
        networks: voir `answers`.

    Returns:
        Du HTML.

    Raises:
        ValueError, OSError: dessin illisible, déplacement trop grand, modèle absent.
    """
    right, down = (
        limits.whole(value, "Le déplacement", low=-MAX_SHIFT_PX, high=MAX_SHIFT_PX)
        for value in (right, down)
    )
    square = read_paper(text)
    margin = MAX_SHIFT_PX if networks == "position" else 0
    seen = shift(np.pad(square, margin)[np.newaxis], down, right)[0]
    found = answers(square, down, right, networks=networks)
    said = " ; ".join(f"{each.title} : {each.probabilities.argmax()}" for each in found)
    return (
        f'<p role="status">{html.escape(said)}.</p>'
        + html.side_by_side(
            html.picture(seen, caption=f"Ce que les réseaux voient, {len(seen)}×{len(seen)}"),
            *(_column(each, down, right) for each in found),
        )
        + html.note(
            "Grilles : une case par déplacement, le chiffre en place au centre ; bleu : "
            "même réponse qu'en place, ambre : une autre."
        )
    )


# --- L'onglet ------------------------------------------------------------------------


def build() -> list:
    """Pose l'onglet dans la page en cours ; rend ce qu'il faut appeler quand il s'ouvre."""
    with gr.Row():
        with gr.Column(scale=0, min_width=300):
            paper = DigitPaper(example("4"), label="Votre chiffre", elem_id="feuille")
            with gr.Row():
                buttons = {
                    name: gr.Button(f"Un {name}", size="sm", min_width=60) for name in EXAMPLES
                }
                erase = gr.Button("Effacer", size="sm", min_width=60)
            limit = MAX_SHIFT_PX
            right = Steps(
                -limit,
                limit,
                value=0,
                step=1,
                label="Vers la droite (pixels)",
                elem_id="droite",
                buttons=["reset"],
            )
            down = Steps(
                -limit,
                limit,
                value=0,
                step=1,
                label="Vers le bas (pixels)",
                elem_id="bas",
                buttons=["reset"],
            )
            networks = gr.Radio(
                [
                    ("LeNet et réseau dense, 28×28", "lenet"),
                    ("CNN à maximum global et réseau dense, 40×40", "position"),
                ],
                value="lenet",
                label="Réseaux",
                info="Au-delà de 4 pixels, une image de 28×28 rogne le chiffre ; 40×40, jamais.",
            )
            gr.HTML(
                html.note(
                    "Clavier : flèches pour déplacer le crayon, espace pour le poser ou "
                    "le lever, Échap pour effacer."
                )
            )
        with gr.Column(min_width=280):
            shown = gr.HTML("", elem_id="chiffre")

    def update(*values) -> str:
        return limits.in_french(describe, *values)

    quiet = {"show_progress": "hidden", "trigger_mode": "always_last", "api_visibility": "private"}
    inputs = [paper, right, down, networks]
    for part in inputs:
        part.input(update, inputs, shown, **quiet)
    for slider in (right, down):  # le bouton qui remet à zéro
        slider.release(update, inputs, shown, **quiet)
    drawings = {button: example(name) for name, button in buttons.items()} | {erase: ""}
    for button, drawing in drawings.items():
        button.click(lambda drawing=drawing: drawing, None, paper, **quiet).then(
            update, inputs, shown, **quiet
        )
    return [update, inputs, shown]
