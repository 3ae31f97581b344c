"""Voir en relief deux vraies scènes : les mêmes appariements, et le réseau livré.

Document : S3 (diapositives), profondeur et relief.
Commande : python -m exercises.ex28_pose_and_depth.real_pairs
Résultat mesuré : leçon 28 (`python -m recipes.witnesses ex28_pose_and_depth.real_pairs`).

Le réseau est celui que la leçon a enregistré, d'une graine : il a appris de paires composées, et
n'est pas appris de nouveau. Deux paires ne disent pas ce qu'il en serait d'une troisième.
"""

import keras
import numpy as np

from convnets.core import paths
from convnets.core.cli import add_model_option, lesson_parser, percent
from convnets.datasets import stereo
from convnets.figures.charts import table
from convnets.figures.style import output_dir
from convnets.training import lesson, saving
from exercises.ex28_pose_and_depth import depth, figures
from exercises.ex28_pose_and_depth.__main__ import PAIR_PX

MODEL = "ex28_pose_and_depth"
LABELS = {
    "constant": "toujours la disparité médiane",
    "network": "réseau siamois, appris de paires composées",
    "small": "fenêtres de 7 pixels et SAD",
    "sad": "fenêtres de 21 pixels et SAD",
    "checked": "fenêtres de 15 pixels, confirmées et complétées",
    "sgm": "SGM, confirmé et complété",
}


def answer(model: keras.Model, limit: int | None = None) -> dict[str, tuple]:
    """Rend, par scène, la paire, sa vraie disparité, et ce que répond chaque méthode.

    Args:
        model: le réseau siamois.
        limit: au plus tant de scènes ; None : toutes.
    """
    found = {}
    scenes = [("aloe", stereo.load_aloe), ("moto", stereo.load_motorcycle)]
    for name, load in scenes[:limit]:
        pair, truth = (each[None] for each in load(PAIR_PX))
        median = np.median(truth[truth > stereo.UNKNOWN])
        found[name] = pair, truth, depth.answer(model, pair, median)
    return found


def measure(answered: dict[str, tuple]) -> dict[str, float]:
    """Rend la part des pixels faux de chaque méthode, là où la disparité a été mesurée.

    Returns:
        `aloe_network`, `moto_sgm`…
    """
    metrics = {}
    for name, (_, truth, found) in answered.items():
        bad = depth.bad_pixels(found, truth, truth > stereo.UNKNOWN)
        metrics |= {f"{name}_{method}": float(bad[method][0]) for method in LABELS}
    return metrics


def witnesses() -> dict[str, float]:
    """Mesure toutes les méthodes, dont le réseau livré, sur les deux vraies paires."""
    return measure(answer(saving.load_model(MODEL, models_dir=paths.MODELS_DIR)))


def teach(options) -> None:
    """Mesure et dessine les deux paires."""
    answered = answer(lesson.load_saved(options), options.limit)
    metrics = measure(answered)
    rows = [
        [label, *(percent(metrics[f"{name}_{method}"]) for name in answered)]
        for method, label in LABELS.items()
    ]
    print(table(["pixels faux de plus d'un pixel", *answered], rows))
    path = output_dir(options) / "vraies_paires.png"
    figures.save_depths(path, answered)
    print(f"Figure : {path}")


def main(argv: list[str] | None = None) -> int:
    """Lit les options, et mesure les deux paires."""
    name = "ex28_pose_and_depth.real_pairs"
    parser = lesson_parser(name, __doc__.splitlines()[0], epochs=None)
    add_model_option(parser, MODEL)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
