"""Comparer les explications : effacer, ou faire apparaître, ce qu'elles disent important.

Document : S3 « Introspection d'un CNN ».
Commande : python -m exercises.ex11_curves
Résultat mesuré : models/ex11_curves.json.

Une bonne carte met en tête les pixels dont dépend la réponse. Effacés dans son ordre, la
probabilité de la classe tombe vite : l'aire sous la courbe de suppression est petite. Révélés
dans son ordre, sur une image floue, elle monte vite : l'aire d'insertion est grande. Rien
n'est réglé sur les images, qui sont de test.

On efface par cases de 4×4 pixels, et non pixel par pixel (`--cell 1`) : sur une image si petite,
des pixels épars troublent le réseau par eux-mêmes, et le hasard paraît aussi bon que le reste.

Source : Petsiuk, Das et Saenko, « RISE », arXiv 1806.07421, 2018 (les deux courbes) ; Samek
et al., arXiv 1509.06321, 2015 (effacer par cases).
"""

import time

import keras
import numpy as np
from scipy import ndimage

from convnets.core import reports
from convnets.core.cli import FrenchParser, add_folders, positive_int, run
from convnets.core.reports import Report
from convnets.datasets import sources
from convnets.explaining.maps import STUDY_MODEL
from convnets.figures.style import output_dir
from convnets.training import saving
from exercises.ex11_curves.methods import CAM_MODEL, with_cam
from exercises.ex11_curves.report import CURVES, save_figure, summarise, table, write_report

NUM_PICTURES = 200  # les premières images de test de CIFAR-10
NUM_STEPS = 16  # pas d'une courbe : 64 pixels à la fois, sur une image de 32×32
CELL_PX = 4  # côté des cases, en pixels ; choisi sur des images de validation
BLUR = 1 / 6  # écart-type du flou de l'insertion, en part du côté de l'image
BATCH_SIZE = 256


# --- Question : effacer, ou faire apparaître, les pixels dans l'ordre d'une carte ----


def pixel_order(heatmap: np.ndarray, *, seed: int, cell_px: int = CELL_PX) -> np.ndarray:
    """Range les pixels du plus important au moins important, case par case.

    Args:
        heatmap: carte `(H, W)`.
        seed: graine du tirage entre cases égales ; sans lui, les zéros d'une carte partiraient
            ligne par ligne, du haut de l'image.
        cell_px: côté des cases ; une case vaut la moyenne de ses pixels.

    Returns:
        Numéros des pixels, `(H · W,)`.
    """
    rows, columns = np.indices(heatmap.shape) // cell_px
    cells = (rows * (columns.max() + 1) + columns).reshape(-1)
    means = np.bincount(cells, heatmap.reshape(-1)) / np.bincount(cells)
    ties = np.random.default_rng(seed).permutation(len(means))
    return np.lexsort((ties[cells], -means[cells]))


