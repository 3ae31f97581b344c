"""Dessiner d'après son nom un emoji que le réseau n'a jamais vu : « pilote femme peau mate ».

Document : S3 « Different problems, models & metrics », figure (6) : phrase → image.
Commandes : python -m exercises.ex26_text_to_image.emojis
            python -m exercises.ex26_text_to_image.emojis --say "cœur vert"
Résultat mesuré : leçon 26, cinq graines (`python -m recipes.seeds ex26_text_to_image.emojis`).

Le réseau et le flot sont ceux de la leçon. Un nom d'emoji se compose : un rôle, un genre et une
peau, une main et une peau, ou une forme et une couleur. Des couples de mots entiers sont mis de
côté : le réseau connaît leurs deux mots, et ne les a jamais lus ensemble. Le vrai dessin existe :
l'erreur se mesure sur lui, pixel par pixel. Une couleur n'est pas toujours la même d'une forme à
l'autre : le cœur bleu d'OpenMoji est plus foncé que son disque bleu.
"""

import functools
import itertools
import textwrap
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.linear_model import LinearRegression

from convnets.core import cli
from convnets.core.cli import add_model_option, lesson_parser, percent
from convnets.core.intervals import by_image, paired_gaps
from convnets.core.reports import Headline
from convnets.datasets import emojis
from convnets.figures.charts import number, picture_rows, table
from convnets.figures.style import output_dir
from convnets.training import lesson
from exercises.ex26_text_to_image import figures, network, sentences

SIDE_PX = 32
EPOCHS = 150  # quatre à cinq minutes sur un cœur ; aucune mesure ne l'a choisi
GENDERS = ("homme", "femme")
SKINS = (
    "peau claire",
    "peau moyennement claire",
    "peau légèrement mate",
    "peau mate",
    "peau foncée",
)
COLORS = ("blanc", "bleu", "jaune", "marron", "noir", "orange", "rouge", "vert", "violet")
SHAPES = ("cœur", "disque", "carré")
HANDS = ("main ", "mains ", "poing ", "pouce ")  # débuts des noms de mains
THING, GENDER, TINT = range(3)  # les colonnes de `Emojis.words`
AXES = {"gender": GENDER, "skin": TINT, "color": TINT}  # le mot de chaque couple, outre la chose
NUM_ASIDE = {"gender": 12, "skin": 24}  # couples mis de côté
COLORS_ASIDE = 2  # de chaque forme ; une couleur n'est ôtée qu'à une forme
NUM_LEARNED = 100  # dessins appris que le réseau refait
FORCES = {"network": 1, "force_2": 2}  # 1 : un seul dessin est juste, rien n'est à exagérer
LEVELS = 16  # par canal : la palette de `recolor` a ce nombre au cube de couleurs
NUM_SHOWN = 2  # couples de chaque sorte dans la figure, les premiers tirés
LABELS = {
    "network": "réseau, force 1",
    "force_2": "réseau, force 2",
    "copy": "dessin appris le plus proche",
    "mean": "moyenne des deux mots",
    "linear": "somme des mots",
    "recolor": "dessin appris, repeint",
}
PARTS = {
    "gender": "chose et genre jamais ensemble",
    "skin": "chose et peau jamais ensemble",
    "color": "forme et couleur jamais ensemble",
    "learned": "dessins appris",
}
PAIRS = [("network", who) for who in LABELS if who != "network"]
HEADLINE = [
    Headline(f"right_network_{part}", f"emojis reconnus, réseau : {title}")
    for part, title in PARTS.items()
]


class Emojis(NamedTuple):
    """Des emojis, et les mots de leur nom."""

    images: np.ndarray  # uint8 (n, 32, 32, 3)
    names: np.ndarray  # (n,) str
    words: np.ndarray  # (n, 3) str : la chose, le genre et la teinte ; "" si le nom n'en dit rien

    def take(self, rows: np.ndarray) -> "Emojis":
        """Rend les emojis de ces rangs, ou de ce masque."""
        return Emojis(*(each[rows] for each in self))


# --- Question : quels noms se composent ? --------------------------------------------


