"""Segmenter de vraies rues : CamVid, onze classes, les trois réseaux de l'exercice.

Document : S3 « Different problems, models & metrics » (scènes de rue, SegNet).
Commandes : python -m exercises.ex18_segmentation.streets
            python -m exercises.ex18_segmentation.streets photo-de-rue.png
Résultat mesuré : docs/laboratoire/resultats.md, sur trois graines (`python -m recipes.seeds`).

Les mêmes réseaux que sur les scènes composées, construits et entraînés par les mêmes fonctions,
apprennent 367 photographies prises d'une voiture, réduites à 160 × 120 pixels. Leurs masques,
agrandis trois fois, sont jugés sur les vrais masques de 480 × 360 pixels, ceux de l'article de
SegNet. Un témoin ne regarde pas l'image : il répond, à chaque place, la classe la plus fréquente à
cette place dans les photographies apprises. Une photographie donnée est segmentée par le réseau
de `rare_classes.py`.
"""

import keras
import numpy as np

from convnets.core.cli import add_model_option, lesson_parser, percent
from convnets.core.reports import Headline
from convnets.datasets.streets import (
    CLASSES_FR,
    REDUCTION,
    VOID,
    Streets,
    find_streets,
    load_streets,
)
from convnets.figures.charts import bars, table
from convnets.figures.style import new_figure, output_dir
from convnets.training import lesson
from exercises.ex18_segmentation import doubt
from exercises.ex18_segmentation.__main__ import NETWORKS, NUM_CLASSES, predict_masks, train
from exercises.ex18_segmentation.figures import save_masks
from exercises.ex18_segmentation.measures import iou

EPOCHS = 10
# Le meilleur de 1, 3, 10 et 30 millièmes sur la validation, en six époques, pour chaque réseau.
LEARNING_RATES = dict.fromkeys(NETWORKS, 3e-3)
ANSWERS = {**NETWORKS, "blind": "sans regarder"}
LABELS = {**ANSWERS, "forest": "forêt, filtres fixes"}  # la leçon n'apprend pas la forêt
PAIRS = (("unet", "segnet"), ("segnet", "plain"))  # comparés sur les mêmes photographies
NUM_DRAWS = 1000  # tirages des photographies de test, avec remise, pour un intervalle
# IoU moyenne selon l'article de SegNet (arXiv 1511.00561v3, tableaux 3 et 1), à pleine taille.
PAPER = {"SegNet, 3 433 photographies": 0.601, "SegNet-Basic, les 367 photographies": 0.463}
KEYS = {name: f"iou_{key}" for key, name in CLASSES_FR.items()} | {"moyenne": "mean_iou"}
NAMES = ("Vide", *CLASSES_FR.values())
RARE = "exercises.ex18_segmentation.rare_classes"  # la partie suivante
SEGMENTER = "ex18_rare_classes"  # son modèle, qui segmente une photographie
NUM_SHOWN = 4  # photographies de test sur la figure, prises à intervalles égaux


# --- Question : que voit-on sans regarder ? ------------------------------------------


def most_frequent(masks: np.ndarray) -> np.ndarray:
    """Rend la classe la plus fréquente à chaque place.

    Args:
        masks: `(n, h, w)` ; VOID ne compte pas.

    Returns:
        `(h, w)` uint8.
    """
    counts = [(masks == k).sum(axis=0, dtype=np.uint16) for k in range(NUM_CLASSES)]
    return np.argmax(counts, axis=0).astype(np.uint8)


# --- Question : que vaut chaque réseau ? ---------------------------------------------


