"""Les figures : phrases et images, force de la phrase, du bruit à l'image, plus proches voisines.

D'après : S3, figure (6), phrase → image.
"""

from pathlib import Path

import keras
import numpy as np

from convnets.core.cli import percent
from convnets.figures.charts import Picture, number, picture_rows, table
from exercises.ex26_text_to_image import flow, measures, network, sentences

NUM_SHOWN = 8  # images par phrase
SHOWN_FORCES = (0, 0.5, 1, 2, 4, 8)
SHOWN_STEPS = (0, 4, 8, 12, 14, 16, 18, 20)  # sur les vingt
ROWS = 4  # phrases des deux bandes
SEED = 100  # du bruit de ces figures : aucune mesure ne s'en est servie
ROWS_FR = {  # clé des mesures → ce qui a été jugé
    "0": "fabriquées, force 0",
    "1": "fabriquées, force 1",
    "2": "fabriquées, force 2",
    "4": "fabriquées, force 4",
    "real": "vraies images",
    "exact": "réseau parfait, qui recopie",
    "mean": "image moyenne de la classe",
    "noise": "bruit",
}


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
    return {f"« {sentence} »": each for sentence, each in zip(asked, images, strict=True)}


def save_examples(folder: Path, model: keras.Model, train: np.ndarray, test: np.ndarray) -> None:
    """Écrit les quatre figures que dessine le réseau.

    Args:
        folder: dossier des figures.
        model: le réseau.
        train: images d'apprentissage uint8 `(n, h, w, 1)`.
        test: images de test, de même.
    """
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

    few = asked[::2][:ROWS]
    points = draw(model, few, columns=1, guidance=flow.GUIDANCE)[:, :, 0]
    images = np.moveaxis(points[list(SHOWN_STEPS)], 0, 1)
    heads = [f"t = {step / flow.NUM_STEPS:g}".replace(".", ",") for step in SHOWN_STEPS]
    picture_rows(
        folder / "chemin.png",
        quoted(few, images),
        title=f"Du bruit à l'image, en {flow.NUM_STEPS} pas",
        heads=heads,
    )
    save_neighbours(folder / "voisines.png", model, train, test)


# --- Question : a-t-il seulement retenu une image ? ----------------------------------


def save_neighbours(path: Path, model: keras.Model, train: np.ndarray, test: np.ndarray) -> None:
    """Montre des images et, dessous, la plus proche de toutes celles d'apprentissage.

    Args:
        path: fichier PNG.
        model: le réseau.
        train: images d'apprentissage uint8 `(n, h, w, 1)`.
        test: images de test, de même : de quoi comparer les écarts.
    """
    drawn = draw(model, sentences.EXAMPLES, columns=1, guidance=flow.GUIDANCE)[-1, :, 0, ..., None]
    rows = {}
    for name, images in (("fabriquée", drawn), ("vraie, non apprise", test[: len(drawn)])):
        near = measures.neighbours(images, train)
        rows[name] = [Picture(each[..., 0]) for each in images]
        rows[f"la plus proche apprise\nde la {name}"] = [
            Picture(train[nearest][..., 0], f"écart {gap:.0f}")
            for nearest, gap in zip(near.nearest, near.distance, strict=True)
        ]
    picture_rows(
        path,
        rows,
        title="A-t-il retenu une image ? La plus proche de toutes celles qu'il a apprises",
    )


# --- Question : que vaut chaque force ? ----------------------------------------------


def measures_table(metrics: dict[str, float]) -> str:
    """Met en tableau toutes les mesures : les images fabriquées, puis les témoins."""
    rows = [
        [
            label,
            percent(metrics[f"named_{key}"]),
            percent(metrics[f"obeyed_{key}"]),
            number(metrics[f"frechet_{key}"], 2),
            number(metrics[f"distance_{key}"], 1),
            percent(metrics[f"copied_{key}"]),
        ]
        for key, label in ROWS_FR.items()
    ]
    return table(["images", "nommées", "adjectifs", "Fréchet", "écart", "recopiées"], rows)
