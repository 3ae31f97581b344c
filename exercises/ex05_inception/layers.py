"""Combien de couches garder ? Couper la base plus tôt, ou en réapprendre la fin.

D'après : S3 « Fine-tuning approach » (« How many layers to keep / re-train? »).
Commande : python -m exercises.ex05_inception.layers
Résultat mesuré : models/ex05_layers.json.

Les images sont celles du dossier par défaut de l'exercice ; l'exactitude est mesurée sur des images
de test, qui ne choisissent rien.
"""

import time
from pathlib import Path

import keras
import numpy as np

from convnets.core.cli import check_output, percent, run
from convnets.core.reports import Report
from convnets.datasets import pretrained
from convnets.figures.style import COLORS, new_figure, output_dir, spreads
from convnets.training import study as training
from exercises.ex05_inception import features, fine_tuning
from exercises.ex05_inception import head as top

CLASSES = ("chat", "chien")
CUTS = ("mixed2", "mixed4", "mixed6", "mixed8", "mixed9", "mixed10")
RELEARNED_AFTER = ("mixed9", "mixed8", "mixed6")  # ce qui suit est réappris, jusqu'à mixed10
# Ce qui va dans le tableau des résultats.
SHOWN = (
    "coupée après mixed2",
    "coupée après mixed6",
    "coupée après mixed9",
    "réapprise après mixed8",
)
EPOCHS = 3  # de réapprentissage
LEARNING_RATE = 1e-5  # cent fois moins que la tête : corriger ces poids, pas les refaire


# --- Question : où couper la base ? --------------------------------------------------


def measure_cut(base: keras.Model, layer_name: str, train, test, *, options) -> dict:
    """Coupe la base après une couche, et n'apprend que la tête.

    Args:
        base: modèle rendu par `pretrained.inception_v3`.
        layer_name: dernière couche gardée.
        train: images pour apprendre, rendues par `fine_tuning.open_folder`.
        test: images pour mesurer.
        options: options de `fine_tuning.part_parser`.

    Returns:
        `accuracy`, une exactitude de test dans [0, 1] par graine ; `duration_s`, d'une graine,
        passage des images compris ; `num_parameters`, de la base gardée.
    """
    frozen = features.frozen_base(base, layer_name=layer_name)
    x, images_s = fine_tuning.timed_predict(frozen, train)  # (n, c)
    x_test, _ = fine_tuning.timed_predict(frozen, test)
    start, accuracies = time.monotonic(), []
    for seed in range(options.seeds):
        head, _ = top.train_head(
            x, train.labels, num_classes=len(CLASSES), seed=seed, epochs=top.EPOCHS
        )
        accuracies.append(top.accuracy(top.predict(head, x_test), test.labels))
    duration_s = images_s + (time.monotonic() - start) / options.seeds
    return {
        "accuracy": accuracies,
        "duration_s": duration_s,
        "num_parameters": int(frozen.count_params()),
    }


# --- Question : combien de couches réapprendre ? -------------------------------------


def measure_relearning(base: keras.Model, layer_name: str, train, test, *, options) -> dict:
    """Réapprend ce qui suit une couche, chaque graine à partir des mêmes poids de la base.

    Args:
        base: modèle rendu par `pretrained.inception_v3` ; ses poids sont rendus intacts.
        layer_name: dernière couche figée.
        train: images pour apprendre, rendues par `fine_tuning.open_folder`.
        test: images pour mesurer.
        options: options de `fine_tuning.part_parser`.

    Returns:
        Comme `measure_cut`, plus `relearned_parameters`, le nombre de poids réappris.
    """
    start, end = fine_tuning.split_base(base, layer_name)
    weights, accuracies = end.get_weights(), []
    maps, images_s = fine_tuning.timed_predict(start, train)  # (n, h, w, c)
    maps_test, _ = fine_tuning.timed_predict(start, test)
    clock = time.monotonic()
    x = end.predict(maps, verbose=0)  # (n, 2048)
    for seed in range(options.seeds):
        head, _ = top.train_head(
            x, train.labels, num_classes=len(CLASSES), seed=seed, epochs=top.EPOCHS
        )
        fine_tuning.fine_tune(
            end,
            head,
            (maps, train.labels),
            learning_rate=LEARNING_RATE,
            epochs=options.epochs,
            seed=seed,
        )
        probabilities = top.predict(head, end.predict(maps_test, verbose=0))
        accuracies.append(top.accuracy(probabilities, test.labels))
        end.set_weights(weights)
    relearned = sum(int(np.prod(weight.shape)) for weight in end.trainable_weights)
    return {
        "accuracy": accuracies,
        "num_parameters": int(base.count_params()),
        "duration_s": images_s + (time.monotonic() - clock) / options.seeds,
        "relearned_parameters": relearned,
    }


