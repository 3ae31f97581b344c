"""Apprendre une tête sur une base figée : garder ses caractéristiques, ou y repasser chaque fois.

Mesure `ex05_features.compare_epochs` : une époque où les images traversent InceptionV3, une autre
où leurs caractéristiques sont lues en mémoire, puis le temps de les calculer une fois.
"""

import atexit
import contextlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import measure
from benchmarks.processes import Worker
from convnets.core import paths
from convnets.datasets import folders, pretrained
from convnets.figures import style as figures

CLASSES, IMAGE_PX = ("chat", "chien"), 150  # ceux de l'exercice 05
NUM_IMAGES, QUICK_IMAGES = 2000, 40
CURVE_EPOCHS = 30  # de la recette de l'exercice 05
SKIPPED = (
    "Mesure passée : les poids d'InceptionV3 ne sont pas sur cette machine "
    "(`python -m exercises.ex05_inception` les y met)."
)


def has_weights() -> bool:
    """Dit si les poids d'InceptionV3 sont dans le cache, sans rien télécharger."""
    names = (pretrained.OFFICIAL_FILE, pretrained.CONVERTED_FILE)
    return any((paths.keras_models_dir() / name).exists() for name in names)


def epochs_task(folder: str) -> Callable[[], dict[str, float]]:
    """Rend la tâche qui fait une époque de chaque façon (processus TensorFlow).

    Args:
        folder: dossier qui contient un dossier d'images par classe.
    """
    from exercises.ex05_inception import features

    base, _ = pretrained.inception_v3(input_px=features.IMAGE_PX)
    frozen = features.frozen_base(base)
    stack = contextlib.ExitStack()
    atexit.register(stack.close)  # efface les copies à la fin du processus
    pictures = stack.enter_context(
        folders.square_copies(folders.scan(Path(folder)), features.IMAGE_PX)
    )

    def task() -> dict[str, float]:
        start = time.perf_counter()
        x = frozen.predict(features.make_generator(pictures), verbose=0)
        extract_s = time.perf_counter() - start
        found = features.compare_epochs(pictures, frozen, x)
        return {
            "extract_s": extract_s,
            "pushed_s": found["pushed"]["epoch_s"],
            "cached_s": found["cached"]["epoch_s"],
        }

    return task


def break_even(pushed_s: float, cached_s: float, extract_s: float) -> int:
    """Rend à partir de combien d'époques calculer les caractéristiques d'abord est plus court.

    Args:
        pushed_s: une époque, images repassées dans la base.
        cached_s: une époque, caractéristiques lues.
        extract_s: calcul des caractéristiques.

    Returns:
        Le plus petit nombre entier d'époques ; 0 si cela n'arrive jamais.
    """
    if cached_s >= pushed_s:
        return 0
    return int(extract_s // (pushed_s - cached_s)) + 1


def make_text(rounds: list[dict[str, float]], num: int) -> str:
    """Met les mesures en tableau, puis en une phrase.

    Args:
        rounds: ce que rend la tâche, tour par tour.
        num: nombre d'images du dossier.
    """
    columns = {key: [each[key] for each in rounds] for key in rounds[0]}
    labels = {
        "pushed_s": "une époque, images repassées dans la base",
        "cached_s": "une époque, caractéristiques gardées",
        "extract_s": "calculer les caractéristiques, une fois",
    }
    rows = [
        [
            label,
            measure.spread(measure.paired_ratios(columns[key], columns["cached_s"])),
            measure.spread(measure.summarise(columns[key]), measure.duration),
        ]
        for key, label in labels.items()
    ]
    medians = {key: measure.summarise(values).median for key, values in columns.items()}
    epochs = break_even(**medians)
    when = (
        f"Les calculer d'abord fait gagner du temps dès la fin de l'époque {epochs}."
        if epochs
        else "Les calculer d'abord ne fait jamais gagner de temps."
    )
    title = f"{measure.french(num)} images, un cinquième pour la validation"
    header = (title, "temps ÷ époque gardée", "temps")
    return f"{measure.markdown_table(header, rows)}\n\n{when}"


def save_figure(path: Path, rounds: list[dict[str, float]], machine: str) -> None:
    """Dessine le temps cumulé des deux façons, époque après époque."""
    median = {key: measure.summarise(each[key] for each in rounds).median for key in rounds[0]}
    epochs = range(1, CURVE_EPOCHS + 1)
    curves = {
        "images repassées dans la base": [median["pushed_s"] * n for n in epochs],
        "caractéristiques gardées": [median["extract_s"] + median["cached_s"] * n for n in epochs],
    }
    with figures.new_figure(path) as (figure, axes):
        for (name, seconds), style in zip(curves.items(), ("-", "--"), strict=True):
            axes[0, 0].plot(epochs, seconds, style, label=name)
        measure.use_plain_log(axes[0, 0], "y")
        axes[0, 0].set(xlabel="époques", ylabel="secondes depuis le début")
        axes[0, 0].legend()
        measure.sign(figure, "Apprendre une tête sur InceptionV3 figé", machine)


def run(options: measure.Options) -> str:
    """Mesure, écrit la figure et rend le texte Markdown."""
    if not has_weights():
        return SKIPPED
    num = QUICK_IMAGES if options.quick else NUM_IMAGES
    with tempfile.TemporaryDirectory(prefix="cours-cnn-") as temporary:
        folder = folders.cifar_folder(
            CLASSES,
            split="train",
            num_images=num,
            size_px=IMAGE_PX,
            cache_dir=Path(temporary) if options.quick else None,
        )
        with Worker("benchmarks.transfer:epochs_task", {"folder": str(folder)}) as worker:
            samples, _ = measure.interleave(
                {"époques": worker},
                repeat=options.repeat,
                warm_up=options.warm_up,
                required=["époques"],
            )
    save_figure(options.output / "transfer.png", samples["époques"], options.machine)
    return make_text(samples["époques"], num)
