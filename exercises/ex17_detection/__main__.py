"""Localiser, puis détecter : entourer chaque objet d'une scène, et le nommer.

Document : S3 « Different problems, models & metrics » (« Yolo, RCNN, fast-RCNN »).
Commandes : python -m exercises.ex17_detection
            python -m exercises.ex17_detection web/static/scenes/0.png
Résultat mesuré : docs/laboratoire/resultats.md, sur plusieurs graines
(`python -m recipes.seeds ex17_detection`).

Trois réseaux apprennent des scènes composées. Le premier rend une seule boîte ; la grille et les
deux étages en rendent autant qu'il y a d'objets.
"""

import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from convnets.core.cli import add_model_option, lesson_parser, percent
from convnets.core.intervals import by_image, paired_gaps
from convnets.core.reports import Headline, Metric, format_metric, read_report
from convnets.datasets import sources
from convnets.datasets.scenes import ABSENT, Scenes, make_sets
from convnets.figures.charts import picture_rows, table
from convnets.figures.style import output_dir
from convnets.training import lesson
from convnets.training.batches import shuffled
from exercises.ex17_detection import contrast, figures, grid, localization, metrics, two_stage
from exercises.ex17_detection.boxes import IOU_FOUND, Detections
from exercises.ex17_detection.proposals import NUM_PROPOSALS, recalled, regular_boxes, to_truth

EPOCHS = 8
BATCH_SIZE = 32  # 64, au pas de 3e-3, apprend moins en autant d'images (validation)
LEARNING_RATE = 2e-3  # d'Adam, au début ; il suit ensuite un cosinus jusqu'à zéro (lesson.Clock)
NUM_SCENES = {"train": 10_000, "val": 1000, "test": 2000}
NUM_OBJECTS = (1, 4)  # par scène, au moins et au plus
HEADLINE = [
    Headline("iou", "un objet : IoU moyenne avec sa boîte"),
    Headline("iou_mean_box", "un objet : la même, en répondant toujours la boîte moyenne"),
    Headline("map", "de 1 à 4 objets, la grille : précision moyenne (mAP), à IoU 0,5"),
    Headline("map_without_nms", "la grille : mAP, doublons gardés"),
    Headline("two_stage_map", "deux étages : mAP, à IoU 0,5"),
    Headline("two_stage_map_without_nms", "deux étages : mAP, doublons gardés"),
    Headline("contrast_map", "taches et plus proches voisins, sans réseau : mAP, à IoU 0,5"),
    Headline("recall_proposals", f"deux étages : rappel des {NUM_PROPOSALS} propositions"),
    Headline("recall_regular", f"rappel de {NUM_PROPOSALS} carrés posés sans regarder l'image"),
]
PAIRS = (  # écarts publiés : de combien le premier dépasse le second
    ("iou", "iou_mean_box"),
    ("map", "map_without_nms"),
    ("two_stage_map", "two_stage_map_without_nms"),
    ("two_stage_map", "map"),
    ("map", "contrast_map"),
    ("two_stage_map", "contrast_map"),
    ("recall_proposals", "recall_regular"),
)


# --- Question : apprendre à localiser, puis à détecter -------------------------------


class Network(NamedTuple):
    """Un des réseaux comparés."""

    build_model: Callable[[], keras.Model]
    loss: Callable | None  # les deux étages comptent eux-mêmes leur perte
    write_truth: Callable[[Scenes], np.ndarray]  # la vérité, comme le réseau doit l'apprendre
    epochs: float = 1  # part des époques demandées
    share: float = 1  # part du temps d'apprentissage


# Une époque des deux étages demande 1,8 fois plus de temps de processeur que la grille : quatre
# époques en prennent un peu moins que huit de la grille.
NETWORKS = {
    "localization": Network(
        localization.build_model,
        localization.loss,
        lambda scenes: localization.to_targets(scenes.boxes[:, 0], scenes.labels[:, 0]),
        share=0.2,
    ),
    "grid": Network(
        grid.build_model,
        grid.loss,
        lambda scenes: grid.encode(scenes.boxes, scenes.labels),
        share=0.4,
    ),
    "two_stage": Network(two_stage.build_model, None, to_truth, epochs=1 / 2, share=0.4),
}


