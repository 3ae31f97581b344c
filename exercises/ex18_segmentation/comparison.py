"""Même budget pour les trois réseaux : les apprendre, les mesurer, en rendre compte.

D'après : S3 « Different problems, models & metrics ».
Commande : python -m exercises.ex18_segmentation
"""

from argparse import Namespace

import keras
import numpy as np
from PIL import Image

from convnets.core.cli import percent, training_command
from convnets.core.reports import Headline, Report, format_metric
from convnets.datasets import sources
from convnets.figures.style import output_dir
from convnets.training import progress, result, saving, study
from convnets.training.precision import choose_precision
from exercises.ex18_segmentation.figures import CLASSES_FR, MEASURES_FR, save_comparison, save_masks
from exercises.ex18_segmentation.measures import iou, measure
from exercises.ex18_segmentation.networks import NAMES_FR, NUM_CLASSES
from exercises.ex18_segmentation.training import NUM_SCENES, make_scenes, predict_masks, train

ANSWERS_FR = {**NAMES_FR, "background": "« fond » partout"}
HEADLINE = (
    ("unet_mean_iou", "IoU moyenne, U-Net"),
    ("plain_mean_iou", "IoU moyenne, le même sans connexions"),
    ("segnet_mean_iou", "IoU moyenne, SegNet"),
    ("background_mean_iou", "IoU moyenne, « fond » partout"),
)
COSTS = (46, 40, 51)  # secondes de chaque réseau, mesurées : la durée prévue en dépend
NUM_SHOWN = 4  # scènes de test sur la figure


def compare(options: Namespace) -> int:
    """Entraîne les trois réseaux pour chaque graine, écrit modèle, compte rendu et figures."""
    datasets = sources.load_fashion_mnist(), sources.load_cifar10()

    def rehearse(options) -> float:
        run_seed(make_scenes(*datasets, limit=options.limit), seed=0, options=options)
        return 0.0  # tout a été mesuré : rien ne s'ajoutera

    num_scenes = min(NUM_SCENES["train"], options.limit or NUM_SCENES["train"])
    options = study.fit_to_minutes(options, rehearse, num_images=num_scenes, stages=COSTS)
    made = make_scenes(*datasets, limit=options.limit)
    with progress.follow(seeds=options.seeds, stages=COSTS, options=options):
        runs = [run_seed(made, seed=seed, options=options) for seed in range(options.seeds)]
    report = make_report(options, runs, made, datasets)
    best = runs[report.shipped["seed"]]
    published = result.published(options.module)
    folder, reason = saving.save_model(
        best["models"]["unet"],
        options.module,
        report,
        models_dir=options.models_dir,
        force=options.force,
    )
    show(options, report, made["test"], best["predicted"])
    result.tell(
        Namespace(**vars(options) | {"models_dir": folder}),
        report,
        reason=reason,
        published=published,
        shown=result.Shown("unet_mean_iou", "IoU moyenne du U-Net"),
        use=result.own_command(options, "image.png", folder=folder),
    )
    return 0


def run_seed(made: dict, *, seed: int, options: Namespace) -> dict:
    """Entraîne et mesure les trois réseaux d'une graine ; rend ce que lit `make_report`."""
    each = {"models": {}, "history": {}, "val": {}, "test": {}, "predicted": {}}
    for kind, name in NAMES_FR.items():
        model, each["history"][kind] = train(kind, made, seed=seed, options=options)
        each["models"][kind] = model
        for part in ("val", "test"):
            each["predicted"][kind] = predict_masks(model, made[part].images)
            each[part][kind] = measure(made[part].masks, each["predicted"][kind])
        progress.say(
            f"Graine {seed}, {name} : IoU moyenne, validation "
            f"{percent(each['val'][kind]['mean_iou'])} ; test "
            f"{percent(each['test'][kind]['mean_iou'])}"
        )
    return each


