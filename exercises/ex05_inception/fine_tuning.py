"""Réapprendre la fin de la base : le partage, le bas figé, le haut qui change.

D'après : S3 « Fine-tuning approach ».
Commande : python -m exercises.ex05_inception.layers

Les études `layers.py` et `forgetting.py` se servent de ce fichier.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from convnets.training import lesson
from exercises.ex05_inception import features
from exercises.ex05_inception import head as top

PER_CLASS = 100  # photographies apprises de chaque classe : quelques minutes

# --- Question : des images, et ce qu'en fait un bas figé ---------------------------


def read(
    model: keras.Model, names: Sequence[str] | None = None, *, limit: int | None
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Passe une fois dans un modèle les photographies de quelques classes.

    Args:
        model: le bas de la base, ou un modèle qui y lit plusieurs couches.
        names: noms de leurs dossiers ; None : tous.
        limit: photographies au plus, de toutes les classes, dans chaque part.

    Returns:
        `{"train": (sorties, étiquettes (n,)), "validation": de même, "test": de même}`.
    """
    task = {}
    for part, pictures in features.load_photographs(limit).items():
        most = PER_CLASS if part == "train" else len(pictures.labels)
        pictures = features.choose(pictures, names or pictures.classes, most)
        task[part] = features.describe(model, pictures), pictures.labels
    return task


# --- Question : une tête sur la base telle qu'elle est -------------------------------


def learn_head(end: keras.Model, task: dict, *, seed: int) -> keras.Model:
    """Apprend la tête d'une tâche de `read`, sur le haut que rend `split_base`."""
    maps, labels = task["train"]
    x = end.predict(maps, verbose=0)  # (n, 2048)
    return top.train_head(x, labels, seed=seed, epochs=top.EPOCHS)


def answers_right(end: keras.Model, head: keras.Model, task: dict, *, part: str) -> np.ndarray:
    """Dit, de chaque image d'une part de la tâche, si sa réponse est juste : booléens `(n,)`."""
    maps, labels = task[part]
    return top.predict(head, end.predict(maps, verbose=0)).argmax(1) == labels


# --- Question : réapprendre le haut ------------------------------------------------


def split_base(base: keras.Model, layer_name: str) -> tuple[keras.Model, keras.Model]:
    """Partage la base en un bas, figé, et un haut, à réapprendre.

    Le bas figé rend toujours les mêmes cartes : elles aussi ne se calculent qu'une fois.

    Args:
        base: modèle rendu par `pretrained.inception_v3`.
        layer_name: dernière couche du bas.

    Returns:
        `(bas, haut)` : images float32 `(n, px, px, 3)` dans [-1, 1] → cartes `(n, h, w, c)` ;
        ces cartes → caractéristiques `(n, 2048)`. Ils partagent les poids de la base.
    """
    maps = base.get_layer(layer_name).output
    end = layers.GlobalAveragePooling2D()(base.output)
    return keras.Model(base.input, maps), keras.Model(maps, end)


class Clock(lesson.Clock):
    """Finit à l'heure, comme dans les autres leçons, mais ne change pas le taux d'apprentissage."""

    def on_train_batch_begin(self, batch, logs=None):
        """Laisse le taux d'apprentissage comme il est."""


def fine_tune(
    end: keras.Model, head: keras.Model, task, *, learning_rate: float, seed: int, clock: Clock
) -> None:
    """Réapprend le haut de la base avec sa tête, déjà entraînée : les deux changent sur place.

    La tête est apprise d'abord, pour que tous les réglages partent de la même tête : ce qui les
    sépare ensuite ne vient que de la base réapprise. On donne d'ordinaire une autre raison : une
    tête tirée au hasard enverrait de grands gradients dans la base. Elle ne vaut pas ici, où la
    tête part de zéro et n'enverrait aucun gradient au premier pas.

    Les BatchNormalization restent figées, donc en mode prédiction : sinon, les statistiques de lots
    de 64 images y remplaceraient celles d'un million.

    Args:
        end: haut rendu par `split_base`.
        head: tête rendue par `head.train_head`.
        task: `(cartes, étiquettes)`, ce que rend le bas, float32 `(n, h, w, c)`, et les
            indices des classes, entiers `(n,)`.
        learning_rate: taux d'apprentissage d'Adam.
        seed: graine du mélange et du dropout.
        clock: dit le nombre d'époques, et s'arrête à l'heure.

    Source : S3, « Fine-tuning approach » ; Ioffe et Szegedy, arXiv 1502.03167, 2015, §3.1.
    """
    maps, labels = task
    end.trainable = True
    for layer in end.layers:
        layer.trainable = not isinstance(layer, layers.BatchNormalization)
    keras.utils.set_random_seed(seed)
    model = keras.Model(end.input, head(end.output), name="fin_de_la_base")
    top.compile_head(model, learning_rate)
    model.fit(
        maps,
        top.targets(labels, head.output_shape[-1]),
        batch_size=top.BATCH_SIZE,
        epochs=clock.epochs,
        callbacks=[clock],
        verbose=0,
    )
