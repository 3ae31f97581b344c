"""Onglet « X ou O ? » : dessiner sur 9×9, et voir toute la chaîne, jusqu'au vote.

Filtres posés à la main : `x_or_o.chain`, de l'exercice 00, en fractions exactes. Filtres appris :
les poids de `learned_filters`, passés dans les mêmes fonctions (`conv2d`, `relu`, `pool2d`).
"""

import functools
import io
import zipfile
from typing import NamedTuple

import gradio as gr
import numpy as np

from convnets.core.cli import percent
from convnets.core.paths import MODELS_DIR
from convnets.core.reports import read_report
from demo import html, limits
from demo.components import CellGrid
from exercises.ex00_convolution import x_or_o
from exercises.ex00_convolution.operations import conv2d
from exercises.ex00_convolution.pooling import pool2d, relu

LEARNED = "ex00_learned_filters"
CLASSES = ("X", "O")
DRAWINGS = {"X": x_or_o.X, "X déformé": x_or_o.DEFORMED_X, "O": x_or_o.O}
BLANK = " ".join(["." * 9] * 9)


# --- Calculer ------------------------------------------------------------------------


def one_line(rows: str) -> str:
    """Rend un dessin de `ex00_convolution.x_or_o` sur une ligne, comme la grille l'attend."""
    return " ".join(rows.split())


def read_drawing(text: str) -> np.ndarray:
    """Lit ce que la grille envoie.

    Returns:
        int64 `(9, 9)`, pixels ±1.

    Raises:
        ValueError: autre chose que 9 lignes de 9 `#` ou `.`.
    """
    rows = str(text).split()
    if len(rows) != 9 or any(len(row) != 9 or set(row) - set("#.") for row in rows):
        raise ValueError("dessin illisible : 9 lignes de 9 cases sont attendues.")
    return x_or_o.read_picture(text)


class Weights(NamedTuple):
    """Les poids appris."""

    filters: np.ndarray  # (3, 3, 3) float, filtre en premier
    votes: np.ndarray  # (12, 2)
    bias: np.ndarray  # (2,)


@functools.cache
def learned_weights() -> Weights:
    """Lit les poids du modèle livré, sans Keras.

    Raises:
        FileNotFoundError: modèle absent.
        ValueError: fichier abîmé.
    """
    import h5py

    read_report(LEARNED)  # l'empreinte des fichiers est vérifiée
    with zipfile.ZipFile(MODELS_DIR / f"{LEARNED}.keras") as archive:
        packed = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(packed) as file:
        kernels = file["layers/conv2d/vars/0"][:, :, 0, :]  # (3, 3, filtres)
        votes, bias = (file[f"layers/dense/vars/{k}"][:] for k in (0, 1))
    return Weights(
        np.moveaxis(kernels, -1, 0).astype(float), votes.astype(float), bias.astype(float)
    )


def learned_chain(picture: np.ndarray) -> x_or_o.Chain:
    """Déroule la même chaîne avec les filtres appris.

    Args:
        picture: int64 `(9, 9)`, pixels ±1.

    Returns:
        Les cinq étages, en float64 ; le vecteur est rangé comme Keras, cartes en dernier.
    """
    maps = np.stack([conv2d(picture, kernel) for kernel in learned_weights().filters])
    rectified = relu(maps)
    pooled = np.stack([pool2d(each, 2, padding="same") for each in rectified])
    second = np.stack([pool2d(each, 2, padding="same") for each in pooled])
    return x_or_o.Chain(maps, rectified, pooled, second, np.moveaxis(second, 0, -1).reshape(-1))


def learned_probabilities(picture: np.ndarray) -> np.ndarray:
    """Rend la réponse du réseau appris : float64 `(2,)`, X puis O, de somme 1."""
    weights = learned_weights()
    scores = learned_chain(picture).vector @ weights.votes + weights.bias
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


# --- Montrer -------------------------------------------------------------------------


