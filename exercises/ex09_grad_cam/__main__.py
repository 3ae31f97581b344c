"""Grad-CAM : où, dans l'image, le réseau trouve la classe qu'il annonce.

Commande : python -m exercises.ex09_grad_cam samples/chien.webp
"""

from pathlib import Path

from convnets.core.cli import run
from convnets.explaining import maps as explanations
from convnets.explaining.methods import RELATIVE
from convnets.figures.style import output_dir
from exercises.ex09_grad_cam.grad_cam import grad_cam, grad_cam_plus_plus

METHODS = {
    "grad_cam": ("Grad-CAM", grad_cam),
    "grad_cam_plus_plus": ("Grad-CAM++", grad_cam_plus_plus),
}


def main(argv: list[str] | None = None) -> int:
    """Explique une image et écrit la figure."""
    parser = explanations.explanation_parser("ex09_grad_cam", __doc__.splitlines()[0])
    parser.add_argument(
        "--method", choices=[*METHODS], default="grad_cam", help="grad_cam par défaut"
    )
    parser.add_argument(
        "--layer", metavar="COUCHE", help="couche dont lire les cartes (la dernière par défaut)"
    )
    options = parser.parse_args(argv)

    def body() -> int:
        subject = explanations.load_subject(options)
        layer = options.layer or explanations.map_layers(subject.model)[-1]
        title, method = METHODS[options.method]
        heatmap = method(subject.model, subject.image, subject.class_index, layer_name=layer)
        path = output_dir(options) / f"{Path(options.image).stem}_{options.method}.png"
        height, width = subject.model.get_layer(layer).output.shape[1:3]
        title += f", couche {layer} ({height}×{width} cases)"
        explanations.show(subject, heatmap, path, method=title, unit=RELATIVE)
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
