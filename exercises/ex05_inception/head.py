"""La tête : la seule couche que l'on réapprend, sur les caractéristiques d'une base figée.

D'après : TD « keras & réseaux de neurones convolutionnels », question 2, et §1.4.
Commande : python -m exercises.ex05_inception.cached

L'énoncé demande de « ne réapprendre que les couches fully connected » ; une seule est apprise
ici.
"""

import keras
import numpy as np
from keras import layers

EPOCHS = 30  # de l'énoncé
BATCH_SIZE = 64  # de l'énoncé
LEARNING_RATE = 1e-3  # celui d'Adam par défaut
DROPOUT = 0.5  # une image a plus de caractéristiques qu'il n'y a d'images
L2 = 1e-2  # pénalité sur les poids de la couche dense


# --- Question 2 : définir le modèle --------------------------------------------------


def build_head(x_train: np.ndarray, num_classes: int, *, seed: int) -> keras.Model:
    """Construit la tête, compilée : caractéristiques centrées et réduites, puis vote.

    Pour deux classes, `class_mode="binary"` fait penser à une seule sortie sigmoïde. Deux
    sorties softmax sont le même modèle, p = sigmoïde(z₁ - z₀), et donnent à `./predict` une
    probabilité par classe, quel que soit leur nombre.

    Args:
        x_train: caractéristiques d'entraînement `(n, c)` float32 ; elles fixent la
            normalisation.
        num_classes: nombre de classes, au moins 2.
        seed: graine du dropout et du mélange.

    Returns:
        Modèle : caractéristiques float32 `(n, c)` → probabilités `(n, num_classes)` float32.

    Source : énoncé, TD question 2 (« définir votre modèle ici »).
    """
    keras.utils.set_random_seed(seed)
    features = keras.Input((x_train.shape[1],))
    x = layers.Normalization(mean=x_train.mean(0), variance=x_train.var(0))(features)
    x = layers.Dropout(DROPOUT)(x)
    # Une seule couche : partir de zéro suffit, et une caractéristique qui ne varie pas sur les
    # images d'entraînement garde un poids nul, au lieu d'un poids tiré au hasard.
    outputs = layers.Dense(
        num_classes,
        activation="softmax",
        kernel_initializer="zeros",
        kernel_regularizer=keras.regularizers.L2(L2),
    )(x)
    head = keras.Model(features, outputs, name="ex05_inception")
    compile_head(head, LEARNING_RATE)
    return head


def compile_head(model: keras.Model, learning_rate: float) -> None:
    """Compile un modèle qui finit par la tête, pour les étiquettes que rend `targets`."""
    binary = model.output_shape[-1] == 2
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy" if binary else "categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )


def targets(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Rend les étiquettes comme le générateur : `binary` pour deux classes, sinon `categorical`.

    Args:
        labels: indices des classes, entiers `(n,)`.
        num_classes: nombre de classes.

    Returns:
        float32 `(n,)`, 0 ou 1, pour deux classes ; `(n, num_classes)`, une colonne à 1, sinon.
    """
    labels = np.asarray(labels)
    return labels.astype(np.float32) if num_classes == 2 else np.eye(num_classes)[labels]


# --- Question 2 : l'entraîner et le mesurer ------------------------------------------


def train_head(x, labels, *, seed: int, epochs: int) -> keras.Model:
    """Entraîne une tête sur des caractéristiques déjà calculées.

    Args:
        x: caractéristiques `(n, c)` float32.
        labels: indices des classes `(n,)`, entiers, toutes présentes.
        seed: graine.
        epochs: nombre d'époques.

    Returns:
        La tête, comme la rend `build_head`.
    """
    num_classes = int(labels.max()) + 1
    head = build_head(x, num_classes, seed=seed)
    y = targets(labels, num_classes)
    head.fit(x, y, batch_size=BATCH_SIZE, epochs=epochs, verbose=0)
    return head


def predict(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Rend les probabilités `(n, num_classes)` float32 de caractéristiques `(n, c)`."""
    return keras.ops.convert_to_numpy(model(x, training=False))  # un seul lot : x est petit


def accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Rend la part des images bien classées, dans [0, 1]."""
    return float(np.mean(probabilities.argmax(1) == labels))
