"""Apprendre : les scènes, le réseau qui les voit, le même qui ne les voit pas ; mesurer une graine.

D'après : S3, figures (4) et (5).
"""

from typing import NamedTuple

import keras
import numpy as np

from convnets.core.cli import percent
from convnets.datasets import sources
from convnets.training import progress, study
from exercises.ex25_captions import baselines, decoding
from exercises.ex25_captions.bleu import MAX_ORDER, bleu
from exercises.ex25_captions.network import CELLS, WIDTHS, build_answerer, build_model
from exercises.ex25_captions.questions import TYPES
from exercises.ex25_captions.scenes import FASHION_KINDS, Album, make_album

EPOCHS = 8
BATCH_SIZE = 32
LEARNING_RATE = 2e-3  # d'Adam, au début ; il décroît jusqu'à zéro
NUM_SCENES = {"train": 8000, "val": 500, "seen": 1000, "unseen": 1000}
NUM_DRAWS = {"train": 2, "val": 1, "seen": 1, "unseen": 1}  # de trois questions par scène
NUM_HELD = 5000  # vêtements et photographies d'entraînement réservés à la validation
COSTS = (5, 1)  # des deux apprentissages, mesurés : la durée prévue en dépend


class Measured(NamedTuple):
    """Ce qu'une graine a appris, et ce que cela vaut."""

    model: keras.Model
    val: float  # moyenne de la part de phrases exactes et de l'exactitude, en validation
    test: dict[str, float]
    history: dict[str, list[float]]


# --- Question : des scènes, dont aucun vêtement n'a servi deux fois ------------------


def make_albums(
    fashion: sources.Dataset, cifar: sources.Dataset, *, limit: int | None
) -> dict[str, Album]:
    """Compose les scènes d'entraînement, de validation et de test.

    Args:
        fashion: `(x_train, y_train), (x_test, y_test)`, les vêtements.
        cifar: de même, les photographies du fond.
        limit: au plus tant de scènes dans chaque partie ; None : `NUM_SCENES`.

    Returns:
        Quatre parties. `"seen"` et `"unseen"` sont le test : des couples vêtement et couleur vus à
        l'entraînement, ou dont un au moins ne l'a pas été. Aucun vêtement ni aucun fond de test
        n'a servi à apprendre, ni à valider.
    """
    sorted_garments, pictures = [], []
    for (x, y), test in (fashion, cifar):
        held = min(NUM_HELD, len(x) // 10)
        kept, val = sources.split_validation(x, y, num_val=held, seed=0)
        pictures.append([kept, val, test, test])
    for x, y in pictures[0]:
        sorted_garments.append([x[y.reshape(-1) == kind] for kind in FASHION_KINDS])
    return {
        part: make_album(
            sorted_garments[k],
            pictures[1][k][0],
            num_scenes=min(NUM_SCENES[part], limit or NUM_SCENES[part]),
            num_draws=NUM_DRAWS[part],
            seed=k,
            unseen=part == "unseen",
        )
        for k, part in enumerate(NUM_SCENES)
    }


class SceneBatches(study.Batches):
    """Lots de scènes, chacune avec sa phrase et ses questions.

    Args:
        album: les scènes.
        sees: False : ni image ni phrase, une carte nulle et les questions.
        batch_size: scènes par lot.
        seed: graine du mélange.
    """

    def __init__(self, album: Album, *, sees: bool, batch_size: int, seed: int):
        rows = np.arange(len(album.images))
        super().__init__(rows, rows, batch_size=batch_size, seed=seed, augment=None)
        self.album, self.sees = album, sees

    def __getitem__(self, index: int):
        """Rend `(entrées, réponses)` du lot `index` : la phrase à dire est celle lue, décalée."""
        rows, _ = super().__getitem__(index)
        questions, answers = self.album.questions[rows], self.album.answers[rows]
        if not self.sees:
            return (hidden(len(rows)), questions), answers
        caption = self.album.captions[rows]
        given = {"image": self.album.images[rows], "words": caption[:, :-1]}
        return given | {"questions": questions}, {"caption": caption[:, 1:], "answers": answers}


def hidden(num_images: int) -> np.ndarray:
    """Rend les cartes d'images que l'on ne voit pas : des zéros."""
    return np.zeros((num_images, CELLS, WIDTHS[-1]), np.float32)


# --- Question : apprendre ------------------------------------------------------------


def train(album: Album, *, sees: bool, seed: int, options) -> tuple[keras.Model, dict]:
    """Entraîne le réseau entier, ou celui qui répond sans voir ; rend `(modèle livré, courbes)`.

    La phrase s'apprend mot par mot : quel que soit le mot que le réseau aurait dit, c'est le vrai
    qu'il lit ensuite (*teacher forcing*). Les blancs ne comptent pas dans la perte.

    Args:
        album: scènes d'entraînement.
        sees: False : `build_answerer` seul, les cartes nulles.
        seed: graine des poids et de l'ordre des scènes.
        options: options de `cli.training_parser`.
    """
    build = build_model if sees else build_answerer
    model = study.build(build, seed=seed, precision=options.precision)
    size = options.batch_size or min(BATCH_SIZE, len(album.images))
    batches = SceneBatches(album, sees=sees, batch_size=size, seed=seed)
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, options.epochs * len(batches))
    said = keras.losses.SparseCategoricalCrossentropy(ignore_class=0)
    answered = "sparse_categorical_crossentropy"
    model.compile(
        keras.optimizers.Adam(schedule),
        loss={"caption": said, "answers": answered} if sees else answered,
        jit_compile=False,
    )
    name = "scenes" if sees else "blind"
    history = study.fit(model, batches, options=options, network=name)
    return study.to_ship(model, build()), history


