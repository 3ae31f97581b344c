"""Toutes les graines : les quatre réseaux du goulot, celui qui compresse, et le compte rendu.

D'après : S3 « Different problems, models & metrics ».
Commande : python -m exercises.ex24_autoencoder

Les vignettes de test sont comprimées ensemble, dans un seul fichier par codeur : une mosaïque pour
JPEG et WebP. Tous les octets comptent, en-têtes compris ; sur tant d'images, ils ne pèsent rien.
Seule, une vignette de 32 pixels en JPEG est surtout un en-tête : cette mesure est donnée à part.
"""

import lzma
import math
import zlib
from argparse import Namespace
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from convnets.core.cli import training_command
from convnets.core.reports import Headline, Report, format_headline
from convnets.datasets import sources
from convnets.figures.style import output_dir
from convnets.training import progress, result, saving, study
from convnets.training.export import export_litert
from convnets.training.precision import choose_precision
from exercises.ex24_autoencoder import baselines, figures, network, shortcuts
from exercises.ex24_autoencoder.codec import STEPS, Codec, pack, quantise, unpack
from exercises.ex24_autoencoder.measures import at_rate, mean_gain, psnr, ssim

NUM_VAL = 1000  # images de validation, prises à l'entraînement
NUM_TEST = 1000  # images de test des quatre réseaux du goulot
NUM_ALBUM = 256  # vignettes de test compressées : un carré, celui de la mosaïque
NUM_ALONE = 32  # vignettes compressées chacune dans son fichier
RATE = 1.0  # bits par pixel où l'on lit les courbes ; une image brute en a 24
SHOWN = 3  # qualité des vignettes montrées
COSTS = (1.0, 1.1, 1.0, 1.1, 3.0)  # des cinq apprentissages, mesurés : la durée prévue en dépend
CODERS_FR = {
    "network": "réseau",
    "pca": "ACP",
    "webp": "WebP",
    "jpeg": "JPEG",
    "half": "image réduite de moitié",
}
WITH_SSIM = ("network", "webp", "jpeg")
HEADLINE = (
    ("copy_unet", "recopier : PSNR du U-Net", "dB"),
    ("copy_unet_cut", "recopier : PSNR du U-Net, goulot coupé", "dB"),
    ("copy_plain", "recopier : PSNR de l'auto-encodeur", "dB"),
    ("copy_plain_cut", "recopier : PSNR de l'auto-encodeur, goulot coupé", "dB"),
    ("denoise_unet", "débruiter : PSNR du U-Net", "dB"),
    ("denoise_plain", "débruiter : PSNR de l'auto-encodeur", "dB"),
    ("denoise_blur", "débruiter : PSNR d'un flou gaussien", "dB"),
    ("denoise_noisy", "débruiter : PSNR de l'image bruitée", "dB"),
    *((f"psnr_{key}", f"1 bit par pixel : PSNR, {name}", "dB") for key, name in CODERS_FR.items()),
    ("psnr_mean", "aucun bit : PSNR de l'image moyenne", "dB"),
    *((f"ssim_{key}", f"1 bit par pixel : SSIM, {CODERS_FR[key]}", "%") for key in WITH_SSIM),
)


def compare(options: Namespace) -> int:
    """Entraîne les cinq réseaux pour chaque graine, écrit modèle, compte rendu et figures."""
    dataset = sources.load_cifar10()

    def rehearse(options) -> float:
        run_seed(split(dataset, options.limit), seed=0, options=options)
        return 0.0  # tout a été mesuré : rien ne s'ajoutera

    num_images = len(dataset[0][0][: options.limit])
    options = study.fit_to_minutes(options, rehearse, num_images=num_images, stages=COSTS)
    parts = split(dataset, options.limit)
    with progress.follow(seeds=options.seeds, stages=COSTS, options=options):
        runs = [run_seed(parts, seed=seed, options=options) for seed in range(options.seeds)]
    others = measure_others(parts, output_dir(options))
    report = make_report(options, runs, others, parts, dataset)
    model = runs[report.shipped["seed"]]["model"]
    published = result.published(options.module)
    folder, reason = saving.save_model(
        model,
        options.module,
        report,
        export=(export_litert(model, weights="float16"), "float16"),
        models_dir=options.models_dir,
        force=options.force,
    )
    show(options, report, runs[report.shipped["seed"]], others, parts)
    result.tell(
        Namespace(**vars(options) | {"models_dir": folder}),
        report,
        reason=reason,
        published=published,
        shown=result.Shown("psnr_network", "PSNR à 1 bit par pixel", "dB"),
        use=result.own_command(options, "--compress image.png", folder=folder),
    )
    return 0


