"""Le maître d'un petit réseau, qui apprend à répondre comme lui : le relire, moyenner ses réponses.

Source : Hinton, Vinyals et Dean, arXiv 1503.02531, 2015.
"""

from pathlib import Path

import keras
from keras import layers, ops

from convnets.training import saving
from convnets.training.precision import choose_precision


def mirror_average(network: keras.Model) -> keras.Model:
    """Construit le réseau qui moyenne les réponses de `network` à une image et à son miroir.

    Args:
        network: images `(n, h, w, c)` → probabilités `(n, classes)`.

    Returns:
        Modèle de mêmes entrées et sorties, qui partage les poids de `network`.
    """
    images = keras.Input(network.input_shape[1:], dtype=network.inputs[0].dtype)
    answers = [network(images), network(ops.flip(images, axis=2))]
    average = layers.Average(dtype="float32")(answers)
    return keras.Model(images, average, name=f"{network.name}_mirrors")


def load_teacher(slug: str, *, precision: str, models_dir: Path):
    """Charge un modèle déjà appris, qui calculera dans le format de l'entraînement.

    Args:
        slug: nom du modèle, par exemple `"ex03_cifar10"`.
        precision: voir `precision.choose_precision`.
        models_dir: dossier où il est.

    Returns:
        `keras.Model` : mêmes entrées, mêmes sorties, mêmes poids.

    Raises:
        FileNotFoundError: modèle absent.
        ValueError: compte rendu qui ne correspond pas aux poids.
    """
    model = saving.load_model(slug, models_dir=models_dir)
    policy = choose_precision(precision)
    teacher = keras.models.clone_model(
        model, clone_function=lambda layer: copy_layer(layer, policy=policy)
    )
    teacher.set_weights(model.get_weights())
    return teacher


def copy_layer(layer: layers.Layer, *, policy: str) -> layers.Layer:
    """Copie une couche, sans ses poids ; la copie calcule dans un autre format.

    Args:
        layer: couche d'un réseau entraîné.
        policy: `"float32"` ou `"mixed_bfloat16"`. La mise à l'échelle et les probabilités restent
            en float32 : elles ne coûtent rien, et une probabilité arrondie à 8 bits enseigne moins.

    Returns:
        Couche neuve, de même nom.
    """
    exact = isinstance(layer, (layers.Rescaling, layers.Softmax))
    return layer.from_config(layer.get_config() | {"dtype": "float32" if exact else policy})
