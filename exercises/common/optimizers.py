"""Ce qui fait apprendre vite un petit réseau : calendrier, pas et moyenne des poids.

Trois pièces de la recette d'« airbench », écrites pour tout moteur de Keras 3.

Source : Jordan, « 94% on CIFAR-10 in 3.29 Seconds », arXiv 2404.00498, 2024.
"""

import keras

BETA_FACTOR = 64  # les décalages (beta) des normalisations apprennent 64 fois plus vite


class Triangle(keras.optimizers.schedules.LearningRateSchedule):
    """Taux d'apprentissage qui monte jusqu'à 23 % du chemin, puis redescend en ligne droite.

    Args:
        peak: taux maximal ; il part de 20 % et finit à 7 % de cette valeur.
        total_steps: nombre de pas de tout l'entraînement.
    """

    def __init__(self, peak: float, total_steps: int):
        self.peak, self.total_steps = peak, total_steps

    def __call__(self, step):
        """Rend le taux du pas `step`."""
        done = keras.ops.cast(step, "float32") / self.total_steps
        up, down = 0.2 + 0.8 * done / 0.23, 0.07 + 0.93 * (1 - done) / 0.77
        return self.peak * keras.ops.minimum(up, down)

    def get_config(self):
        """Rend de quoi reconstruire le calendrier."""
        return {"peak": self.peak, "total_steps": self.total_steps}


class FastBetaSGD(keras.optimizers.SGD):
    """Descente de gradient où les décalages (beta) vont `BETA_FACTOR` fois plus vite."""

    def apply(self, grads, trainable_variables=None):
        """Applique un pas ; grossir le gradient d'une SGD revient à grossir son taux."""
        variables = trainable_variables or self._trainable_variables
        pairs = zip(grads, variables, strict=True)
        super().apply(
            [g * BETA_FACTOR if v.path.endswith("beta") else g for g, v in pairs], variables
        )


class Lookahead(keras.callbacks.Callback):
    """Tous les cinq pas, ramène les poids vers leur moyenne glissante, de plus en plus fort.

    Args:
        total_steps: nombre de pas de tout l'entraînement.

    Source : Zhang et al., arXiv 1907.08610 ; calendrier de Jordan, arXiv 2404.00498.
    """

    def __init__(self, total_steps: int):
        super().__init__()
        self.total_steps = total_steps

    def on_train_begin(self, logs=None):
        """Part des poids présents, ceux d'un point de reprise compris."""
        self.slow = self.model.get_weights()
        self.step = int(self.model.optimizer.iterations)

    def on_train_batch_end(self, batch, logs=None):
        """Moyenne les poids tous les cinq pas."""
        self.step += 1
        # En fin d'époque aussi, pour que le point de reprise n'ait que les poids à garder.
        if self.step % 5 and batch + 1 < self.params["steps"]:
            return
        if hasattr(self.model, "jax_state_sync"):  # JAX garde les poids du pas à part du modèle
            self.model.jax_state_sync()
        keep = 0.95**5 * (self.step / self.total_steps) ** 3
        pairs = zip(self.slow, self.model.get_weights(), strict=True)
        self.slow = [keep * slow + (1 - keep) * fast for slow, fast in pairs]
        self.model.set_weights(self.slow)
