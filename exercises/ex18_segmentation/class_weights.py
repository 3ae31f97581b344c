"""Segmenter des rues sans oublier les classes rares : le U-Net, et une perte qui pèse les classes.

Document : S3 « Different problems, models & metrics » (scènes de rue, SegNet).
Commandes : python -m exercises.ex18_segmentation.rare_classes
            python -m exercises.ex18_segmentation.rare_classes photo-de-rue.png
Résultat mesuré : leçon 18 (`python -m recipes.seeds ex18_segmentation.rare_classes`).

Le U-Net de `streets.py` n'y trouve ni piéton, ni cycliste, ni panneau : ils couvrent trop peu de
pixels pour compter dans la perte. Ici, la même perte donne à chaque classe un poids d'autant plus
grand qu'elle est rare : la racine carrée de celui de l'article de SegNet. Rien d'autre ne change.
Le même réseau apprend donc deux fois, sans poids puis avec, et les deux réponses se comparent
photographie par photographie ; un témoin ne regarde pas l'image. Le second réseau est enregistré
avec la probabilité sous laquelle il ne faut pas le croire.
"""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from convnets.core.cli import add_model_option, lesson_parser, percent
from convnets.core.intervals import by_image, paired_gaps
from convnets.core.reports import Headline
from convnets.datasets.streets import VOID, find_streets, load_streets
from convnets.figures.charts import table
from convnets.figures.style import output_dir
from convnets.training import lesson
from exercises.ex18_segmentation import doubt
from exercises.ex18_segmentation.__main__ import NUM_CLASSES, train
from exercises.ex18_segmentation.measures import iou_each
from exercises.ex18_segmentation.streets import (
    EPOCHS,
    KEYS,
    LEARNING_RATES,
    enlarged,
    matrices,
    most_frequent,
    save_answers,
    score,
)

RATE = LEARNING_RATES["unet"]  # celui du U-Net sans poids : rien d'autre que la perte ne change
# Puissance des poids : 1, ceux de l'article ; 0, aucun poids. La validation a préféré leur racine
# carrée : 49,0 % d'IoU moyenne, contre 45,3 % avec ceux de l'article (une graine).
POWER = 0.5
ANSWERS = {  # début du nom de leurs mesures → réponse
    "": "U-Net, classes pesées",
    "unweighted_": "U-Net, sans poids",
    "blind_": "sans regarder",
}
PAIRS = (("weighted", "unweighted"), ("weighted", "blind"), ("unweighted", "blind"))


# --- Question : comment ne pas oublier les classes rares ? ---------------------------


def balance(masks: np.ndarray) -> np.ndarray:
    """Rend le poids de chaque classe : la fréquence médiane, divisée par la sienne.

    La fréquence d'une classe est sa part des pixels nommés, dans les seules photographies où elle
    est présente.

    Args:
        masks: `(n, h, w)` ; VOID ne compte pas.

    Returns:
        `(11,)` float64 ; 0 pour une classe absente de toutes les photographies.

    Source : Eigen et Fergus, arXiv 1411.4734, section 6.3.2 ; Badrinarayanan, Kendall et Cipolla,
    arXiv 1511.00561, section 4 (*median frequency balancing*).
    """
    named = (masks != VOID).sum(axis=(1, 2))
    counts = np.stack([(masks == k).sum(axis=(1, 2)) for k in range(NUM_CLASSES)])  # (11, n)
    around = (counts > 0) @ named  # pixels nommés des photographies où la classe est présente
    shares = np.divide(counts.sum(axis=1), around, out=np.zeros(NUM_CLASSES), where=around > 0)
    median = np.median(shares[shares > 0])
    return np.divide(median, shares, out=np.zeros(NUM_CLASSES), where=shares > 0)


def weighted_loss(weights: np.ndarray) -> Callable:
    """Rend une entropie croisée où l'erreur d'un pixel compte selon sa vraie classe.

    Args:
        weights: poids de chaque classe `(11,)` ; un pixel VOID pèse 0.
    """
    rows = np.vstack([np.diag(weights), np.zeros(NUM_CLASSES)]).astype("float32")  # (12, 11)

    def loss(masks, answers):
        targets = ops.take(rows, ops.cast(masks, "int32"), axis=0)  # (n, h, w, 11)
        return -ops.mean(ops.sum(targets * ops.log(answers + keras.config.epsilon()), axis=-1))

    return loss


# --- Question : que vaut le réseau ? -------------------------------------------------


def learn(streets: dict, *, weighted: bool, seed: int, clock: lesson.Clock) -> keras.Model:
    """Entraîne le U-Net sur les rues, avec ou sans poids."""
    loss = weighted_loss(balance(streets["train"].masks) ** POWER) if weighted else None
    return train("unet", streets, rate=RATE, seed=seed, clock=clock, loss=loss)


