"""Transformeur, convolution, et les deux ensemble : même budget, mêmes images.

D'après : S3 « The Transformer Wave ».
Commande : python -m exercises.ex19_vision_transformer

La recette est la même pour tous les réseaux, au taux d'apprentissage près ; chacun est mesuré sur
les images de test, puis sur ces images dont les morceaux sont mélangés. Trois d'entre eux
recommencent ensuite avec dix fois moins d'images.
"""

from argparse import Namespace
from dataclasses import replace

import keras
import numpy as np

from convnets.core.reports import Headline, Report, read_report, replace_report
from convnets.datasets import sources
from convnets.figures.charts import class_table
from convnets.figures.style import output_dir
from convnets.training import progress, saving, study
from exercises.ex19_vision_transformer import attention, figures
from exercises.ex19_vision_transformer.networks import NETWORKS, PATCH_PX

NUM_IMAGES = 32_000  # premières images d'apprentissage : la comparaison tient en cinq minutes
EPOCHS = 3
NUM_VAL = 2000  # images retirées de l'entraînement ; elles choisissent la graine livrée
BATCH_SIZE = 64  # autant d'images vues, deux fois plus de pas qu'avec 128 : mieux en validation
# D'Adam : le meilleur en validation, sur une graine, parmi 2, 4 et 8 millièmes ; sans positions,
# celui du transformeur, dont ce réseau est une variante.
PEAK_RATES = {"transformer": 4e-3, "no_positions": 4e-3, "cnn": 8e-3, "hybrid": 4e-3}
FEW_SHARE = 0.1  # part des images gardées, quand elles sont peu
FEW_EPOCHS = 3  # fois plus d'époques alors : trois fois moins de pas, et non dix
FEW = {f"{name}_few": name for name in ("transformer", "cnn", "hybrid")}
STAGES = {**{name: name for name in NETWORKS}, **FEW}  # ce qu'on entraîne, et le réseau que c'est
SHIPPED = "transformer"
# Secondes de chaque étape : la durée prévue en dépend. Les quatre dernières ont été mesurées sur
# une machine occupée, et ramenées au pas des autres.
COSTS = (59, 61, 35, 38, 20, 13, 22)
WARMUP = 0.1  # part de l'entraînement où le taux monte, avant de suivre un cosinus
SHUFFLE_SEED = 0  # du mélange des morceaux, le même pour tous les réseaux
NUM_SHOWN = 8  # images dont on dessine l'attention
HEADLINE = {
    "accuracy": "exactitude du transformeur, Fashion-MNIST",
    "accuracy_cnn": "exactitude d'un réseau de convolution, même nombre de paramètres",
    "accuracy_hybrid": "exactitude d'un réseau hybride, convolutions puis attention, de même",
    "accuracy_no_positions": "exactitude du transformeur sans positions",
    "accuracy_shuffled": "exactitude du transformeur, morceaux mélangés au test",
    "accuracy_no_positions_shuffled": "exactitude sans positions, morceaux mélangés au test",
    "accuracy_transformer_few": "exactitude du transformeur, dix fois moins d'images",
    "accuracy_cnn_few": "exactitude du réseau de convolution, dix fois moins d'images",
    "accuracy_hybrid_few": "exactitude du réseau hybride, dix fois moins d'images",
}


# --- Question : même budget, mêmes données -------------------------------------------


def train(
    build_model, splits, *, seed: int, options, few: bool = False
) -> tuple[keras.Model, dict]:
    """Entraîne un réseau ; rend le modèle en float32 et ses courbes.

    Args:
        build_model: fonction sans argument ; son modèle porte un nom de `PEAK_RATES`.
        splits: `x_train, y_train, x_val, y_val` ; x uint8 `(n, 28, 28)`, y `(n,)`.
        seed: graine des poids et de l'ordre des images.
        options: options de `cli.training_parser`.
        few: ne garder que `FEW_SHARE` des images d'entraînement, les premières.
    """
    x_train, y_train, *validation = splits
    batch_size = options.batch_size or BATCH_SIZE
    if few:
        num_kept = max(1, round(FEW_SHARE * len(x_train)))
        x_train, y_train = x_train[:num_kept], y_train[:num_kept]
        batch_size = min(batch_size, num_kept)
        options = Namespace(**vars(options) | {"epochs": FEW_EPOCHS * options.epochs})
    model = study.build(build_model, seed=seed, precision=options.precision)
    batches = study.Batches(x_train, y_train, batch_size=batch_size, seed=seed, augment=None)
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
        model,
        batches,
        options=options,
        network=f"{model.name}_few" if few else model.name,
        validation_data=tuple(validation),
    )
    trained = build_model()  # les mêmes poids, en float32
    trained.set_weights(model.get_weights())
    return trained, history


