"""Ce que vaut la séparation : le réseau, les filtres médians, le masque idéal et l'ACI.

D'après : S3 « CNN & Time-Frequency representation ».
Commande : python -m exercises.ex20_source_separation

Chaque mesure est un gain de SDR, en décibels : ce que la séparation gagne sur le mélange laissé tel
quel.
"""

from pathlib import Path

import keras
import numpy as np

from convnets.core.cli import training_command
from convnets.core.reports import Headline, Report
from convnets.datasets import sources as data
from convnets.figures.style import output_dir
from convnets.training import saving, study
from convnets.training.precision import choose_precision
from exercises.ex20_source_separation import baselines
from exercises.ex20_source_separation.figures import save_measures, save_spectrograms
from exercises.ex20_source_separation.listening import write_wavs
from exercises.ex20_source_separation.sounds import make_mixtures, make_sounds
from exercises.ex20_source_separation.spectrograms import (
    NUM_BINS,
    apply_masks,
    improvement,
    separate,
    stft,
)
from exercises.ex20_source_separation.timbres import LEARNED, UNSEEN
from exercises.ex20_source_separation.training import train

NUM_TRAIN, NUM_VAL, NUM_TEST = 320, 60, 100  # mélanges de deux secondes
SEEDS = {"train": 0, "val": 1, "test": 2, "learned": 3}  # des sons ; ceux de test sont à part
SOURCES = ("melody", "percussion")
HEADLINE = (
    ("network", "gain de SDR du réseau, timbres jamais entendus"),
    ("network_learned", "gain de SDR du réseau, timbres appris, autres sons"),
    ("medians", "gain de SDR des filtres médians, timbres jamais entendus"),
    ("ideal", "gain de SDR du masque idéal, limite de tout masque"),
    ("ica", "gain de SDR de l'ACI, avec deux micros : un autre problème"),
)
NUM_EXAMPLES = 3  # mélanges écrits en WAV, les premiers du test : ils ne sont pas choisis


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
        `by_source` des médianes (`medians…`) et du masque idéal (`ideal…`), en décibels.
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


# --- Question : le réseau, sur plusieurs graines -------------------------------------


