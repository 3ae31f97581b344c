"""Segmentation sémantique : une classe par pixel, avec U-Net et SegNet.

Document : S3 « Different problems, models & metrics » (segmentation, U-Net, SegNet).
Commande : python -m exercises.ex18_segmentation     puis, avec une image, la même suivie de son nom
Résultat mesuré : models/ex18_segmentation.json, repris dans le README.

Les scènes sont composées (`convnets/datasets/scenes.py`) : des vêtements de Fashion-MNIST posés sur
des photographies de CIFAR-10, dont on connaît la classe de chaque pixel. Trois réseaux les
apprennent, avec le même budget : le U-Net, le même sans les connexions de la descente à la montée,
et SegNet. Les scènes de test sont faites d'images de test, qu'aucun n'a vues.
"""

from argparse import Namespace
from pathlib import Path

import keras
import numpy as np

from convnets.core import paths
from convnets.core.cli import percent, run, training_parser
from convnets.datasets import scenes, sources
from convnets.figures.style import output_dir
from convnets.serving.classifier import prepare
from convnets.training import saving, study
from exercises.ex18_segmentation.figures import CLASSES_FR, save_masks
from exercises.ex18_segmentation.measures import measure
from exercises.ex18_segmentation.networks import NAMES_FR, NUM_CLASSES, build_model
from exercises.ex18_segmentation.report import make_report, show

EPOCHS = 2
BATCH_SIZE = 8
LEARNING_RATE = 1e-2  # d'Adam, au début ; il décroît jusqu'à zéro
NUM_SCENES = {"train": 5000, "val": 400, "test": 1000}
NUM_OBJECTS = (2, 4)  # vêtements par scène
NUM_VAL = 5000  # vêtements, et photographies, réservés aux scènes de validation


# --- Question : des scènes dont on connaît chaque pixel ------------------------------


def make_scenes(garments, photos, *, limit: int | None) -> dict[str, scenes.Scenes]:
    """Compose les scènes d'apprentissage, de validation et de test, sans image commune.

    Args:
        garments: jeu de Fashion-MNIST, `(x_train, y_train), (x_test, y_test)`.
        photos: jeu de CIFAR-10, de même.
        limit: au plus tant de scènes par jeu, dix fois moins pour la validation ; None : toutes
            celles de `NUM_SCENES`.

    Returns:
        `{"train", "val", "test"}`, toujours les mêmes.
    """
    num_val = [min(NUM_VAL, max(1, len(x) // 10)) for (x, _), _ in (garments, photos)]
    objects, val_objects = sources.split_validation(*garments[0], num_val=num_val[0], seed=0)
    grounds, val_grounds = sources.split_validation(*photos[0], num_val=num_val[1], seed=0)
    parts = {
        "train": (*objects, grounds[0]),
        "val": (*val_objects, val_grounds[0]),
        "test": (*garments[1], photos[1][0]),
    }
    made = {}
    for seed, (name, num_scenes) in enumerate(NUM_SCENES.items()):
        if limit:
            num_scenes = min(num_scenes, max(1, limit // 10) if name == "val" else limit)
        made[name] = scenes.compose_scenes(
            *parts[name], num_scenes=num_scenes, num_objects=NUM_OBJECTS, seed=seed
        )
    return made


# --- Question : apprendre et mesurer, même budget pour les trois ---------------------


def train(kind: str, made: dict, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Entraîne un des trois réseaux ; le rend en float32, avec ses courbes."""
    model = study.build(lambda: build_model(kind), seed=seed, precision=options.precision)
    batches = study.Batches(
        made["train"].images,
        made["train"].masks,
        batch_size=options.batch_size or BATCH_SIZE,
        seed=seed,
        augment=None,
    )
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, options.epochs * len(batches))
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    history = study.fit(
        model,
        batches,
        epochs=options.epochs,
        resume=options.resume,
        verbose=2,
        checkpoint=paths.checkpoint_path(options, seed, network=kind),
        validation_data=(made["val"].images, made["val"].masks),
        validation_batch_size=50,
    )
    kept = build_model(kind)  # les mêmes poids, en float32
    kept.set_weights(model.get_weights())
    return kept, history


def predict_masks(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Rend la classe la plus probable de chaque pixel.

    Args:
        model: un des trois réseaux.
        images: uint8 `(n, h, w, 3)`.

    Returns:
        uint8 `(n, h, w)`, de 0 (fond) à 10.
    """
    best = keras.Model(model.inputs[0], keras.ops.argmax(model.outputs[0], axis=-1))
    return best.predict(images, batch_size=50, verbose=0).astype(np.uint8)


def compare(options: Namespace) -> int:
    """Entraîne les trois réseaux pour chaque graine, écrit modèle, compte rendu et figures."""
    datasets = sources.load_fashion_mnist(), sources.load_cifar10()
    made = make_scenes(*datasets, limit=options.limit)
    runs = []
    for seed in range(options.seeds):
        each = {"models": {}, "history": {}, "val": {}, "test": {}, "predicted": {}}
        for kind, name in NAMES_FR.items():
            print(
                f"Graine {seed}, {name} : {len(made['train'].images)} scènes, "
                f"{options.epochs} époques.",
                flush=True,
            )
            model, each["history"][kind] = train(kind, made, seed=seed, options=options)
            each["models"][kind] = model
            for part in ("val", "test"):
                each["predicted"][kind] = predict_masks(model, made[part].images)
                each[part][kind] = measure(made[part].masks, each["predicted"][kind])
            print(
                f"Graine {seed}, {name} : IoU moyenne, validation "
                f"{percent(each['val'][kind]['mean_iou'])} ; test "
                f"{percent(each['test'][kind]['mean_iou'])}",
                flush=True,
            )
        runs.append(each)
    report = make_report(options, runs, made, datasets)
    best = runs[report.shipped["seed"]]
    folder, reason = saving.save_model(
        best["models"]["unet"],
        options.module,
        report,
        models_dir=options.models_dir,
        force=options.force,
    )
    if reason:
        print(reason)
    seed = report.shipped["seed"]
    print(f"U-Net écrit dans {folder}/{options.module}.keras (graine {seed}).")
    show(options, report, made["test"], best["predicted"])
    return 0


# --- Question : le masque d'une image ------------------------------------------------


def segment(options: Namespace) -> int:
    """Dessine le masque d'une image à côté d'elle, et dit ce qu'il contient ; rend 0."""
    model = saving.load_model(options.module, models_dir=options.models_dir)
    image = prepare(options.image, model.input_shape[1:])
    mask = predict_masks(model, image[None])[0]
    shares = np.bincount(mask.reshape(-1), minlength=NUM_CLASSES) / mask.size
    for k in np.argsort(-shares, kind="stable"):
        if shares[k]:
            print(f"{CLASSES_FR[k]:<15} {percent(shares[k]):>7}")
    path = output_dir(options) / f"{Path(options.image).stem}_masque.png"
    save_masks(path, image[None], {"masque du U-Net": mask[None]})
    print(path)
    return 0


def main(argv: list[str] | None = None) -> int:
    """Sans image, entraîne et compare les trois réseaux ; avec une image, la segmente."""
    parser = training_parser("ex18_segmentation", __doc__.splitlines()[0], epochs=EPOCHS, seeds=3)
    parser.add_argument("image", nargs="?", help="image à segmenter ; sans elle, on entraîne")
    options = parser.parse_args(argv)
    return run(lambda: segment(options) if options.image else compare(options))


if __name__ == "__main__":
    raise SystemExit(main())
