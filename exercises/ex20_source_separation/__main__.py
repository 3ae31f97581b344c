"""Séparer deux sources : un CNN lit le spectrogramme d'un mélange et en rend le masque.

Document : S3 « CNN & Time-Frequency representation ».
Commandes : python -m exercises.ex20_source_separation
            python -m exercises.ex20_source_separation son.wav
Résultat mesuré : docs/resultats.md (`python -m recipes.seeds ex20_source_separation`).

Chaque mesure est un gain de SI-SDR, en décibels : ce que la séparation gagne sur le mélange laissé
tel quel.
"""

from functools import partial
from pathlib import Path

import keras
import numpy as np

from convnets.core.cli import lesson_parser
from convnets.core.reports import Headline
from convnets.figures.style import output_dir
from convnets.training import lesson, saving
from convnets.training.batches import Batches, feed
from exercises.ex20_source_separation import baselines, factorisation
from exercises.ex20_source_separation.figures import save_spectrograms, summary
from exercises.ex20_source_separation.network import build_model, classification_loss
from exercises.ex20_source_separation.sounds import draw_levels, make_mixtures, make_sounds, mix
from exercises.ex20_source_separation.spectrograms import (
    NUM_BINS,
    apply_masks,
    improvement,
    network_input,
    separate,
    stft,
)
from exercises.ex20_source_separation.timbres import LEARNED, UNSEEN
from exercises.ex20_source_separation.wavs import read_wav, write_wavs

NUM_SOUNDS = {"train": 320, "val": 60, "test": 100}  # mélanges de deux secondes
SEEDS = {"train": 0, "val": 1, "test": 2, "learned": 3}  # des sons ; ceux de test sont à part
SOURCES = ("melody", "percussion")
EPOCHS = 12
BATCH_SIZE = 16
LEARNING_RATE = 3e-3  # d'Adam, au début ; il suit ensuite un cosinus jusqu'à zéro (lesson.Clock)
NUM_EXAMPLES = 3  # mélanges écrits en WAV, les premiers du test : ils ne sont pas choisis
HEADLINE = (
    ("network", "gain de SI-SDR du réseau, timbres jamais entendus"),
    ("network_learned", "gain de SI-SDR du réseau, timbres appris, autres sons"),
    ("medians", "gain de SI-SDR des filtres médians, timbres jamais entendus"),
    ("dictionaries", "gain de SI-SDR de la NMF, dictionnaires appris, timbres jamais entendus"),
    ("dictionaries_learned", "gain de SI-SDR de la NMF, dictionnaires appris, timbres appris"),
    ("nmf", "gain de SI-SDR de la NMF, attribuée par un oracle, timbres jamais entendus"),
    ("spectrogram_svd", "gain de SI-SDR de la SVD du spectrogramme, même oracle, mêmes timbres"),
    ("ideal", "gain de SI-SDR du masque des rapports de modules, sources connues"),
    ("ica", "gain de SI-SDR de l'ACI, avec deux micros : un autre problème"),
)


# --- Question : apprendre à séparer, sur des mélanges toujours nouveaux ---------------


def make_sets(limit: int | None) -> dict:
    """Joue les sons de l'entraînement, et les mélanges qui mesurent.

    Args:
        limit: au plus tant de mélanges par jeu ; None : `NUM_SOUNDS`.

    Returns:
        `train`, les mélodies et les percussions ; `val`, des sources ; `tests`, celles des deux
        mesures, par leur nom.
    """
    num_train, num_val, num_test = (min(num, limit or num) for num in NUM_SOUNDS.values())
    return {
        "train": make_sounds(num_train, LEARNED, seed=SEEDS["train"]),
        "val": make_mixtures(num_val, LEARNED, seed=SEEDS["val"]),
        "tests": {
            "network": make_mixtures(num_test, UNSEEN, seed=SEEDS["test"]),
            "network_learned": make_mixtures(num_test, LEARNED, seed=SEEDS["learned"]),
        },
    }


class Mixtures(Batches):
    """Lots de mélanges, toujours nouveaux : mélodie, percussions et niveaux sont retirés au sort.

    `x` et `y` sont les spectrogrammes complexes des mélodies et des percussions.
    """

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Rend le lot `index` de l'époque courante : modules des mélanges, et des sources."""
        melodies, _ = super().__getitem__(index)
        rng = np.random.default_rng([self.seed, self.epoch, index])
        percussion = self.y[rng.integers(len(self.y), size=len(melodies))]
        return examples(melodies, percussion, draw_levels(len(melodies), rng))


