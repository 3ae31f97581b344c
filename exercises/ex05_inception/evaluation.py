"""Ce que valent les têtes : validation croisée, témoin, images de test ; ce qui en est gardé.

D'après : TD « keras & réseaux de neurones convolutionnels », question 2.
Commande : python -m exercises.ex05_inception
Résultat mesuré : models/ex05_inception.json, repris dans docs/resultats.md.
"""

import time
from argparse import Namespace
from functools import partial
from pathlib import Path

import keras
import numpy as np

from convnets.core import reports
from convnets.core.cli import check_output, percent
from convnets.core.reports import Headline, Report
from convnets.datasets import folders, pretrained
from convnets.figures.charts import save_mistakes, save_training_figures
from convnets.training import export_base, progress, result, saving, study
from exercises.ex05_inception import features, statement
from exercises.ex05_inception import head as top

MODULE = "ex05_inception"
CROSS_VALIDATION = "validation croisée"  # ce qui juge un dossier qui n'a pas d'images de test
HEADLINE = {  # ce qui va dans le tableau des résultats
    "folds_accuracy": "exactitude, chat ou chien, base d'ImageNet, cinq plis",
    "control_accuracy": "la même, base aux poids tirés au hasard",
}


# --- Combien de temps tout cela va prendre --------------------------------------------


def expected_s(pictures: folders.Pictures, frozen: keras.Model, *, options) -> float:
    """Estime la durée de l'exercice : un lot passe dans la base, une tête apprend du bruit.

    Returns:
        Des secondes ; moins si le cache a déjà des caractéristiques.
    """
    images, _ = next(features.make_generator(pictures))
    frozen.predict_on_batch(images)  # le premier prépare les calculs
    start = time.monotonic()
    frozen.predict_on_batch(images)
    image_s = (time.monotonic() - start) / len(images)
    noise = np.random.default_rng(0).normal(size=(len(pictures.labels), frozen.output_shape[-1]))
    start = time.monotonic()
    top.train_head(
        noise.astype("float32"),
        pictures.labels,
        num_classes=len(pictures.classes),
        seed=0,
        epochs=options.epochs,
    )
    head_s = time.monotonic() - start
    # La base voit tout trois fois (images, témoin, test), et autant que l'énoncé en fait d'époques.
    passes = 3 + (options.seeds * options.epochs if options.augment else 1)
    heads = options.seeds + options.folds * (options.seeds + 1)
    return passes * len(pictures.labels) * image_s + heads * head_s


# --- Question 2 : ce qu'elles valent -----------------------------------------------


def evaluate(pictures, x: np.ndarray, *, options, seeds: int) -> list[np.ndarray]:
    """Prédit chaque image par une tête qui ne l'a pas vue, une fois par graine.

    La validation de l'énoncé, une part fixe et souvent petite, ne suffit pas à juger : la
    validation croisée emploie toutes les images, partagées au hasard.

    Returns:
        Pour chaque graine, des probabilités `(n, num_classes)` float32.
    """
    return [
        top.cross_validate(
            x, pictures.labels, num_folds=options.folds, seed=seed, epochs=options.epochs
        )
        for seed in range(seeds)
    ]


def evaluate_control(pictures, *, options) -> float:
    """Refait la validation croisée sur une base aux poids tirés au hasard : le témoin."""
    base, provenance = pretrained.inception_v3(input_px=features.IMAGE_PX, weights=None)
    frozen = features.frozen_base(base)
    x, duration_s = features.extract(pictures, frozen, base_sha256=provenance.sha256)
    print(f"Témoin. {features.describe_extraction(len(x), duration_s)}", flush=True)
    return top.accuracy(evaluate(pictures, x, options=options, seeds=1)[0], pictures.labels)