def train_some(names, splits, *, seed: int, options) -> tuple[dict[str, keras.Model], dict]:
    """Entraîne plusieurs réseaux, mêmes arguments que `train` ; `names` en vient de `STAGES`."""
    models, history = {}, {"duration_s": []}
    for name in names:
        models[name], curves = train(
            NETWORKS[STAGES[name]], splits, seed=seed, options=options, few=name in FEW
        )
        history |= {f"{name}_{key}": values for key, values in curves.items()}
        history["duration_s"] = history["duration_s"] + curves["duration_s"]
    return models, history


# --- Question : ce que vaut chacun, morceaux en place et mélangés ---------------------


def evaluate(networks: dict[str, keras.Model], x, y, *, patch_px: int) -> dict:
    """Mesure chaque réseau sur des images, puis sur les mêmes, morceaux mélangés, hors `FEW`.

    Args:
        networks: réseaux entraînés, par nom.
        x: images uint8 `(n, H, W)`.
        y: étiquettes `(n,)`.
        patch_px: côté d'un morceau.

    Returns:
        `accuracy_nom` et `accuracy_nom_shuffled`, dans [0, 1], le nom omis pour `SHIPPED` ; et
        `probabilities`, les siennes, s'il en est.
    """
    mixed = attention.shuffle_patches(x, patch_px=patch_px, seed=SHUFFLE_SEED)
    measures = {}
    for name, network in networks.items():
        start = "accuracy" if name == SHIPPED else f"accuracy_{name}"
        for images, end in ((x, ""), (mixed, "_shuffled"))[: 1 if name in FEW else 2]:
            probabilities = network.predict(images, batch_size=500, verbose=0)
            measures[start + end] = float(np.mean(probabilities.argmax(1) == y.reshape(-1)))
            if start + end == "accuracy":
                measures["probabilities"] = probabilities
    return measures


def describe(runs: list[dict], networks: dict[str, keras.Model]) -> dict:
    """Ajoute au compte rendu ce qu'il met en avant, tailles, durées, courbes, positions."""
    cosines = [attention.near_and_far(attention.position_similarity(run["model"])) for run in runs]
    near, far = (study.summarise(values) for values in zip(*cosines, strict=True))
    found = describe_networks(runs, networks)
    found["details"]["position_similarity"] = {"neighbours": near, "others": far}
    return found


def describe_networks(runs: list[dict], networks: dict[str, keras.Model]) -> dict:
    """Rend ce que `describe` dit de chaque réseau, quels qu'ils soient."""
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
    return {
        "headline": [Headline(k, v) for k, v in HEADLINE.items()],
        "parameters": {
            name: network.count_params() for name, network in networks.items() if name not in FEW
        },
        "details": {"durations_s": durations, "curves": curves, "few_share": FEW_SHARE},
    }


# --- Question : comparer --------------------------------------------------------------


def compare(options) -> int:
    """Entraîne et mesure les réseaux, livre le transformeur, écrit les figures ; rend 0."""
    (x, y), test = sources.load_fashion_mnist()
    trained = {}  # réseau livrable → tous ceux de sa graine, dans l'ordre des graines

    def train_all(*splits, seed: int, options) -> tuple[keras.Model, dict]:
        models, history = train_some(STAGES, splits, seed=seed, options=options)
        trained[models[SHIPPED]] = models
        return models[SHIPPED], history

    def on_saved(options, report, x_test, y_test, probabilities) -> None:
        models = list(trained.values())[report.shipped["seed"]]
        show(options, report, models, x_test, y_test)

    return study.run_seeds(
        options,
        dataset=((x[:NUM_IMAGES], y[:NUM_IMAGES]), test),
        num_val=NUM_VAL,
        train=train_all,
        evaluate=lambda model, x, y: evaluate(trained[model], x, y, patch_px=PATCH_PX),
        classes=sources.FASHION_CLASSES,
        classes_fr=sources.FASHION_CLASSES_FR,
        on_saved=on_saved,
        describe=lambda runs: describe(runs, trained[runs[0]["model"]]),
        stages=COSTS,
    )


