"""Segmentation d'instances : un masque par objet, quand des objets de même classe se touchent.

D'après : S3 « Different problems, models & metrics » (segmentation d'instances).
Commandes : python -m exercises.ex18_segmentation.instances
            python -m exercises.ex18_segmentation.instances web/static/scenes/0.png
Résultat mesuré : docs/resultats.md, sur trois graines (`python -m recipes.seeds`).

Le U-Net à trois cartes de plus (`grouping.py`) apprend des scènes serrées (`crowds.py`), et ses
masques sont jugés objet par objet (`mask_ap.py`). Trois autres réponses disent ce qui compte : les
taches d'un seul tenant du même réseau ; celles du vrai masque de classes ; les vraies boîtes,
remplies. Les deux dernières connaissent la vérité : leurs fautes ne viennent pas du réseau.
"""

from pathlib import Path

import keras
import numpy as np

from convnets.core.cli import agreed, lesson_parser, percent
from convnets.core.reports import Headline
from convnets.datasets.scenes import SCENE_PX, limited, split_pictures
from convnets.datasets.sources import FASHION_CLASSES_FR
from convnets.figures.charts import picture_rows, table
from convnets.figures.style import output_dir
from convnets.serving.classifier import prepare
from convnets.training import lesson, saving
from convnets.training.batches import shuffled
from exercises.ex18_segmentation import figures
from exercises.ex18_segmentation.__main__ import BATCH_SIZE, LEARNING_RATES, build_model
from exercises.ex18_segmentation.crowds import OVERLAPS, Crowds, compose_crowds
from exercises.ex18_segmentation.grouping import (
    NUM_CLASSES,
    Instances,
    add_heads,
    components,
    fill_boxes,
    group,
    loss,
    make_targets,
    one_by_one,
    split,
)
from exercises.ex18_segmentation.mask_ap import average_precisions

EPOCHS = 4
NUM_SCENES = {"train": 4000, "test": 1000}
SCENE_SEEDS = {"train": 0, "test": 2}
ANSWERS = {
    "group": "pixels regroupés",
    "components": "taches du même réseau",
    "true_components": "taches du vrai masque",
    "true_boxes": "vraies boîtes, remplies",
}
MEASURES = {
    "any_ap50": "AP50, classe ignorée",
    "any_ap": "AP, classe ignorée",
    "ap50": "AP50, classe comprise",
    "ap": "AP, classe comprise",
}


# --- Question : apprendre sur des scènes serrées -------------------------------------


def make_crowds(limit: int | None = None) -> dict[str, Crowds]:
    """Compose les scènes serrées d'apprentissage et de test, sans image commune."""
    sizes, pictures = limited(NUM_SCENES, limit), split_pictures()
    sizes["test"] = max(sizes["test"], len(OVERLAPS))  # une scène de chaque sorte à mesurer
    return {
        name: compose_crowds(*pictures[name], num_scenes=size, seed=SCENE_SEEDS[name])
        for name, size in sizes.items()
    }


def train(learned: Crowds, *, seed: int, epochs: int, minutes) -> keras.Model:
    """Entraîne le U-Net de l'exercice, avec sa carte des centres et ses décalages."""
    keras.utils.set_random_seed(seed)
    model = add_heads(build_model("unet"))
    model.compile(keras.optimizers.Adam(LEARNING_RATES["unet"]), loss)
    targets = make_targets(learned.owners, learned.labels)
    model.fit(
        shuffled(learned.images, targets, batch_size=BATCH_SIZE, seed=seed),
        epochs=epochs,
        callbacks=[lesson.Clock(epochs, minutes)],
        verbose=0,
    )
    lesson.round_weights(model)
    return model


# --- Question : quatre réponses, dont deux connaissent la vérité ---------------------


def true_objects(scenes: Crowds) -> list[Instances]:
    """Rend les vrais objets de chaque scène, dans l'ordre où ils ont été posés."""
    return [
        Instances(one_by_one(owners), np.full(owners.max(), label), np.ones(owners.max()))
        for owners, label in zip(scenes.owners, scenes.labels, strict=True)
    ]


def answer(model: keras.Model, scenes: Crowds) -> dict[str, list[Instances]]:
    """Rend les objets de chaque scène, selon chacune des réponses d'`ANSWERS`."""
    outputs = model.predict(scenes.images, batch_size=50, verbose=0)
    classes = np.where(scenes.owners > 0, scenes.labels[:, None, None] + 1, 0)
    certain = np.eye(NUM_CLASSES, dtype=np.float32)  # un masque de classes sans faute
    return {
        "group": [group(each) for each in outputs],
        "components": [components(split(each)[0]) for each in outputs],
        "true_components": [components(certain[each]) for each in classes],
        "true_boxes": [fill_boxes(each) for each in true_objects(scenes)],
    }


