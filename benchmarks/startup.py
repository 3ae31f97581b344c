"""Une photo, du lancement à la sortie du processus : temps et mémoire de chaque procédé.

Tous lisent le modèle que `./predict` choisit pour une photo.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from benchmarks import exports, measure
from benchmarks.processes import Run, run_process
from convnets.core import paths, reports
from convnets.figures import style
from convnets.serving.classifier import PHOTO_MODEL

TITLE = "Nommer une photo de 640×480 : tout le processus"
PHOTO_PX = (640, 480)
PILLOW, OURS, KERAS = "Pillow seul", "./predict", "Keras (TensorFlow)"

# Ce qu'un lecteur écrirait : ouvrir, garder le carré central, réduire ; puis le moteur.
_OPEN = """
import sys
from PIL import Image
side = int(sys.argv[3])
image = Image.open(sys.argv[1]).convert("RGB")
width, height = image.size
left, top = (width - min(image.size)) / 2, (height - min(image.size)) / 2
image = image.resize((side, side), box=(left, top, width - left, height - top))
"""
_ARRAY = "import numpy as np" + _OPEN + "x = np.asarray(image)[np.newaxis]\n"
_LITERT = """
from ai_edge_litert.interpreter import Interpreter
engine = Interpreter(sys.argv[2])
engine.allocate_tensors()
engine.set_tensor(engine.get_input_details()[0]["index"], x)
engine.invoke()
print(engine.get_tensor(engine.get_output_details()[0]["index"]).argmax())
"""
_ONNX = """
import onnxruntime
session = onnxruntime.InferenceSession(sys.argv[2], providers=["CPUExecutionProvider"])
print(session.run(None, {session.get_inputs()[0].name: x})[0].argmax())
"""
_KERAS = """
import keras
model = keras.saving.load_model(sys.argv[2], compile=False)
print(model.predict(x, verbose=0).argmax())
"""


class Peer(NamedTuple):
    """Un procédé : un script Python, le modèle qu'il lit et ce qu'il lui faut d'installé."""

    script: str
    suffix: str  # du modèle
    packages: tuple[str, ...]
    backend: str = "tensorflow"


PEERS = {
    PILLOW: Peer(_OPEN, ".tflite", ()),
    "LiteRT": Peer(_ARRAY + _LITERT, ".tflite", ("ai_edge_litert",)),
    "ONNX Runtime": Peer(_ARRAY + _ONNX, ".onnx", exports.ONNX_PACKAGES),
    KERAS: Peer(_ARRAY + _KERAS, ".keras", ("keras", "tensorflow")),
    "Keras (torch)": Peer(_ARRAY + _KERAS, ".keras", ("keras", "torch"), "torch"),
}


