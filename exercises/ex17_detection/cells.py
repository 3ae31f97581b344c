"""Détecter de vraies cellules, et les compter : le détecteur à grille sur du sang au microscope.

Document : S3 « Different problems, models & metrics » et « Crowd Understanding ».
Commandes : python -m exercises.ex17_detection.cells, puis
            … ex17_detection.cells ~/.keras/datasets/cours-cnn/BCCD/JPEGImages/BloodImage_00007.jpg
Résultat mesuré : docs/laboratoire/resultats.md, sur plusieurs graines
(`python -m recipes.seeds ex17_detection.cells`).

Les photographies (BCCD) ont été annotées à la main : des boîtes y manquent, et les cellules s'y
recouvrent vraiment. La grille, la perte, la suppression des doublons et la mesure sont celles des
scènes composées. Deux témoins n'apprennent rien : répondre toujours le compte moyen, et chercher
des taches violettes (`threshold.py`). Suivie d'une image, la commande compte ses cellules.
"""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from PIL import Image

from convnets.core.cli import add_model_option, lesson_parser, percent
from convnets.core.images import open_image
from convnets.core.intervals import by_image, paired_gaps
from convnets.core.reports import Headline, read_report
from convnets.datasets import cells
from convnets.datasets.scenes import ABSENT, Scenes
from convnets.figures.charts import Picture, number, picture_rows, table
from convnets.figures.style import COLORS, output_dir
from convnets.serving.classifier import prepare
from convnets.training import lesson
from convnets.training.batches import shuffled
from exercises.ex17_detection import grid, metrics, threshold
from exercises.ex17_detection.boxes import Detections

SIDE_PX = 160  # la photographie entière, ramenée à un carré : un globule rouge y a 26 × 34 pixels
AROUND = 2  # convolutions de plus : un globule blanc est plus grand que ce que voit une case
COPIES = 16  # morceaux découpés dans chaque photographie
LEAST_SHARE = 0.7  # de chaque côté de la photographie, qu'un morceau garde
EPOCHS = 8
BATCH_SIZE = 16
LEARNING_RATE = 2e-3  # d'Adam, au début ; il suit ensuite un cosinus jusqu'à zéro (lesson.Clock)
NUM_CLASSES = len(cells.CLASSES)
SCORES = np.arange(0.05, 1, 0.05)  # ceux qui sont essayés sur la validation
NUM_SHOWN = 4  # photographies de la figure
# Écarts publiés : de combien le premier dépasse le second.
PAIRS = [
    *((f"error {name}", f"constant {name}") for name in cells.CLASSES),
    *((f"error {name}", f"spots error {name}") for name in threshold.LARGEST_PX),
    *((f"ap {name}", f"spots ap {name}") for name in threshold.LARGEST_PX),
]
# AP à IoU 0,5, dans l'ordre des classes. Ces réseaux ont appris des mêmes 205 photographies, à 640
# pixels de côté ; la commande publiée avec eux les mesure sur les 87 de validation.
# Source : Kang et al., « CST-YOLO », arXiv 2306.14590 ; dépôt mkang315/CST-YOLO, commit 3d1de3a.
PUBLISHED = {
    "YOLOv5x": (0.877, 0.977, 0.915),
    "YOLOv7": (0.829, 0.977, 0.883),
    "CST-YOLO": (0.869, 0.984, 0.928),
}


# --- Question : lire les photographies -----------------------------------------------


def read_scenes(photographs: cells.Photographs) -> Scenes:
    """Lit des photographies entières : des scènes, sans masques."""
    images = np.stack([read(path) for path in photographs.paths])
    return Scenes(images, SIDE_PX * photographs.boxes, photographs.labels, None)


def read(path: Path) -> np.ndarray:
    """Lit une image entière, étirée en un carré : uint8 `(160, 160, 3)`."""
    return prepare(path, (SIDE_PX, SIDE_PX, 3), framing="squash")


