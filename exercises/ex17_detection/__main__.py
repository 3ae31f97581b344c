"""Localiser, puis détecter : entourer chaque objet d'une scène, et le nommer.

Document : S3 « Different problems, models & metrics ».
Commande : python -m exercises.ex17_detection     puis     … ex17_detection photo.png
Résultat mesuré : models/ex17_detection.json, repris dans le README.

Sans image, la commande apprend un réseau qui rend une boîte (`ex17_localization`), puis un
détecteur qui en rend autant qu'il y a d'objets (`ex17_grid`) ; avec une image, elle y dessine
les boîtes du détecteur livré. Les scènes sont composées : leurs boîtes sont exactes, et elles
sont plus faciles que de vraies photographies.
"""

from pathlib import Path

import keras
import numpy as np

from convnets.core.cli import percent, run, training_command, training_parser
from convnets.core.reports import Headline, Metric, Report, read_report
from convnets.datasets import sources
from convnets.datasets.scenes import SCENE_PX, Scenes
from convnets.figures.style import new_figure, output_dir
from convnets.serving.classifier import FRAMING, prepare
from convnets.training import export, saving
from convnets.training import study as training
from convnets.training.precision import choose_precision
from exercises.ex17_detection import figures, metrics
from exercises.ex17_detection.boxes import Detections
from exercises.ex17_detection.grid import decode
from exercises.ex17_detection.study import Measured, make_scenes, measure

EPOCHS = 8
NUM_OBJECTS = (1, 4)  # par scène, au moins et au plus
HEADLINE = (
    ("iou", "un objet : IoU moyenne avec sa boîte"),
    ("iou_mean_box", "un objet : la même, en répondant toujours la boîte moyenne"),
    ("map", "de 1 à 4 objets : précision moyenne (mAP) à IoU 0,5"),
    ("map_without_nms", "de 1 à 4 objets : la même, doublons gardés"),
    ("map_one_box", "de 1 à 4 objets : la même, du réseau d'un objet, qui ne rend qu'une boîte"),
)


# --- Question : localiser, détecter, mesurer -----------------------------------------


def study(options) -> int:
    """Entraîne et mesure chaque graine, enregistre le meilleur détecteur ; rend 0."""
    fashion, cifar = sources.load_fashion_mnist(), sources.load_cifar10()
    print("Composition des scènes…", flush=True)
    one, several = (
        make_scenes(fashion, cifar, num_objects=num_objects, limit=options.limit)
        for num_objects in ((1, 1), NUM_OBJECTS)
    )
    runs = []
    for seed in range(options.seeds):
        print(
            f"Graine {seed} : {len(one['train'].images)} scènes d'un objet, autant de "
            f"plusieurs, {options.epochs} époques.",
            flush=True,
        )
        runs.append(measure(one, several, seed=seed, options=options))
        test = runs[-1].test
        print(
            f"Graine {seed}, test : IoU moyenne {percent(test['iou'])}, mAP "
            f"{percent(test['map'])} ({percent(test['map_without_nms'])} avec les doublons)",
            flush=True,
        )
    best = max(range(len(runs)), key=lambda seed: runs[seed].val_map)
    report = make_report(options, runs, best)
    report.num_images = {part: len(scenes.images) for part, scenes in several.items()}
    report.data_sha256 = {
        "fashion_mnist": sources.dataset_sha256(fashion),
        "cifar10": sources.dataset_sha256(cifar),
    }
    folder, reason = saving.save_model(
        runs[best].model,
        options.module,
        report,
        models_dir=options.models_dir,
        export=(export.export_litert(runs[best].model), "float32"),
        force=options.force,
    )
    if reason:
        print(reason)
    print(f"Modèle écrit dans {folder}/{options.module}.keras (graine {best}).")
    save_figures(options, runs[best], report.metrics, one["test"], several["test"])
    return 0


def make_report(options, runs: list[Measured], best: int) -> Report:
    """Rend le compte rendu de ces entraînements, sans les données."""
    names = list(runs[0].test)
    return Report(
        command=training_command(options),
        headline=[Headline(name, label) for name, label in HEADLINE],
        metrics={name: training.summarise([run.test[name] for run in runs]) for name in names},
        shipped={"seed": best, **runs[best].test},
        score=runs[best].val_map,
        validation=training.summarise([run.val_map for run in runs]),
        seeds=list(range(options.seeds)),
        duration_s=training.summarise([sum(run.history["duration_s"]) for run in runs]),
        precision=choose_precision(options.precision),
        backend=keras.backend.backend(),
        num_parameters=int(runs[best].model.count_params()),
        input_shape=[SCENE_PX, SCENE_PX, 3],
        classes=sources.FASHION_CLASSES,
        classes_fr=sources.FASHION_CLASSES_FR,
        history=runs[best].history,
        details={"min_score": runs[best].min_score},
    )


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
    boxes = metrics.one_box(run.outputs)
    figures.save_scenes(
        folder / "localisation.png", one, boxes, title="Un objet : une boîte (en tirets, la vraie)"
    )
    found = {
        suppress: decode(run.grids, min_score=run.min_score, suppress=suppress)
        for suppress in (True, False)
    }
    figures.save_scenes(
        folder / "detection.png",
        several,
        found[True],
        title="De 1 à 4 objets : le détecteur (en tirets, la vérité)",
    )
    figures.save_duplicates(folder / "doublons.png", several, found[False], found[True])
    judged = {
        "détecteur": metrics.judge(decode(run.grids), several),
        "détecteur, doublons gardés": metrics.judge(decode(run.grids, suppress=False), several),
        "réseau à une boîte": metrics.judge(metrics.one_box(run.one_box), several),
    }
    figures.save_curves(folder / "precision_rappel.png", judged, summary)
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
        figures.draw_scene(axes[0, 0], image, found, np.empty((0, 4)))
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


def main(argv: list[str] | None = None) -> int:
    """Sans image, apprend et mesure ; avec une image, y dessine les boîtes trouvées."""
    parser = training_parser("ex17_detection", __doc__.splitlines()[0], epochs=EPOCHS, seeds=3)
    parser.add_argument(
        "image", nargs="?", help="image où chercher des objets ; sans elle, le modèle est appris"
    )
    options = parser.parse_args(argv)
    return run(lambda: detect(options) if options.image else study(options))


if __name__ == "__main__":
    raise SystemExit(main())
