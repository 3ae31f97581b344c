"""La boucle d'apprentissage, écrite : à la main, avec une bande, en PyTorch ; et ce que fait `fit`.

D'après : S4, la boucle que le billet laisse à écrire (« training loop »).
Commande : python -m exercises.ex22_by_hand --check

Quatre gestes, que le commentaire en fin de ligne nomme : prédire, mesurer la perte, dériver,
corriger les poids. Partis des mêmes poids et des mêmes lots, les quatre programmes écrivent les
mêmes pertes. La figure `boucles.png` les met côte à côte, lus dans ce fichier.

La comparaison se fait en float64. En float32, l'arrondi suffit à ce qu'une valeur à 4·10⁻⁸ de zéro
passe ReLU dans un programme et pas dans l'autre : un poids apprend autre chose, et l'écart grandit
ensuite de pas en pas, jusqu'à 7·10⁻⁴ pour une graine sur quatre.
"""

import contextlib
from collections.abc import Iterable, Iterator

import keras
import numpy as np

from exercises.ex22_by_hand.loss import cross_entropy
from exercises.ex22_by_hand.network import (
    WITHOUT_TORCH,
    Descent,
    backward,
    build_layers,
    build_scores,
    forward,
    has_torch,
    to_float64,
    to_keras,
    to_torch,
)

NUM_STEPS = 50
BATCH_SIZE = 64
# Deux nombres exacts en binaire : Keras arrondit les autres à float32, et les écarts s'y verraient.
LEARNING_RATE = 1 / 32  # constant ici ; assez pour que la perte baisse en cinquante pas
MOMENTUM = 7 / 8
TOLERANCE = 1e-4  # écart toléré entre deux pertes du même pas
LOOPS = {  # nom de la fonction, et ce qu'elle emploie
    "by_hand": "NumPy, à la main",
    "with_tape": "Keras, GradientTape",
    "with_torch": "PyTorch",
    "with_fit": "Keras, fit",
}

Batches = Iterable[tuple[np.ndarray, np.ndarray]]


# --- Question : la boucle, à la main -------------------------------------------------


def by_hand(layers: list, batches: Batches, descent: Descent) -> list[float]:
    """Apprend ces lots l'un après l'autre, sans bibliothèque de réseaux.

    Args:
        layers: couches, voir `network.build_layers` ; leurs poids sont modifiés sur place.
        batches: images `(n, 28, 28, 1)`, flottants dans [0, 1], et classes `(n,)`.
        descent: celle de ces couches, ou des dernières : les autres ne changent pas.

    Returns:
        La perte de chaque lot, avant le pas qu'il fait faire.
    """
    losses = []
    for images, labels in batches:
        scores = forward(layers, images)  # 1. prédire
        loss, gradient = cross_entropy(scores, labels)  # 2. mesurer
        backward(descent.layers, gradient)  # 3. dériver
        descent.step()  # 4. corriger
        losses.append(loss)
    return losses


# --- Question : la boucle, avec une bande --------------------------------------------


def with_tape(model: keras.Model, batches: Batches) -> list[float]:
    """Apprend de même avec TensorFlow : la bande note l'aller, et en déduit le retour.

    Args:
        model: modèle Keras qui rend des scores.
        batches: voir `by_hand`.

    Returns:
        La perte de chaque lot.
    """
    import tensorflow as tf

    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(LEARNING_RATE, momentum=MOMENTUM)
    weights, losses = model.trainable_variables, []
    for images, labels in batches:
        with tf.GradientTape() as tape:
            scores = model(images, training=True)  # 1. prédire
            loss = cross_entropy(labels, scores)  # 2. mesurer
        gradients = tape.gradient(loss, weights)  # 3. dériver
        optimizer.apply(gradients, weights)  # 4. corriger
        losses.append(float(loss))
    return losses


# --- Question : la boucle, en PyTorch ------------------------------------------------


def with_torch(model, batches: Batches) -> list[float]:
    """Apprend de même avec PyTorch : les gradients s'ajoutent, d'où `zero_grad`.

    Args:
        model: rendu par `network.to_torch`.
        batches: voir `by_hand`.

    Returns:
        La perte de chaque lot.
    """
    import torch

    cross_entropy = torch.nn.CrossEntropyLoss()
    weights, losses = model.parameters(), []
    optimizer = torch.optim.SGD(weights, lr=LEARNING_RATE, momentum=MOMENTUM)
    for images, labels in batches:
        x = torch.tensor(images).permute(0, 3, 1, 2)  # les canaux d'abord
        scores = model(x)  # 1. prédire
        loss = cross_entropy(scores, torch.tensor(labels).long())  # 2. mesurer
        optimizer.zero_grad()
        loss.backward()  # 3. dériver
        optimizer.step()  # 4. corriger
        losses.append(loss.item())
    return losses