def split_name(name: str) -> tuple[str, str, str]:
    """Sépare un nom : « pilote femme peau mate » → `("pilote", "femme", "peau mate")`."""
    tint = next((each for each in (*SKINS, *COLORS) if name.endswith(f" {each}")), "")
    words = name.removesuffix(tint).split()
    gender = next((each for each in words if each in GENDERS), "")
    return " ".join(each for each in words if each not in ("personne", gender)), gender, tint


def family_of(thing: str) -> set[tuple[str, str]]:
    """Rend les genres et les teintes que doit avoir une chose : un rôle, une main ou une forme."""
    if thing in SHAPES:
        return {("", color) for color in COLORS}
    genders = ("",) if thing.startswith(HANDS) else ("", *GENDERS)
    return {(gender, tint) for gender in genders for tint in ("", *SKINS)}


@functools.cache  # cinq graines lisent les mêmes dessins
def load_families() -> Emojis:
    """Dessine les emojis dont le nom se compose, et que le réseau peut lire en entier.

    Raises:
        FileNotFoundError: données absentes ou abîmées ; le message dit quoi mettre où.
    """
    found = {}
    texts = emojis.load_names()
    for name in texts:
        thing, *variant = split_name(name)
        found.setdefault(thing, {})[tuple(variant)] = name
    rows = [
        (name, thing, *variant)
        for thing, names in sorted(found.items())
        if family_of(thing) <= set(names)
        and max(len(sentences.split(name)) for name in names.values()) <= sentences.MAX_WORDS
        for variant, name in names.items()
        if variant in family_of(thing)
    ]
    names, *words = np.array(rows).T
    images = emojis.draw([texts[name] for name in names], side_px=SIDE_PX)
    return Emojis(images, names, np.stack(words, axis=1))


@functools.cache
def vocabulary() -> dict[str, int]:
    """Rend les mots de tous les noms, et leur numéro."""
    return sentences.number_words(list(load_families().names))


# --- Question : quels couples mettre de côté ? ---------------------------------------


def set_aside(known: Emojis, *, seed: int) -> dict[str, np.ndarray]:
    """Tire des couples de mots, dont aucun dessin ne sera appris.

    Une chose ne perd qu'un genre ou qu'une teinte : ses autres dessins sont appris. Un genre dont
    le dessin est aussi celui d'un autre n'est pas mis de côté.

    Args:
        known: tous les emojis.
        seed: graine du tirage.

    Returns:
        Pour `gender`, `skin` et `color`, les couples `(k, 2)` : la chose, et l'autre mot.
    """
    rng = np.random.default_rng(seed)
    flat = known.images.reshape(len(known.images), -1)
    _, ranks, counts = np.unique(flat, axis=0, return_inverse=True, return_counts=True)
    twice = known.words[counts[ranks.ravel()] > 1]  # un dessin qui a deux noms
    shared = {(thing, gender) for thing, gender, _ in twice}
    roles = np.unique(known.words[known.words[:, GENDER] != "", THING])
    hands = [each for each in np.unique(known.words[:, THING]) if each.startswith(HANDS)]
    gendered = []
    for thing in rng.permutation(roles):
        own = [each for each in GENDERS if (thing, each) not in shared]
        if own and len(gendered) < NUM_ASIDE["gender"]:
            gendered.append((thing, rng.choice(own)))
    others = rng.permutation([*np.setdiff1d(roles, [each for each, _ in gendered]), *hands])
    skins = [(thing, rng.choice(SKINS)) for thing in others[: NUM_ASIDE["skin"]]]
    colors = zip(np.repeat(SHAPES, COLORS_ASIDE), rng.permutation(COLORS), strict=False)
    pairs = {"gender": gendered, "skin": skins, "color": list(colors)}
    return {part: np.array(each) for part, each in pairs.items()}


def find_pairs(words: np.ndarray, pairs: np.ndarray, axis: int) -> np.ndarray:
    """Rend le rang du couple de chaque emoji, −1 s'il n'est d'aucun.

    Args:
        words: `(n, 3)`.
        pairs: couples `(k, 2)`, la chose et l'autre mot.
        axis: la colonne de cet autre mot.
    """
    same = (words[:, None, [THING, axis]] == pairs).all(axis=2)  # (n, k)
    return np.where(same.any(axis=1), same.argmax(axis=1), -1)