def split(dataset, limit: int | None) -> dict[str, np.ndarray]:
    """Rend les images de `train`, `val`, `test` et `album`, le début du test : uint8."""
    (x, y), (x_test, _) = [(x[:limit], y[:limit]) for x, y in dataset]
    num_val = min(NUM_VAL, max(1, len(x) // 10))
    (x_train, _), (x_val, _) = sources.split_validation(x, y, num_val=num_val, seed=0)
    num_album = math.isqrt(min(NUM_ALBUM, len(x_test))) ** 2
    album = x_test[:num_album]
    return {"train": x_train, "val": x_val, "test": x_test[:NUM_TEST], "album": album}


# --- Question : une graine -----------------------------------------------------------


def run_seed(parts: dict, *, seed: int, options: Namespace) -> dict:
    """Entraîne et mesure les cinq réseaux d'une graine ; rend ce que lit `make_report`."""
    found = {"measures": {}, "rendered": {}, "history": {}, "duration_s": 0.0, "parameters": {}}

    def keep(name, history):
        found["history"] |= {f"{name}_{key}": values for key, values in history.items()}
        found["duration_s"] += sum(history["duration_s"])

    for task in shortcuts.TASKS_FR:
        for kind in shortcuts.NAMES_FR:
            x_train = parts["train"][: shortcuts.NUM_IMAGES]
            model, history = shortcuts.train(
                kind, task, x_train, parts["val"], seed=seed, options=options
            )
            keep(f"{task}_{kind}", history)
            found["parameters"][kind] = int(model.count_params())
            measures, rendered = measure_shortcuts(model, f"{task}_{kind}", parts)
            found["measures"] |= measures
            found["rendered"] |= rendered
    model, history = network.train(parts["train"], parts["val"], seed=seed, options=options)
    keep("compression", history)
    codec = network.network_codec(model, parts["train"])
    folder = output_dir(options) / "fichiers"
    curve = measure_codec(codec, parts["album"], folder / f"reseau_graine{seed}")
    found |= {"model": model, "codec": codec, "curve": curve, "val": history["val_loss"][-1]}
    line = ", ".join(
        f"{label} {found['measures'][name]:.1f} dB"
        for name, label in (("copy_unet", "U-Net"), ("copy_unet_cut", "goulot coupé"))
    )
    rate = at_rate(curve["rate"], curve["psnr"], RATE)
    text = f"Graine {seed} : recopier, {line} ; compresser à 1 bit par pixel, {rate:.2f} dB"
    progress.say(text.replace(".", ","))
    return found


def measure_shortcuts(model: keras.Model, name: str, parts: dict) -> tuple[dict, dict]:
    """Mesure un des quatre réseaux, entier puis goulot coupé.

    Args:
        model: le réseau.
        name: sa tâche et sa sorte, par exemple `"copy_unet"`.
        parts: images de `split`.

    Returns:
        `(PSNR en dB, images rendues du début de l'album)`, par nom ; le goulot coupé a le suffixe
        `_cut`.
    """
    truth = parts["test"]
    given = noisy_test(truth) if name.startswith("denoise") else truth
    measures, rendered = {}, {}
    for suffix, each in (("", model), ("_cut", shortcuts.cut_bottleneck(model, parts["val"]))):
        images = shortcuts.render(each, given)
        measures[f"{name}{suffix}"] = psnr(truth, images)
        rendered[f"{name}{suffix}"] = images[: figures.NUM_SHOWN]
    return measures, rendered


def noisy_test(images: np.ndarray) -> np.ndarray:
    """Bruite des images de test, toujours de la même façon."""
    return shortcuts.add_noise(images, rng=np.random.default_rng(1))


# --- Question : débit et distorsion, sur des fichiers écrits et relus ----------------


def measure_codec(codec: Codec, images: np.ndarray, stem: Path) -> dict[str, list[float]]:
    """Compresse des images à chaque qualité, dans un fichier, et le relit.

    Args:
        codec: le codeur.
        images: uint8 `(n, h, w, 3)`.
        stem: début du nom des fichiers ; leur dossier est créé.

    Returns:
        `rate`, en bits par pixel, `psnr` et `ssim`, une valeur par qualité, de 1 à 7.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    contents = []
    for quality in range(1, len(STEPS) + 1):
        path = stem.with_name(f"{stem.name}_qualite{quality}.bin")
        path.write_bytes(pack(codec, images, quality))
        contents.append(path.read_bytes())
    return measure_files(contents, lambda content: unpack(codec, content), images)


def measure_format(kind: str, images: np.ndarray) -> dict[str, list[float]]:
    """Mesure JPEG ou WebP (`kind`) sur une mosaïque ; rend la même chose que `measure_codec`."""
    mosaic = baselines.to_mosaic(images)
    return measure_files(
        [baselines.write_image(mosaic, kind, each) for each in baselines.QUALITIES[kind]],
        lambda content: baselines.from_mosaic(baselines.read_image(content), len(images)),
        images,
    )


def measure_files(contents: list[bytes], read, images: np.ndarray) -> dict[str, list[float]]:
    """Relit des fichiers, du plus petit au plus grand, et mesure ce qu'ils rendent."""
    curve = {"rate": [], "psnr": [], "ssim": []}
    for content in contents:
        found = read(content)
        curve["rate"].append(8 * len(content) / images[..., 0].size)
        curve["psnr"].append(psnr(images, found))
        curve["ssim"].append(ssim(images, found))
    return curve


def measure_others(parts: dict, folder: Path) -> dict:
    """Mesure tout ce qui n'a pas de graine.

    Args:
        parts: images de `split`.
        folder: dossier des figures, où vont les fichiers compressés.

    Returns:
        `curves`, par codeur ; `codecs`, l'ACP et l'image réduite ; `measures`, en dB.
    """
    train, album, test = parts["train"][: network.NUM_AXES_IMAGES], parts["album"], parts["test"]
    codecs = {"pca": baselines.pca_codec(train), "half": baselines.halving_codec(train)}
    curves = {
        name: measure_codec(codec, album, folder / "fichiers" / name)
        for name, codec in codecs.items()
    }
    curves |= {kind.lower(): measure_format(kind, album) for kind in baselines.FORMATS}
    val, noisy = parts["val"], noisy_test(test)
    noisy_val = shortcuts.add_noise(val, rng=np.random.default_rng(0))
    sigma_px = shortcuts.choose_blur(noisy_val, val)
    mean = np.broadcast_to(parts["train"].mean(axis=0), album.shape)
    measures = {
        "denoise_noisy": psnr(test, noisy),
        "denoise_blur": psnr(test, shortcuts.blur(noisy, sigma_px)),
        "psnr_mean": psnr(album, mean),
    }
    return {"curves": curves, "codecs": codecs, "measures": measures, "sigma_px": sigma_px}


def measure_sizes(codec: Codec, images: np.ndarray) -> dict[str, int]:
    """Mesure, à la qualité montrée, ce que d'autres codeurs font des mêmes entiers, en octets.

    Returns:
        `file`, notre fichier ; `entropy`, la limite de tout codeur qui connaîtrait d'avance la
        fréquence de chaque entier dans chaque voie ; `zlib` et `lzma`, ceux de Python.
    """
    symbols = quantise(codec.analyse(images), STEPS[SHOWN - 1])
    channels = np.moveaxis(symbols, -1, 0).reshape(symbols.shape[-1], -1)
    bits = 0.0
    for each in channels:
        counts = np.unique(each, return_counts=True)[1]
        bits -= float((counts * np.log2(counts / counts.sum())).sum())
    raw = channels.astype(np.int8).tobytes()
    return {
        "file": len(pack(codec, images, SHOWN)),
        "entropy": math.ceil(bits / 8),
        "zlib": len(zlib.compress(raw, 9)),
        "lzma": len(lzma.compress(raw, preset=9 | lzma.PRESET_EXTREME)),
    }


def measure_alone(codec: Codec, curves: dict, images: np.ndarray) -> dict[str, float]:
    """Mesure la taille d'une vignette seule dans son fichier, à PSNR voisins, en octets.

    Args:
        codec: le réseau.
        curves: par codeur, le sien et ceux de JPEG et WebP.
        images: uint8 `(n, h, w, 3)`.

    Returns:
        La taille moyenne, par codeur.
    """
    target = curves["network"]["psnr"][SHOWN - 1]
    sizes = {"network": [len(pack(codec, image[None], SHOWN)) for image in images]}
    for kind, qualities in baselines.QUALITIES.items():
        gaps = [abs(each - target) for each in curves[kind.lower()]["psnr"]]
        quality = qualities[int(np.argmin(gaps))]
        sizes[kind.lower()] = [len(baselines.write_image(each, kind, quality)) for each in images]
    return {name: float(np.mean(each)) for name, each in sizes.items()}


# --- Question : ce qu'on en retient --------------------------------------------------


def make_report(options: Namespace, runs: list[dict], others: dict, parts: dict, dataset) -> Report:
    """Rassemble les mesures de toutes les graines ; la validation choisit le réseau livré.

    Args:
        options: options de `cli.training_parser`.
        runs: rendus par `run_seed`.
        others: rendu par `measure_others`.
        parts: images de `split`.
        dataset: CIFAR-10, pour son empreinte.

    Returns:
        Un compte rendu prêt pour `saving.save_model`.
    """
    scores = [-run["val"] for run in runs]
    best = int(np.argmax(scores))
    curves = [{"network": run["curve"], **others["curves"]} for run in runs]
    measured = [
        {
            **run["measures"],
            **{
                f"{name}_{key}": at_rate(curve["rate"], curve[name], RATE)
                for key, curve in each.items()
                for name in ("psnr", "ssim")
            },
            **{
                f"gain_{key}": mean_gain(
                    *((each[name]["rate"], each[name]["psnr"]) for name in ("network", key))
                )
                for key in others["curves"]
            },
            **others["measures"],
        }
        for run, each in zip(runs, curves, strict=True)
    ]
    fixed = {*others["measures"], *(f"{m}_{k}" for m in ("psnr", "ssim") for k in others["curves"])}
    metrics = {
        # Ce qui n'a pas de hasard est le même pour toutes les graines : dit une seule fois.
        name: study.summarise([each[name] for each in measured[: 1 if name in fixed else None]])
        for name in measured[0]
    }
    shipped, album = runs[best], parts["album"]
    return Report(
        command=training_command(options),
        headline=[Headline(*each) for each in HEADLINE],
        metrics=metrics,
        shipped={"seed": best, **measured[best]},
        score=scores[best],
        validation=study.summarise(scores),
        seeds=list(range(options.seeds)),
        duration_s=study.summarise([run["duration_s"] for run in runs]),
        precision=choose_precision(options.precision),
        backend=keras.backend.backend(),
        num_parameters=int(shipped["model"].count_params()),
        parameters=shipped["parameters"],
        num_images={name: len(images) for name, images in parts.items()},
        data_sha256=sources.dataset_sha256(dataset),
        input_shape=[None, None, 3],
        history=shipped["history"],
        details={
            "curves": {"network": [run["curve"] for run in runs], **others["curves"]},
            "steps": list(STEPS),
            "statistics": shipped["codec"].statistics,
            "bytes": measure_sizes(shipped["codec"], album),
            "bytes_alone": measure_alone(shipped["codec"], curves[best], album[:NUM_ALONE]),
            "blur_px": others["sigma_px"],
        },
    )


def show(options: Namespace, report: Report, run: dict, others: dict, parts: dict) -> None:
    """Affiche les mesures, et écrit les figures, la mosaïque et les fichiers compressés.

    Args:
        options: options de `cli.training_parser`.
        report: compte rendu de `make_report`.
        run: la graine livrée, rendue par `run_seed`.
        others: rendu par `measure_others`.
        parts: images de `split`.
    """
    folder, album = output_dir(options), parts["album"]
    for label, value in format_headline(report):
        print(f"{label:<52} {value}")
    for key, name in CODERS_FR.items():
        if key != "network":
            text = (
                f"À débit égal, le réseau contre {name} : {report.metrics[f'gain_{key}'].mean:+.2f}"
            )
            print(text.replace(".", ","), "dB en moyenne")
    sizes, alone = report.details["bytes"], report.details["bytes_alone"]
    print(
        f"{len(album)} vignettes à la qualité {SHOWN} : {sizes['file']} octets, tout compris ; "
        f"entropie {sizes['entropy']}, zlib {sizes['zlib']}, lzma {sizes['lzma']}."
    )
    print(
        f"Une vignette seule dans son fichier, à PSNR voisin : réseau {alone['network']:.0f} octets"
        f" (dont 18 d'en-tête et de contrôle), WebP {alone['webp']:.0f}, JPEG {alone['jpeg']:.0f}."
    )
    figures.save_shortcuts(
        folder / "goulot.png", parts["test"], noisy_test(parts["test"]), run, report
    )
    figures.save_curves(folder / "debit.png", report)
    figures.save_thumbnails(
        folder / "vignettes.png", render_all(run["codec"], others["codecs"]["pca"], album), album
    )
    Image.fromarray(baselines.to_mosaic(album)).save(folder / "mosaique.png")
    print(f"Figures et fichiers compressés écrits dans {folder}/")


def render_all(codec: Codec, pca: Codec, album: np.ndarray) -> dict[str, tuple[np.ndarray, float]]:
    """Rend les vignettes de chaque codeur, à la taille de celles du réseau ou au plus près.

    Returns:
        Par nom, `(images uint8 (n, h, w, 3), bits par pixel)`.
    """
    wanted = pack(codec, album, SHOWN)
    mosaic, found = baselines.to_mosaic(album), {}
    for kind, name in (("JPEG", "JPEG"), ("WEBP", "WebP")):
        tried = (baselines.write_image(mosaic, kind, quality) for quality in range(1, 96))
        content = min(tried, key=lambda content: abs(len(content) - len(wanted)))
        found[name] = baselines.from_mosaic(baselines.read_image(content), len(album)), content
    tried = [pack(pca, album, quality) for quality in range(max(1, SHOWN - 1), SHOWN + 2)]
    content = min(tried, key=lambda content: abs(len(content) - len(wanted)))
    found["ACP"] = unpack(pca, content), content
    found["réseau"] = unpack(codec, wanted), wanted
    pixels = album[..., 0].size
    return {name: (images, 8 * len(c) / pixels) for name, (images, c) in found.items()}
