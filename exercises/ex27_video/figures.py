"""Les trajectoires dessinées sur les images, les films et leurs réponses, les mesures.

D'après : S3 « Object Tracking », « Action Recognition ».
Commande : python -m exercises.ex27_video --show
"""

from pathlib import Path

import numpy as np

from convnets.core.cli import agreed, percent
from convnets.core.reports import Metric, Report, format_metric, read_report
from convnets.datasets import sources
from convnets.figures.style import COLORS, INK, new_figure, output_dir, spreads
from convnets.training import saving
from exercises.ex27_video.clips import CLASSES_FR, compose_clips, shuffle_frames
from exercises.ex27_video.tracking import MEMORY, METHODS, track
from exercises.ex27_video.training import SEEDS
from exercises.ex27_video.videos import Video, compose_video, detect

SHOWN_VIDEO = 3  # graine de la vidéo dessinée, une de celles du premier tirage
SHOWN_TIMES = (8, 16, 24, 32, 40, 48)
TRAIL = 8  # positions passées qu'une piste laisse derrière elle
TRACKING = {
    "unlinked": "un numéro neuf à chaque boîte",
    "neighbour": "voisin : l'image d'avant seule",
    "memory": f"mémoire de {MEMORY} images, sans vitesse",
    "kalman": "mémoire et vitesse (Kalman)",
}
ACTIONS = {
    "constant": "toujours la même réponse",
    "mean": "2D, image moyenne",
    "frames": "2D, image par image",
    "stack": "2D, huit images empilées",
    "conv3d": "convolution 3D",
    "shuffled": "convolution 3D, images mélangées",
}
NUM_SHOWN = 6  # films dessinés : un de chaque classe


# --- Question : que donne un suivi, image par image ? --------------------------------


def save_tracks(video: Video, detections: list[np.ndarray], path: Path) -> None:
    """Dessine deux façons de suivre sur les mêmes images, une couleur par identité.

    Args:
        video: la vidéo.
        detections: ses détections, rendues par `videos.detect`.
        path: fichier PNG.
    """
    shown = ("neighbour", "kalman")
    columns = len(SHOWN_TIMES)
    with new_figure(path, columns=columns, rows=2, size=(2.5, 2.75)) as (figure, axes):
        for line, name in zip(axes, shown, strict=True):
            ids = track(detections, METHODS[name])
            line[0].set_ylabel(TRACKING[name], weight="bold")
            for axis, t in zip(line, SHOWN_TIMES, strict=True):
                axis.imshow(video.frames[t])
                axis.set(xticks=[], yticks=[])
                for identity, box in zip(ids[t], detections[t], strict=True):
                    _draw_track(axis, identity, box, _trail(identity, ids, detections, t))
                used = len(set(np.concatenate(ids[: t + 1]).tolist()))
                axis.set_title(f"image {t} : {agreed(used, 'numéro donné', 'numéros donnés')}")
        figure.suptitle(
            f"{video.boxes.shape[1]} objets, mêmes détections : le numéro survit-il au pilier ? "
            "(sans boîte : caché plus qu'à moitié, ou manqué par le détecteur)"
        )


def _trail(identity: int, ids, detections, t: int) -> np.ndarray:
    """Rend les centres `(n, 2)` des dernières boîtes d'une identité."""
    seen = [
        detections[s][ids[s] == identity].reshape(-1, 2, 2).mean(1)
        for s in range(max(0, t - TRAIL), t + 1)
    ]
    return np.concatenate(seen)


def _draw_track(axis, identity: int, box: np.ndarray, trail: np.ndarray) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    color = colormaps["tab20"](identity % 20)
    x0, y0, x1, y1 = box
    axis.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, color=color, linewidth=2))
    axis.plot(*trail.T, color=color, linewidth=2)
    axis.text(
        x0,
        y0,
        identity,
        color="white",
        fontsize=9,
        weight="bold",
        va="center",
        bbox={"facecolor": color, "edgecolor": "none", "pad": 1.5},
        clip_on=True,
    )


# --- Question : que répond-on d'un film ? --------------------------------------------


def save_clips(clips, labels, probabilities, shuffled, path: Path) -> None:
    """Dessine des films et leurs réponses, dans l'ordre et mélangés.

    Args:
        clips: uint8 `(n, 8, 32, 32)`, chaque film suivi de son jumeau.
        labels: leurs classes `(n,)`.
        probabilities: réponses de la convolution 3D `(n, 6)`.
        shuffled: de même, les images mélangées.
        path: fichier PNG.
    """
    with new_figure(path, rows=len(clips), size=(12.2, 1.2)) as (figure, axes):
        for axis, clip, label, answer, mixed in zip(
            axes[:, 0], clips, labels, probabilities, shuffled, strict=True
        ):
            padded = np.pad(clip, ((0, 0), (0, 0), (0, 2)), constant_values=255)  # un blanc
            strip = np.concatenate([*padded], axis=1)  # (32, 8 × 34)
            axis.imshow(strip, cmap="gray", vmin=0, vmax=255)
            axis.axis("off")
            axis.set_anchor("W")  # la réponse tient à droite
            for height, text, given in ((8, "", answer), (24, "mélangé : ", mixed)):
                guess = int(given.argmax())
                axis.text(
                    strip.shape[1] + 4,
                    height,
                    f"{text}{CLASSES_FR[guess]}\n{percent(given[guess])}",
                    color=COLORS[2] if guess == label else COLORS[1],
                    weight="normal" if text else "bold",
                    va="center",
                )
        figure.suptitle(
            "Deux films qui se suivent ont les mêmes images, dans un autre ordre.\n"
            "À droite, ce que répond la convolution 3D (vert : juste ; orange : faux)."
        )


