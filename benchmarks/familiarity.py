"""Ce qu'un réseau n'a jamais vu : quelle mesure reconnaît une image étrangère à ses dix classes ?

Commande : python -m benchmarks.familiarity
Résultat mesuré : docs/familiarite.md.

Chaque mesure se calcule sur la passe qui répond : sur les scores du réseau, sur les
caractéristiques que sa dernière couche lit, ou sur les moyennes des cartes de ses premiers groupes.
Une seule, la frontière apprise, a vu des images étrangères, d'autres sortes encore que les tableaux
(`recipes.outliers`). Les « étrangères d'essai » sont là pour choisir entre les mesures.
"""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.special import logsumexp, softmax
from scipy.stats import rankdata

from benchmarks.strangers import grey_strangers, practice, strangers
from convnets.core.cli import FrenchParser, percent, positive_int, reserve_stderr, run
from convnets.core.paths import MODELS_DIR
from convnets.datasets import sources
from convnets.figures import style
from convnets.serving.classifier import Classifier
from recipes import familiarity as shipped
from recipes import outliers

MODELS = ("thumbnails", "thumbnails_light")
NUM_STRANGERS = 1000  # de chaque sorte
NEIGHBOUR = 50  # comme Sun et al.
UNSHOWN = ("objets proches (COCO)",)  # photographies dont la licence ne permet pas tout
VIM_RANK = 32


class Pass(NamedTuple):
    """Ce qu'une passe du réseau laisse d'un lot d'images."""

    scores: np.ndarray  # (n, 10), avant le softmax
    features: np.ndarray  # (n, c), ce que lit la dernière couche
    first: np.ndarray  # (n, k, 2a), moyenne et moyenne quadratique des k cartes du groupe 1
    second: np.ndarray  # (n, b), moyenne des cartes du groupe 2


Measure = Callable[[Pass], np.ndarray]  # rend (n,), plus grand pour une image plus familière


# --- Les mesures -----------------------------------------------------------------------------


def passes(model) -> Callable[[np.ndarray], Pass]:
    """Rend de quoi calculer, en une passe d'un réseau de `recipes.network`, un `Pass`."""
    import keras
    from keras import layers, ops

    def maps_of(group: int) -> list:
        start = f"group{group}_out"
        return [each.output for each in model.layers if each.name.startswith(start)]

    mean = layers.GlobalAveragePooling2D()
    # Comme `recipes.familiarity.moments`.
    moments = [
        ops.concatenate([mean(maps), ops.sqrt(mean(ops.square(maps)))], axis=-1)
        for maps in maps_of(1)
    ]
    first, second = ops.stack(moments, axis=1), mean(maps_of(2)[-1])
    outputs = [model.layers[-2].output, model.layers[-3].input, first, second]
    network = keras.Model(model.inputs, outputs)
    return lambda images: Pass(*network.predict(images, batch_size=200, verbose=0))


def max_probability(found: Pass) -> np.ndarray:
    """La plus grande probabilité. Source : Hendrycks et Gimpel, arXiv 1610.02136, 2017."""
    return softmax(found.scores, axis=1).max(axis=1)


def energy(found: Pass) -> np.ndarray:
    """L'opposé de l'énergie des scores. Source : Liu et al., arXiv 2010.03759, 2020."""
    return logsumexp(found.scores, axis=1)


