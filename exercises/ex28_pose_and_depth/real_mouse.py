"""Trouver les pattes d'une vraie souris : les mêmes réseaux, appris de soixante-quatre images.

D'après : S3 « Pose Estimation ».
Commande : python -m exercises.ex28_pose_and_depth.real_mouse
Mesure : docs/mesures/ (`python -m recipes.seeds ex28_pose_and_depth.real_mouse --seeds 5`).

Dix-sept points sont annotés à la main : la souris de côté, la même vue par un miroir, et la barre
qu'elle enjambe. Les réseaux sont ceux des pantins. D'un réseau au suivant, une seule chose change.
Les témoins sont la position moyenne, l'image la plus ressemblante, et des gabarits : des morceaux
d'image que l'on cherche, sans rien apprendre.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from keras import ops
from PIL import Image

from convnets.core.cli import lesson_parser, percent
from convnets.core.intervals import against_others
from convnets.datasets import mouse
from convnets.figures.charts import number, picture_rows, table
from convnets.figures.style import COLORS, output_dir
from convnets.training import lesson
from exercises.ex28_pose_and_depth import pose
from exercises.ex28_pose_and_depth.one_change import build_expected, expected_places
from exercises.ex28_pose_and_depth.puppets import SIDE_PX
from exercises.ex28_pose_and_depth.training import train

# Choisis sur les images 46 à 60, après les 45 premières : le taux des coordonnées, de deux essayés,
# et le côté des gabarits, de quatre.
NUM_LEARNED = 64  # les premières ; les vingt-six dernières mesurent
EPOCHS = 80
RATE = 4e-3
PATCH_PX = 11  # côté d'un gabarit
NEAR_PX = 20.0  # la taille d'une patte, dans l'image d'origine
PAWS = [k for k, name in enumerate(mouse.POINTS) if name.startswith("paw")]
NUM_POINTS = len(mouse.POINTS)
NUM_SHOWN = 5  # images d'une figure
LABELS = {
    "mean": "toujours la position moyenne",
    "neighbour": "points de l'image la plus ressemblante",
    "templates": "gabarits cherchés dans l'image",
    "heat": "cartes de chaleur, parabole autour du maximum",
    "peak": "les mêmes cartes, sans la parabole",
    "center": "les mêmes cartes, lues par leur moyenne",
    "expected": "réseau à cartes, appris par l'erreur sur les coordonnées",
    "direct": "coordonnées d'un coup",
}


class Photographs(NamedTuple):
    """Des images réduites, et leurs points."""

    images: np.ndarray  # (n, 64, 64, 3) uint8
    points: np.ndarray  # (n, 17, 2) float32, en pixels de l'image réduite ; NaN, non annoté
    scales: np.ndarray  # (n, 1, 2) float32 : pixels d'origine par pixel, en x et en y


def load_parts(limit: int | None = None) -> tuple[Photographs, Photographs]:
    """Rend les images qui apprennent et celles qui mesurent, au plus `limit` de chaque sorte."""
    paths, points = mouse.load_mouse()
    images = np.empty((len(paths), SIDE_PX, SIDE_PX, 3), np.uint8)
    scales = np.empty((len(paths), 1, 2), np.float32)
    for i, path in enumerate(paths):
        with Image.open(path) as picture:
            scales[i] = np.divide(picture.size, SIDE_PX)
            images[i] = picture.convert("RGB").resize((SIDE_PX, SIDE_PX), Image.BOX)
    whole = Photographs(images, points / scales, scales)
    learned, test = (
        Photographs(*(each[part][:limit] for each in whole))
        for part in (slice(NUM_LEARNED), slice(NUM_LEARNED, None))
    )
    return learned, test


# --- Question : que trouve-t-on sans réseau ? ----------------------------------------


def without_network(learned: Photographs, test: Photographs) -> dict[str, np.ndarray]:
    """Rend ce que répondent les trois témoins : `(n, 17, 2)` chacun, en pixels réduits."""
    usual = np.nanmean(learned.points, axis=0)  # (17, 2)
    known, seen = (part.images.reshape(len(part.images), -1) / 255 for part in (learned, test))
    far = ((seen[:, None] - known) ** 2).sum(axis=-1)  # (n, 64)
    nearest = learned.points[far.argmin(axis=1)]
    return {
        "mean": np.broadcast_to(usual, nearest.shape),
        "neighbour": np.where(np.isnan(nearest), usual, nearest),
        "templates": match_templates(learned, test.images),
    }


def match_templates(learned: Photographs, images: np.ndarray) -> np.ndarray:
    """Cherche chaque point par sa ressemblance aux morceaux où il a été annoté.

    Un gabarit est le carré qui entoure un point annoté. La ressemblance est la corrélation
    normalisée (ZNCC) ; la recherche reste entre les places extrêmes de l'apprentissage.

    Args:
        learned: les images annotées.
        images: où chercher, `(n, 64, 64, 3)`.

    Returns:
        `(n, 17, 2)` : le milieu du pixel le plus ressemblant à l'un des gabarits.
    """
    known, seen = patches(learned.images), patches(images)
    found = np.empty((len(images), NUM_POINTS, 2))
    for k in range(NUM_POINTS):
        rows = np.flatnonzero(~np.isnan(learned.points[:, k, 0]))
        x, y = learned.points[rows, k].astype(int).clip(0, SIDE_PX - 1).T
        left, top, right, bottom = x.min(), y.min(), x.max() + 1, y.max() + 1
        for i in range(len(images)):
            window = seen[i, top:bottom, left:right]
            likeness = (window @ known[rows, y, x].T).max(axis=-1)
            row, column = np.unravel_index(likeness.argmax(), likeness.shape)
            found[i, k] = left + column + 0.5, top + row + 0.5
    return found


def patches(images: np.ndarray) -> np.ndarray:
    """Rend le carré qui entoure chaque pixel, de moyenne 0 et de norme 1 : `(n, 64, 64, 121)`."""
    edge = PATCH_PX // 2
    padded = np.pad(images[..., 0].astype("float32"), ((0, 0), (edge, edge), (edge, edge)), "edge")
    square = (PATCH_PX, PATCH_PX)
    around = np.lib.stride_tricks.sliding_window_view(padded, square, axis=(1, 2))
    around = around.reshape(*around.shape[:3], -1)
    around = around - around.mean(axis=-1, keepdims=True)
    return around / np.maximum(np.linalg.norm(around, axis=-1, keepdims=True), 1)


# --- Question : qu'apprend-on de soixante-quatre images ? -----------------------------------


def place_loss(points, places):
    """Rend l'erreur absolue moyenne des coordonnées ; un point non annoté n'y compte pas."""
    return ops.mean(ops.abs(ops.nan_to_num(ops.cast(points, "float32") - places)), axis=(1, 2))


def with_networks(
    learned: Photographs, images: np.ndarray, *, seed: int, epochs: int, minutes: float | None
) -> dict[str, np.ndarray]:
    """Apprend les trois réseaux, et rend où ils trouvent chaque point : `(n, 17, 2)` chacun."""

    def answer(build: Callable, loss: Callable) -> np.ndarray:
        return train(
            lambda: build(NUM_POINTS),
            loss,
            (learned.images, learned.points),
            rate=RATE,
            seed=seed,
            clock=lesson.Clock(epochs, minutes, share=1 / 3),
        ).predict(images, verbose=0)

    maps = answer(pose.build_heat, pose.heat_loss)
    return {
        "heat": pose.decode(maps),
        "peak": pose.decode(maps, refine=False),
        "center": ops.convert_to_numpy(expected_places(maps)),
        "expected": answer(build_expected, place_loss),
        "direct": answer(pose.build_regression, place_loss),
    }


# --- Question : à quelle distance est-ce trouvé ? ------------------------------------


def distances(places: np.ndarray, truth: Photographs) -> np.ndarray:
    """Rend l'écart de chaque point, en pixels d'origine : `(n, 17)` ; NaN, non annoté."""
    return np.linalg.norm((places - truth.points) * truth.scales, axis=-1)


def shares(away: np.ndarray) -> np.ndarray:
    """Rend, par image, la part des points annotés à `NEAR_PX` au plus : `(n,)`."""
    return (away <= NEAR_PX).sum(axis=1) / (~np.isnan(away)).sum(axis=1)


def run(
    seed: int, *, epochs: int = EPOCHS, minutes: float | None = None, limit: int | None = None
) -> lesson.Run:
    """Apprend et mesure une graine, sur au plus `limit` images de chaque sorte.

    Returns:
        Par clé de `LABELS`, `…_pck` sur tous les points, `…_paws` sur les pattes, et `…_px`,
        l'écart médian ; pas de modèle ; la part de chaque image, et ce que montre la figure.
    """
    learned, test = load_parts(limit)
    found = without_network(learned, test) | with_networks(
        learned, test.images, seed=seed, epochs=epochs, minutes=minutes
    )
    metrics, pooled = {}, {}
    for name, places in found.items():
        away = distances(places, test)
        pooled[name] = shares(away).tolist()
        metrics[f"{name}_pck"] = float(shares(away).mean())
        metrics[f"{name}_paws"] = float(shares(away[:, PAWS]).mean())
        metrics[f"{name}_px"] = float(np.nanmedian(away))
    return lesson.Run(metrics, None, {"pooled": pooled, "found": found, "test": test})


def pool(found: list[dict]) -> dict:
    """Rend l'écart des cartes de chaleur avec chaque autre méthode, sur toutes les graines.

    Args:
        found: par graine, la part des points trouvés dans chaque image, par méthode.

    Returns:
        `{"gaps": {"templates": [moyenne, bas, haut]…}}`, graines et images ensemble.
    """
    return {"gaps": against_others(found, "heat")}


def save_figure(path, found: dict[str, np.ndarray], test: Photographs) -> None:
    """Dessine les premières images de test, et les points que trouvent trois méthodes."""
    names = {LABELS[name].split(",")[0]: found[name] for name in ("templates", "heat", "direct")}

    def draw(axis, name: str, rank: int) -> None:
        axis.autoscale(False)  # un point trouvé hors de l'image n'agrandit pas le cadre
        ends = np.stack([test.points[rank], names[name][rank]])  # (2, 17, 2) : vérité, trouvé
        x, y = np.moveaxis(ends - 0.5, -1, 0)  # 0 : le milieu d'un pixel
        axis.plot(x, y, color=COLORS[4])
        axis.scatter(x[0], y[0], s=12, color="white", zorder=3)

    title = "Un point blanc est une annotation ; le trait va jusqu'à ce qui est trouvé"
    rows = dict.fromkeys(names, test.images[:NUM_SHOWN])
    picture_rows(path, rows, title=title, side=2.6, draw=draw)


def teach(options) -> None:
    """Mesure toutes les méthodes, et dessine ce que trois d'entre elles trouvent."""
    metrics, _, kept = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    rows = [
        [
            label,
            *(percent(metrics[f"{name}_{kind}"]) for kind in ("pck", "paws")),
            f"{number(metrics[f'{name}_px'], 1)} px",
        ]
        for name, label in LABELS.items()
    ]
    near = number(NEAR_PX)
    print(table([f"points à {near} pixels au plus", "tous", "les pattes", "écart médian"], rows))
    path = output_dir(options) / "souris.png"
    save_figure(path, kept["found"], kept["test"])
    print(f"Figure : {path}")


def main(argv: list[str] | None = None) -> int:
    """Lit les options, apprend et mesure."""
    name = "ex28_pose_and_depth.real_mouse"
    parser = lesson_parser(name, __doc__.splitlines()[0], epochs=EPOCHS)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
