"""Des entraînements qu'une coupure n'efface pas : un point de reprise toutes les trente s."""

import hashlib
import json
import time
from pathlib import Path

import keras
import numpy as np

from convnets.core import files
from convnets.core.cli import agreed
from convnets.training import batches as lots
from convnets.training.lesson import Progress

EVERY_S = 30.0  # sur une carte graphique, une époque dure une seconde, et l'écriture autant


class Checkpoint(keras.callbacks.Callback):
    """Enregistre de quoi reprendre : variables, optimiseur, courbes.

    C'est fait à la fin de chaque époque, mais pas deux fois en `EVERY_S` secondes, et à la fin de
    la dernière. Un seul fichier, écrit à côté puis renommé : une coupure pendant l'écriture laisse
    l'état de l'époque précédente intact.

    Args:
        path: fichier `.npz` du point de reprise.
        history: courbes déjà tracées, complétées sur place à chaque époque.
        signature: ce qui identifie l'entraînement (réseau, nombre d'images, réglages, graine).
        batches: lots d'entraînement, à qui dire quelle époque commence : on reprend au milieu.
    """

    def __init__(self, path: Path, history: dict, signature: str, batches: lots.Batches):
        super().__init__()
        self.path, self.history, self.signature = Path(path), history, signature
        self.batches, self.saved_at = batches, time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        """Dit aux lots le numéro de l'époque, et note l'heure."""
        self.batches.epoch, self.start = epoch, time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        """Complète les courbes et écrit le point de reprise."""
        duration_s = time.monotonic() - self.start
        for name, value in {**(logs or {}), "duration_s": duration_s}.items():
            self.history.setdefault(name, []).append(float(value))
        last = epoch + 1 == self.params["epochs"]
        if not last and time.monotonic() - self.saved_at < EVERY_S:
            return
        self.saved_at = time.monotonic()
        state = {"epoch": epoch + 1, "history": self.history, "signature": self.signature}
        arrays = {
            f"v{i:04}": np.asarray(keras.ops.convert_to_numpy(v))
            for i, v in enumerate(_state_variables(self.model))
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        replacing = files.replacing(self.path)
        with files.hold_interrupts(), replacing as temporary, open(temporary, "wb") as file:
            np.savez(file, state=json.dumps(state), **arrays)


def _state_variables(model: keras.Model) -> list:
    return [*model.variables, *model.optimizer.variables]


def _restore(model: keras.Model, path: Path, signature: str) -> tuple[int, dict]:
    try:
        with open(path, "rb") as file:
            saved = dict(np.load(file, allow_pickle=False))
        state = json.loads(str(saved["state"]))
        model.optimizer.build(model.trainable_variables)
        variables = _state_variables(model)
        arrays = [saved[f"v{i:04}"] for i in range(len(variables))]
    except Exception as error:  # de toute sorte, selon ce que contient le fichier
        raise ValueError(
            f"Le point de reprise {path} est abîmé. Effacez-le et relancez avec --resume : seul "
            "l'entraînement qu'il gardait repart du début."
        ) from error
    if state["signature"] != signature:
        raise ValueError(
            f"{path} vient d'un autre entraînement ({state['signature']}), "
            f"celui-ci est {signature}. Relancez sans --resume, ou avec les mêmes options."
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
    return state["epoch"], state["history"]


def _settings(optimizer: keras.optimizers.Optimizer) -> str:
    """Rend huit chiffres hexadécimaux, ceux d'une empreinte du taux, de son calendrier, etc."""
    config = {name: value for name, value in optimizer.get_config().items() if name != "name"}
    text = json.dumps(config, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def fit(
    model: keras.Model,
    batches: lots.Batches,
    *,
    epochs: int,
    checkpoint: Path,
    resume: bool,
    **fit_options,
) -> dict[str, list[float]]:
    """Appelle `model.fit`, avec un point de reprise à chaque époque.

    Args:
        model: modèle compilé.
        batches: lots d'entraînement.
        epochs: nombre total d'époques, celles d'avant la coupure comprises.
        checkpoint: fichier du point de reprise.
        resume: repartir de ce fichier s'il existe ; sinon, du début.
        **fit_options: `validation_data`, `callbacks`… de `fit`.

    Returns:
        Courbes `{"loss": [...], "val_accuracy": [...], ...}`, une valeur par époque.

    Raises:
        ValueError: le point de reprise est abîmé, ou vient d'un autre entraînement.
    """
    signature = (
        f"{model.name}, {agreed(epochs, 'époque')}, {agreed(len(batches.x), 'image')} par lots de "
        f"{batches.batch_size}, {model.dtype_policy.name}, graine {batches.seed}, réglages de la "
        f"descente {_settings(model.optimizer)}"
    )
    first_epoch, history = 0, {}
    if resume and checkpoint.exists():
        first_epoch, history = _restore(model, checkpoint, signature)
        print(f"Reprise après l'époque {first_epoch}.", flush=True)
    if first_epoch < epochs:
        model.fit(
            lots.feed(batches),
            epochs=epochs,
            initial_epoch=first_epoch,
            callbacks=[
                *fit_options.pop("callbacks", []),
                Checkpoint(checkpoint, history, signature, batches),
                Progress(epochs - first_epoch),
            ],
            shuffle=False,  # les lots sont déjà mélangés, d'un hasard qu'une reprise retrouve
            verbose=0,
            validation_batch_size=500,
            **fit_options,
        )
    return history
