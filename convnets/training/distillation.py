"""Distiller : un petit réseau apprend à répondre comme un grand.

Le grand réseau (le maître) voit exactement l'image déformée que voit le petit (l'élève), et lui
donne sa réponse entière : un chat qui ressemble un peu à un chien est aussi un peu un chien. Rien
n'en reste dans l'élève livré : seulement de meilleurs poids.

Source : Hinton, Vinyals et Dean, arXiv 1503.02531, 2015 (l'idée, la température) ; Beyer et al.,
arXiv 2106.05237, 2021 (le maître voit la même image déformée, et l'élève est patient).
"""

from collections.abc import Callable
from pathlib import Path

import keras
from keras import layers, ops

from convnets.training import saving
from convnets.training.precision import choose_precision


class Student(keras.Model):
    """Un réseau dont la perte compare la réponse à celle d'un maître.

    Les poids, les couches et les prédictions sont ceux de `network` ; en dehors de
    l'entraînement, la perte est celle des vraies étiquettes.

    Args:
        network: réseau fonctionnel, une entrée, probabilités `(n, classes)` en sortie.
        teacher: réseau de mêmes formes d'entrée et de sortie ; il n'apprend pas.
        share: part du maître dans la perte, de 0 (les étiquettes seules) à 1.
        temperature: ce qui divise les scores des deux réseaux avant de les comparer ; au-dessus
            de 1, les classes peu probables comptent davantage.

    Raises:
        ValueError: formes différentes, part hors de [0, 1] ou température négative ou nulle.
    """

    def __init__(
        self,
        network: keras.Model,
        teacher: keras.Model,
        *,
        share: float = 1.0,
        temperature: float = 1.0,
    ):
        if (network.input_shape, network.output_shape) != (
            teacher.input_shape,
            teacher.output_shape,
        ):
            raise ValueError(
                f"L'élève va de {network.input_shape} à {network.output_shape}, son maître de "
                f"{teacher.input_shape} à {teacher.output_shape}."
            )
        if not 0 <= share <= 1:
            raise ValueError(f"Part du maître de {share} reçue ; dans [0, 1] attendue.")
        if temperature <= 0:
            raise ValueError(f"Température de {temperature} reçue ; positive attendue.")
        # Le nom dit qui enseigne : le point de reprise d'un autre maître n'est pas le sien.
        name = f"{network.name}_taught_by_{teacher.name}"
        super().__init__(inputs=network.inputs[0], outputs=network.outputs, name=name)
        self.share, self.temperature = share, temperature
        # Dans une fonction, pour que Keras ne compte pas les poids du maître parmi les siens.
        self.ask: Callable = lambda images: teacher(images, training=False)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Rend la perte de la réponse `y_pred` `(n, classes)` aux images `x`, étiquettes `y`."""
        loss = super().compute_loss(
            x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training
        )
        if not training or not self.share:
            return loss
        wanted = ops.exp(self._soften(ops.stop_gradient(self.ask(x))))
        apart = -ops.mean(ops.sum(wanted * self._soften(y_pred), axis=-1))
        # Le gradient décroît comme le carré de la température : on le lui rend.
        return self.share * self.temperature**2 * apart + (1 - self.share) * loss

    def _soften(self, probabilities):
        scores = ops.log(ops.clip(ops.cast(probabilities, "float32"), 1e-7, 1.0))
        return ops.log_softmax(scores / self.temperature, axis=-1)


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
