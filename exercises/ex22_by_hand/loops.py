"""La boucle d'apprentissage, écrite : à la main, avec une bande, en PyTorch ; et ce que fait `fit`.

D'après : S4, la boucle que le billet laisse à écrire (« training loop »).
Commande : python -m exercises.ex22_by_hand --check

La boucle répète quatre gestes : prédire, mesurer la perte, dériver, corriger les poids. Un
commentaire en fin de ligne porte leur numéro. Les quatre programmes partent des mêmes poids, lisent
les mêmes lots et écrivent les mêmes pertes.

La comparaison se fait en float64. En float32, l'arrondi suffit à ce qu'une valeur à 4·10⁻⁸ de zéro
passe ReLU dans un programme et pas dans un autre : un poids apprend alors autre chose, et l'écart
grandit de pas en pas.
"""

from collections.abc import Iterable
from importlib.util import find_spec

import keras
import numpy as np

from convnets.figures.charts import number, table
from exercises.ex22_by_hand.loss import cross_entropy
from exercises.ex22_by_hand.network import (
    Descent,
    backward,
    build_layers,
    build_scores,
    forward,
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

WITHOUT_TORCH = (
    "PyTorch n'est pas installé : sa colonne est laissée de côté (pip install torch l'ajoute)."
)


# --- Question : la boucle, à la main -------------------------------------------------


def by_hand(layers: list, batches: Iterable, descent: Descent) -> list[float]:
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


def with_tape(model: keras.Model, batches: Iterable) -> list[float]:
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


def with_torch(model, batches: Iterable) -> list[float]:
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


def with_fit(model: keras.Model, batches: Iterable) -> list[float]:
    """Apprend de même avec `fit`, qui contient la boucle ; ici lot par lot, pour lire chaque perte.

    Args:
        model: modèle Keras qui rend des scores.
        batches: voir `by_hand`.

    Returns:
        La perte de chaque lot.
    """
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(LEARNING_RATE, momentum=MOMENTUM)
    model.compile(optimizer, cross_entropy, jit_compile=False)
    losses = []
    for images, labels in batches:
        history = model.fit(images, labels, batch_size=len(images), verbose=0)  # 1. 2. 3. 4.
        losses += history.history["loss"]
    return losses


# --- Question : les mêmes pertes ? ---------------------------------------------------


def set_precision(dtype: str) -> None:
    """Fait calculer Keras en `"float64"`, ou de nouveau en `"float32"`."""
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)


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
    layers = build_layers(seed=seed)
    for layer in layers:
        layer.weights = [weight.astype(np.float64) for weight in layer.weights]
    set_precision("float64")
    try:
        tape, fit = (to_keras(layers, build_scores()) for _ in range(2))
        losses = {"with_tape": with_tape(tape, batches), "with_fit": with_fit(fit, batches)}
    finally:
        set_precision("float32")
    if find_spec("torch"):
        losses["with_torch"] = with_torch(to_torch(layers), batches)
    descent = Descent(layers, learning_rate=LEARNING_RATE, momentum=MOMENTUM)
    losses["by_hand"] = by_hand(layers, batches, descent)  # en dernier : il change ces poids
    return {name: losses[name] for name in LOOPS if name in losses}


def losses_table(losses: dict[str, list[float]]) -> str:
    """Met les pertes côte à côte, une boucle par colonne, un pas sur sept.

    Args:
        losses: rendues par `run_loops`.

    Returns:
        Un texte, qui finit par le verdict. Si PyTorch n'est pas installé, une phrase le dit.
    """
    num_steps = len(losses["by_hand"])
    rows = [
        [step + 1, *(number(each[step], 6) for each in losses.values())]
        for step in range(0, num_steps, 7)
    ]
    gap = np.ptp([*losses.values()], axis=0).max()  # le plus grand, entre deux pertes du même pas
    found = "les mêmes pertes" if gap <= TOLERANCE else "des pertes différentes"
    verdict = f"Sur {num_steps} pas, {found} : {gap:.0e} d'écart au plus."
    note = "" if "with_torch" in losses else f"\n{WITHOUT_TORCH}"
    return table(["pas", *(LOOPS[name] for name in losses)], rows) + f"\n{verdict}{note}"
