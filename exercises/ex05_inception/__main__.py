"""InceptionV3 : reconnaître de nouvelles classes avec un réseau déjà entraîné.

Document : TD « keras & réseaux de neurones convolutionnels », question 2, et §1.4.
Commande : python -m exercises.ex05_inception --images DOSSIER
Résultat mesuré : models/ex05_inception.json, repris dans le tableau du README.

DOSSIER contient un dossier d'images par classe ; sans lui, des chats et des chiens de CIFAR-10,
agrandis, servent d'exemple. La base reste figée (`ex05_features`), seule la tête est apprise
(`ex05_head`). `ex05_layers` cherche combien de couches garder, `ex05_forgetting` ce que coûte
d'en réapprendre. `./predict --model ex05_inception photo.jpg` dit ensuite un nom de dossier.
"""

import logging
import time
from contextlib import AbstractContextManager

import keras
import numpy as np

from convnets.core import reports
from convnets.core.cli import percent, run
from convnets.core.reports import Report
from convnets.datasets import folders, pretrained
from convnets.figures.style import save_mistakes, save_training_figures
from convnets.training import export_base, saving
from exercises.ex05_inception import features
from exercises.ex05_inception import head as top
from exercises.ex05_inception import report as shown
from exercises.ex05_inception.options import make_parser

DEFAULT_CLASSES = ("chat", "chien")
NUM_IMAGES = 2000  # du dossier par défaut, et autant pour le test


# --- Question 2 : les images ---------------------------------------------------------


def open_task(options, *, split: str = "train") -> AbstractContextManager[folders.Pictures]:
    """Ouvre le dossier demandé, ou celui de CIFAR-10, en copies carrées pour un bloc `with`."""
    folder = options.images or folders.cifar_folder(
        DEFAULT_CLASSES,
        split=split,
        num_images=min(options.limit or NUM_IMAGES, NUM_IMAGES),
        size_px=features.IMAGE_PX,
    )
    return folders.square_copies(folders.scan(folder, limit=options.limit), features.IMAGE_PX)


# --- Question 2 : ne réapprendre que la tête -----------------------------------------


def train(pictures, frozen: keras.Model, x: np.ndarray, *, seed: int, options):
    """Entraîne une tête sur le partage de l'énoncé.

    Avec `--augment`, une image n'est jamais deux fois la même : rien n'est à relire, et tout
    repasse dans la base à chaque époque. La validation, elle, n'est pas transformée.

    Args:
        pictures: images de `open_task`.
        frozen: base rendue par `ex05_features.frozen_base`.
        x: caractéristiques `(n, c)` de ces images.
        seed: graine.
        options: options de `ex05_options.make_parser`.

    Returns:
        `(tête, {"curves", "duration_s", "score"})`, `score` étant la précision de validation
        après la dernière époque.

    Source : énoncé, TD question 2.
    """
    kept, val = (
        features.rows(features.make_generator(pictures, subset=subset))
        for subset in ("training", "validation")
    )
    start, num_classes = time.monotonic(), len(pictures.classes)
    if options.augment:
        head = top.build_head(x[kept], num_classes, seed=seed)
        model = keras.Model(frozen.input, head(frozen.output))
        top.compile_head(model, top.LEARNING_RATE)
        batches = features.make_generator(
            pictures, subset="training", shuffle=True, augment=True, seed=seed
        )
        curves = model.fit(
            batches,
            validation_data=features.make_generator(pictures, subset="validation"),
            epochs=options.epochs,
            verbose=2,
        ).history
    else:
        head, curves = top.train_head(
            x[kept],
            pictures.labels[kept],
            num_classes=num_classes,
            seed=seed,
            epochs=options.epochs,
            validation=(x[val], pictures.labels[val]),
        )
    score = top.accuracy(top.predict(head, x[val]), pictures.labels[val])
    print(f"Graine {seed} : validation {percent(score)}", flush=True)
    return head, {"curves": curves, "duration_s": time.monotonic() - start, "score": score}


# --- Question 2 : ce qu'elle vaut ----------------------------------------------------


def evaluate(pictures, x: np.ndarray, *, options, seeds: int) -> list[np.ndarray]:
    """Prédit chaque image par une tête qui ne l'a pas vue, une fois par graine.

    La validation de l'énoncé, une part fixe et souvent petite, ne suffit pas à juger : la
    validation croisée emploie toutes les images, partagées au hasard.

    Returns:
        Pour chaque graine, des probabilités `(n, num_classes)` float32.
    """
    return [
        top.cross_validate(
            x, pictures.labels, num_folds=options.folds, seed=seed, epochs=options.epochs
        )
        for seed in range(seeds)
    ]


