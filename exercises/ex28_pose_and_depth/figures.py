"""Les articulations, les disparités et les têtes trouvées, dessinées.

D'après : S3 « Pose Estimation », « 3D Reconstruction », « Crowd Understanding ».
Commande : python -m exercises.ex28_pose_and_depth --show
"""

from pathlib import Path

import keras
import numpy as np

from convnets.core.cli import percent
from convnets.core.reports import Report, format_headline, read_report
from convnets.datasets import sources
from convnets.figures.style import COLORS, new_figure, output_dir
from convnets.training import saving
from exercises.ex28_pose_and_depth import counting, data, depth, lessons, pose
from exercises.ex28_pose_and_depth.crowds import Crowds
from exercises.ex28_pose_and_depth.curves import save_measures
from exercises.ex28_pose_and_depth.pairs import MAX_DISPARITY, Pairs
from exercises.ex28_pose_and_depth.puppets import ARMS, LEGS, Puppets

NUM_SHOWN = {"pose": 6, "depth": 4}
NUM_COMPOSED = 6  # images de test que `--show` compose : celles du test commencent toutes ainsi
SHOWN_BINS = (0, 1, 3, 5)  # intervalles de `data.BINS` dont une foule est dessinée
BONES = (*LEGS, *ARMS, (1, 2), (7, 8), (1, 7), (2, 8))


# --- Question : dessiner des articulations -------------------------------------------


def save_poses(puppets: Puppets, scores: np.ndarray, joints: np.ndarray, path: Path) -> None:
    """Dessine des pantins, leurs cartes de chaleur et les articulations trouvées.

    Args:
        puppets: les pantins, `NUM_SHOWN["pose"]` au plus.
        scores: ce que rend le réseau à cartes, `(n, 32, 32, 13)`.
        joints: ce que rend l'autre, `(n, 13, 2)`.
        path: fichier PNG.
    """
    found = pose.decode(scores)
    heat = np.exp(scores - scores.max((1, 2), keepdims=True)).max(-1)  # (n, 32, 32) dans [0, 1]
    side_px = puppets.images.shape[1]
    with new_figure(path, columns=len(heat), rows=3, size=(2.1, 2.25)) as (figure, axes):
        rows = ("les treize cartes", "lu dans les cartes", "coordonnées d'un coup")
        for i in range(len(heat)):
            one = Puppets(*(part[i : i + 1] for part in puppets))
            for axis, places in zip(axes[:, i], (None, found[i], joints[i]), strict=True):
                axis.imshow(puppets.images[i], extent=(0, side_px, side_px, 0))
                axis.set(xticks=[], yticks=[])
                if places is None:
                    axis.imshow(
                        heat[i], extent=(0, side_px, side_px, 0), cmap="inferno", alpha=0.75
                    )
                    continue
                _draw_bones(axis, puppets.joints[i], "white", 1.0)
                _draw_bones(axis, places, COLORS[4], 2.0)
                right = round(len(places) * pose.pck(places[None], one))
                axis.set_title(f"{right} sur {len(places)}")
        for axis, label in zip(axes[:, 0], rows, strict=True):
            axis.set_ylabel(label, weight="bold")
        figure.suptitle(
            "En blanc la vérité, en orange ce qui est trouvé : combien d'articulations le sont "
            "à moins d'un cinquième du torse"
        )


def _draw_bones(axis, joints: np.ndarray, color: str, width: float) -> None:
    for a, b in BONES:
        axis.plot(*joints[[a, b]].T, color=color, linewidth=width)
    axis.scatter(*joints.T, s=9 * width, color=color, zorder=3)


# --- Question : dessiner un relief ---------------------------------------------------


def save_depths(pairs: Pairs, found: dict[str, np.ndarray], path: Path) -> None:
    """Dessine des paires, leur vraie disparité et celles qu'on trouve, en pixels et en mètres.

    Args:
        pairs: les paires.
        found: les disparités `(n, 64, 64)` de chaque méthode.
        path: fichier PNG.
    """
    columns = 4 + len(found)
    with new_figure(path, columns=columns, rows=len(pairs.images), size=(2.1, 2.2)) as (
        figure,
        axes,
    ):
        for i, line in enumerate(axes):
            one = Pairs(*(part[i : i + 1] for part in pairs))
            for axis, view in zip(line, pairs.images[i], strict=False):
                axis.imshow(view, cmap="gray", vmin=0, vmax=255)
            line[3].imshow(pairs.hidden[i], cmap="gray_r", vmin=0, vmax=1)
            maps = {2: pairs.disparity[i]}
            maps |= {4 + k: each[i] for k, each in enumerate(found.values())}
            for column, disparity in maps.items():
                image = line[column].imshow(disparity, vmin=0, vmax=MAX_DISPARITY)
                if column > 2:
                    bad = depth.judge(disparity, one)["bad_all"]
                    line[column].set_title(f"{percent(bad)} faux")
            for axis in line:
                axis.set(xticks=[], yticks=[])
        titles = ["image de gauche", "de droite", "vraie disparité", "caché à droite"]
        for axis, title in zip(axes[-1], [*titles, *map(depth.NAMES_FR.get, found)], strict=True):
            axis.set_xlabel(title, weight="bold")
        bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.01)
        ticks = (2, 4, 6, 8, 12, 16)
        labels = [f"{each} px : {_meters(depth.depth_cm(each))}" for each in ticks]
        bar.set_ticks(ticks, labels=labels)
        figure.suptitle(
            "Plus c'est proche, plus le décalage est grand : profondeur = focale × écartement ÷ "
            f"disparité ({depth.FOCAL_PX:.0f} px, {depth.BASELINE_CM:.0f} cm)"
        )