# --- Question : ce que chaque choix donne, et coûte ----------------------------------


def save_figure(report: Report, path: Path) -> Path:
    """Trace exactitude et durée de chaque choix du compte rendu dans un fichier `.png`."""
    choices = report.details["choices"]
    names = [title.replace(" après ", "\naprès ") for title in choices]
    colors = [COLORS["relearned_parameters" in choice] for choice in choices.values()]
    metrics = [report.metrics[f"accuracy {title}"] for title in choices]
    panels = (
        (
            "exactitude de test (%),\nmoyenne et écart-type",
            "{:.1f}",
            [100 * metric.mean for metric in metrics],
            spreads(metrics, scale=100),
        ),
        (
            "durée d'une graine (s)",
            "{:.0f}",
            [each["duration_s"] for each in choices.values()],
            None,
        ),
    )
    with new_figure(path, rows=2, size=(10.0, 3.0)) as (_, axes):
        for axis, (label, form, values, spread) in zip(axes[:, 0], panels, strict=True):
            bars = axis.bar(names, values, yerr=spread, color=colors)
            texts = [form.format(value).replace(".", ",") for value in values]
            axis.bar_label(bars, texts, padding=2, fontsize=9)
            axis.set_ylabel(label)
            axis.tick_params(labelsize=8)
            axis.margins(y=0.15)  # la place des nombres
        axes[0, 0].set_title("Base figée et coupée (bleu), ou gardée entière et réapprise (orange)")
    return path


def study(options) -> int:
    """Mesure chaque coupe, puis chaque réapprentissage ; écrit compte rendu et figure ; rend 0."""
    check_output(options)
    base, provenance = pretrained.inception_v3(input_px=features.IMAGE_PX)
    choices, metrics = {}, {}
    with (
        fine_tuning.open_folder(CLASSES, split="train", limit=options.limit) as train,
        fine_tuning.open_folder(CLASSES, split="test", limit=options.limit) as test,
    ):
        print(f"{len(train.paths)} images pour apprendre, {len(test.paths)} pour mesurer.")
        plan = [(f"coupée après {name}", measure_cut, name) for name in CUTS]
        plan += [(f"réapprise après {name}", measure_relearning, name) for name in RELEARNED_AFTER]
        for title, measure, layer_name in plan:
            choice = measure(base, layer_name, train, test, options=options)
            metric = training.summarise(choice.pop("accuracy"))
            choices[title], metrics[f"accuracy {title}"] = choice, metric
            accuracy = percent(metric.mean)
            print(f"{title:<22} {accuracy:>7} {choice['duration_s']:6.0f} s", flush=True)
        report = fine_tuning.study_report(
            options,
            metrics=metrics,
            headline={f"accuracy {name}": f"exactitude, base {name}" for name in SHOWN},
            num_images={"train": len(train.paths), "test": len(test.paths)},
            data_sha256={"train": train.sha256, "test": test.sha256},
            base=features.describe_base(provenance, "mixed10"),
            details={"choices": choices},
        )
    print(fine_tuning.write_report(report, options, epochs=EPOCHS))
    print(save_figure(report, output_dir(options) / "couches.png"))
    return 0


def main(argv: list[str] | None = None) -> int:
    """Compare les façons de garder ou de réapprendre les couches d'InceptionV3."""
    options = fine_tuning.part_parser("layers", __doc__.splitlines()[0], epochs=EPOCHS)
    options = options.parse_args(argv)
    return run(lambda: study(options))


if __name__ == "__main__":
    raise SystemExit(main())
