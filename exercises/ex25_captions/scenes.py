"""Composer une scène : un à quatre vêtements colorés, chacun dans son coin, sur une photographie.

D'après : S3, figures (4) et (5).

Les vêtements sont de vraies images de Fashion-MNIST, détourées et teintées ; les fonds, de vraies
photographies de CIFAR-10. La phrase et les réponses sont celles du tirage : elles sont exactes, et
ces scènes sont sans doute plus faciles que des photographies légendées.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from convnets.datasets.scenes import cut_out
from exercises.ex25_captions import questions
from exercises.ex25_captions.grammar import (
    CAPTIONS,
    END,
    KINDS,
    MAX_WORDS,
    PLACES,
    START,
    THINGS,
    Scene,
    Thing,
    describe,
    split,
)

SCENE_PX = 64  # côté d'une scène ; un coin en fait la moitié
OBJECT_PX = (20, 29)  # côté d'un vêtement
FASHION_KINDS = (1, 2, 3, 5, 8, 9)  # classe Fashion-MNIST de chaque vêtement de `KINDS`
RGB = ((220, 40, 40), (245, 140, 20), (40, 170, 60), (50, 90, 225), (150, 60, 190), (240, 240, 240))
RGB_NOISE = 12  # écart le plus grand, par canal
DARKEST = 0.45  # d'un pixel noir du vêtement : sa couleur se voit encore
BACKGROUND = (0.35, 0.75)  # clarté du fond
SAME_THING, SAME_KIND = 0.35, 0.15  # part des vêtements repris, pareils ou d'une autre couleur

# Chaque vêtement et chaque couleur est dans un seul de ces couples, et vu dans d'autres.
UNSEEN = frozenset(Thing(k, k) for k in range(len(KINDS)))
SEEN = tuple(thing for thing in THINGS if thing not in UNSEEN)
SEEN_QUESTIONS = tuple(q for q in questions.QUESTIONS if (q.kind, q.color) not in UNSEEN)


class Album(NamedTuple):
    """Les images de scènes, leur phrase et leurs questions ; q questions par scène."""

    images: np.ndarray  # (n, 64, 64, 3) uint8
    captions: np.ndarray  # (n, MAX_WORDS + 1) uint8 : de START à END, puis des blancs
    questions: np.ndarray  # (n, q, MAX_ASKED) uint8 : numéros de mots
    answers: np.ndarray  # (n, q) uint8 : rang dans `questions.ANSWERS`
    types: np.ndarray  # (n, q) uint8 : rang dans `questions.TYPES`


# --- Question : tirer une scène, la dessiner -----------------------------------------


def draw_scene(rng: np.random.Generator, *, unseen: bool = False) -> Scene:
    """Tire de un à quatre vêtements et leurs coins.

    Args:
        rng: générateur aléatoire.
        unseen: le premier est d'une couleur que l'entraînement ne lui donne jamais.
    """
    choices = sorted(UNSEEN) if unseen else SEEN
    things = [choices[rng.integers(len(choices))]]
    for _ in range(rng.integers(len(PLACES))):
        model, luck = things[rng.integers(len(things))], rng.random()
        if luck < SAME_THING:
            things.append(model)
            continue
        same_kind = luck < SAME_THING + SAME_KIND
        choices = [thing for thing in SEEN if thing.kind == model.kind or not same_kind]
        things.append(choices[rng.integers(len(choices))])
    things += [None] * (len(PLACES) - len(things))  # des coins vides
    return tuple(things[k] for k in rng.permutation(len(PLACES)))


def compose(
    scene: Scene, garments: Sequence[np.ndarray], backgrounds: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Dessine une scène : chaque vêtement quelque part dans son coin.

    Args:
        scene: quatre coins.
        garments: pour chaque rang de `KINDS`, des vêtements uint8 `(m, 28, 28)`.
        backgrounds: photographies uint8 `(f, 32, 32, 3)`.
        rng: générateur aléatoire.

    Returns:
        Image uint8 `(64, 64, 3)`.
    """
    picture = Image.fromarray(backgrounds[rng.integers(len(backgrounds))])
    image = np.array(picture.resize((SCENE_PX, SCENE_PX), Image.BICUBIC)) * rng.uniform(*BACKGROUND)
    for cell, thing in enumerate(scene):
        if thing is None:
            continue
        choices, side = garments[thing.kind], int(rng.integers(*OBJECT_PX))
        values, mask = cut_out(choices[rng.integers(len(choices))], side)
        top, left = np.array(divmod(cell, 2)) * SCENE_PX // 2
        top, left = (top, left) + rng.integers(0, SCENE_PX // 2 - side + 1, 2)
        color = np.array(RGB[thing.color]) + rng.uniform(-RGB_NOISE, RGB_NOISE, 3)
        shade = DARKEST + (1 - DARKEST) * values / 255  # (side, side)
        image[top : top + side, left : left + side][mask] = (shade[..., None] * color)[mask]
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


# --- Question : de quoi apprendre, de quoi mesurer -----------------------------------


def make_album(
    garments: Sequence[np.ndarray],
    backgrounds: np.ndarray,
    *,
    num_scenes: int,
    num_draws: int,
    seed: int,
    unseen: bool = False,
) -> Album:
    """Compose des scènes, avec leur phrase et leurs questions.

    Args:
        garments: pour chaque rang de `KINDS`, des vêtements uint8 `(m, 28, 28)`.
        backgrounds: photographies uint8 `(f, 32, 32, 3)`.
        num_scenes: nombre de scènes.
        num_draws: tirages de trois questions par scène.
        seed: graine ; la même rend les mêmes scènes.
        unseen: dans chaque scène, un couple de `UNSEEN` au moins, et les questions portent sur
            lui ; sinon, ni les images, ni les phrases, ni les questions n'en ont aucun.
    """
    rng = np.random.default_rng(seed)
    images, captions, asked = [], [], []
    for _ in range(num_scenes):
        scene = draw_scene(rng, unseen=unseen)
        among = SEEN_QUESTIONS
        if unseen:  # les questions sur un couple caché de cette scène, sa couleur dite ou non
            among = [
                each
                for each in questions.QUESTIONS
                for kind, color in UNSEEN.intersection(scene)
                if each.kind == kind and each.color in (None, color)
            ]
        drawn = questions.draw(scene, rng, among=among, num_draws=num_draws)
        images.append(compose(scene, garments, backgrounds, rng))
        words = [START, *split(describe(scene)), END]
        captions.append(CAPTIONS.encode(words, MAX_WORDS + 1))
        asked.append([encode_question(question, scene) for question in drawn])
    words, answers, types = (
        np.array([[row[k] for row in rows] for rows in asked], np.uint8) for k in range(3)
    )
    return Album(np.stack(images), np.array(captions, np.uint8), words, answers, types)


def encode_question(question: questions.Question, scene: Scene) -> tuple[list[int], int, int]:
    """Rend les numéros d'une question : ses mots, sa réponse, sa sorte."""
    words = questions.ASKED.encode(split(question.text), questions.MAX_ASKED)
    said = questions.answer(question, scene)
    return words, questions.ANSWERS.index(said), questions.TYPES.index(question.type)
