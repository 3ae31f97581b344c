"""Légender de vraies photographies : des articles de boutique, et leur catalogue.

Document : S3, figures (4) « image captioning » et (5) « image question answering ».
Commandes : python -m exercises.ex25_captions.products
            python -m exercises.ex25_captions.products photo.jpg
Résultat mesuré : leçon 25, sur cinq graines (`python -m recipes.seeds ex25_pretrained`).

Le réseau est celui des scènes composées ; seuls les mots et les questions changent. Suivie d'une
photographie, la commande la décrit et répond aux cinq questions, avec les poids livrés.

Deux articles de numéros voisins sont souvent le même modèle en deux couleurs, photographié le même
jour. Les articles d'une même centaine vont donc tous du même côté : apprentissage, validation ou
test. Une image déjà vue est retirée.
"""

import functools
import hashlib
import textwrap
from collections import Counter
from typing import NamedTuple

import keras
import numpy as np
from PIL import Image

from convnets.core.cli import add_model_option, lesson_parser, percent
from convnets.core.images import crop_resize, open_image
from convnets.core.intervals import paired_gap
from convnets.core.reports import Headline
from convnets.datasets.products import Product, load_catalogue
from convnets.figures.charts import Picture, number, picture_rows, table
from convnets.figures.style import output_dir
from convnets.training import lesson
from convnets.training.augmentation import alternate_mirror, random_crop
from convnets.training.batches import Batches, feed
from exercises.ex25_captions import catalogue, decoding
from exercises.ex25_captions.bleu import bleu
from exercises.ex25_captions.catalogue import ATTRIBUTES
from exercises.ex25_captions.grammar import split
from exercises.ex25_captions.measures import small_pixels
from exercises.ex25_captions.network import build_model
from exercises.ex25_captions.scenes import SCENE_PX

EPOCHS = 6
BATCH_SIZE = 32
LEARNING_RATE = 2e-3  # d'Adam, au début ; il décroît jusqu'à zéro
SHIFT_PX = 4  # de combien une image d'apprentissage est déplacée, au plus
PARTS = ("train", "val", "test")
BLOCK = 100  # numéros qui se suivent et ne sont pas séparés
VAL_SHARE, TEST_SHARE = 0.1, 0.2  # parts de ces blocs
WITNESS_SEEDS = range(5)  # des partages que mesure `witnesses`
NEIGHBOURS = (1, 5, 15)  # voisins qui votent, essayés sur la validation
GROUND = 235  # un bord de photographie aussi clair est un fond blanc
NUM_SHOWN = 8  # articles de la figure, pris à intervalles égaux dans le test
LINE_CHARACTERS = 40  # d'une ligne de leur légende
SPEAKERS = {
    "network": "réseau, mot à mot",
    "answers": "réseau, phrase faite de ses cinq réponses",
    "features": "voisins, dans la carte du réseau",
    "pixels": "voisins, en pixels",
    "frequent": "la phrase la plus fréquente",
}
ANSWERERS = ("answers", "features", "pixels", "frequent")
ATTRIBUTES_FR = {
    "kind": "l'article",
    "color": "la couleur",
    "style": "le style",
    "gender": "pour qui",
    "season": "la saison",
}
HEADLINE = [
    *(
        Headline(f"exact_{who}", f"articles : phrases exactes, {name}")
        for who, name in SPEAKERS.items()
    ),
    *(Headline(f"bleu4_{who}", f"articles : BLEU-4, {name}") for who, name in SPEAKERS.items()),
]


class Album(NamedTuple):
    """Des articles : leur photographie, leurs attributs, leur numéro."""

    images: np.ndarray  # (n, 64, 64, 3) uint8
    labels: np.ndarray  # (n, 5) : rang de chaque attribut, dans l'ordre d'`ATTRIBUTES`
    numbers: np.ndarray  # (n,)


# --- Question : de quoi apprendre, de quoi mesurer -----------------------------------