def vary(photographs: cells.Photographs, rng: np.random.Generator) -> Scenes:
    """Découpe `COPIES` morceaux dans chaque photographie, retournés au hasard.

    Le sang n'a ni haut, ni bas, ni gauche, ni droite. Une cellule dont le centre est hors du
    morceau n'y est pas.
    """
    images, boxes = [], np.tile(photographs.boxes, (COPIES, 1, 1))
    labels = np.tile(photographs.labels, (COPIES, 1))
    for i, path in enumerate(photographs.paths * COPIES):
        share = rng.uniform(LEAST_SHARE, 1, 2)  # de la largeur et de la hauteur
        low, flipped = rng.uniform(0, 1 - share), rng.random(2) < 0.5
        image = open_image(path)
        window = np.concatenate([low, low + share]) * (image.size * 2)
        piece = np.asarray(
            image.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX, box=tuple(window))
        )
        corners = (boxes[i].reshape(-1, 2, 2) - low) / share  # (30, 2, 2) : deux coins, x et y
        corners = np.where(flipped, 1 - corners[:, ::-1], corners)
        centers = corners.mean(1)
        labels[i, ((centers < 0) | (centers >= 1)).any(1)] = ABSENT
        boxes[i] = np.clip(corners, 0, 1).reshape(-1, 4)
        images.append(np.flip(piece, np.flatnonzero(flipped[::-1])))
    return Scenes(np.stack(images), SIDE_PX * boxes, labels, None)


# --- Question : apprendre, mesurer, compter ------------------------------------------


def train(scenes: Scenes, *, seed: int, epochs: int, minutes) -> keras.Model:
    """Entraîne le détecteur à grille sur des morceaux de photographies."""
    keras.utils.set_random_seed(seed)
    sizes = {"side_px": SIDE_PX, "num_classes": NUM_CLASSES}
    model = grid.build_model(**sizes, around=AROUND, name="ex17_cells")
    model.compile(keras.optimizers.Adam(LEARNING_RATE), grid.loss)
    truth = grid.encode(scenes.boxes, scenes.labels, **sizes)
    batches = shuffled(scenes.images, truth, batch_size=BATCH_SIZE, seed=seed)
    model.fit(batches, epochs=epochs, callbacks=[lesson.Clock(epochs, minutes)], verbose=0)
    lesson.round_weights(model)
    return model


def find(model: keras.Model, images: np.ndarray) -> list[Detections]:
    """Rend toutes les boîtes que le détecteur trouve dans des images, en pixels."""
    return grid.decode(model.predict(images, batch_size=32, verbose=0))


def believe(found: list[Detections], min_scores: Sequence[float]) -> list[Detections]:
    """Garde les boîtes assez sûres, selon leur classe."""
    sure = [each.scores >= np.take(min_scores, each.labels) for each in found]
    return [
        Detections(*(field[kept] for field in each)) for each, kept in zip(found, sure, strict=True)
    ]


def count(labels: np.ndarray) -> np.ndarray:
    """Compte les étiquettes de chaque classe d'une image : `(3,)`."""
    return np.bincount(labels[labels != ABSENT], minlength=NUM_CLASSES)


def miscounts(counts, true: list[np.ndarray]) -> np.ndarray:
    """Rend de combien se trompe le compte de chaque photographie, classe par classe : `(n, 3)`."""
    return np.abs(np.subtract(counts, [count(labels) for labels in true]))


def count_errors(counts, true: list[np.ndarray]) -> np.ndarray:
    """Rend de combien des comptes se trompent en moyenne, classe par classe : `(3,)`."""
    return miscounts(counts, true).mean(0)


def choose_scores(found: list[Detections], true: list[np.ndarray]) -> list[float]:
    """Rend, par classe, le score à partir duquel croire une boîte pour compter au plus juste."""
    errors = [
        count_errors([count(each.labels) for each in believe(found, NUM_CLASSES * [score])], true)
        for score in SCORES
    ]
    return SCORES[np.argmin(errors, axis=0)].tolist()


def run(seed: int, *, epochs: int = EPOCHS, minutes=None, limit: int | None = None) -> lesson.Run:
    """Entraîne le détecteur, et le mesure sur les photographies de test.

    Args:
        seed: graine des morceaux, des poids de départ et du mélange.
        epochs: nombre d'époques.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: au plus tant de photographies de chaque part.

    Returns:
        Les mesures de `measure` ; le réseau ; ce que montre la figure.
    """
    parts = load_parts(limit)
    pieces = vary(parts["train"], np.random.default_rng(seed))
    model = train(pieces, seed=seed, epochs=epochs, minutes=minutes)
    scenes = {name: read_scenes(part) for name, part in parts.items()}
    return measure(model, scenes, find_by_color(limit))


