"""Le registre des méthodes d'explication : ce que `--explain` propose, et où chacune est écrite.

Chaque méthode est la réponse d'un exercice : le registre la nomme, et `explain.load_method` ne
l'importe qu'à l'usage. Ni `./predict`, qui lit ici les noms, ni ce paquet ne dépendent donc des
exercices.
"""

from typing import NamedTuple


class Entry(NamedTuple):
    """Une méthode d'explication, avant d'être importée."""

    title: str  # en français, pour la figure
    source: str  # "module:fonction", (model, image, class_index) -> (H, W) float32 dans [0, 1]
    derives: bool  # dérive le réseau, avec Keras


EXPLANATIONS = {
    "grad_cam": Entry("Grad-CAM", "exercises.ex09_grad_cam.grad_cam:grad_cam", True),
    "grad_cam_plus_plus": Entry(
        "Grad-CAM++", "exercises.ex09_grad_cam.grad_cam:grad_cam_plus_plus", True
    ),
    "saliency": Entry("Gradient", "exercises.ex08_saliency:saliency", True),
    "smooth_grad": Entry("SmoothGrad", "exercises.ex08_saliency:smooth_grad", True),
    "integrated_gradients": Entry(
        "Gradients intégrés", "exercises.ex08_saliency:integrated_gradients", True
    ),
    "occlusion": Entry("Occlusion", "exercises.ex07_occlusion:occlusion", False),
    "lime": Entry("LIME", "exercises.ex10_lime:lime", False),
}
# CAM n'explique qu'un réseau d'une forme précise : `--explain` ne la propose pas.
OWN_NETWORK = {"cam": Entry("CAM", "exercises.ex09_grad_cam.cam:cam", True)}
