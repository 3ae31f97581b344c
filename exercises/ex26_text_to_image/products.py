"""Dessiner un article de boutique : un nom, une couleur, « une chemise bleue ».

Document : S3 « Different problems, models & metrics », figure (6) : phrase → image.
Commandes : python -m exercises.ex26_text_to_image.products
            python -m exercises.ex26_text_to_image.products --say "une chemise bleue"
Résultat mesuré : leçon 26, cinq graines (`python -m recipes.seeds ex26_text_to_image.products`).

Le réseau et le flot sont ceux de la leçon ; les photographies sont en couleurs, et un catalogue dit
leur nom et leur couleur. Un juge, appris d'autres photographies, nomme les dessins : pour les deux
mots ensemble, il ne sépare des dessins du réseau ni l'image moyenne, ni la même avec un hasard
gaussien. La distance de Fréchet compare des ensembles d'images : l'image moyenne, toujours la même,
y est loin des vraies.

Huit couples d'un nom et d'une couleur n'ont pas été appris : le réseau connaît chacun des deux
mots, et ne les a jamais lus ensemble.
"""

import functools
from typing import NamedTuple

import keras
import numpy as np
from keras import layers
from PIL import Image

from convnets.core import cli
from convnets.core.cli import add_model_option, lesson_parser, percent
from convnets.core.images import crop_resize, open_image
from convnets.core.intervals import against_others
from convnets.core.reports import Headline
from convnets.datasets.product_words import COLORS, KINDS
from convnets.datasets.products import Product, load_catalogue
from convnets.figures.charts import number, picture_rows, table
from convnets.figures.style import output_dir
from convnets.training import lesson
from convnets.training.augmentation import alternate_mirror, random_crop
from convnets.training.batches import Batches, feed
from exercises.ex26_text_to_image import figures, flow, measures, network, sentences

SIDE_PX = 32
DRAWN_KINDS = [*KINDS][:16]  # les seize noms d'au moins 200 articles
DRAWN_COLORS = [*COLORS][:10]  # les dix couleurs d'au moins 250 articles
UNSEEN = (  # couples retirés de l'apprentissage, choisis avant toute mesure
    ("Tshirts", "Red"),
    ("Shirts", "Green"),
    ("Casual Shoes", "Blue"),
    ("Handbags", "Brown"),
    ("Watches", "White"),
    ("Tops", "Purple"),
    ("Sweaters", "Grey"),
    ("Flip Flops", "Black"),
)
EPOCHS = 30
JUDGE_EPOCHS = 30
JUDGE_RATE = 2e-3  # d'Adam, au début ; il décroît jusqu'à zéro
MOMENTUM = 0.9  # le juge apprend en mille pas : 0,99 garderait trop longtemps les premiers
FEATURES = 64  # nombres que le juge lit d'une image, et que compare Fréchet
SHIFT_PX = 3  # de combien une image du juge est déplacée, au plus
# Deux articles de numéros voisins sont souvent le même : une centaine entière va du même côté.
BLOCK = 100
SIDES = ["test"] * 2 + ["judge"] * 3 + ["train"] * 5  # de dix centaines qui se suivent
NUM_DRAWN = {"seen": 400, "unseen": 200}  # articles de test, une image chacun
VARIANCE = 0.95  # part de la variance que gardent les composantes principales
NUM_SHOWN = 4  # dessins du réseau, par phrase de la figure
EXAMPLES = (
    ("Shirts", "Blue"),
    ("Kurtas", "Pink"),
    ("Casual Shoes", "Brown"),
    ("Handbags", "Black"),
    ("Tshirts", "Red"),
    ("Shirts", "Green"),
)
LABELS = {
    "network": "réseau",
    "mean": "image moyenne du nom et de la couleur",
    "noisy": "image moyenne et hasard gaussien",
    "search": "photographie apprise",
    "real": "vraies photographies de test",
}
HEADLINE = [Headline("both_network_seen", "articles : nom et couleur, réseau")]


