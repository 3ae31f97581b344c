"""L'oubli catastrophique : ce qu'une seconde tâche fait perdre à la première.

D'après : S3 « Fine-tuning approach » (« Catastrophic forgetting »).
Commande : python -m exercises.ex05_inception.forgetting
Résultat mesuré : docs/mesures/ex05_forgetting.json.

Une tête nomme cinq sortes de hauts ; on réapprend ensuite la fin de la base, partagée, sur cinq
autres vêtements. Les photographies de la première tâche ne sont plus montrées : on mesure ce qu'il
en reste, avec la même tête.
"""

from pathlib import Path

import keras
import numpy as np

from convnets.core.cli import lesson_parser, percent
from convnets.core.intervals import paired_gap, stack
from convnets.datasets import pretrained
from convnets.figures.charts import curves, table
from convnets.figures.style import new_figure, output_dir
from convnets.training import lesson
from exercises.ex05_inception import features, fine_tuning

TASKS = {  # noms des dossiers
    "hauts": ("dress", "longsleeve", "outwear", "shirt", "t-shirt"),
    "autres vêtements": ("hat", "pants", "shoes", "shorts", "skirt"),
}
FROZEN_UNTIL = "mixed8"  # mixed9 et mixed10, 11 millions de poids, sont partagés et réappris
RATES = {  # taux d'apprentissage d'Adam ; "frozen" : la base reste figée
    "frozen": None,
    "1e-05": 1e-5,
    "1e-04": 1e-4,
    "3e-04": 3e-4,
    "1e-03": 1e-3,
    "1e-02": 1e-2,
}
EPOCHS = 3  # sur la seconde tâche


# --- Question : que reste-t-il de la première ? --------------------------------------


def measure_forgetting(
    end: keras.Model, tasks: list[dict], *, seed: int, epochs: int, minutes: int | None = None
) -> dict[str, np.ndarray]:
    """Apprend la seconde tâche de plusieurs façons, chaque fois à partir de la même base.

    Base figée, rien de ce que lit la première tête ne change : elle n'oublie rien, par
    construction, et on le vérifie.

    Args:
        end: haut rendu par `fine_tuning.split_base` ; ses poids sont rendus intacts.
        tasks: les deux tâches, rendues par `fine_tuning.read`.
        seed: graine des têtes et du mélange.
        epochs: époques de réapprentissage sur la seconde tâche.
        minutes: durée de la leçon ; None : autant qu'il en faut.

    Returns:
        Les photographies de test bien nommées, `(n,)` booléens : `first before`, puis `first X` et
        `second X` pour X dans `RATES`.

    Source : McCloskey et Cohen, « Catastrophic Interference in Connectionist Networks », 1989.
    """

    def right(head: keras.Model, task: int) -> np.ndarray:
        return fine_tuning.answers_right(end, head, tasks[task], part="test")

    weights = end.get_weights()
    first, second = (fine_tuning.learn_head(end, task, seed=seed) for task in tasks)
    found = {"first before": right(first, 0)}
    initial = second.get_weights()
    for name, rate in RATES.items():
        if rate:
            clock = fine_tuning.Clock(epochs, minutes, share=1 / len(RATES))
            fine_tuning.fine_tune(
                end, second, tasks[1]["train"], learning_rate=rate, seed=seed, clock=clock
            )
        found[f"first {name}"] = right(first, 0)
        found[f"second {name}"] = right(second, 1)
        end.set_weights(weights)
        second.set_weights(initial)
    return found


def run(
    seed: int, *, epochs: int = EPOCHS, minutes: int | None = None, limit: int | None = None
) -> lesson.Run:
    """Mesure l'oubli, base figée puis à chaque taux d'apprentissage.

    Args:
        seed: graine des têtes et du mélange.
        epochs: époques de réapprentissage sur la seconde tâche.
        minutes: durée de la leçon ; None : autant qu'il en faut.
        limit: photographies au plus dans chaque part, les deux tâches ensemble.
    """
    base, _ = pretrained.inception_v3(input_px=features.IMAGE_PX)
    start, end = fine_tuning.split_base(base, FROZEN_UNTIL)
    tasks = [fine_tuning.read(start, classes, limit=limit) for classes in TASKS.values()]
    right = measure_forgetting(end, tasks, seed=seed, epochs=epochs, minutes=minutes)
    metrics = {name: float(each.mean()) for name, each in right.items()}
    pooled = {name: each.astype(int).tolist() for name, each in right.items()}
    return lesson.Run(metrics, None, {"pooled": pooled})


def pool(found: list[dict]) -> dict:
    """Rend ce que perd la première tâche, et ce que gagne la seconde sur la base figée.

    Args:
        found: par graine, ce que rend `measure_forgetting`.

    Returns:
        `{"gaps": {"first 1e-04": [moyenne, bas, haut], "second 1e-04": …}}`, graines et
        photographies ensemble.
    """
    right = stack(found)
    gaps = {}
    for name, rate in RATES.items():
        if rate:
            gaps[f"first {name}"] = list(paired_gap(right["first before"], right[f"first {name}"]))
            gaps[f"second {name}"] = list(
                paired_gap(right[f"second {name}"], right["second frozen"])
            )
    return {"gaps": gaps}


def save_figure(metrics: dict, path: Path) -> None:
    """Trace les deux exactitudes selon le taux d'apprentissage.

    Args:
        metrics: mesures d'un compte rendu, ou celles de `run`.
        path: fichier PNG ; son dossier est créé.
    """
    first, second = TASKS
    lines = {
        f"{first}, avant": [metrics["first before"]] * len(RATES),
        f"{first}, après": [metrics[f"first {name}"] for name in RATES],
        f"{second}, après": [metrics[f"second {name}"] for name in RATES],
    }
    with new_figure(path, size=(6.4, 4.2)) as (_, axes):
        axis = axes[0, 0]
        curves(axis, lines, x=range(len(RATES)))
        axis.set_xticks(range(len(RATES)), ["base\nfigée", *list(RATES)[1:]])
        axis.set(xlabel="taux d'apprentissage sur la seconde tâche", ylim=(0, 100))
        axis.set_title("Ce que la seconde tâche fait oublier de la première")


def teach(options) -> None:
    """Mesure ce qu'une seconde tâche fait oublier de la première."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit).metrics
    first, second = TASKS
    rows = [
        [
            name if rate else "base figée",
            percent(found[f"first {name}"]),
            percent(found[f"second {name}"]),
        ]
        for name, rate in RATES.items()
    ]
    print(table(["taux d'apprentissage", first, second], rows))
    save_figure(found, output_dir(options) / "oubli.png")
    print(f"Figure : {output_dir(options)}/oubli.png")


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex05_inception.forgetting", __doc__.splitlines()[0], epochs=EPOCHS)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
