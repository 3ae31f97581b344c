"""Quelle méthode explique le mieux ? Les deux aires de chacune, sur des images de test.

D'après : S3 « Introspection d'un CNN ».
Commande : python -m exercises.ex11_curves
Résultat mesuré : docs/mesures/ex11_curves.json, repris dans docs/laboratoire/resultats.md.

Ces images ne règlent rien : elles sont de test. Toutes les méthodes expliquent les mêmes : chacune
est donc comparée au témoin « le milieu » par la moyenne des différences, image par image. Une image
difficile l'est pour toutes, et ne pèse plus : l'intervalle est bien plus étroit que celui de la
différence de deux moyennes.
"""

from dataclasses import replace

import keras
import numpy as np
from tqdm import tqdm

from convnets.core import session
from convnets.core.cli import agreed
from convnets.core.reports import Metric, Report
from exercises.ex11_curves.curves import BATCH_SIZE, area, deletion_and_insertion
from exercises.ex11_curves.methods import WITNESS
from exercises.ex11_curves.ranking import CURVES

# --- Question : quelle méthode explique le mieux ? -----------------------------------


LEAST_IMAGES = 30  # au-dessous, un intervalle qui suppose une loi normale ne voudrait rien dire


def compare(
    model: keras.Model, x: np.ndarray, methods: dict, *, minutes: float | None = None
) -> dict:
    """Explique chaque image par chaque méthode, et trace les deux courbes.

    Args:
        model: images uint8 → probabilités ; la classe expliquée est la plus probable.
        x: images `(n, H, W, 3)` uint8.
        methods: par exemple `METHODS`, de `methods.py`.
        minutes: durée de la leçon ; quand elle est passée, on en reste aux images déjà vues.

    Returns:
        Par méthode, les courbes de chaque image, `(n, 2, NUM_STEPS + 1)`.
    """
    curves = {name: [] for name in methods}
    classes = model.predict(x, batch_size=BATCH_SIZE, verbose=0).argmax(1).tolist()
    for number, image in enumerate(tqdm(x, unit=" image", disable=None, leave=False)):
        heatmaps = {
            name: method.heatmap(model, image, classes[number]) for name, method in methods.items()
        }
        found = deletion_and_insertion(model, image, classes[number], heatmaps, seed=number)
        for name, pair in found.items():
            curves[name].append(pair)
        if session.learning_s(minutes) < 0 and number + 1 < len(x):
            few = agreed(number + 1, "image")
            print(f"Le temps est passé, après {few} sur {len(x)}.", flush=True)
            session.note_missing(f"{few} sur {len(x)}")
            break
    return {name: np.stack(pairs) for name, pairs in curves.items()}


def over_images(values) -> Metric:
    """Résume une mesure qui a une valeur par image : moyenne, écart-type et erreur type.

    De moins de `LEAST_IMAGES` images, l'erreur type est None : elles ne concluent rien.
    """
    sd = float(np.std(values, ddof=min(1, len(values) - 1)))  # nul pour une seule image
    se = sd / len(values) ** 0.5 if len(values) >= LEAST_IMAGES else None
    return Metric(float(np.mean(values)), sd, len(values), se=se)


def summarise(curves: dict, methods: dict, *, command: str) -> Report:
    """Résume ce que rend `compare`.

    Args:
        curves: ce qu'a rendu `compare`.
        methods: les mêmes méthodes.
        command: la commande qui les a mesurées.

    Returns:
        Un compte rendu. Chaque méthode y a quatre mesures : `deletion` et `insertion`, ses deux
        aires ; `deletion_gap` et `insertion_gap`, ces aires moins celles de `WITNESS`, image par
        image.
    """
    metrics = {}
    areas = {name: np.apply_along_axis(area, 2, pairs) for name, pairs in curves.items()}
    for name in curves:
        for rank, curve in enumerate(CURVES):
            own, middle = areas[name][:, rank], areas[WITNESS][:, rank]
            metrics[f"{curve} {name}"] = over_images(own)
            metrics[f"{curve}_gap {name}"] = over_images(own - middle)
    return Report(
        command=command,
        metrics=metrics,
        num_images={"test": len(curves[WITNESS])},
        details={"titles": {name: methods[name].title for name in curves}},
    )


def replace_methods(before: Report, measured: Report) -> Report:
    """Met dans un compte rendu des méthodes mesurées de nouveau sur les mêmes images.

    Args:
        before: le compte rendu de toutes les méthodes.
        measured: celui de quelques-unes, et du témoin.

    Returns:
        `before`, où les mesures de `measured` remplacent les anciennes ; `details` dit lesquelles.

    Raises:
        ValueError: le témoin n'a plus les mêmes aires : ce ne sont pas les mêmes images, ou ce
            n'est pas le même réseau.
    """
    for curve in CURVES:
        old, new = (each.metrics[f"{curve} {WITNESS}"] for each in (before, measured))
        if old.n != new.n or abs(old.mean - new.mean) > 1e-4:
            raise ValueError(
                f"Le témoin n'a plus la même aire : {new.mean:.4f} sur {new.n} images, contre "
                f"{old.mean:.4f} sur {old.n}. Mesurez toutes les méthodes, sans --only."
            )
    titles = before.details["titles"] | measured.details["titles"]
    details = {"titles": titles, "measured_again": measured.command}
    return replace(before, metrics=before.metrics | measured.metrics, details=details)
