"""Le registre des méthodes d'explication : ce que `--explain` propose, et où chacune est écrite.

Chaque méthode est la réponse d'un exercice : le registre la nomme, et `explain.load_method` ne
l'importe qu'à l'usage. Ni `./predict`, qui lit ici les noms, ni ce paquet ne dépendent donc des
exercices.
"""

from typing import NamedTuple

# Ce que compte une carte, tel que l'échelle d'une figure le dit.
POINTS = "points de probabilité"
RELATIVE = "sans unité (1 : le plus fort)"
SCORE_PER_LEVEL = "score de la classe par niveau de couleur"
SCORE = "score de la classe"  # d'avant le softmax


class Entry(NamedTuple):
    """Une méthode d'explication, avant d'être importée."""

    title: str  # en français, pour la figure
    source: str  # "module:fonction", (model, image, class_index) -> (H, W) réels, dans `unit`
    unit: str
    derives: bool  # dérive le réseau, avec Keras


EXPLANATIONS = {
    "grad_cam": Entry("Grad-CAM", "exercises.ex09_grad_cam.grad_cam:grad_cam", RELATIVE, True),
    "grad_cam_plus_plus": Entry(
        "Grad-CAM++", "exercises.ex09_grad_cam.grad_cam:grad_cam_plus_plus", RELATIVE, True
    ),
    "saliency": Entry("Gradient", "exercises.ex08_saliency:sensitivity", SCORE_PER_LEVEL, True),
    "smooth_grad": Entry(
        "SmoothGrad", "exercises.ex08_saliency:smooth_sensitivity", SCORE_PER_LEVEL, True
    ),
    "integrated_gradients": Entry(
        "Gradients intégrés", "exercises.ex08_saliency:shares", SCORE, True
    ),
    "occlusion": Entry("Occlusion", "exercises.ex07_occlusion:quick_drops", POINTS, False),
    "lime": Entry("LIME", "exercises.ex10_lime:gains", POINTS, False),
}
# CAM n'explique qu'un réseau d'une forme précise : `--explain` ne la propose pas.
OWN_NETWORK = {"cam": Entry("CAM", "exercises.ex09_grad_cam.cam:cam", RELATIVE, True)}
