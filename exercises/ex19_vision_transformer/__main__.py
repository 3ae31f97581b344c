"""Un transformeur pour images : morceaux, positions, attention, face à un réseau de convolution.

Document : S3 « The Transformer Wave ».
Commandes : python -m exercises.ex19_vision_transformer
            … ex19_vision_transformer figures/ex19_vision_transformer/vetement.png
Résultat mesuré : docs/laboratoire/resultats.md, sur cinq graines (`python -m recipes.seeds`).

La recette est la même pour tous les réseaux, au taux d'apprentissage près. Chacun est mesuré sur
les images de test, puis sur ces images dont les morceaux sont mélangés. La mesure y ajoute deux
témoins : un réseau d'une couche dense cachée, et les images apprises les plus proches.
"""

from pathlib import Path

import keras
import numpy as np
from PIL import Image

from convnets.core.cli import add_model_option, lesson_parser, percent
from convnets.core.intervals import by_image, paired_gaps
from convnets.core.reports import Headline
from convnets.datasets import sources
from convnets.figures.charts import table
from convnets.figures.style import output_dir
from convnets.training import lesson
from convnets.training.batches import shuffled
from convnets.training.nearest import copy_nearest
from exercises.ex19_vision_transformer import attention, figures
from exercises.ex19_vision_transformer.networks import NETWORKS, PATCH_PX

NUM_IMAGES = 32_000  # premières images d'apprentissage : la comparaison tient en cinq minutes
EPOCHS = 3
NUM_VAL = 2000  # images retirées de l'entraînement, pour suivre ses progrès
BATCH_SIZE = 64  # autant d'images vues, deux fois plus de pas qu'avec 128 : mieux en validation
# D'Adam : le meilleur en validation, sur une graine, parmi 2, 4 et 8 millièmes ; sans positions,
# celui du transformeur, dont ce réseau est une variante. Pour la convolution, 8 est le bord : 16 et
# 32 y font 90,2 et 90,1 %, contre 89,7 (une graine, 2 000 images : du hasard, peut-être).
PEAK_RATES = {"transformer": 4e-3, "no_positions": 4e-3, "cnn": 8e-3, "hybrid": 4e-3, "dense": 2e-3}
WARMUP = 0.1  # part de l'entraînement où le taux monte, avant de suivre un cosinus
SHARES = {  # part du temps d'apprentissage que prend chaque réseau
    "transformer": 0.32,
    "no_positions": 0.31,
    "cnn": 0.18,
    "hybrid": 0.19,
}
NEIGHBOURS = 5  # images proches que lit le témoin : 5 bat 1, 3 et 9 en validation (84,6 à 84,0 %)
PAIRS = (  # écarts publiés : de combien le premier dépasse le second
    ("accuracy_dense", "accuracy"),
    ("accuracy", "accuracy_nearest"),
    ("accuracy", "accuracy_no_positions"),
    ("accuracy_hybrid", "accuracy"),
    ("accuracy_hybrid", "accuracy_dense"),
    ("accuracy_cnn", "accuracy"),
    ("accuracy_cnn", "accuracy_hybrid"),
    ("accuracy_cnn", "accuracy_dense"),
    ("accuracy_shuffled", "accuracy_cnn_shuffled"),
)
NUM_SHOWN = 8  # images dont on dessine l'attention
HEADLINE = {
    "accuracy": "exactitude du transformeur, Fashion-MNIST",
    "accuracy_cnn": "exactitude d'un réseau de convolution, même nombre de paramètres",
    "accuracy_hybrid": "exactitude d'un réseau hybride, convolutions puis attention, de même",
    "accuracy_no_positions": "exactitude du transformeur sans positions",
    "accuracy_shuffled": "exactitude du transformeur, morceaux mélangés au test",
    "accuracy_no_positions_shuffled": "exactitude sans positions, morceaux mélangés au test",
}


# --- Question : même budget, mêmes données -------------------------------------------