def load_parts(limit: int | None) -> dict[str, cells.Photographs]:
    """Rend les trois parts de BCCD, d'au plus `limit` photographies chacune."""
    return {
        name: cells.Photographs(*(field[:limit] for field in part))
        for name, part in cells.load_cells().items()
    }


class Answer(NamedTuple):
    """Ce qu'une méthode trouve dans les photographies de test."""

    found: list[Detections]  # toutes ses boîtes
    min_scores: list[float]  # le score à partir duquel en croire une, classe par classe


@functools.lru_cache(maxsize=1)  # aucune graine ne le change
def find_by_color(limit: int | None) -> Answer:
    """Cherche les taches violettes, selon les règles que préfèrent les photographies connues."""
    train, val, test = (read_scenes(part) for part in load_parts(limit).values())
    images, boxes, labels = (np.concatenate([train[k], val[k]]) for k in range(3))
    known = Scenes(images, boxes, labels, None)
    rules = {name: threshold.choose_rule(known, name) for name in threshold.LARGEST_PX}
    min_scores = choose_scores(threshold.find_all(images, rules), labels)
    return Answer(threshold.find_all(test.images, rules), min_scores)


def measure(model: keras.Model, scenes: dict[str, Scenes], spots: Answer) -> lesson.Run:
    """Mesure le détecteur et le seuil de couleur, et les comptes que donnent leurs boîtes.

    Args:
        model: le détecteur à grille.
        scenes: les photographies de chaque part.
        spots: ce que trouve le seuil.

    Returns:
        `ap RBC`… et `map`, à IoU 0,5 ; `error RBC`…, de combien le compte d'une photographie se
        trompe en moyenne, et `constant RBC`…, la même chose en répondant toujours le compte moyen
        de l'entraînement ; celles du seuil commencent par `spots` ; le réseau ; ce que montre la
        figure ; dans `pooled`, ce que pèse chaque photographie.
    """
    test, val = scenes["test"], scenes["val"]
    found, known = find(model, test.images), find(model, val.images)
    network = Answer(found, choose_scores(known, val.labels))
    usual = np.mean([count(labels) for labels in scenes["train"].labels], axis=0)
    errors = miscounts(usual, test.labels)  # (n, 3)
    values = {f"constant {name}": errors[:, k] for k, name in enumerate(cells.CLASSES)}
    values |= weigh(network, test, cells.CLASSES)
    spotted = weigh(spots, test, threshold.LARGEST_PX)
    values |= {f"spots {name}": each for name, each in spotted.items()}
    means, pooled = by_image(values)
    means["map"] = float(np.mean([means[f"ap {name}"] for name in cells.CLASSES]))
    min_scores, found = network.min_scores, believe(*network)
    learned = scenes["train"]
    colors = learned.images.mean((1, 2))  # (n, 3) : la couleur moyenne de chaque photographie
    kept = {"min_scores": min_scores, "colors": [colors.min(0).tolist(), colors.max(0).tolist()]}
    kept = {"test": test, "found": found, "details": kept, "pooled": pooled}
    return lesson.Run(means, model, kept)