# --- Question : à quoi comparer ? ----------------------------------------------------


class Change(NamedTuple):
    """Ce que change un mot, d'après les dessins appris qui ne diffèrent que par lui."""

    gap: float  # écart quadratique moyen
    palette: np.ndarray  # (LEVELS**3, 3) : de combien change chaque couleur de pixel, en moyenne


def learn_changes(learned: Emojis, axis: int) -> dict[tuple[str, str], Change]:
    """Mesure ce que change chaque mot d'une colonne, `(départ, arrivée)`."""
    alike, twins = {}, {}
    for k, words in enumerate(learned.words):
        alike.setdefault(tuple(np.delete(words, axis)), []).append(k)
    for rows in alike.values():
        for one, other in itertools.permutations(rows, 2):
            pair = learned.words[one, axis], learned.words[other, axis]
            twins.setdefault(pair, []).append((one, other))
    changes = {}
    for pair, rows in twins.items():
        before, after = learned.images[np.transpose(rows)]
        change = (after.astype(float) - before).reshape(-1, 3)
        cells = find_cells(before).ravel()
        counts = np.bincount(cells, minlength=LEVELS**3)
        sums = [np.bincount(cells, weights=each, minlength=LEVELS**3) for each in change.T]
        palette = np.stack(sums, axis=1) / np.maximum(counts, 1)[:, None]
        changes[pair] = Change((change**2).mean(), palette)
    return changes


def find_cells(images: np.ndarray) -> np.ndarray:
    """Rend la case de la palette où tombe chaque pixel : uint8 `(..., 3)` → entiers `(...)`."""
    return images // (256 // LEVELS) @ np.array([LEVELS**2, LEVELS, 1])


def average(learned: Emojis, words: np.ndarray, axis: int) -> np.ndarray:
    """Rend la moyenne de deux dessins moyens : celui de la chose, et celui de l'autre mot."""
    means = [
        learned.images[learned.words[:, each] == words[each]].mean(axis=0) for each in (THING, axis)
    ]
    return np.mean(means, axis=0)


def add_words(learned: Emojis, words: np.ndarray) -> np.ndarray:
    """Compose chaque dessin par une somme : ce qu'apporte chaque mot, appris par moindres carrés.

    Args:
        learned: les emojis appris.
        words: les mots demandés `(n, 3)`.

    Returns:
        float `(n, 32, 32, 3)`.
    """
    known = [np.unique(column) for column in learned.words.T]

    def encode(rows: np.ndarray) -> np.ndarray:
        columns = zip(rows.T, known, strict=True)
        return np.hstack([column[:, None] == each for column, each in columns]).astype(float)

    flat = learned.images.reshape(len(learned.images), -1).astype(float)
    found = LinearRegression().fit(encode(learned.words), flat).predict(encode(words))
    return found.reshape(len(words), *learned.images.shape[1:])


def make_controls(learned: Emojis, words: np.ndarray, axis: int) -> dict[str, np.ndarray]:
    """Répond sans réseau à chaque demande `(n, 3)`, dont un mot, celui de `axis`, est nouveau.

    Le dessin appris le plus proche ne diffère que par ce mot, et d'aussi peu que possible : de
    « peau mate », la plus proche est la teinte dont les dessins diffèrent le moins des siens.

    Returns:
        Images uint8 `(n, 32, 32, 3)` : `copy`, le dessin appris le plus proche ; `mean`, la moyenne
        des deux mots ; `linear`, la somme des mots ; `recolor`, le plus proche, dont chaque pixel
        change de couleur comme d'habitude entre les deux mots.
    """
    changes, copies, painted = learn_changes(learned, axis), [], []
    for asked in words:
        same = np.delete(learned.words == asked, axis, axis=1).all(axis=1)
        found = {k: changes[learned.words[k, axis], asked[axis]] for k in np.flatnonzero(same)}
        nearest = min(found, key=lambda k: found[k].gap)
        copies.append(learned.images[nearest])
        painted.append(copies[-1] + found[nearest].palette[find_cells(copies[-1])])
    drawn = {
        "copy": np.stack(copies),
        "mean": np.stack([average(learned, asked, axis) for asked in words]),
        "linear": add_words(learned, words),
        "recolor": np.stack(painted),
    }
    return {who: np.clip(np.round(each), 0, 255).astype(np.uint8) for who, each in drawn.items()}


