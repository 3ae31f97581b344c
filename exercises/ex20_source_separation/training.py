"""Apprendre à séparer, sur des mélanges toujours nouveaux.

D'après : S3 « CNN & Time-Frequency representation ».
Commande : python -m exercises.ex20_source_separation
"""

import keras
import numpy as np

from convnets.training import study
from exercises.ex20_source_separation import sounds
from exercises.ex20_source_separation.network import build_model, classification_loss
from exercises.ex20_source_separation.spectrograms import network_input, stft

EPOCHS = 12
BATCH_SIZE = 16
LEARNING_RATE = 3e-3  # d'Adam, au début ; il décroît jusqu'à zéro


class Mixtures(study.Batches):
    """Lots de mélanges, toujours nouveaux : mélodie, percussions et niveaux sont retirés au sort.

    `x` et `y` sont les spectrogrammes complexes des mélodies et des percussions.
    """

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Rend le lot `index` de l'époque courante : modules des mélanges, et des sources."""
        melodies, _ = super().__getitem__(index)
        rng = np.random.default_rng([self.seed, self.epoch, index])
        percussion = self.y[rng.integers(len(self.y), size=len(melodies))]
        return examples(melodies, percussion, sounds.draw_levels(len(melodies), rng))


def examples(melodies, percussion, levels_db) -> tuple[np.ndarray, np.ndarray]:
    """Mélange des spectrogrammes ; rend ce que lit le réseau et ce que lit sa perte.

    Args:
        melodies: complexes `(n, t, f)`.
        percussion: de même forme.
        levels_db: `(n,)`.

    Returns:
        Modules des mélanges `(n, t, f, 1)` et des deux sources `(n, t, f, 2)`, float32.
    """
    sources = sounds.mix(melodies, percussion, levels_db)
    return network_input(sources.sum(axis=1)), np.moveaxis(np.abs(sources), 1, -1)


def train(melodies, percussion, sources_val, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Entraîne le réseau.

    Args:
        melodies: sons `(n, m)` de `sounds.make_sounds`.
        percussion: de même.
        sources_val: sources `(v, 2, m)` de mélanges de validation, pour les courbes.
        seed: graine des poids, des mélanges et de leur ordre.
        options: options de `cli.training_parser`.

    Returns:
        `(modèle, courbes)` ; le modèle n'est pas compilé, et Keras le relit donc seul.
    """
    model = study.build(build_model, seed=seed, precision=options.precision)
    batches = Mixtures(
        stft(melodies),
        stft(percussion),
        seed=seed,
        augment=None,
        batch_size=options.batch_size or min(BATCH_SIZE, len(melodies)),
    )
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, options.epochs * len(batches))
    model.compile(keras.optimizers.Adam(schedule), loss=classification_loss, jit_compile=False)
    melodies_val, percussion_val = np.moveaxis(stft(sources_val), 1, 0)
    history = study.fit(
        model,
        batches,
        options=options,
        validation_batch_size=20,
        validation_data=examples(melodies_val, percussion_val, np.zeros(len(sources_val))),
    )
    kept = build_model()  # les mêmes poids, en float32
    kept.set_weights(model.get_weights())
    return kept, history