def weigh(answer: Answer, test: Scenes, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Rend ce que pèse chaque photographie dans l'AP et dans l'erreur de compte de ces classes."""
    judged = metrics.judge_each(answer.found, test)
    counted = believe(answer.found, answer.min_scores)
    errors = miscounts([count(each.labels) for each in counted], test.labels)  # (n, 3)
    values = {}
    for name in names:
        label = cells.CLASSES.index(name)
        values[f"ap {name}"] = metrics.class_precision(judged, label)
        values[f"error {name}"] = errors[:, label]
    return values


def pool(found: list[dict]) -> dict:
    """Rend les écarts publiés, sur toutes les graines et toutes les photographies.

    Args:
        found: par graine, ce que pèse chaque photographie dans chaque mesure.

    Returns:
        `{"gaps": {"error WBC - constant WBC": [moyenne, bas, haut]…}}`.
    """
    return {"gaps": paired_gaps(found, PAIRS)}


def teach(options) -> None:
    """Entraîne, mesure, dessine et enregistre."""
    learned = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    measures, kept = learned.metrics, learned.kept
    ours = [measures[f"ap {name}"] for name in cells.CLASSES]
    rows = [
        [name, *map(percent, aps), percent(np.mean(aps))]
        for name, aps in {"la grille": ours, **PUBLISHED}.items()
    ]
    spots = [measures.get(f"spots ap {name}") for name in cells.CLASSES]
    rows.insert(
        1, ["un seuil de couleur", *("" if ap is None else percent(ap) for ap in spots), ""]
    )
    print(table(["AP à IoU 0,5", *cells.CLASSES_FR, "moyenne"], rows))
    kinds = {
        "error": "la grille",
        "spots error": "un seuil de couleur",
        "constant": "toujours le compte moyen",
    }
    rows = []
    for name, french in zip(cells.CLASSES, cells.CLASSES_FR, strict=True):
        errors = [measures.get(f"{kind} {name}") for kind in kinds]
        rows.append([french, *("" if error is None else number(error, 2) for error in errors)])
    print(table(["écart moyen du compte", *kinds.values()], rows))
    folder, paths = output_dir(options), cells.load_cells()["test"].paths
    save_photographs(folder / "cellules.png", paths[:NUM_SHOWN], kept["found"], kept["test"])
    lesson.save(
        learned.model,
        options,
        measures,
        light=False,
        headline=[
            Headline(f"ap {name}", f"AP à IoU 0,5 : {french}")
            for name, french in zip(cells.CLASSES, cells.CLASSES_FR, strict=True)
        ],
        input_shape=[SIDE_PX, SIDE_PX, 3],
        classes=cells.CLASSES,
        classes_fr=cells.CLASSES_FR,
        details=kept["details"],
    )
    print(f"Figure écrite dans {folder}/")
    print(f"Une photographie à compter : {lesson.command_for(options)} {paths[0]}")


# --- Question : et dans une image ? --------------------------------------------------


def save_photographs(path: Path, paths: list[Path], found, test: Scenes) -> None:
    """Dessine des photographies, leurs boîtes annotées, en blanc, et celles que l'on trouve."""
    pictures = []
    for image, each, boxes, labels in zip(paths, found, test.boxes, test.labels, strict=False):
        true = boxes[labels != ABSENT]
        caption = f"{len(each.boxes)} trouvées, {len(true)} annotées"
        pictures.append(show(image, each, true)._replace(caption=caption))
    title = "En bleu, des globules rouges ; en orange, des blancs ; en vert, des plaquettes"
    picture_rows(path, {"": pictures}, side=3.4, title=title)


def show(path: Path, found: Detections, truth=()) -> Picture:
    """Montre une photographie, une boîte par cellule trouvée, et les vraies en blanc."""
    image = np.array(open_image(path))
    scale = np.tile(image.shape[1::-1], 2) / SIDE_PX
    named = [("white", box) for box in truth]
    named += [(COLORS[label], box) for box, _, label in zip(*found, strict=True)]
    return Picture(image, boxes=[(box * scale - 0.5, "", color) for color, box in named])


def count_cells(options) -> None:
    """Compte les cellules d'une image, et les entoure."""
    model, path = lesson.load_saved(options), lesson.saved_path(options)
    report = read_report(path.name, models_dir=path.parent)
    image = read(options.image)
    low, high = report.details["colors"]
    color = image.mean((0, 1))
    if (color < low).any() or (color > high).any():
        print("Cette image n'a pas les couleurs des photographies apprises : ce n'est pas du sang")
        print("au microscope, et ce qui suit n'y veut rien dire.")
    (found,) = believe(find(model, image[None]), report.details["min_scores"])
    for name, num_found in zip(cells.CLASSES_FR, count(found.labels), strict=True):
        print(f"{name} : {num_found}")
    path = output_dir(options) / f"{Path(options.image).stem}_cellules.png"
    picture_rows(path, {"": [show(options.image, found)]}, side=6)
    print(f"Figure : {path}")


def main(argv: list[str] | None = None) -> int:
    """Sans image, donne la leçon ; avec une image, en compte les cellules."""
    parser = lesson_parser("ex17_detection.cells", __doc__.splitlines()[0], epochs=EPOCHS)
    parser.add_argument("image", nargs="?", help="photographie à compter ; sans elle, on entraîne")
    add_model_option(parser)
    options = parser.parse_args(argv)
    return lesson.run(teach if options.image is None else count_cells, options)


if __name__ == "__main__":
    raise SystemExit(main())