# --- Question : que vaut chacun ? ----------------------------------------------------


def save_measures(report: Report, path: Path) -> None:
    """Compare les façons de suivre, puis les réseaux ; la barre d'erreur est l'écart-type.

    Args:
        report: compte rendu, `models/ex27_video.json`.
        path: fichier PNG.
    """
    panels = (
        ("Suivre : MOTA et IDF1", (("mota", "MOTA"), ("idf1", "IDF1")), TRACKING),
        ("Reconnaître six actions", (("accuracy", "exactitude"), ("order", "ordre")), ACTIONS),
    )
    with new_figure(path, columns=2, size=(6.6, 3.8)) as (_, axes):
        for axis, (title, measures, rows) in zip(axes[0], panels, strict=True):
            for k, (measure, label) in enumerate(measures):
                for row, name in enumerate(rows):
                    metric = report.metrics.get(f"{measure}_{name}")
                    if metric is None:  # l'ordre n'a pas de sens pour une réponse constante
                        continue
                    place, color = row + 0.38 * (k - 0.5), (COLORS[5], COLORS[0])[k]
                    axis.barh(
                        place,
                        100 * metric.mean,
                        xerr=spreads([metric], scale=100),
                        color=color,
                        height=0.36,
                        capsize=2,
                        label=label if row == len(rows) - 1 else None,
                    )
                    # Un nombre arrondi, sans signe s'il est nul ; à côté d'une barre trop courte.
                    inside = metric.mean > 0.1
                    axis.text(
                        1.5 if inside else 4,
                        place,
                        percent(round(metric.mean, 3) + 0.0),
                        color="white" if inside and k else INK,
                        va="center",
                        fontsize=9,
                    )
            axis.set_yticks(range(len(rows)), rows.values())
            axis.invert_yaxis()
            axis.set(title=title, xlim=(0, 100), xlabel="%")
            axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2)
        axes[0, 1].axvline(50, color=INK, linestyle=":", linewidth=1)


def tracking_table(metrics: dict[str, Metric]) -> str:
    """Met en tableau MOTA, IDF1 et changements d'identité de chaque façon de suivre."""
    lines = [f"{'suivi':<36} {'MOTA':>16} {'IDF1':>16} {'changements par vidéo':>22}"]
    for name, label in TRACKING.items():
        shares = [f"{format_metric(metrics[f'{each}_{name}']):>16}" for each in ("mota", "idf1")]
        switches = f"{metrics[f'switches_{name}'].mean:.1f}".replace(".", ",")
        lines.append(f"{label:<36} {' '.join(shares)} {switches:>22}")
    return "\n".join(lines)


def actions_table(metrics: dict[str, Metric]) -> str:
    """Met en tableau l'exactitude et l'ordre de chaque réseau."""
    lines = [f"{'actions':<36} {'exactitude':>16} {'ordre':>16}"]
    for name, label in ACTIONS.items():
        given = [metrics.get(f"{each}_{name}") for each in ("accuracy", "order")]
        shares = [f"{format_metric(each) if each else '-':>16}" for each in given]
        lines.append(f"{label:<36} {' '.join(shares)}")
    return "\n".join(lines)


def save_examples(model, objects, backgrounds, folder: Path) -> None:
    """Écrit `suivi.png`, une vidéo suivie de deux façons, et `films.png`, six films.

    Args:
        model: la convolution 3D.
        objects: vêtements de test uint8 `(m, 28, 28)`.
        backgrounds: photographies de test uint8 `(f, 32, 32, 3)`.
        folder: dossier des figures.
    """
    video = compose_video(objects, backgrounds, seed=SHOWN_VIDEO)
    save_tracks(video, detect(video, seed=SHOWN_VIDEO), folder / "suivi.png")
    clips, labels = compose_clips(
        objects, backgrounds, num_clips=NUM_SHOWN, seed=SEEDS["test"], twins=True
    )
    answers = [model.predict(each, verbose=0) for each in (clips, shuffle_frames(clips, seed=0))]
    save_clips(clips, labels, *answers, folder / "films.png")


def save_all(options, report: Report, model, objects, backgrounds) -> None:
    """Écrit les trois figures et affiche les mesures des réseaux.

    Args:
        options: options de `cli.training_parser`.
        report: compte rendu.
        model: la convolution 3D.
        objects: vêtements de test uint8 `(m, 28, 28)`.
        backgrounds: photographies de test uint8 `(f, 32, 32, 3)`.
    """
    print(actions_table(report.metrics))
    folder = output_dir(options)
    save_examples(model, objects, backgrounds, folder)
    save_measures(report, folder / "video.png")
    print(f"Figures écrites dans {folder}/")


def show_again(options) -> int:
    """Redit et redessine ce que le modèle enregistré a mesuré, sans apprendre ; rend 0."""
    report = read_report(options.module, models_dir=options.models_dir)
    model = saving.load_model(options.module, models_dir=options.models_dir)
    _, (objects, _) = sources.load_fashion_mnist()
    _, (backgrounds, _) = sources.load_cifar10()
    print(tracking_table(report.metrics))
    save_all(options, report, model, objects, backgrounds)
    return 0
