"""Ce qui fait apprendre vite un petit réseau : calendrier, optimiseurs et moyenne des poids.

Des pièces des recettes d'« airbench », écrites pour tout moteur de Keras 3.

Source : Jordan, « 94% on CIFAR-10 in 3.29 Seconds », arXiv 2404.00498, 2024 ; Jordan et al.,
« Muon: An optimizer for hidden layers in neural networks », 2024.
"""

from collections.abc import Callable

import keras

MOMENTUM = 0.85
EPSILON = 1e-12  # pas de division par zéro
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


def triangular(
    kind: type[FastBetaSGD], peak: float, *, weight_decay: float, **more
) -> Callable[[int], FastBetaSGD]:
    """Prépare un optimiseur dont le taux d'apprentissage suit `Triangle`.

    Args:
        kind: `FastBetaSGD` ou `Muon`.
        peak: taux d'apprentissage maximal.
        weight_decay: part des poids oubliée à chaque pas, par unité de taux.
        **more: autres arguments de `kind`.

    Returns:
        Fonction du nombre de pas de tout l'entraînement.
    """
    return lambda steps: kind(
        Triangle(peak, steps), momentum=MOMENTUM, nesterov=True, weight_decay=weight_decay, **more
    )


class Muon(FastBetaSGD):
    """Descente où chaque noyau de convolution avance autant dans toutes ses directions.

    Le gradient moyen d'un noyau, vu comme une matrice `(k·k·entrées, sorties)`, a quelques
    directions fortes et beaucoup de faibles, que la descente ordinaire apprend lentement. Ici,
    elles sont ramenées à la même longueur : c'est à peu près `U·Vᵀ` de sa décomposition en
    valeurs singulières. Le noyau garde une norme fixe, ce qui va aux couches que suit une
    normalisation. Le reste du réseau (un seul canal d'entrée, couches denses, décalages) suit
    `FastBetaSGD`. `keras.optimizers.Muon` fait l'inverse : les couches denses, non les noyaux.

    Args:
        *args: ceux de `keras.optimizers.SGD`. Le moment est toujours celui de Nesterov.
        kernel_factor: pas d'un noyau rapporté à sa norme, en parts du taux d'apprentissage.
        kernel_dtype: type des produits de matrices.
        **kwargs: ceux de `keras.optimizers.SGD`, dont `momentum`, positif.

    Source : Jordan et al., 2024, dont viennent les coefficients ; trois tours au lieu de cinq et
    la norme fixe sont ceux d'« airbench94_muon ».
    """

    def __init__(self, *args, kernel_factor: float = 0.3, kernel_dtype: str = "float32", **kwargs):
        super().__init__(*args, **kwargs)
        self.kernel_factor, self.kernel_dtype = kernel_factor, kernel_dtype

    def update_step(self, gradient, variable, learning_rate):
        """Applique un pas à une variable."""
        if not is_kernel(variable):
            super().update_step(gradient, variable, learning_rate)
            return
        kept = self.momentums[self._get_variable_index(variable)]
        average = self.momentum * kept + gradient
        self.assign(kept, average)
        matrix = keras.ops.reshape(self.momentum * average + gradient, (-1, variable.shape[3]))
        step = keras.ops.reshape(orthogonalise(matrix, dtype=self.kernel_dtype), variable.shape)
        moved = variable - learning_rate * self.kernel_factor * step
        self.assign(variable, fix_norm(moved))

    def get_config(self):
        """Rend de quoi reconstruire la descente."""
        own = {"kernel_factor": self.kernel_factor, "kernel_dtype": self.kernel_dtype}
        return super().get_config() | own


def is_kernel(variable) -> bool:
    """Dit si `Muon` s'en occupe : un noyau `(k, k, entrées, filtres)`, plus d'une entrée."""
    return len(variable.shape) == 4 and variable.shape[2] > 1


def fix_norm(kernel):
    """Ramène un noyau `(k, k, entrées, filtres)` à la norme que `Muon` garde : √filtres."""
    energy = keras.ops.sum(keras.ops.square(kernel))
    return kernel * keras.ops.rsqrt(energy / kernel.shape[3])


def orthogonalise(matrix, *, dtype: str = "float32", num_steps: int = 3):
    """Ramène les valeurs singulières d'une matrice près de 1, sans la décomposer.

    C'est une approximation : en trois tours, celles de plus d'un centième de la norme finissent
    entre 0,4 et 1,21 ; les plus faibles sont multipliées par quarante.

    Args:
        matrix: tenseur `(m, n)`.
        dtype: type des produits de matrices.
        num_steps: tours de l'itération de Newton-Schulz.

    Returns:
        Tenseur `(m, n)` du même type.
    """
    ops = keras.ops
    tall = matrix.shape[0] > matrix.shape[1]
    x = ops.transpose(matrix) if tall else matrix
    x = ops.cast(x * ops.rsqrt(ops.sum(ops.square(x)) + EPSILON), dtype)
    for _ in range(num_steps):
        product = ops.matmul(x, ops.transpose(x))
        x = 3.4445 * x + ops.matmul(-4.775 * product + 2.0315 * ops.matmul(product, product), x)
    return ops.cast(ops.transpose(x) if tall else x, matrix.dtype)


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
        self.slow = [_copy(variable) for variable in self.model.weights]
        self.step = int(self.model.optimizer.iterations)

    def on_train_batch_end(self, batch, logs=None):
        """Moyenne les poids tous les cinq pas, là où ils sont : une carte graphique les garde."""
        self.step += 1
        # En fin d'époque aussi, pour que le point de reprise n'ait que les poids à garder.
        if self.step % 5 and batch + 1 < self.params["steps"]:
            return
        if hasattr(self.model, "jax_state_sync"):  # JAX garde les poids du pas à part du modèle
            self.model.jax_state_sync()
        keep = 0.95**5 * (self.step / self.total_steps) ** 3
        for number, variable in enumerate(self.model.weights):
            self.slow[number] = keep * self.slow[number] + (1 - keep) * variable
            variable.assign(_copy(self.slow[number]))  # JAX réemploie la mémoire de la variable


def _copy(variable):
    return keras.ops.copy(keras.ops.convert_to_tensor(variable))
