"""Les figures de la détection : boîtes dessinées, doublons, précision selon le rappel.

D'après : S3 « Different problems, models & metrics ».

Les vraies boîtes sont en blanc, tiretées ; les boîtes trouvées ont une couleur par classe.
"""

from pathlib import Path

import numpy as np

from convnets.core.cli import percent
from convnets.core.reports import Metric, format_seeds, read_report
from convnets.datasets import sources
from convnets.datasets.scenes import ABSENT, SCENE_PX, Scenes
from convnets.figures.style import COLORS, INK, new_figure, output_dir, spreads
from convnets.serving.classifier import FRAMING, prepare
from convnets.training import saving
from exercises.ex17_detection.boxes import Detections, precision_recall
from exercises.ex17_detection.grid import decode
from exercises.ex17_detection.metrics import Judged, judge, one_box
from exercises.ex17_detection.training import Measured

LABEL_PX, LABEL_WIDTH_PX = 4, 28  # taille d'une étiquette, en pixels de la scène
NUM_SHOWN = 8  # scènes d'une figure, en deux lignes
# Une couleur par classe, toutes visibles sur une photographie.
CLASS_COLORS = (
    "#56B4E9",
    "#E69F00",
    "#00C48C",
    "#F0E442",
    "#FF6A2B",
    "#E58AC0",
    "#4C8DFF",
    "#9BE564",
    "#FF4D6D",
    "#C9A0FF",
)


# --- Question : où sont les objets ? -------------------------------------------------


def draw_scene(
    axis, image: np.ndarray, found: Detections, truth: np.ndarray, true_labels=()
) -> None:
    """Dessine une image, ses vraies boîtes et celles qu'on a trouvées.

    Args:
        axis: cadre Matplotlib.
        image: uint8 `(64, 64, 3)`.
        found: boîtes trouvées, avec leurs classes et leurs scores.
        truth: vraies boîtes `(m, 4)` ; aucune si l'on ne les connaît pas.
        true_labels: leurs classes `(m,)`, écrites sous l'image dans l'ordre des boîtes.
    """
    from matplotlib.patches import Rectangle

    if len(true_labels):
        names = [sources.FASHION_CLASSES_FR[label] for label in true_labels]
        lines = [", ".join(names[k : k + 2]) for k in range(0, len(names), 2)]
        text = "vrai : " + ",\n".join(lines)
        axis.text(0.5, -0.02, text, transform=axis.transAxes, ha="center", va="top", fontsize=8)
    rows = label_rows(found.boxes)

    extent = (0, SCENE_PX, SCENE_PX, 0)  # le coin d'un pixel, et non son centre, est entier
    axis.imshow(image, extent=extent, interpolation="bicubic")
    axis.set(xlim=(0, SCENE_PX), ylim=(SCENE_PX, 0))
    axis.axis("off")
    for x0, y0, x1, y1 in truth:
        axis.add_patch(
            Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, color="white", ls="--", lw=1.4)
        )
    for (x0, y0, x1, y1), score, label, row in zip(*found, rows, strict=True):
        color = CLASS_COLORS[label]
        axis.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, color=color, lw=1.8))
        right = x0 > SCENE_PX / 2  # l'étiquette reste dans l'image
        name = f"{sources.FASHION_CLASSES_FR[label]} {100 * score:.0f} %"
        axis.text(
            x1 if right else x0,
            row,
            name,
            ha="right" if right else "left",
            va="bottom",
            fontsize=7.5,
            color=INK,
            zorder=5,  # devant toutes les boîtes
            bbox={"facecolor": color, "edgecolor": "none", "pad": 1, "alpha": 0.9},
        )


def label_rows(boxes: np.ndarray) -> list[float]:
    """Choisit la hauteur de chaque étiquette : celle de sa boîte, sauf si une autre y est déjà.

    Args:
        boxes: `(m, 4)`, en pixels.

    Returns:
        L'ordonnée du bas de chaque étiquette, à au moins `LABEL_PX` de toute autre qui
        la toucherait.
    """
    placed = []
    for x0, y0, x1, _ in boxes:
        left = x1 - LABEL_WIDTH_PX if x0 > SCENE_PX / 2 else x0
        row = max(y0, LABEL_PX)
        while any(abs(row - y) < LABEL_PX and abs(left - x) < LABEL_WIDTH_PX for x, y in placed):
            row += LABEL_PX
        placed.append((left, row))
    return [float(row) for _, row in placed]