def _unit(features: np.ndarray) -> np.ndarray:
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def nearest(train: Pass) -> Measure:
    """La ressemblance avec la 50e voisine. Source : Sun et al., arXiv 2204.06507, 2022."""
    known = _unit(train.features).T

    def measure(found: Pass) -> np.ndarray:
        parts = np.array_split(_unit(found.features), max(1, len(found.features) // 500))
        return np.concatenate([np.partition(x @ known, -NEIGHBOUR)[:, -NEIGHBOUR] for x in parts])

    return measure


def class_mean(train: Pass, y: np.ndarray) -> Measure:
    """La ressemblance avec la moyenne de la classe la plus proche : un prototype par classe."""
    means = _unit(np.stack([_unit(train.features)[y == c].mean(0) for c in range(10)])).T
    return lambda found: (_unit(found.features) @ means).max(axis=1)


def boundary(train: Pass, kernel: np.ndarray) -> Measure:
    """La distance aux frontières, fDBD. Source : Liu et Qin, arXiv 2312.11536, 2024."""
    center = train.features.mean(0)
    gaps = np.linalg.norm(kernel.T[:, np.newaxis] - kernel.T, axis=2) + np.eye(10)

    def measure(found: Pass) -> np.ndarray:
        best = found.scores.max(axis=1, keepdims=True)
        distances = (best - found.scores) / gaps[found.scores.argmax(axis=1)]
        return distances.sum(axis=1) / 9 / np.linalg.norm(found.features - center, axis=1)

    return measure


def virtual_logit(train: Pass) -> Measure:
    """L'énergie, moins ce qui sort du sous-espace. Source : Wang et al., arXiv 2203.10807, 2022."""
    center = train.features.mean(0)
    residual = np.linalg.eigh(np.cov(train.features.T))[1][:, :-VIM_RANK]

    def outside(found: Pass) -> np.ndarray:
        return np.linalg.norm((found.features - center) @ residual, axis=1)

    scale = train.scores.max(axis=1).mean() / outside(train).mean()
    return lambda found: energy(found) - scale * outside(found)


def gaussian(known: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Rend l'opposé du carré de la distance de Mahalanobis à des vecteurs connus `(n, c)`."""
    fitted = shipped.fit_gaussian(known)
    return lambda found: -fitted.distance(found)


def learned_boundary(train: Pass, strange: Pass) -> Measure:
    """De quel côté d'une frontière sont les cartes du groupe 1 ; voir `recipes.familiarity`."""

    def flat(found: Pass) -> np.ndarray:
        return found.first.reshape(len(found.first), -1)

    direction = shipped.fit_boundary(flat(train), flat(strange))
    return lambda found: flat(found) @ direction


def combine(measures: list[Measure], val: Pass, weights: list[float] | None = None) -> Measure:
    """Additionne des mesures, ramenées à la même échelle par les images de validation.

    L'unité de chacune est celle de `recipes.familiarity.unit` ; chacune pèse 1, sans `weights`.
    """
    weights = weights or [1.0] * len(measures)
    units = [shipped.unit(measure(val)) / w for measure, w in zip(measures, weights, strict=True)]

    def total(found: Pass) -> np.ndarray:
        return sum(measure(found) / each for measure, each in zip(measures, units, strict=True))

    return total


def all_measures(
    train: Pass, y: np.ndarray, val: Pass, kernel: np.ndarray, strange: Pass
) -> dict[str, Measure]:
    """Prépare les mesures publiées, refaites ici, puis les mesures combinées.

    Args:
        train: images d'entraînement.
        y: leurs classes.
        val: images de validation.
        kernel: poids `(c, 10)` de la dernière couche.
        strange: images étrangères à apprendre.
    """
    one, two = gaussian(train.first[:, -1]), gaussian(train.second)
    maps = [lambda found: one(found.first[:, -1]), lambda found: two(found.second)]
    cosine, boundary_side = class_mean(train, y), learned_boundary(train, strange)
    return {
        "plus grande probabilité": max_probability,
        "énergie": energy,
        f"{NEIGHBOUR}e voisine": nearest(train),
        "moyenne de la classe": cosine,
        "fDBD": boundary(train, kernel),
        "ViM": virtual_logit(train),
        "cartes du groupe 1": maps[0],
        "cartes du groupe 2": maps[1],
        "frontière apprise": boundary_side,
        "énergie + groupe 1": combine([energy, maps[0]], val),
        "énergie + groupe 1 + frontière apprise": combine(
            [energy, maps[0], boundary_side], val, [1, 1, shipped.BOUNDARY_WEIGHT]
        ),
        "énergie + groupe 2": combine([energy, maps[1]], val),
        "énergie + groupes 1 et 2": combine([energy, *maps], val),
        "classe + groupes 1 et 2": combine([cosine, *maps], val),
    }


# --- Ce qu'elles valent ----------------------------------------------------------------------


def auroc(known: np.ndarray, strange: np.ndarray) -> float:
    """Rend la part des couples où l'image connue est jugée plus familière que l'étrangère."""
    ranks = rankdata(np.concatenate([known, strange]))[: len(known)]
    return float((ranks.mean() - (len(known) + 1) / 2) / len(strange))


def table(measures: dict[str, Measure], val: Pass, test: Pass, kinds: dict[str, Pass]) -> list[str]:
    """Écrit une ligne par mesure : AUROC et part reconnue de chaque sorte, doutes sur le test."""
    lines = [
        f"| mesure | {' | '.join(kinds)} | moyenne | doutes sur {len(test.scores)} |",
        "|---" * (len(kinds) + 3) + "|",
    ]
    for name, measure in measures.items():
        found = [measure(kind) for kind in kinds.values()]
        doubts, pairs = _judge(shipped.threshold(measure(val)), measure(test), found)
        cells = [_cell(*pair) for pair in [*pairs, tuple(np.mean(pairs, axis=0))]]
        lines.append(f"| {name} | {' | '.join(cells)} | {doubts} |")
    return lines


def _judge(
    limit: float, known: np.ndarray, found: list[np.ndarray]
) -> tuple[int, list[tuple[float, float]]]:
    """Rend les doutes sur des images connues ; de chaque sorte, l'AUROC et la part reconnue."""
    pairs = [(auroc(known, each), float((each < limit).mean())) for each in found]
    return int((known < limit).sum()), pairs


def _cell(area: float, caught: float) -> str:
    return f"{100 * area:.1f} / {100 * caught:.0f}".replace(".", ",")


def report(slug: str, *, count: int, models_dir: Path, copies: Path | None) -> None:
    """Mesure un modèle et écrit ses deux tableaux."""
    from convnets.training.saving import load_model

    model = load_model(slug, models_dir=models_dir)
    look = passes(model)
    (x, y), (x_test, y_test) = sources.load_cifar10()
    (x, y), (x_val, _) = sources.split_validation(x, y, num_val=shipped.NUM_VAL, seed=0)
    train, val, test = look(x[: shipped.NUM_TRAIN]), look(x_val), look(x_test)
    kernel = model.layers[-3].get_weights()[0]
    kinds = outliers.make(x[: shipped.NUM_TRAIN], count=shipped.NUM_OUTLIERS)
    strange = look(np.concatenate([*kinds.values()]))
    measures = all_measures(train, y[: shipped.NUM_TRAIN], val, kernel, strange)
    right = float((test.scores.argmax(axis=1) == y_test.reshape(-1)).mean())
    print(f"\n{slug}, exactitude {percent(right)} ; AUROC (%) / part reconnue (%)")
    far = strangers(x_test, count, copies=copies)
    tables = {"Étrangères d'essai": practice(x, count), "Étrangères": far}
    for title, images in tables.items():
        kinds = {name: look(each) for name, each in images.items()}
        print(f"\n{title} :\n\n" + "\n".join(table(measures, val, test, kinds)), flush=True)


def report_shipped(
    *, count: int, models_dir: Path, copies: Path | None, figure: Path | None = None
) -> None:
    """Mesure ce que `./predict` met en doute, export et seuil livrés : un tableau par jeu.

    Args:
        count: images étrangères de chaque sorte, au plus.
        models_dir: dossier des modèles.
        copies: clones déjà faits, pour `strangers`.
        figure: fichier PNG où dessiner ce que reconnaissent les réseaux de vignettes.
    """
    groups: dict[str, list[str]] = {}
    for slug in shipped.MEASURES:
        groups.setdefault(shipped.SETS.get(slug, ("load_cifar10",))[0], []).append(slug)
    for slugs in groups.values():
        x, _, x_test = shipped.load_images(slugs[0])
        others, grey = shipped.SETS.keys() - slugs, slugs[0] in shipped.SETS
        if grey:
            kinds = grey_strangers(x_test, shipped.load_images(*others)[2], count)
        else:
            kinds = strangers(x_test, count, copies=copies) | practice(x, count)
        print(f"| modèle | mesure | doutes sur {len(x_test)} | {' | '.join(kinds)} |")
        print("|---" * (len(kinds) + 3) + "|")
        shares = {}
        for slug in slugs:
            classifier = Classifier(slug, models_dir=models_dir)
            found = [_scores(classifier, images) for images in kinds.values()]
            doubts, pairs = _judge(classifier.card.familiarity, _scores(classifier, x_test), found)
            cells = [str(doubts), *[_cell(*pair) for pair in pairs]]
            print(f"| `{slug}` | {shipped.MEASURES[slug]} | {' | '.join(cells)} |", flush=True)
            shares[slug] = [caught for _, caught in pairs]
        print()
        if figure and not grey:
            save_figure(figure, kinds, shares)


def save_figure(path: Path, kinds: dict[str, np.ndarray], shares: dict[str, list[float]]) -> None:
    """Dessine la part reconnue de chaque sorte d'étrangères, un exemple à gauche.

    Args:
        path: fichier PNG.
        kinds: images uint8 `(n, h, h, 3)` de chaque sorte.
        shares: pour chaque réseau, la part reconnue de chaque sorte, entre 0 et 1.
    """
    height, places = 0.8 / len(shares), np.arange(len(kinds))
    with style.new_figure(path, size=(8.0, 0.55 * len(kinds) + 1)) as (_, ((axis,),)):
        for number, (slug, found) in enumerate(shares.items()):
            offset = (number - (len(shares) - 1) / 2) * height
            axis.barh(places + offset, 100 * np.array(found), 0.9 * height, label=slug)
        for place, (name, images) in zip(places, kinds.items(), strict=True):
            if name not in UNSHOWN:
                box = axis.inset_axes((-8, place - 0.4, 7, 0.8), transform=axis.transData)
                box.imshow(images[0])
                box.axis("off")
        axis.set_yticks(places, [*kinds])
        axis.tick_params(axis="y", length=0, pad=42)
        axis.set_ylim(len(kinds) - 0.5, -0.5)
        axis.set_xlim(0, 100)
        axis.set_xlabel("images étrangères mises en doute, en pour cent")
        axis.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=len(shares))


def _scores(classifier: Classifier, images: np.ndarray) -> np.ndarray:
    """Rend les familiarités d'images, `(n,)` ; -∞ pour celle que `./predict` refuse de lire."""
    if len(classifier.input_shape) == 3:
        return shipped.answers(classifier, images)[1]
    found = np.full(len(images), -np.inf)
    for number, image in enumerate(images):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG")
        file.seek(0)
        with contextlib.suppress(ValueError):
            found[number] = shipped.look_at(classifier, classifier.prepare(file))[1]
    return found


def main(argv: list[str] | None = None) -> int:
    """Compare les mesures de familiarité."""
    parser = FrenchParser(
        prog="python -m benchmarks.familiarity", description=__doc__.splitlines()[0]
    )
    add = parser.add_argument
    add(
        "--limit",
        type=positive_int,
        default=NUM_STRANGERS,
        metavar="N",
        help=f"images étrangères de chaque sorte ({NUM_STRANGERS} par défaut)",
    )
    add("--shipped", action="store_true", help="mesurer plutôt ce que ./predict met en doute")
    add("--figure", type=Path, metavar="FICHIER", help="avec --shipped : où le dessiner (PNG)")
    add("--models-dir", type=Path, default=MODELS_DIR, metavar="DOSSIER", help="autre dossier")
    add(
        "--from",
        dest="copies",
        type=Path,
        metavar="DOSSIER",
        help="clones déjà faits, propriétaire+nom pour chaque dépôt ; GitHub sinon",
    )
    options = parser.parse_args(argv)
    if options.figure and not options.shipped:
        parser.error("--figure demande --shipped")
    settings = {"count": options.limit, "models_dir": options.models_dir, "copies": options.copies}

    def body() -> int:
        if options.shipped:
            report_shipped(**settings, figure=options.figure)
            return 0
        for slug in MODELS:
            report(slug, **settings)
        return 0

    return run(body)


if __name__ == "__main__":
    reserve_stderr()  # le C++ de LiteRT y écrit en anglais
    raise SystemExit(main())