def is_right(model: keras.Model, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Rend les images bien nommées, `(n,)` booléens."""
    return model.predict(x, batch_size=500, verbose=0).argmax(1) == y.reshape(-1)


def train(name: str, parts: tuple, *, seed: int, clock: lesson.Clock) -> tuple:
    """Entraîne un des réseaux ; rend le réseau, de poids arrondis, et ses courbes.

    Args:
        name: une clé de `NETWORKS`.
        parts: rendues par `lesson.split`.
        seed: graine des poids de départ et du mélange.
        clock: ce qui mène le taux jusqu'à zéro.
    """
    x_train, y_train, x_val, y_val, _, _ = parts
    keras.utils.set_random_seed(seed)
    model = NETWORKS[name]()
    model.compile(
        keras.optimizers.Adam(PEAK_RATES[name]),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = model.fit(
        shuffled(x_train, y_train, batch_size=min(BATCH_SIZE, len(x_train)), seed=seed),
        epochs=clock.epochs,
        validation_data=(x_val, y_val),
        callbacks=[clock],
        verbose=0,
    ).history
    lesson.round_weights(model)
    return model, history


# --- Question : ce que vaut chacun, morceaux en place et mélangés ---------------------


def run(
    seed: int,
    *,
    epochs: int = EPOCHS,
    minutes=None,
    limit: int | None = None,
    witnesses: bool = True,
) -> lesson.Run:
    """Entraîne les quatre réseaux, et les mesure.

    Args:
        seed: graine des poids de départ et du mélange.
        epochs: nombre d'époques de chaque réseau.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        limit: premières images ; None : `NUM_IMAGES`.
        witnesses: mesurer aussi les deux témoins, ce que la leçon ne fait pas.

    Returns:
        `accuracy_cnn` et `accuracy_cnn_shuffled`, dans [0, 1], pour chaque réseau, sans nom pour
        le transformeur ; `accuracy_dense` et `accuracy_nearest` pour les témoins ; le
        transformeur ; ce que montrent les figures et, dans `pooled`, les images de test que chacun
        nomme bien.
    """
    parts = lesson.split(sources.load_fashion_mnist(), limit=limit or NUM_IMAGES, num_val=NUM_VAL)
    x_train, y_train, _, _, x_test, y_test = parts
    mixed = attention.shuffle_patches(x_test, patch_px=PATCH_PX, seed=0)
    models, history, right = {}, {}, {}
    for name, share in SHARES.items():
        clock = lesson.Clock(epochs, minutes, share=share, warmup=WARMUP)
        models[name], history[name] = train(name, parts, seed=seed, clock=clock)
        key = figures.metric_of(name)
        right[key] = is_right(models[name], x_test, y_test)
        right[f"{key}_shuffled"] = is_right(models[name], mixed, y_test)
    if witnesses:
        clock = lesson.Clock(epochs, None, warmup=WARMUP)
        dense, _ = train("dense", parts, seed=seed, clock=clock)
        right["accuracy_dense"] = is_right(dense, x_test, y_test)
        right["accuracy_nearest"] = (
            copy_nearest(x_train, y_train, x_test, neighbours=NEIGHBOURS) == y_test
        )
    metrics, pooled = by_image(right)
    kept = {"parts": parts, "models": models, "history": history["transformer"], "pooled": pooled}
    return lesson.Run(metrics, models["transformer"], kept)


def pool(found: list[dict]) -> dict:
    """Rend les écarts publiés, sur toutes les graines et toutes les images de test.

    Args:
        found: par graine, les images de test que chacun nomme bien.

    Returns:
        `{"gaps": {"accuracy_cnn - accuracy": [moyenne, bas, haut]…}}`, pour chacune des `PAIRS`.
    """
    return {"gaps": paired_gaps(found, PAIRS)}


def teach(options) -> None:
    """Entraîne, mesure, dessine et enregistre le transformeur."""
    found = run(
        0, epochs=options.epochs, minutes=options.minutes, limit=options.limit, witnesses=False
    )
    models = found.kept["models"]
    *_, x_val, y_val, x_test, y_test = found.kept["parts"]
    rows = []
    for name, title in figures.NAMES_FR.items():
        key = figures.metric_of(name)
        cells = [percent(found.metrics[each]) for each in (key, f"{key}_shuffled")]
        rows.append([title.replace("\n", " "), models[name].count_params(), *cells])
    print(table(["réseau", "paramètres", "exactitude", "morceaux mélangés"], rows))
    folder = output_dir(options)
    figures.save_comparison(folder / "transformer.png", found.metrics)
    _, first = np.unique(y_test, return_index=True)  # la première image de chaque classe
    shown = x_test[first[:NUM_SHOWN]]
    figures.save_attention(folder / "attention.png", found.model, shown)
    figures.save_attention(folder / "attention_hybride.png", models["hybrid"], shown)
    figures.save_positions(folder / "positions.png", found.model)
    lesson.save_classifier(
        found.model,
        options,
        history=found.kept["history"],
        val=(x_val, y_val),
        test=(x_test, y_test),
        classes=sources.FASHION_CLASSES,
        classes_fr=sources.FASHION_CLASSES_FR,
        metrics=found.metrics,
        headline=[Headline(name, label) for name, label in HEADLINE.items()],
    )
    print(f"Figures écrites dans {folder}/")
    Image.fromarray(shown[0]).save(folder / "vetement.png")
    print(f"Où regarde-t-il ? {lesson.command_for(options)} {folder}/vetement.png")


# --- Question : où regarde le réseau, sur une image ? --------------------------------


def explain(options) -> None:
    """Dessine où le transformeur regarde sur une image."""
    model = lesson.load_saved(options)
    image = lesson.read_picture(options.image, model, "un vêtement de Fashion-MNIST")
    path = output_dir(options) / f"{Path(options.image).stem}_attention.png"
    figures.save_attention(path, model, image[None])
    print(f"Figure : {path}")


def main(argv: list[str] | None = None) -> int:
    """Sans image, donne la leçon ; avec une image, montre où regarde le transformeur."""
    parser = lesson_parser("ex19_vision_transformer", __doc__.splitlines()[0], epochs=EPOCHS)
    parser.add_argument("image", nargs="?", help="image à regarder ; sans elle, on entraîne")
    add_model_option(parser)
    options = parser.parse_args(argv)
    return lesson.run(teach if options.image is None else explain, options)


if __name__ == "__main__":
    raise SystemExit(main())
