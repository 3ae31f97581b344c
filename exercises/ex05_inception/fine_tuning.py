"""Réapprendre la fin de la base : le partage, le bas figé, le haut qui change.

D'après : S3 « Fine-tuning approach ».
Commande : python -m exercises.ex05_inception.layers

Les études `layers.py` et `forgetting.py` se servent de ce fichier.
"""

import keras
import numpy as np
from keras import layers

from convnets.training import lesson
from exercises.ex05_inception import features
from exercises.ex05_inception import head as top

NUM_IMAGES = 1000  # par tâche pour apprendre, et autant pour le test : quelques minutes

# --- Question : des images, et ce qu'en fait un bas figé ---------------------------


def read(
    model: keras.Model, classes: tuple[str, ...], *, limit: int | None
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Passe une fois dans un modèle les images de CIFAR-10 de quelques classes.

    Args:
        model: le bas de la base, ou un modèle qui y lit plusieurs couches.
        classes: leurs noms en français.
        limit: images au plus, pour apprendre et pour le test.

    Returns:
        `{"train": (sorties, étiquettes (n,)), "test": de même}`.
    """
    task = {}
    for split in ("train", "test"):
        with features.open_cifar(classes, split=split, limit=limit, most=NUM_IMAGES) as pictures:
            outputs = model.predict(features.make_generator(pictures), verbose=0)
            task[split] = outputs, pictures.labels
    return task


# --- Question : une tête sur la base telle qu'elle est -------------------------------


def learn_head(end: keras.Model, task: dict, *, seed: int) -> keras.Model:
    """Apprend la tête d'une tâche de `read`, sur le haut que rend `split_base`."""
    maps, labels = task["train"]
    x = end.predict(maps, verbose=0)  # (n, 2048)
    return top.train_head(x, labels, seed=seed, epochs=top.EPOCHS)


def evaluate(end: keras.Model, head: keras.Model, task: dict) -> float:
    """Rend l'exactitude d'une tête sur les images de test de la tâche, dans [0, 1]."""
    maps, labels = task["test"]
    return top.accuracy(top.predict(head, end.predict(maps, verbose=0)), labels)


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
        """Ne change rien."""


def fine_tune(
    end: keras.Model, head: keras.Model, task, *, learning_rate: float, seed: int, clock: Clock
) -> None:
    """Réapprend le haut de la base avec sa tête, déjà entraînée : les deux changent sur place.

    La tête d'abord : ainsi, la même tête sert de point de départ à tous les réglages comparés, et
    ce qui change ensuite vient du réapprentissage. (D'ordinaire, on le fait pour qu'une tête tirée
    au hasard n'envoie pas de grands gradients dans la base ; celle-ci part de zéro, et n'en
    enverrait aucun au premier pas.) Les BatchNormalization restent figées, donc en mode
    prédiction : sinon, les statistiques de lots de 64 images y remplaceraient celles d'un million.

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
