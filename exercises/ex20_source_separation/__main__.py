"""Séparer deux sources : un CNN lit le spectrogramme d'un mélange et en rend le masque.

Document : S3 « CNN & Time-Frequency representation ».
Commandes : python -m exercises.ex20_source_separation
            python -m exercises.ex20_source_separation son.wav
Résultat mesuré : docs/laboratoire/resultats.md (`python -m recipes.seeds ex20_source_separation`).

Chaque mesure est un gain de SI-SDR, en décibels : ce que la séparation gagne sur le mélange laissé
tel quel. Le réseau et les autres méthodes séparent les mêmes mélanges : leurs gains s'y comparent
un à un, et l'écart moyen a son intervalle.
"""

from functools import partial
from pathlib import Path

import keras
import numpy as np

from convnets.core.cli import add_model_option, lesson_parser
from convnets.core.reports import Headline
from convnets.figures.style import output_dir
from convnets.training import lesson
from convnets.training.batches import Batches, feed
from exercises.ex20_source_separation import baselines, factorisation
from exercises.ex20_source_separation.figures import KINDS, save_spectrograms, summary
from exercises.ex20_source_separation.network import build_model, classification_loss
from exercises.ex20_source_separation.sounds import draw_levels, make_mixtures, make_sounds, mix
from exercises.ex20_source_separation.spectrograms import (
    NUM_BINS,
    improvement,
    network_input,
    separate,
    stft,
)
from exercises.ex20_source_separation.timbres import LEARNED, UNSEEN, Timbres
from exercises.ex20_source_separation.wavs import read_wav, write_wavs

NUM_SOUNDS = {"train": 320, "val": 60, "test": 100}  # mélanges de deux secondes
SEEDS = {"train": 0, "val": 1}  # des sons
TESTS = {  # fin du nom de leurs mesures → timbres, et graine : ce qui n'est pas appris change seul
    "_learned": (LEARNED, 3),
    "_melodies": (Timbres(UNSEEN.melodic, LEARNED.percussive), 4),
    "_drums": (Timbres(LEARNED.melodic, UNSEEN.percussive), 5),
    "": (UNSEEN, 2),
}
EPOCHS = 12
BATCH_SIZE = 16
LEARNING_RATE = 3e-3  # d'Adam, au début ; il suit ensuite un cosinus jusqu'à zéro (lesson.Clock)
NUM_EXAMPLES = 3  # mélanges écrits en WAV, les premiers du test : ils ne sont pas choisis
WITNESS_SEEDS = range(3)  # départs de la NMF apprise
RIVALS = ("medians", "nmf")  # à quoi le réseau est comparé, mélange par mélange
HEADLINE = (
    *((f"network{end}", f"gain de SI-SDR du réseau, {kind}") for end, kind in KINDS.items()),
    *((f"over_medians{end}", f"réseau moins médianes, {kind}") for end, kind in KINDS.items()),
    *((f"over_medians{end}_margin", f"± de cet écart, {kind}") for end, kind in KINDS.items()),
    ("medians", "gain de SI-SDR des filtres médians, aucun son appris"),
    ("nmf", "gain de SI-SDR de la NMF, attribuée par un oracle, aucun son appris"),
    ("over_nmf_learned", "réseau moins NMF et oracle, instruments et percussions appris"),
    ("over_nmf_learned_margin", "± de cet écart, instruments et percussions appris"),
    ("spectrogram_svd", "gain de SI-SDR de la SVD du spectrogramme, même oracle, aucun son appris"),
    ("ideal", "gain de SI-SDR du masque des rapports de modules, sources connues"),
    ("ica", "gain de SI-SDR de l'ACI, avec deux micros : un autre problème"),
)


# --- Question : apprendre à séparer, sur des mélanges toujours nouveaux ---------------