def add_missing(options) -> int:
    """Apprend les réseaux qui manquent au compte rendu, et les y ajoute ; rend 0.

    Images, graines et époques sont celles du compte rendu : aux durées près, il devient ce que
    `compare` aurait écrit. Le modèle enregistré reste le même.
    """
    report = read_report(options.module, models_dir=options.models_dir)
    details, num_images = report.details, report.num_images
    names = [name for name in STAGES if name not in details["durations_s"]]
    limit, num_val = num_images["train"] + num_images["val"], num_images["val"]
    epochs = len(details["curves"][f"{SHIPPED}_val_accuracy"]["mean"])
    options = Namespace(**vars(options) | {"epochs": epochs, "limit": limit})
    (x, y), (x_test, y_test) = sources.load_fashion_mnist()
    kept, val = sources.split_validation(x[:limit], y[:limit], num_val=num_val, seed=0)
    x_test, y_test = x_test[: num_images["test"]], y_test[: num_images["test"]]
    trained, runs = [], []
    stages = [COSTS[list(STAGES).index(name)] for name in names]
    with progress.follow(seeds=len(report.seeds), stages=stages, options=options):
        for seed in report.seeds:
            models, history = train_some(names, (*kept, *val), seed=seed, options=options)
            found = evaluate(models, x_test, y_test, patch_px=PATCH_PX)
            trained.append(models)
            runs.append({"history": history, "test": found})
    best = int(report.shipped["seed"])
    shipped, added = runs[best], describe_networks(runs, trained[best])
    history = shipped["history"] | {
        "duration_s": report.history["duration_s"] + shipped["history"]["duration_s"]
    }
    seconds = [sum(run["history"]["duration_s"]) for run in runs]
    report = replace(
        report,
        metrics=report.metrics
        | {key: study.summarise([run["test"][key] for run in runs]) for key in shipped["test"]},
        headline=added["headline"],
        shipped=report.shipped | shipped["test"],
        duration_s=study.summarise(np.add(report.duration_s.values, seconds)),
        parameters=report.parameters | added["parameters"],
        history=report.history | history,
        details={
            **details,
            "durations_s": details["durations_s"] | added["details"]["durations_s"],
            "curves": details["curves"] | added["details"]["curves"],
            "few_share": FEW_SHARE,
        },
    )
    replace_report(report, options.models_dir / f"{options.module}.json")
    transformer = saving.load_model(options.module, models_dir=options.models_dir)
    show(options, report, {**trained[best], SHIPPED: transformer}, x_test, y_test)
    return 0


# --- Question : montrer ---------------------------------------------------------------


def show(options, report: Report, models: dict[str, keras.Model], x_test, y_test) -> None:
    """Affiche les mesures et écrit les figures.

    Args:
        options: options de `cli.training_parser`.
        report: compte rendu.
        models: réseaux de la graine livrée, par nom.
        x_test: images uint8 `(n, H, W)`.
        y_test: étiquettes `(n,)`.
    """
    folder, transformer = output_dir(options), models[SHIPPED]
    print(figures.summary(report))
    print("\nLe transformeur enregistré, classe par classe :")
    print(class_table(report.confusion_matrix, report.classes_fr))
    figures.save_comparison(report, folder / "comparaison.png")
    probabilities = transformer.predict(x_test, batch_size=500, verbose=0)
    shown = figures.choose(y_test, probabilities, limit=NUM_SHOWN)
    for name, file in ((SHIPPED, "attention.png"), ("hybrid", "attention_hybride.png")):
        if name in models:
            figures.save_attention(
                models[name], x_test[shown], folder / file, classes_fr=report.classes_fr
            )
    figures.save_positions(transformer, folder / "positions.png")
    print(f"Figures écrites dans {folder}/")
