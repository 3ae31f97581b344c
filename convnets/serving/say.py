"""Ce que `./predict` dit d'une image : les probabilités, et s'il faut en douter.

C'est le seul endroit où un doute se décide (docs/laboratoire/familiarite.md, docs/predire.md).
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from convnets.core.cli import percent
from convnets.serving.asked import GREY, PHOTOGRAPH, THUMBNAIL, Asked, Row

if TYPE_CHECKING:
    from convnets.serving.card import Card

UNFAMILIAR = "ressemble peu à ce que ce réseau a appris : la réponse n'est pas sûre."
GARMENT_ADVICE = (
    "Si c'est un vêtement, photographiez-le seul, entier, à plat et de face, sur un fond uni."
)
GREY_THUMBNAIL = (
    "est une petite image grise, et ce réseau a surtout appris des images en couleur : la réponse "
    "n'est pas sûre. "
    "--model digits lit un chiffre, et --model garments un vêtement."
)
DIVIDED = "est une image longue, où ce réseau voit plusieurs choses : la réponse n'est pas sûre."
UNLIKE = "est {}, et ce réseau n'a appris que {} : la réponse n'est pas sûre."
KINDS = {  # ce que l'on dit d'une image, selon sa sorte
    GREY: "une petite image grise",
    THUMBNAIL: "une vignette",
    PHOTOGRAPH: "une photographie ou un dessin",
}
READERS = {  # une classe d'un réseau de leçon, et qui lit une photographie de la même chose
    "Avion": "Sans --model, ./predict sait lire une photographie.",
    "Robe": "--model garments lit un vêtement photographié.",
    "7": "--model digits lit un chiffre photographié.",
}
LOW = "donne une réponse à {} seulement : elle n'est pas sûre."
# Choisi sur les 199 photographies de développement (docs/laboratoire/familiarite.md).
MIN_PROBABILITY = {"photos": 0.7, "thumbnails": 0.7}
MORE_LIKELY_WRONG = 0.5  # d'un autre réseau du cours : sous la moitié, il se croit plutôt en erreur
SHOES = ("Basket", "Bottine", "Sandale")
# Les noms de `garments` pour chaque vêtement de `photos`, et pour ceux que Fashion-MNIST n'a pas.
NAMES = {
    "Robe": ("Robe",),
    "Haut à manches longues": ("Pull", "T-shirt ou haut"),
    "Veste ou manteau": ("Manteau",),
    "Pantalon": ("Pantalon",),
    "Chemise": ("Chemise",),
    "Chaussures": SHOES,
    "T-shirt": ("T-shirt ou haut",),
    "Sac": ("Sac",),
    "Chapeau": (),
    "Short": (),
    "Jupe": (),
}
MIN_POOLED = 1e-9  # d'une probabilité, pour qu'aucun produit ne soit nul


class Answer(NamedTuple):
    """Ce que l'on dit d'une image."""

    classes: Sequence[str]
    probabilities: Sequence[float]  # (classes,) dans [0, 1]
    familiar: bool | None  # None : ce réseau ne le mesure pas
    why: str = ""  # pourquoi en douter, à la suite du nom de l'image ; "" : rien n'en fait douter

    @property
    def best(self) -> int:
        """Numéro de la classe la plus probable."""
        return best(self.probabilities)


def say(asked: Asked, rows: Sequence[Row]) -> Answer:
    """Rend ce que l'on dit d'une image.

    Args:
        asked: ce qui a été demandé.
        rows: la réponse à chacune des vues qu'il restait à calculer.
    """
    card = asked.classifier.card
    row = asked.cut_out or _conclude(card, [*asked.seen, *rows], asked.glanced)
    is_garment = names_garment(card, row.probabilities)
    familiar = is_familiar(card, row.familiarity)
    if is_garment and max(row.probabilities) < card.garments.sure:
        familiar = False
    why = ""
    if asked.unlike:
        why = _say_unlike(card, asked.unlike)
    elif familiar is False:
        why = f"{UNFAMILIAR} {GARMENT_ADVICE}" if is_garment else UNFAMILIAR
    elif asked.is_divided:
        why = DIVIDED
    elif max(row.probabilities) < _least(card):
        why = LOW.format(percent(max(row.probabilities)))
    if asked.unlike == GREY and familiar is not None:
        familiar = False
    answer = Answer(asked.classifier.classes, row.probabilities, familiar, why)
    return _keep_garments(card, answer) if asked.garments_only and card.garments else answer


def _say_unlike(card: "Card", kind: str) -> str:
    """Dit d'une image que ce réseau de leçon n'a rien appris de sa sorte, et qui la lirait."""
    if kind == GREY and len(card.input_shape) == 3:
        return GREY_THUMBNAIL
    height, width = card.input_shape[:2]
    learned = "des photographies"
    if len(card.input_shape) == 2:
        learned = f"des images grises de {height} × {width} pixels, sur un fond uni"
    elif kind == PHOTOGRAPH:
        learned = f"des vignettes de {height} × {width} pixels"
    readers = []
    if kind != THUMBNAIL:  # ceux-là lisent une photographie ou un dessin
        readers = [advice for name, advice in READERS.items() if name in card.classes]
    return " ".join([UNLIKE.format(KINDS[kind], learned), *readers])


def _keep_garments(card: "Card", answer: Answer) -> Answer:
    """Rend la réponse d'un réseau qui nomme aussi des objets, parmi ses seuls vêtements.

    Elle est mise en doute s'il y voyait plutôt un objet.
    """
    kept = answer.probabilities[card.garments.first :]
    total = max(sum(kept), MIN_POOLED)
    familiar, why = answer.familiar, answer.why
    if not shows_garment(card, answer.probabilities):
        familiar, why = False, f"{UNFAMILIAR} {GARMENT_ADVICE}"
    probabilities = [each / total for each in kept]
    return Answer(answer.classes[card.garments.first :], probabilities, familiar, why)


def _least(card: "Card") -> float:
    """Rend la probabilité sous laquelle une réponse est dite peu sûre."""
    return 0.0 if card.own else MIN_PROBABILITY.get(card.slug, MORE_LIKELY_WRONG)


def is_familiar(card: "Card", familiarity: float | None) -> bool | None:
    """Dit si une image ressemble à ce qu'un réseau a appris ; None s'il ne le mesure pas."""
    if card.familiarity is None or familiarity is None:
        return None
    return familiarity >= card.familiarity


def _conclude(card: "Card", rows: Sequence[Row], glanced: Row | None) -> Row:
    """Rend les probabilités et la familiarité d'une image, d'après ses vues et le coup d'œil.

    La familiarité est celle de la première vue, où `Classifier.ask` a compté le coup d'œil. Un
    vêtement compte aussi le coup d'œil, et par une moyenne géométrique : il suffit qu'une vue
    écarte une classe. Cette moyenne peut être plus sûre que chaque regard : si aucun n'est sûr, le
    vêtement n'est pas familier. Un objet où les trois regards voient plutôt un vêtement ne l'est
    pas non plus (docs/predire.md).
    """
    if not rows:
        return glanced
    shares = [row.probabilities for row in rows]
    found = Row(_average(shares), rows[0].familiarity)
    if card.garments is None or glanced is None:
        return found
    shares.append(glanced.probabilities)
    is_sure = max(glanced.probabilities) >= card.glance.sure  # d'un vêtement
    if is_sure or names_garment(card, found.probabilities):
        if max(map(max, shares)) < card.garments.sure:
            found = found._replace(familiarity=-math.inf)
        return found._replace(probabilities=_pool(shares))
    if shows_garment(card, _average(shares)):
        return found._replace(familiarity=-math.inf)
    return found


def names_garment(card: "Card", probabilities: Sequence[float]) -> bool:
    """Dit si la réponse est un vêtement, pour un réseau qui nomme aussi des objets."""
    return card.garments is not None and best(probabilities) >= card.garments.first


def shows_garment(card: "Card", probabilities: Sequence[float]) -> bool:
    """Dit si une image est plutôt un vêtement, pour un réseau qui nomme aussi des objets."""
    return card.garments is not None and sum(probabilities[card.garments.first :]) >= 0.5


def sees(classes: Sequence[str], probabilities: Sequence[float], name: str) -> bool:
    """Dit si, de tous les vêtements, `photos` voit plutôt celui que `garments` nomme ainsi."""
    shares = {k: p for k, p in zip(classes, probabilities, strict=True) if k in NAMES}
    agreed = sum(share for known, share in shares.items() if name in NAMES[known])
    return agreed >= 0.5 * sum(shares.values())


def best(probabilities: Sequence[float]) -> int:
    """Rend le numéro de la classe la plus probable."""
    return max(range(len(probabilities)), key=probabilities.__getitem__)


def _average(rows: Sequence[Sequence[float]]) -> list[float]:
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def _pool(rows: Sequence[Sequence[float]]) -> list[float]:
    """Rend la moyenne géométrique de probabilités, de somme 1."""
    columns = zip(*rows, strict=True)
    products = [math.prod(max(p, MIN_POOLED) for p in column) for column in columns]
    means = [product ** (1 / len(rows)) for product in products]
    return [mean / sum(means) for mean in means]
