"""Grad-CAM : où, dans l'image, le réseau trouve la classe qu'il annonce.

Commande : python -m exercises.ex09_grad_cam samples/chien.webp
"""

from convnets.core.cli import run
from convnets.explaining import maps, verdict
from convnets.explaining.methods import RELATIVE
from exercises.ex09_grad_cam.grad_cam import grad_cam, grad_cam_plus_plus

MODEL = "photos"  # lit 192×192 pixels
METHODS = {
    "grad_cam": ("Grad-CAM", grad_cam),
    "grad_cam_plus_plus": ("Grad-CAM++", grad_cam_plus_plus),
}


def main(argv: list[str] | None = None) -> int:
    """Explique une image et écrit la figure."""
    parser = maps.explanation_parser("ex09_grad_cam", __doc__)
    parser.add_argument(
        "--method",
        choices=[*METHODS],
        default="grad_cam",
        metavar="METHODE",
        help=f"{', '.join(METHODS)} (grad_cam par défaut)",
    )
    parser.add_argument(
        "--layer", metavar="COUCHE", help="couche dont lire les cartes (la dernière par défaut)"
    )
    parser.set_defaults(model=MODEL)
    options = parser.parse_args(argv)

    def body() -> int:
        subject = maps.load_subject(options)
        layer = options.layer or maps.map_layers(subject.model)[-1]
        title, measure = METHODS[options.method]
        found = measure(subject.model, subject.image, subject.class_index, layer_name=layer)
        height, width = subject.model.get_layer(layer).output.shape[1:3]
        method = f"{title} ({height}×{width} cases)"
        verdict.show(subject, found, options, options.method, method=method, unit=RELATIVE)
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