def measure_objects(found: list[Instances], scenes: Crowds) -> dict[str, float]:
    """Calcule l'AP d'une réponse, en tout et par sorte de scène.

    Args:
        found: les objets trouvés dans chaque scène.
        scenes: les scènes.

    Returns:
        Dans [0, 1] : les mesures de `MEASURES` ; les deux premières pour chaque sorte de scène,
        comme `any_ap_touching`.
    """
    true, values = true_objects(scenes), {}
    parts = {f"_{name}": scenes.overlaps == rank for rank, name in enumerate(OVERLAPS)}
    for end, kept in {"": scenes.overlaps >= 0, **parts}.items():
        numbers = np.flatnonzero(kept)
        pairs = [found[i] for i in numbers], [true[i] for i in numbers]
        aps = average_precisions(*pairs, by_class=False)
        values |= {f"any_ap50{end}": float(aps[0]), f"any_ap{end}": float(aps.mean())}
    aps = average_precisions(found, true, by_class=True)
    return values | {"ap50": float(aps[0]), "ap": float(aps.mean())}


# --- Question : que vaut chaque réponse ? --------------------------------------------


def run(seed: int, *, epochs: int = EPOCHS, minutes=None, limit: int | None = None) -> lesson.Run:
    """Entraîne le réseau et mesure les quatre réponses sur des scènes de test.

    Args:
        seed: graine des poids de départ et du mélange ; les scènes ne changent pas.
        epochs: nombre d'époques.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: au plus tant de scènes de chaque jeu ; None : `NUM_SCENES`.

    Returns:
        Les mesures de chaque réponse, comme `group_any_ap50` ; le réseau ; les scènes de test.
    """
    scenes = make_crowds(limit)
    model = train(scenes["train"], seed=seed, epochs=epochs, minutes=minutes)
    metrics = {
        f"{name}_{key}": value
        for name, found in answer(model, scenes["test"]).items()
        for key, value in measure_objects(found, scenes["test"]).items()
    }
    return lesson.Run(metrics, model, {"scenes": scenes["test"]})


def teach(options) -> None:
    """Entraîne, mesure, dessine et enregistre."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    rows = [
        [label, *(percent(found.metrics[f"{name}_{key}"]) for key in MEASURES)]
        for name, label in ANSWERS.items()
    ]
    print(table(["", *MEASURES.values()], rows))
    folder = output_dir(options)
    figures.save_bars(folder / "ap.png", found.metrics, ANSWERS)
    figures.save_scenes(folder / "objets.png", found.model, found.kept["scenes"])
    lesson.save(
        found.model,
        options,
        found.metrics,
        light=False,
        headline=[
            Headline(f"{name}_{key}", f"{MEASURES[key]} : {label}")
            for key in ("any_ap50", "any_ap")
            for name, label in ANSWERS.items()
        ],
        input_shape=[SCENE_PX, SCENE_PX, 3],
    )
    print(f"Figures écrites dans {folder}/")
    print(f"Une scène à segmenter : python -m {options.command} web/static/scenes/0.png")


# --- Question : les objets d'une image -----------------------------------------------


def segment(options) -> None:
    """Sépare les objets d'une image, les dessine et les nomme."""
    model = saving.load_model(options.module)
    image = prepare(options.image, model.input_shape[1:])
    found = group(model.predict(image[None], verbose=0)[0])
    print(f"{agreed(len(found.labels), 'objet')} :" if len(found.labels) else "Aucun objet trouvé.")
    for k in np.argsort(-found.scores, kind="stable"):
        size = agreed(int(found.masks[k].sum()), "pixel")
        print(f"  {FASHION_CLASSES_FR[found.labels[k]]}, {size}, score {percent(found.scores[k])}")
    path = output_dir(options) / f"{Path(options.image).stem}_objets.png"
    picture_rows(path, {"": [image, figures.paint(found.masks, found.masks)]})
    print(f"Figure : {path}")


def main(argv: list[str] | None = None) -> int:
    """Sans image, donne la leçon ; avec une image, en sépare les objets."""
    parser = lesson_parser("ex18_segmentation.instances", __doc__.splitlines()[0], epochs=EPOCHS)
    parser.add_argument("image", nargs="?", help="image à segmenter ; sans elle, on entraîne")
    options = parser.parse_args(argv)
    return lesson.run(teach if options.image is None else segment, options)


if __name__ == "__main__":
    raise SystemExit(main())
