"""Composer les images, mesurer les trois leçons pour chaque graine, garder les meilleurs réseaux.

D'après : S3 « Pose Estimation », « 3D Reconstruction », « Crowd Understanding ».
Commande : python -m exercises.ex28_pose_and_depth
"""

from argparse import Namespace

import keras
import numpy as np

from convnets.core.cli import training_command
from convnets.core.reports import Headline, Report
from convnets.datasets import sources
from convnets.training import progress, result, saving, study
from convnets.training.export import export_litert
from convnets.training.precision import choose_precision
from exercises.ex28_pose_and_depth import data, figures, lessons, pose

COSTS = (26, 18, 38, 13, 13)  # secondes de chaque réseau, mesurées : la durée prévue en dépend
LESSONS = {
    "pose": lessons.measure_pose,
    "depth": lessons.measure_depth,
    "crowd": lessons.measure_crowd,
}
HEADLINE = (
    ("pck_heat", "pose : PCK à 0,2 torse, cartes de chaleur", "%"),
    ("pck_argmax", "pose : le même, sans affiner", "%"),
    ("pck_regression", "pose : PCK, coordonnées d'un coup", "%"),
    ("pck_mean", "pose : PCK, toujours la pose moyenne", "%"),
    ("bad_network_all", "relief : pixels faux de plus d'un pixel, réseau siamois", "%"),
    ("bad_sad_all", "relief : les mêmes, fenêtres et SAD", "%"),
    ("bad_zncc_all", "relief : les mêmes, fenêtres et ZNCC", "%"),
    ("bad_constant_all", "relief : les mêmes, toujours la disparité médiane", "%"),
    ("bad_blind_all", "relief : les mêmes, le réseau recevant deux fois l'image de gauche", "%"),
    ("bad_network_hidden", "relief : les mêmes, là où la droite ne voit rien, réseau siamois", "%"),
    ("bad_sad_hidden", "relief : les mêmes, là où la droite ne voit rien, fenêtres et SAD", "%"),
    ("mae_network_all", "relief : écart moyen, réseau siamois", "px"),
    ("mae_sad_all", "relief : écart moyen, fenêtres et SAD", "px"),
    ("relative_density_21", "foule de 21 à 40 : écart relatif, densité", "%"),
    ("relative_peaks_21", "foule de 21 à 40 : écart relatif, têtes détectées", "%"),
    ("relative_constant_21", "foule de 21 à 40 : écart relatif, toujours le compte moyen", "%"),
    ("relative_density_81", "foule de 81 à 100, jamais vue : écart relatif, densité", "%"),
    ("relative_peaks_81", "foule de 81 à 100, jamais vue : écart relatif, têtes détectées", "%"),
)


# --- Question : que vaut ce qui n'apprend rien ? --------------------------------------


def measure_naive(parts: dict) -> tuple[dict[str, float], dict]:
    """Mesure ce qui n'apprend rien : réponses constantes, fenêtres appariées.

    Returns:
        `(mesures, ce que le compte rendu en garde)`.
    """
    train, test = parts["pose"]["train"], parts["pose"]["test"]
    mean_pose = np.broadcast_to(train.joints.mean(0), test.joints.shape)
    matched, windows = lessons.match_best(parts["depth"])
    mean_count = {"constant": parts["crowd"]["train"].counts.mean()}
    return (
        {
            **lessons.measure_places({"mean": mean_pose}, test),
            **matched,
            **lessons.measure_counts(mean_count, parts["crowd"]["test"].counts),
        },
        {
            "windows": windows,
            "curve_mean": [pose.pck(mean_pose, test, each) for each in pose.FRACTIONS],
        },
    )


# --- Question : tout mesurer ---------------------------------------------------------


