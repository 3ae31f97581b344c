"""Qu'est-ce qui compte dans un CNN ? Une pièce changée à la fois, et des intervalles.

Document : S1, exercice 2 ; S3 « Dropout et data-augmentation » ; S4, la batch-normalization.
Commande : python -m exercises.ex23_what_matters

Toutes les variantes ont les mêmes images, les mêmes lots et le même taux d'apprentissage. Le modèle
enregistré est la référence apprise sur CIFAR-10, choisie d'avance : le jeu de test ne choisit rien.
"""

import math
import time

import keras
import numpy as np

from convnets.core.cli import lesson_parser, percent
from convnets.core.reports import Headline
from convnets.datasets import sources
from convnets.figures.style import output_dir
from convnets.training import lesson
from convnets.training.augmentation import random_crop
from convnets.training.batches import shuffled
from convnets.training.cost import forward_flops
from exercises.ex23_what_matters import figures
from exercises.ex23_what_matters.intervals import paired_gap
from exercises.ex23_what_matters.networks import (
    CHANGES,
    REFERENCE,
    build_model,
    pieces_of,
    share_start,
)

SHAPES = {"fashion_mnist": (28, 28, 1), "cifar10": (32, 32, 3)}
SHIPPED = "cifar10"  # le jeu du modèle enregistré, et du budget long
NUM_IMAGES = 6000  # premières images de chaque jeu, pour apprendre comme pour tester
NUM_VAL = 600  # retirées de celles pour apprendre
EPOCHS = 4
LONG = 5  # fois plus d'époques : le budget long
# Ceux que l'on peut soupçonner de dépendre le plus du budget.
LONG_NAMES = ("reference", "linear", "dropout", "augmented")
OTHER_DRAW = 1000  # ajouté à la graine du témoin : la référence, tirée une autre fois
BATCH_SIZE = 64
LEARNING_RATE = 2e-3  # d'Adam, au début : celui d'autres exercices, réglé pour aucun d'ici
SHIFT_PX = 2  # déplacement de l'augmentation
HEADLINE = {
    "accuracy": "exactitude de la référence, CIFAR-10",
    "accuracy_cifar10_dense": "la même, réseau dense d'autant de paramètres",
    "accuracy_cifar10_reference_long": f"la même, référence, {LONG} fois plus d'époques",
    "accuracy_cifar10_dropout_long": f"la même, dropout, {LONG} fois plus d'époques",
    "accuracy_cifar10_augmented_long": f"la même, augmentation, {LONG} fois plus d'époques",
    "accuracy_fashion_mnist_reference": "exactitude de la référence, Fashion-MNIST",
    "accuracy_fashion_mnist_dense": "la même, réseau dense d'autant de paramètres",
}


# --- Question : des images que l'on n'a pas ------------------------------------------


def augment(images, *, indices, epoch, rng):
    """Déplace chaque image d'au plus `SHIFT_PX`, et en retourne la moitié, tirée au sort."""
    images = random_crop(images, pad=SHIFT_PX, rng=rng)
    flipped = rng.random(len(images)) < 0.5
    images[flipped] = images[flipped, :, ::-1]
    return images


# --- Question : au même budget -------------------------------------------------------


class Clock(lesson.Clock):
    """Mène le taux d'apprentissage sans rien dire des époques : il y a trente-quatre réseaux."""

    def on_epoch_end(self, epoch, logs=None):
        """Compte l'époque."""
        self.epoch = epoch + 1


