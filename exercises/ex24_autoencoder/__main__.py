"""Auto-encodeurs : passer par un goulot, avec ou sans raccourcis ; puis compresser pour de bon.

Document : S3 « Different problems, models & metrics » (« Specificities wrt auto-encoders? » ;
figure (7) : image → bits → image).
Commande : python -m exercises.ex24_autoencoder
           python -m exercises.ex24_autoencoder --compress image.png --output code.bin
           python -m exercises.ex24_autoencoder --decompress code.bin --output relue.png

Ce qu'il y a à lire, et dans quel ordre, est dans `__init__.py`.
"""

import math
from pathlib import Path

import numpy as np

from convnets.core.cli import add_model_option, lesson_parser
from convnets.core.cli import run as run_command
from convnets.core.reports import Headline, format_headline
from convnets.datasets import sources
from convnets.figures.charts import table
from convnets.figures.style import output_dir
from convnets.training import lesson
from exercises.ex24_autoencoder import baselines, command, figures, network, shortcuts
from exercises.ex24_autoencoder.codec import STEPS, through_codec
from exercises.ex24_autoencoder.measures import at_rate, mean_gain, measure, psnr_each

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
    Headline("copy_pca", "recopier : PSNR de l'ACP, même goulot", "dB"),
    Headline("copy_gain", "recopier : gain de l'auto-encodeur sur l'ACP, par image", "dB"),
    Headline("copy_reach", "recopier : demi-intervalle de ce gain", "dB"),
    Headline("denoise_unet", "débruiter : PSNR du U-Net", "dB"),
    Headline("denoise_plain", "débruiter : PSNR de l'auto-encodeur", "dB"),
    Headline("denoise_pca", "débruiter : PSNR de l'ACP, même goulot", "dB"),
    Headline("denoise_gain", "débruiter : gain de l'auto-encodeur sur l'ACP, par image", "dB"),
    Headline("denoise_reach", "débruiter : demi-intervalle de ce gain", "dB"),
    Headline("denoise_blur", "débruiter : PSNR d'un flou gaussien", "dB"),
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
    *(
        Headline(f"{kind}_{key}", f"1 bit par pixel : {text} sur {figures.CODERS_FR[key]}", "dB")
        for key in ("pca", "webp", "jpeg")
        for kind, text in (("gain", "gain du réseau"), ("reach", "demi-intervalle de ce gain"))
    ),
]


def without_network(noisy: np.ndarray, axes: np.ndarray, spreads: np.ndarray) -> dict:
    """Débruite sans réseau, des images uint8 : par mesure, les images rendues."""
    return {
        "denoise_noisy": noisy,
        "denoise_blur": shortcuts.blur(noisy),
        "denoise_wiener": shortcuts.sliding_wiener(noisy, axes, spreads),
    }


def witnesses() -> dict[str, float]:
    """Mesure ce qui débruite sans réseau, sur les images de test de la leçon : PSNR moyens."""
    x_train, *_, x_test, _ = lesson.split(sources.load_cifar10(), limit=None, num_val=NUM_VAL)
    x_test = x_test[:NUM_TEST]
    noisy = shortcuts.add_noise(x_test, rng=np.random.default_rng(1))
    axes, spreads = baselines.principal_axes(x_train[: shortcuts.NUM_IMAGES])
    found = without_network(noisy, axes, spreads)
    found["denoise_non_local"] = baselines.non_local_means(noisy, shortcuts.NOISE)
    return {name: float(psnr_each(x_test, each).mean()) for name, each in found.items()}


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
    """
    x_train, _, x_val, _, x_test, _ = lesson.split(
        sources.load_cifar10(), limit=limit, num_val=NUM_VAL
    )
    album = x_test[: math.isqrt(min(NUM_ALBUM, len(x_test))) ** 2]
    x_test = x_test[:NUM_TEST]
    noisy = shortcuts.add_noise(x_test, rng=np.random.default_rng(1))
    images = x_train[: shortcuts.NUM_IMAGES]
    all_axes, spreads = baselines.principal_axes(images)
    rendered = without_network(noisy, all_axes, spreads)
    axes = all_axes[:, : shortcuts.BOTTLENECK]
    for task, given in zip(shortcuts.TASKS, (x_test, noisy), strict=True):
        rendered[f"{task}_pca"] = np.clip(baselines.project(given, axes), 0, 255)
        for kind in shortcuts.KINDS:
            clock = lesson.Clock(epochs, minutes, share=SHARE)
            model = shortcuts.train(kind, task, images, seed=seed, clock=clock)
            rendered[f"{task}_{kind}"] = shortcuts.render(model, given)
            shortcuts.cut_bottleneck(model, x_val)
            rendered[f"{task}_{kind}_cut"] = shortcuts.render(model, given)
    levels = {name: psnr_each(x_test, images) for name, images in rendered.items()}
    metrics = {name: each.mean() for name, each in levels.items()}
    for task in shortcuts.TASKS:
        metrics[f"{task}_gain"], metrics[f"{task}_reach"] = mean_gain(
            levels[f"{task}_plain"], levels[f"{task}_pca"]
        )

    clock = lesson.Clock(epochs, minutes, share=COMPRESSION_SHARE)
    model = network.train(x_train, seed=seed, clock=clock)
    codecs = {
        "network": network.to_codec(model),
        "pca": baselines.pca_codec(x_train[: network.NUM_AXES_IMAGES]),
    }
    files = {
        key: [through_codec(codec, album, quality) for quality in range(1, len(STEPS) + 1)]
        for key, codec in codecs.items()
    }
    for kind, qualities in baselines.QUALITIES.items():
        files[kind.lower()] = [baselines.through_format(album, kind, each) for each in qualities]
    curves = {key: measure(each, album) for key, each in files.items()}
    levels = {key: at_rate(curve.rates, curve.psnr, RATE) for key, curve in curves.items()}
    for key, curve in curves.items():
        metrics[f"psnr_{key}"] = levels[key].mean()
        metrics[f"ssim_{key}"] = at_rate(curve.rates, curve.ssim, RATE)
        if key != "network":
            metrics[f"gain_{key}"], metrics[f"reach_{key}"] = mean_gain(
                levels["network"], levels[key]
            )
    kept = {"test": x_test, "rendered": rendered, "album": album, "files": files}
    return lesson.Run(metrics, model, kept | {"curves": curves})


def teach(options) -> None:
    """Apprend et mesure une graine, enregistre le réseau qui compresse, et dessine."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    kept, folder = found.kept, output_dir(options)
    report = lesson.save(found.model, options, found.metrics, light=False, headline=HEADLINE)
    print(table(["mesure, sur les images de test", "valeur"], format_headline(report)))
    figures.save_shortcuts(folder / "goulot.png", kept["test"], kept["rendered"], found.metrics)
    figures.save_curves(folder / "debit.png", kept["curves"])
    figures.save_thumbnails(folder / "vignettes.png", kept["files"], kept["album"])
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
