"""Quelle méthode explique le mieux ? Les deux aires de chacune, sur des images de test.

D'après : S3 « Introspection d'un CNN ».
Commande : python -m exercises.ex11_curves
Résultat mesuré : models/ex11_curves.json, repris dans docs/resultats.md.

Rien n'est réglé sur les images, qui sont de test.
"""

import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from convnets.core import reports
from convnets.core.cli import check_output
from convnets.core.reports import Report
from convnets.datasets import sources
from convnets.explaining.maps import STUDY_MODEL
from convnets.figures.style import output_dir
from convnets.training import progress, saving
from exercises.ex11_curves.curves import BATCH_SIZE, CELL_PX, area, deletion_and_insertion
from exercises.ex11_curves.methods import CAM_MODEL, with_cam
from exercises.ex11_curves.ranking import CURVES, save_figure, summarise, table

NUM_PICTURES = 200  # les premières images de test de CIFAR-10


# --- Question : quelle méthode explique le mieux ? -----------------------------------


def compare(model: keras.Model, x: np.ndarray, methods: dict, *, cell_px: int = CELL_PX) -> Report:
    """Explique chaque image par chaque méthode, et mesure les deux aires.

    Args:
        model: images uint8 → probabilités ; la classe expliquée est la plus probable.
        x: images `(n, H, W, 3)` uint8.
        methods: rendu par `methods.with_cam`.
        cell_px: voir `pixel_order`.

    Returns:
        Un compte rendu, sans sa commande ; `details` a `curves` (moyennes) et `methods` (titre,
        secondes par image).
    """
    found = {name: [] for name in methods}
    duration_s = dict.fromkeys(methods, 0.0)
    classes = model.predict(x, batch_size=BATCH_SIZE, verbose=0).argmax(1).tolist()
    pictures = list(enumerate(zip(x, classes, strict=True)))
    for number, (image, class_index) in progress.counted(pictures, "images", every=20):
        heatmaps = {}
        for name, method in methods.items():
            start = time.monotonic()
            heatmaps[name] = method.heatmap(model, image, class_index)
            duration_s[name] += (time.monotonic() - start) / len(x)
        curves = deletion_and_insertion(
            model, image, class_index, heatmaps, seed=number, cell_px=cell_px
        )
        for name, pair in curves.items():
            found[name].append(pair)
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


def write_report(report: Report, options, *, trial: bool) -> Path:
    """Écrit le compte rendu, sans modèle, d'un seul coup.

    Args:
        report: mesures, sans la commande, que les options disent.
        options: celles de la commande.
        trial: mesure faite avec d'autres options que le résultat publié : elle va dans `runs/`,
            pour ne pas le remplacer.

    Returns:
        Le fichier, que `read_report` relit.
    """
    command = f"python -m exercises.{options.module} --model {options.model}"
    command += f" --cell {options.cell}"
    command += f" --limit {options.limit}" if options.limit else ""
    report = replace(report, command=command)
    return reports.write_report(options.module, report, models_dir=options.models_dir, trial=trial)


def run_study(options) -> int:
    """Compare les méthodes sur des images de test ; écrit compte rendu et figure ; rend 0."""
    check_output(options)
    model = saving.load_model(options.model, models_dir=options.models_dir)
    files = reports.read_report(options.model, models_dir=options.models_dir).files
    x = sources.load_cifar10()[1][0][: options.limit or NUM_PICTURES]
    if model.input_shape[1:] != x.shape[1:]:
        raise ValueError(
            f"{options.model} lit des images {model.input_shape[1:]}, celles de CIFAR-10 sont "
            f"{x.shape[1:]} : prenez un modèle qui les lit, comme {STUDY_MODEL}."
        )
    if options.cell >= min(x.shape[1:3]):  # tous les ordres n'en feraient qu'un
        raise ValueError(f"--cell {options.cell} : une seule case couvrirait l'image.")
    methods = with_cam(models_dir=options.models_dir)
    if "cam" not in methods:
        print(
            f"CAM est laissée de côté : pas de {CAM_MODEL} dans {options.models_dir} "
            "(python -m exercises.ex09_grad_cam.cam)."
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
