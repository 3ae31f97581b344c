"""Auto-encodeurs : passer par un goulot, avec ou sans raccourcis ; puis compresser pour de bon.

Document : S3 « Different problems, models & metrics » (« Specificities wrt auto-encoders? » ;
figure (7) : image → bits → image).
Commande : python -m exercises.ex24_autoencoder
           python -m exercises.ex24_autoencoder --compress image.png --output code.bin
           python -m exercises.ex24_autoencoder --decompress code.bin --output relue.png

Ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

import functools
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convnets.core.cli import add_model_option, lesson_parser
from convnets.core.cli import run as run_command
from convnets.core.intervals import against_others, by_image
from convnets.core.reports import Headline, format_headline
from convnets.datasets import sources
from convnets.figures.charts import table
from convnets.figures.style import output_dir
from convnets.training import lesson
from exercises.ex24_autoencoder import baselines, command, figures, network, shortcuts
from exercises.ex24_autoencoder.codec import BLOCK_PX, STEPS, Codec, through_codec
from exercises.ex24_autoencoder.measures import at_rate, measure, psnr_each

NUM_VAL = 1000  # images mises à part : le goulot coupé rend leur moyenne
NUM_TEST = 1000  # images de test des quatre réseaux du goulot
NUM_ALBUM = 256  # vignettes de test compressées : un carré, celui de la mosaïque
RATE = 1.0  # bits par pixel où l'on lit les courbes ; une image brute en a 24
SHARE, COMPRESSION_SHARE = 0.2, 0.2  # parts du temps d'apprentissage : un des quatre, le dernier
HEADLINE = [
    Headline("copy_unet", "recopier : PSNR du U-Net", "dB"),
    Headline("copy_unet_cut", "recopier : PSNR du U-Net, goulot coupé", "dB"),
    Headline("copy_plain", "recopier : PSNR de l'auto-encodeur", "dB"),
    Headline("copy_plain_cut", "recopier : PSNR de l'auto-encodeur, goulot coupé", "dB"),
    Headline("copy_pca", "recopier : PSNR de l'ACP des carrés, même goulot", "dB"),
    Headline("copy_whole", "recopier : PSNR de l'ACP des images entières, même goulot", "dB"),
    Headline("copy_small", "recopier : PSNR de l'image réduite à 9 × 9 pixels", "dB"),
    Headline("denoise_unet", "débruiter : PSNR du U-Net", "dB"),
    Headline("denoise_plain", "débruiter : PSNR de l'auto-encodeur", "dB"),
    Headline("denoise_pca", "débruiter : PSNR de l'ACP des carrés, même goulot", "dB"),
    Headline("denoise_whole", "débruiter : PSNR de l'ACP des images entières, même goulot", "dB"),
    Headline("denoise_blur", "débruiter : PSNR d'un flou gaussien", "dB"),
    Headline("denoise_non_local", "débruiter : PSNR des moyennes non locales", "dB"),
    Headline("denoise_wiener", "débruiter : PSNR de carrés réduits le long de l'ACP", "dB"),
    Headline("denoise_noisy", "débruiter : PSNR de l'image bruitée", "dB"),
    *(
        Headline(f"psnr_{key}", f"1 bit par pixel : PSNR, {name}", "dB")
        for key, name in figures.CODERS_FR.items()
    ),
    *(
        Headline(f"ssim_{key}", f"1 bit par pixel : SSIM, {figures.CODERS_FR[key]}")
        for key in ("network", "webp", "jpeg")
    ),
]
# Ce qui a appris, et que `pool` compare à toutes les autres mesures de la même tâche.
LEARNED = (
    "copy_unet",
    "copy_plain",
    "denoise_unet",
    "denoise_plain",
    "psnr_network",
    "ssim_network",
)


class Parts(NamedTuple):
    """Les images de la leçon, uint8 `(n, 32, 32, 3)`."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray
    noisy: np.ndarray  # celles de test, bruitées
    album: np.ndarray  # celles de test qui sont compressées


def load_parts(limit: int | None) -> Parts:
    """Charge les images, au plus `limit` pour apprendre et pour mesurer."""
    x_train, _, x_val, _, x_test, _ = lesson.split(
        sources.load_cifar10(), limit=limit, num_val=NUM_VAL
    )
    album = x_test[: math.isqrt(min(NUM_ALBUM, len(x_test))) ** 2]
    x_test = x_test[:NUM_TEST]
    noisy = shortcuts.add_noise(x_test, rng=np.random.default_rng(1))
    return Parts(x_train, x_val, x_test, noisy, album)


@functools.cache
def without_network(limit: int | None) -> tuple[dict, dict]:
    """Recopie, débruite et compresse sans réseau : les mêmes images pour toutes les graines.

    Returns:
        Par mesure, les images rendues ; par codeur, `(contenu, images relues)` de chaque qualité.
    """
    parts = load_parts(limit)
    images = parts.train[: shortcuts.NUM_IMAGES]
    num_kept = shortcuts.BOTTLENECK * parts.test[0, ..., 0].size // BLOCK_PX**2
    axes, spreads = baselines.principal_axes(images)
    whole = baselines.whole_axes(images, num_kept)
    rendered = {
        "copy_small": baselines.reduce_and_enlarge(parts.test),
        "denoise_noisy": parts.noisy,
        "denoise_blur": shortcuts.blur(parts.noisy),
        "denoise_non_local": baselines.non_local_means(parts.noisy, shortcuts.NOISE),
        "denoise_wiener": shortcuts.sliding_wiener(parts.noisy, axes, spreads),
    }
    axes = axes[:, : shortcuts.BOTTLENECK]
    for task, given in zip(shortcuts.TASKS, (parts.test, parts.noisy), strict=True):
        rendered[f"{task}_pca"] = np.clip(baselines.project(given, axes), 0, 255)
        rendered[f"{task}_whole"] = np.clip(baselines.project_whole(given, whole), 0, 255)
    pca = baselines.pca_codec(parts.train[: network.NUM_AXES_IMAGES])
    files = {"pca": at_each_quality(pca, parts.album)}
    for kind, qualities in baselines.QUALITIES.items():
        files[kind.lower()] = [
            baselines.through_format(parts.album, kind, each) for each in qualities
        ]
    return rendered, files