def matrices(masks: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Compte les pixels de chaque classe vraie par classe répondue, photographie par photographie.

    Args:
        masks: vérité `(n, h, w)` ; les pixels VOID ne comptent pas.
        predicted: réponse, même forme, de 0 à 10.

    Returns:
        `(n, 11, 11)` entiers.
    """
    known = zip(masks, predicted, masks != VOID, strict=True)
    pairs = [(mask[kept], answer[kept]) for mask, answer, kept in known]
    return np.stack([lesson.confusion_matrix(*pair, NUM_CLASSES) for pair in pairs])


def score(counts: np.ndarray) -> dict[str, float]:
    """Rend l'IoU moyenne, `mean_iou`, et celle de chaque classe, comme `iou_car`.

    Args:
        counts: pixels de chaque classe vraie par classe répondue, `(11, 11)`.
    """
    ious = iou(counts)
    found = {f"iou_{name}": float(value) for name, value in zip(CLASSES_FR, ious, strict=True)}
    return {"mean_iou": float(np.nanmean(ious)), **found}


def paired_gain(found: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Compare l'IoU moyenne de deux réponses, sur les mêmes photographies.

    Args:
        found: matrices `(n, 11, 11)` de la première.
        other: celles de la seconde.

    Returns:
        L'écart, et de combien l'intervalle à 95 % s'en éloigne : deux écarts-types de l'écart
        quand les photographies de test sont tirées au sort, avec remise. Une autre graine peut
        s'en éloigner bien plus.
    """
    rng = np.random.default_rng(0)
    draws = rng.multinomial(len(found), np.full(len(found), 1 / len(found)), NUM_DRAWS)

    def gap(weights: np.ndarray) -> float:
        sums = [np.tensordot(weights, each, axes=1) for each in (found, other)]
        return float(np.nanmean(iou(sums[0])) - np.nanmean(iou(sums[1])))

    return gap(np.ones(len(found))), 2 * float(np.std([gap(weights) for weights in draws]))


def whole_size(masks: np.ndarray) -> np.ndarray:
    """Agrandit des masques réduits à la taille des photographies entières, `(n, 360, 480)`."""
    return masks.repeat(REDUCTION, axis=1).repeat(REDUCTION, axis=2)


def enlarged(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Rend les classes de chaque pixel des photographies entières, `(n, 360, 480)` uint8."""
    return whole_size(predict_masks(model, images))


def run(seed: int, *, epochs: int = EPOCHS, minutes=None, limit: int | None = None) -> lesson.Run:
    """Entraîne les trois réseaux et les mesure sur les photographies de test.

    Args:
        seed: graine des poids de départ et du mélange.
        epochs: nombre d'époques de chaque réseau.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: au plus tant de photographies de chaque part ; None : toutes.

    Returns:
        L'IoU moyenne de chaque réponse et celle de chaque classe, comme `unet_mean_iou` et
        `unet_iou_car` ; les écarts de `PAIRS`, comme `unet_over_segnet` ; le U-Net ; les masques.
    """
    streets = load_streets(limit)
    test, predicted, models = streets["test"], {}, {}
    for kind, rate in LEARNING_RATES.items():
        clock = lesson.Clock(epochs, minutes, share=1 / len(NETWORKS))
        models[kind] = train(kind, streets, rate=rate, seed=seed, clock=clock)
        predicted[kind] = enlarged(models[kind], test.images)
    blind = most_frequent(streets["train"].whole)
    predicted["blind"] = np.broadcast_to(blind, test.whole.shape)
    counts = {kind: matrices(test.whole, masks) for kind, masks in predicted.items()}
    metrics = {}
    for kind, each in counts.items():
        metrics |= {f"{kind}_{name}": value for name, value in score(each.sum(axis=0)).items()}
    for one, other in PAIRS:
        gain, reach = paired_gain(counts[one], counts[other])
        metrics |= {f"{one}_over_{other}": gain, f"{one}_over_{other}_reach": reach}
    return lesson.Run(metrics, models["unet"], {"test": test, "masks": predicted})


def save_answers(path, test: Streets, masks: dict[str, np.ndarray]) -> None:
    """Écrit quelques photographies de test, leur vérité et chaque réponse, `(n, h, w)`."""
    shown = np.linspace(0, len(test.images) - 1, NUM_SHOWN).astype(int)
    rows = {"vérité": test.whole, **masks}
    painted = {label: (each[shown] + 1) % len(NAMES) for label, each in rows.items()}
    save_masks(path, test.images[shown], painted, NAMES)


def save_bars(path, metrics) -> None:
    """Écrit l'IoU de chaque classe, et leur moyenne, pour chaque réponse mesurée."""
    groups = {
        label: {name: metrics[f"{kind}_{key}"] for name, key in KEYS.items()}
        for kind, label in LABELS.items()
        if f"{kind}_mean_iou" in metrics
    }
    with new_figure(path, size=(13, 4)) as (_, axes):
        bars(axes[0, 0], groups, digits=0)
        axes[0, 0].set(title="IoU sur les photographies de test de CamVid")
        axes[0, 0].tick_params(axis="x", rotation=30)


def teach(options) -> None:
    """Entraîne, mesure, dessine et enregistre."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    values, folder, test = found.metrics, output_dir(options), found.kept["test"]
    rows = [
        [label, *(percent(values[f"{kind}_{key}"]) for kind in ANSWERS)]
        for label, key in KEYS.items()
    ]
    print(table(["IoU", *ANSWERS.values()], rows))
    for one, other in PAIRS:
        gain, reach = (percent(values[f"{one}_over_{other}{end}"]) for end in ("", "_reach"))
        print(f"{ANSWERS[one]} moins {ANSWERS[other]}, pour cette graine : {gain} ± {reach}")
    for label, value in PAPER.items():
        print(f"Dans l'article, à 480 × 360 pixels, {label} : {percent(value)}")
    masks = {label: found.kept["masks"][kind] for kind, label in NETWORKS.items()}
    save_answers(folder / "rues.png", test, masks)
    save_bars(folder / "classes.png", values)
    lesson.save(
        found.model,
        options,
        values,
        light=False,
        headline=[
            Headline(f"{kind}_mean_iou", f"IoU moyenne, rues, {ANSWERS[kind]}") for kind in ANSWERS
        ],
        input_shape=list(test.images.shape[1:]),
    )
    print(f"Figures écrites dans {folder}/")
    print(f"Pour ne pas oublier les classes rares : python -m {RARE}")
    print(f"Puis, une rue à segmenter : python -m {RARE} {find_streets()['test'][0]}")


def main(argv: list[str] | None = None) -> int:
    """Sans image, donne la leçon ; avec une photographie de rue, la segmente."""
    parser = lesson_parser("ex18_segmentation.streets", __doc__.splitlines()[0], epochs=EPOCHS)
    parser.add_argument(
        "image", nargs="?", help="photographie à segmenter ; sans elle, on entraîne"
    )
    add_model_option(parser, SEGMENTER)
    options = parser.parse_args(argv)
    return lesson.run(teach if options.image is None else doubt.segment, options)


if __name__ == "__main__":
    raise SystemExit(main())
