"""Régler sur la validation : le bruit de SmoothGrad, et la couche que lit Grad-CAM.

D'après : S3 « Introspection d'un CNN ».
Commande : python -m exercises.ex11_curves.settings

Les images de test jugent les méthodes : elles ne doivent rien régler. Les mêmes courbes, sur des
images de validation, disent quel bruit et quelle couche prendre.
"""

import dataclasses
import functools

import keras
import numpy as np

from convnets.core import reports
from convnets.core.cli import lesson_parser
from convnets.core.reports import Metric
from convnets.datasets import sources
from convnets.explaining.explain import Method, load_method
from convnets.explaining.maps import STUDY_MODEL
from convnets.figures.style import output_dir
from convnets.training import lesson, saving
from exercises.ex11_curves.comparison import compare, over_images, summarise
from exercises.ex11_curves.methods import METHODS, WITNESS
from exercises.ex11_curves.ranking import table

NUM_PICTURES = 40  # les premières images de validation, sauf avec --limit
NUM_VAL = 2000  # les mêmes que pour le réseau, qui ne les a pas apprises
NOISES = (0.01, 0.02, 0.05, 0.1)  # de SmoothGrad, en part de l'étendue de l'image
LAYERS = {  # de Grad-CAM : la fin de chaque bloc
    "group1_out2": "3e convolution, 15×15 cases",
    "group2_out2": "5e convolution, 7×7 cases",
    "group3_conv1": "6e convolution, 7×7 cases",
    "group3_out2": "7e convolution, 3×3 cases",
}


# --- Question : les mêmes méthodes, réglées autrement --------------------------------


def variants() -> dict[str, Method]:
    """Rend, par nom, SmoothGrad avec chaque bruit, Grad-CAM à chaque couche, et le témoin."""
    smooth_grad, grad_cam = (load_method(name).measure for name in ("smooth_grad", "grad_cam"))
    noisy = {
        f"noise {share}": Method(
            f"SmoothGrad, bruit de {share}", functools.partial(smooth_grad, noise=share)
        )
        for share in NOISES
    }
    deep = {
        f"layer {name}": Method(f"Grad-CAM, {title}", functools.partial(grad_cam, layer_name=name))
        for name, title in LAYERS.items()
    }
    return noisy | deep | {WITNESS: METHODS[WITNESS]}


def kept_share(model: keras.Model, image: np.ndarray, noise: float, *, copies: int = 20) -> float:
    """Rend la part des copies bruitées d'une image qui gardent la réponse du réseau.

    Args:
        model: images uint8 → probabilités.
        image: `(H, W, 3)` uint8.
        noise: écart-type du bruit, en part de l'étendue de l'image.
        copies: nombre de copies.
    """
    rng = np.random.default_rng(0)
    noisy = image + rng.normal(0, noise * np.ptp(image), (copies, *image.shape))
    pixels = np.concatenate([image[None], noisy.round().clip(0, 255).astype(np.uint8)])
    found = model.predict(pixels, verbose=0).argmax(1)
    return float(np.mean(found[1:] == found[0]))


# --- Question : lequel garder ? ------------------------------------------------------


def teach(options) -> None:
    """Compare les réglages, et écrit les mesures."""
    parts = lesson.split(sources.load_cifar10(), limit=None, num_val=NUM_VAL)
    x, model, methods = parts[2][: options.limit], saving.load_model(STUDY_MODEL), variants()
    curves = compare(model, x, methods, minutes=options.minutes)
    command = "python -m exercises.ex11_curves.settings --output docs/mesures"
    report = summarise(curves, methods, command=command)
    count = report.num_images.pop("test")
    kept: dict[str, Metric] = {
        f"kept {share}": over_images([kept_share(model, image, share) for image in x[:count]])
        for share in NOISES
    }
    report = dataclasses.replace(report, metrics=report.metrics | kept, num_images={"val": count})
    print(table(report))
    for name, metric in kept.items():
        print(f"{name} : {metric.mean:.3f}")
    folder = output_dir(options)
    folder.mkdir(parents=True, exist_ok=True)
    reports.replace_report(report, folder / "ex11_settings.json")
    print(f"Mesures écrites dans {folder}/")


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex11_curves.settings", __doc__.splitlines()[0], epochs=None)
    parser.set_defaults(limit=NUM_PICTURES)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
