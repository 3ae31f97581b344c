"""Comment le coût grandit : avec le nombre d'images, et avec la largeur du réseau.

La pente d'une droite en échelles logarithmiques est l'exposant : 1 pour un coût proportionnel.
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import measure
from benchmarks.processes import Run, Worker, run_process
from convnets.datasets import sources
from convnets.figures import style
from convnets.training import export

COUNTS, QUICK_COUNTS = (1, 10, 100, 1000, 10_000), (1, 10, 100)
FACTORS, QUICK_FACTORS = (1, 2, 4), (1, 2)  # multiplient les largeurs de la recette light
INFERENCE_BATCH, TRAINING_BATCH = 64, 128
REPEATS = 3  # passes chronométrées dans une même mesure


# --- Avec le nombre d'images --------------------------------------------------------------


def write_folders(root: Path, x: np.ndarray, counts: tuple[int, ...]) -> dict[int, Path]:
    """Écrit un dossier de PNG par nombre d'images ; les fichiers y sont liés, non recopiés.

    Args:
        root: dossier où écrire.
        x: images uint8 `(n, h, w, 3)`, n au moins égal au plus grand nombre.
        counts: nombres d'images.
    """
    files = []
    (root / "images").mkdir()
    for i in range(max(counts)):
        files.append(root / "images" / f"{i:05}.png")
        Image.fromarray(x[i]).save(files[-1], compress_level=1)
    folders = {count: root / str(count) for count in counts}
    for count, folder in folders.items():
        folder.mkdir()
        for path in files[:count]:
            os.link(path, folder / path.name)
    return folders


def count_table(samples: dict[int, list[Run]]) -> str:
    """Met en tableau `./predict` selon le nombre d'images, et dit les pentes."""
    counts = sorted(samples)
    first = [run.duration_s for run in samples[counts[0]]]
    rows = []
    for count in counts:
        durations = [run.duration_s for run in samples[count]]
        memory = measure.summarise(run.peak_mib for run in samples[count])
        median = measure.summarise(durations)
        rows.append(
            [
                measure.french(count),
                measure.spread(measure.paired_ratios(durations, first)),
                measure.duration(median.median / count),
                f"{measure.french(memory.median)} Mio",
                measure.spread(median, measure.duration),
            ]
        )
    header = (
        "images",
        f"temps ÷ {counts[0]} image",
        "temps par image",
        "mémoire au plus haut",
        "temps",
    )
    tail = counts[-3:]
    return (
        f"{measure.markdown_table(header, rows)}\n\nDe {measure.french(tail[0])} à "
        f"{measure.french(tail[-1])} images, le temps croît à la puissance "
        f"{exponent(tail, durations_of(samples))}, la mémoire à la puissance "
        f"{exponent(tail, memory_of(samples))}."
    )


def durations_of(samples: dict[int, list[Run]]) -> dict[int, float]:
    """Rend la durée médiane de chaque nombre d'images."""
    return {
        n: measure.summarise(run.duration_s for run in runs).median for n, runs in samples.items()
    }


def memory_of(samples: dict[int, list[Run]]) -> dict[int, float]:
    """Rend la mémoire médiane de chaque nombre d'images, en Mio."""
    return {
        n: measure.summarise(run.peak_mib for run in runs).median for n, runs in samples.items()
    }


def exponent(sizes, costs: dict[int, float]) -> str:
    """Écrit, à deux décimales, la pente des coûts à ces tailles."""
    slope = measure.fit_slope(sizes, [costs[size] for size in sizes])
    return f"{slope:.2f}".replace(".", ",").replace("-0,00", "0,00")


# --- Avec la largeur du réseau --------------------------------------------------------------


def width_task(factor: int, images: str, quick: bool) -> Callable[[], dict[str, float]]:
    """Rend la tâche qui mesure un réseau élargi (processus TensorFlow).

    Args:
        factor: ce qui multiplie les largeurs de la recette light.
        images: fichier `.npz` qui contient `x` et `y`.
        quick: partir d'un réseau minuscule.
    """
    from ai_edge_litert.interpreter import Interpreter

    from benchmarks import training_step
    from recipes import thumbnails, thumbnails_light

    recipe = training_step.find_recipe("light", quick=quick)
    batch_size = min(recipe.batch_size, TRAINING_BATCH)
    widths = tuple(factor * width for width in recipe.widths)
    recipe = recipe._replace(widths=widths, batch_size=batch_size)
    with np.load(images) as file:
        x, y = file["x"], file["y"]
    model, batches, _ = training_step.compiled_recipe(recipe, x, y, "auto")
    fixed = batches[0]
    network = thumbnails.build_model(widths, thumbnails_light.DEPTH, name=thumbnails_light.SLUG)
    content = export.export_litert(network)
    engine = Interpreter(model_content=content, num_threads=os.cpu_count())
    index = engine.get_input_details()[0]["index"]
    engine.resize_tensor_input(index, (INFERENCE_BATCH, *x.shape[1:]))
    engine.allocate_tensors()
    engine.set_tensor(index, x[:INFERENCE_BATCH])

    def task() -> dict[str, float]:
        return {
            "parameters": model.count_params(),
            "inference_s": seconds(engine.invoke) / INFERENCE_BATCH,
            "training_s": seconds(lambda: model.train_on_batch(*fixed)) / batch_size,
        }

    return task


