"""Segmentation d'instances : un masque par objet, quand des objets de même classe se touchent.

D'après : S3 « Different problems, models & metrics » (segmentation d'instances).
Commandes : python -m exercises.ex18_segmentation.instances
            python -m exercises.ex18_segmentation.instances web/static/scenes/0.png
Résultat mesuré : docs/laboratoire/resultats.md (`recipes.seeds ex18_segmentation.instances`).

Chaque scène n'a qu'une classe de vêtement : un masque de classes n'y voit qu'une tache quand deux
objets se touchent. Le U-Net à trois cartes de plus (`grouping.py`) apprend ces scènes, et ses
masques sont jugés objet par objet (`mask_ap.py`). Deux autres réponses disent ce qui compte : les
taches d'un seul tenant du même réseau, et celles du vrai masque de classes, dont les fautes ne
viennent pas du réseau.
"""

from pathlib import Path

import keras
import numpy as np

from convnets.core.cli import add_model_option, agreed, lesson_parser, percent
from convnets.core.intervals import by_image, paired_gaps
from convnets.core.reports import Headline
from convnets.datasets.scenes import (
    ABSENT,
    SCENE_PX,
    Scenes,
    compose_scenes,
    limited,
    split_pictures,
)
from convnets.datasets.sources import FASHION_CLASSES_FR
from convnets.figures.charts import picture_rows, table
from convnets.figures.style import output_dir
from convnets.training import lesson
from convnets.training.batches import shuffled
from exercises.ex18_segmentation import figures
from exercises.ex18_segmentation.__main__ import (
    BATCH_SIZE,
    LEARNING_RATES,
    NUM_OBJECTS,
    build_model,
)
from exercises.ex18_segmentation.grouping import (
    NUM_CLASSES,
    Instances,
    add_heads,
    components,
    group,
    loss,
    make_targets,
    one_by_one,
    split,
    touching,
)
from exercises.ex18_segmentation.mask_ap import ap50_each, average_precisions

EPOCHS = 4
NUM_SCENES = {"train": 4000, "test": 1000}
ANSWERS = {
    "group": "pixels regroupés",
    "components": "taches du même réseau",
    "true_components": "taches du vrai masque",
}
# Ce que `pool` compare, scène par scène : à l'écart, puis au contact.
PAIRS = tuple(
    (f"group_{end}", f"{other}_{end}")
    for end in ("apart", "touching")
    for other in ("components", "true_components")
)
MEASURES = {
    "ap50_apart": "AP50, à l'écart",
    "ap50_touching": "AP50, au contact",
    "ap50": "AP50",
    "ap": "AP",
}


# --- Question : apprendre des scènes d'une seule classe ------------------------------


