"""Dessiner un article de boutique : un nom, une couleur, « une robe rouge ».

Document : S3 « Different problems, models & metrics », figure (6) : phrase → image.
Commandes : python -m exercises.ex26_text_to_image.products
            python -m exercises.ex26_text_to_image.products --say "une robe rouge"
Mesure : docs/mesures/ (`python -m recipes.seeds ex26_text_to_image.products`).

Le réseau et le flot sont ceux de la leçon ; les images sont en couleurs, et la phrase vient d'un
catalogue. Le juge est une forêt d'arbres, apprise d'articles que le réseau n'a pas vus. Il se
trompe souvent : ce qu'il dit de vraies photographies est le plafond.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image
from sklearn.ensemble import ExtraTreesClassifier

from convnets.core import cli
from convnets.core.cli import add_model_option, lesson_parser, percent, shown_path
from convnets.core.images import crop_resize, open_image
from convnets.core.intervals import paired_gap
from convnets.core.reports import Headline
from convnets.datasets.product_words import COLORS, KINDS
from convnets.datasets.products import load_catalogue
from convnets.explaining.dreams import save_picture
from convnets.figures.charts import picture_rows, table
from convnets.figures.style import output_dir, output_file
from convnets.training import lesson
from exercises.ex26_text_to_image import flow, measures, network, sentences

SIDE_PX = 32
CELL_PX = 4  # le juge lit la couleur moyenne de carrés de ce côté
GROUND = 225  # un pixel aussi clair est le fond blanc
EPOCHS = 20
# Deux articles de numéros voisins sont souvent le même : une centaine entière va du même côté.
BLOCK, NUM_SIDES = 100, 5
SIDES = {"test": [0], "judge": [1], "train": [2, 3, 4]}
NUM_DRAWN = 300  # articles de test, une image chacun
NUM_SHOWN = 8  # images par phrase d'une figure
ZOOM = 8
EXAMPLES = ("une chemise rouge", "une chemise bleue", "un sac à main noir", "une robe rouge")
LABELS = {
    "network": "réseau",
    "mean": "image moyenne des articles de ce nom et de cette couleur",
    "search": "photographie apprise de ce nom et de cette couleur",
    "real": "vraies photographies, non apprises",
}
HEADLINE = [
    Headline(f"both_{who}", f"articles : nom et couleur, {name}") for who, name in LABELS.items()
]


class Articles(NamedTuple):
    """Des photographies, et ce que le catalogue en dit."""

    images: np.ndarray  # uint8 (n, 32, 32, 3)
    labels: np.ndarray  # (n, 2) : rangs dans `KINDS` et dans `COLORS`
    sentences: list[str]


# --- Question : une phrase vraie de chaque photographie ------------------------------


def say_article(kind: str, color: str) -> str:
    """Nomme un article du catalogue : `("Dresses", "Red")` → « une robe rouge »."""
    return f"{KINDS[kind].words} {COLORS[color][KINDS[kind].form]}"


def vocabulary() -> dict[str, int]:
    """Rend les mots de toutes les phrases, et leur numéro."""
    return sentences.number_words([say_article(kind, color) for kind in KINDS for color in COLORS])


def load_parts(limit: int | None) -> dict[str, Articles]:
    """Rend les articles de chaque part de `SIDES`, au plus `limit` de chacune."""
    named = [each for each in load_catalogue() if each.kind in KINDS and each.color in COLORS]
    parts = {}
    for part, sides in SIDES.items():
        own = [each for each in named if each.number // BLOCK % NUM_SIDES in sides][:limit]
        box = Image.Resampling.BOX
        parts[part] = Articles(
            np.stack([crop_resize(open_image(each.path), SIDE_PX, resample=box) for each in own]),
            np.array([[[*KINDS].index(each.kind), [*COLORS].index(each.color)] for each in own]),
            [say_article(each.kind, each.color) for each in own],
        )
    return parts


# --- Question : à quoi comparer ? ----------------------------------------------------


def make_controls(train: Articles, test: Articles) -> dict[str, np.ndarray]:
    """Rend, pour chaque phrase de test, l'image moyenne et une photographie apprise qui lui vont.

    Si aucun article appris n'a ce nom et cette couleur, ce sont tous ceux de ce nom.
    """
    rng, means, chosen = np.random.default_rng(0), [], []
    for label in test.labels:
        fits = (train.labels == label).all(axis=1)
        if not fits.any():
            fits = train.labels[:, 0] == label[0]
        rows = np.flatnonzero(fits)
        means.append(train.images[rows].mean(axis=0).round().astype(np.uint8))
        chosen.append(train.images[rng.choice(rows)])
    return {"mean": np.stack(means), "search": np.stack(chosen), "real": test.images}


# --- Question : que valent les images fabriquées ? -----------------------------------


def describe(images: np.ndarray) -> np.ndarray:
    """Résume des images par leurs carrés, et par la couleur moyenne hors du fond : `(n, 195)`."""
    cells = SIDE_PX // CELL_PX
    squares = images.reshape(-1, cells, CELL_PX, cells, CELL_PX, 3).mean(axis=(2, 4))
    drawn = (images.min(axis=-1) < GROUND)[..., None]
    color = (images * drawn).sum(axis=(1, 2)) / np.maximum(drawn.sum(axis=(1, 2)), 1)
    return np.concatenate([squares.reshape(len(images), -1), color], axis=1)


def make_judge(known: Articles) -> Callable[[np.ndarray], np.ndarray]:
    """Apprend le nom et la couleur ; rend une fonction d'images, vers des rangs `(n, 2)`."""
    seen, forests = describe(known.images), []
    for labels in known.labels.T:
        forest = ExtraTreesClassifier(200, min_samples_leaf=2, random_state=0)
        forests.append(forest.fit(seen, labels))
    return lambda images: np.stack([each.predict(describe(images)) for each in forests], axis=1)


