"""Réseaux de graphes : des messages le long des arcs, et une perte sur nœuds, arcs ou graphe.

Document : S3 (diapositives), « Graph Neural Networks ».
Commande : python -m exercises.ex21_graphs, puis ./predict --model ex21_graphs vetement.png
Résultat mesuré : docs/resultats.md, sur cinq graines (`python -m recipes.seeds`).
"""

import keras
import numpy as np

from convnets.core.cli import lesson_parser, percent
from convnets.core.reports import Headline
from convnets.datasets import sources
from convnets.figures.charts import table
from convnets.figures.style import output_dir
from convnets.training import lesson
from convnets.training.batches import shuffled
from exercises.ex21_graphs import figures
from exercises.ex21_graphs.images import NETWORKS
from exercises.ex21_graphs.messages import CROSS, KERNEL, convolve_on_graph
from exercises.ex21_graphs.real_graphs import (
    load_club,
    load_novel,
    measure_edges,
    measure_nodes,
    over_draws,
)

NUM_IMAGES, NUM_VAL = 10_000, 1_000  # premières images ; celles d'entre elles qui valident
EPOCHS = 5
BATCH_SIZE = 32
LEARNING_RATE = 5e-3  # d'Adam, au début ; il suit ensuite un cosinus jusqu'à zéro (lesson.Clock)
# Chaque réseau d'images, et la part du temps d'apprentissage qu'il peut prendre.
# La somme vient en dernier : son réseau est celui que la leçon garde.
SHARES = {
    "linear": 0.03,
    "dense": 0.03,
    "wide": 0.04,
    "mean": 0.26,
    "max": 0.24,
    "alone": 0.08,
    "conv": 0.08,
    "sum": 0.24,
}
HEADLINE = [
    Headline("accuracy", "graphes d'images, messages"),
    Headline("accuracy_alone", "graphes d'images, sans message"),
    Headline("accuracy_conv", "mêmes carrés, convolution"),
    Headline("accuracy_wide", "réseau dense, six fois plus de paramètres"),
    Headline("nodes", "club de karaté, messages"),
    Headline("nodes_propagation", "club de karaté, propagation d'étiquettes"),
    Headline("nodes_cut", "club de karaté, coupe du graphe"),
]


# --- Question : mesurer les trois pertes ---------------------------------------------


def run(seed: int, *, epochs: int = EPOCHS, minutes=None, limit: int | None = None) -> lesson.Run:
    """Entraîne et mesure les réseaux d'images, puis les tâches sur les nœuds et sur les arcs.

    Args:
        seed: graine des poids, du mélange et des tirages.
        epochs: nombre d'époques des réseaux d'images.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: premières images ; None : `NUM_IMAGES`.

    Returns:
        Les mesures de `figures.PANELS` ; le réseau des messages sommés ; ses courbes.
    """
    x_train, y_train, x_val, y_val, x_test, y_test = lesson.split(
        sources.load_fashion_mnist(), limit=limit or NUM_IMAGES, num_val=NUM_VAL
    )
    metrics = {}
    for update, share in SHARES.items():
        keras.utils.set_random_seed(seed)
        model = NETWORKS[update]()
        model.compile(
            keras.optimizers.Adam(LEARNING_RATE),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        history = model.fit(
            shuffled(x_train, y_train, batch_size=BATCH_SIZE, seed=seed),
            epochs=epochs,
            validation_data=(x_val, y_val),
            callbacks=[lesson.Clock(epochs, minutes, share=share)],
            verbose=0,
        ).history
        lesson.round_weights(model)
        guesses = model.predict(x_test, batch_size=500, verbose=0).argmax(1)
        name = "accuracy" if update == "sum" else f"accuracy_{update}"
        metrics[name] = float(np.mean(guesses == y_test))
    metrics |= over_draws(measure_nodes, load_club(), seed=seed)
    metrics |= over_draws(measure_edges, load_novel(), seed=seed)
    kept = {"val": (x_val, y_val), "test": (x_test, y_test), "history": history}
    return lesson.Run(metrics, model, kept)


def teach(options) -> None:
    """Passe des messages sur une grille, puis entraîne, mesure, dessine et enregistre."""
    print("L'image 5 × 5 de S3, convoluée en passant des messages entre ses pixels :")
    print(convolve_on_graph(CROSS, KERNEL).astype(int))
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    for title, names in figures.PANELS.items():
        rows = [[label, percent(found.metrics[name])] for name, label in names.items()]
        print(table([title.replace("\n", " "), ""], rows))
    folder = output_dir(options)
    figures.save_bars(folder / "mesures.png", found.metrics)
    figures.save_club(folder / "club.png")
    figures.save_receptive_field(folder / "champ.png")
    lesson.save_classifier(
        found.model,
        options,
        **found.kept,
        classes=sources.FASHION_CLASSES,
        classes_fr=sources.FASHION_CLASSES_FR,
        metrics=found.metrics,
        headline=HEADLINE,
    )
    print(f"Figures écrites dans {folder}/")


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex21_graphs", __doc__.splitlines()[0], epochs=EPOCHS)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