def make_alike(limit: int | None = None) -> dict[str, Scenes]:
    """Compose des scènes dont tous les objets sont d'une même classe, sans image commune.

    Args:
        limit: au plus tant de scènes de chaque jeu, arrondies à la dizaine ; None : `NUM_SCENES`.

    Returns:
        `{"train", "test"}` ; chaque classe a autant de scènes que les autres.
    """
    pictures, made = split_pictures(), {}
    for name, size in limited(NUM_SCENES, limit).items():
        objects, labels, backgrounds = pictures[name]
        options = {"num_scenes": -(-size // len(FASHION_CLASSES_FR)), "num_objects": NUM_OBJECTS}
        parts = []
        for k in range(len(FASHION_CLASSES_FR)):
            mine = labels == k
            parts.append(
                compose_scenes(objects[mine], labels[mine], backgrounds, seed=k, **options)
            )
        made[name] = Scenes(*map(np.concatenate, zip(*parts, strict=True)))
    return made


def train(learned: Scenes, *, seed: int, epochs: int, minutes) -> keras.Model:
    """Entraîne le U-Net de l'exercice, avec sa carte des centres et ses décalages."""
    keras.utils.set_random_seed(seed)
    model = add_heads(build_model("unet"))
    model.compile(keras.optimizers.Adam(LEARNING_RATES["unet"]), loss)
    targets = make_targets(learned.owners, learned.labels[:, 0])
    model.fit(
        shuffled(learned.images, targets, batch_size=BATCH_SIZE, seed=seed),
        epochs=epochs,
        callbacks=[lesson.Clock(epochs, minutes)],
        verbose=0,
    )
    lesson.round_weights(model)
    return model


# --- Question : trois réponses, dont une connaît la vérité ---------------------------


def true_objects(scenes: Scenes) -> list[Instances]:
    """Rend les vrais objets de chaque scène, dans l'ordre où ils ont été posés."""
    return [
        Instances(one_by_one(owners), labels[labels != ABSENT], np.ones(owners.max()))
        for owners, labels in zip(scenes.owners, scenes.labels, strict=True)
    ]


def answer(model: keras.Model, scenes: Scenes) -> dict[str, list[Instances]]:
    """Rend les objets de chaque scène, selon chacune des réponses d'`ANSWERS`."""
    outputs = model.predict(scenes.images, batch_size=50, verbose=0)
    certain = np.eye(NUM_CLASSES, dtype=np.float32)  # un masque de classes sans faute
    return {
        "group": [group(each) for each in outputs],
        "components": [components(split(each)[0]) for each in outputs],
        "true_components": [components(certain[each]) for each in scenes.masks],
    }


def measure_objects(found: list[Instances], scenes: Scenes) -> dict[str, float]:
    """Calcule l'AP d'une réponse, en tout, puis selon que des objets se touchent ou non.

    Args:
        found: les objets trouvés dans chaque scène.
        scenes: les scènes.

    Returns:
        Dans [0, 1] : `ap50`, au seuil de 0,5, et `ap`, la moyenne des dix seuils ; puis les mêmes,
        suivies de `_apart` et de `_touching`.
    """
    true, close, values = true_objects(scenes), touching(scenes.owners), {}
    for end, kept in {"": close | True, "_apart": ~close, "_touching": close}.items():
        numbers = np.flatnonzero(kept)
        aps = average_precisions([found[i] for i in numbers], [true[i] for i in numbers])
        values |= {f"ap50{end}": float(aps[0]), f"ap{end}": float(aps.mean())}
    return values


# --- Question : que vaut chaque réponse ? --------------------------------------------


def run(seed: int, *, epochs: int = EPOCHS, minutes=None, limit: int | None = None) -> lesson.Run:
    """Entraîne le réseau et mesure les trois réponses sur des scènes de test.

    Args:
        seed: graine des poids de départ et du mélange ; les scènes ne changent pas.
        epochs: nombre d'époques.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: au plus tant de scènes de chaque jeu ; None : `NUM_SCENES`.

    Returns:
        Les mesures de chaque réponse, comme `group_ap50`, dont `group_touching_scene_ap50`, la
        moyenne des AP50 des scènes ; le réseau ; dans `pooled`, l'AP50 de chaque scène de test, à
        l'écart ou au contact, et ces scènes.
    """
    scenes = make_alike(limit)
    model = train(scenes["train"], seed=seed, epochs=epochs, minutes=minutes)
    test, metrics, values = scenes["test"], {}, {}
    true, close = true_objects(test), touching(test.owners)
    for name, found in answer(model, test).items():
        measured = measure_objects(found, test)
        metrics |= {f"{name}_{key}": value for key, value in measured.items()}
        alone = ap50_each(found, true)  # (n,)
        values |= {f"{name}_apart": alone[~close], f"{name}_touching": alone[close]}
    means, pooled = by_image(values)
    metrics |= {f"{name}_scene_ap50": mean for name, mean in means.items()}
    return lesson.Run(metrics, model, {"scenes": test, "pooled": pooled})


def pool(found: list[dict]) -> dict:
    """Rend l'écart d'AP50 des deux réponses de chaque couple de `PAIRS`.

    Args:
        found: par graine, l'AP50 de chaque scène de test, par réponse.

    Returns:
        `{"gaps": {"group_touching - components_touching": [moyenne, bas, haut]…}}`, graines et
        scènes ensemble.
    """
    return {"gaps": paired_gaps(found, PAIRS)}


def teach(options) -> None:
    """Entraîne, mesure, dessine et enregistre."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    rows = [
        [label, *(percent(found.metrics[f"{name}_{key}"]) for key in MEASURES)]
        for name, label in ANSWERS.items()
    ]
    print(table(["", *MEASURES.values()], rows))
    folder = output_dir(options)
    figures.save_scenes(folder / "objets.png", found.model, found.kept["scenes"])
    lesson.save(
        found.model,
        options,
        found.metrics,
        light=False,
        headline=[
            Headline(f"{name}_{key}", f"{MEASURES[key]} : {label}")
            for key in ("ap50_apart", "ap50_touching", "ap")
            for name, label in ANSWERS.items()
        ],
        input_shape=[SCENE_PX, SCENE_PX, 3],
    )
    print(f"Figure écrite dans {folder}/")
    print(f"Une scène à segmenter : {lesson.command_for(options)} web/static/scenes/0.png")


# --- Question : les objets d'une image -----------------------------------------------


def segment(options) -> None:
    """Sépare les objets d'une image, les dessine et les nomme."""
    model = lesson.load_saved(options)
    image = lesson.read_picture(options.image, model, "une scène composée par cet exercice")
    found = group(model.predict(image[None], verbose=0)[0])
    print(f"{agreed(len(found.labels), 'objet')} :" if len(found.labels) else "Aucun objet trouvé.")
    for k in np.argsort(-found.scores, kind="stable"):
        size = agreed(int(found.masks[k].sum()), "pixel")
        print(f"  {FASHION_CLASSES_FR[found.labels[k]]}, {size}, score {percent(found.scores[k])}")
    path = output_dir(options) / f"{Path(options.image).stem}_objets.png"
    picture_rows(path, {"": [image, figures.paint(found.masks)]})
    print(f"Figure : {path}")


def main(argv: list[str] | None = None) -> int:
    """Sans image, donne la leçon ; avec une image, en sépare les objets."""
    parser = lesson_parser("ex18_segmentation.instances", __doc__.splitlines()[0], epochs=EPOCHS)
    parser.add_argument("image", nargs="?", help="image à segmenter ; sans elle, on entraîne")
    add_model_option(parser)
    options = parser.parse_args(argv)
    return lesson.run(teach if options.image is None else segment, options)


if __name__ == "__main__":
    raise SystemExit(main())
