"""Réseaux de graphes : des messages le long des arcs, et une perte sur nœuds, arcs ou graphe.

Document : S3 (diapositives), « Graph Neural Networks ».
Commande : python -m exercises.ex21_graphs, puis ./predict --model ex21_graphs vetement.png
Résultat mesuré : docs/laboratoire/resultats.md, sur cinq graines (`python -m recipes.seeds`).
"""

import keras

from convnets.core.cli import lesson_parser, percent
from convnets.core.intervals import against_others
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
# Ce qu'un nœud apprend de ses voisins, et la part du temps d'apprentissage.
# La somme vient en dernier : son réseau est celui que la leçon garde.
SHARES = {"mean": 0.28, "max": 0.26, "alone": 0.1, "conv": 0.1, "sum": 0.26}
WITNESSES = ("linear", "dense", "wide")  # réseaux qui ignorent quels pixels sont voisins
HEADLINE = [
    Headline("accuracy", "graphes d'images, messages"),
    Headline("accuracy_alone", "graphes d'images, sans message"),
    Headline("accuracy_conv", "mêmes carrés, convolution"),
    Headline("nodes", "club de karaté, messages"),
    Headline("nodes_propagation", "club de karaté, propagation d'étiquettes"),
]


# --- Question : mesurer les trois pertes ---------------------------------------------


def run(
    seed: int,
    *,
    epochs: int = EPOCHS,
    minutes=None,
    limit: int | None = None,
    networks=(*WITNESSES, *SHARES),
) -> lesson.Run:
    """Entraîne et mesure les réseaux d'images, puis les tâches sur les nœuds et sur les arcs.

    Args:
        seed: graine des poids, du mélange et des tirages.
        epochs: nombre d'époques des réseaux d'images.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: premières images ; None : `NUM_IMAGES`.
        networks: réseaux d'images ; la leçon n'apprend pas les témoins.

    Returns:
        Les mesures de `figures.PANELS` et des témoins ; le dernier réseau, celui des messages
        sommés ; ses courbes et, dans `pooled`, les images de test que chaque réseau classe bien.
    """
    parts = lesson.split(sources.load_fashion_mnist(), limit=limit or NUM_IMAGES, num_val=NUM_VAL)
    metrics, pooled = {}, {}
    for name in networks:
        clock = lesson.Clock(epochs, minutes, share=SHARES.get(name, 1))
        model, history, right = train(name, parts, seed=seed, clock=clock)
        metrics["accuracy" if name == "sum" else f"accuracy_{name}"] = float(right.mean())
        pooled[name] = right.astype(int).tolist()
    metrics |= over_draws(measure_nodes, load_club(), seed=seed)
    metrics |= over_draws(measure_edges, load_novel(), seed=seed)
    _, _, x_val, y_val, x_test, y_test = parts
    kept = {"val": (x_val, y_val), "test": (x_test, y_test), "history": history, "pooled": pooled}
    return lesson.Run(metrics, model, kept)


def pool(found: list[dict]) -> dict:
    """Rend l'écart des messages sommés avec chaque autre réseau d'images.

    Args:
        found: par graine, les images de test que chaque réseau classe bien.

    Returns:
        `{"gaps": {"alone": [moyenne, bas, haut]…}}`, graines et images ensemble.
    """
    return {"gaps": against_others(found, "sum")}


def train(name: str, parts: tuple, *, seed: int, clock: lesson.Clock) -> tuple:
    """Entraîne un réseau d'images.

    Args:
        name: une clé de `NETWORKS`.
        parts: rendues par `lesson.split`.
        seed: graine des poids et du mélange.
        clock: ce qui mène le taux jusqu'à zéro.

    Returns:
        Le réseau, ses courbes, et les images de test qu'il classe bien, `(n,)` booléens.
    """
    x_train, y_train, x_val, y_val, x_test, y_test = parts
    keras.utils.set_random_seed(seed)
    model = NETWORKS[name]()
    model.compile(
        keras.optimizers.Adam(LEARNING_RATE),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = model.fit(
        shuffled(x_train, y_train, batch_size=BATCH_SIZE, seed=seed),
        epochs=clock.epochs,
        validation_data=(x_val, y_val),
        callbacks=[clock],
        verbose=0,
    ).history
    lesson.round_weights(model)
    guesses = model.predict(x_test, batch_size=500, verbose=0).argmax(1)
    return model, history, guesses == y_test


def teach(options) -> None:
    """Passe des messages sur une grille, puis entraîne, mesure, dessine et enregistre."""
    print("L'image 5 × 5 de S3, convoluée en passant des messages entre ses pixels :")
    print(convolve_on_graph(CROSS, KERNEL).astype(int))
    found = run(
        0, epochs=options.epochs, minutes=options.minutes, limit=options.limit, networks=SHARES
    )
    for title, names in figures.PANELS.items():
        rows = [
            [label, percent(found.metrics[name])]
            for name, label in names.items()
            if name in found.metrics
        ]
        print(table([title.replace("\n", " "), ""], rows))
    folder = output_dir(options)
    figures.save_bars(folder / "mesures.png", found.metrics)
    figures.save_club(folder / "club.png")
    figures.save_receptive_field(folder / "champ.png")
    lesson.save_classifier(
        found.model,
        options,
        history=found.kept["history"],
        val=found.kept["val"],
        test=found.kept["test"],
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
