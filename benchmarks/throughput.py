"""Beaucoup d'images : le débit de chaque moteur, et la part qu'en garde `./predict`.

En mémoire, chaque moteur est mesuré à plusieurs tailles de lot, sur tous les cœurs, et gardé à la
meilleure. Puis `./predict DOSSIER` est mesuré en entier, lancement, décodage des PNG et affichage
compris, en face de son moteur à cette meilleure taille et sur les mêmes images.
"""

import contextlib
import math
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from benchmarks import exports, measure
from benchmarks.processes import Worker, run_process
from convnets.core import paths, reports
from convnets.datasets import sources
from convnets.figures import style
from convnets.serving.classifier import DEFAULT_MODEL

BATCH_SIZES = (1, 8, 32, 64, 128, 256)
OURS, DECODING = "./predict DOSSIER", "décodage seul"
SHIPPED, PER_CORE = "LiteRT, export livré", "LiteRT, export livré, un moteur par cœur"
ALONE = {SHIPPED: "moteur seul, images en mémoire", PER_CORE: "le même, un moteur par cœur"}
EXACT, HALF, INT8 = "LiteRT float32", "LiteRT float16", "LiteRT int8"
LINES = [*zip((*style.COLORS, "#777777"), "os^vDPX*", strict=True)]  # une par moteur
MIN_IMAGES, MIN_BATCHES = 32, 4  # d'une mesure en mémoire


class Peer(NamedTuple):
    """Un moteur, le modèle qu'il lit et ce qu'il lui faut d'installé."""

    engine: str  # de `engines.ENGINES`
    packages: tuple[str, ...]
    backend: str = "tensorflow"


PEERS = {
    SHIPPED: Peer("litert", ("ai_edge_litert",)),
    PER_CORE: Peer("litert_per_core", ("ai_edge_litert",)),
    EXACT: Peer("litert", ("ai_edge_litert", "tensorflow")),
    HALF: Peer("litert", ("ai_edge_litert", "tensorflow")),
    INT8: Peer("litert", ("ai_edge_litert", "tensorflow")),
    "ONNX Runtime": Peer("onnx", exports.ONNX_PACKAGES),
    "Keras (TensorFlow)": Peer("keras", ("keras", "tensorflow")),
    "Keras (torch)": Peer("keras", ("keras", "torch"), "torch"),
}


# --- Le résultat -------------------------------------------------------------------------