def examples(melodies, percussion, levels_db) -> tuple[np.ndarray, np.ndarray]:
    """Mélange des spectrogrammes ; rend ce que lit le réseau et ce que lit sa perte.

    Args:
        melodies: complexes `(n, t, f)`.
        percussion: de même forme.
        levels_db: `(n,)`.

    Returns:
        Modules des mélanges `(n, t, f, 1)` et des deux sources `(n, t, f, 2)`, float32.
    """
    sources = mix(melodies, percussion, levels_db)
    return network_input(sources.sum(axis=1)), np.moveaxis(np.abs(sources), 1, -1)


def train(sets: dict, *, seed: int, epochs: int, minutes) -> keras.Model:
    """Entraîne le réseau.

    Args:
        sets: rendus par `make_sets`.
        seed: graine des poids, des mélanges et de leur ordre.
        epochs: nombre d'époques.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
    """
    keras.utils.set_random_seed(seed)
    model = build_model()
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss=classification_loss)
    melodies, percussion = (stft(sounds) for sounds in sets["train"])
    size = min(BATCH_SIZE, len(melodies))
    batches = Mixtures(melodies, percussion, batch_size=size, seed=seed, augment=None)
    melodies_val, percussion_val = np.moveaxis(stft(sets["val"]), 1, 0)
    model.fit(
        feed(batches),
        epochs=epochs,
        validation_data=examples(melodies_val, percussion_val, np.zeros(len(melodies_val))),
        validation_batch_size=20,
        callbacks=[lesson.Clock(epochs, minutes, share=0.6)],  # le reste : les factorisations
        verbose=0,
    )
    lesson.round_weights(model)
    return model


# --- Question : les méthodes sans apprentissage --------------------------------------


def by_source(name: str, gains: np.ndarray) -> dict[str, float]:
    """Résume des gains `(n, 2)` en dB : la moyenne `name`, puis celle de chaque source."""
    means = {f"{name}_{source}": mean for source, mean in zip(SOURCES, gains.mean(0), strict=True)}
    return {key: float(value) for key, value in {name: gains.mean(), **means}.items()}


def measure_masks(
    sources: np.ndarray, setting: baselines.MedianSetting, *, suffix: str = ""
) -> dict[str, float]:
    """Mesure les masques qui n'apprennent pas.

    Args:
        sources: vraies sources de test `(n, 2, m)`.
        setting: réglage des médianes, choisi sur la validation.
        suffix: fin du nom des mesures.

    Returns:
        `by_source` des médianes (`medians…`) et de `ideal_masks` (`ideal…`), en décibels.
    """
    spectrograms = stft(sources)
    masks = baselines.ideal_masks(spectrograms)
    ideal = apply_masks(spectrograms.sum(axis=1), masks, sources.shape[-1])
    medians = baselines.separate_by_medians(sources.sum(axis=1), setting)
    return {
        **by_source(f"medians{suffix}", improvement(medians, sources)),
        **by_source(f"ideal{suffix}", improvement(ideal, sources)),
    }


def measure_two_microphones(sources: np.ndarray) -> dict[str, float]:
    """Mesure, en dB, l'ACI (`ica`) et la SVD seule (`svd`) sur les sources `(n, 2, m)`."""
    return {
        name: baselines.two_microphone_gain(sources, separate, np.random.default_rng(0))
        for name, separate in (("ica", baselines.separate_ica), ("svd", baselines.separate_svd))
    }


# --- Question : factoriser le spectrogramme ------------------------------------------


def measure_factorisations(sets: dict, *, seed: int) -> dict[str, float]:
    """Mesure la NMF et la SVD des spectrogrammes ; la validation choisit leur taille.

    Args:
        sets: rendus par `make_sets`.
        seed: graine de la NMF : son départ, et les trames de ses dictionnaires.

    Returns:
        Les mesures, en décibels.
    """
    sizes, found = factorisation.choose(sets["train"], sets["val"]), {}
    learned = factorisation.learn_dictionaries(sets["train"], sizes["dictionaries"], seed=seed)
    nmf = partial(factorisation.nmf_parts, num_parts=sizes["nmf"], seed=seed)
    svd = partial(factorisation.svd_parts, num_parts=sizes["nmf"])
    for name, sources in sets["tests"].items():
        suffix = name.removeprefix("network")
        separated = {
            "dictionaries": factorisation.separate_by_dictionaries(sources.sum(axis=1), learned),
            "nmf": factorisation.separate_by_oracle(sources, nmf),
            "spectrogram_svd": factorisation.separate_by_oracle(sources, svd),
        }
        for method, estimates in separated.items():
            found |= by_source(f"{method}{suffix}", improvement(estimates, sources))
    return found


# --- Question : ce que gagne chaque méthode ------------------------------------------


def gain(model: keras.Model, sources: np.ndarray) -> np.ndarray:
    """Sépare la somme de vraies sources `(n, 2, m)` ; rend les gains `(n, 2)`, en dB."""
    return improvement(separate(model, sources.sum(axis=1))[0], sources)


