"""Segmenter de vraies rues : CamVid, onze classes, les trois réseaux, puis les classes rares.

Document : S3 « Different problems, models & metrics » (scènes de rue, SegNet).
Commandes : python -m exercises.ex18_segmentation.streets
            python -m exercises.ex18_segmentation.streets photo-de-rue.png
Résultat mesuré : leçon 18 (`python -m recipes.seeds ex18_segmentation.streets --seeds 3`).

Les mêmes réseaux que sur les scènes composées, construits et entraînés par les mêmes fonctions,
apprennent 367 photographies prises d'une voiture, réduites à 160 × 120 pixels. Puis le U-Net les
apprend de nouveau, avec une perte où les classes rares pèsent plus lourd (`class_weights.py`) ;
rien d'autre ne change. Les masques, agrandis trois fois, sont jugés sur les vrais masques de
480 × 360 pixels, ceux de l'article de SegNet. Un témoin ne regarde pas l'image : il répond, à
chaque place, la classe la plus fréquente à cette place dans les photographies apprises. Le U-Net
aux classes pesées est enregistré : il segmente une photographie donnée (`doubt.py`).
"""

import keras
import numpy as np

from convnets.core.cli import add_model_option, lesson_parser, percent
from convnets.core.intervals import paired_gaps
from convnets.core.reports import Headline
from convnets.datasets.streets import CLASSES_FR, REDUCTION, Streets, find_streets, load_streets
from convnets.figures.charts import bars, table
from convnets.figures.style import new_figure, output_dir
from convnets.training import lesson
from exercises.ex18_segmentation import doubt
from exercises.ex18_segmentation.__main__ import NETWORKS, predict_masks, train
from exercises.ex18_segmentation.class_weights import POWER, balance, weighted_loss
from exercises.ex18_segmentation.figures import save_masks
from exercises.ex18_segmentation.measures import NUM_CLASSES, iou, matrices, measure_answers

EPOCHS = 10
# Le meilleur de 1, 3, 10 et 30 millièmes sur la validation, en six époques, pour chaque réseau ;
# le U-Net aux classes pesées garde celui du U-Net.
LEARNING_RATE = 3e-3
LEARNED = {**NETWORKS, "weighted": "U-Net, classes pesées"}
ANSWERS = {**LEARNED, "blind": "sans regarder"}
LABELS = {**ANSWERS, "forest": "forêt, filtres fixes"}  # la leçon n'apprend pas la forêt
PAIRS = (  # que `pool` compare, photographie par photographie
    ("unet", "plain"),
    ("unet", "segnet"),
    ("segnet", "plain"),
    ("unet", "blind"),
    ("segnet", "blind"),
    ("weighted", "unet"),
    ("weighted", "blind"),
)
# IoU moyenne de SegNet-Basic, appris des mêmes photographies à pleine taille (arXiv 1511.00561v3,
# tableau 1).
PAPER_IOU = 0.463
KEYS = {name: f"iou_{key}" for key, name in CLASSES_FR.items()} | {"moyenne": "mean_iou"}
NAMES = ("Vide", *CLASSES_FR.values())
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


# --- Question : que vaut chaque réponse ? --------------------------------------------


