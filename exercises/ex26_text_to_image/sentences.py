"""Des phrases : les composer, en faire des numéros de mots, refuser celles qu'on ne sait pas lire.

D'après : S3, figure (6), phrase → image.
"""

import functools
import re

import numpy as np

from exercises.ex26_text_to_image.words import ATTRIBUTES, NOUNS, NUM_CLASSES, Noun

TEMPLATES = (
    "{article} {noun}",
    "dessine {article} {noun}",
    "je veux {article} {noun}",
    "l'image d'{article} {noun}",
    "voici {article} {noun}",
)
MAX_WORDS = 10
NOTHING = 0  # le numéro d'une place sans mot ; une phrase vide n'a que lui
WORD = re.compile(r"[\w-]+'?")
SAID = 0.7  # part des adjectifs vrais qui sont dits : les autres sont sous-entendus


# --- Question : une phrase vraie d'une image -----------------------------------------


def write(noun: Noun, levels, *, rng: np.random.Generator) -> str:
    """Compose une phrase : un modèle au hasard, et ses adjectifs dans un ordre quelconque.

    Args:
        noun: le nom.
        levels: −1, 0 ou 1 par attribut ; 0 : n'en rien dire.
        rng: générateur aléatoire.

    Returns:
        Par exemple `"dessine une bottine foncée et large"`.
    """
    said = [
        (attribute.low if level < 0 else attribute.high)[noun.feminine]
        for attribute, level in zip(ATTRIBUTES, levels, strict=True)
        if level
    ]
    rng.shuffle(said)
    template = TEMPLATES[rng.integers(len(TEMPLATES))]
    start = template.format(article="une" if noun.feminine else "un", noun=noun.text)
    return f"{start} {' et '.join(said)}".strip()


def describe(
    labels: np.ndarray, levels: np.ndarray, *, rng: np.random.Generator
) -> tuple[list[str], np.ndarray]:
    """Compose une phrase vraie de chaque image.

    Args:
        labels: classes `(n,)`.
        levels: tiers `(n, 2)`, rendus par `words.levels`.
        rng: générateur aléatoire.

    Returns:
        `(n phrases, ce qu'elles disent)` : les tiers, à 0 là où l'adjectif n'est pas dit.
    """
    nouns = [[noun for noun in NOUNS if noun.label == label] for label in range(NUM_CLASSES)]
    said = levels * (rng.random(levels.shape) < SAID)
    written = [
        write(nouns[label][rng.integers(len(nouns[label]))], each, rng=rng)
        for label, each in zip(labels, said, strict=True)
    ]
    return written, said


# --- Question : de la phrase aux numéros ---------------------------------------------


def split(sentence: str) -> list[str]:
    """Coupe une phrase en mots, sans majuscule ni ponctuation : `"L'image…"` → `["l'", …]`."""
    return WORD.findall(sentence.lower().replace("’", "'"))


@functools.cache
def vocabulary() -> dict[str, int]:
    """Rend les mots connus, et leur numéro, à partir de 1."""
    texts = [template.format(article="un une", noun="") for template in TEMPLATES]
    texts += [noun.text for noun in NOUNS]
    texts += [text for each in ATTRIBUTES for pair in (each.low, each.high) for text in pair]
    words = sorted({word for text in [*texts, "et"] for word in split(text)})
    return {word: number for number, word in enumerate(words, NOTHING + 1)}


def encode(sentences: list[str]) -> np.ndarray:
    """Remplace les mots par leurs numéros.

    Args:
        sentences: n phrases ; une phrase vide ne demande rien.

    Returns:
        uint8 `(n, MAX_WORDS)`, complétés par `NOTHING`.

    Raises:
        ValueError: mot inconnu, ou phrase trop longue.
    """
    known = vocabulary()
    numbers = np.full((len(sentences), MAX_WORDS), NOTHING, np.uint8)
    for row, sentence in zip(numbers, sentences, strict=True):
        words = split(sentence)
        unknown = next((word for word in words if word not in known), None)
        if unknown:
            raise ValueError(
                f"Mot inconnu : « {unknown} ». Ce réseau connaît : {', '.join(known)}."
            )
        if len(words) > MAX_WORDS:
            raise ValueError(
                f"Cette phrase a {len(words)} mots ; ce réseau en lit {MAX_WORDS} au plus."
            )
        row[: len(words)] = [known[word] for word in words]
    return numbers
