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
from keras import ops

from exercises.common import storage, training


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
        super().__init__(inputs=network.inputs, outputs=network.outputs, name=name)
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


def load_teacher(slug: str, *, precision: str, models_dir: Path = storage.MODELS_DIR):
    """Charge un modèle livré, qui calculera à la précision de l'entraînement.

    Args:
        slug: nom de l'exercice qui l'a entraîné, par exemple `"ex03_cifar10"`.
        precision: voir `training.choose_precision`.
        models_dir: où le chercher d'abord, avant `models/`.

    Returns:
        `keras.Model` : mêmes entrées, mêmes sorties, mêmes poids.

    Raises:
        FileNotFoundError: modèle absent des deux dossiers.
        ValueError: compte rendu qui ne correspond pas aux poids.
    """
    own = (Path(models_dir) / f"{slug}.json").exists()
    model = storage.load_model(slug, models_dir=models_dir if own else storage.MODELS_DIR)
    policy = training.choose_precision(precision)
    teacher = keras.models.clone_model(
        model,
        clone_function=lambda layer: layer.from_config(layer.get_config() | {"dtype": policy}),
    )
    teacher.set_weights(model.get_weights())
    return teacher