def num_images(batch_size: int, available: int, num_cores: int) -> int:
    """Rend sur combien d'images mesurer une taille de lot.

    Args:
        batch_size: images par lot.
        available: images dont on dispose.
        num_cores: cœurs, qui recevront autant de lots chacun.

    Returns:
        Un nombre entier de lots.
    """
    wanted = max(MIN_BATCHES, MIN_IMAGES // batch_size)
    num_batches = math.ceil(wanted / num_cores) * num_cores
    return max(1, min(num_batches, available // batch_size)) * batch_size


def fastest(rates: dict) -> str | int:
    """Rend la clé du meilleur débit médian, la première en cas d'égalité."""
    return max(rates, key=lambda key: measure.summarise(rates[key]).median)


def best_batches(rates: dict[tuple[str, int], list[float]]) -> dict[str, tuple[int, list[float]]]:
    """Garde, pour chaque moteur, la taille de lot au meilleur débit médian.

    Args:
        rates: images par seconde de chaque `(moteur, lot)`, tour par tour.

    Returns:
        `{moteur: (lot, débits)}`.
    """
    by_engine: dict[str, dict[int, list[float]]] = {}
    for (name, batch_size), values in rates.items():
        by_engine.setdefault(name, {})[batch_size] = values
    best = {name: fastest(by_size) for name, by_size in by_engine.items()}
    return {name: (batch_size, rates[name, batch_size]) for name, batch_size in best.items()}


def engine_table(best: dict, failures: dict[str, str]) -> str:
    """Met en tableau les moteurs, en mémoire."""
    ours = {name: best[name][1] for name in ALONE}
    reference, rows = ours[fastest(ours)], []
    for name, peer in PEERS.items():
        if name not in best:
            rows.append([name, measure.why_unmeasured(peer.packages, failures.get(name))])
            continue
        batch_size, values = best[name]
        rows.append(
            [
                name,
                measure.spread(measure.paired_ratios(values, reference)),
                str(batch_size),
                measure.spread(measure.summarise(values)),
            ]
        )
    header = (
        "moteur, en mémoire",
        "débit ÷ le mieux de l'export livré",
        "meilleur lot",
        "images/s",
    )
    return measure.markdown_table(header, rows)


def folder_rates(samples: dict[str, list], num: int) -> dict[str, list[float]]:
    """Rend des images par seconde, tour par tour.

    Args:
        samples: débits des moteurs seuls et du décodage seul, `Run` de `./predict`.
        num: images du dossier.

    Returns:
        Le débit de chaque cas, dans l'ordre du tableau.
    """
    totals = [num / run.duration_s for run in samples[OURS]]
    others = {name: samples[name] for name in (*ALONE.values(), DECODING)}
    return {f"`{OURS}`, tout compris": totals, **others}


def folder_table(samples: dict[str, list], num: int) -> str:
    """Met en tableau `./predict` sur un dossier de `num` images, et dit ce qu'il garde."""
    rates = folder_rates(samples, num)
    reference = rates[fastest({name: rates[name] for name in ALONE.values()})]
    shares = {name: measure.paired_ratios(rate, reference) for name, rate in rates.items()}
    rows = [
        [
            name,
            measure.spread(shares[name], measure.percent),
            measure.spread(measure.summarise(rate)),
        ]
        for name, rate in rates.items()
    ]
    memory = measure.summarise(run.peak_mib for run in samples[OURS])
    rows[0].append(f"{measure.french(memory.median)} Mio")
    header = (
        f"{measure.french(num)} fichiers PNG",
        "part du débit du meilleur moteur seul",
        "images/s",
        "mémoire au plus haut",
    )
    whole = measure.percent(next(iter(shares.values())).median)
    return (
        f"{measure.markdown_table(header, rows)}\n\n`{OURS}` garde {whole} du débit de son moteur, "
        "pris à sa meilleure taille de lot."
    )


def export_table(best: dict, models: dict[str, Path], right: dict[str, float]) -> str:
    """Met en tableau ce que chaque format coûte et rapporte.

    Args:
        best: ce que rend `best_batches`.
        models: fichier de chaque export.
        right: part d'images de test bien nommées par chaque export.
    """
    rows = []
    for name in [name for name in right if name in best]:
        ratio = measure.paired_ratios(best[name][1], best[EXACT][1]) if EXACT in best else None
        gap = f"{100 * (right[name] - right[EXACT]):+.2f}" if EXACT in right else ""
        rows.append(
            [
                name,
                measure.spread(ratio) if ratio else "",
                gap.replace(".", ","),
                f"{100 * right[name]:.2f} %".replace(".", ","),
                f"{measure.french(models[name].stat().st_size / 1e6)} Mo",
            ]
        )
    header = ("export", "débit ÷ float32", "écart d'exactitude, en points", "exactitude", "taille")
    return measure.markdown_table(header, rows)


def save_figure(path: Path, rates: dict, totals: list[float], machine: str) -> None:
    """Dessine le débit de chaque moteur selon la taille de lot, et celui de `./predict`."""
    with style.new_figure(path, size=(7.0, 4.6)) as (figure, axes):
        axis = axes[0, 0]
        measured = {name for name, _ in rates}
        for i, name in enumerate(name for name in PEERS if name in measured):
            sizes = [size for other, size in rates if other == name]
            found = [measure.summarise(rates[name, size]) for size in sizes]
            color, marker = LINES[i]
            axis.plot(sizes, [s.median for s in found], marker=marker, color=color, label=name)
            low, high = [s.low for s in found], [s.high for s in found]
            axis.fill_between(sizes, low, high, color=color, alpha=0.15, linewidth=0)
        median = measure.summarise(totals).median
        axis.axhline(median, color=style.INK, linestyle="--", label=f"{OURS}, tout compris")
        measure.use_plain_log(axis, "y")
        axis.set(xscale="log", xlabel="images par lot", ylabel="images par seconde")
        sizes = sorted({size for _, size in rates})
        axis.set_xticks(sizes, sizes, minor=False)
        axis.minorticks_off()
        figure.legend(loc="outside right center", fontsize=8)
        measure.sign(figure, "Nommer des images de 32×32", machine)


# --- La mesure ---------------------------------------------------------------------------


def write_models(folder: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Écrit le modèle livré sous la forme que lit chaque moteur installé.

    Returns:
        `(fichiers, échecs)`, par moteur.
    """
    keras_file = paths.MODELS_DIR / f"{DEFAULT_MODEL}.keras"
    installed = [name for name, peer in PEERS.items() if not measure.missing(peer.packages)]
    models = {name: keras_file for name in installed if PEERS[name].engine == "keras"}
    models |= dict.fromkeys((SHIPPED, PER_CORE), paths.MODELS_DIR / f"{DEFAULT_MODEL}.tflite")
    failures = {}
    if EXACT in installed:
        try:
            written = exports.write_litert(keras_file, folder)
            models |= {f"LiteRT {precision}": path for precision, path in written.items()}
        except measure.PeerError as error:
            failures |= dict.fromkeys((EXACT, HALF, INT8), str(error))
    if "ONNX Runtime" in installed:
        try:
            exports.write_onnx(keras_file, folder / "model.onnx")
            models["ONNX Runtime"] = folder / "model.onnx"
        except measure.PeerError as error:
            failures["ONNX Runtime"] = str(error)
    return models, failures


def write_images(folder: Path, x: np.ndarray) -> tuple[Path, Path]:
    """Écrit les images en PNG dans un dossier, et en un seul tableau."""
    pictures = folder / "images"
    pictures.mkdir()
    for i, image in enumerate(x):
        Image.fromarray(image).save(pictures / f"{i:05}.png", compress_level=1)
    np.save(folder / "images.npy", x)
    return pictures, folder / "images.npy"


def start_engines(stack: contextlib.ExitStack, models: dict, images: Path) -> dict[str, Worker]:
    """Lance un processus par moteur, que `stack` arrêtera."""
    return {
        name: stack.enter_context(
            Worker(
                "benchmarks.engines:engine_task",
                {"engine": PEERS[name].engine, "model": str(model), "images": str(images)},
                backend=PEERS[name].backend,
            )
        )
        for name, model in models.items()
    }


def measure_accuracy(engines: dict[str, Worker], y: np.ndarray, batch_size: int) -> dict:
    """Rend la part d'images bien nommées par chaque export LiteRT, en une passe."""
    found = {
        name: engines[name](batch_size=batch_size, num=len(y), classes=True)
        for name in (SHIPPED, EXACT, HALF, INT8)
        if name in engines
    }
    return {name: float(np.mean(np.array(classes) == y)) for name, classes in found.items()}


def run(options: measure.Options) -> str:
    """Mesure, écrit la figure et rend le texte Markdown."""
    x, y = sources.load_cifar10()[1]
    limit, sizes = (100, (1, 16)) if options.quick else (len(x), BATCH_SIZES)
    x, y = x[:limit], y[:limit].reshape(-1)
    num_cores = os.cpu_count() or 1
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cours-cnn-")))
        pictures, images = write_images(folder, x)
        models, failures = write_models(folder)
        engines = start_engines(stack, models, images)
        decode = stack.enter_context(
            Worker("benchmarks.engines:decoding_task", {"folder": str(pictures)})
        )
        for worker in (*engines.values(), decode):
            worker.wait()  # les imports des uns ne ralentissent pas la mesure des autres
        tasks = {
            (name, size): lambda engine=engine, size=size: engine(
                batch_size=size, num=num_images(size, len(x), num_cores)
            )
            for name, engine in engines.items()
            for size in sizes
        }
        turns = {"repeat": options.repeat, "warm_up": options.warm_up}
        required = [(name, size) for name in ALONE for size in sizes]
        rates, failed = measure.interleave(tasks, required=required, **turns)
        best = best_batches(rates)
        tasks = {
            label: lambda name=name: engines[name](batch_size=best[name][0], num=len(x))
            for name, label in ALONE.items()
        } | {OURS: lambda: run_process(["./predict", str(pictures)]), DECODING: decode}
        samples, _ = measure.interleave(tasks, required=[*tasks], **turns)
        failures |= {name: why for (name, _), why in failed.items()}
        kept = {name: engine for name, engine in engines.items() if name not in failures}
        right = measure_accuracy(kept, y, sizes[-1])
        totals = [len(x) / each.duration_s for each in samples[OURS]]
        save_figure(options.output / "throughput.png", rates, totals, options.machine)
        exported = export_table(best, models, right)
    return "\n\n".join(
        [
            folder_table(samples, len(x)),
            engine_table(best, failures),
            exported,
            f"L'export livré est en {reports.read_report(DEFAULT_MODEL).export}. "
            f"Exactitude : {measure.french(len(x))} images de test, en une passe. Un export int8 "
            "est à offrir s'il perd au plus 0,1 point et double au moins le débit.",
        ]
    )
