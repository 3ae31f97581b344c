"""L'oubli catastrophique : ce qu'une seconde tâche fait perdre à la première.

D'après : S3 « Fine-tuning approach » (« Catastrophic forgetting »).
Commande : python -m exercises.ex05_inception.forgetting
Résultat mesuré : models/ex05_forgetting.json.

Une tête sait chat ou chien ; on réapprend ensuite la fin de la base, partagée, sur cerf ou cheval.
Les images de la première tâche ne sont plus montrées : on mesure ce qu'il en reste, avec la même
tête.
"""

from pathlib import Path

import keras

from convnets.core.cli import check_output, percent, run
from convnets.core.reports import Report
from convnets.datasets import pretrained
from convnets.figures.style import COLORS, INK, new_figure, output_dir, spreads
from convnets.training import study as training
from exercises.ex05_inception import features, fine_tuning
from exercises.ex05_inception import head as top

TASKS = (("chat", "chien"), ("cerf", "cheval"))
FROZEN_UNTIL = "mixed8"  # mixed9 et mixed10, 11 millions de poids, sont partagés et réappris
RATES = (1e-5, 1e-4, 3e-4, 1e-3, 1e-2)  # taux d'apprentissage d'Adam
EPOCHS = 3  # sur la seconde tâche
HEADLINE = {  # ce qui va dans le tableau des résultats
    "first before": "exactitude de la tâche 1, avant d'apprendre la tâche 2",
    "first 1e-04": "exactitude de la tâche 1, après (taux d'apprentissage 10⁻⁴)",
    "first 3e-04": "exactitude de la tâche 1, après (taux d'apprentissage 3·10⁻⁴)",
    "first frozen": "exactitude de la tâche 1, après, base figée",
}


# --- Question : deux tâches, une base ------------------------------------------------


def read_tasks(start: keras.Model, *, limit: int | None) -> list[dict]:
    """Passe une fois les images des deux tâches dans le bas figé de la base.

    Args:
        start: bas rendu par `fine_tuning.split_base`.
        limit: images au plus par dossier.

    Returns:
        Pour chaque tâche, `train` et `test` : `(cartes (n, h, w, c) float32, étiquettes (n,))`,
        et `sha256`, leurs empreintes.
    """
    tasks = []
    for names in TASKS:
        task = {"sha256": {}}
        for split in ("train", "test"):
            with fine_tuning.open_folder(names, split=split, limit=limit) as pictures:
                task[split] = fine_tuning.timed_predict(start, pictures)[0], pictures.labels
                task["sha256"][split] = pictures.sha256
        tasks.append(task)
    return tasks


def learn_head(end: keras.Model, task: dict, *, seed: int) -> keras.Model:
    """Apprend la tête d'une tâche sur la base telle qu'elle est."""
    maps, labels = task["train"]
    x = end.predict(maps, verbose=0)  # (n, 2048)
    return top.train_head(x, labels, num_classes=2, seed=seed, epochs=top.EPOCHS)[0]


def evaluate(end: keras.Model, head: keras.Model, task: dict) -> float:
    """Mesure une tête, sur la base telle qu'elle est, avec les images de test de la tâche."""
    maps, labels = task["test"]
    return top.accuracy(top.predict(head, end.predict(maps, verbose=0)), labels)


# --- Question : que reste-t-il de la première ? --------------------------------------


def rate_name(rate: float) -> str:
    """Écrit un taux d'apprentissage comme dans le compte rendu : `1e-05`."""
    return f"{rate:.0e}"