def at_each_quality(codec: Codec, album: np.ndarray) -> list[tuple[bytes, np.ndarray]]:
    """Compresse des images à chaque qualité, et les relit."""
    return [through_codec(codec, album, quality) for quality in range(1, len(STEPS) + 1)]


def run(
    seed: int,
    *,
    epochs: int = network.EPOCHS,
    minutes: float | None = None,
    limit: int | None = None,
) -> lesson.Run:
    """Apprend les quatre réseaux du goulot, puis celui qui compresse, et les mesure.

    Args:
        seed: graine des poids, du bruit et de l'ordre des images.
        epochs: nombre d'époques de chaque réseau.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: au plus tant d'images d'entraînement et de test.

    Returns:
        Les mesures ; le réseau qui compresse ; dans `pooled`, chaque mesure de chaque image de
        test, et ce que montrent les figures.
    """
    parts = load_parts(limit)
    rendered, files = (dict(each) for each in without_network(limit))
    images = parts.train[: shortcuts.NUM_IMAGES]
    for task, given in zip(shortcuts.TASKS, (parts.test, parts.noisy), strict=True):
        for kind in shortcuts.KINDS:
            clock = lesson.Clock(epochs, minutes, share=SHARE)
            model = shortcuts.train(kind, task, images, seed=seed, clock=clock)
            rendered[f"{task}_{kind}"] = shortcuts.render(model, given)
            shortcuts.cut_bottleneck(model, parts.val)
            rendered[f"{task}_{kind}_cut"] = shortcuts.render(model, given)
    levels = {name: psnr_each(parts.test, images) for name, images in rendered.items()}

    clock = lesson.Clock(epochs, minutes, share=COMPRESSION_SHARE)
    model = network.train(parts.train, seed=seed, clock=clock)
    files["network"] = at_each_quality(network.to_codec(model), parts.album)
    curves = {key: measure(each, parts.album) for key, each in files.items()}
    for key, curve in curves.items():
        levels[f"psnr_{key}"] = at_rate(curve.rates, curve.psnr, RATE)
        levels[f"ssim_{key}"] = at_rate(curve.rates, curve.ssim, RATE)
    metrics, pooled = by_image(levels)
    kept = {
        "pooled": pooled,
        "parts": parts,
        "rendered": rendered,
        "files": files,
        "curves": curves,
    }
    return lesson.Run(metrics, model, kept)


def pool(found: list[dict]) -> dict:
    """Rend l'écart de chaque réseau avec chaque autre mesure de la même tâche.

    Args:
        found: par graine, ce que vaut chaque mesure à chaque image de test.

    Returns:
        `{"gaps": {"copy_plain copy_pca": [moyenne, bas, haut]…}}`, graines et images ensemble.
    """
    gaps = {}
    for own in LEARNED:
        task = own.split("_")[0]
        same = [
            {name: each for name, each in levels.items() if name.startswith(task)}
            for levels in found
        ]
        gaps |= {f"{own} {other}": gap for other, gap in against_others(same, own).items()}
    return {"gaps": gaps}


def teach(options) -> None:
    """Apprend et mesure une graine, enregistre le réseau qui compresse, et dessine."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    kept, folder = found.kept, output_dir(options)
    report = lesson.save(found.model, options, found.metrics, light=False, headline=HEADLINE)
    print(table(["mesure, sur les images de test", "valeur"], format_headline(report)))
    parts = kept["parts"]
    figures.save_shortcuts(folder / "goulot.png", parts.test, kept["rendered"], found.metrics)
    figures.save_curves(folder / "debit.png", kept["curves"])
    figures.save_thumbnails(folder / "vignettes.png", kept["files"], parts.album)
    print(f"Figures écrites dans {folder}/")
    print(f"À essayer : {lesson.command_for(options)} --compress samples/chat.png")


def main(argv: list[str] | None = None) -> int:
    """Sans fichier, apprend et mesure ; avec un fichier, le compresse ou le relit."""
    parser = lesson_parser("ex24_autoencoder", __doc__.splitlines()[0], epochs=network.EPOCHS)
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        "--compress",
        type=Path,
        metavar="NOM",
        help="compresser cette image, dans le fichier que nomme --output",
    )
    action.add_argument(
        "--decompress",
        type=Path,
        metavar="NOM",
        help="relire ce fichier, et en écrire l'image dans le PNG que nomme --output",
    )
    parser.add_argument(
        "--quality",
        type=int,
        choices=range(1, len(STEPS) + 1),
        default=command.QUALITY,
        help=f"de --compress : 1, le plus petit fichier, à {len(STEPS)}, la plus belle image "
        f"({command.QUALITY} par défaut)",
    )
    add_model_option(parser)
    options = parser.parse_args(argv)
    if options.compress:
        return run_command(lambda: command.compress(options))
    if options.decompress:
        return run_command(lambda: command.decompress(options))
    return lesson.run(teach, options)


if __name__ == "__main__":
    raise SystemExit(main())