# --- Question : ce que fait `fit` ----------------------------------------------------


def with_fit(model: keras.Model, batches: Batches) -> list[float]:
    """Apprend de même avec `fit`, qui contient la boucle ; la perte est lue au passage.

    Args:
        model: modèle Keras qui rend des scores.
        batches: voir `by_hand` ; tous de `BATCH_SIZE` images.

    Returns:
        La perte de chaque lot.
    """
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(LEARNING_RATE, momentum=MOMENTUM)
    means = []  # à chaque pas, la moyenne des pertes depuis le premier
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda step, logs: means.append(logs["loss"])
    )
    images, labels = (np.concatenate(each) for each in zip(*batches, strict=True))
    model.compile(optimizer, cross_entropy, jit_compile=False)
    options = {"batch_size": BATCH_SIZE, "shuffle": False, "verbose": 0}
    model.fit(images, labels, callbacks=[note], **options)  # 1 à 4
    sums = np.arange(1, len(means) + 1) * means
    return np.diff(sums, prepend=0).tolist()


# --- Question : les mêmes pertes ? ---------------------------------------------------


@contextlib.contextmanager
def in_float64() -> Iterator[None]:
    """Fait calculer Keras en float64, le temps d'un bloc."""
    kept = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        yield
    finally:
        keras.config.set_floatx(kept[0])
        keras.config.set_dtype_policy(kept[1])


def run_loops(x: np.ndarray, y: np.ndarray, *, seed: int = 0) -> dict[str, list[float]]:
    """Fait faire les mêmes pas à chaque boucle, des mêmes poids et des mêmes lots.

    Args:
        x: images uint8 `(n, 28, 28)` ; s'il en manque, les premières reviennent.
        y: leurs classes `(n,)`.
        seed: graine des poids.

    Returns:
        Pertes de chaque boucle de `LOOPS` ; sans PyTorch, la sienne n'y est pas.
    """
    places = np.arange(NUM_STEPS * BATCH_SIZE).reshape(NUM_STEPS, BATCH_SIZE) % len(x)
    batches = [(x[each, :, :, np.newaxis] / 255, y[each]) for each in places]
    layers = to_float64(build_layers(seed=seed))
    with in_float64():
        tape, fit = (to_keras(layers, build_scores()) for _ in range(2))
        losses = {"with_tape": with_tape(tape, batches), "with_fit": with_fit(fit, batches)}
    if has_torch():
        losses["with_torch"] = with_torch(to_torch(layers), batches)
    descent = Descent(layers, learning_rate=LEARNING_RATE, momentum=MOMENTUM)
    losses["by_hand"] = by_hand(layers, batches, descent)  # en dernier : il change ces poids
    return {name: losses[name] for name in LOOPS if name in losses}


def largest_gap(losses: dict[str, list[float]]) -> float:
    """Rend le plus grand écart entre deux pertes d'un même pas."""
    return float(np.ptp(np.array([*losses.values()]), axis=0).max())


def losses_table(losses: dict[str, list[float]], *, every: int = 7) -> str:
    """Met les pertes côte à côte, une boucle par colonne.

    Args:
        losses: rendues par `run_loops`.
        every: de combien en combien de pas ; le dernier y est toujours.

    Returns:
        Un texte, qui finit par le verdict et, sans PyTorch, par une phrase qui le dit.
    """
    steps = len(next(iter(losses.values())))
    rows = ["pas " + "".join(f"{LOOPS[name]:>21}" for name in losses)]
    for step in sorted({*range(0, steps, every), steps - 1}):
        cells = "".join(f"{each[step]:>21.6f}" for each in losses.values())
        rows.append(f"{step + 1:<4}{cells}".replace(".", ","))
    rows.append(f"{verdict(losses)}.")
    return "\n".join(rows if "with_torch" in losses else [*rows, WITHOUT_TORCH])


def verdict(losses: dict[str, list[float]]) -> str:
    """Dit en une phrase si les boucles ont écrit les mêmes pertes."""
    steps, gap = len(next(iter(losses.values()))), largest_gap(losses)
    found = "les mêmes pertes" if gap <= TOLERANCE else "des pertes différentes"
    return f"Sur {steps} pas, {found} : {gap:.0e} d'écart au plus"