def measure_forgetting(end: keras.Model, tasks: list[dict], *, epochs: int, seed: int) -> dict:
    """Apprend la seconde tâche de plusieurs façons, chaque fois à partir de la même base.

    Base figée, rien de ce que lit la première tête ne change : elle n'oublie rien, par
    construction, et on le vérifie.

    Args:
        end: haut rendu par `fine_tuning.split_base` ; ses poids sont rendus intacts.
        tasks: rendu par `read_tasks`.
        epochs: époques de réapprentissage sur la seconde tâche.
        seed: graine des têtes et du mélange.

    Returns:
        Exactitudes de test dans [0, 1] : `first before`, puis `first X` et `second X` pour X
        dans `frozen` et les noms de chaque taux.

    Source : McCloskey et Cohen, « Catastrophic Interference in Connectionist Networks », 1989.
    """
    weights = end.get_weights()
    first, second = (learn_head(end, task, seed=seed) for task in tasks)
    found = {"first before": evaluate(end, first, tasks[0])}
    initial = second.get_weights()
    for rate in (None, *RATES):
        if rate:
            fine_tuning.fine_tune(
                end, second, tasks[1]["train"], learning_rate=rate, epochs=epochs, seed=seed
            )
        name = rate_name(rate) if rate else "frozen"
        found[f"first {name}"] = evaluate(end, first, tasks[0])
        found[f"second {name}"] = evaluate(end, second, tasks[1])
        print(
            f"graine {seed}, {name:>6} : {' ou '.join(TASKS[0])} "
            f"{percent(found[f'first {name}'])}, {' ou '.join(TASKS[1])} "
            f"{percent(found[f'second {name}'])}",
            flush=True,
        )
        end.set_weights(weights)
        second.set_weights(initial)
    return found


def save_figure(report: Report, path: Path) -> Path:
    """Trace les deux exactitudes selon le taux d'apprentissage dans un fichier `.png`."""
    metrics, names = report.metrics, ["frozen", *map(rate_name, RATES)]
    powers = [f"${name.replace('e', '·10^{')}}}$" for name in names[1:]]
    ticks = ["base\nfigée", *(power.replace("$1·", "$").replace("-0", "-") for power in powers)]
    with new_figure(path, size=(6.4, 4.2)) as (_, axes):
        axis = axes[0, 0]
        for task, classes, color, style in (
            ("first", TASKS[0], COLORS[0], "o-"),
            ("second", TASKS[1], COLORS[1], "s--"),
        ):
            each = [metrics[f"{task} {name}"] for name in names]
            axis.errorbar(
                range(len(names)),
                [100 * metric.mean for metric in each],
                spreads(each, scale=100),
                fmt=style,
                color=color,
                label=f"{' ou '.join(classes)}, après",
            )
        axis.axhline(
            100 * metrics["first before"].mean,
            color=INK,
            linewidth=1,
            linestyle=":",
            label=f"{' ou '.join(TASKS[0])}, avant",
        )
        axis.set_xticks(range(len(names)), ticks)
        axis.set(xlabel="taux d'apprentissage sur la seconde tâche", ylim=(40, 100))
        axis.set_ylabel("exactitude de test (%), moyenne et écart-type")
        axis.set_title("Ce que la seconde tâche fait oublier de la première")
        axis.legend(loc="lower left")
    return path


def study(options) -> int:
    """Mesure l'oubli pour chaque graine ; écrit compte rendu et figure ; rend 0."""
    check_output(options)
    base, provenance = pretrained.inception_v3(input_px=features.IMAGE_PX)
    start, end = fine_tuning.split_base(base, FROZEN_UNTIL)
    tasks = read_tasks(start, limit=options.limit)
    runs = [
        measure_forgetting(end, tasks, epochs=options.epochs, seed=seed)
        for seed in range(options.seeds)
    ]
    report = fine_tuning.study_report(
        options,
        metrics={name: training.summarise([each[name] for each in runs]) for name in runs[0]},
        headline=HEADLINE,
        base=features.describe_base(provenance, "mixed10"),
        details={
            "tasks": TASKS,
            "frozen_until": FROZEN_UNTIL,
            "relearned_parameters": int(end.count_params()),
            "num_images": [
                {split: len(task[split][1]) for split in ("train", "test")} for task in tasks
            ],
            "data_sha256": [task["sha256"] for task in tasks],
        },
    )
    print(fine_tuning.write_report(report, options, epochs=EPOCHS))
    print(save_figure(report, output_dir(options) / "oubli.png"))
    return 0


def main(argv: list[str] | None = None) -> int:
    """Mesure ce qu'une seconde tâche fait oublier de la première."""
    options = fine_tuning.part_parser("forgetting", __doc__.splitlines()[0], epochs=EPOCHS)
    options = options.parse_args(argv)
    return run(lambda: study(options))


if __name__ == "__main__":
    raise SystemExit(main())
