"""Ce que l'exercice 05 affiche, et ses comptes rendus.

D'après : TD « keras & réseaux de neurones convolutionnels », question 2.
Commande : python -m exercises.ex05_inception

Un thème de l'exercice 05, dont l'entrée est `ex05_inception`.
"""

from pathlib import Path

import keras

from convnets.core import reports
from convnets.core.cli import percent
from convnets.core.paths import BASE_NAME
from convnets.core.reports import Headline, Report
from convnets.datasets import folders, pretrained
from convnets.training import study
from exercises.ex05_inception import features, head
from exercises.ex05_inception.options import MODULE

CROSS_VALIDATION = "validation croisée"  # ce qui juge un dossier qui n'a pas d'images de test
HEADLINE = {  # ce qui va dans le tableau des résultats
    "folds_accuracy": "exactitude, chat ou chien, base d'ImageNet, cinq plis",
    "control_accuracy": "la même, base aux poids tirés au hasard",
}

# --- Question 2 : ce qui est affiché -------------------------------------------------


def describe_pictures(pictures: folders.Pictures) -> str:
    """Dit combien d'images chaque classe a, et nomme ce qui a été laissé de côté."""
    labels = pictures.labels.tolist()
    counts = [f"{name} {labels.count(i)}" for i, name in enumerate(pictures.classes)]
    lines = [f"{len(labels)} images : {', '.join(counts)}."]
    return "\n".join(lines + [f"Laissé de côté : {each}." for each in pictures.ignored])


def describe_extraction(num_images: int, duration_s: float | None) -> str:
    """Dit si la base vient de voir les images, ou si le cache l'a évité."""
    if duration_s is None:
        return f"Caractéristiques des {num_images} images : relues du cache."
    return f"Caractéristiques des {num_images} images : calculées en {duration_s:.0f} s, gardées."


def describe_timing(timing: dict | None) -> str:
    """Compare les deux façons de faire une époque, mesurées à l'instant ; None : `--augment`."""
    if timing is None:
        return "--augment : les images changent à chaque époque, le cache ne leur sert pas."
    lines = []
    for name, label in (
        ("pushed", "images repassées dans la base"),
        ("cached", "caractéristiques relues"),
    ):
        epoch_s, score = timing[name]["epoch_s"], percent(timing[name]["val_accuracy"])
        shown = f"{epoch_s:.2f} s" if epoch_s < 10 else f"{epoch_s:.0f} s"
        lines.append(f"Une époque, {label} : {shown.replace('.', ',')} ; validation {score}")
    return "\n".join([*lines, f"Soit {timing['speedup']:.0f} fois plus vite avec le cache."])


def describe_results(report: Report) -> str:
    """Dit ce que valent les têtes, avec à côté le témoin aux poids tirés au hasard."""
    labels = {
        "folds_accuracy": f"Validation croisée, {report.details['num_folds']} plis",
        "control_accuracy": "La même, base aux poids tirés au hasard",
        "accuracy": f"Précision ({report.details['accuracy_on']})",
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


# --- Question 2 : le compte rendu ----------------------------------------------------


def make_report(
    options,
    pictures: folders.Pictures,
    provenance: pretrained.Provenance,
    runs: list[tuple[keras.Model, dict]],
    results: dict,
) -> Report:
    """Assemble le compte rendu que `saving.save_model` écrit.

    Args:
        options: options de `ex05_options.make_parser`.
        pictures: images de l'entraînement et de la validation.
        provenance: celle de la base.
        runs: une `(tête, courbes)` par graine, comme les rend `ex05_inception.train`.
        results: `folds`, `control`, `timing`, et, sur les images jamais vues par les têtes,
            `labels` et une liste de `probabilities` par graine.

    Returns:
        Le compte rendu ; `shipped` est la graine dont la validation est la meilleure.
    """
    scores = [history["score"] for _, history in runs]
    best = scores.index(max(scores))
    labels, each = results["labels"], results["probabilities"]
    accuracies = [head.accuracy(probabilities, labels) for probabilities in each]
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
        base=describe_base(provenance, features.LAYER),
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


def replaces_another_task(options, classes: list[str]) -> bool:
    """Dit si le modèle en place connaît d'autres classes : leurs précisions ne se comparent pas."""
    try:
        known = reports.read_report(MODULE, models_dir=options.models_dir)
    except (FileNotFoundError, ValueError):
        return False
    return known.classes != classes


def describe_base(
    provenance: pretrained.Provenance, layer_name: str, *, input_px: int = features.IMAGE_PX
) -> dict:
    """Rend de quoi retrouver la base : c'est l'entrée `"base"` que lit `./predict`."""
    return {
        "name": BASE_NAME,
        "input_px": input_px,
        "layer": layer_name,
        "sha256": provenance.sha256,
        "source": provenance.source,
    }


def study_report(options, **found) -> Report:
    """Assemble le compte rendu d'un thème sans modèle.

    Args:
        options: options d'`options.part_parser`.
        **found: champs de `Report`, sans la commande ni le moteur.
    """
    command = f"python -m exercises.{options.module} --seeds {options.seeds}"
    command += f" --epochs {options.epochs}"
    command += f" --limit {options.limit}" if options.limit else ""
    return Report(command=command, backend=keras.backend.backend(), **found)


def write_report(report: Report, options) -> Path:
    """Écrit le compte rendu d'un thème sans modèle, d'un seul coup.

    Args:
        report: rendu par `study_report`.
        options: options d'`options.part_parser` ; un essai avec `--limit` va dans
            `runs/`, pour ne pas remplacer le résultat publié.

    Returns:
        Le fichier, que `read_report` relit.
    """
    return reports.write_report(
        options.module, report, models_dir=options.models_dir, trial=bool(options.limit)
    )
