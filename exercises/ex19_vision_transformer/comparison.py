"""Transformeur, transformeur sans positions et convolution : même budget, mêmes images.

D'après : S3 « The Transformer Wave ».
Commande : python -m exercises.ex19_vision_transformer

La recette est la même pour les trois réseaux, au taux d'apprentissage près ; chacun est mesuré sur
les images de test, puis sur ces images dont les morceaux sont mélangés.
"""

import keras
import numpy as np

from convnets.core.reports import Headline
from convnets.datasets import sources
from convnets.figures.style import class_table, output_dir
from convnets.training import study
from exercises.ex19_vision_transformer import attention, figures
from exercises.ex19_vision_transformer.networks import NETWORKS, PATCH_PX

NUM_IMAGES = 32_000  # premières images d'apprentissage : la comparaison tient en cinq minutes
EPOCHS = 3
NUM_VAL = 2000  # images retirées de l'entraînement ; elles choisissent la graine livrée
BATCH_SIZE = 64  # autant d'images vues, deux fois plus de pas qu'avec 128 : mieux en validation
# D'Adam : le meilleur en validation, sur une graine, parmi 2, 4 et 8 millièmes ; sans positions,
# celui du transformeur, dont ce réseau est une variante.
PEAK_RATES = {"transformer": 4e-3, "no_positions": 4e-3, "cnn": 8e-3}
COSTS = (59, 61, 35)  # secondes de chacun, mesurées : la durée prévue en dépend
WARMUP = 0.1  # part de l'entraînement où le taux monte, avant de suivre un cosinus
SHUFFLE_SEED = 0  # du mélange des morceaux, le même pour les trois réseaux
NUM_SHOWN = 8  # images dont on dessine l'attention
HEADLINE = {
    "accuracy": "exactitude du transformeur, Fashion-MNIST",
    "accuracy_cnn": "exactitude d'un réseau de convolution, même nombre de paramètres",
    "accuracy_no_positions": "exactitude du transformeur sans positions",
    "accuracy_shuffled": "exactitude du transformeur, morceaux mélangés au test",
    "accuracy_no_positions_shuffled": "exactitude sans positions, morceaux mélangés au test",
}


# --- Question : même budget, mêmes données -------------------------------------------


def train(build_model, splits, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Entraîne un réseau ; rend le modèle en float32 et ses courbes.

    Args:
        build_model: fonction sans argument ; son modèle porte un nom de `PEAK_RATES`.
        splits: `x_train, y_train, x_val, y_val` ; x uint8 `(n, 28, 28)`, y `(n,)`.
        seed: graine des poids et de l'ordre des images.
        options: options de `cli.training_parser`.
    """
    x_train, y_train, *validation = splits
    model = study.build(build_model, seed=seed, precision=options.precision)
    batches = study.Batches(
        x_train, y_train, batch_size=options.batch_size or BATCH_SIZE, seed=seed, augment=None
    )
    steps, peak = options.epochs * len(batches), PEAK_RATES[model.name]
    warmup = int(WARMUP * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        peak / 20, steps - warmup, warmup_target=peak, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    history = study.fit(
        model, batches, options=options, network=model.name, validation_data=tuple(validation)
    )
    trained = build_model()  # les mêmes poids, en float32
    trained.set_weights(model.get_weights())
    return trained, history


# --- Question : ce que vaut chacun, morceaux en place et mélangés ---------------------


def evaluate(networks: dict[str, keras.Model], x, y, *, patch_px: int) -> dict:
    """Mesure chaque réseau sur des images, puis sur les mêmes, morceaux mélangés.

    Args:
        networks: réseaux entraînés ; le premier est celui qui est livré.
        x: images uint8 `(n, H, W)`.
        y: étiquettes `(n,)`.
        patch_px: côté d'un morceau.

    Returns:
        `accuracy` et `accuracy_shuffled` du premier réseau, `accuracy_nom` et
        `accuracy_nom_shuffled` des autres, dans [0, 1] ; `probabilities`, du premier.
    """
    mixed = attention.shuffle_patches(x, patch_px=patch_px, seed=SHUFFLE_SEED)
    measures, probabilities = {}, []
    for rank, (name, network) in enumerate(networks.items()):
        for images, end in ((x, ""), (mixed, "_shuffled")):
            probabilities.append(network.predict(images, batch_size=500, verbose=0))
            key = f"accuracy_{name}{end}" if rank else f"accuracy{end}"
            measures[key] = float(np.mean(probabilities[-1].argmax(1) == y.reshape(-1)))
    return {**measures, "probabilities": probabilities[0]}


def describe(runs: list[dict], networks: dict[str, keras.Model]) -> dict:
    """Ajoute au compte rendu ce qu'il met en avant, tailles, durées, courbes, positions."""
    curves = {}
    for key in runs[0]["history"]:
        if key.endswith("val_accuracy"):
            values = np.array([run["history"][key] for run in runs])  # (graines, époques)
            sd = values.std(0, ddof=1) if len(runs) > 1 else np.zeros(values.shape[1])
            curves[key] = {"mean": values.mean(0).tolist(), "sd": sd.tolist()}
    durations = {
        name: study.summarise([sum(run["history"][f"{name}_duration_s"]) for run in runs])
        for name in networks
    }
    cosines = [attention.near_and_far(attention.position_similarity(run["model"])) for run in runs]
    near, far = (study.summarise(values) for values in zip(*cosines, strict=True))
    return {
        "headline": [Headline(k, v) for k, v in HEADLINE.items()],
        "parameters": {name: network.count_params() for name, network in networks.items()},
        "details": {
            "durations_s": durations,
            "curves": curves,
            "position_similarity": {"neighbours": near, "others": far},
        },
    }


# --- Question : comparer --------------------------------------------------------------


def compare(options) -> int:
    """Entraîne et mesure les trois réseaux, livre le transformeur, écrit les figures ; rend 0."""
    (x, y), test = sources.load_fashion_mnist()
    trained = {}  # réseau livrable → tous ceux de sa graine, dans l'ordre des graines

    def train_all(*splits, seed: int, options) -> tuple[keras.Model, dict]:
        models, history = {}, {"duration_s": []}
        for name, build_model in NETWORKS.items():
            models[name], curves = train(build_model, splits, seed=seed, options=options)
            history |= {f"{name}_{key}": values for key, values in curves.items()}
            history["duration_s"] = history["duration_s"] + curves["duration_s"]
        first = models["transformer"]
        trained[first] = models
        return first, history

    def show(options, report, x_test, y_test, probabilities) -> None:
        model = list(trained)[report.shipped["seed"]]
        folder = output_dir(options)
        shown = figures.choose(y_test, probabilities, limit=NUM_SHOWN)
        print(figures.summary(report))
        print("\nLe transformeur enregistré, classe par classe :")
        print(class_table(report.confusion_matrix, report.classes_fr))
        figures.save_comparison(report, folder / "comparaison.png")
        figures.save_attention(
            model, x_test[shown], folder / "attention.png", classes_fr=report.classes_fr
        )
        figures.save_positions(model, folder / "positions.png")
        print(f"Figures écrites dans {folder}/")

    return study.run_seeds(
        options,
        dataset=((x[:NUM_IMAGES], y[:NUM_IMAGES]), test),
        num_val=NUM_VAL,
        train=train_all,
        evaluate=lambda model, x, y: evaluate(trained[model], x, y, patch_px=PATCH_PX),
        classes=sources.FASHION_CLASSES,
        classes_fr=sources.FASHION_CLASSES_FR,
        on_saved=show,
        describe=lambda runs: describe(runs, trained[runs[0]["model"]]),
        stages=COSTS,
    )
