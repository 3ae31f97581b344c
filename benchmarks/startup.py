"""Une photo, du lancement à la sortie du processus : temps et mémoire de chaque procédé.

Tous lisent le modèle que `./predict` choisit pour une photo.
"""

import statistics
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import measure
from convnets.core import paths, reports
from convnets.core.cli import markdown_table
from convnets.serving.classifier import PHOTO_MODEL

PHOTO_PX = (640, 480)
PILLOW, OURS = "Pillow seul", "./predict"

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
_KERAS = """
import keras
model = keras.saving.load_model(sys.argv[2], compile=False)
print(model.predict(x, verbose=0).argmax())
"""


PEERS = {  # script, suffixe du modèle, moteur de Keras, ce qu'il faut d'installé
    PILLOW: (_OPEN, ".tflite", "tensorflow", ()),
    "LiteRT": (_ARRAY + _LITERT, ".tflite", "tensorflow", ()),
    "Keras (TensorFlow)": (_ARRAY + _KERAS, ".keras", "tensorflow", ("tensorflow",)),
    "Keras (torch)": (_ARRAY + _KERAS, ".keras", "torch", ("torch",)),
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


def make_table(samples: dict[str, list[measure.Run]], classes: list[str]) -> str:
    """Met les mesures en tableau Markdown, suivi du rapport de `./predict` à Pillow.

    Args:
        samples: mesures de chaque procédé, tour par tour.
        classes: noms français des classes.
    """
    reference = [run.duration_s for run in samples[PILLOW]]
    rows = []
    for name, runs in samples.items():
        durations = [run.duration_s for run in runs]
        ratio = measure.spread(measure.ratios(durations, reference))
        times = measure.spread(durations, measure.duration)
        rows.append([name, ratio, measure.memory(runs), times, answer(runs[-1].stdout, classes)])
    header = ("procédé", "temps ÷ Pillow", "mémoire au plus haut", "temps", "réponse")
    ours = statistics.median(measure.ratios([run.duration_s for run in samples[OURS]], reference))
    return (
        f"{markdown_table(header, rows)}\n\n`./predict` met {measure.french(ours)} fois le "
        "temps que mettent Python et Pillow à lire et réduire la photo."
    )


def answer(stdout: str, classes: list[str]) -> str:
    """Rend le nom qu'un procédé a écrit, en toutes lettres ou par son numéro."""
    text = stdout.strip().rpartition(": ")[2]
    return classes[int(text)] if text.isdigit() else text or "—"


def run(folder: Path, *, repeat: int) -> str:
    """Mesure chaque procédé installé ; rend le texte Markdown.

    Args:
        folder: dossier provisoire.
        repeat: tours gardés.
    """
    report, photo = reports.read_report(PHOTO_MODEL), folder / "photo.jpg"
    make_photo(photo, seed=0)
    tasks = {OURS: lambda: measure.run_process(["./predict", str(photo)])}
    for name, (script, suffix, backend, packages) in PEERS.items():
        model = paths.MODELS_DIR / f"{PHOTO_MODEL}{suffix}"
        command = [sys.executable, "-I", "-c", script]
        command += [str(photo), str(model), str(report.input_shape[0])]
        if not measure.missing(packages):
            tasks[name] = lambda command=command, backend=backend: measure.run_process(
                command, backend=backend
            )
    return make_table(measure.interleave(tasks, repeat=repeat), report.classes_fr)
