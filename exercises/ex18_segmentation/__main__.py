"""Segmentation sémantique : une classe par pixel, avec U-Net et SegNet.

Document : S3 « Different problems, models & metrics » (segmentation, U-Net, SegNet).
Commandes : python -m exercises.ex18_segmentation
            python -m exercises.ex18_segmentation web/static/scenes/0.png
Résultat mesuré : docs/laboratoire/resultats.md (`python -m recipes.seeds ex18_segmentation`).

Trois réseaux descendent de la même façon, de 64 à 8 pixels, puis remontent jusqu'à l'image. Ils ne
diffèrent que par ce que la montée reçoit de la descente : toutes ses cartes (U-Net), la place de
ses maximums (SegNet), ou rien. Sans rien, le réseau a la forme d'un auto-encodeur : il sait ce
qu'il y a dans l'image, mais ne sait plus bien où.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
from keras import layers

from convnets.core.cli import add_model_option, lesson_parser, percent
from convnets.core.intervals import paired_gaps
from convnets.core.reports import Headline
from convnets.datasets.scenes import SCENE_PX, Scenes, make_sets
from convnets.figures.charts import table
from convnets.figures.style import output_dir
from convnets.training import lesson
from convnets.training.batches import shuffled
from exercises.ex18_segmentation.figures import CLASSES_FR, save_masks
from exercises.ex18_segmentation.measures import NUM_CLASSES, VOID, measure, measure_answers
from exercises.ex18_segmentation.unpooling import max_pool_with_places, unpool

NETWORKS = {"unet": "U-Net", "plain": "le même sans connexions", "segnet": "SegNet"}
ANSWERS = {**NETWORKS, "background": "« fond » partout"}  # le dernier n'apprend rien
PAIRS = (  # que `pool` compare, scène par scène
    ("unet", "segnet"),
    ("unet", "plain"),
    ("segnet", "plain"),
    ("unet", "background"),
    ("plain", "background"),
    ("segnet", "background"),
)
MEASURES = {
    "mean_iou": "IoU moyenne",
    "object_mean_iou": "sans le fond",
    "object_iou": "objet ou fond",
    "contour_accuracy": "exactitude, près des contours",
}
NUM_SCENES = {"train": 5000, "val": 400, "test": 1000}
NUM_OBJECTS = (2, 4)  # vêtements par scène
CHANNELS = (16, 24, 48, 96)  # cartes à 64, 32, 16 et 8 pixels
EPOCHS = 2
BATCH_SIZE = 8
# D'Adam, au début ; il suit ensuite un cosinus jusqu'à zéro (lesson.Clock). Pour chaque réseau, le
# meilleur de 1, 3, 10 et 30 millièmes sur la validation, avec les mêmes époques et une graine.
LEARNING_RATES = {"unet": 1e-2, "plain": 3e-3, "segnet": 1e-2}
NUM_SHOWN = 4  # scènes de test sur la figure


# --- Question : descendre, puis remonter jusqu'à l'image -----------------------------


def block(x, num_maps: int):
    """Convolution 3 × 3, normalisation, ReLU : `(n, h, w, c)` → `(n, h, w, num_maps)`."""
    x = layers.Conv2D(num_maps, 3, padding="same", use_bias=False)(x)
    # 0,9 : les moyennes suivent en une dizaine de lots, l'entraînement en compte un millier.
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def build_model(kind: str, shape: tuple = (SCENE_PX, SCENE_PX, 3)) -> keras.Model:
    """Construit un des trois réseaux.

    Args:
        kind: `"unet"`, `"plain"` (le même, sans connexions) ou `"segnet"`.
        shape: forme d'une image, dont les côtés sont des multiples de huit.

    Returns:
        Modèle : images uint8 `(n, h, w, 3)` → probabilités `(n, h, w, 11)` float32.

    Source : Ronneberger, Fischer et Brox, arXiv 1505.04597 ; Badrinarayanan, Kendall et Cipolla,
    arXiv 1511.00561. Une convolution par étage au lieu de deux ou trois, et bien moins de cartes.
    """
    images = keras.Input(shape, dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1)(images)  # de 0…255 à -1…1
    kept = []  # ce que la descente transmet à la montée, un élément par étage
    for num_maps in CHANNELS[:-1]:
        x = block(x, num_maps)
        if kind == "segnet":
            x, places = max_pool_with_places(x)
            kept.append(places)
        else:
            kept.append(x)
            x = layers.MaxPooling2D(2)(x)
    x = block(block(x, CHANNELS[-1]), CHANNELS[-1])  # (n, h/8, w/8, 96)
    if kind == "segnet":
        x = climb_with_places(x, kept)
    else:
        x = climb(x, kept, connected=kind == "unet")  # (n, h, w, 16)
    outputs = layers.Conv2D(NUM_CLASSES, 1, activation="softmax")(x)  # (n, h, w, 11)
    return keras.Model(images, outputs, name=f"ex18_{kind}")


def climb(x, kept: list, *, connected: bool):
    """Remonte par convolutions transposées, en relisant ou non les cartes de la descente.

    Args:
        x: cartes du fond `(n, h, w, c)`.
        kept: cartes de la descente, l'étage le plus fin d'abord.
        connected: True pour le U-Net. False pour le réseau sans connexions : chaque convolution
            transposée rend alors deux fois plus de cartes, la convolution qui suit en lit autant
            que dans le U-Net, et le réseau n'est pas plus petit que lui.

    Returns:
        Cartes `(n, 8h, 8w, 16)`.

    Source : Ronneberger, Fischer et Brox, arXiv 1505.04597, figure 1.
    """
    for num_maps, maps in zip(CHANNELS[-2::-1], reversed(kept), strict=True):
        x = layers.Conv2DTranspose(num_maps if connected else 2 * num_maps, 2, strides=2)(x)
        if connected:
            x = layers.Concatenate()([maps, x])
        x = block(x, num_maps)  # (n, 2h, 2w, num_maps)
    return x


def climb_with_places(x, kept: list):
    """SegNet : repose chaque valeur à la place du maximum, puis l'étale par une convolution.

    Source : Badrinarayanan, Kendall et Cipolla, arXiv 1511.00561, figure 2.
    """
    x = block(x, CHANNELS[-2])  # autant de cartes qu'il y a de places retenues
    for level, places in reversed(list(enumerate(kept))):
        x = block(unpool(x, places), CHANNELS[level])
        if level:
            x = block(x, CHANNELS[level - 1])
    return x


# --- Question : apprendre, même budget pour les trois réseaux ------------------------


def train(
    kind: str,
    scenes: dict[str, Scenes],
    *,
    rate: float,
    seed: int,
    clock: lesson.Clock,
    loss: Callable | None = None,
) -> keras.Model:
    """Entraîne un des trois réseaux sur des images et leurs masques.

    Args:
        kind: voir `build_model`.
        scenes: les jeux `train` et `val`.
        rate: taux d'apprentissage d'Adam, le plus grand qu'il y aura.
        seed: graine des poids de départ et du mélange.
        clock: ce qui mène le taux jusqu'à zéro.
        loss: perte, `loss(masques, réponses)` ; None : l'entropie croisée des pixels nommés.
    """
    keras.utils.set_random_seed(seed)
    learned, val, only = scenes["train"], scenes["val"], {"ignore_class": VOID}
    model = build_model(kind, learned.images.shape[1:])
    judge = keras.metrics.MeanIoU(NUM_CLASSES, sparse_y_pred=False, name="mean_iou", **only)
    model.compile(
        keras.optimizers.Adam(rate),
        loss or keras.losses.SparseCategoricalCrossentropy(**only),  # une classe par pixel
        metrics=[judge],
    )
    model.fit(
        shuffled(learned.images, learned.masks, batch_size=BATCH_SIZE, seed=seed),
        epochs=clock.epochs,
        validation_data=(val.images, val.masks),
        validation_batch_size=50,
        callbacks=[clock],
        verbose=0,
    )
    lesson.round_weights(model)
    return model


def predict_masks(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Rend la classe la plus probable de chaque pixel.

    Args:
        model: un des trois réseaux.
        images: uint8 `(n, h, w, 3)`.

    Returns:
        uint8 `(n, h, w)`, de 0 (fond) à 10.
    """
    return model.predict(images, batch_size=50, verbose=0).argmax(-1).astype(np.uint8)


