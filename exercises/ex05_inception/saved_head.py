"""La tête enregistrée : ses poids, ses figures, et de quoi `./predict` retrouvera sa base.

Rien ici n'apprend : `statement.py` et `cached.py` finissent par ces deux fonctions.
"""

import keras

from convnets.core.cli import shown_path
from convnets.core.paths import BASE_NAME
from convnets.datasets import pretrained
from convnets.figures.charts import save_mistakes, save_training_figures
from convnets.training import export_base, lesson
from exercises.ex05_inception import features


def save_head(
    head: keras.Model, options, metrics: dict, answers: tuple, *, base: dict, **fields
) -> None:
    """Enregistre une tête, ses figures, et la base dont `./predict` aura besoin.

    Args:
        head: caractéristiques `(n, c)` → probabilités `(n, classes)`.
        options: options de la commande.
        metrics: ses mesures, dont `accuracy`.
        answers: ce que rend `evaluate`.
        base: entrée `"base"` du compte rendu, voir `describe_base`.
        **fields: autres champs du compte rendu.
    """
    probabilities, labels, images = answers
    matrix = lesson.confusion_matrix(labels, probabilities.argmax(1), probabilities.shape[1])
    report = lesson.save(
        head,
        options,
        metrics,
        base=base,
        input_shape=[base["input_px"], base["input_px"], 3],
        confusion_matrix=matrix.tolist(),
        **fields,
    )
    save_training_figures(options, report)
    save_mistakes(options, report, images, labels, probabilities)
    light = export_base.prepare_base(report.base)
    print(f"Base exportée pour ./predict : {shown_path(light)}")
    print(f"Pour s'en servir : ./predict --model {options.saved} photo.jpg")


def describe_base(provenance: pretrained.Provenance, *, input_px: int) -> dict:
    """Décrit la base d'une tête : c'est ce que lit `./predict` pour la retrouver."""
    return {
        "name": BASE_NAME,
        "input_px": input_px,
        "layer": features.LAYER,
        "sha256": provenance.sha256,
        "source": provenance.source,
    }