def run(
    seed: int, *, epochs: int = EPOCHS, minutes: float | None = None, limit: int | None = None
) -> lesson.Run:
    """Apprend une graine, dessine les phrases de test et juge les images, à côté des témoins.

    Returns:
        `kind_network`, `color_mean`, `both_search`, `copied_real`… ; le réseau ; par méthode, les
        images dont le nom et la couleur sont justes.
    """
    parts, known = load_parts(limit), vocabulary()
    train, test = parts["train"], Articles(*(each[:NUM_DRAWN] for each in parts["test"]))
    words = sentences.encode(train.sentences, known)
    model = network.train(
        train.images, words, seed=seed, epochs=epochs, minutes=minutes, known=known
    )
    noise = network.draw_noise(len(test.images), seed=seed, pixels=test.images.shape[1:])
    asked = sentences.encode(test.sentences, known)
    drawn = network.draw_path(model, asked, noise, guidance=flow.GUIDANCE)[-1]
    judge, metrics, pooled = make_judge(parts["judge"]), {}, {}
    real = measures.nearness(test.images, train.images)
    for who, images in ({"network": drawn} | make_controls(train, test)).items():
        right = judge(images) == test.labels  # (n, 2)
        metrics[f"kind_{who}"], metrics[f"color_{who}"] = map(float, right.mean(axis=0))
        metrics[f"both_{who}"] = float(right.all(axis=1).mean())
        near = measures.nearness(images, train.images)
        metrics[f"copied_{who}"] = measures.copied(near, real)
        pooled[who] = right.all(axis=1).astype(int).tolist()
    return lesson.Run(metrics, model, {"pooled": pooled})


def pool(found: list[dict]) -> dict:
    """Rend l'écart du réseau avec chaque témoin : `{"gaps": {"mean": [moyenne, bas, haut]…}}`."""
    right = {who: np.array([each[who] for each in found]) for who in LABELS}
    return {
        "gaps": {
            who: list(paired_gap(right["network"], right[who]))
            for who in LABELS
            if who != "network"
        }
    }


# --- Question : une phrase, une image ------------------------------------------------


def draw(model, asked: list[str], *, columns: int = 1) -> np.ndarray:
    """Dessine des phrases, avec les mêmes bruits pour chacune : `(phrases, columns, 32, 32, 3)`."""
    words = np.repeat(sentences.encode(asked, vocabulary()), columns, axis=0)
    noise = network.draw_noise(columns, seed=100, pixels=model.output_shape[1:])
    noise = np.tile(noise, (len(asked), 1, 1, 1))
    images = network.draw_path(model, words, noise, guidance=flow.GUIDANCE)[-1]
    return images.reshape(len(asked), columns, *images.shape[1:])


def teach(options) -> None:
    """Apprend, mesure, dessine et enregistre."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    lesson.save(found.model, options, found.metrics, light=False, headline=HEADLINE)
    rows = [
        [
            name,
            *(
                percent(found.metrics[f"{kind}_{who}"])
                for kind in ("kind", "color", "both", "copied")
            ),
        ]
        for who, name in LABELS.items()
    ]
    print(
        table(["images de ce nom, d'après le juge", "nom", "couleur", "les deux", "copies"], rows)
    )
    path = output_dir(options) / "articles.png"
    images = draw(found.model, [*EXAMPLES], columns=NUM_SHOWN)
    picture_rows(path, {f"« {said} »": row for said, row in zip(EXAMPLES, images, strict=True)})
    print(f"Figure : {path}")


def say(options) -> int:
    """Dessine la phrase de `--say` dans un PNG ; rend 0."""
    path = output_file(options, f"{'-'.join(sentences.split(options.say)) or 'sans-phrase'}.png")
    image = draw(lesson.load_saved(options), [options.say])[0, 0]
    save_picture(image.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1), path)
    print(f"« {options.say} » : {shown_path(path)}")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Donne la leçon ; avec `--say`, dessine une phrase."""
    name = "ex26_text_to_image.products"
    parser = lesson_parser(name, __doc__.splitlines()[0], epochs=EPOCHS)
    parser.add_argument("--say", metavar="PHRASE", help="dessiner cette phrase, sans apprendre")
    add_model_option(parser)
    options = parser.parse_args(argv)
    if options.say is not None:
        return cli.run(lambda: say(options))
    return lesson.run(teach, options)


if __name__ == "__main__":
    raise SystemExit(main())
