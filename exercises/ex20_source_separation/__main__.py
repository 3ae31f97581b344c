"""Séparer deux sources : un CNN lit le spectrogramme d'un mélange et en rend le masque.

Document : S3 « CNN & Time-Frequency representation ».
Commande : python -m exercises.ex20_source_separation     puis     … ex20_source_separation son.wav
Résultat mesuré : models/ex20_source_separation.json, repris dans le README.

La diapositive en fait un problème de classification : à laquelle des deux sources, une mélodie
et des percussions, appartient chaque case temps-fréquence ? Le réseau l'apprend de mélanges de
synthèse ; on l'écoute sur des timbres qu'il n'a jamais entendus. Les sons sont dans
`ex20_sounds`, les méthodes sans apprentissage dans `ex20_baselines`.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from convnets.core import paths
from convnets.core.cli import run, training_parser
from convnets.figures.style import output_dir
from convnets.training import saving, study
from exercises.ex20_source_separation import figures, listening, report, sounds
from exercises.ex20_source_separation.spectrograms import NUM_BINS, network_input, separate, stft

EPOCHS = 12
BATCH_SIZE = 16
LEARNING_RATE = 3e-3  # d'Adam, au début ; il décroît jusqu'à zéro
FLOOR = 0.01  # ajouté aux modules, de moyenne quadratique 1, avant leur logarithme
DILATIONS = (2, 4, 8)  # en trames : le réseau voit deux tiers de seconde de chaque côté


# --- Question : un réseau de l'image à l'image, du spectrogramme au masque -----------


def build_model() -> keras.Model:
    """Construit un petit U-Net, qui ne réduit que l'axe des fréquences.

    Returns:
        Modèle : modules `(n, t, NUM_BINS, 1)` float32 rendus par `network_input`, t libre, →
        part de la mélodie dans chaque case, même forme, dans [0, 1]. L'entrée n'est pas une
        image uint8 ; le logarithme est dans le modèle.

    Source : Ronneberger et al., arXiv 1505.04597, 2015, réduit ; Jansson et al., « Singing voice
    separation with deep U-Net convolutional networks », ISMIR 2017, pour le spectrogramme.
    """
    magnitudes = keras.Input((None, NUM_BINS, 1))
    x = layers.BatchNormalization()(ops.log(magnitudes + FLOOR))
    x = _convolution(layers.Cropping2D(((0, 0), (0, 1)))(x), 8)  # (n, t, 256, 8)
    skips = []
    for filters in (16, 24, 32):
        skips.append(x)
        x = _convolution(x, filters, strides=(1, 2))  # à la fin (n, t, 32, 32)
    for frames in DILATIONS:
        x = _convolution(x, 32, dilation_rate=(frames, 1))
    x = layers.Reshape((-1, *x.shape[2:]))(x)  # inchangé : l'export en a besoin, t étant libre
    for skip in reversed(skips):
        x = layers.Concatenate()([layers.UpSampling2D((1, 2))(x), skip])
        x = _convolution(x, skip.shape[-1])  # à la fin (n, t, 256, 8)
    scores = layers.Conv2D(1, 1, dtype="float32")(x)
    scores = layers.ZeroPadding2D(((0, 0), (0, 1)))(scores)  # 4000 Hz : moitié-moitié
    masks = layers.Activation("sigmoid", dtype="float32")(scores)
    return keras.Model(magnitudes, masks, name="ex20_source_separation")


def _convolution(x, filters: int, **options):
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, **options)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


# --- Question : une classification des cases temps-fréquence -------------------------


def classification_loss(sources, masks):
    """Rend l'entropie croisée des cases, chacune comptant autant qu'on l'entend.

    Args:
        sources: modules des deux sources `(n, t, f, 2)`.
        masks: part prédite de la mélodie `(n, t, f, 1)`.

    Returns:
        `(n,)` : une case qui est à la mélodie, parce qu'elle y est la plus forte, est de classe 1.
    """
    weights = ops.sum(sources, axis=-1)
    # Viser la part de chaque source plutôt que la plus forte : 13,8 dB contre 14,4 sur 40 mélanges
    # de validation, une graine, six époques.
    classes = ops.cast(sources[..., :1] > sources[..., 1:], "float32")
    losses = weights * keras.losses.binary_crossentropy(classes, masks)
    return ops.sum(losses, axis=(1, 2)) / ops.sum(weights, axis=(1, 2))


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
        melodies: sons `(n, m)` de `ex20_sounds.make_sounds`.
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
        epochs=options.epochs,
        resume=options.resume,
        verbose=2,
        checkpoint=paths.checkpoint_path(options, seed),
        validation_batch_size=20,
        validation_data=examples(melodies_val, percussion_val, np.zeros(len(sources_val))),
    )
    kept = build_model()  # les mêmes poids, en float32
    kept.set_weights(model.get_weights())
    return kept, history


# --- Question : séparer un enregistrement ------------------------------------------


def listen(options) -> int:
    """Sépare un fichier WAV ; écrit les deux sources et leur figure, et rend 0."""
    sound = listening.read_wav(options.sound)
    model = saving.load_model(options.module, models_dir=options.models_dir)
    (melody, percussion), _ = (each[0] for each in separate(model, sound[None]))
    folder, stem = output_dir(options), options.sound.stem
    names = {f"{stem}_melodie": melody, f"{stem}_percussions": percussion}
    for path in listening.write_wavs(folder, names):
        print(path)
    panels = {"mélange": sound, "mélodie": melody, "percussions": percussion}
    print(figures.save_spectrograms(folder / f"{stem}_separation.png", panels, columns=3))
    return 0


def main(argv: list[str] | None = None) -> int:
    """Sans fichier, apprend à séparer et le mesure ; avec un WAV, le sépare."""
    parser = training_parser(
        "ex20_source_separation", __doc__.splitlines()[0], epochs=EPOCHS, seeds=3
    )
    parser.add_argument(
        "sound",
        nargs="?",
        type=Path,
        metavar="son.wav",
        help="son à séparer ; sans lui, le modèle est appris",
    )
    # Un si petit réseau gagnerait peu à la précision réduite.
    parser.set_defaults(precision="float32")
    options = parser.parse_args(argv)
    if options.sound:
        return run(lambda: listen(options))
    return run(lambda: report.measure(options, train))


if __name__ == "__main__":
    raise SystemExit(main())