def train(network: Network, scenes: Scenes, *, seed: int, epochs: int, minutes=None) -> tuple:
    """Entraîne un des réseaux ; rend le modèle et le temps de processeur, en secondes."""
    epochs = max(1, round(network.epochs * epochs))
    keras.utils.set_random_seed(seed)
    model = network.build_model()
    model.compile(keras.optimizers.Adam(LEARNING_RATE), network.loss)
    truth, start_s = network.write_truth(scenes), time.process_time()
    model.fit(
        shuffled(scenes.images, truth, batch_size=BATCH_SIZE, seed=seed),
        epochs=epochs,
        callbacks=[lesson.Clock(epochs, minutes, share=network.share)],
        verbose=0,
    )
    cpu_s = time.process_time() - start_s
    lesson.round_weights(model)
    return model, cpu_s


def predict(model: keras.Model, scenes: Scenes):
    """Rend ce que dit un réseau de chaque scène."""
    return model.predict(scenes.images, batch_size=500, verbose=0)


# --- Question : que vaut chaque réseau ? ---------------------------------------------


@functools.lru_cache(maxsize=2)  # une mesure de plusieurs graines ne les compose qu'une fois
def load_scenes(num_objects: tuple[int, int], limit: int | None) -> dict[str, Scenes]:
    """Compose les trois jeux de scènes qui ont autant d'objets."""
    return make_sets(NUM_SCENES, num_objects=num_objects, limit=limit)


@functools.lru_cache(maxsize=1)  # aucune graine ne le change
def find_by_contrast(limit: int | None) -> list[Detections]:
    """Rend ce que le témoin sans réseau trouve dans les scènes de test de plusieurs objets."""
    several = load_scenes(NUM_OBJECTS, limit)
    return contrast.find(several["test"].images, contrast.remember(several["train"]))


def measure_localization(model: keras.Model, scenes: dict[str, Scenes]) -> dict[str, np.ndarray]:
    """Mesure, scène par scène, le réseau à une boîte, puis la boîte moyenne, sans l'image."""
    test, truth = scenes["test"], NETWORKS["localization"].write_truth(scenes["train"])
    blind = np.tile(truth.mean(0), (len(test.images), 1))
    return {
        "iou": localization.scene_iou(predict(model, test), test.boxes[:, 0]),
        "iou_mean_box": localization.scene_iou(blind, test.boxes[:, 0]),
    }


def measure_proposals(regions: np.ndarray, test: Scenes) -> dict[str, np.ndarray]:
    """Mesure, scène par scène, le rappel des propositions, et de boîtes posées sans regarder."""
    truth, per_scene = to_truth(test), np.mean(np.sum(test.labels != ABSENT, axis=1))
    boxes = {"recall_proposals": regions[..., :4], "recall_regular": regular_boxes()}
    return {name: recalled(each, truth, IOU_FOUND) / per_scene for name, each in boxes.items()}


def run(
    seed: int,
    *,
    epochs: int = EPOCHS,
    minutes=None,
    limit: int | None = None,
    witnesses: bool = True,
) -> lesson.Run:
    """Compose les scènes, entraîne les trois réseaux et les mesure sur des scènes de test.

    Args:
        seed: graine des poids de départ et du mélange ; les scènes ne changent pas.
        epochs: nombre d'époques de la grille.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: au plus tant de scènes de chaque jeu ; None : `NUM_SCENES`.
        witnesses: mesurer aussi le témoin sans réseau, ce que la leçon ne fait pas.

    Returns:
        Les mesures, dont celles de `HEADLINE` ; le détecteur à grille ; ce que montrent les
        figures ; dans `pooled`, ce que pèse chaque scène de test dans les mesures de `PAIRS`.
    """
    one, several = load_scenes((1, 1), limit), load_scenes(NUM_OBJECTS, limit)
    models, measures = {}, {}
    for name, network in NETWORKS.items():
        scenes = one if name == "localization" else several
        models[name], measures[f"cpu_s_{name}"] = train(
            network, scenes["train"], seed=seed, epochs=epochs, minutes=minutes
        )
    values = measure_localization(models["localization"], one)
    val, test = several["val"], several["test"]
    grids, regions = (predict(models[name], test) for name in ("grid", "two_stage"))
    regions = regions["regions"]
    answers = {
        "map": grid.decode(grids),
        "map_without_nms": grid.decode(grids, suppress=False),
        "two_stage_map": two_stage.to_detections(regions),
        "two_stage_map_without_nms": two_stage.to_detections(regions, suppress=False),
    }
    if witnesses:
        answers["contrast_map"] = find_by_contrast(limit)
    for name, found in answers.items():
        values[name] = metrics.scene_precision(metrics.judge_each(found, test))

    # Le score à partir duquel croire une boîte est choisi sur la validation.
    found = grid.decode(predict(models["grid"], val))
    min_score = metrics.choose_score(metrics.judge(found, val))
    found = two_stage.to_detections(predict(models["two_stage"], val)["regions"])
    stages_score = metrics.choose_score(metrics.judge(found, val))
    means, pooled = by_image(values | measure_proposals(regions, test))
    measures |= means
    kept = {
        "pooled": pooled,
        "test": test,
        "found": grid.decode(grids, min_score=min_score),
        "judged": {
            "grille": metrics.judge(answers["map"], test),
            "grille, doublons gardés": metrics.judge(answers["map_without_nms"], test),
        },
        "two_stage": models["two_stage"],
        "min_score": min_score,
        "stages_score": stages_score,
    }
    return lesson.Run(measures, models["grid"], kept)