def train(name: str, x: np.ndarray, y: np.ndarray, *, seed: int, epochs: int) -> keras.Model:
    """Entraîne un réseau.

    Le lot `k` de l'époque `e` a les mêmes images pour tous les réseaux d'une même graine ;
    l'augmentation, quand c'est elle qu'on essaie, les déforme ensuite.

    Args:
        name: une clé de `networks.CHANGES`, ou `"reference"`.
        x: images uint8 `(n, h, w, c)`.
        y: classes `(n,)`.
        seed: graine des poids et des lots.
        epochs: nombre d'époques.
    """
    keras.utils.set_random_seed(seed)
    reference = build_model(REFERENCE, x.shape[1:], "reference")
    keras.utils.set_random_seed(seed)
    pieces = pieces_of(name)
    model = build_model(pieces, x.shape[1:], name)
    share_start(model, reference)
    model.compile(
        keras.optimizers.Adam(LEARNING_RATE),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    move = augment if pieces.augmented else None
    batches = shuffled(x, y, batch_size=min(BATCH_SIZE, len(x)), seed=seed, augment=move)
    model.fit(batches, epochs=epochs, callbacks=[Clock(epochs, None)], verbose=0)
    lesson.round_weights(model)
    return model


def make_jobs() -> list[tuple[str, str, str, int, int]]:
    """Rend ce qui est appris, dans l'ordre : les références d'abord, le budget long à la fin.

    Returns:
        Par réseau : son jeu, son nom dans le compte rendu, celui de `networks.pieces_of`, ce qu'on
        ajoute à sa graine, et son budget, qui multiplie les époques. Seul CIFAR-10 a un budget
        long, pour que la leçon reste courte.
    """
    networks = [(name, name, 0, 1) for name in ("reference", *CHANGES)]
    networks.append(("twin", "reference", OTHER_DRAW, 1))
    jobs = [(dataset, *network) for network in networks for dataset in SHAPES]
    return jobs + [(SHIPPED, f"{name}_long", name, 0, LONG) for name in LONG_NAMES]


def run(
    seed: int, *, epochs: int = EPOCHS, minutes: int | None = None, limit: int | None = None
) -> lesson.Run:
    """Apprend et mesure tous les réseaux.

    Chacun apprend toutes ses époques : s'arrêter avant fausserait la comparaison. Si le temps
    manque, les derniers ne sont pas appris.

    Args:
        seed: graine des poids et des lots ; le témoin en a une autre.
        epochs: nombre d'époques du budget court.
        minutes: durée de la leçon ; None : autant qu'il en faut.
        limit: premières images de chaque jeu ; None : `NUM_IMAGES`.

    Returns:
        L'exactitude de chaque réseau, la référence de CIFAR-10 et, dans `pooled`, les images de
        test où chaque réseau a raison : ce que `pool` compare.
    """
    end_s = time.monotonic() + (60 * minutes * lesson.TRAINING if minutes else math.inf)
    data, metrics, pooled, shipped = {}, {}, {}, None
    for dataset, shape in SHAPES.items():
        load = getattr(sources, f"load_{dataset}")
        x, y, _, _, x_test, y_test = lesson.split(
            load(), limit=limit or NUM_IMAGES, num_val=NUM_VAL
        )
        data[dataset] = x.reshape(-1, *shape), y.reshape(-1), x_test.reshape(-1, *shape), y_test
        pooled[dataset] = {}
    for dataset, key, name, draw, budget in make_jobs():
        title = f"{figures.DATASETS_FR[dataset]}, {figures.LABELS_FR[key]}"
        if time.monotonic() > end_s:
            print(f"{title} : pas appris, le temps est passé.", flush=True)
            continue
        x, y, x_test, y_test = data[dataset]
        model = train(name, x, y, seed=seed + draw, epochs=budget * epochs)
        right = model.predict(x_test, batch_size=500, verbose=0).argmax(1) == y_test.reshape(-1)
        pooled[dataset][key] = right.astype(int).tolist()
        metrics[f"accuracy_{dataset}_{key}"] = float(right.mean())
        print(f"{title} : {percent(right.mean())} sur le test", flush=True)
        shipped = model if (dataset, key) == (SHIPPED, "reference") else shipped
    metrics["accuracy"] = metrics[f"accuracy_{SHIPPED}_reference"]
    return lesson.Run(metrics, shipped, {"pooled": pooled})


# --- Question : ce que vaut chaque pièce, et ce qu'elle coûte ------------------------


def pool(found: list[dict]) -> dict:
    """Compare chaque réseau à la référence de son budget, et compte ce qu'il coûte.

    Args:
        found: le `pooled` de chaque graine.

    Returns:
        `datasets` ; par jeu et par réseau : `parameters`, `operations` (multiplications et
        additions par image), `gap`, trois nombres (`intervals.Gap`) ou aucun pour une référence.
    """
    datasets = {}
    for dataset, shape in SHAPES.items():
        datasets[dataset] = {}
        for key in found[0][dataset]:
            model = build_model(pieces_of(key.removesuffix("_long")), shape, key)
            cost = {"parameters": model.count_params(), "operations": forward_flops(model)}
            against = "reference_long" if key.endswith("_long") else "reference"
            right, reference = (
                np.array([each[dataset][name] for each in found]) for name in (key, against)
            )
            gap = [] if key == against else [*paired_gap(right, reference)]
            datasets[dataset][key] = {**cost, "gap": gap}
    return {"datasets": datasets}


def teach(options) -> None:
    """Apprend et compare tous les réseaux, enregistre la référence, montre ce qui se distingue."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    report = lesson.save(
        found.model,
        options,
        found.metrics,
        headline=[Headline(name, HEADLINE[name]) for name in HEADLINE if name in found.metrics],
        input_shape=[*SHAPES[SHIPPED]],
        classes=sources.CIFAR10_CLASSES,
        classes_fr=sources.CIFAR10_CLASSES_FR,
        details=pool([found.kept["pooled"]]),
    )
    for dataset in SHAPES:
        print(f"\n{figures.results_table(report, dataset)}")
    print("\nLes intervalles d'une seule graine ne comptent que le hasard des images de test.")
    figures.save_gaps(report, output_dir(options) / "pieces.png")
    print(f"Figure : {output_dir(options)}/pieces.png")
    print("Pour s'en servir : ./predict --model ex23_what_matters samples/avion.png")


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex23_what_matters", __doc__.splitlines()[0], epochs=EPOCHS)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