def score(masks: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Rend l'IoU moyenne, `mean_iou`, et celle de chaque classe, comme `iou_car`.

    Args:
        masks: vérité `(n, h, w)` ; les pixels VOID ne comptent pas.
        predicted: réponse, même forme, de 0 à 10.
    """
    ious = iou(matrices(masks, predicted).sum(axis=0))
    found = {f"iou_{name}": float(value) for name, value in zip(CLASSES_FR, ious, strict=True)}
    return {"mean_iou": float(np.nanmean(ious)), **found}


def whole_size(masks: np.ndarray) -> np.ndarray:
    """Agrandit des masques réduits à la taille des photographies entières, `(n, 360, 480)`."""
    return masks.repeat(REDUCTION, axis=1).repeat(REDUCTION, axis=2)


def learn(
    streets: dict[str, Streets], *, seed: int, epochs: int, minutes
) -> dict[str, keras.Model]:
    """Entraîne les quatre réseaux de `LEARNED` ; arguments de `run`."""
    losses = dict.fromkeys(NETWORKS)  # None : la perte ordinaire
    losses["weighted"] = weighted_loss(balance(streets["train"].masks) ** POWER)
    models = {}
    for name, loss in losses.items():
        kind = "unet" if name == "weighted" else name
        clock = lesson.Clock(epochs, minutes, share=1 / len(LEARNED))
        options = {"rate": LEARNING_RATE, "seed": seed, "clock": clock, "loss": loss}
        models[name] = train(kind, streets, **options)
    return models


def run(seed: int, *, epochs: int = EPOCHS, minutes=None, limit: int | None = None) -> lesson.Run:
    """Entraîne les quatre réseaux et les mesure sur les photographies de test.

    Args:
        seed: graine des poids de départ et du mélange.
        epochs: nombre d'époques de chaque réseau.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: au plus tant de photographies de chaque part ; None : toutes.

    Returns:
        Les mesures de `score` pour chaque réponse, comme `unet_mean_iou` et `weighted_iou_car`, et
        `unet_street_iou`, la moyenne des IoU de `iou_each` ; celles de `doubt.measure_doubt`. Le
        U-Net aux classes pesées. Dans `pooled`, l'IoU de chaque photographie de test ; puis ces
        photographies, leurs masques, et le doute choisi en validation.
    """
    streets = load_streets(limit)
    test = streets["test"]
    models = learn(streets, seed=seed, epochs=epochs, minutes=minutes)
    masks = {name: whole_size(predict_masks(model, test.images)) for name, model in models.items()}
    blind = most_frequent(streets["train"].whole)
    masks["blind"] = np.broadcast_to(blind, test.whole.shape)
    metrics, pooled = measure_answers(test.whole, masks, score, unit="street")
    chosen = doubt.find_doubt(models["weighted"], streets["val"])
    metrics |= doubt.measure_doubt(models["weighted"], test, chosen)
    kept = {"test": test, "masks": masks, "doubt": chosen, "pooled": pooled}
    return lesson.Run(metrics, models["weighted"], kept)


def pool(found: list[dict]) -> dict:
    """Rend l'écart d'IoU des deux réponses de chaque couple de `PAIRS`.

    CamVid est un film : ses photographies voisines se ressemblent. Cet intervalle les compte comme
    indépendantes, et il est donc trop étroit.

    Args:
        found: par graine, l'IoU moyenne de chaque photographie de test, par réponse.

    Returns:
        `{"gaps": {"weighted - unet": [moyenne, bas, haut]…}}`, graines et photographies ensemble.
    """
    return {"gaps": paired_gaps(found, PAIRS)}


def save_answers(path, test: Streets, masks: dict[str, np.ndarray]) -> None:
    """Écrit quelques photographies de test, leur vérité et chaque réponse, `(n, h, w)`."""
    shown = np.linspace(0, len(test.images) - 1, NUM_SHOWN).astype(int)
    rows = {"vérité": test.whole} | {label: masks[name] for name, label in LEARNED.items()}
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
        [label, *(percent(values[f"{name}_{key}"]) for name in ANSWERS)]
        for label, key in {**KEYS, "moyenne, photographie par photographie": "street_iou"}.items()
    ]
    print(table(["IoU, en test", *ANSWERS.values()], rows))
    print(f"Dans l'article, SegNet-Basic, à 480 × 360 pixels : {percent(PAPER_IOU)} en moyenne.")
    print(
        f"Sûr de lui, le U-Net aux classes pesées nomme {percent(values['said'])} des pixels de "
        f"test, et il a raison pour {percent(values['said_accuracy'])} d'entre eux."
    )
    save_answers(folder / "rues.png", test, found.kept["masks"])
    save_bars(folder / "classes.png", values)
    lesson.save(
        found.model,
        options,
        values,
        light=False,
        headline=[
            Headline(f"{name}_mean_iou", f"IoU moyenne, rues, {label}")
            for name, label in ANSWERS.items()
        ],
        input_shape=list(test.images.shape[1:]),
        details=found.kept["doubt"]._asdict(),
    )
    print(f"Figures écrites dans {folder}/")
    print(f"Une rue à segmenter : {lesson.command_for(options)} {find_streets()['test'][0]}")


def main(argv: list[str] | None = None) -> int:
    """Sans image, donne la leçon ; avec une photographie de rue, la segmente."""
    parser = lesson_parser("ex18_segmentation.streets", __doc__.splitlines()[0], epochs=EPOCHS)
    parser.add_argument(
        "image", nargs="?", help="photographie à segmenter ; sans elle, on entraîne"
    )
    add_model_option(parser)
    options = parser.parse_args(argv)
    return lesson.run(teach if options.image is None else doubt.segment, options)


if __name__ == "__main__":
    raise SystemExit(main())