# --- Question : que vaut chaque réseau ? ---------------------------------------------


def run(seed: int, *, epochs: int = EPOCHS, minutes=None, limit: int | None = None) -> lesson.Run:
    """Compose les scènes, entraîne les trois réseaux et les mesure sur des scènes de test.

    Aucun vêtement ni aucune photographie n'a servi à la fois à apprendre et à mesurer.

    Args:
        seed: graine des poids de départ et du mélange ; les scènes ne changent pas.
        epochs: nombre d'époques de chaque réseau.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: au plus tant de scènes de chaque jeu ; None : `NUM_SCENES`.

    Returns:
        Six mesures par réponse, comme `unet_mean_iou`, dont `unet_scene_iou`, la moyenne des IoU de
        `iou_each` ; le U-Net ; dans `pooled`, ces IoU, et les masques de test.
    """
    scenes = make_sets(NUM_SCENES, num_objects=NUM_OBJECTS, limit=limit)
    test = scenes["test"]
    models = {}
    for kind, rate in LEARNING_RATES.items():
        clock = lesson.Clock(epochs, minutes, share=1 / len(NETWORKS))
        models[kind] = train(kind, scenes, rate=rate, seed=seed, clock=clock)
    predicted = {kind: predict_masks(model, test.images) for kind, model in models.items()}
    predicted["background"] = np.zeros_like(test.masks)
    metrics, pooled = measure_answers(test.masks, predicted, measure, unit="scene")
    kept = {"scenes": test, "masks": predicted, "pooled": pooled}
    return lesson.Run(metrics, models["unet"], kept)