class Articles(NamedTuple):
    """Des photographies, et ce que le catalogue en dit."""

    images: np.ndarray  # uint8 (n, 32, 32, 3)
    labels: np.ndarray  # (n, 2) : rangs dans `DRAWN_KINDS` et dans `DRAWN_COLORS`


# --- Question : une phrase vraie de chaque photographie ------------------------------


def say_article(kind: str, color: str) -> str:
    """Nomme un article du catalogue : `("Shirts", "Blue")` → « une chemise bleue »."""
    return f"{KINDS[kind].words} {COLORS[color][KINDS[kind].form]}"


def say_labels(labels: np.ndarray) -> list[str]:
    """Rend la phrase de chaque couple de rangs `(n, 2)`."""
    return [say_article(DRAWN_KINDS[kind], DRAWN_COLORS[color]) for kind, color in labels]


def to_labels(kind: str, color: str) -> list[int]:
    """Rend les rangs d'un nom et d'une couleur du catalogue."""
    return [DRAWN_KINDS.index(kind), DRAWN_COLORS.index(color)]


@functools.cache
def vocabulary() -> dict[str, int]:
    """Rend les mots de toutes les phrases, et leur numéro."""
    said = [say_article(kind, color) for kind in DRAWN_KINDS for color in DRAWN_COLORS]
    return sentences.number_words(said)


def encode(labels: np.ndarray) -> np.ndarray:
    """Rend les mots de la phrase de chaque couple `(n, 2)`, en numéros `(n, MAX_WORDS)`."""
    return sentences.encode(say_labels(labels), vocabulary())