def make_photo(path: Path, *, seed: int) -> None:
    """Écrit un JPEG qui a des détails de toutes tailles, comme une vraie photo.

    Args:
        path: fichier à écrire.
        seed: graine du bruit.
    """
    rng = np.random.default_rng(seed)
    photo = Image.new("RGB", PHOTO_PX, (128, 128, 128))
    for cell_px in (160, 80, 40, 20, 10, 5):  # du plus gros motif au plus fin
        shape = (PHOTO_PX[1] // cell_px, PHOTO_PX[0] // cell_px, 3)
        noise = Image.fromarray(rng.integers(0, 256, shape, np.uint8))
        photo = Image.blend(photo, noise.resize(PHOTO_PX, Image.Resampling.BICUBIC), 0.5)
    photo.save(path, quality=90)


def make_tasks(photo: Path, models: Path, side_px: int) -> dict[str, Callable[[], Run]]:
    """Rend une tâche par procédé installé, la référence d'abord, puis `./predict`.

    Args:
        photo: image à nommer.
        models: dossier où chaque procédé trouve `PHOTO_MODEL` et son suffixe.
        side_px: côté de l'image que lit le modèle.
    """

    def task(peer: Peer) -> Callable[[], Run]:
        model = models / f"{PHOTO_MODEL}{peer.suffix}"
        command = [sys.executable, "-I", "-c", peer.script, str(photo), str(model), str(side_px)]
        return lambda: run_process(command, backend=peer.backend)

    tasks = {name: task(peer) for name, peer in PEERS.items() if not measure.missing(peer.packages)}
    ours = {OURS: lambda: run_process(["./predict", str(photo)])}
    return {PILLOW: tasks.pop(PILLOW), **ours, **tasks}


def make_table(samples: dict[str, list[Run]], failures: dict[str, str], classes: list[str]) -> str:
    """Met les mesures en tableau Markdown.

    Args:
        samples: mesures de chaque procédé, tour par tour.
        failures: ce qui remplace la mesure d'un procédé qui a échoué.
        classes: noms français des classes.
    """
    reference = [run.duration_s for run in samples[PILLOW]]
    rows = []
    for name in [PILLOW, OURS, *(name for name in PEERS if name != PILLOW)]:
        if name not in samples:
            rows.append([name, measure.why_unmeasured(PEERS[name].packages, failures.get(name))])
            continue
        durations = [run.duration_s for run in samples[name]]
        memory = measure.summarise(run.peak_mib for run in samples[name])
        rows.append(
            [
                name,
                measure.spread(measure.paired_ratios(durations, reference)),
                f"{measure.french(memory.median)} Mio",
                measure.spread(measure.summarise(durations), measure.duration),
                answer(samples[name][-1].stdout, classes),
            ]
        )
    header = ("procédé", "temps ÷ Pillow", "mémoire au plus haut", "temps", "réponse")
    return measure.markdown_table(header, rows)


def answer(stdout: str, classes: list[str]) -> str:
    """Rend le nom qu'un procédé a écrit, en toutes lettres ou par son numéro."""
    text = stdout.strip().rpartition(": ")[2]
    return classes[int(text)] if text.isdigit() else text or "—"


def conclude(samples: dict[str, list[Run]]) -> str:
    """Dit les deux rapports qui comptent."""
    durations = {name: [run.duration_s for run in runs] for name, runs in samples.items()}
    ours = measure.paired_ratios(durations[OURS], durations[PILLOW])
    text = (
        f"`./predict` met {measure.french(ours.median)} fois le temps que mettent Python et "
        "Pillow à lire et réduire la photo"
    )
    if KERAS in durations:
        keras = measure.paired_ratios(durations[KERAS], durations[OURS])
        text += (
            f" ; charger le même modèle dans Keras et appeler `predict` est "
            f"{measure.french(keras.median)} fois plus long que `./predict`"
        )
    return f"{text}."


def draw_points(axis, summaries: dict[str, measure.Summary], *, label: str) -> None:
    """Place un point par procédé sur une échelle logarithmique, avec son étendue et sa valeur.

    Args:
        axis: cadre de matplotlib.
        summaries: une mesure par procédé, de haut en bas.
        label: nom de l'axe.
    """
    for row, (name, found) in enumerate(summaries.items()):
        color = style.COLORS[1 if name == OURS else 0]
        margins = [[found.median - found.low], [found.high - found.median]]
        axis.axhline(row, color="#d0d0d0", linewidth=0.8, zorder=0)
        axis.errorbar(found.median, row, xerr=margins, fmt="o", color=color, capsize=3)
        axis.annotate(
            measure.french(found.median),
            (found.median, row),
            (0, 7),
            fontsize=8,
            color=color,
            textcoords="offset points",
            ha="center",
        )
    measure.use_plain_log(axis, "x")
    axis.set_yticks(range(len(summaries)), list(summaries))
    axis.set_ylim(len(summaries) - 0.5, -0.6)
    axis.margins(x=0.1)
    axis.set_xlabel(label)


def save_figure(path: Path, samples: dict[str, list[Run]], machine: str) -> None:
    """Dessine les rapports à Pillow et la mémoire."""
    reference = [run.duration_s for run in samples[PILLOW]]
    ratios = {
        name: measure.paired_ratios([run.duration_s for run in runs], reference)
        for name, runs in samples.items()
    }
    memory = {
        name: measure.summarise(run.peak_mib for run in runs) for name, runs in samples.items()
    }
    with style.new_figure(path, columns=2, size=(5.5, 3.6)) as (figure, axes):
        label = "temps, celui de Pillow valant 1 (médiane, étendue)"
        draw_points(axes[0, 0], ratios, label=label)
        draw_points(axes[0, 1], memory, label="mémoire au plus haut, en Mio")
        measure.sign(figure, TITLE, machine)


def run(options: measure.Options) -> str:
    """Mesure, écrit la figure et rend le texte Markdown."""
    report = reports.read_report(PHOTO_MODEL)
    failures = {}
    with tempfile.TemporaryDirectory(prefix="cours-cnn-") as temporary:
        folder = Path(temporary)
        for suffix in (".keras", ".tflite"):
            (folder / f"{PHOTO_MODEL}{suffix}").symlink_to(
                paths.MODELS_DIR / f"{PHOTO_MODEL}{suffix}"
            )
        make_photo(folder / "photo.jpg", seed=0)
        tasks = make_tasks(folder / "photo.jpg", folder, report.input_shape[0])
        if "ONNX Runtime" in tasks:
            model = folder / PHOTO_MODEL
            try:
                exports.write_onnx(model.with_suffix(".keras"), model.with_suffix(".onnx"))
            except measure.PeerError as error:
                failures["ONNX Runtime"] = str(error)
                del tasks["ONNX Runtime"]
        samples, failed = measure.interleave(
            tasks, repeat=options.repeat, warm_up=options.warm_up, required=(PILLOW, OURS)
        )
    save_figure(options.output / "startup.png", samples, options.machine)
    views = len(report.views)
    note = f" Il regarde la photo en {views} vues, les autres en une." if views > 1 else ""
    if report.glance:
        note = f" Il y jette un coup d'œil, puis la regarde en {views} vues s'il n'est pas sûr."
    table = make_table(samples, failures | failed, report.classes_fr)
    return f"{table}\n\n{conclude(samples)}{note}"
