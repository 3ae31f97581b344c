"""Le réseau de CAM, et de quoi voir ses cartes : une carte par classe, en plus des probabilités."""

from convnets.core.paths import MODELS_DIR
from convnets.core.reports import read_report

SLUG = "ex09_cam"


def export_maps() -> bytes:
    """Exporte le réseau de CAM avec une deuxième sortie.

    Returns:
        Un `.tflite` : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)`, et
        `(n, h, w, 10)`, dont la moyenne sur `(h, w)`, au biais près, est le score de chaque classe.

    Raises:
        FileNotFoundError, ValueError: modèle absent, ou abîmé.

    Source : Zhou et al., arXiv 1512.04150, 2015, équation 2.
    """
    import keras

    from convnets.training.export import export_litert

    read_report(SLUG)  # l'empreinte des fichiers est vérifiée
    model = keras.saving.load_model(MODELS_DIR / f"{SLUG}.keras", compile=False)
    *_, means, dense = model.layers
    kernel, _ = dense.get_weights()  # (c, 10)
    weigh = keras.layers.Conv2D(kernel.shape[1], 1, use_bias=False, dtype="float32")
    both = keras.Model(model.inputs[0], [model.output, weigh(means.input)])
    weigh.set_weights([kernel[None, None]])
    return export_litert(both, weights="int8")