def evaluate_test(
    heads: list[keras.Model], frozen: keras.Model, test: folders.Pictures, *, base_sha256: str
) -> tuple[list[np.ndarray], np.ndarray, folders.Squares]:
    """Mesure les têtes sur des images de test de CIFAR-10, qui n'ont rien choisi.

    Returns:
        `(probabilités de chaque tête, étiquettes (n,), images à lire une par une)`.
    """
    x, duration_s = features.extract(test, frozen, base_sha256=base_sha256)
    print(f"Test. {features.describe_extraction(len(x), duration_s)}", flush=True)
    images = folders.Squares(test.paths, features.IMAGE_PX)
    return [top.predict(head, x) for head in heads], test.labels, images


def describe_results(report: Report) -> str:
    """Dit ce que valent les têtes, avec à côté le témoin aux poids tirés au hasard."""
    labels = {
        "folds_accuracy": f"Validation croisée, {report.details['num_folds']} plis",
        "control_accuracy": "La même, base aux poids tirés au hasard",
        "accuracy": f"Exactitude ({report.details['accuracy_on']})",
    }
    lines = []
    for name, label in labels.items():
        metric = report.metrics.get(name)
        if metric and not (
            name == "accuracy" and report.details["accuracy_on"] == CROSS_VALIDATION
        ):
            spread = f" ± {percent(metric.sd)}" if metric.sd is not None else ""
            seeds = reports.format_seeds(metric)
            lines.append(f"{label} : {percent(metric.mean)}{spread} ({seeds})")
    return "\n".join(lines)


# --- Question 2 : garder peu, et prédire -------------------------------------------


def make_report(
    options,
    pictures: folders.Pictures,
    provenance: pretrained.Provenance,
    runs: list[tuple[keras.Model, dict]],
    results: dict,
) -> Report:
    """Assemble le compte rendu que `saving.save_model` écrit.

    Args:
        options: celles de la commande.
        pictures: images de l'entraînement et de la validation.
        provenance: celle de la base.
        runs: une `(tête, courbes)` par graine, comme les rend `statement.train`.
        results: `folds`, `control`, `timing`, et, sur les images jamais vues par les têtes,
            `labels` et une liste de `probabilities` par graine.

    Returns:
        Le compte rendu ; `shipped` est la graine dont la validation est la meilleure.
    """
    scores = [history["score"] for _, history in runs]
    best = scores.index(max(scores))
    labels, each = results["labels"], results["probabilities"]
    accuracies = [top.accuracy(probabilities, labels) for probabilities in each]
    metrics = {"accuracy": accuracies, "folds_accuracy": results["folds"]}
    if results["control"] is not None:
        metrics["control_accuracy"] = [results["control"]]
    num_val = len(features.rows(features.make_generator(pictures, subset="validation")))
    confusion = study.confusion_matrix(labels, each[best].argmax(1), len(pictures.classes))
    command = [f"python -m exercises.{MODULE}"]
    command += [f"--images {options.images.name}"] if options.images else []
    command += [f"--seeds {options.seeds} --epochs {options.epochs} --folds {options.folds}"]
    command += [f"--limit {options.limit}"] if options.limit else []
    command += ["--augment"] if options.augment else []
    return Report(
        command=" ".join(command),
        metrics={name: study.summarise(values) for name, values in metrics.items()},
        headline=[Headline(name, label) for name, label in HEADLINE.items() if name in metrics],
        shipped={"seed": best, "accuracy": accuracies[best]},
        score=scores[best],
        validation=study.summarise(scores),
        seeds=list(range(options.seeds)),
        duration_s=study.summarise([history["duration_s"] for _, history in runs]),
        precision="float32",
        backend=keras.backend.backend(),
        num_parameters=int(runs[best][0].count_params()),
        num_images={"train": len(pictures.paths) - num_val, "val": num_val, "test": len(labels)},
        data_sha256=pictures.sha256,
        base=features.describe_base(provenance, features.LAYER),
        input_shape=[features.IMAGE_PX, features.IMAGE_PX, 3],
        framing="squash",
        classes=pictures.classes,
        classes_fr=folders.display_names(pictures.classes),
        confusion_matrix=confusion.tolist(),
        history=runs[best][1]["curves"],
        details={
            "accuracy_on": CROSS_VALIDATION if options.images else "images de test de CIFAR-10",
            "num_folds": options.folds,
            "timing": results["timing"],
        },
    )


