"""Un CNN à la main : aller, retour et boucle d'apprentissage en NumPy, vérifiés.

Document : S4 « backpropagation pour CNN ? » et « training loop » ; S0 « Apprentissage ».
Commandes : python -m exercises.ex22_by_hand
            python -m exercises.ex22_by_hand --check     (vérifier gradients et boucles seulement)
Résultat mesuré : docs/laboratoire/resultats.md, sur cinq graines
(`python -m recipes.seeds ex22_by_hand`).
"""

import time
from itertools import takewhile
from pathlib import Path

import numpy as np

from convnets.core import session
from convnets.core.cli import lesson_parser, percent
from convnets.core.intervals import by_image, paired_gaps
from convnets.core.reports import Headline
from convnets.datasets import sources
from convnets.figures.charts import save_filters, table
from convnets.figures.style import output_dir
from convnets.training import lesson
from convnets.training.batches import Batches
from convnets.training.nearest import copy_nearest
from exercises.ex22_by_hand.gradients import errors_table
from exercises.ex22_by_hand.loops import BATCH_SIZE, by_hand, losses_table, run_loops
from exercises.ex22_by_hand.network import (
    Descent,
    build_layers,
    build_linear,
    build_model,
    forward,
    to_floats,
    to_keras,
)

NUM_VAL = 5000  # images retirées de l'entraînement, pour suivre ses progrès
EPOCHS = 5
LEARNING_RATE = 0.1  # à la première époque ; il baisse ensuite, d'autant à chacune
MOMENTUM = 0.9
NEIGHBOURS = 1  # du témoin sans apprentissage : 1 bat 3, 5 et 9 en validation (97,2 à 96,8 %)
SHOWN_FILTERS = 8
PASS = 500  # images mesurées à la fois : toutes ensemble, leurs fenêtres rempliraient la mémoire
NETWORKS = {  # de quoi construire chacun, sa première couche apprise, sa part du temps
    "accuracy": (build_layers, 0, 0.65),
    "accuracy_frozen": (build_layers, -1, 0.3),  # les filtres restent ceux du hasard
    "accuracy_linear": (build_linear, 0, 0.05),
}
PAIRS = (  # écarts publiés : de combien le premier dépasse le second
    ("accuracy", "accuracy_frozen"),
    ("accuracy", "accuracy_nearest"),
    ("accuracy", "accuracy_linear"),
    ("accuracy_frozen", "accuracy_linear"),
    ("accuracy_nearest", "accuracy_frozen"),
)
HEADLINE = {
    "accuracy": "exactitude du CNN à la main, MNIST",
    "accuracy_frozen": "la même, filtres laissés au hasard",
    "accuracy_linear": "exactitude d'un classifieur linéaire à la main",
    "accuracy_constant": "exactitude en répondant toujours le chiffre le plus fréquent",
}


# --- Question : apprendre, époque par époque -----------------------------------------


def learn(layers: list, batches: Batches, *, first: int, epochs: int, limit_s: float, val) -> int:
    """Apprend un réseau à la main, avec la boucle de `loops.by_hand`.

    Args:
        layers: couches, modifiées sur place.
        batches: lots d'entraînement.
        first: rang de la première couche apprise ; celles d'avant ne changent pas.
        epochs: nombre d'époques.
        limit_s: temps après lequel aucun lot n'est plus appris.
        val: images et classes de validation.

    Returns:
        Le nombre d'époques entières qui ont été apprises.
    """
    descent = Descent(layers[first:], learning_rate=LEARNING_RATE, momentum=MOMENTUM)
    start = time.monotonic()
    for epoch in range(epochs):
        done = max(epoch / epochs, (time.monotonic() - start) / limit_s)
        descent.learning_rate = LEARNING_RATE * (1 - done)
        lots = (batches[step] for step in range(len(batches)))
        known = takewhile(lambda _: time.monotonic() - start < limit_s, lots)
        by_hand(layers, ((to_floats(images), labels) for images, labels in known), descent)
        batches.on_epoch_end()
        line = f"époque {epoch + 1}/{epochs} ; exactitude en validation "
        print(line + percent(is_right(layers, *val).mean()), flush=True)
        if time.monotonic() - start >= limit_s:
            print(f"Le temps est passé, à l'époque {epoch + 1}.", flush=True)
            return epoch
    return epochs