def share_out(numbers: np.ndarray, *, block: int = BLOCK, seed: int = 0) -> np.ndarray:
    """Partage des articles, sans séparer ceux d'un même bloc de numéros.

    Args:
        numbers: numéros des articles `(n,)`.
        block: numéros qui se suivent et restent ensemble ; 1 : chacun est tiré seul.
        seed: graine du tirage.

    Returns:
        La part de chacun, une de `PARTS`, `(n,)`.
    """
    blocks, ranks = np.unique(numbers // block, return_inverse=True)
    num_test, num_val = round(TEST_SHARE * len(blocks)), round(VAL_SHARE * len(blocks))
    parts = np.full(len(blocks), "train", dtype="<U5")
    order = np.random.default_rng(seed).permutation(len(blocks))
    parts[order[:num_test]] = "test"
    parts[order[num_test : num_test + num_val]] = "val"
    return parts[ranks]


def find_named() -> list[Product]:
    """Rend les articles dont chaque attribut a un mot français."""
    return [product for product in load_catalogue() if catalogue.find_labels(product)]


def make_albums(*, limit: int | None) -> dict[str, Album]:
    """Lit les photographies de chaque part ; une image déjà lue n'est pas gardée de nouveau.

    Args:
        limit: au plus tant d'articles de chaque part ; None : tous.

    Raises:
        FileNotFoundError: données absentes ou incomplètes ; le message dit quoi mettre où.
    """
    named, albums, seen = find_named(), {}, set()
    parts = share_out(np.array([product.number for product in named]))
    for part in PARTS:
        products = [product for product, each in zip(named, parts, strict=True) if each == part]
        albums[part] = read_album(products[:limit], seen)
    return albums


def read_album(products: list[Product], seen: set[bytes]) -> Album:
    """Lit des photographies, sauf celles dont l'empreinte est dans `seen`, où elles s'ajoutent."""
    images, kept = [], []
    for product in products:
        image = read(product.path)
        digest = hashlib.sha256(image.tobytes()).digest()
        if digest not in seen:
            seen.add(digest)
            images.append(image)
            kept.append(product)
    labels = np.array([catalogue.find_labels(product) for product in kept])
    numbers = np.array([product.number for product in kept])
    return Album(np.stack(images), labels, numbers)


def read(path) -> np.ndarray:
    """Lit une photographie, et la ramène à son carré central de 64 pixels."""
    return crop_resize(open_image(path), SCENE_PX, resample=Image.Resampling.BOX)


class ProductBatches(Batches):
    """Lots d'articles : leur image, déplacée et parfois retournée, leur phrase et leurs réponses.

    Args:
        x: images uint8 `(n, 64, 64, 3)`.
        y: attributs `(n, 5)`.
        **options: celles de `Batches`.
    """

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Rend le lot `index` de l'époque courante."""
        images, labels = super().__getitem__(index)
        words, questions = catalogue.encode_captions(labels), catalogue.encode_questions()
        given = {
            "image": images,
            "words": words[:, :-1],
            "questions": np.repeat(questions[None], len(images), axis=0),
        }
        return given, {"caption": words[:, 1:], "answers": catalogue.encode_answers(labels)}


def augment(images, *, indices, epoch, rng) -> np.ndarray:
    """Déplace chaque image de quelques pixels, et en retourne une sur deux."""
    return alternate_mirror(random_crop(images, pad=SHIFT_PX, rng=rng), indices, epoch)


def train(album: Album, *, seed: int, clock: lesson.Clock) -> keras.Model:
    """Apprend à dire la phrase et à répondre aux questions ; rend les poids arrondis."""
    keras.utils.set_random_seed(seed)
    model = build_model(catalogue.LEXICON, name="ex25_products")
    said = keras.losses.SparseCategoricalCrossentropy(ignore_class=0)
    model.compile(
        keras.optimizers.Adam(LEARNING_RATE),
        loss={"caption": said, "answers": "sparse_categorical_crossentropy"},
    )
    size = min(BATCH_SIZE, len(album.images))
    batches = ProductBatches(
        album.images, album.labels, batch_size=size, seed=seed, augment=augment
    )
    model.fit(feed(batches), epochs=clock.epochs, callbacks=[clock], verbose=0)
    lesson.round_weights(model)
    return model


# --- Question : que dit le réseau ? --------------------------------------------------


def caption(model: keras.Model, maps: np.ndarray) -> list[list[str]]:
    """Dit chaque article, mot à mot : les mots de chaque phrase."""
    said, _ = decoding.say(model, maps, vocabulary=catalogue.SAID)
    return [catalogue.to_words(numbers) for numbers in said]


def answer(model: keras.Model, maps: np.ndarray) -> np.ndarray:
    """Répond aux cinq questions sur chaque article : probabilités `(n, 5, réponses)`."""
    questions = np.repeat(catalogue.encode_questions()[None], len(maps), axis=0)
    answerer = model.get_layer("answerer")
    return answerer.predict([maps, questions], batch_size=decoding.BATCH_SIZE, verbose=0)


# --- Question : que sait-on sans réseau ? --------------------------------------------


def vote(points: np.ndarray, known: np.ndarray, labels: np.ndarray, *, num: int) -> np.ndarray:
    """Donne à chaque article l'attribut le plus fréquent de ses plus proches voisins.

    Args:
        points: articles à décrire `(n, d)`.
        known: articles d'apprentissage `(m, d)`.
        labels: leurs attributs `(m, 5)`.
        num: nombre de voisins ; à égalité de voix, le plus proche l'emporte.

    Returns:
        Attributs `(n, 5)`.
    """
    distances = (known**2).sum(axis=1) - 2 * points @ known.T  # au carré de `points` près
    nearest = distances.argsort(axis=1)[:, :num]
    votes = labels[nearest]  # (n, voisins, 5)
    return np.array([[Counter(column).most_common(1)[0][0] for column in each.T] for each in votes])


def find_neighbours(albums: dict[str, Album], points: dict[str, np.ndarray]) -> np.ndarray:
    """Fait voter les voisins ; leur nombre est choisi sur la validation.

    Args:
        albums: les trois parts.
        points: dans chaque part, ce qui est comparé, `(n, d)`.

    Returns:
        Attributs des articles de test, `(n, 5)`.
    """
    known, labels = points["train"], albums["train"].labels
    scores = {
        num: np.mean(vote(points["val"], known, labels, num=num) == albums["val"].labels)
        for num in NEIGHBOURS
    }
    return vote(points["test"], known, labels, num=max(scores, key=scores.get))


def most_frequent(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rend l'article le plus fréquent `(5,)`, et la valeur la plus fréquente de chaque attribut."""
    rows, counts = np.unique(labels, axis=0, return_counts=True)
    values = [np.bincount(column).argmax() for column in labels.T]
    return rows[counts.argmax()], np.array(values)


# --- Question : que vaut chacun ? ----------------------------------------------------


def judge(albums: dict[str, Album], model: keras.Model) -> tuple[dict, dict]:
    """Fait décrire les articles de test par le réseau et par ses témoins.

    Returns:
        `(phrases, attributs)` : par clé de `SPEAKERS`, les mots de chaque phrase ; par clé
        d'`ANSWERERS`, `(n, 5)`.
    """
    maps = {part: decoding.see(model, album.images) for part, album in albums.items()}
    num = len(maps["test"])
    sentence, values = most_frequent(albums["train"].labels)
    found = {
        "answers": catalogue.decode_answers(answer(model, maps["test"])),
        "features": find_neighbours(albums, {part: x.mean(axis=1) for part, x in maps.items()}),
        "pixels": find_neighbours(
            albums, {part: small_pixels(album.images) for part, album in albums.items()}
        ),
        "frequent": np.tile(values, (num, 1)),
    }
    said = {who: write_sentences(labels) for who, labels in found.items()}
    said["frequent"] = [split(catalogue.describe_product(sentence))] * num
    said["network"] = caption(model, maps["test"])
    return said, found


def write_sentences(labels: np.ndarray) -> list[list[str]]:
    """Fait une phrase des cinq attributs de chaque article `(n, 5)` : les mots de chacune."""
    return [split(catalogue.describe_product(each)) for each in labels]


def measure(said: dict, found: dict, test: Album) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Mesure des phrases et des attributs, rangés comme les rend `judge`.

    Returns:
        `(mesures, réponses justes)` : `exact_X`, `bleu4_X`, `color_X`…, dans [0, 1] ; sous les
        mêmes noms, sauf `bleu4_X`, un booléen par article, `(n,)`.
    """
    truths = write_sentences(test.labels)
    right = {
        f"exact_{who}": np.array([mine == true for mine, true in zip(each, truths, strict=True)])
        for who, each in said.items()
    }
    for who, labels in found.items():
        right |= {
            f"{name}_{who}": labels[:, k] == test.labels[:, k] for k, name in enumerate(ATTRIBUTES)
        }
    metrics = {name: float(each.mean()) for name, each in right.items()}
    metrics |= {f"bleu4_{who}": bleu(each, truths) for who, each in said.items()}
    return metrics, right


def run(
    seed: int, *, epochs: int = EPOCHS, minutes: float | None = None, limit: int | None = None
) -> lesson.Run:
    """Apprend une graine et la mesure, à côté de ses témoins, sur les articles de test.

    Args:
        seed: graine des poids et de l'ordre des images.
        epochs: nombre d'époques.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: au plus tant d'articles de chaque part.

    Returns:
        `exact_network`, `bleu4_pixels`, `color_answers`… ; le réseau ; le test et ses phrases.
    """
    print("Lecture des photographies…", flush=True)
    albums = make_albums(limit=limit)
    model = train(albums["train"], seed=seed, clock=lesson.Clock(epochs, minutes))
    said, found = judge(albums, model)
    test = albums["test"]
    metrics, right = measure(said, found, test)
    pooled = {name: each.astype(int).tolist() for name, each in right.items()}
    pooled["hundreds"] = (test.numbers // BLOCK).tolist()
    return lesson.Run(metrics, model, {"test": test, "said": said, "pooled": pooled})


def pool(found: list[dict], *, more: tuple[str, ...] = ()) -> dict:
    """Rend l'écart du réseau avec chaque témoin, et son intervalle, sur toutes les graines.

    Les articles d'une centaine se ressemblent : l'intervalle compte les centaines, non les images.

    Args:
        found: par graine, ce que garde `run`.
        more: témoins mesurés de plus, qui font une phrase de leurs cinq réponses.

    Returns:
        `{"gaps": {"exact_network_pixels": [moyenne, bas, haut]…}}`.
    """
    hundreds, gaps = np.array(found[0]["hundreds"]), {}
    right = {
        name: by_hundred(np.array([each[name] for each in found]), hundreds)
        for name in found[0]
        if name != "hundreds"
    }
    pairs = [("exact_network", who) for who in (*SPEAKERS, *more) if who != "network"]
    pairs += [(f"{name}_answers", who) for name in ATTRIBUTES for who in (*ANSWERERS[1:], *more)]
    pairs += [("exact_answers", who) for who in more]
    for own, who in pairs:
        measured = own.split("_")[0]  # `exact`, ou un attribut
        gap = paired_gap(right[own], right[f"{measured}_{who}"])
        gaps[f"{own}_{who}"] = list(gap)
    return {"gaps": gaps}


def by_hundred(right: np.ndarray, hundreds: np.ndarray) -> np.ndarray:
    """Additionne les réponses justes de chaque centaine, puis met leur moyenne à la part juste.

    Args:
        right: `(graines, n)`, 1 si la réponse est juste.
        hundreds: centaine de chaque image, `(n,)`.

    Returns:
        `(graines, centaines)`, dont la moyenne est celle de `right`.
    """
    names = np.unique(hundreds)
    sums = np.stack([right[:, hundreds == name].sum(axis=1) for name in names], axis=1)
    return sums * len(names) / len(hundreds)


def witnesses(seed: int) -> dict[str, float]:
    """Recopie le plus proche voisin en pixels, selon que des numéros voisins sont séparés ou non.

    Args:
        seed: graine du partage.

    Returns:
        `kind_blocks_1`, `color_blocks_100`… : la part d'attributs justes, sur le test.
    """
    album, found = read_everything(), {}
    points = small_pixels(album.images)
    for block in (1, BLOCK):
        parts = share_out(album.numbers, block=block, seed=seed)
        known, test = parts == "train", parts == "test"
        copied = vote(points[test], points[known], album.labels[known], num=1)
        right = np.mean(copied == album.labels[test], axis=0)
        found |= {
            f"{name}_blocks_{block}": float(x) for name, x in zip(ATTRIBUTES, right, strict=True)
        }
    return found


@functools.cache
def read_everything() -> Album:
    """Lit toutes les photographies, une fois pour tous les partages que mesure `witnesses`."""
    return read_album(find_named(), set())


# --- La leçon, et une photographie à soi ---------------------------------------------


def show_metrics(metrics: dict[str, float]) -> None:
    """Affiche les phrases, puis les réponses."""
    rows = [
        [name, percent(metrics[f"exact_{who}"]), percent(metrics[f"bleu4_{who}"])]
        for who, name in SPEAKERS.items()
    ]
    print(table(["phrases, sur les articles de test", "exactes", "BLEU-4"], rows))
    rows = [
        [SPEAKERS[who], *(percent(metrics[f"{name}_{who}"]) for name in ATTRIBUTES)]
        for who in ANSWERERS
    ]
    print(table(["réponses exactes", *ATTRIBUTES_FR.values()], rows))


def save_examples(path, test: Album, said: list[list[str]]) -> None:
    """Dessine des articles de test, la phrase du réseau et, si elle est fausse, la vraie."""
    pictures = []
    for k in np.linspace(0, len(test.images) - 1, NUM_SHOWN).astype(int):
        truth = split(catalogue.describe_product(test.labels[k]))
        lines = [decoding.to_sentence(said[k])]
        lines.append("(juste)" if said[k] == truth else f"Vrai : {decoding.to_sentence(truth)}")
        text = "\n".join(textwrap.fill(line, LINE_CHARACTERS) for line in lines)
        pictures.append(Picture(test.images[k], text))
    half = NUM_SHOWN // 2
    picture_rows(path, {"": pictures[:half], " ": pictures[half:]}, side=4)


def teach(options) -> None:
    """Apprend, mesure, dessine et enregistre."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    show_metrics(found.metrics)
    for name, (mean, low, high) in pool([found.kept["pooled"]])["gaps"].items():
        if name.startswith("exact"):
            who = SPEAKERS[name.removeprefix("exact_network_")]
            bounds = f"[{number(100 * low, 1)} ; {number(100 * high, 1)}]"
            print(f"Phrases exactes, réseau moins {who} : {number(100 * mean, 1)} {bounds}")
    print("Les intervalles sont ceux des articles : une seule graine ne dit rien de sa variation.")
    lesson.save(found.model, options, found.metrics, light=False, headline=HEADLINE)
    path = output_dir(options) / "articles.png"
    save_examples(path, found.kept["test"], found.kept["said"]["network"])
    print(f"Figure : {path}")
    print(f"Une photographie à soi : {lesson.command_for(options)} photo.jpg")


def describe_own(options) -> None:
    """Décrit une photographie, et répond aux cinq questions sur elle."""
    image = read(options.image)
    model = lesson.load_saved(options)
    if not has_white_ground(image):
        print(
            "Le bord de cette image n'est pas blanc : le réseau n'a appris que des articles sur "
            "fond blanc, et ce qu'il en dit a peu de chances d'être juste."
        )
    maps = decoding.see(model, image[None])
    said = caption(model, maps)[0]
    print(decoding.to_sentence(said))
    probabilities = answer(model, maps)
    labels = catalogue.decode_answers(probabilities)[0]
    rows = []
    for k, attribute in enumerate(ATTRIBUTES.values()):
        sure = probabilities[0, k, catalogue.FIRST[k] + labels[k]]
        rows.append([attribute.question, attribute.answers[labels[k]], percent(float(sure))])
    print(table(["question", "réponse", "probabilité"], rows))
    name = split(ATTRIBUTES["kind"].answers[labels[0]])
    if said[: len(name)] != name:
        print("La phrase et la première réponse nomment deux articles : le réseau hésite.")
    print(
        f"Ce réseau ne connaît que {len(catalogue.KINDS)} sortes d'articles : devant toute autre "
        "chose, il nomme quand même l'une d'elles."
    )


def has_white_ground(image: np.ndarray) -> bool:
    """Dit si la moitié au moins du bord d'une image `(h, w, 3)` est presque blanche."""
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    return float(np.mean(border.min(axis=1) >= GROUND)) >= 0.5


def main(argv: list[str] | None = None) -> int:
    """Sans image, donne la leçon ; avec une photographie, la décrit."""
    parser = lesson_parser("ex25_captions.products", __doc__.splitlines()[0], epochs=EPOCHS)
    parser.add_argument("image", nargs="?", help="photographie à décrire ; sans elle, on apprend")
    add_model_option(parser)
    options = parser.parse_args(argv)
    return lesson.run(teach if options.image is None else describe_own, options)


if __name__ == "__main__":
    raise SystemExit(main())