def save(head, base, provenance, report: Report, options) -> tuple[Path, str | None]:
    """Enregistre la tête seule, et l'export de la base que `./predict` retrouve à son empreinte.

    Returns:
        Voir `saving.save_model`.
    """
    folder, reason = saving.save_model(
        head, options.module, report, models_dir=options.models_dir, force=options.force
    )
    layer_name = features.LAYER
    model = pretrained.features_model(base, layer_name=layer_name)
    light = export_base.export_features(model, provenance, layer_name=layer_name)
    print(f"Base exportée : {light}")
    return folder, reason


def prepare(options) -> int:
    """Retrouve la base de la tête enregistrée et l'exporte pour `./predict` ; rend 0."""
    report = reports.read_report(options.module, models_dir=options.models_dir)
    print(f"Base exportée : {export_base.prepare_base(report.base)}")
    return 0


# --- Question 2 : d'un bout à l'autre ----------------------------------------------


def describe_pictures(pictures: folders.Pictures) -> str:
    """Dit combien d'images chaque classe a, et nomme ce qui a été laissé de côté."""
    labels = pictures.labels.tolist()
    counts = [f"{name} {labels.count(i)}" for i, name in enumerate(pictures.classes)]
    lines = [f"{len(labels)} images : {', '.join(counts)}."]
    return "\n".join(lines + [f"Laissé de côté : {each}." for each in pictures.ignored])


def run_exercise(options) -> int:
    """Fait tout l'exercice : caractéristiques, têtes, mesures, modèle et figures ; rend 0."""
    check_output(options)
    task = statement.open_task(options)  # un mauvais dossier se dit avant de chercher les poids
    weights = None if options.weights == "none" else options.weights
    base, provenance = pretrained.inception_v3(input_px=features.IMAGE_PX, weights=weights)
    frozen = features.frozen_base(base)
    print(f"Base : {provenance.source}.\n{provenance.note}".rstrip(), flush=True)
    with task as pictures:
        print(describe_pictures(pictures), flush=True)
        top.draw_folds(pictures.labels, options.folds, seed=0)  # impossible ? le dire d'abord
        seconds = expected_s(pictures, frozen, options=options)
        progress.announce(seconds, f"{len(pictures.labels)} images")
        x, duration_s = features.extract(pictures, frozen, base_sha256=provenance.sha256)
        print(features.describe_extraction(len(x), duration_s), flush=True)
        timing = None if options.augment else features.compare_epochs(pictures, frozen, x)
        print(features.describe_timing(timing), flush=True)
        runs = [
            statement.train(pictures, frozen, x, seed=seed, options=options)
            for seed in range(options.seeds)
        ]
        folds = evaluate(pictures, x, options=options, seeds=options.seeds)
        held_out = folds, pictures.labels, folders.Squares(pictures.paths, features.IMAGE_PX)
        control = evaluate_control(pictures, options=options) if weights else None
        if not options.images:
            heads = [head for head, _ in runs]
            with statement.open_task(options, split="test") as test:
                held_out = evaluate_test(heads, frozen, test, base_sha256=provenance.sha256)
        results = {
            "folds": [top.accuracy(each, pictures.labels) for each in folds],
            "control": control,
            "timing": timing,
            "probabilities": held_out[0],
            "labels": held_out[1],
        }
        report = make_report(options, pictures, provenance, runs, results)
    print(describe_results(report), flush=True)
    best = report.shipped["seed"]
    published = None if options.images else result.published(options.module)
    if weights:
        folder, reason = save(runs[best][0], base, provenance, report, options)
    save_training_figures(options, report, held_out[2], held_out[1], held_out[0][best])
    save_mistakes(options, report, held_out[2], held_out[1], held_out[0][best])
    if weights:
        written = Namespace(**vars(options) | {"models_dir": folder})
        tell = result.tell_where if options.images else partial(result.tell, published=published)
        tell(written, report, reason=reason)
    return 0