def run(seed: int, *, epochs: int = EPOCHS, minutes=None, limit: int | None = None) -> lesson.Run:
    """Entraîne le réseau et mesure toutes les méthodes sur les mêmes mélanges de test.

    Args:
        seed: graine du réseau et des factorisations ; les sons ne changent pas.
        epochs: nombre d'époques.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: au plus tant de mélanges par jeu ; None : `NUM_SOUNDS`.

    Returns:
        Les gains, en décibels ; le réseau ; les sources de test, et le réglage des médianes.
    """
    sets = make_sets(limit)
    tests, setting = sets["tests"], baselines.choose_medians(sets["val"])
    model, metrics = train(sets, seed=seed, epochs=epochs, minutes=minutes), {}
    for name, sources in tests.items():
        metrics |= by_source(name, gain(model, sources))
        metrics |= measure_masks(sources, setting, suffix=name.removeprefix("network"))
    metrics |= measure_two_microphones(tests["network"])
    metrics |= measure_factorisations(sets, seed=seed)
    return lesson.Run(metrics, model, {"sources": tests["network"], "setting": setting})


# --- Question : comparer à l'oreille et à l'œil --------------------------------------


def write_examples(
    folder: Path, model, sources: np.ndarray, setting: baselines.MedianSetting
) -> None:
    """Écrit les premiers mélanges, leurs vraies sources et ce qu'en tirent deux méthodes.

    Args:
        folder: dossier des sons et de `spectrogrammes.png`, la figure du premier exemple.
        model: modèle de `network`.
        sources: vraies sources `(n, 2, m)`.
        setting: réglage des filtres médians.
    """
    sources = sources[:NUM_EXAMPLES]
    mixtures, spectrograms = sources.sum(axis=1), stft(sources)
    network, masks = separate(model, mixtures)
    medians = baselines.separate_by_medians(mixtures, setting)
    ideal = baselines.ideal_masks(spectrograms)
    for k, mixture in enumerate(mixtures):
        sounds = {f"exemple{k + 1}_melange": mixture}
        for name, (melody, percussion) in (
            ("vraie", sources[k]),
            ("reseau", network[k]),
            ("medianes", medians[k]),
        ):
            sounds |= {
                f"exemple{k + 1}_melodie_{name}": melody,
                f"exemple{k + 1}_percussions_{name}": percussion,
            }
        write_wavs(folder, sounds)
    panels = {
        "mélange": mixtures[0],
        "masque des rapports de modules": ideal[0],
        "masque du réseau": masks[0],
        "vraie mélodie": sources[0, 0],
        "mélodie, réseau": network[0, 0],
        "mélodie, filtres médians": medians[0, 0],
        "vraies percussions": sources[0, 1],
        "percussions, réseau": network[0, 1],
        "percussions, filtres médians": medians[0, 1],
    }
    save_spectrograms(folder / "spectrogrammes.png", panels, columns=3)


def teach(options) -> None:
    """Entraîne, mesure, écrit des exemples et enregistre."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    print(summary(found.metrics))
    lesson.save(
        found.model,
        options,
        found.metrics,
        light=False,
        headline=[Headline(name, label, "dB") for name, label in HEADLINE],
        input_shape=[None, NUM_BINS, 1],
    )
    folder = output_dir(options)
    write_examples(folder, found.model, found.kept["sources"], found.kept["setting"])
    print(f"Sons et figures écrits dans {folder}/")
    print(f"Un son à séparer : python -m {options.command} {folder}/exemple1_melange.wav")


# --- Question : séparer un enregistrement ---------------------------------------------


def listen(options) -> None:
    """Sépare un fichier WAV ; écrit les deux sources et leur figure."""
    sound = read_wav(options.sound)
    model = saving.load_model(options.module)
    (melody, percussion), _ = (each[0] for each in separate(model, sound[None]))
    folder, stem = output_dir(options), options.sound.stem
    names = {f"{stem}_melodie": melody, f"{stem}_percussions": percussion}
    for path in write_wavs(folder, names):
        print(path)
    panels = {"mélange": sound, "mélodie": melody, "percussions": percussion}
    print(save_spectrograms(folder / f"{stem}_separation.png", panels, columns=3))


def main(argv: list[str] | None = None) -> int:
    """Sans fichier, donne la leçon ; avec un WAV, le sépare."""
    parser = lesson_parser("ex20_source_separation", __doc__.splitlines()[0], epochs=EPOCHS)
    parser.add_argument("sound", nargs="?", type=Path, metavar="son.wav", help="son à séparer")
    options = parser.parse_args(argv)
    return lesson.run(teach if options.sound is None else listen, options)


if __name__ == "__main__":
    raise SystemExit(main())
