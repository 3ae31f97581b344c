"""LeNet contre un réseau dense d'autant de paramètres, chiffres en place et déplacés.

Commande : python -m recipes.comparison
Résultat mesuré : models/ex04_comparison.json.

Les deux réseaux de l'exercice 04 apprennent sur les mêmes images, sans les déformer, par la même
recette, simple : rien n'y avantage l'un ou l'autre. Cinq graines disent ce que la différence doit
au hasard ; puis les chiffres sont déplacés, ce qu'aucun des deux n'a appris.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras
import numpy as np
from scipy import stats

from convnets.core.cli import run, training_parser
from convnets.core.reports import Headline, Report, format_metric, format_seeds
from convnets.datasets import sources
from convnets.figures.style import COLORS, new_figure, output_dir
from convnets.training import study
from convnets.training.augmentation import shift
from exercises import ex04_lenet

SLUG = "ex04_comparison"
Networks = dict[str, Callable[[], keras.Model]]

EPOCHS = 12  # le même budget pour les deux réseaux
BATCH_SIZE = 128
LEARNING_RATE = 1e-3  # celui d'Adam par défaut
SHIFTS_PX = range(-4, 5)  # à 4 vers le bas, le bord rogne déjà un chiffre sur deux
CONFIDENCE = 0.95
HEADLINE = {  # ce qui va dans le tableau des résultats
    "error": "taux d'erreur de LeNet, recette simple",
    "error_dense": "taux d'erreur du réseau dense, même recette",
    "lenet_right_4": "exactitude de LeNet, recette simple, chiffres décalés de 4 pixels",
    "dense_right_4": "exactitude du réseau dense, mêmes images",
}
NAMES_FR = {"lenet": "LeNet", "dense": "réseau dense"}
DIRECTIONS_FR = {"right": "vers la droite", "down": "vers le bas"}
STYLES = {"lenet": (COLORS[0], "-", "o"), "dense": (COLORS[1], "--", "s")}


# --- Même budget, mêmes données -----------------------------------------


def train(
    networks: Networks, x_train, y_train, x_val, y_val, *, seed: int, options
) -> tuple[keras.Model, dict]:
    """Entraîne les deux réseaux, l'un après l'autre ; les rend en un modèle à deux sorties."""
    images = keras.Input((28, 28), dtype="uint8")
    shipped, history = {}, {"duration_s": []}
    for name, build_model in networks.items():
        model = study.build(build_model, seed=seed, precision=options.precision)
        batches = study.Batches(
            x_train, y_train, batch_size=options.batch_size or BATCH_SIZE, seed=seed, augment=None
        )
        model.compile(
            keras.optimizers.Adam(LEARNING_RATE),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
            jit_compile=study.JIT_COMPILE,
        )
        curves = study.fit(
            model, batches, options=options, network=name, validation_data=(x_val, y_val)
        )
        history |= {f"{name}_{key}": values for key, values in curves.items()}
        history["duration_s"] = history["duration_s"] + curves["duration_s"]
        kept = build_model()  # les mêmes poids, en float32
        kept.set_weights(model.get_weights())
        shipped[name] = kept(images)
    return keras.Model(images, shipped, name=options.module), history


# --- Ce que vaut chacun, chiffres en place et déplacés ------------------


def evaluate(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Mesure les deux réseaux, chiffres en place puis déplacés selon chaque axe.

    Args:
        model: modèle rendu par `train`.
        x: images uint8 `(n, 28, 28)`.
        y: étiquettes `(n,)`.

    Returns:
        `accuracy` et `error` de LeNet, `accuracy_dense` et `error_dense`, puis les exactitudes
        `lenet_right_-4` à `dense_down_4` ; dans [0, 1]. `probabilities` est de LeNet.
    """
    measures = {}
    for distance in SHIFTS_PX:
        for direction, (down, right) in {"right": (0, distance), "down": (distance, 0)}.items():
            probabilities = model.predict(shift(x, down, right), batch_size=500, verbose=0)
            for name, each in probabilities.items():
                accuracy = float(np.mean(each.argmax(1) == y))
                measures[f"{name}_{direction}_{distance}"] = accuracy
            if (down, right) == (0, 0):
                in_place = probabilities
    lenet, dense = measures["lenet_right_0"], measures["dense_right_0"]
    return {
        "accuracy": lenet,
        "error": 1 - lenet,
        "accuracy_dense": dense,
        "error_dense": 1 - dense,
        **measures,
        "probabilities": in_place["lenet"],
    }