def is_right(layers: list, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Rend les images uint8 `(n, 28, 28)` qu'un réseau à la main classe bien, `(n,)` booléens."""
    starts = range(0, len(x), PASS)
    guesses = [forward(layers, to_floats(x[k : k + PASS])).argmax(1) for k in starts]
    return np.concatenate(guesses) == y


# --- Question : ce que vaut chacun ---------------------------------------------------


def run(
    seed: int, *, epochs: int = EPOCHS, minutes=None, limit: int | None = None, nearest: bool = True
) -> lesson.Run:
    """Apprend le CNN à la main, puis ses témoins, avec les mêmes lots ; les mesure.

    Args:
        seed: graine des poids et des lots.
        epochs: nombre d'époques.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: images gardées de chaque jeu ; None, toutes.
        nearest: mesurer aussi l'image la plus proche, ce que la leçon ne fait pas.

    Returns:
        Les exactitudes de `HEADLINE`, et `accuracy_nearest` ; le jumeau Keras du CNN ; images de
        validation et de test et, dans `pooled`, les images de test que chacun classe bien.
    """
    x_train, y_train, x_val, y_val, x_test, y_test = lesson.split(
        sources.load_mnist(), limit=limit, num_val=NUM_VAL
    )
    right = {"accuracy_constant": np.bincount(y_train).argmax() == y_test}
    learned = {}
    for name, (build, first, share) in NETWORKS.items():
        print(f"À mesurer : {HEADLINE[name]}", flush=True)
        size = min(BATCH_SIZE, len(x_train))
        batches = Batches(x_train, y_train, batch_size=size, seed=seed, augment=None)
        learned[name] = build(seed=seed)
        done = learn(
            learned[name],
            batches,
            first=first,
            epochs=epochs,
            limit_s=session.take(share, minutes),
            val=(x_val, y_val),
        )
        session.note_training(name, epochs=epochs, done=done)
        right[name] = is_right(learned[name], x_test, y_test)
    if nearest:
        right["accuracy_nearest"] = (
            copy_nearest(x_train, y_train, x_test, neighbours=NEIGHBOURS) == y_test
        )
    model = to_keras(learned["accuracy"], build_model())
    metrics, pooled = by_image(right)
    kept = {"val": (x_val, y_val), "test": (x_test, y_test), "pooled": pooled}
    return lesson.Run(metrics, model, kept)


def pool(found: list[dict]) -> dict:
    """Rend les écarts publiés, sur toutes les graines et toutes les images de test.

    Args:
        found: par graine, les images de test que chacun classe bien.

    Returns:
        `{"gaps": {"accuracy - accuracy_frozen": [moyenne, bas, haut]…}}`, pour chacune des `PAIRS`.
    """
    return {"gaps": paired_gaps(found, PAIRS)}


def save_kernels(model, path: Path) -> None:
    """Dessine des filtres de la première convolution, tels que tirés, puis appris.

    Args:
        model: jumeau Keras du CNN appris, parti de la graine 0.
        path: fichier PNG.
    """
    kernels = {"avant": build_layers(seed=0)[0].weights[0], "après": model.get_weights()[0]}
    rows = {
        name: kernel[:, :, 0, :SHOWN_FILTERS].transpose(2, 0, 1) for name, kernel in kernels.items()
    }
    save_filters(path, rows, title="Filtres 5×5 de la première convolution, au hasard puis appris")


def teach(options) -> None:
    """Vérifie les gradients et les boucles ; sauf avec `--check`, apprend, mesure et enregistre."""
    print(errors_table(), end="\n\n", flush=True)
    print(losses_table(run_loops(*sources.load_mnist()[0])), flush=True)
    if options.check:
        return
    found = run(
        0, epochs=options.epochs, minutes=options.minutes, limit=options.limit, nearest=False
    )
    rows = [[label, percent(found.metrics[name])] for name, label in HEADLINE.items()]
    print(table(["mesure", "sur le jeu de test"], rows))
    lesson.save_classifier(
        found.model,
        options,
        history={},
        val=found.kept["val"],
        test=found.kept["test"],
        classes=sources.MNIST_CLASSES,
        classes_fr=sources.MNIST_CLASSES,
        headline=[Headline("accuracy", HEADLINE["accuracy"])],
        framing="digit",  # comment ./predict prépare une image
    )
    path = output_dir(options) / "filtres.png"
    save_kernels(found.model, path)
    print(f"Figure : {path}")


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex22_by_hand", __doc__.splitlines()[0], epochs=EPOCHS)
    parser.add_argument(
        "--check", action="store_true", help="vérifier gradients et boucles, sans apprendre"
    )
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
