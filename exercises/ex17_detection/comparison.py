"""Une boîte ou plusieurs : mesurer tous les réseaux sur toutes les graines, garder le meilleur.

D'après : S3 « Different problems, models & metrics ».
Commande : python -m exercises.ex17_detection
"""

from argparse import Namespace
from dataclasses import replace

import keras

from convnets.core.cli import percent, training_command
from convnets.core.reports import Headline, Report, format_headline, read_report, replace_report
from convnets.datasets import sources
from convnets.datasets.scenes import SCENE_PX, Scenes
from convnets.figures.style import output_dir
from convnets.training import export, progress, result, saving, study
from convnets.training.precision import choose_precision
from exercises.ex17_detection.bars import save_detectors, save_labels
from exercises.ex17_detection.figures import save_figures
from exercises.ex17_detection.proposals import NUM_PROPOSALS
from exercises.ex17_detection.stages import save_stages
from exercises.ex17_detection.training import (
    COSTS,
    MISSING_COSTS,
    NUM_SCENES,
    Measured,
    More,
    make_scenes,
    measure,
    measure_more,
    time_grid,
)

EPOCHS = 8
NUM_OBJECTS = (1, 4)  # par scène, au moins et au plus
HEADLINE = (
    ("iou", "un objet : IoU moyenne avec sa boîte"),
    ("iou_mean_box", "un objet : la même, en répondant toujours la boîte moyenne"),
    ("map", "de 1 à 4 objets : précision moyenne (mAP) à IoU 0,5"),
    ("map_without_nms", "de 1 à 4 objets : la même, doublons gardés"),
    ("map_one_box", "de 1 à 4 objets : la même, du réseau d'un objet, qui ne rend qu'une boîte"),
    ("two_stage_map", "deux étages : précision moyenne (mAP) à IoU 0,5"),
    ("two_stage_map_without_nms", "deux étages : la même, doublons gardés"),
    ("two_stage_map_unrefined", "deux étages : la même, propositions non corrigées"),
    ("recall_proposals", f"deux étages : rappel des {NUM_PROPOSALS} propositions, à IoU 0,5"),
    (
        "recall_regular",
        f"deux étages : le même, de {NUM_PROPOSALS} carrés posés sans regarder l'image",
    ),
    ("cpu_s_grid", "temps de processeur à apprendre, grille", "s"),
    ("cpu_s_two_stage", "temps de processeur à apprendre, deux étages", "s"),
    ("labels_map_sigmoid", "étiquettes : précision moyenne (mAP), sigmoïdes"),
    ("labels_map_softmax", "étiquettes : la même, softmax"),
    (
        "labels_map_constant",
        "étiquettes : la même, sans regarder l'image, à peu près (sans interpolation)",
    ),
    ("exact_sigmoid", "étiquettes : ensembles exacts, sigmoïdes"),
    ("exact_softmax", "étiquettes : ensembles exacts, softmax"),
    ("exact_constant", "étiquettes : ensembles exacts, toujours le plus fréquent"),
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
    options = study.fit_to_minutes(options, rehearse, num_images=num_scenes, stages=COSTS)
    one, several = compose(options)
    runs = []
    with progress.follow(seeds=options.seeds, stages=COSTS, options=options):
        for seed in range(options.seeds):
            runs.append(measure(one, several, seed=seed, options=options))
            test = runs[-1].test
            progress.say(
                f"Graine {seed}, test : IoU moyenne {percent(test['iou'])}, mAP "
                f"{percent(test['map'])} ; deux étages, mAP {percent(test['two_stage_map'])} ; "
                f"ensembles exacts {percent(test['exact_sigmoid'])}"
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
    draw_more(options, report, runs[best].more, several["test"])
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
        headline=[Headline(*each) for each in HEADLINE],
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
        parameters={
            "grid": int(runs[best].model.count_params()),
            "two_stage": int(runs[best].more.two_stage.count_params()),
        },
        details={"min_score": runs[best].min_score},
    )


def draw_more(options, report: Report, more: More, scenes: Scenes) -> None:
    """Dessine les deux étages, ce qu'ils valent, et les étiquettes multiples."""
    folder = output_dir(options)
    save_detectors(report, folder / "detecteurs.png")
    save_labels(report, folder / "etiquettes.png")
    save_stages(folder / "etages.png", more.two_stage, scenes, min_score=more.min_score)


# --- Question : et les réseaux qu'un compte rendu n'a pas ? ---------------------------


def add_missing(options) -> int:
    """Apprend les deux étages et les étiquettes d'un compte rendu qui ne les a pas ; rend 0.

    Scènes, graines et époques sont celles du compte rendu ; le modèle enregistré reste le même. Le
    temps de la grille est déduit de deux époques, apprises ici pour le mesurer.
    """
    report = read_report(options.module, models_dir=options.models_dir)
    if {name for name, *_ in HEADLINE} <= {*report.metrics}:
        print("Rien à ajouter : ce compte rendu a déjà tous les réseaux.")
        return 0
    epochs, num_train = len(report.history["loss"]), report.num_images["train"]
    asked = {"epochs": epochs, "precision": report.precision, "minutes": 0}  # rien à raccourcir
    options = Namespace(**vars(options) | asked)
    fashion, cifar = sources.load_fashion_mnist(), sources.load_cifar10()
    print("Composition des scènes…", flush=True)
    several = make_scenes(fashion, cifar, num_objects=NUM_OBJECTS, limit=num_train)
    runs, tests = [], []
    with progress.follow(seeds=len(report.seeds), stages=MISSING_COSTS, options=options):
        for seed in report.seeds:
            runs.append(measure_more(several, seed=seed, options=options))
            seconds = time_grid(several, seed=seed, options=options)
            tests.append(runs[-1].test | {"cpu_s_grid": seconds})
    shipped = int(report.shipped["seed"])
    metrics = {name: study.summarise([test[name] for test in tests]) for name in tests[0]}
    durations = [sum(run.history["duration_s"]) for run in runs]
    totals = zip(report.duration_s.values, durations, strict=True)
    history = runs[shipped].history
    history |= {"duration_s": report.history["duration_s"] + history["duration_s"]}
    report = replace(
        report,
        metrics=report.metrics | metrics,
        headline=[Headline(*each) for each in HEADLINE],
        shipped=report.shipped | tests[shipped],
        duration_s=study.summarise([before + more for before, more in totals]),
        history=report.history | history,
        parameters={
            "grid": report.num_parameters,
            "two_stage": int(runs[shipped].two_stage.count_params()),
        },
    )
    replace_report(report, options.models_dir / f"{options.module}.json")
    draw_more(options, report, runs[shipped], several["test"])
    for label, value in format_headline(report):
        print(f"{label} : {value}")
    return 0
