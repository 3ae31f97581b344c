"""Décrire une scène que l'on compose soi-même d'une phrase, et répondre aux questions.

D'après : S3, figures (4) et (5).
Commande : python -m exercises.ex25_captions --compose "un sac rouge en haut à gauche et deux pulls
bleus en bas"
"""

from argparse import Namespace

import numpy as np

from convnets.datasets import sources
from convnets.explaining.dreams import save_picture
from convnets.figures.style import output_dir
from convnets.training import lesson
from exercises.ex25_captions import decoding, questions, scenes
from exercises.ex25_captions.grammar import describe, group, read, split

ENLARGED = 4  # l'image écrite : 256 pixels


def describe_own(options: Namespace) -> None:
    """Compose la scène d'une phrase, la décrit, répond à toutes les questions sur elle.

    Args:
        options: options de `cli.lesson_parser`, et `compose`.

    Raises:
        ValueError: phrase que la grammaire n'écrit pas.
    """
    scene = read(options.compose)
    asked = [
        each
        for each in questions.QUESTIONS
        if any(thing is not None and thing.kind == each.kind for thing in scene)
        and each.color is None
        and questions.answer(each, scene)
    ]
    model = lesson.load_saved(options)
    (_, _), (x, y) = sources.load_fashion_mnist()
    (_, _), (backgrounds, _) = sources.load_cifar10()
    garments = [x[y.reshape(-1) == kind] for kind in scenes.FASHION_KINDS]
    image = scenes.compose(scene, garments, backgrounds, np.random.default_rng(0))
    maps = decoding.see(model, image[None])
    said = decoding.to_words(decoding.say(model, maps)[0][0])
    truth = split(describe(scene))
    print(f"La scène : {decoding.to_sentence(truth)}")
    print(f"Le réseau : {decoding.to_sentence(said)} ({'juste' if said == truth else 'faux'})")
    for thing in sorted(scenes.UNSEEN.intersection(scene)):
        print(f"Jamais vu à l'entraînement : {group(thing, number=1)}.")
    words = [questions.ASKED.encode(split(each.text), questions.MAX_ASKED) for each in asked]
    replies = decoding.reply(model.get_layer("answerer"), maps, np.array([words], np.uint8))[0]
    for question, reply in zip(asked, replies, strict=True):
        said, truth = questions.ANSWERS[reply], questions.answer(question, scene)
        verdict = "juste" if said == truth else f"la vérité : {truth}"
        print(f"{question.text} {said.capitalize()}. ({verdict})")
    path = output_dir(options) / "scene.png"
    save_picture(image.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1), path)
    print(path)
