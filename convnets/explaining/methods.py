"""Les méthodes d'explication : ce que `--explain` propose, et ce qu'elles demandent."""

# Méthodes de --explain (voir `explain`), et si elles dérivent le réseau, avec Keras.
EXPLANATIONS = {
    "grad_cam": True,
    "grad_cam_plus_plus": True,
    "saliency": True,
    "smooth_grad": True,
    "integrated_gradients": True,
    "occlusion": False,
    "lime": False,
}