# --- Question : le dessin est-il celui demandé ? -------------------------------------


def find_errors(images: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Rend l'erreur de chaque dessin, en niveaux de 0 à 255 : la racine de l'écart quadratique."""
    gaps = images.astype(float) - truth
    return np.sqrt((gaps**2).mean(axis=(1, 2, 3)))


def is_right(images: np.ndarray, truth: np.ndarray, known: Emojis) -> np.ndarray:
    """Dit si, de tous les vrais dessins, le plus proche de chaque image est celui demandé.

    Args:
        images: uint8 `(n, 32, 32, 3)`.
        truth: les vrais dessins demandés, uint8 de même forme.
        known: tous les emojis, appris ou non.
    """
    found, true, every = (each.reshape(len(each), -1) for each in (images, truth, known.images))
    own = ((found.astype(float) - true) ** 2).sum(axis=1)
    return own <= cdist(found, every, "sqeuclidean").min(axis=1)


def draw(model, names: np.ndarray, *, seed: int, force: float = 1) -> np.ndarray:
    """Dessine un emoji par nom : uint8 `(n, 32, 32, 3)`."""
    noise = network.draw_noise(len(names), seed=seed, pixels=(SIDE_PX, SIDE_PX, 3))
    words = sentences.encode(list(names), vocabulary())
    return network.draw_path(model, words, noise, guidance=force)[-1]


def by_pair(values: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Rend la moyenne de chaque couple : des valeurs `(n,)`, et le rang de leur couple `(n,)`."""
    return np.bincount(ranks, weights=values) / np.bincount(ranks)


class Split(NamedTuple):
    """Ce qui est appris, et les demandes de chaque sorte."""

    learned: Emojis
    asked: dict[str, Emojis]  # par clé de `PARTS`
    ranks: dict[str, np.ndarray]  # le couple de chaque demande


def split_families(known: Emojis, *, seed: int) -> Split:
    """Partage les emojis entre ceux que le réseau apprend et ceux qu'il devra dessiner."""
    asked, ranks, learned = {}, {}, np.ones(len(known.names), bool)
    for part, pairs in set_aside(known, seed=seed).items():
        found = find_pairs(known.words, pairs, AXES[part])
        learned &= found < 0
        asked[part], ranks[part] = known.take(found >= 0), found[found >= 0]
    kept = known.take(learned)
    again = np.random.default_rng(seed).permutation(len(kept.names))[:NUM_LEARNED]
    asked["learned"], ranks["learned"] = kept.take(again), np.arange(len(again))
    return Split(kept, asked, ranks)


def run(
    seed: int, *, epochs: int = EPOCHS, minutes: float | None = None, limit: int | None = None
) -> lesson.Run:
    """Apprend un réseau, et compare ses dessins et ceux des témoins aux vrais.

    Args:
        seed: graine des couples mis de côté, des poids et des bruits.
        epochs: nombre d'époques.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: dessins que le réseau apprend, au plus ; les témoins les ont tous.

    Returns:
        `error_network_gender`, `right_copy_skin`… ; le réseau ; les mêmes, par couple de mots.
    """
    known = load_families()
    parts = split_families(known, seed=seed)
    few = parts.learned.take(np.random.default_rng(seed).permutation(len(parts.learned.names)))
    model = network.train(
        few.images[:limit],
        sentences.encode(list(few.names[:limit]), vocabulary()),
        seed=seed,
        epochs=epochs,
        minutes=minutes,
        known=vocabulary(),
    )
    values = {}
    for part, asked in parts.asked.items():
        drawn = {who: draw(model, asked.names, seed=seed, force=f) for who, f in FORCES.items()}
        if part in AXES:
            drawn |= make_controls(parts.learned, asked.words, AXES[part])
        for who, images in drawn.items():
            errors = find_errors(images, asked.images)
            right = is_right(images, asked.images, known)
            values[f"error_{who}_{part}"] = by_pair(errors, parts.ranks[part])
            values[f"right_{who}_{part}"] = by_pair(right, parts.ranks[part])
    metrics, pooled = by_image(values)
    return lesson.Run(metrics, model, {"pooled": pooled})


def pool(found: list[dict]) -> dict:
    """Rend ce que le réseau a de plus que chaque témoin, sur les graines et les couples de mots.

    Les couples ne sont pas les mêmes d'une graine à l'autre : l'intervalle, qui compte leur hasard
    deux fois, est plutôt trop large.

    Returns:
        `{"gaps": {"right_skin : network - copy": [moyenne, bas, haut]…}}`.
    """
    gaps = {}
    for what in ("error", "right"):
        for part in AXES:
            own = [{who: each[f"{what}_{who}_{part}"] for who in LABELS} for each in found]
            for pair, gap in paired_gaps(own, PAIRS).items():
                gaps[f"{what}_{part} : {pair}"] = gap
    return {"gaps": gaps}


# --- La leçon, et un emoji à soi -----------------------------------------------------


def show_metrics(metrics: dict[str, float]) -> None:
    """Affiche l'erreur de chaque réponse, et la part des dessins reconnus."""
    for part, title in PARTS.items():
        rows = [
            [
                name,
                number(metrics[f"error_{who}_{part}"], 1),
                percent(metrics[f"right_{who}_{part}"]),
            ]
            for who, name in LABELS.items()
            if f"error_{who}_{part}" in metrics
        ]
        print(table([title, "erreur", "reconnus"], rows))


def save_examples(path, model, parts: Split) -> None:
    """Dessine les premiers couples tirés : le réseau, les témoins et le vrai dessin."""
    rows, whos = {}, ["network", "copy", "linear", "recolor"]
    for part, axis in AXES.items():
        firsts = np.unique(parts.ranks[part], return_index=True)[1][:NUM_SHOWN]
        asked = parts.asked[part].take(firsts)
        drawn = make_controls(parts.learned, asked.words, axis)
        drawn["network"] = draw(model, asked.names, seed=100)
        for k, name in enumerate(asked.names):
            rows[textwrap.fill(name, 17)] = [*(drawn[who][k] for who in whos), asked.images[k]]
    title = "Des noms jamais appris (dessins : OpenMoji, CC BY-SA 4.0)"
    heads = [textwrap.fill(each, 15) for each in (*(LABELS[who] for who in whos), "vrai dessin")]
    picture_rows(path, rows, heads=heads, title=title, side=1.4)


def teach(options) -> None:
    """Apprend, mesure, dessine et enregistre."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    show_metrics(found.metrics)
    lesson.save(found.model, options, found.metrics, light=False, headline=HEADLINE)
    path = output_dir(options) / "emojis.png"
    save_examples(path, found.model, split_families(load_families(), seed=0))
    print(f"Figure : {path}")
    print(f'Un emoji à dessiner : {lesson.command_for(options)} --say "cœur vert"')


def say(options) -> int:
    """Dessine le nom de `--say` dans un PNG ; rend 0."""
    words = sentences.encode([options.say], vocabulary())
    figures.save_sentence(options, words, (SIDE_PX, SIDE_PX, 3))
    return 0


def main(argv: list[str] | None = None) -> int:
    """Donne la leçon ; avec `--say`, dessine un emoji."""
    name = "ex26_text_to_image.emojis"
    parser = lesson_parser(name, __doc__.splitlines()[0], epochs=EPOCHS)
    parser.add_argument("--say", metavar="NOM", help="dessiner cet emoji, sans apprendre")
    add_model_option(parser)
    options = parser.parse_args(argv)
    if options.say is not None:
        return cli.run(lambda: say(options))
    return lesson.run(teach, options)


if __name__ == "__main__":
    raise SystemExit(main())