def make_report(options: Namespace, runs: list[dict], made: dict, datasets) -> Report:
    """Rassemble les mesures de toutes les graines ; le U-Net livré est choisi sur la validation.

    Args:
        options: options de `cli.training_parser`.
        runs: par graine, `models`, `history`, `val`, `test` et `predicted` (masques de test),
            chacun par réseau.
        made: scènes rendues par `make_scenes`.
        datasets: `(Fashion-MNIST, CIFAR-10)`, pour leurs empreintes.

    Returns:
        Un compte rendu prêt pour `saving.save_model`.
    """
    scores = [each["val"]["unet"]["mean_iou"] for each in runs]
    best = int(np.argmax(scores))
    shipped, test = runs[best], made["test"]
    trivial = measure(test.masks, np.zeros_like(test.masks))
    metrics = {
        f"{kind}_{name}": study.summarise([each["test"][kind][name] for each in runs])
        for kind in NAMES_FR
        for name in MEASURES_FR
    }
    # Une réponse sans hasard : la même pour toutes les graines.
    metrics |= {f"background_{k}": study.summarise([v]) for k, v in trivial.items()}
    matrices = {
        kind: study.confusion_matrix(test.masks, shipped["predicted"][kind], NUM_CLASSES)
        for kind in NAMES_FR
    }
    durations = {
        kind: [sum(each["history"][kind]["duration_s"]) for each in runs] for kind in NAMES_FR
    }
    sha256 = [sources.dataset_sha256(each) for each in datasets]
    return Report(
        command=training_command(options),
        headline=[Headline(name, label) for name, label in HEADLINE],
        metrics=metrics,
        shipped={"seed": best, **shipped["test"]["unet"]},
        score=scores[best],
        validation=study.summarise(scores),
        seeds=list(range(options.seeds)),
        duration_s=study.summarise([sum(each) for each in zip(*durations.values(), strict=True)]),
        precision=choose_precision(options.precision),
        backend=keras.backend.backend(),
        num_parameters=int(shipped["models"]["unet"].count_params()),
        parameters={k: int(model.count_params()) for k, model in shipped["models"].items()},
        num_images={name: len(part.images) for name, part in made.items()},
        data_sha256=dict(zip(("fashion_mnist", "cifar10"), sha256, strict=True)),
        input_shape=list(test.images.shape[1:]),
        confusion_matrix=matrices["unet"].tolist(),
        history={
            f"{kind}_{name}": values
            for kind, curves in shipped["history"].items()
            for name, values in curves.items()
        },
        details={
            "duration_by_network_s": {k: study.summarise(v) for k, v in durations.items()},
            # Pas « classes_fr » : `./predict` y lirait un modèle qui classe l'image entière.
            "mask_classes_fr": CLASSES_FR,
            "iou_by_class": {
                kind: [None if np.isnan(each) else float(each) for each in iou(matrix)]
                for kind, matrix in matrices.items()
            },
        },
    )


def show(options: Namespace, report: Report, test, predicted: dict[str, np.ndarray]) -> None:
    """Affiche les mesures, et écrit les figures et une scène de test à segmenter soi-même.

    Args:
        options: options de `cli.training_parser`.
        report: compte rendu de `make_report`.
        test: scènes de test.
        predicted: masques de test `(n, h, w)` par réseau, ceux de la graine livrée.
    """
    folder, shown = output_dir(options), slice(NUM_SHOWN)
    for kind, label in ANSWERS_FR.items():
        print(f"{label} :")
        for name, measured in MEASURES_FR.items():
            value = format_metric(report.metrics[f"{kind}_{name}"])
            print(f"  {measured.replace(chr(10), ' '):<32} {value}")
    masks = {"vérité": test.masks[shown]}
    masks |= {label: predicted[kind][shown] for kind, label in NAMES_FR.items()}
    save_masks(folder / "masques.png", test.images[shown], masks)
    save_comparison(folder / "comparaison.png", report.metrics, ANSWERS_FR)
    Image.fromarray(test.images[0]).save(folder / "scene.png")
    print(
        f"Figures écrites dans {folder}/ ; une scène à segmenter : "
        f"python -m exercises.{options.module} {folder / 'scene.png'}"
    )
