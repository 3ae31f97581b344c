"""Réseaux de graphes : des messages le long des arcs, et une perte sur nœuds, arcs ou graphe.

Document : S3 (diapositives), « Graph Neural Networks ».
Commande : python -m exercises.ex21_graphs     puis     python -m exercises.ex21_graphs --show
Résultat mesuré : models/ex21_graphs.json, repris dans le README.

La convolution pèse les voisins d'un pixel ; un réseau de graphes pèse les voisins d'un nœud,
quels qu'ils soient : `n_i' = Σ ψ(n_i, n_j, e_ji)`. Ici, une image devient un graphe de 49 nœuds
dont on devine la classe (`ex21_images`) ; `ex21_tasks` classe des nœuds et retrouve des arcs.
`--show` redessine les figures du dernier résultat.
"""

from functools import partial

import keras
import numpy as np
from keras import ops

from convnets.core import paths
from convnets.core.cli import percent, run, training_parser
from convnets.core.reports import Headline, format_metric, read_report
from convnets.datasets import sources
from convnets.figures.style import output_dir, save_training_figures
from convnets.training import study
from exercises.ex21_graphs import figures, tasks
from exercises.ex21_graphs.images import UPDATES, build_model
from exercises.ex21_graphs.messages import convolve_on_graph

NUM_TRAIN, NUM_VAL = 8_000, 2_000  # images : assez pour comparer, en quelques minutes
EPOCHS = 5
BATCH_SIZE = 32
LEARNING_RATE = 5e-3  # d'Adam, au début ; il décroît jusqu'à zéro
CROSS = np.array(
    [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
)
KERNEL = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
HEADLINE = (
    ("accuracy", "graphes d'images, messages"),
    ("accuracy_alone", "graphes d'images, sans message"),
    ("accuracy_conv", "mêmes carrés, convolution"),
    ("nodes", "club de karaté, messages"),
    ("nodes_propagation", "club de karaté, propagation d'étiquettes"),
)


# --- Question : de la convolution au graphe ------------------------------------------


def check_convolution() -> str:
    """Refait la convolution de S3 en passant des messages entre les 25 pixels."""
    rows = convolve_on_graph(CROSS, KERNEL).astype(int)
    expected = ops.conv(
        CROSS[None, ..., None].astype("float32"),
        KERNEL[..., None, None].astype("float32"),
        padding="same",
    )
    same = np.array_equal(rows, ops.convert_to_numpy(expected)[0, ..., 0])
    lines = [" ".join(map(str, row)) for row in rows]
    verdict = "égale" if same else "DIFFÉRENTE de"
    end = "à la convolution « same »." if same else "la convolution « same »."
    return "\n".join([*lines, f"L'image 5 × 5 de S3, par messages : {verdict} {end}"])


# --- Question : l'entraîner, et ses témoins avec lui ---------------------------------


def train(controls: dict, x_train, y_train, x_val, y_val, *, seed: int, options):
    """Entraîne les cinq réseaux, même budget ; rend celui des messages sommés et ses courbes.

    Args:
        controls: reçoit les quatre autres, `{"mean": …}`, sous la clé du premier.
        x_train: images uint8 `(n, 28, 28)`.
        y_train: `(n,)`.
        x_val: images de validation.
        y_val: leurs classes.
        seed: graine.
        options: options de `cli.training_parser`.

    Returns:
        `(modèle, courbes)` ; `duration_s` compte les cinq.
    """
    trained, history = {}, {"duration_s": []}
    for update in UPDATES:
        model = study.build(partial(build_model, update), seed=seed, precision=options.precision)
        batches = study.Batches(
            x_train, y_train, batch_size=options.batch_size or BATCH_SIZE, seed=seed, augment=None
        )
        rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, options.epochs * len(batches))
        model.compile(
            keras.optimizers.Adam(rate),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
            jit_compile=False,
        )
        curves = study.fit(
            model,
            batches,
            epochs=options.epochs,
            resume=options.resume,
            verbose=0,
            checkpoint=paths.checkpoint_path(options, seed, network=update),
            validation_data=(x_val, y_val),
            validation_batch_size=500,
        )
        print(f"  {update} : {percent(curves['val_accuracy'][-1])} en validation", flush=True)
        history["duration_s"] += curves.pop("duration_s")
        history |= curves if update == "sum" else {}
        trained[update] = build_model(update)  # les mêmes poids, en float32
        trained[update].set_weights(model.get_weights())
    main_model = trained.pop("sum")
    controls[main_model] = trained
    return main_model, history


def evaluate(controls: dict, model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure le réseau, puis ses témoins : `accuracy`, `accuracy_mean`… et `probabilities`."""
    found = {}
    for update, each in {"sum": model, **controls[model]}.items():
        probabilities = each.predict(x, batch_size=500, verbose=0)
        name = "accuracy" if update == "sum" else f"accuracy_{update}"
        found[name] = float(np.mean(probabilities.argmax(1) == y.reshape(-1)))
        if update == "sum":
            found["probabilities"] = probabilities
    return found


# --- Question : mesurer les trois pertes ---------------------------------------------


def describe(controls: dict, runs: list[dict]) -> dict:
    """Ajoute les tâches sur les nœuds et les arcs, et la taille de chaque réseau."""
    names = [name for name in runs[0]["test"] if name != "probabilities"]
    measured = {name: [run["test"][name] for run in runs] for name in names}
    nodes, first = tasks.measure_nodes(figures.load_club())
    measured |= nodes | tasks.measure_edges(figures.load_novel())
    networks = {"sum": runs[0]["model"], **controls[runs[0]["model"]]}
    return {
        "metrics": {name: study.summarise(values) for name, values in measured.items()},
        "headline": [Headline(name, label) for name, label in HEADLINE],
        "parameters": {name: network.count_params() for name, network in networks.items()},
        "details": {"club": first},
    }


def show(options, report, *_) -> None:
    """Écrit les figures du compte rendu, et dit ce que chaque méthode a mesuré."""
    folder = output_dir(options)
    for title, _, bars in figures.PANELS:
        print(title)
        for name, label, _ in bars:
            print(f"  {label:<26} {format_metric(report.metrics[name])}")
    figures.save_club(figures.load_club(), report.details["club"], folder / "club.png")
    figures.save_bars(report, folder / "mesures.png")
    figures.save_receptive_field(folder / "champ.png")
    save_training_figures(options, report, None, None, None)


def main(argv: list[str] | None = None) -> int:
    """Vérifie la convolution, entraîne, mesure les trois pertes ; `--show` redessine seulement."""
    parser = training_parser("ex21_graphs", __doc__.splitlines()[0], epochs=EPOCHS, seeds=3)
    parser.add_argument("--show", action="store_true", help="redessiner, sans entraîner")
    parser.set_defaults(precision="float32")  # de si petits réseaux ne gagnent rien à moins
    options = parser.parse_args(argv)
    controls = {}

    def measure() -> int:
        if options.show:
            show(options, read_report(options.module, models_dir=options.models_dir))
            return 0
        print(check_convolution())
        (x, y), test = sources.load_fashion_mnist()
        images = NUM_TRAIN + NUM_VAL
        return study.run_seeds(
            options,
            dataset=((x[:images], y[:images]), test),
            num_val=NUM_VAL,
            train=partial(train, controls),
            evaluate=partial(evaluate, controls),
            classes=sources.FASHION_CLASSES,
            classes_fr=sources.FASHION_CLASSES_FR,
            on_saved=show,
            describe=partial(describe, controls),
        )

    return run(measure)


if __name__ == "__main__":
    raise SystemExit(main())