def pool(found: list[dict]) -> dict:
    """Rend l'écart d'IoU des deux réponses de chaque couple de `PAIRS`.

    Args:
        found: par graine, l'IoU moyenne de chaque scène de test, par réponse.

    Returns:
        `{"gaps": {"unet - segnet": [moyenne, bas, haut]…}}`, graines et scènes ensemble.
    """
    return {"gaps": paired_gaps(found, PAIRS)}


def teach(options) -> None:
    """Entraîne, mesure, dessine et enregistre."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    scenes, predicted = found.kept["scenes"], found.kept["masks"]
    rows = [
        [label, *(percent(found.metrics[f"{kind}_{name}"]) for name in MEASURES)]
        for kind, label in ANSWERS.items()
    ]
    print(table(["", *MEASURES.values()], rows))
    masks = {"vérité": scenes.masks}
    masks |= {label: predicted[kind] for kind, label in NETWORKS.items()}
    path = output_dir(options) / "masques.png"
    save_masks(path, scenes.images[:NUM_SHOWN], masks)
    lesson.save(
        found.model,
        options,
        found.metrics,
        headline=[
            Headline(f"{kind}_mean_iou", f"IoU moyenne, {ANSWERS[kind]}") for kind in ANSWERS
        ],
        input_shape=list(scenes.images.shape[1:]),
    )
    print(f"Figure : {path}")
    print(f"Une scène à segmenter : {lesson.command_for(options)} web/static/scenes/0.png")


# --- Question : segmenter une image --------------------------------------------------


def segment(options) -> None:
    """Dessine le masque d'une image, et dit la part de chaque classe."""
    model = lesson.load_saved(options)
    image = lesson.read_picture(options.image, model, "une scène composée par cet exercice")
    show_mask(options, image, predict_masks(model, image[None])[0], CLASSES_FR)


def show_mask(options, image: np.ndarray, mask: np.ndarray, names: Sequence[str]) -> None:
    """Écrit le masque `(h, w)` que le U-Net donne d'une image, et la part de chaque nom."""
    for class_index, count in zip(*np.unique(mask, return_counts=True), strict=True):
        print(f"{names[class_index]} : {percent(count / mask.size)} des pixels")
    path = output_dir(options) / f"{Path(options.image).stem}_masque.png"
    save_masks(path, image[None], {"masque du U-Net": mask[None]}, names)
    print(f"Figure : {path}")


def main(argv: list[str] | None = None) -> int:
    """Sans image, donne la leçon ; avec une image, la segmente."""
    parser = lesson_parser("ex18_segmentation", __doc__.splitlines()[0], epochs=EPOCHS)
    parser.add_argument("image", nargs="?", help="image à segmenter ; sans elle, on entraîne")
    add_model_option(parser)
    options = parser.parse_args(argv)
    return lesson.run(teach if options.image is None else segment, options)


if __name__ == "__main__":
    raise SystemExit(main())
