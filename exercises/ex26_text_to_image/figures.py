"""Les figures : phrases et images, force de la phrase, du bruit à l'image.

D'après : S3, figure (6), phrase → image.
"""

import textwrap
from pathlib import Path

import keras
import numpy as np

from convnets.core.cli import shown_path
from convnets.explaining.dreams import save_picture
from convnets.figures.charts import picture_rows
from convnets.figures.style import output_file
from convnets.training import lesson
from exercises.ex26_text_to_image import flow, network, sentences

NUM_SHOWN = 5  # images par phrase
LINE = 18  # lettres d'une ligne du titre d'une rangée, qui se lit de bas en haut
SHOWN_FORCES = (0, 0.5, 1, 2, 4, 8)
SHOWN_STEPS = (0, 4, 8, 12, 14, 16, 18, 20)  # sur les vingt
ROWS = 4  # phrases des deux bandes
ZOOM = 8  # chaque pixel en fait 8 × 8 dans le fichier de --say : une vignette se verrait mal
SEED = 100  # du bruit de ces figures : aucune mesure ne s'en est servie


def draw(
    model: keras.Model, asked: tuple[str, ...], *, columns: int, guidance: float
) -> np.ndarray:
    """Dessine des phrases, avec les mêmes bruits pour chacune.

    Returns:
        Images uint8 `(pas + 1, phrases, columns, h, w)`.
    """
    noise, words = network.draw_noise(columns, seed=SEED), sentences.encode(asked)
    drawn = network.draw_path(
        model,
        np.repeat(words, columns, axis=0),
        np.tile(noise, (len(asked), 1, 1, 1)),
        guidance=guidance,
    )
    return drawn.reshape(len(drawn), len(asked), columns, *sentences.PIXELS)[..., 0]


def quoted(asked: tuple[str, ...], images: np.ndarray) -> dict[str, np.ndarray]:
    """Range des images par phrase, entre guillemets : ce que lit `picture_rows`."""
    titles = [textwrap.fill(f"« {sentence} »", LINE) for sentence in asked]
    return dict(zip(titles, images, strict=True))


def save_sentence(options, words: np.ndarray, pixels: tuple[int, ...] = sentences.PIXELS) -> Path:
    """Dessine la phrase de `--say`, `words` `(1, MAX_WORDS)`, dans un PNG ; rend son chemin."""
    name = "-".join(sentences.split(options.say)).replace("'", "") or "sans-phrase"
    path = output_file(options, f"{name}.png")
    model, noise = lesson.load_saved(options), network.draw_noise(1, seed=0, pixels=pixels)
    image = network.draw_path(model, words, noise, guidance=flow.GUIDANCE)[-1, 0]
    large = image.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    save_picture(np.broadcast_to(large, (*large.shape[:2], 3)), path)
    print(f"« {options.say} » : {shown_path(path)}")
    return path


def save_examples(folder: Path, model: keras.Model) -> None:
    """Écrit `phrases.png`, `force.png` et `chemin.png`, que dessine le réseau."""
    asked = sentences.EXAMPLES
    images = draw(model, asked, columns=NUM_SHOWN, guidance=flow.GUIDANCE)[-1]
    picture_rows(
        folder / "phrases.png",
        quoted(asked, images),
        title="Une phrase par ligne, un bruit par colonne : rien n'est choisi ni retouché",
    )

    few = asked[:ROWS]
    images = [draw(model, few, columns=1, guidance=force)[-1, :, 0] for force in SHOWN_FORCES]
    heads = [f"force {force:g}".replace(".", ",") for force in SHOWN_FORCES]
    title = "Le même bruit, la phrase de plus en plus écoutée (0 : elle n'est pas lue)"
    rows = quoted(few, np.stack(images, axis=1))
    picture_rows(folder / "force.png", rows, title=title, heads=heads)

    points = draw(model, few, columns=1, guidance=flow.GUIDANCE)[:, :, 0]
    images = np.moveaxis(points[list(SHOWN_STEPS)], 0, 1)
    heads = [f"t = {step / flow.NUM_STEPS:g}".replace(".", ",") for step in SHOWN_STEPS]
    picture_rows(
        folder / "chemin.png",
        quoted(few, images),
        title=f"Du bruit à l'image, en {flow.NUM_STEPS} pas",
        heads=heads,
    )