def evaluate_control(pictures, *, options) -> float:
    """Refait la validation croisée sur une base aux poids tirés au hasard : le témoin."""
    base, provenance = pretrained.inception_v3(input_px=features.IMAGE_PX, weights=None)
    frozen = features.frozen_base(base)
    x, duration_s = features.extract(pictures, frozen, base_sha256=provenance.sha256)
    print(f"Témoin. {shown.describe_extraction(len(x), duration_s)}", flush=True)
    return top.accuracy(evaluate(pictures, x, options=options, seeds=1)[0], pictures.labels)


def evaluate_test(heads: list[keras.Model], frozen: keras.Model, *, base_sha256: str, options):
    """Mesure les têtes sur des images de test de CIFAR-10, qui n'ont rien choisi.

    Returns:
        `(probabilités de chaque tête, étiquettes (n,), images à lire une par une)`.
    """
    with open_task(options, split="test") as test:
        x, duration_s = features.extract(test, frozen, base_sha256=base_sha256)
        print(f"Test. {shown.describe_extraction(len(x), duration_s)}", flush=True)
        images = folders.Squares(test.paths, features.IMAGE_PX)
        return [top.predict(head, x) for head in heads], test.labels, images


def study(options) -> int:
    """Fait tout l'exercice : caractéristiques, têtes, mesures, modèle et figures ; rend 0."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # un graphe par tête : c'est voulu
    task = open_task(options)  # un mauvais dossier se dit avant de chercher les poids
    weights = None if options.weights == "none" else options.weights
    base, provenance = pretrained.inception_v3(input_px=features.IMAGE_PX, weights=weights)
    frozen = features.frozen_base(base)
    print(f"Base : {provenance.source}.\n{provenance.note}".rstrip(), flush=True)
    with task as pictures:
        print(shown.describe_pictures(pictures), flush=True)
        top.draw_folds(pictures.labels, options.folds, seed=0)  # impossible ? le dire d'abord
        x, duration_s = features.extract(pictures, frozen, base_sha256=provenance.sha256)
        print(shown.describe_extraction(len(x), duration_s), flush=True)
        timing = None if options.augment else features.compare_epochs(pictures, frozen, x)
        print(shown.describe_timing(timing), flush=True)
        runs = [
            train(pictures, frozen, x, seed=seed, options=options) for seed in range(options.seeds)
        ]
        folds = evaluate(pictures, x, options=options, seeds=options.seeds)
        held_out = folds, pictures.labels, folders.Squares(pictures.paths, features.IMAGE_PX)
        control = evaluate_control(pictures, options=options) if weights else None
        if not options.images:
            held_out = evaluate_test(
                [head for head, _ in runs], frozen, base_sha256=provenance.sha256, options=options
            )
        results = {
            "folds": [top.accuracy(each, pictures.labels) for each in folds],
            "control": control,
            "timing": timing,
            "probabilities": held_out[0],
            "labels": held_out[1],
        }
        report = shown.make_report(options, pictures, provenance, runs, results)
    print(shown.describe_results(report), flush=True)
    best = report.shipped["seed"]
    if weights:
        save(runs[best][0], base, provenance, report, options)
    save_training_figures(options, report, held_out[2], held_out[1], held_out[0][best])
    save_mistakes(options, report, held_out[2], held_out[1], held_out[0][best])
    return 0


# --- Question 2 : garder peu, et prédire ---------------------------------------------


def save(head, base, provenance, report: Report, options) -> None:
    """Enregistre la tête seule, et l'export de la base que `./predict` retrouve à son empreinte."""
    other = shown.replaces_another_task(options, report.classes)
    folder, reason = saving.save_model(
        head, options.module, report, models_dir=options.models_dir, force=options.force or other
    )
    replaced = ", à la place d'une tête qui connaissait d'autres classes" if other else ""
    print(reason or f"Tête écrite dans {folder}/{options.module}.keras{replaced}.")
    layer_name = features.LAYER
    model = pretrained.features_model(base, layer_name=layer_name)
    light = export_base.export_features(model, provenance, layer_name=layer_name)
    print(f"Base exportée : {light}")


def prepare(options) -> int:
    """Retrouve la base de la tête enregistrée et l'exporte pour `./predict` ; rend 0."""
    report = reports.read_report(options.module, models_dir=options.models_dir)
    print(f"Base exportée : {export_base.prepare_base(report.base)}")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Apprend une tête sur les images demandées, la mesure, l'enregistre."""
    options = make_parser(__doc__.splitlines()[0], num_images=NUM_IMAGES).parse_args(argv)
    return run(lambda: prepare(options) if options.prepare else study(options))


if __name__ == "__main__":
    raise SystemExit(main())
