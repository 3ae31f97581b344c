"""Une boîte ou plusieurs : mesurer les deux réseaux sur toutes les graines, garder le meilleur.

D'après : S3 « Different problems, models & metrics ».
Commande : python -m exercises.ex17_detection
"""

from argparse import Namespace

import keras

from convnets.core.cli import percent, training_command
from convnets.core.reports import Headline, Report
from convnets.datasets import sources
from convnets.datasets.scenes import SCENE_PX, Scenes
from convnets.training import export, progress, result, saving, study
from convnets.training.precision import choose_precision
from exercises.ex17_detection.figures import save_figures
from exercises.ex17_detection.training import NUM_SCENES, Measured, make_scenes, measure

EPOCHS = 8
NUM_OBJECTS = (1, 4)  # par scène, au moins et au plus
HEADLINE = (
    ("iou", "un objet : IoU moyenne avec sa boîte"),
    ("iou_mean_box", "un objet : la même, en répondant toujours la boîte moyenne"),
    ("map", "de 1 à 4 objets : précision moyenne (mAP) à IoU 0,5"),
    ("map_without_nms", "de 1 à 4 objets : la même, doublons gardés"),
    ("map_one_box", "de 1 à 4 objets : la même, du réseau d'un objet, qui ne rend qu'une boîte"),
)


def compare(options) -> int:
    """Entraîne et mesure chaque graine, enregistre le meilleur détecteur ; rend 0."""
    fashion, cifar = sources.load_fashion_mnist(), sources.load_cifar10()

    def compose(options) -> list[dict[str, Scenes]]:
        print("Composition des scènes…", flush=True)
        return [
            make_scenes(fashion, cifar, num_objects=num_objects, limit=options.limit)
            for num_objects in ((1, 1), NUM_OBJECTS)
        ]

    def rehearse(options) -> float:
        measure(*compose(options), seed=0, options=options)
        return 0.0  # tout a été mesuré : rien ne s'ajoutera

    num_scenes = min(NUM_SCENES["train"], options.limit or NUM_SCENES["train"])
    options = study.fit_to_minutes(options, rehearse, num_images=num_scenes, stages=2)
    one, several = compose(options)
    runs = []
    with progress.follow(seeds=options.seeds, stages=2, options=options):
        for seed in range(options.seeds):
            runs.append(measure(one, several, seed=seed, options=options))
            test = runs[-1].test
            progress.say(
                f"Graine {seed}, test : IoU moyenne {percent(test['iou'])}, mAP "
                f"{percent(test['map'])} ({percent(test['map_without_nms'])} avec les doublons)"
            )
    best = max(range(len(runs)), key=lambda seed: runs[seed].val_map)
    report = make_report(options, runs, best)
    report.num_images = {part: len(scenes.images) for part, scenes in several.items()}
    report.data_sha256 = {
        "fashion_mnist": sources.dataset_sha256(fashion),
        "cifar10": sources.dataset_sha256(cifar),
    }
    published = result.published(options.module)
    folder, reason = saving.save_model(
        runs[best].model,
        options.module,
        report,
        models_dir=options.models_dir,
        export=(export.export_litert(runs[best].model), "float32"),
        force=options.force,
    )
    save_figures(options, runs[best], report.metrics, one["test"], several["test"])
    result.tell(
        Namespace(**vars(options) | {"models_dir": folder}),
        report,
        reason=reason,
        published=published,
        shown=result.Shown("map", "Précision moyenne (mAP)"),
        use=result.own_command(options, "photo.png", folder=folder),
    )
    return 0


def make_report(options, runs: list[Measured], best: int) -> Report:
    """Rend le compte rendu de ces entraînements, sans les données."""
    names = list(runs[0].test)
    return Report(
        command=training_command(options),
        headline=[Headline(name, label) for name, label in HEADLINE],
        metrics={name: study.summarise([run.test[name] for run in runs]) for name in names},
        shipped={"seed": best, **runs[best].test},
        score=runs[best].val_map,
        validation=study.summarise([run.val_map for run in runs]),
        seeds=list(range(options.seeds)),
        duration_s=study.summarise([sum(run.history["duration_s"]) for run in runs]),
        precision=choose_precision(options.precision),
        backend=keras.backend.backend(),
        num_parameters=int(runs[best].model.count_params()),
        input_shape=[SCENE_PX, SCENE_PX, 3],
        classes=sources.FASHION_CLASSES,
        classes_fr=sources.FASHION_CLASSES_FR,
        history=runs[best].history,
        details={"min_score": runs[best].min_score},
    )