# --- La différence est-elle due au hasard ? -----------------------------


def difference(first: list[float], second: list[float]) -> dict:
    """Compare deux moyennes sans supposer que leurs dispersions sont égales.

    Args:
        first: une mesure par graine.
        second: de même, autant ou non.

    Returns:
        `{"mean", "low", "high", "p_value", "confidence"}` : la différence des moyennes,
        `first` moins `second`, les bornes de son intervalle de confiance et la probabilité
        d'une différence au moins aussi grande entre deux moyennes égales ; None pour ce que
        moins de deux graines, ou des mesures toutes égales, ne permettent pas de dire.

    Source : Welch, « The generalization of Student's problem », Biometrika 34, 1947.
    """
    found = {"mean": float(np.mean(first) - np.mean(second)), "confidence": CONFIDENCE}
    if min(len(first), len(second)) < 2 or np.ptp(first) == np.ptp(second) == 0:
        return found | {"low": None, "high": None, "p_value": None}
    test = stats.ttest_ind(first, second, equal_var=False)
    low, high = test.confidence_interval(CONFIDENCE)
    return found | {"low": float(low), "high": float(high), "p_value": float(test.pvalue)}


def describe(runs: list[dict]) -> dict:
    """Ajoute au compte rendu la différence, la taille des réseaux et leurs courbes moyennes."""
    lenet, dense = ([run["test"][name] for run in runs] for name in ("accuracy", "accuracy_dense"))
    curves = {}
    for name in runs[0]["history"]:
        if name.endswith("duration_s"):
            continue
        values = np.array([run["history"][name] for run in runs])  # (graines, époques)
        sd = values.std(0, ddof=1) if len(runs) > 1 else np.zeros(values.shape[1])
        curves[name] = {"mean": values.mean(0).tolist(), "sd": sd.tolist()}
    networks = [layer for layer in runs[0]["model"].layers if isinstance(layer, keras.Model)]
    sizes = {network.name: network.count_params() for network in networks}
    return {
        "headline": [Headline(name, label) for name, label in HEADLINE.items()],
        "parameters": sizes,
        "details": {"difference": difference(lenet, dense), "curves": curves},
    }


# --- Dire et montrer le résultat ---------------------------------------------------


def summary(report: Report) -> str:
    """Dit le résultat en trois lignes.

    Args:
        report: compte rendu, `models/ex04_comparison.json`.

    Returns:
        Exactitude et erreur de chaque réseau, puis leur différence et son intervalle.
    """
    metrics, gap = report.metrics, report.details["difference"]
    seeds = format_seeds(metrics["accuracy"])
    lines = [
        f"{title} : {format_metric(metrics['accuracy' + end])} d'exactitude, "
        f"{format_metric(metrics['error' + end])} d'erreur ({seeds})."
        for title, end in (("LeNet", ""), ("Réseau dense", "_dense"))
    ]
    last = f"Différence : {100 * gap['mean']:.2f} points"
    if gap["low"] is not None:
        last += (
            f", intervalle de confiance à {100 * gap['confidence']:.0f} % (Welch) "
            f"de {100 * gap['low']:.2f} à {100 * gap['high']:.2f}"
        )
    return "\n".join([*lines, f"{last}.".replace(".", ",", last.count("."))])


def save_curves(report: Report, path: Path) -> None:
    """Trace la perte et l'erreur de validation des deux réseaux, époque par époque.

    Args:
        report: compte rendu, `models/ex04_comparison.json`.
        path: fichier PNG ; son dossier est créé.
    """
    curves = report.details["curves"]
    with new_figure(path, columns=2) as (figure, axes):
        for name, title in NAMES_FR.items():
            color, line, _ = STYLES[name]
            losses = (
                (f"{name}_loss", ":", "entraînement"),
                (f"{name}_val_loss", line, "validation"),
            )
            for key, style, label in losses:
                _band(axes[0, 0], curves[key], 1, color, style, f"{title}, {label}")
            error = curves[f"{name}_val_accuracy"]
            error = {"mean": 1 - np.array(error["mean"]), "sd": error["sd"]}
            _band(axes[0, 1], error, 100, color, line, title)
        axes[0, 0].set(title="Perte", xlabel="époque", yscale="log")
        axes[0, 1].set(title="Erreur de validation", xlabel="époque", ylabel="%", yscale="log")
        for axis in axes[0]:
            axis.legend()
            axis.xaxis.get_major_locator().set_params(integer=True)
            axis.yaxis.get_minor_locator().set_params(subs=(2, 5))
            for ticks in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
                ticks("{x:g}")  # 0.2 plutôt que 2×10⁻¹
        seeds = format_seeds(report.metrics["accuracy"])
        figure.suptitle(f"Recette simple, moyenne et écart-type ({seeds})")