def find_part(product: Product) -> str:
    """Dit de quelle part est un article ; `aside` : le réseau n'apprend pas son couple."""
    side = SIDES[product.number // BLOCK % len(SIDES)]
    unseen = (product.kind, product.color) in UNSEEN
    if side == "test":
        return "unseen" if unseen else "seen"
    return "aside" if side == "train" and unseen else side


@functools.cache  # cinq graines lisent les mêmes photographies
def load_parts(limit: int | None) -> dict[str, Articles]:
    """Lit les articles que le réseau apprend, ceux du juge, et ceux de test.

    Args:
        limit: au plus tant d'articles de chaque part ; None : tous.

    Returns:
        `train`, sans les couples de `UNSEEN` ; `judge`, de tous les couples ; `seen` et `unseen`,
        les articles de test, selon que leur couple a été appris ou non.

    Raises:
        FileNotFoundError: données absentes ou incomplètes ; le message dit quoi mettre où.
    """
    found = {"train": [], "judge": [], "seen": [], "unseen": [], "aside": []}
    for product in load_catalogue():
        if product.kind in DRAWN_KINDS and product.color in DRAWN_COLORS:
            found[find_part(product)].append(product)
    del found["aside"]
    rng, parts = np.random.default_rng(0), {}
    for part, products in found.items():
        order = rng.permutation(len(products))[:limit]
        parts[part] = read_articles([products[k] for k in order])
    return parts


def read_articles(products: list) -> Articles:
    """Lit des photographies, ramenées à leur carré central de 32 pixels."""
    images = [
        crop_resize(open_image(each.path), SIDE_PX, resample=Image.Resampling.BOX)
        for each in products
    ]
    return Articles(
        np.array(images, np.uint8).reshape(-1, SIDE_PX, SIDE_PX, 3),
        np.array([to_labels(each.kind, each.color) for each in products]).reshape(-1, 2),
    )


# --- Question : qui juge ? -----------------------------------------------------------


def build_judge() -> keras.Model:
    """Construit le juge : images uint8 `(n, 32, 32, 3)` → nom, couleur et `FEATURES` nombres."""
    image = keras.Input((SIDE_PX, SIDE_PX, 3), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    for width in (32, 64, 96):
        x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = layers.Activation("relu")(layers.BatchNormalization(momentum=MOMENTUM)(x))
        x = layers.MaxPooling2D()(x)  # 16, puis 8, puis 4 pixels de côté
    x = layers.Dropout(0.3)(layers.Flatten()(x))
    features = layers.Dense(FEATURES, activation="relu", name="features")(x)
    kind = layers.Dense(len(DRAWN_KINDS), activation="softmax", name="kind")(features)
    color = layers.Dense(len(DRAWN_COLORS), activation="softmax", name="color")(features)
    return keras.Model(image, [kind, color], name="juge")


def augment(images, *, indices, epoch, rng) -> np.ndarray:
    """Déplace chaque image de quelques pixels, et en retourne une sur deux."""
    return alternate_mirror(random_crop(images, pad=SHIFT_PX, rng=rng), indices, epoch)


class JudgeBatches(Batches):
    """Lots de photographies, et les deux réponses que le juge doit donner : nom et couleur."""

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Rend le lot `index` de l'époque courante."""
        images, labels = super().__getitem__(index)
        return images, {"kind": labels[:, 0], "color": labels[:, 1]}


def train_judge(known: Articles, *, seed: int, minutes: float | None) -> keras.Model:
    """Apprend au juge à nommer un article et sa couleur.

    Returns:
        Modèle : images uint8 `(n, 32, 32, 3)` → nom et couleur, des probabilités, et les traits.
    """
    keras.utils.set_random_seed(seed)
    model = build_judge()
    model.compile(keras.optimizers.Adam(JUDGE_RATE), "sparse_categorical_crossentropy")
    size = min(network.BATCH_SIZE, len(known.images))
    batches = JudgeBatches(known.images, known.labels, batch_size=size, seed=seed, augment=augment)
    clock = lesson.Clock(JUDGE_EPOCHS, minutes, share=0.2)
    model.fit(feed(batches), epochs=JUDGE_EPOCHS, callbacks=[clock], verbose=0)
    return keras.Model(model.inputs[0], [*model.outputs, model.get_layer("features").output])


class Judged(NamedTuple):
    """Ce que le juge dit d'images."""

    right: np.ndarray  # (n, 2) booléens : le nom est celui demandé, la couleur aussi
    features: np.ndarray  # (n, FEATURES)


def judge(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> Judged:
    """Compare ce que le juge nomme à ce qui était demandé, `labels` `(n, 2)`."""
    kind, color, features = model.predict(images, batch_size=250, verbose=0)
    return Judged(np.stack([kind.argmax(1), color.argmax(1)], axis=1) == labels, features)


# --- Question : à quoi comparer ? ----------------------------------------------------


def average(train: Articles, label: np.ndarray) -> np.ndarray:
    """Rend l'image moyenne d'un couple `(2,)`, float `(32, 32, 3)`.

    Celle d'un couple jamais appris est la moyenne du nom, plus ce que la couleur change en moyenne
    aux autres noms.
    """
    same = train.labels == label  # (n, 2)
    if same.all(axis=1).any():
        return train.images[same.all(axis=1)].mean(axis=0)
    colored = same[:, 1]
    kinds, counts = np.unique(train.labels[colored, 0], return_counts=True)
    usual = [train.images[train.labels[:, 0] == kind].mean(axis=0) for kind in kinds]
    change = train.images[colored].mean(axis=0) - np.average(usual, axis=0, weights=counts)
    return train.images[same[:, 0]].mean(axis=0) + change


class Spread(NamedTuple):
    """De combien les photographies d'un nom s'écartent de la moyenne de leur couple."""

    scales: np.ndarray  # écart-type le long de chaque composante principale (k,)
    directions: np.ndarray  # (k, 3072)


def find_spread(train: Articles, kind: int) -> Spread:
    """Cherche les composantes principales des écarts, pour les articles d'un nom."""
    own = train.labels[:, 0] == kind
    images, colors = train.images[own].reshape(own.sum(), -1).astype(float), train.labels[own, 1]
    for color in np.unique(colors):
        images[colors == color] -= images[colors == color].mean(axis=0)
    _, sizes, directions = np.linalg.svd(images, full_matrices=False)
    variances = sizes**2 / max(1, len(images) - len(np.unique(colors)))
    most = np.searchsorted(np.cumsum(variances), VARIANCE * variances.sum()) + 1
    return Spread(np.sqrt(variances[:most]), directions[:most])


def make_controls(train: Articles, labels: np.ndarray, *, seed: int) -> dict[str, np.ndarray]:
    """Répond sans réseau à chaque couple `(n, 2)`.

    Returns:
        Images uint8 `(n, 32, 32, 3)` : `mean`, l'image moyenne ; `noisy`, la même, et un écart
        gaussien tiré dans les composantes principales du nom ; `search`, une photographie apprise
        du même couple, ou du même nom si le couple ne l'a pas été.
    """
    rng = np.random.default_rng(seed)
    spreads = {kind: find_spread(train, kind) for kind in np.unique(labels[:, 0])}
    averages = {tuple(label): average(train, label) for label in np.unique(labels, axis=0)}
    means, noisy, chosen = [], [], []
    for label in labels:
        means.append(averages[tuple(label)])
        scales, directions = spreads[label[0]]
        gap = (rng.standard_normal(len(scales)) * scales) @ directions
        noisy.append(means[-1] + gap.reshape(means[-1].shape))
        same = train.labels == label
        fits = same.all(axis=1) if same.all(axis=1).any() else same[:, 0]
        chosen.append(rng.choice(np.flatnonzero(fits)))
    return {
        "mean": np.clip(np.round(means), 0, 255).astype(np.uint8),
        "noisy": np.clip(np.round(noisy), 0, 255).astype(np.uint8),
        "search": train.images[chosen],
    }


# --- Question : que valent les images fabriquées ? -----------------------------------


def draw(model: keras.Model, labels: np.ndarray, *, seed: int) -> np.ndarray:
    """Dessine un article par couple `(n, 2)` : uint8 `(n, 32, 32, 3)`."""
    noise = network.draw_noise(len(labels), seed=seed, pixels=(SIDE_PX, SIDE_PX, 3))
    return network.draw_path(model, encode(labels), noise, guidance=flow.GUIDANCE)[-1]


def find_sayable(labels: np.ndarray, train: Articles) -> np.ndarray:
    """Dit de quels couples `(n, 2)` le réseau a appris le nom et la couleur, même séparément."""
    return np.all([np.isin(labels[:, k], train.labels[:, k]) for k in range(2)], axis=0)


def by_pair(right: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Rassemble des réponses `(n,)` par couple de mots, sans changer leur moyenne.

    Les images d'un même couple se ressemblent : l'intervalle compte les couples.
    """
    pairs, ranks = np.unique(labels, axis=0, return_inverse=True)
    return np.bincount(ranks.ravel(), weights=right) * len(pairs) / len(right)


def run(
    seed: int, *, epochs: int = EPOCHS, minutes: float | None = None, limit: int | None = None
) -> lesson.Run:
    """Apprend un juge et un réseau, dessine les phrases de test, et les juge avec les témoins.

    Returns:
        `kind_network_seen`, `color_mean_seen`, `both_real_unseen`, `frechet_noisy_seen`,
        `copied_search_seen`… ; le réseau ; les réponses justes, par couple de mots.
    """
    parts = load_parts(limit)
    train = parts["train"]
    judging = train_judge(parts["judge"], seed=seed, minutes=minutes)
    model = network.train(
        train.images,
        encode(train.labels),
        seed=seed,
        epochs=epochs,
        minutes=minutes,
        known=vocabulary(),
    )
    metrics, pooled = {}, {}
    for part, most in NUM_DRAWN.items():
        sayable = find_sayable(parts[part].labels, train)
        every = Articles(*(each[sayable] for each in parts[part]))
        asked = Articles(*(each[:most] for each in every))
        if len(asked.labels) < 2:
            raise ValueError(
                "Trop peu d'articles de test ont un nom et une couleur que le réseau a appris : "
                "donnez plus d'articles, avec --limit N."
            )
        drawn = {
            "network": draw(model, asked.labels, seed=seed),
            **make_controls(train, asked.labels, seed=seed),
            "real": asked.images,
        }
        truth = judge(judging, every.images, every.labels).features
        real = measures.nearness(asked.images, train.images)
        for who, images in drawn.items():
            right, features = judge(judging, images, asked.labels)
            name, both = f"{who}_{part}", right.all(axis=1)
            metrics[f"kind_{name}"], metrics[f"color_{name}"] = map(float, right.mean(axis=0))
            metrics[f"both_{name}"] = float(both.mean())
            pooled[name] = by_pair(both, asked.labels).tolist()
            if part == "seen" and who != "real":  # de vraies photographies à elles-mêmes : rien
                metrics[f"frechet_{name}"] = measures.frechet(features, truth)
            near = measures.nearness(images, train.images)
            metrics[f"copied_{name}"] = float(measures.copied(near, real).mean())
    return lesson.Run(metrics, model, {"pooled": pooled})


def pool(found: list[dict]) -> dict:
    """Rend l'écart du réseau avec chaque témoin, sur les graines et les couples de mots.

    Returns:
        `{"gaps": {"mean_seen": [réseau moins image moyenne, bas, haut], …}}`, où une réponse est
        juste si le nom et la couleur le sont.
    """
    gaps = {}
    for part in NUM_DRAWN:
        right = [{who: each[f"{who}_{part}"] for who in LABELS} for each in found]
        for who, gap in against_others(right, "network").items():
            gaps[f"{who}_{part}"] = gap
    return {"gaps": gaps}


# --- La leçon, et une phrase à soi ---------------------------------------------------


def show_metrics(metrics: dict[str, float]) -> None:
    """Affiche ce que disent le juge et la distance de Fréchet, couples appris puis jamais vus."""
    titles = {"seen": "couples appris", "unseen": "couples jamais vus ensemble"}
    for part, title in titles.items():
        rows = []
        for who, name in LABELS.items():
            shares = [
                percent(metrics[f"{what}_{who}_{part}"])
                for what in ("kind", "color", "both", "copied")
            ]
            far = metrics.get(f"frechet_{who}_{part}")
            rows.append([name, *shares, "" if far is None else number(far, 1)])
        print(table([title, "nom", "couleur", "les deux", "copies", "Fréchet"], rows))


def save_examples(path, model: keras.Model, parts: dict[str, Articles]) -> None:
    """Dessine quelques phrases, à côté des témoins et d'une photographie de test, s'il en est."""
    rows, examples = {}, np.array([to_labels(*each) for each in EXAMPLES])
    for label in examples[find_sayable(examples, parts["train"])]:
        labels = np.tile(label, (NUM_SHOWN, 1))
        controls = make_controls(parts["train"], labels, seed=100)
        photos = [
            image
            for part in NUM_DRAWN
            for image in parts[part].images[(parts[part].labels == label).all(axis=1)]
        ]
        drawn = draw(model, labels, seed=100)
        shown = [*drawn, controls["mean"][0], *controls["noisy"][:2], *photos[:1]]
        pair = DRAWN_KINDS[label[0]], DRAWN_COLORS[label[1]]
        never = "\n(jamais vus ensemble)" if pair in UNSEEN else ""
        rows[f"{say_article(*pair)}{never}"] = shown
    heads = ["réseau"] * NUM_SHOWN + ["moyenne"] + ["moyenne + hasard"] * 2 + ["photographie"]
    picture_rows(path, rows, heads=heads)


def teach(options) -> None:
    """Apprend, mesure, dessine et enregistre."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    show_metrics(found.metrics)
    lesson.save(found.model, options, found.metrics, light=False, headline=HEADLINE)
    path = output_dir(options) / "dessins_articles.png"
    save_examples(path, found.model, load_parts(options.limit))
    print(f"Figure : {path}")
    said = say_article(*EXAMPLES[0])
    print(f'Une phrase à dessiner : {lesson.command_for(options)} --say "{said}"')


def say(options) -> int:
    """Dessine la phrase de `--say` dans un PNG ; rend 0."""
    words = sentences.encode([options.say], vocabulary())
    figures.save_sentence(options, words, (SIDE_PX, SIDE_PX, 3))
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
