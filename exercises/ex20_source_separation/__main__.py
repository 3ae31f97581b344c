"""Séparer deux sources : un CNN lit le spectrogramme d'un mélange et en rend le masque.

Document : S3 « CNN & Time-Frequency representation ».
Commandes : python -m exercises.ex20_source_separation
            python -m exercises.ex20_source_separation son.wav
Résultat mesuré : docs/laboratoire/resultats.md (`python -m recipes.seeds ex20_source_separation`).

Chaque mesure est un gain de SI-SDR, en décibels : ce que la séparation gagne sur le mélange laissé
tel quel. Le réseau et les autres méthodes séparent les mêmes mélanges : leurs gains s'y comparent
un à un, et l'intervalle de l'écart moyen compte les graines et les mélanges.
"""

from functools import partial
from pathlib import Path

import keras
import numpy as np

from convnets.core.cli import add_model_option, lesson_parser
from convnets.core.intervals import by_image, paired_gaps
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
# À quoi le réseau est comparé, mélange par mélange : ce qui apprend des mêmes sons ; ce qui
# n'apprend rien ; deux factorisations, qu'un oracle aide.
RIVALS = ("trained_nmf", "medians", "nmf", "spectrogram_svd")
HEADLINE = (
    *((f"network{end}", f"gain de SI-SDR du réseau, {kind}") for end, kind in KINDS.items()),
    *((f"trained_nmf{end}", f"gain de la NMF apprise, {kind}") for end, kind in KINDS.items()),
    *((f"medians{end}", f"gain des filtres médians, {kind}") for end, kind in KINDS.items()),
    ("nmf", "gain de SI-SDR de la NMF, attribuée par un oracle, aucun son appris"),
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


def learn_both(sounds, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Apprend les spectres de chaque source, des mêmes sons que le réseau.

    Args:
        sounds: les mélodies, puis les percussions, chacune `(n, m)`.
        seed: graine du départ de chaque NMF.

    Returns:
        Les spectres de chacune `(NUM_LEARNED, f)`, que lit `factorisation.separate_by_spectra`.
    """
    num = factorisation.NUM_LEARNED
    melody, percussion = (factorisation.learn_spectra(each, num, seed=seed) for each in sounds)
    return melody, percussion


def list_methods(model: keras.Model, spectra, *, seed: int) -> dict:
    """Prépare les méthodes à un seul micro.

    Args:
        model: le réseau entraîné.
        spectra: les spectres appris, rendus par `learn_both`.
        seed: graine du départ de la NMF de chaque mélange.

    Returns:
        Nom de la mesure → fonction de vraies sources `(n, 2, m)` aux sources qu'elle retrouve dans
        leur somme. L'oracle et le masque des rapports de modules lisent les vraies sources ; les
        autres méthodes n'en lisent que la somme.
    """
    nmf = partial(factorisation.nmf_parts, num_parts=factorisation.NUM_PARTS, seed=seed)
    svd = partial(factorisation.svd_parts, num_parts=factorisation.NUM_PARTS)
    return {
        "network": lambda sources: separate(model, sources.sum(axis=1))[0],
        "trained_nmf": lambda sources: factorisation.separate_by_spectra(
            sources.sum(axis=1), spectra
        ),
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
        Les gains moyens, en décibels ; le réseau ; dans `pooled`, le gain de chaque mélange, et les
        sources de test.
    """
    sets = make_sets(limit)
    model = train(sets, seed=seed, epochs=epochs, minutes=minutes)
    methods = list_methods(model, learn_both(sets["train"], seed=seed), seed=seed)
    gains = {
        f"{name}{suffix}": improvement(separated(sources), sources).mean(axis=1)  # (n,)
        for suffix, sources in sets["tests"].items()
        for name, separated in methods.items()
    }
    metrics, pooled = by_image(gains)
    metrics["ica"] = baselines.two_microphone_gain(sets["tests"][""])
    return lesson.Run(metrics, model, {"sources": sets["tests"][""], "pooled": pooled})


def pool(found: list[dict]) -> dict:
    """Rend l'écart du réseau à chaque méthode de `RIVALS`, test par test.

    Args:
        found: par graine, le gain de chaque mélange, par méthode et par test.

    Returns:
        `{"gaps": {"network_drums - medians_drums": [moyenne, bas, haut]…}}`, en décibels, graines
        et mélanges ensemble.
    """
    pairs = [(f"network{end}", f"{name}{end}") for end in TESTS for name in RIVALS]
    return {"gaps": paired_gaps(found, pairs)}


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
    print(summary(found.metrics, pool([found.kept["pooled"]])["gaps"]))
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