def save_scenes(path: Path, scenes: Scenes, found: list[Detections], *, title: str) -> Path:
    """Dessine les premières scènes d'un jeu, sans choisir, dans un fichier `.png`.

    Args:
        path: fichier PNG.
        scenes: les scènes et leur vérité.
        found: les boîtes trouvées dans chacune.
        title: titre de la figure.

    Returns:
        `path`.
    """
    with new_figure(path, columns=NUM_SHOWN // 2, rows=2, size=(2.7, 3.1)) as (figure, axes):
        for axis in axes.flat:
            axis.axis("off")
        for i, axis in zip(range(len(found)), axes.flat, strict=False):
            there = scenes.labels[i] != ABSENT
            truth, labels = scenes.boxes[i][there], scenes.labels[i][there]
            draw_scene(axis, scenes.images[i], found[i], truth, labels)
        figure.suptitle(title)
    return path


# --- Question : que fait la suppression des doublons ? -------------------------------


def save_duplicates(
    path: Path, scenes: Scenes, before: list[Detections], after: list[Detections]
) -> Path:
    """Dessine les scènes où elle supprime le plus de boîtes, avant et après.

    Args:
        path: fichier PNG.
        scenes: les scènes et leur vérité.
        before: boîtes trouvées dans chacune, doublons compris.
        after: celles qui restent.

    Returns:
        `path`.
    """
    removed = np.array([len(b.boxes) - len(a.boxes) for b, a in zip(before, after, strict=True)])
    most = np.argsort(-removed, kind="stable")[: NUM_SHOWN // 2]
    with new_figure(path, columns=NUM_SHOWN // 2, rows=2, size=(2.7, 2.9)) as (figure, axes):
        for row, (name, found) in enumerate((("avant", before), ("après", after))):
            for axis in axes[row]:
                axis.axis("off")
            for axis, i in zip(axes[row], most, strict=False):
                truth = scenes.boxes[i][scenes.labels[i] != ABSENT]
                draw_scene(axis, scenes.images[i], found[i], truth)
                axis.set_title(f"{name} : {len(found[i].boxes)} boîtes", fontsize=9)
        figure.suptitle("La suppression des doublons, là où elle supprime le plus")
    return path


# --- Question : précision selon le rappel --------------------------------------------


def save_curves(path: Path, judged: dict[str, Judged], metrics: dict[str, Metric]) -> Path:
    """Trace la précision selon le rappel, et la précision moyenne de chaque classe.

    Args:
        path: fichier PNG.
        judged: par nom de courbe, des détections jugées, toutes classes ensemble.
        metrics: mesures du compte rendu ; celles qui commencent par `ap ` sont montrées.

    Returns:
        `path`.
    """
    names = dict(zip(sources.FASHION_CLASSES, sources.FASHION_CLASSES_FR, strict=True))
    bars = sorted(
        (metric.mean, names[key[3:]], metric)
        for key, metric in metrics.items()
        if key.startswith("ap ")
    )
    with new_figure(path, columns=2, size=(5.4, 4.2)) as (_, axes):
        axis = axes[0, 0]
        for (name, each), style in zip(judged.items(), ("-", "--", ":"), strict=False):
            precision, recall = precision_recall(each.scores, each.correct, each.num_objects.sum())
            axis.plot(recall, precision, style, label=name)
        axis.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="rappel", ylabel="précision")
        axis.set_title("Toutes les classes ensemble")
        axis.legend(loc="lower left")
        axis = axes[0, 1]
        means, labels, each = zip(*bars, strict=True)
        lines = {"lw": 1, "capsize": 2}
        axis.barh(labels, means, xerr=spreads(each), color=COLORS[0], error_kw=lines)
        for row, mean in enumerate(means):
            axis.text(0.02, row, percent(mean), va="center", color="white", fontsize=8)
        axis.set(xlim=(0, 1), xlabel=f"précision moyenne ({format_seeds(metrics['map'])})")
        axis.set_title("Classe par classe")
    return path


# --- Question : que trouve une graine ? ----------------------------------------------


def save_figures(
    options, run: Measured, summary: dict[str, Metric], one: Scenes, several: Scenes
) -> None:
    """Dessine ce qu'une graine trouve dans les scènes de test.

    Args:
        options: options de `cli.training_parser`.
        run: la graine montrée.
        summary: mesures de toutes les graines, `metrics` du compte rendu.
        one: scènes de test d'un objet.
        several: scènes de test de un à plusieurs objets.
    """
    folder = output_dir(options)
    boxes = one_box(run.outputs)
    save_scenes(
        folder / "localisation.png", one, boxes, title="Un objet : une boîte (en tirets, la vraie)"
    )
    found = {
        suppress: decode(run.grids, min_score=run.min_score, suppress=suppress)
        for suppress in (True, False)
    }
    save_scenes(
        folder / "detection.png",
        several,
        found[True],
        title="De 1 à 4 objets : le détecteur (en tirets, la vérité)",
    )
    save_duplicates(folder / "doublons.png", several, found[False], found[True])
    judged = {
        "détecteur": judge(decode(run.grids), several),
        "détecteur, doublons gardés": judge(decode(run.grids, suppress=False), several),
        "réseau à une boîte": judge(one_box(run.one_box), several),
    }
    save_curves(folder / "precision_rappel.png", judged, summary)
    print(f"Figures écrites dans {folder}/")


# --- Question : et dans une photographie ? -------------------------------------------


def detect(options) -> int:
    """Dessine les boîtes que le modèle livré trouve dans une image ; rend 0."""
    report = read_report(options.module, models_dir=options.models_dir)
    image = prepare(options.image, tuple(report.input_shape), framing=FRAMING)
    model = saving.load_model(options.module, models_dir=options.models_dir)
    found = decode(model.predict(image[None], verbose=0), min_score=report.details["min_score"])[0]
    print(describe(found))
    path = output_dir(options) / f"{Path(options.image).stem}_boites.png"
    with new_figure(path, size=(5.0, 5.2)) as (figure, axes):
        draw_scene(axes[0, 0], image, found, np.empty((0, 4)))
        figure.suptitle(f"{len(found.boxes)} objet{'s' if len(found.boxes) > 1 else ''}")
    print(path)
    return 0


def describe(found: Detections) -> str:
    """Écrit une ligne par boîte, en pixels de l'image réduite, ou qu'il n'y en a aucune."""
    if not len(found.boxes):
        return "Aucun objet trouvé : le modèle ne connaît que des vêtements de Fashion-MNIST."
    lines = []
    for (x0, y0, x1, y1), score, label in zip(*found, strict=True):
        lines.append(
            f"{sources.FASHION_CLASSES_FR[label]}, {percent(score)} : "
            f"de ({x0:.0f}, {y0:.0f}) à ({x1:.0f}, {y1:.0f})"
        )
    return "\n".join(lines)