def _meters(depth_cm: float) -> str:
    return f"{depth_cm / 100:.2f} m".replace(".", ",")


# --- Question : dessiner une foule ---------------------------------------------------


def save_crowds(crowds: Crowds, density, peaks, threshold: float, path: Path) -> None:
    """Dessine des foules, leur densité et leurs têtes détectées, et les trois comptes.

    Args:
        crowds: les foules.
        density: ce que rend le réseau de densité, `(n, 64, 64)`.
        peaks: de même, celui des têtes.
        threshold: seuil des têtes.
        path: fichier PNG.
    """
    sums, numbers = counting.count_density(density), counting.count_peaks(peaks, threshold)
    with new_figure(path, columns=len(density), rows=3, size=(2.9, 3.1)) as (figure, axes):
        for i, (picture, summed, heads) in enumerate(axes.T):
            for axis in (picture, summed, heads):
                axis.set(xticks=[], yticks=[])
            picture.imshow(crowds.images[i])
            picture.set_title(f"{crowds.counts[i]} personnes")
            summed.imshow(density[i], cmap="inferno", vmin=0, vmax=density.max())
            summed.set_title(f"somme de la densité : {sums[i]:.1f}".replace(".", ","))
            heads.imshow(crowds.images[i], alpha=0.6)
            down, across = np.nonzero(counting.find_peaks(peaks[i : i + 1], threshold)[0])
            heads.scatter(across, down, s=14, color=COLORS[1], edgecolor="white", linewidth=0.6)
            heads.set_title(f"têtes détectées : {numbers[i]}")
        most = data.LEARNED_COUNTS[1]
        figure.suptitle(f"Des foules de plus en plus denses ; apprises jusqu'à {most} personnes")


# --- Tout écrire ---------------------------------------------------------------------


def save_examples(model: keras.Model, tests: dict, report: Report, folder: Path) -> None:
    """Écrit `pose.png`, `relief.png` et `foule.png`.

    Args:
        model: les cinq réseaux, rendus par `comparison.assemble`.
        tests: les images de test de chaque leçon.
        report: compte rendu, pour ce que la validation a choisi.
        folder: dossier des figures.
    """

    def ask(name: str, images: np.ndarray) -> np.ndarray:
        return lessons.answer(model.get_layer(name), images)

    puppets = Puppets(*(part[: NUM_SHOWN["pose"]] for part in tests["pose"]))
    scores = ask("pose_heat", puppets.images)
    save_poses(puppets, scores, ask("pose_regression", puppets.images), folder / "pose.png")
    pairs = Pairs(*(part[: NUM_SHOWN["depth"]] for part in tests["depth"]))
    window_px = report.details["windows"]["sad"]
    found = {
        "sad": depth.match_windows(pairs.images, "sad", window_px=window_px),
        "network": ask("depth", pairs.images),
    }
    save_depths(pairs, found, folder / "relief.png")
    counts = tests["crowd"].counts
    firsts = [np.flatnonzero(counts >= data.BINS[k][0])[0] for k in SHOWN_BINS]
    crowds = Crowds(*(part[firsts] for part in tests["crowd"]))
    threshold = report.details["thresholds"][report.shipped["seed"]]
    density, peaks = (ask(f"crowd_{kind}", crowds.images) for kind in counting.TARGETS)
    save_crowds(crowds, density, peaks, threshold, folder / "foule.png")


def save_all(options, report: Report, model: keras.Model, tests: dict) -> None:
    """Écrit les quatre figures et affiche les mesures ; `tests` comme dans `save_examples`."""
    for label, value in format_headline(report):
        print(f"{label} : {value}")
    folder = output_dir(options)
    save_examples(model, tests, report, folder)
    save_measures(report, folder / "trois_taches.png")
    print(f"Figures écrites dans {folder}/")


def show_again(options) -> int:
    """Redit et redessine ce que les réseaux enregistrés ont mesuré, sans apprendre ; rend 0."""
    report = read_report(options.module, models_dir=options.models_dir)
    model = saving.load_model(options.module, models_dir=options.models_dir)
    fashion, cifar = sources.load_fashion_mnist(), sources.load_cifar10()
    save_all(options, report, model, data.make_part("test", fashion, cifar, limit=NUM_COMPOSED))
    return 0