def make_sets(limit: int | None) -> dict:
    """Joue les sons de l'entraînement, et les mélanges qui mesurent.

    Args:
        limit: au plus tant de mélanges par jeu ; None : `NUM_SOUNDS`.

    Returns:
        `train`, les mélodies et les percussions ; `val`, des sources ; `tests`, celles de chacun de
        `TESTS`.
    """
    num_train, num_val, num_test = (min(num, limit or num) for num in NUM_SOUNDS.values())
    return {
        "train": make_sounds(num_train, LEARNED, seed=SEEDS["train"]),
        "val": make_mixtures(num_val, LEARNED, seed=SEEDS["val"]),
        "tests": {
            suffix: make_mixtures(num_test, timbres, seed=seed)
            for suffix, (timbres, seed) in TESTS.items()
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
        callbacks=[lesson.Clock(epochs, minutes, share=0.7)],  # le reste : les factorisations
        verbose=0,
    )
    lesson.round_weights(model)
    return model


# --- Question : ce que gagne chaque méthode ------------------------------------------


def list_methods(model: keras.Model, *, seed: int) -> dict:
    """Prépare les méthodes à un seul micro.

    Args:
        model: le réseau entraîné.
        seed: graine du départ de la NMF.

    Returns:
        Nom de la mesure → fonction de vraies sources `(n, 2, m)` aux sources qu'elle retrouve dans
        leur somme. L'oracle et le masque des rapports de modules lisent les vraies sources ; les
        autres méthodes n'en lisent que la somme.
    """
    nmf = partial(factorisation.nmf_parts, num_parts=factorisation.NUM_PARTS, seed=seed)
    svd = partial(factorisation.svd_parts, num_parts=factorisation.NUM_PARTS)
    return {
        "network": lambda sources: separate(model, sources.sum(axis=1))[0],
        "medians": lambda sources: baselines.separate_by_medians(sources.sum(axis=1)),
        "ideal": baselines.separate_ideally,
        "nmf": lambda sources: factorisation.separate_by_oracle(sources, nmf),
        "spectrogram_svd": lambda sources: factorisation.separate_by_oracle(sources, svd),
    }


def run(seed: int, *, epochs: int = EPOCHS, minutes=None, limit: int | None = None) -> lesson.Run:
    """Entraîne le réseau et mesure toutes les méthodes sur les mêmes mélanges de chaque test.

    Args:
        seed: graine du réseau et des factorisations ; les sons ne changent pas.
        epochs: nombre d'époques.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: au plus tant de mélanges par jeu ; None : `NUM_SOUNDS`.

    Returns:
        Les gains moyens, et l'avance du réseau sur `RIVALS`, en décibels ; le réseau ; les sources
        de test.
    """
    sets = make_sets(limit)
    model = train(sets, seed=seed, epochs=epochs, minutes=minutes)
    metrics, methods = {}, list_methods(model, seed=seed)
    for suffix, sources in sets["tests"].items():
        gains = {name: improvement(f(sources), sources).mean(axis=1) for name, f in methods.items()}
        metrics |= {f"{name}{suffix}": float(each.mean()) for name, each in gains.items()}
        for name in RIVALS:
            gap = gains["network"] - gains[name]
            metrics[f"over_{name}{suffix}"] = float(gap.mean())
            metrics[f"over_{name}{suffix}_margin"] = float(1.96 * gap.std() / len(gap) ** 0.5)
    metrics["ica"] = baselines.two_microphone_gain(sets["tests"][""])
    return lesson.Run(metrics, model, {"sources": sets["tests"][""]})


def witnesses(seed: int) -> dict[str, float]:
    """Mesure une NMF apprise des mêmes sons que le réseau, sur les mêmes mélanges de test.

    Args:
        seed: graine du départ de la NMF.

    Returns:
        Par test de `TESTS`, le gain moyen, en décibels.
    """
    sets, found = make_sets(None), {}
    learned = partial(factorisation.learn_spectra, seed=seed)
    spectra = tuple(learned(sounds, factorisation.NUM_LEARNED) for sounds in sets["train"])
    for suffix, sources in sets["tests"].items():
        separated = factorisation.separate_by_spectra(sources.sum(axis=1), spectra)
        found[f"trained_nmf{suffix}"] = float(improvement(separated, sources).mean())
    return found


# --- Question : comparer à l'oreille et à l'œil --------------------------------------


def write_examples(folder: Path, model: keras.Model, sources: np.ndarray) -> None:
    """Écrit des mélanges, leurs vraies sources et ce qu'en tirent deux méthodes.

    Args:
        folder: dossier des sons et de `spectrogrammes.png`, la figure du premier exemple.
        model: modèle de `network`.
        sources: vraies sources `(n, 2, m)`.
    """
    mixtures, ideal = sources.sum(axis=1), baselines.ideal_masks(stft(sources))
    network, masks = separate(model, mixtures)
    medians = baselines.separate_by_medians(mixtures)
    found = {"vraie": sources, "reseau": network, "medianes": medians}
    for k, mixture in enumerate(mixtures):
        sounds = {f"exemple{k + 1}_melange": mixture}
        for name, pairs in found.items():
            sounds[f"exemple{k + 1}_melodie_{name}"] = pairs[k, 0]
            sounds[f"exemple{k + 1}_percussions_{name}"] = pairs[k, 1]
        write_wavs(folder, sounds)
    rows = [
        {"mélange": mixtures[0], "masque, sources connues": ideal[0], "masque du réseau": masks[0]},
        {"vraie mélodie": sources[0, 0], "réseau": network[0, 0], "médianes": medians[0, 0]},
        {"vraies percussions": sources[0, 1], "réseau": network[0, 1], "médianes": medians[0, 1]},
    ]
    save_spectrograms(folder / "spectrogrammes.png", rows)


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
    write_examples(folder, found.model, found.kept["sources"][:NUM_EXAMPLES])
    print(f"Sons et figures écrits dans {folder}/")
    print(f"Un son à séparer : {lesson.command_for(options)} {folder}/exemple1_melange.wav")


# --- Question : séparer un enregistrement ---------------------------------------------


def listen(options) -> None:
    """Sépare un fichier WAV ; écrit les deux sources et leur figure."""
    sound = read_wav(options.sound)
    model = lesson.load_saved(options)
    (melody, percussion), _ = (each[0] for each in separate(model, sound[None]))
    folder, stem = output_dir(options), options.sound.stem
    names = {f"{stem}_melodie": melody, f"{stem}_percussions": percussion}
    for path in write_wavs(folder, names):
        print(path)
    panels = {"mélange": sound, "mélodie": melody, "percussions": percussion}
    print(save_spectrograms(folder / f"{stem}_separation.png", [panels]))


def main(argv: list[str] | None = None) -> int:
    """Sans fichier, donne la leçon ; avec un WAV, le sépare."""
    parser = lesson_parser("ex20_source_separation", __doc__.splitlines()[0], epochs=EPOCHS)
    parser.add_argument("sound", nargs="?", type=Path, metavar="son.wav", help="son à séparer")
    add_model_option(parser)
    options = parser.parse_args(argv)
    return lesson.run(teach if options.sound is None else listen, options)


if __name__ == "__main__":
    raise SystemExit(main())
