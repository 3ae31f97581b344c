"""Ce que vaut la séparation : le réseau, les filtres, les factorisations, l'ACI.

D'après : S3 « CNN & Time-Frequency representation ».
Commande : python -m exercises.ex20_source_separation

Chaque mesure est un gain de SI-SDR, en décibels : ce que la séparation gagne sur le mélange laissé
tel quel.
"""

from argparse import Namespace
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import numpy as np

from convnets.core.cli import training_command
from convnets.core.reports import Headline, Metric, Report, read_report, replace_report
from convnets.datasets import sources as data
from convnets.figures.style import output_dir
from convnets.training import progress, result, saving, study
from convnets.training.precision import choose_precision
from exercises.ex20_source_separation import baselines, factorisation
from exercises.ex20_source_separation.figures import save_measures, save_spectrograms, summary
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

NUM_SOUNDS = {"train": 320, "val": 60, "test": 100}  # mélanges de deux secondes
SEEDS = {"train": 0, "val": 1, "test": 2, "learned": 3}  # des sons ; ceux de test sont à part
SOURCES = ("melody", "percussion")
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


def measure_factorisations(sets: dict, *, num_draws: int) -> tuple[dict[str, Metric], dict]:
    """Mesure la NMF et la SVD des spectrogrammes ; la validation choisit leur taille.

    Args:
        sets: rendus par `make_sets`.
        num_draws: tirages de la NMF : son départ, et les trames de ses dictionnaires.

    Returns:
        Les mesures, en décibels, et ce que le compte rendu en dit de plus : les tailles choisies et
        la part négative des composantes de la SVD.
    """
    sizes, found = factorisation.choose(sets["train"], sets["val"]), {}
    svd = partial(factorisation.svd_parts, num_parts=sizes["nmf"])

    def keep(name: str, estimates: np.ndarray, sources: np.ndarray) -> None:
        for key, gain in by_source(name, improvement(estimates, sources)).items():
            found.setdefault(key, []).append(gain)

    for seed in range(num_draws):
        learned = factorisation.learn_dictionaries(sets["train"], sizes["dictionaries"], seed=seed)
        nmf = partial(factorisation.nmf_parts, num_parts=sizes["nmf"], seed=seed)
        for suffix, sources in by_suffix(sets).items():
            separated = factorisation.separate_by_dictionaries(sources.sum(axis=1), learned)
            keep(f"dictionaries{suffix}", separated, sources)
            keep(f"nmf{suffix}", factorisation.separate_by_oracle(sources, nmf), sources)
    for suffix, sources in by_suffix(sets).items():
        separated = factorisation.separate_by_oracle(sources, svd)
        keep(f"spectrogram_svd{suffix}", separated, sources)
    share = factorisation.negative_share(sets["tests"]["network"], sizes["nmf"])
    metrics = {name: study.summarise(gains) for name, gains in found.items()}
    return metrics, {"num_parts": sizes, "negative_share": share}


def by_suffix(sets: dict) -> dict[str, np.ndarray]:
    """Range les sources des deux jeux de test par la fin du nom de leurs mesures."""
    return {name.removeprefix("network"): sources for name, sources in sets["tests"].items()}