def _band(axis, curve: dict, scale: float, color: str, line: str, label: str) -> None:
    mean, sd = scale * np.array(curve["mean"]), scale * np.array(curve["sd"])
    epochs = range(1, len(mean) + 1)
    axis.plot(epochs, mean, color=color, linestyle=line, label=label)
    axis.fill_between(epochs, mean - sd, mean + sd, color=color, alpha=0.2, linewidth=0)


def save_shifts(report: Report, path: Path) -> None:
    """Trace l'exactitude des deux réseaux quand les chiffres sont déplacés.

    Args:
        report: compte rendu, `models/ex04_comparison.json`.
        path: fichier PNG ; son dossier est créé.
    """
    metrics, start = report.metrics, "lenet_right_"
    distances = sorted(int(name[len(start) :]) for name in metrics if name.startswith(start))
    with new_figure(path, columns=2) as (figure, axes):
        for axis, (direction, title) in zip(axes[0], DIRECTIONS_FR.items(), strict=True):
            for name, label in NAMES_FR.items():
                each = [metrics[f"{name}_{direction}_{d}"] for d in distances]
                mean = np.array([100 * metric.mean for metric in each])
                sd = np.array([100 * (metric.sd or 0) for metric in each])
                color, line, mark = STYLES[name]
                axis.plot(distances, mean, color=color, linestyle=line, marker=mark, label=label)
                axis.fill_between(distances, mean - sd, mean + sd, color=color, alpha=0.2)
            axis.set(
                xlabel=f"déplacement {title} (pixels)",
                ylabel="exactitude (%)",
                ylim=(0, 102),
                xticks=distances,
            )
            axis.grid(axis="y", linewidth=0.4)
            axis.legend(loc="lower center")
        figure.suptitle("Entraînés sur des chiffres en place, testés déplacés")


# --- Comparer ----------------------------------------------------------


def compare(networks: Networks, dataset, *, options, num_val: int) -> int:
    """Entraîne, mesure et enregistre la comparaison ; écrit ses deux figures.

    Args:
        networks: constructeurs des réseaux `"lenet"` et `"dense"`.
        dataset: `(x_train, y_train), (x_test, y_test)`.
        options: options de `cli.training_parser`.
        num_val: images de validation.

    Returns:
        0, le code de sortie.
    """

    def show(options, report, x_test, y_test, probabilities) -> None:
        print(summary(report))
        save_curves(report, output_dir(options) / "comparison.png")
        save_shifts(report, output_dir(options) / "decalages.png")

    return study.run_seeds(
        options,
        dataset=dataset,
        num_val=num_val,
        train=partial(train, networks),
        stages=len(networks),
        evaluate=evaluate,
        classes=sources.MNIST_CLASSES,
        classes_fr=sources.MNIST_CLASSES,
        on_saved=show,
        describe=describe,
    )


def main(argv: list[str] | None = None) -> int:
    """Compare les deux réseaux sur plusieurs graines."""
    doc = __doc__.splitlines()[0]
    parser = training_parser(
        SLUG, doc, epochs=EPOCHS, seeds=5, command="comparison", package="recipes"
    )
    parser.set_defaults(precision="float32")  # aussi petits, ils ne gagnent rien en bfloat16
    options = parser.parse_args(argv)
    networks = {"lenet": ex04_lenet.build_lenet, "dense": ex04_lenet.build_dense}
    return run(
        lambda: compare(networks, sources.load_mnist(), options=options, num_val=ex04_lenet.NUM_VAL)
    )


if __name__ == "__main__":
    raise SystemExit(main())