def pool(found: list[dict]) -> dict:
    """Rend les écarts publiés, sur toutes les graines et toutes les scènes de test.

    Args:
        found: par graine, ce que pèse chaque scène dans chaque mesure.

    Returns:
        `{"gaps": {"two_stage_map - map": [moyenne, bas, haut]…}}`.
    """
    return {"gaps": paired_gaps(found, PAIRS)}


def teach(options) -> None:
    """Entraîne, mesure, dessine et enregistre le détecteur à grille."""
    found = run(
        0, epochs=options.epochs, minutes=options.minutes, limit=options.limit, witnesses=False
    )
    headline = [each for each in HEADLINE if each.metric in found.metrics]
    rows = [
        [each.label, format_metric(Metric(found.metrics[each.metric], None, 1), each.unit)]
        for each in headline
    ]
    print(table(["mesure, scènes de test", "valeur"], rows))
    folder, kept = output_dir(options), found.kept
    figures.save_scenes(folder / "detection.png", kept["test"], kept["found"])
    figures.save_curves(folder / "precision_rappel.png", kept["judged"])
    figures.save_stages(
        folder / "etages.png", kept["two_stage"], kept["test"], min_score=kept["stages_score"]
    )
    lesson.save(
        found.model,
        options,
        found.metrics,
        headline=headline,
        input_shape=list(kept["test"].images.shape[1:]),
        classes=sources.FASHION_CLASSES,
        classes_fr=sources.FASHION_CLASSES_FR,
        details={"min_score": kept["min_score"]},
    )
    print(f"Figures écrites dans {folder}/")
    print(f"Une scène à regarder : {lesson.command_for(options)} web/static/scenes/0.png")


# --- Question : et dans une image ? --------------------------------------------------


def detect(options) -> None:
    """Dessine les boîtes que le détecteur à grille trouve dans une image, et les dit."""
    model, path = lesson.load_saved(options), lesson.saved_path(options)
    report = read_report(path.name, models_dir=path.parent)
    image = lesson.read_picture(options.image, model, "une scène composée par cet exercice")
    grids = model.predict(image[None], verbose=0)
    found = grid.decode(grids, min_score=report.details["min_score"])[0]
    print(describe(found))
    path = output_dir(options) / f"{Path(options.image).stem}_boites.png"
    picture_rows(path, {"": [figures.show(image, found)]}, side=5)
    print(f"Figure : {path}")


def describe(found: Detections) -> str:
    """Écrit une ligne par boîte, en pixels de l'image réduite, ou qu'il n'y en a aucune."""
    if not len(found.boxes):
        return "Aucun objet trouvé : le modèle ne connaît que des vêtements de Fashion-MNIST."
    return "\n".join(
        f"{sources.FASHION_CLASSES_FR[label]}, {percent(score)} : "
        f"de ({x0:.0f}, {y0:.0f}) à ({x1:.0f}, {y1:.0f})"
        for (x0, y0, x1, y1), score, label in zip(*found, strict=True)
    )


def main(argv: list[str] | None = None) -> int:
    """Sans image, donne la leçon ; avec une image, y dessine les boîtes trouvées."""
    parser = lesson_parser("ex17_detection", __doc__.splitlines()[0], epochs=EPOCHS)
    parser.add_argument("image", nargs="?", help="image où chercher ; sans elle, on entraîne")
    add_model_option(parser)
    options = parser.parse_args(argv)
    return lesson.run(teach if options.image is None else detect, options)


if __name__ == "__main__":
    raise SystemExit(main())