def compare(options) -> int:
    """Entraîne une fois par graine, garde le meilleur, écrit compte rendu, sons et figures.

    La validation règle les médianes et choisit le modèle livré ; ses timbres sont ceux de
    l'entraînement, et les sons de test ne sont lus qu'à la fin.

    Args:
        options: options de `cli.training_parser` ; `limit` réduit tous les jeux.

    Returns:
        0, le code de sortie.
    """
    sizes = [min(num, options.limit or num) for num in (NUM_TRAIN, NUM_VAL, NUM_TEST)]
    sounds = make_sounds(sizes[0], LEARNED, seed=SEEDS["train"])
    sources_val = make_mixtures(sizes[1], LEARNED, seed=SEEDS["val"])
    tests = {
        "network": make_mixtures(sizes[2], UNSEEN, seed=SEEDS["test"]),
        "network_learned": make_mixtures(sizes[2], LEARNED, seed=SEEDS["learned"]),
    }
    runs = []
    for seed in range(options.seeds):
        print(f"Graine {seed} : {sizes[0]} mélanges, {options.epochs} époques.", flush=True)
        model, history = train(*sounds, sources_val, seed=seed, options=options)
        val = float(gain(model, sources_val).mean())
        test = {}
        for name, sources in tests.items():
            test |= by_source(name, gain(model, sources))
        line = f"validation {val:.2f} dB ; timbres jamais entendus {test['network']:.2f} dB"
        print(f"Graine {seed} : gain de SDR, {line.replace('.', ',')}", flush=True)
        runs.append({"model": model, "history": history, "val": val, "test": test})
    setting = baselines.choose_medians(sources_val)
    fixed = {
        **measure_masks(tests["network"], setting),
        **measure_masks(tests["network_learned"], setting, suffix="_learned"),
        **measure_two_microphones(tests["network"]),
    }
    names = {
        "medians": "filtres médians",
        "ideal": "masque idéal",
        "ica": "ACI (deux micros)",
        "svd": "SVD (deux micros)",
    }
    shown = [f"{title} {fixed[name]:.2f} dB" for name, title in names.items()]
    print(" ; ".join(shown).replace(".", ","))
    best = max(range(len(runs)), key=lambda seed: runs[seed]["val"])
    model = runs[best]["model"]
    report = Report(
        command=training_command(options),
        metrics={
            **{
                name: study.summarise([run["test"][name] for run in runs])
                for name in runs[0]["test"]
            },
            **{name: study.summarise([value]) for name, value in fixed.items()},
        },
        headline=[Headline(name, label, "dB") for name, label in HEADLINE],
        shipped={"seed": best, **runs[best]["test"]},
        score=runs[best]["val"],
        validation=study.summarise([run["val"] for run in runs]),
        seeds=list(range(options.seeds)),
        duration_s=study.summarise([sum(run["history"]["duration_s"]) for run in runs]),
        precision=choose_precision(options.precision),
        backend=keras.backend.backend(),
        num_parameters=int(model.count_params()),
        num_images=dict(zip(("train", "val", "test"), sizes, strict=True)),  # des mélanges
        data_sha256=data.dataset_sha256((sounds, np.moveaxis(tests["network"], 1, 0))),
        input_shape=[None, NUM_BINS, 1],
        history=runs[best]["history"],
        details={
            "medians": setting._asdict(),
            "timbres": {
                name: [[*kind] for kind in each]
                for name, each in (("learned", LEARNED), ("unseen", UNSEEN))
            },
        },
    )
    folder, reason = saving.save_model(
        model, options.module, report, models_dir=options.models_dir, force=options.force
    )
    if reason:
        print(reason)
    print(f"Modèle écrit dans {folder}/{options.module}.keras (graine {best}).")
    write_examples(output_dir(options), model, tests["network"], setting)
    save_measures(report, output_dir(options) / "mesures.png")
    print(f"Sons et figures écrits dans {output_dir(options)}/")
    return 0


def gain(model: keras.Model, sources: np.ndarray) -> np.ndarray:
    """Sépare la somme de vraies sources `(n, 2, m)` ; rend les gains `(n, 2)`, en dB."""
    return improvement(separate(model, sources.sum(axis=1))[0], sources)


# --- Question : comparer à l'oreille et à l'œil --------------------------------------


def write_examples(
    folder: Path, model, sources: np.ndarray, setting: baselines.MedianSetting
) -> list[Path]:
    """Écrit les premiers mélanges, leurs vraies sources et ce qu'en tirent deux méthodes.

    Args:
        folder: dossier des sons et de `spectrogrammes.png`, la figure du premier exemple.
        model: modèle de `network`.
        sources: vraies sources `(n, 2, m)`.
        setting: réglage des filtres médians.

    Returns:
        Les fichiers écrits.
    """
    sources = sources[:NUM_EXAMPLES]
    mixtures, spectrograms = sources.sum(axis=1), stft(sources)
    network, masks = separate(model, mixtures)
    medians = baselines.separate_by_medians(mixtures, setting)
    ideal = baselines.ideal_masks(spectrograms)
    paths = []
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
        paths += write_wavs(folder, sounds)
    panels = {
        "mélange": mixtures[0],
        "masque idéal": ideal[0],
        "masque du réseau": masks[0],
        "vraie mélodie": sources[0, 0],
        "mélodie, réseau": network[0, 0],
        "mélodie, filtres médians": medians[0, 0],
        "vraies percussions": sources[0, 1],
        "percussions, réseau": network[0, 1],
        "percussions, filtres médians": medians[0, 1],
    }
    return [*paths, save_spectrograms(folder / "spectrogrammes.png", panels, columns=3)]
