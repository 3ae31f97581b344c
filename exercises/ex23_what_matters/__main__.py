"""Qu'est-ce qui compte dans un CNN ? Une pièce changée à la fois, et des intervalles.

Document : S1, exercice 2 ; S3 « Dropout et data-augmentation » ; S4, la batch-normalization.
Commande : python -m exercises.ex23_what_matters

Toutes les variantes ont les mêmes images, les mêmes lots et le même taux d'apprentissage. Le modèle
enregistré est la référence, choisie d'avance : le jeu de test ne choisit rien.
"""

import keras
import numpy as np

from convnets.core import session
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

SHAPE = (32, 32, 3)  # des images de CIFAR-10
NETWORKS = ("reference", *CHANGES, "twin")  # dans l'ordre où ils sont appris
NUM_IMAGES = 6000  # premières images du jeu, pour apprendre comme pour tester
NUM_VAL = 600  # retirées de celles pour apprendre
EPOCHS = 20  # à quatre, « sans ReLU » passe devant et l'augmentation ne rapporte rien
OTHER_DRAW = 1000  # ajouté à la graine du témoin : la référence, tirée une autre fois
BATCH_SIZE = 64
LEARNING_RATE = 2e-3  # d'Adam, au début : celui d'autres exercices, réglé pour aucun d'ici
SHIFT_PX = 2  # déplacement de l'augmentation
HEADLINE = {
    "accuracy": "exactitude de la référence",
    "accuracy_dense": "la même, réseau dense d'autant de paramètres",
    "accuracy_linear": "la même, sans ReLU",
    "accuracy_dropout": "la même, dropout",
    "accuracy_normalised": "la même, normalisation par lot",
    "accuracy_augmented": "la même, augmentation",
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
    """Mène le taux d'apprentissage sans rien dire des époques : il y a quinze réseaux."""

    def on_epoch_end(self, epoch, logs=None):
        """Compte l'époque."""
        self.epoch = epoch + 1


def train(name: str, x: np.ndarray, y: np.ndarray, *, seed: int, epochs: int) -> keras.Model:
    """Entraîne un réseau.

    Le lot `k` de l'époque `e` a les mêmes images pour tous les réseaux d'une même graine ;
    l'augmentation, quand c'est elle qu'on essaie, les déforme ensuite.

    Args:
        name: un de `NETWORKS`.
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


def run(
    seed: int, *, epochs: int = EPOCHS, minutes: int | None = None, limit: int | None = None
) -> lesson.Run:
    """Apprend et mesure tous les réseaux.

    Chacun apprend toutes ses époques : s'arrêter avant fausserait la comparaison. Si le temps
    manque, les derniers ne sont pas appris.

    Args:
        seed: graine des poids et des lots ; le témoin en a une autre.
        epochs: nombre d'époques de chacun.
        minutes: durée de la leçon ; None : autant qu'il en faut.
        limit: premières images du jeu ; None : `NUM_IMAGES`.

    Returns:
        L'exactitude de chaque réseau, la référence et, dans `pooled`, les images de
        test où chaque réseau a raison : ce que `pool` compare.
    """
    x, y, _, _, x_test, y_test = lesson.split(
        sources.load_cifar10(), limit=limit or NUM_IMAGES, num_val=NUM_VAL
    )
    y, y_test, metrics, right, shipped = y.reshape(-1), y_test.reshape(-1), {}, {}, None
    for name in NETWORKS:
        if session.learning_s(minutes) < 0:
            print(f"{figures.LABELS_FR[name]} : pas appris, le temps est passé.", flush=True)
            session.note_missing(f"{figures.LABELS_FR[name]} : pas appris")
            continue
        draw = OTHER_DRAW if name == "twin" else 0
        model = train(name, x, y, seed=seed + draw, epochs=epochs)
        found = model.predict(x_test, batch_size=500, verbose=0).argmax(1) == y_test
        right[name] = found.astype(int).tolist()
        metrics["accuracy" if name == "reference" else f"accuracy_{name}"] = float(found.mean())
        print(f"{figures.LABELS_FR[name]} : {percent(found.mean())} sur le test", flush=True)
        shipped = model if name == "reference" else shipped
    return lesson.Run(metrics, shipped, {"pooled": right})


# --- Question : ce que vaut chaque pièce, et ce qu'elle coûte ------------------------


def pool(found: list[dict]) -> dict:
    """Compare chaque réseau à la référence, et compte ce qu'il coûte.

    Args:
        found: le `pooled` de chaque graine.

    Returns:
        `networks` ; par réseau : `parameters`, `operations` (multiplications et additions par
        image), `gap`, trois nombres (`intervals.Gap`).
    """
    networks = {}
    for name in found[0]:
        model = build_model(pieces_of(name), SHAPE, name)
        cost = {"parameters": model.count_params(), "operations": forward_flops(model)}
        right, reference = (np.array([each[key] for each in found]) for key in (name, "reference"))
        networks[name] = {**cost, "gap": [*paired_gap(right, reference)]}
    return {"networks": networks}


def teach(options) -> None:
    """Apprend et compare tous les réseaux, enregistre la référence, montre ce qui est séparé."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    report = lesson.save(
        found.model,
        options,
        found.metrics,
        headline=[Headline(name, HEADLINE[name]) for name in HEADLINE if name in found.metrics],
        input_shape=[*SHAPE],
        classes=sources.CIFAR10_CLASSES,
        classes_fr=sources.CIFAR10_CLASSES_FR,
        details=pool([found.kept["pooled"]]),
    )
    print(f"\n{figures.results_table(report)}")
    print("\nUne seule graine : ces intervalles ne comptent que le hasard des images de test.")
    print("Une différence semblable à celle du témoin ne montre donc rien.")
    figures.save_gaps(report, output_dir(options) / "pieces.png")
    print(f"Figure : {output_dir(options)}/pieces.png")
    print(f"Pour s'en servir : ./predict --model {options.saved} samples/avion.png")


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex23_what_matters", __doc__.splitlines()[0], epochs=EPOCHS)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