def frames(start: np.ndarray, end: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Passe d'une image à une autre en `NUM_STEPS` pas, pixel par pixel.

    Args:
        start: `(H, W, 3)` uint8.
        end: `(H, W, 3)` uint8.
        order: rendu par `pixel_order`.

    Returns:
        `(NUM_STEPS + 1, H, W, 3)` uint8, de `start` à `end`.
    """
    place = np.empty(order.size, int)
    place[order] = np.arange(order.size)
    counts = np.linspace(0, order.size, NUM_STEPS + 1).round()
    changed = place.reshape(1, *start.shape[:2], 1) < counts.reshape(-1, 1, 1, 1)
    return np.where(changed, end, start)


def deletion_and_insertion(
    model: keras.Model,
    image: np.ndarray,
    class_index: int,
    heatmaps: dict,
    *,
    seed: int = 0,
    cell_px: int = CELL_PX,
) -> dict[str, np.ndarray]:
    """Trace les deux courbes de chaque carte, en un seul appel du réseau.

    Args:
        model: images uint8 → probabilités.
        image: `(H, W, 3)` uint8.
        class_index: classe expliquée.
        heatmaps: cartes `(H, W)` par nom.
        seed: voir `pixel_order` ; le même tirage sert à toutes les cartes.
        cell_px: voir `pixel_order`.

    Returns:
        Par nom, `(2, NUM_STEPS + 1)` float32 : les probabilités de la suppression, sous la
        couleur moyenne de l'image, puis celles de l'insertion, sur l'image floue.
    """
    ground = np.broadcast_to(image.mean((0, 1)).round().astype(np.uint8), image.shape)
    sigmas = (BLUR * image.shape[0], BLUR * image.shape[1], 0)
    blurred = ndimage.gaussian_filter(image.astype(float), sigmas).round().astype(np.uint8)
    orders = [pixel_order(each, seed=seed, cell_px=cell_px) for each in heatmaps.values()]
    batch = [
        each
        for order in orders
        for each in (frames(image, ground, order), frames(blurred, image, order))
    ]
    found = model.predict(np.concatenate(batch), batch_size=BATCH_SIZE, verbose=0)
    curves = found[:, class_index].reshape(len(heatmaps), 2, NUM_STEPS + 1)
    return dict(zip(heatmaps, curves, strict=True))


def area(curve: np.ndarray) -> float:
    """Rend l'aire sous une courbe de `NUM_STEPS + 1` points, la part des pixels allant de 0 à 1."""
    return float(np.trapezoid(curve, dx=1 / (len(curve) - 1)))


# --- Question : quelle méthode explique le mieux ? -----------------------------------


def compare(model: keras.Model, x: np.ndarray, methods: dict, *, cell_px: int = CELL_PX) -> Report:
    """Explique chaque image par chaque méthode, et mesure les deux aires.

    Args:
        model: images uint8 → probabilités ; la classe expliquée est la plus probable.
        x: images `(n, H, W, 3)` uint8.
        methods: rendu par `ex11_methods.with_cam`.
        cell_px: voir `pixel_order`.

    Returns:
        Un compte rendu, sans sa commande ; `details` a `curves` (moyennes) et `methods` (titre,
        secondes par image).
    """
    found = {name: [] for name in methods}
    duration_s = dict.fromkeys(methods, 0.0)
    classes = model.predict(x, batch_size=BATCH_SIZE, verbose=0).argmax(1).tolist()
    for number, (image, class_index) in enumerate(zip(x, classes, strict=True)):
        heatmaps = {}
        for name, method in methods.items():
            start = time.monotonic()
            heatmaps[name] = method.function(model, image, class_index)
            duration_s[name] += (time.monotonic() - start) / len(x)
        curves = deletion_and_insertion(
            model, image, class_index, heatmaps, seed=number, cell_px=cell_px
        )
        for name, pair in curves.items():
            found[name].append(pair)
        if (number + 1) % 20 == 0:
            print(f"{number + 1} images sur {len(x)}", flush=True)
    metrics, shown, costs = {}, {}, {}
    for name, pairs in found.items():
        pairs = np.stack(pairs)  # (n, 2, NUM_STEPS + 1)
        for k, curve in enumerate(CURVES):
            areas = [area(pair[k]) for pair in pairs]
            metrics[f"{curve} {name}"] = summarise(areas)
        means = pairs.mean(0).round(4).tolist()
        shown[name] = dict(zip(CURVES, means, strict=True))
        costs[name] = {"title": methods[name].title, "duration_s": duration_s[name]}
    return Report(command="", metrics=metrics, details={"curves": shown, "methods": costs})


def study(options) -> int:
    """Compare les méthodes sur des images de test ; écrit compte rendu et figure ; rend 0."""
    model = saving.load_model(options.model, models_dir=options.models_dir)
    files = reports.read_report(options.model, models_dir=options.models_dir).files
    x = sources.load_cifar10()[1][0][: options.limit or NUM_PICTURES]
    if model.input_shape[1:] != x.shape[1:]:
        raise ValueError(
            f"{options.model} lit des images {model.input_shape[1:]}, celles de CIFAR-10 sont "
            f"{x.shape[1:]} : prenez un modèle qui les lit, comme {STUDY_MODEL}."
        )
    methods = with_cam(models_dir=options.models_dir)
    if "cam" not in methods:
        print(
            f"CAM est laissée de côté : pas de {CAM_MODEL} dans {options.models_dir} "
            f"(python -m exercises.{CAM_MODEL})."
        )
    report = compare(model, x, methods, cell_px=options.cell)
    report.num_images = {"test": len(x)}
    report.details["cell_px"] = options.cell
    report.details["model"] = {"name": options.model, "files": files}
    print(table(report))
    published = (None, CELL_PX, STUDY_MODEL)
    trial = (options.limit, options.cell, options.model) != published
    print(write_report(report, options, trial=trial))
    print(save_figure(report, output_dir(options) / "aires.png"))
    return 0


def main(argv: list[str] | None = None) -> int:
    """Mesure ce que valent les méthodes d'explication."""
    parser = FrenchParser(
        prog="python -m exercises.ex11_curves", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--limit",
        type=positive_int,
        metavar="N",
        help=f"n'utiliser que les N premières images ({NUM_PICTURES} par défaut)",
    )
    parser.add_argument(
        "--cell",
        type=positive_int,
        default=CELL_PX,
        metavar="PX",
        help=f"côté des cases effacées, en pixels ({CELL_PX} par défaut)",
    )
    parser.add_argument(
        "--model",
        default=STUDY_MODEL,
        metavar="NOM",
        help=f"modèle de models/ à expliquer ({STUDY_MODEL} par défaut)",
    )
    add_folders(parser, "ex11_curves", models="où lire les modèles, et écrire le résultat")
    options = parser.parse_args(argv)
    return run(lambda: study(options))


if __name__ == "__main__":
    raise SystemExit(main())