def compare(options) -> int:
    """Compose les images, entraîne chaque graine, enregistre les meilleurs réseaux ; rend 0."""
    fashion, cifar = sources.load_fashion_mnist(), sources.load_cifar10()

    def rehearse(options) -> float:
        parts = data.make_parts(fashion, cifar, limit=options.limit)
        measure_naive(parts)
        run_seed(parts, seed=0, options=options)
        return 0.0  # tout a été mesuré : rien ne s'ajoutera

    most = max(each["train"] for each in data.NUM_IMAGES.values())
    options = study.fit_to_minutes(
        options, rehearse, num_images=min(most, options.limit or most), stages=COSTS
    )
    print("Composition des images…", flush=True)
    parts = data.make_parts(fashion, cifar, limit=options.limit)
    naive, kept = measure_naive(parts)
    with progress.follow(seeds=options.seeds, stages=COSTS, options=options):
        runs = [run_seed(parts, seed=seed, options=options) for seed in range(options.seeds)]
    scores = [float(np.mean([each.val for each in run.values()])) for run in runs]
    best = int(np.argmax(scores))
    report = make_report(options, runs, scores, naive, kept)
    report.num_images = {
        part: sum(len(each[part].images) for each in parts.values()) for part in data.SEEDS
    }
    report.data_sha256 = {
        "fashion_mnist": sources.dataset_sha256(fashion),
        "cifar10": sources.dataset_sha256(cifar),
    }
    model = assemble([model for each in runs[best].values() for model in each.models])
    published = result.published(options.module)
    folder, reason = saving.save_model(
        model,
        options.module,
        report,
        export=(export_litert(model, weights="float16"), "float16"),
        models_dir=options.models_dir,
        force=options.force,
    )
    written = Namespace(**vars(options) | {"models_dir": folder})
    figures.save_all(written, report, model, {name: each["test"] for name, each in parts.items()})
    result.tell(
        written,
        report,
        reason=reason,
        published=published,
        shown=result.Shown("pck_heat", "PCK des cartes de chaleur"),
        use=result.own_command(options, "--show", folder=folder),
    )
    return 0


def run_seed(parts: dict, *, seed: int, options) -> dict[str, lessons.Measured]:
    """Fait les trois leçons d'une graine."""
    return {name: LESSONS[name](parts[name], seed=seed, options=options) for name in LESSONS}


def assemble(models: list[keras.Model]) -> keras.Model:
    """Met les cinq réseaux dans un seul modèle, qu'un seul fichier garde.

    Args:
        models: les cinq réseaux, dans l'ordre des leçons.

    Returns:
        Modèle : `(images, paires, images)` uint8 → les cinq réponses ; chaque réseau y est une
        couche, à son nom.
    """
    images, pairs = (keras.Input(models[k].input_shape[1:], dtype="uint8") for k in (0, 2))
    crowd = keras.Input(models[3].input_shape[1:], dtype="uint8")
    inputs = (images, images, pairs, crowd, crowd)
    outputs = [model(given) for model, given in zip(models, inputs, strict=True)]
    return keras.Model([images, pairs, crowd], outputs, name="ex28_pose_and_depth")


def make_report(options, runs: list[dict], scores: list[float], naive: dict, kept: dict) -> Report:
    """Rassemble les mesures de toutes les graines et de ce qui n'apprend rien."""
    best = int(np.argmax(scores))
    tests = [{k: v for each in run.values() for k, v in each.test.items()} for run in runs]
    histories = [{k: v for each in run.values() for k, v in each.history.items()} for run in runs]
    models = [model for each in runs[best].values() for model in each.models]
    durations = [
        sum(sum(values) for name, values in history.items() if name.endswith("duration_s"))
        for history in histories
    ]
    curves = {
        f"curve_{kind}": np.mean([run["pose"].curve[kind] for run in runs], axis=0).tolist()
        for kind in runs[best]["pose"].curve
    }
    return Report(
        command=training_command(options),
        metrics={name: study.summarise([test[name] for test in tests]) for name in tests[0]}
        | {name: study.summarise([value]) for name, value in naive.items()},
        headline=[Headline(*each) for each in HEADLINE],
        shipped={"seed": best, **tests[best]},
        score=scores[best],
        validation=study.summarise(scores),
        seeds=list(range(options.seeds)),
        duration_s=study.summarise(durations),
        precision=choose_precision(options.precision),
        backend=keras.backend.backend(),
        num_parameters=sum(model.count_params() for model in models),
        parameters={model.name: model.count_params() for model in models},
        input_shape=list(models[0].input_shape[1:]),
        history=histories[best],
        details={
            **kept,
            **curves,
            "thresholds": [run["crowd"].chosen["threshold"] for run in runs],
        },
    )