def judge(masks: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Rend l'IoU moyenne, l'exactitude, et l'IoU de chaque classe, comme `iou_car`."""
    counts = matrices(masks, predicted).sum(axis=0)
    return {**score(counts), "accuracy": float(np.trace(counts) / counts.sum())}


def run(seed: int, *, epochs: int = EPOCHS, minutes=None, limit: int | None = None) -> lesson.Run:
    """Entraîne le U-Net sans poids, puis celui dont la perte pèse les classes, et les mesure.

    Args:
        seed: graine des poids de départ et du mélange.
        epochs: nombre d'époques de chaque réseau.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: au plus tant de photographies de chaque part ; None : toutes.

    Returns:
        Les mesures de `judge` en test, précédées de ce que dit `ANSWERS` ; `val_mean_iou` de chaque
        réseau ; `weighted_street_iou`…, la moyenne des IoU de `iou_each` ; les mesures de
        `doubt.measure_doubt`. Le réseau aux classes pesées. Dans `pooled`, l'IoU de chaque
        photographie de test ; puis ces photographies, leurs masques, et le doute choisi en
        validation.
    """
    streets = load_streets(limit)
    test, val = streets["test"], streets["val"]
    unweighted, weighted = (
        learn(streets, weighted=each, seed=seed, clock=lesson.Clock(epochs, minutes, share=1 / 2))
        for each in (False, True)
    )
    blind = np.broadcast_to(most_frequent(streets["train"].whole), test.whole.shape)
    masks = {
        "weighted": enlarged(weighted, test.images),
        "unweighted": enlarged(unweighted, test.images),
        "blind": blind,
    }
    metrics = {}
    for start, answers in zip(ANSWERS, masks.values(), strict=True):
        metrics |= {f"{start}{name}": each for name, each in judge(test.whole, answers).items()}
    for start, model in (("", weighted), ("unweighted_", unweighted)):
        validated = judge(val.whole, enlarged(model, val.images))
        metrics[f"{start}val_mean_iou"] = validated["mean_iou"]
    means, pooled = by_image({name: iou_each(test.whole, each) for name, each in masks.items()})
    metrics |= {f"{name}_street_iou": mean for name, mean in means.items()}
    chosen = doubt.find_doubt(weighted, val)
    metrics |= doubt.measure_doubt(weighted, test, chosen)
    kept = {"test": test, "masks": masks, "doubt": chosen, "pooled": pooled}
    return lesson.Run(metrics, weighted, kept)


def pool(found: list[dict]) -> dict:
    """Rend l'écart d'IoU des deux réponses de chaque couple de `PAIRS`.

    Args:
        found: par graine, l'IoU moyenne de chaque photographie de test, par réponse.

    Returns:
        `{"gaps": {"weighted - unweighted": [moyenne, bas, haut]…}}`, graines et photographies
        ensemble.
    """
    return {"gaps": paired_gaps(found, PAIRS)}


def teach(options) -> None:
    """Entraîne, mesure, dessine et enregistre."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    values, folder, test = found.metrics, output_dir(options), found.kept["test"]
    rows = [
        [label, *(percent(values[f"{start}{key}"]) for start in ANSWERS)]
        for label, key in {**KEYS, "exactitude": "accuracy"}.items()
    ]
    print(table(["IoU, en test", *ANSWERS.values()], rows))
    print(
        f"Sûr de lui, le U-Net aux classes pesées nomme {percent(values['said'])} des pixels de "
        f"test, et il a raison pour {percent(values['said_accuracy'])} d'entre eux."
    )
    masks = found.kept["masks"]
    shown = {"classes pesées": masks["weighted"], "sans poids": masks["unweighted"]}
    save_answers(folder / "rues_pesees.png", test, shown)
    lesson.save(
        found.model,
        options,
        values,
        light=False,
        headline=[
            Headline("mean_iou", "IoU moyenne, rues, U-Net, classes pesées"),
            Headline("accuracy", "exactitude, rues, U-Net, classes pesées"),
        ],
        input_shape=list(test.images.shape[1:]),
        details=found.kept["doubt"]._asdict(),
    )
    print(f"Figure : {folder}/rues_pesees.png")
    print(f"Une rue à segmenter : {lesson.command_for(options)} {find_streets()['test'][0]}")


def main(argv: list[str] | None = None) -> int:
    """Sans image, donne la leçon ; avec une photographie de rue, la segmente."""
    parser = lesson_parser("ex18_segmentation.rare_classes", __doc__.splitlines()[0], epochs=EPOCHS)
    parser.add_argument(
        "image", nargs="?", help="photographie à segmenter ; sans elle, on entraîne"
    )
    add_model_option(parser)
    options = parser.parse_args(argv)
    return lesson.run(teach if options.image is None else doubt.segment, options)


if __name__ == "__main__":
    raise SystemExit(main())