def compare_factorisations(options) -> int:
    """Mesure les factorisations d'un modèle déjà appris, sans rien réapprendre du réseau.

    Args:
        options: options de `cli.training_parser` ; avec `force`, le compte rendu lu est complété.

    Returns:
        0, le code de sortie.
    """
    report = read_report(options.module, models_dir=options.models_dir)
    # Autant de sons et de tirages que pour ce modèle.
    sets = make_sets(max(report.num_images.values()))
    metrics, details = measure_factorisations(sets, num_draws=len(report.seeds))
    report = replace(
        report,
        metrics={**report.metrics, **metrics},
        headline=[Headline(name, label, "dB") for name, label in HEADLINE],
        details={**report.details, "factorisation": details},
    )
    print(summary(report))
    print(save_measures(report, output_dir(options) / "mesures.png"))
    if options.force:
        path = options.models_dir / f"{options.module}.json"
        replace_report(report, path)
        print(path)
    return 0


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

    def rehearse(options) -> float:
        run_seed(make_sets(options.limit), seed=0, options=options)
        return 0.0  # tout a été mesuré : rien ne s'ajoutera

    num_sounds = min(NUM_SOUNDS["train"], options.limit or NUM_SOUNDS["train"])
    options = study.fit_to_minutes(options, rehearse, num_images=num_sounds)
    sets = make_sets(options.limit)
    with progress.follow(seeds=options.seeds, options=options):
        runs = [run_seed(sets, seed=seed, options=options) for seed in range(options.seeds)]
    sources_val, tests = sets["val"], sets["tests"]
    setting = baselines.choose_medians(sources_val)
    fixed = {
        **measure_masks(tests["network"], setting),
        **measure_masks(tests["network_learned"], setting, suffix="_learned"),
        **measure_two_microphones(tests["network"]),
    }
    factorised, sizes = measure_factorisations(sets, num_draws=options.seeds)
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
            **factorised,
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
        num_images={name: cut(num, options.limit) for name, num in NUM_SOUNDS.items()},
        data_sha256=data.dataset_sha256((sets["train"], np.moveaxis(tests["network"], 1, 0))),
        input_shape=[None, NUM_BINS, 1],
        history=runs[best]["history"],
        details={
            "medians": setting._asdict(),
            "factorisation": sizes,
            "timbres": {
                name: [[*kind] for kind in each]
                for name, each in (("learned", LEARNED), ("unseen", UNSEEN))
            },
        },
    )
    print(summary(report))
    published = result.published(options.module)
    folder, reason = saving.save_model(
        model, options.module, report, models_dir=options.models_dir, force=options.force
    )
    write_examples(output_dir(options), model, tests["network"], setting)
    save_measures(report, output_dir(options) / "mesures.png")
    print(f"Sons et figures écrits dans {output_dir(options)}/")
    result.tell(
        Namespace(**vars(options) | {"models_dir": folder}),
        report,
        reason=reason,
        published=published,
        shown=result.Shown("network", "Gain de SI-SDR, timbres jamais entendus", "dB"),
        use=result.own_command(options, "son.wav", folder=folder),
    )
    return 0


def cut(num: int, limit: int | None) -> int:
    """Rend le nombre de mélanges d'un jeu, que `--limit` réduit."""
    return min(num, limit or num)


def make_sets(limit: int | None) -> dict:
    """Joue les sons de l'entraînement, et les mélanges qui mesurent.

    Args:
        limit: au plus tant de mélanges par jeu ; None : `NUM_SOUNDS`.

    Returns:
        `train`, les mélodies et les percussions ; `val`, des sources ; `tests`, celles des deux
        mesures, par leur nom.
    """
    num_train, num_val, num_test = (cut(num, limit) for num in NUM_SOUNDS.values())
    return {
        "train": make_sounds(num_train, LEARNED, seed=SEEDS["train"]),
        "val": make_mixtures(num_val, LEARNED, seed=SEEDS["val"]),
        "tests": {
            "network": make_mixtures(num_test, UNSEEN, seed=SEEDS["test"]),
            "network_learned": make_mixtures(num_test, LEARNED, seed=SEEDS["learned"]),
        },
    }


def run_seed(sets: dict, *, seed: int, options) -> dict:
    """Entraîne une graine et la mesure ; rend `model`, `history`, `val` et `test`, en décibels."""
    model, history = train(*sets["train"], sets["val"], seed=seed, options=options)
    val, test = float(gain(model, sets["val"]).mean()), {}
    for name, sources in sets["tests"].items():
        test |= by_source(name, gain(model, sources))
    line = f"validation {val:.2f} dB ; timbres jamais entendus {test['network']:.2f} dB"
    progress.say(f"Graine {seed} : gain de SI-SDR, {line.replace('.', ',')}")
    return {"model": model, "history": history, "val": val, "test": test}


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
        "masque des rapports de modules": ideal[0],
        "masque du réseau": masks[0],
        "vraie mélodie": sources[0, 0],
        "mélodie, réseau": network[0, 0],
        "mélodie, filtres médians": medians[0, 0],
        "vraies percussions": sources[0, 1],
        "percussions, réseau": network[0, 1],
        "percussions, filtres médians": medians[0, 1],
    }
    return [*paths, save_spectrograms(folder / "spectrogrammes.png", panels, columns=3)]