def seconds(action: Callable[[], object]) -> float:
    """Rend la durée moyenne d'une action, après une fois pour rien."""
    action()
    start = time.perf_counter()
    for _ in range(REPEATS):
        action()
    return (time.perf_counter() - start) / REPEATS


def width_table(samples: dict[int, list[dict[str, float]]]) -> str:
    """Met en tableau le coût d'une image selon la largeur, et dit les pentes."""
    factors, rows = sorted(samples), []
    columns = {
        factor: {key: [each[key] for each in rounds] for key in rounds[0]}
        for factor, rounds in samples.items()
    }
    keys = ("inference_s", "training_s")
    for factor in factors:
        found = columns[factor]
        ratios = [
            measure.spread(measure.paired_ratios(found[key], columns[factors[0]][key]))
            for key in keys
        ]
        times = [measure.spread(measure.summarise(found[key]), measure.duration) for key in keys]
        rows.append([f"×{factor}", measure.french(found["parameters"][0]), *ratios, *times])
    header = (
        "largeur",
        "paramètres",
        f"prédire ÷ ×{factors[0]}",
        f"apprendre ÷ ×{factors[0]}",
        "prédire une image",
        "apprendre une image",
    )
    powers = [exponent(factors, medians(samples, key)) for key in keys]
    return (
        f"{measure.markdown_table(header, rows)}\n\nQuand la largeur croît, prédire croît à la "
        f"puissance {powers[0]} et apprendre à la puissance {powers[1]} ; le nombre de "
        f"paramètres, à la puissance {exponent(factors, medians(samples, 'parameters'))}."
    )


def medians(samples: dict[int, list[dict[str, float]]], key: str) -> dict[int, float]:
    """Rend la médiane d'une mesure à chaque largeur."""
    return {
        factor: measure.summarise(each[key] for each in rounds).median
        for factor, rounds in samples.items()
    }


# --- Le résultat -------------------------------------------------------------------------


def save_figure(path: Path, by_count: dict, by_width: dict, machine: str) -> None:
    """Dessine les quatre coûts en échelles logarithmiques, avec leur pente."""
    inference, training = (
        {factor: 1000 * seconds for factor, seconds in medians(by_width, key).items()}
        for key in ("inference_s", "training_s")
    )
    panels = (
        ("images", "secondes", {"./predict DOSSIER": durations_of(by_count)}),
        ("images", "Mio au plus haut", {"./predict DOSSIER": memory_of(by_count)}),
        (
            "largeur du réseau, multipliée par",
            "millisecondes par image",
            {"prédire (LiteRT)": inference, "apprendre (Keras)": training},
        ),
    )
    with style.new_figure(path, columns=3, size=(4.2, 3.8)) as (figure, axes):
        for axis, (x_label, y_label, curves) in zip(axes[0], panels, strict=True):
            for (name, costs), marker in zip(curves.items(), "os", strict=False):
                sizes = sorted(costs)
                label = f"{name}, pente {exponent(sizes[-3:], costs)}"
                axis.plot(sizes, [costs[size] for size in sizes], marker=marker, label=label)
            axis.set(xscale="log", xlabel=x_label, ylabel=y_label)
            axis.set_xticks(sizes, [measure.french(size) for size in sizes])
            axis.minorticks_off()
            measure.use_plain_log(axis, "y")
            axis.legend(fontsize=8)
        axes[0, 1].set_ylim(10, 1000)
        measure.sign(figure, "Comment le coût grandit (pente des trois derniers points)", machine)


def run(options: measure.Options) -> str:
    """Mesure, écrit la figure et rend le texte Markdown."""
    x, y = sources.load_cifar10()[1]
    counts, factors = (QUICK_COUNTS, QUICK_FACTORS) if options.quick else (COUNTS, FACTORS)
    turns = {"repeat": options.repeat, "warm_up": options.warm_up}
    with contextlib.ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cours-cnn-")))
        tasks = {
            count: lambda folder=folder: run_process(["./predict", str(folder)])
            for count, folder in write_folders(root, x, counts).items()
        }
        by_count, _ = measure.interleave(tasks, required=counts, **turns)
        np.savez(root / "test.npz", x=x[:TRAINING_BATCH], y=y[:TRAINING_BATCH])
        arguments = {"images": str(root / "test.npz"), "quick": options.quick}
        workers = {
            factor: stack.enter_context(
                Worker("benchmarks.growth:width_task", {"factor": factor, **arguments})
            )
            for factor in factors
        }
        for worker in workers.values():
            worker.wait()
        by_width, _ = measure.interleave(workers, required=factors, **turns)
    save_figure(options.output / "growth.png", by_count, by_width, options.machine)
    return f"{count_table(by_count)}\n\n{width_table(by_width)}"
