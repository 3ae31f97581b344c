"""Les étapes d'une recette : un point de reprise, une durée et un coût chacune.

Une recette a souvent plusieurs étapes, par exemple un maître puis son élève. `--resume` passe
celles qui sont finies et reprend la suivante où elle en était.
"""

import sys
from collections.abc import Callable

import keras

from convnets.core import paths
from convnets.training import batches as lots
from convnets.training import cost
from recipes.training import checkpoints

# XLA ralentit TensorFlow de deux à quatre fois sur un processeur ; JAX en a besoin.
JIT_COMPILE = keras.backend.backend() == "jax"
# Les fils qui préparent les lots rendent la main dix fois plus vite que d'habitude : sinon, une
# carte graphique attend la moitié du temps qu'on lui donne le pas suivant.
sys.setswitchinterval(5e-4)


class Stages:
    """Les étapes d'une recette, toutes graines comprises.

    Sans `--resume`, la première oublie celles d'un entraînement d'avant : le point de reprise d'un
    entraînement abandonné passerait sinon pour celui d'une étape qui reste à faire.

    Args:
        options: options de `runner.make_parser`.
    """

    def __init__(self, options):
        self.options, self.done = options, []

    def fit(
        self,
        network: keras.Model,
        batches: lots.Batches,
        val: tuple,
        *,
        name: str,
        seed: int,
        epochs: int,
        optimizer: Callable[[int], keras.optimizers.Optimizer],
        loss,
        callbacks: Callable[[int], list] = lambda steps: [],
        asked: tuple[keras.Model, int] | None = None,
    ) -> dict[str, list[float]]:
        """Entraîne un réseau, et note ce que cette étape a duré, coûté et atteint.

        Dix paramètres : ceux de `compile` et de `fit`, et le nom, que le point de reprise garde.

        Args:
            network: réseau à entraîner, modifié sur place.
            batches: lots d'entraînement.
            val: images et étiquettes de validation.
            name: nom de l'étape.
            seed: graine de la recette ; avec le nom, celui du point de reprise.
            epochs: nombre d'époques.
            optimizer: `optimizer(nombre de pas)` rend l'optimiseur.
            loss: perte de Keras.
            callbacks: `callbacks(nombre de pas)` rend ce qui accompagne l'entraînement.
            asked: maître, et nombre d'images auxquelles il répond pour cette étape.

        Returns:
            Courbes, une valeur par époque.
        """
        steps = epochs * len(batches)
        network.compile(optimizer(steps), loss=loss, metrics=["accuracy"], jit_compile=JIT_COMPILE)
        if not self.done and not self.options.resume:  # une commande refusée n'a rien effacé
            self._forget()
        history = checkpoints.fit(
            network,
            batches,
            epochs=epochs,
            resume=self.options.resume,
            checkpoint=paths.checkpoint_path(self.options, seed, network=name),
            callbacks=callbacks(steps),
            validation_data=val,
        )
        pflop = cost.training_pflop(network, steps * batches.batch_size)
        stage = {
            "stage": name,
            "seed": seed,
            "epochs": epochs,
            "duration_s": sum(history["duration_s"]),
            "val_accuracy": history["val_accuracy"][-1],
            "pflop": pflop + (cost.inference_pflop(*asked) if asked else 0.0),
        }
        self.done.append(stage)
        return history

    def _forget(self) -> None:
        folder = paths.runs_dir(self.options.module, models_dir=self.options.models_dir)
        for stale in folder.glob("*_seed*.npz"):
            stale.unlink(missing_ok=True)

    def describe(self) -> dict:
        """Rend ce que le compte rendu dit des étapes : chacune, et leur coût total, en PFLOP."""
        return {"stages": self.done, "training_pflop": sum(each["pflop"] for each in self.done)}

    def durations_s(self) -> list[float]:
        """Rend la durée de chaque graine, toutes étapes comprises."""
        totals: dict[int, float] = {}
        for each in self.done:
            totals[each["seed"]] = totals.get(each["seed"], 0.0) + each["duration_s"]
        return [totals[seed] for seed in sorted(totals)]


def join(histories: list[dict[str, list[float]]]) -> dict[str, list[float]]:
    """Met bout à bout les courbes d'étapes successives d'un même réseau."""
    return {name: sum((each[name] for each in histories), []) for name in histories[0]}