def _stage(title: str, maps, names) -> str:
    from convnets.figures.convolution import format_number

    grids = [
        html.grid(each, [[format_number(value) for value in row] for row in each], caption=name)
        for name, each in zip(names, maps, strict=True)
    ]
    return f"<h3>{html.escape(title)}</h3>" + html.side_by_side(*grids)


def describe(text: str, filters: str) -> str:
    """Montre chaque étage et le vote.

    Args:
        text: dessin, voir `read_drawing`.
        filters: `"hand"` ou `"learned"`.

    Returns:
        Du HTML.

    Raises:
        ValueError, OSError: dessin vide ou illisible, modèle absent.
    """
    picture = read_drawing(text)
    if not (picture > 0).any():
        raise ValueError("rien n'est dessiné : noircissez des cases, ou prenez un de nos dessins.")
    if filters == "learned":
        stages, kernels = learned_chain(picture), learned_weights().filters
        votes = [float(each) for each in learned_probabilities(picture)]
        names, voted = [f"appris {k}" for k in (1, 2, 3)], "Probabilité"
    else:
        stages = x_or_o.chain(picture)
        kernels = np.stack([x_or_o.read_picture(rows) for rows in x_or_o.FILTERS])
        votes = [float(each) for each in x_or_o.votes(picture)]
        names, voted = ["F1 : descente", "F2 : centre", "F3 : montée"], "Vote (moyenne des voix)"
    if votes[0] == votes[1]:
        answer = "égalité : ni X ni O"
    else:
        answer = CLASSES[int(votes[1] > votes[0])]
        if max(votes) < html.SURE:
            answer += ", pas sûr"
    vector = stages.vector.reshape(1, -1)
    shown = ", ".join(f"{name} {percent(vote)}" for name, vote in zip(CLASSES, votes, strict=True))
    return "".join(
        [
            f'<p class="reponse" role="status">Réponse : <strong>{answer}</strong> ({shown})</p>',
            html.bars(CLASSES, [max(0.0, vote) for vote in votes], title=voted),
            _stage("Les filtres, 3×3", kernels, names),
            _stage("1. Convolution : une carte 7×7 par filtre", stages.maps, names),
            _stage("2. ReLU : ce qui est négatif devient 0", stages.rectified, names),
            _stage("3. Max-pooling 2×2, pas 2 : 4×4", stages.pooled, names),
            _stage("4. Encore ReLU et max-pooling : 2×2", stages.second, names),
            _stage("5. Dépliement : 12 valeurs, qui votent", [vector], ["Vecteur"]),
        ]
    )


# --- L'onglet ------------------------------------------------------------------------


def build() -> list:
    """Pose l'onglet dans la page en cours ; rend ce qu'il faut appeler quand il s'ouvre."""
    with gr.Row():
        with gr.Column(scale=0, min_width=290):
            board = CellGrid(one_line(x_or_o.X), label="Votre dessin, 9×9", elem_id="dessin")
            with gr.Row():
                buttons = {name: gr.Button(name, size="sm", min_width=60) for name in DRAWINGS}
                erase = gr.Button("Effacer", size="sm", min_width=60)
            filters = gr.Radio(
                [("Posés à la main (diapositives)", "hand"), ("Appris", "learned")],
                value="hand",
                label="Filtres",
            )
            gr.HTML(
                html.note(
                    "Souris ou doigt : glissez pour dessiner. Clavier : flèches pour "
                    "aller d'une case à l'autre, espace pour la noircir."
                )
            )
        with gr.Column(min_width=280):
            shown = gr.HTML("", elem_id="chaine")

    def update(text: str, kind: str) -> str:
        return limits.in_french(describe, text, kind)

    quiet = {"show_progress": "hidden", "trigger_mode": "always_last", "api_visibility": "private"}
    inputs = [board, filters]
    board.input(update, inputs, shown, **quiet)
    filters.input(update, inputs, shown, **quiet)
    drawings = {buttons[name]: one_line(rows) for name, rows in DRAWINGS.items()} | {erase: BLANK}
    for button, rows in drawings.items():
        button.click(lambda rows=rows: rows, None, board, **quiet).then(
            update, inputs, shown, **quiet
        )
    return [update, inputs, shown]
