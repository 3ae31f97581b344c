"""Dessiner ce que dit une phrase : du bruit à l'image, par un flot appris.

Document : S3 « Different problems, models & metrics », figure (6) : phrase → image.
Commandes : python -m exercises.ex26_text_to_image
            python -m exercises.ex26_text_to_image --say "une bottine foncée"
Résultat mesuré : docs/laboratoire/resultats.md, sur cinq graines
(`python -m recipes.seeds ex26_text_to_image --seeds 5`).

Les phrases de la mesure sont vraies d'images de test, que le réseau n'a pas vues. Ces images sont
aussi le plafond : elles ont été photographiées, et non fabriquées.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from convnets.core import cli, session
from convnets.core.cli import add_model_option, lesson_parser, shown_path
from convnets.core.intervals import by_image, paired_gaps
from convnets.core.reports import Headline, format_headline
from convnets.datasets import sources
from convnets.figures.charts import table
from convnets.figures.style import output_dir
from convnets.training import lesson
from exercises.ex26_text_to_image import figures, flow, measures, network, sentences

NUM_VAL = 2000  # images de validation, les mêmes que pour les autres exercices
NUM_DRAWN = 500  # phrases de test, une image chacune
NUM_REFERENCE = 5000  # images d'apprentissage auxquelles Fréchet compare
FORCES = (0, 1, 2, 4)  # forces de la phrase mesurées
HEADLINE = [
    Headline("named_4", "images nommées comme demandé, force 4"),
    Headline("named_2", "images nommées comme demandé, force 2"),
    Headline("named_1", "images nommées comme demandé, force 1"),
    Headline("named_0", "images nommées comme demandé, sans lire la phrase"),
    Headline("named_search", "images nommées comme demandé, image d'apprentissage cherchée"),
    Headline("named_real", "images nommées comme demandé, vraies images"),
    Headline("obeyed_4", "adjectifs vrais de l'image, force 4"),
    Headline("obeyed_2", "adjectifs vrais de l'image, force 2"),
    Headline("obeyed_exact", "adjectifs vrais, image d'apprentissage de la classe"),
    Headline("frechet_4", "distance de Fréchet, force 4", ""),
    Headline("frechet_2", "distance de Fréchet, force 2", ""),
    Headline("frechet_1", "distance de Fréchet, force 1", ""),
    Headline("frechet_real", "distance de Fréchet, vraies images", ""),
    Headline("frechet_search", "distance de Fréchet, image d'apprentissage cherchée", ""),
    Headline("frechet_mean", "distance de Fréchet, image moyenne de la classe", ""),
    Headline("frechet_noise", "distance de Fréchet, bruit", ""),
    Headline("copied_2", "images presque recopiées, force 2"),
    Headline("copied_real", "images presque recopiées, vraies images"),
    Headline("copied_exact", "images presque recopiées, réseau parfait"),
]
PAIRS = (  # écarts publiés : de combien le premier dépasse le second
    ("named_2", "named_1"),
    ("obeyed_2", "obeyed_1"),
    ("named_4", "named_2"),
    ("obeyed_4", "obeyed_2"),
    ("named_real", "named_2"),
    ("named_real", "named_4"),
    ("named_4", "named_mean"),
    ("obeyed_4", "obeyed_mean"),
    ("named_search", "named_4"),
    ("obeyed_search", "obeyed_4"),
    ("copied_search", "copied_4"),
)


class Part(NamedTuple):
    """Des images, et la phrase de chacune."""

    images: np.ndarray  # uint8 (n, h, w, 1)
    labels: np.ndarray  # (n,)
    sentences: list[str]
    said: np.ndarray  # ce que disent leurs adjectifs (n, 2)


# --- Question : une phrase vraie de chaque image -------------------------------------


def load_parts(limit: int | None) -> list[Part]:
    """Charge les images à apprendre, puis celles de test, et compose une phrase de chacune."""
    x_train, y_train, _, _, x_test, y_test = lesson.split(
        sources.load_fashion_mnist(), limit=limit, num_val=NUM_VAL
    )
    pairs = (x_train[..., None], y_train), (x_test[:NUM_DRAWN, ..., None], y_test[:NUM_DRAWN])
    bounds, parts = sentences.thirds(*pairs[0]), []
    for seed, (images, labels) in enumerate(pairs):
        true, rng = sentences.levels(images, labels, bounds), np.random.default_rng(seed)
        parts.append(Part(images, labels, *sentences.describe(labels, true, rng=rng)))
    return parts


# --- Question : que valent les images fabriquées ? -----------------------------------


def make_judge(train: Part, test: Part) -> Callable[[np.ndarray], tuple[dict, float]]:
    """Prépare, une fois, ce à quoi les images fabriquées sont comparées.

    Args:
        train: les images apprises.
        test: les phrases à dessiner, et les vraies images dont elles sont vraies.

    Returns:
        Une fonction d'images uint8 `(n, h, w, c)`, une par phrase de test. Elle rend ce que vaut
        chacune, `{"named", "obeyed", "copied"}`, où `obeyed` n'a que les phrases qui ont un
        adjectif ; et la distance de Fréchet, qui ne se mesure pas image par image.
    """
    garments, bounds = measures.load_judge(), sentences.thirds(train.images, train.labels)
    reference, _ = garments.predict(train.images[:NUM_REFERENCE, ..., 0], batch_size=250, verbose=0)
    real = measures.nearness(test.images, train.images)

    def judge(images: np.ndarray) -> tuple[dict[str, np.ndarray], float]:
        features, names = garments.predict(images[..., 0], batch_size=250, verbose=0)
        values = {
            "named": names == test.labels,
            "obeyed": measures.obeyed(images, test.labels, test.said, bounds),
            "copied": measures.copied(measures.nearness(images, train.images), real),
        }
        return values, measures.frechet(features, reference)

    return judge


# --- Question : à quoi comparer ? ----------------------------------------------------


def make_controls(train: Part, test: Part, *, seed: int) -> dict[str, np.ndarray]:
    """Rend de vraies images, et ce qui répond aux phrases de test sans avoir rien appris.

    Args:
        train: les images apprises.
        test: les phrases à illustrer, et les vraies images dont elles sont vraies.
        seed: graine de ce que `search` tire.

    Returns:
        Images uint8 `(n, h, w, c)` : `real`, les vraies ; `exact`, celles d'un réseau parfait ;
        `mean`, la moyenne de chaque classe ; `noise`, du bruit ; `search`, celles que l'on trouve.
    """
    noise = network.draw_noise(len(test.labels), seed=0)
    means, exact = (np.zeros_like(test.images) for _ in range(2))
    for label in np.unique(test.labels):
        own, asked = train.images[train.labels == label], test.labels == label
        if len(own):
            means[asked] = own.mean(axis=0).round()
            velocity = flow.exact_velocity(flow.to_unit(own))
            exact[asked] = flow.to_pixels(flow.follow(velocity, noise[asked])[-1])
    return {
        "real": test.images,
        "exact": exact,
        "mean": means,
        "noise": flow.to_pixels(noise),
        "search": search(train, test, seed=seed),
    }


def search(train: Part, test: Part, *, seed: int) -> np.ndarray:
    """Cherche, parmi les images apprises, une image de la classe et des adjectifs demandés.

    Args:
        train: les images apprises.
        test: les phrases à illustrer ; une phrase peut ne demander aucun adjectif.
        seed: graine du tirage, parmi toutes les images qui conviennent.

    Returns:
        Images uint8 `(n, h, w, c)`, une par phrase de test. Si aucune image ne convient, celles qui
        conviennent le mieux : la classe d'abord, puis le plus d'adjectifs.
    """
    rng, bounds = np.random.default_rng(seed), sentences.thirds(train.images, train.labels)
    true = sentences.levels(train.images, train.labels, bounds)  # (m, 2) : −1, 0 ou 1
    rows = []
    for label, said in zip(test.labels, test.said, strict=True):
        fits = 3 * (train.labels == label) + ((said == 0) | (true == said)).sum(axis=1)
        rows.append(rng.choice(np.flatnonzero(fits == fits.max())))
    return train.images[rows]


# --- Question : apprendre, dessiner, juger à chaque force ----------------------------


def run(
    seed: int, *, epochs: int = network.EPOCHS, minutes=None, limit: int | None = None
) -> lesson.Run:
    """Entraîne un réseau, dessine les phrases de test à chaque force, et juge les images.

    Args:
        seed: graine des poids, de l'ordre des images et des bruits.
        epochs: nombre d'époques.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: images gardées de chaque jeu ; None, toutes.

    Returns:
        Les mesures de chaque force et des témoins ; le réseau ; dans `pooled`, ce que vaut chaque
        image.
    """
    train, test = load_parts(limit)
    judge, asked = make_judge(train, test), sentences.encode(test.sentences)
    model = network.train(
        train.images, sentences.encode(train.sentences), seed=seed, epochs=epochs, minutes=minutes
    )
    noise = network.draw_noise(len(asked), seed=seed)
    drawn = make_controls(train, test, seed=seed)
    for force in FORCES:
        if session.is_over(minutes):
            print(f"Force {force} : pas mesurée, le temps est passé.", flush=True)
            session.note_missing(f"force {force} : pas mesurée")
            continue
        drawn[str(force)] = network.draw_path(model, asked, noise, guidance=force)[-1]
    values, far = {}, {}
    for key, images in drawn.items():
        judged, far[f"frechet_{key}"] = judge(images)
        values |= {f"{name}_{key}": each for name, each in judged.items()}
    metrics, pooled = by_image(values)
    return lesson.Run(metrics | far, model, {"pooled": pooled})


def pool(found: list[dict]) -> dict:
    """Rend les écarts publiés, sur toutes les graines et toutes les phrases de test.

    Args:
        found: par graine, ce que vaut chaque image.

    Returns:
        `{"gaps": {"named_2 - named_1": [moyenne, bas, haut]…}}`.
    """
    return {"gaps": paired_gaps(found, PAIRS)}


def teach(options) -> None:
    """Entraîne, mesure, dessine et enregistre."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    report = lesson.save(
        found.model,
        options,
        found.metrics,
        light=False,
        headline=HEADLINE,
        input_shape=list(sentences.PIXELS),
        classes_fr=sources.FASHION_CLASSES_FR,
    )
    print(table(["mesure, sur les phrases de test", "valeur"], format_headline(report)))
    folder = output_dir(options)
    figures.save_examples(folder, found.model)
    print(f"Figures écrites dans {folder}/")
    print(f'Une phrase à dessiner : {lesson.command_for(options)} --say "{sentences.EXAMPLES[0]}"')


# --- Question : une phrase, une image ------------------------------------------------


def say(options) -> int:
    """Dessine la phrase de `--say` dans un PNG, et dit comment la faire nommer ; rend 0."""
    path = figures.save_sentence(options, sentences.encode([options.say]))
    print(f"Pour la faire nommer : ./predict --model garments {shown_path(path)}")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Donne la leçon ; avec `--say`, dessine une phrase."""
    parser = lesson_parser("ex26_text_to_image", __doc__.splitlines()[0], epochs=network.EPOCHS)
    parser.add_argument("--say", metavar="PHRASE", help="dessiner cette phrase, sans apprendre")
    add_model_option(parser)
    options = parser.parse_args(argv)
    if options.say is not None:
        return cli.run(lambda: say(options))
    return lesson.run(teach, options)


if __name__ == "__main__":
    raise SystemExit(main())