# --- Question : que vaut-il ? --------------------------------------------------------


def judge_captions(said: np.ndarray, truths: np.ndarray) -> dict[str, float]:
    """Mesure des phrases `(n, mots)` : `bleu1` à `bleu4`, et `exact`, la part sans une faute."""
    pairs = [decoding.to_words(each) for each in said], [decoding.to_words(t) for t in truths]
    found = {f"bleu{n}": bleu(*pairs, order=n) for n in range(1, MAX_ORDER + 1)}
    return found | {"exact": float(np.mean([a == b for a, b in zip(*pairs, strict=True)]))}


def judge_answers(found: np.ndarray, album: Album) -> dict[str, float]:
    """Mesure des réponses `(n, q)` : `answers`, l'exactitude, et celle de chaque sorte."""
    right = found == album.answers
    each = {name: float(right[album.types == k].mean()) for k, name in enumerate(TYPES)}
    return {"answers": float(right.mean())} | each


def measure(albums: dict[str, Album], *, seed: int, options) -> Measured:
    """Entraîne une graine et la mesure, une fois, sur les scènes de test.

    Args:
        albums: rendu par `make_albums`.
        seed: graine.
        options: options de `cli.training_parser`.

    Returns:
        Les mesures se nomment `bleu4_network_seen` : quoi, qui, sur quelles scènes.
    """
    train_album = albums["train"]
    model, history = train(train_album, sees=True, seed=seed, options=options)
    blind, blind_history = train(train_album, sees=False, seed=seed, options=options)
    history["duration_s"] = history["duration_s"] + blind_history["duration_s"]
    known_maps = decoding.see(model, train_album.images)
    test, answerer = {}, model.get_layer("answerer")
    for part in ("seen", "unseen"):
        album = albums[part]
        maps = decoding.see(model, album.images)
        constant = baselines.commonest_caption(train_album.captions, num_said=len(maps))
        captions = {
            "network": decoding.say(model, maps)[0],
            "neighbour": baselines.neighbour_captions(maps, known_maps, train_album.captions),
            "constant": constant,
        }
        answers = {
            "network": decoding.reply(answerer, maps, album.questions),
            "blind": decoding.reply(blind, hidden(len(maps)), album.questions),
            "constant": baselines.commonest_answers(train_album, album.types),
        }
        for who in captions | answers:
            found = judge_captions(captions[who], album.captions) if who in captions else {}
            found |= judge_answers(answers[who], album) if who in answers else {}
            test |= {f"{measure}_{who}_{part}": value for measure, value in found.items()}
        progress.say(
            f"  {'couples vus' if part == 'seen' else 'couples jamais vus'} : phrases exactes "
            f"{percent(test[f'exact_network_{part}'])}, réponses justes "
            f"{percent(test[f'answers_network_{part}'])}"
        )
    val_maps = decoding.see(model, albums["val"].images)
    exact = judge_captions(decoding.say(model, val_maps)[0], albums["val"].captions)["exact"]
    replies = decoding.reply(answerer, val_maps, albums["val"].questions)
    val = (exact + judge_answers(replies, albums["val"])["answers"]) / 2
    return Measured(model, val, test, history)
