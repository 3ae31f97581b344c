"""Réapprendre la fin de la base : le partage, le bas figé, le haut qui change.

D'après : S3 « Fine-tuning approach ».
Commande : python -m exercises.ex05_inception.layers

`layers` et `forgetting` s'en servent.
"""

import time
from pathlib import Path

import keras
import numpy as np
from keras import layers

from convnets.core import reports
from convnets.core.cli import FrenchParser, add_folders, positive_int
from convnets.core.reports import Headline, Metric, Report
from convnets.datasets import folders
from exercises.ex05_inception import features
from exercises.ex05_inception import head as top

NUM_IMAGES = 1000  # par tâche pour apprendre, et autant pour le test : quelques minutes

# --- Question : des images, et ce qu'en fait un bas figé ---------------------------


def open_folder(names, *, split: str, limit: int | None):
    """Ouvre des images de CIFAR-10 agrandies, pour un bloc `with`."""
    folder = folders.cifar_folder(
        names,
        split=split,
        num_images=min(limit or NUM_IMAGES, NUM_IMAGES),
        size_px=features.IMAGE_PX,
    )
    return folders.square_copies(folders.scan(folder), features.IMAGE_PX)


def timed_predict(model: keras.Model, pictures) -> tuple[np.ndarray, float]:
    """Passe toutes les images dans un modèle ; rend ses sorties et la durée en secondes."""
    batches = features.make_generator(pictures)
    model.predict(batches, steps=1, verbose=0)  # la construction du graphe ne compte pas
    start = time.monotonic()
    outputs = model.predict(batches, verbose=0)
    return outputs, time.monotonic() - start


# --- Question : réapprendre le haut ------------------------------------------------


def split_base(base: keras.Model, layer_name: str) -> tuple[keras.Model, keras.Model]:
    """Partage la base en un bas, figé, et un haut, à réapprendre.

    Le bas figé rend toujours les mêmes cartes : elles aussi ne se calculent qu'une fois.

    Args:
        base: modèle rendu par `pretrained.inception_v3`.
        layer_name: dernière couche du bas.

    Returns:
        `(bas, haut)` : images float32 `(n, px, px, 3)` dans [-1, 1] → cartes `(n, h, w, c)` ;
        ces cartes → caractéristiques `(n, 2048)`. Ils partagent les poids de la base.
    """
    maps = base.get_layer(layer_name).output
    end = layers.GlobalAveragePooling2D()(base.output)
    return keras.Model(base.input, maps), keras.Model(maps, end)


def fine_tune(
    end: keras.Model, head: keras.Model, task, *, learning_rate: float, epochs: int, seed: int
) -> None:
    """Réapprend le haut de la base avec sa tête, déjà entraînée : les deux changent sur place.

    La tête d'abord : ses poids au hasard enverraient de grands gradients dans une base qui n'a
    rien à corriger. Les BatchNormalization restent figées, donc en mode prédiction : sinon, les
    statistiques de lots de 64 images y remplaceraient celles d'un million.

    Args:
        end: haut rendu par `split_base`.
        head: tête rendue par `head.train_head`.
        task: `(cartes, étiquettes)`, ce que rend le bas, float32 `(n, h, w, c)`, et les
            indices des classes, entiers `(n,)`.
        learning_rate: taux d'apprentissage d'Adam.
        epochs: nombre d'époques.
        seed: graine du mélange et du dropout.

    Source : S3, « Fine-tuning approach » ; Ioffe et Szegedy, arXiv 1502.03167, 2015, §3.1.
    """
    maps, labels = task
    end.trainable = True
    for layer in end.layers:
        layer.trainable = not isinstance(layer, layers.BatchNormalization)
    keras.utils.set_random_seed(seed)
    model = keras.Model(end.input, head(end.output))
    top.compile_head(model, learning_rate)
    model.fit(
        maps,
        top.targets(labels, head.output_shape[-1]),
        batch_size=top.BATCH_SIZE,
        epochs=epochs,
        verbose=0,
    )


# --- Leurs options et leurs comptes rendus -----------------------------------------


def part_parser(part: str, description: str, *, epochs: int) -> FrenchParser:
    """Prépare les options de `layers` et de `forgetting`.

    Args:
        part: nom du fichier ; le compte rendu s'appelle `ex05_` et ce nom.
        description: une phrase, la première de l'aide.
        epochs: époques de réapprentissage par défaut.
    """
    parser = FrenchParser(
        prog=f"python -m exercises.ex05_inception.{part}", description=description
    )
    add = parser.add_argument
    add(
        "--limit",
        type=positive_int,
        metavar="N",
        help=f"N images au plus par dossier ({NUM_IMAGES} par défaut)",
    )
    add(
        "--epochs",
        type=positive_int,
        default=epochs,
        metavar="N",
        help=f"époques de réapprentissage ({epochs} par défaut)",
    )
    add(
        "--seeds",
        type=positive_int,
        default=1,
        metavar="N",
        help="refaire avec N graines (1 par défaut)",
    )
    add_folders(parser, f"ex05_{part}", models="où écrire le résultat")
    parser.set_defaults(command=f"ex05_inception.{part}")
    return parser


def study_report(options, metrics: dict[str, Metric], headline: dict[str, str], **found) -> Report:
    """Assemble le compte rendu d'une étude sans modèle.

    Args:
        options: options de `part_parser`.
        metrics: ce qui a été mesuré.
        headline: ce que les tableaux montrent, si cela a été mesuré, et son intitulé.
        **found: autres champs de `Report`, sans la commande ni le moteur.
    """
    command = f"python -m exercises.{options.command} --seeds {options.seeds}"
    command += f" --epochs {options.epochs}"
    command += f" --limit {options.limit}" if options.limit else ""
    shown = [Headline(name, label) for name, label in headline.items() if name in metrics]
    return Report(
        command=command, metrics=metrics, headline=shown, backend=keras.backend.backend(), **found
    )


def write_report(report: Report, options, *, epochs: int) -> Path:
    """Écrit le compte rendu d'une étude sans modèle, d'un seul coup.

    Args:
        report: rendu par `study_report`.
        options: options de `part_parser`.
        epochs: époques du résultat publié ; un essai plus court, ou avec `--limit`, va dans
            `runs/`, pour ne pas le remplacer.

    Returns:
        Le fichier, que `read_report` relit.
    """
    trial = bool(options.limit) or options.epochs < epochs
    return reports.write_report(options.module, report, models_dir=options.models_dir, trial=trial)
