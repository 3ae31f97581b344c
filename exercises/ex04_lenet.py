"""LeNet sur MNIST, contre un réseau complètement connecté d'autant de paramètres.

Document : TD « keras & réseaux de neurones convolutionnels », question 1.
Commande : python -m exercises.ex04_lenet     puis     ./predict --model ex04_lenet chiffre.png
Résultat mesuré : models/ex04_comparison.json (les deux réseaux, recette simple) et
models/ex04_lenet.json (LeNet, recette moderne), repris dans le tableau du README.

La suite est dans `ex04_comparison` (la mesure, les déplacements), `ex04_maps` (les filtres
appris, ce que voit chaque carte) et `ex04_views` (moyenner plusieurs vues).
"""

from argparse import Namespace
from functools import partial

import keras
from keras import layers

from exercises import ex04_comparison, ex04_maps, ex04_views
from exercises.common import data, storage, training
from exercises.common.augmentation import Distortion, random_warp
from exercises.common.cli import run, training_parser
from exercises.common.figures import output_dir, save_mistakes, save_training_figures
from exercises.ex04_views import evaluate

HIDDEN = 78  # le réseau dense le plus proche de LeNet : 784-78-10, 62 020 paramètres
NUM_VAL = 5000  # images retirées de l'entraînement ; elles choisissent la graine livrée

# La recette moderne. La recette simple est dans ex04_comparison.
EPOCHS = 120
BATCH_SIZE = 128
PEAK_RATE = 2e-3
WARMUP = 0.05  # part de l'entraînement où le pas monte, avant de suivre un cosinus
WEIGHT_DECAY = 0.05
EMA_SHARE = 0.05  # les poids livrés sont une moyenne glissante sur cette part de l'entraînement
DISTORTION = Distortion(
    rotation_deg=10, log_zoom=0.1, shear=0.1, shift_px=1, elastic_px=12, smoothing_px=4
)


# --- Question 1 : la structure de LeNet ---------------------------------------------


def build_lenet(variant: str = "modern") -> keras.Model:
    """Construit le réseau de la figure ; les couches portent les noms de l'article.

    La figure part d'images 32×32 : sur 28×28, une première convolution `same` donne les mêmes
    tailles de cartes et le même nombre de paramètres.

    Args:
        variant: `"modern"`, ce que dit l'énoncé (max-pooling, ReLU) ; `"1998"`, pooling par
            moyenne et tanh. L'article va plus loin, et la figure n'en dit rien : ses cartes C3
            ne voient qu'une partie des six premières, sa sortie est une distance à des modèles.

    Returns:
        Modèle : images uint8 `(n, 28, 28)` → probabilités `(n, 10)` float32, 61 706 paramètres.

    Raises:
        ValueError: variante inconnue.

    Source : LeCun, Bottou, Bengio et Haffner, Proc. IEEE 86(11), 1998, figure 2.
    """
    if variant not in VARIANTS:
        raise ValueError(f"Variante {variant!r} reçue ; au choix : {', '.join(VARIANTS)}.")
    activation, pooling = VARIANTS[variant]
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)
    x = layers.Reshape((28, 28, 1))(x)
    x = layers.Conv2D(6, 5, padding="same", activation=activation, name="C1")(x)  # (n, 28, 28, 6)
    x = pooling(2, name="S2")(x)  # (n, 14, 14, 6)
    x = layers.Conv2D(16, 5, activation=activation, name="C3")(x)  # (n, 10, 10, 16)
    x = pooling(2, name="S4")(x)  # (n, 5, 5, 16)
    x = layers.Flatten()(x)  # (n, 400)
    x = layers.Dense(120, activation=activation, name="C5")(x)
    x = layers.Dense(84, activation=activation, name="F6")(x)
    outputs = layers.Dense(10, activation="softmax", dtype="float32")(x)
    return keras.Model(images, outputs, name=f"lenet_{variant}")


VARIANTS = {"modern": ("relu", layers.MaxPooling2D), "1998": ("tanh", layers.AveragePooling2D)}


# --- Question 1 : un réseau complètement connecté aussi gros -------------------------


def build_dense() -> keras.Model:
    """Construit un réseau à une couche cachée, de taille choisie pour égaler LeNet à 0,51 %.

    Returns:
        Modèle : images uint8 `(n, 28, 28)` → probabilités `(n, 10)` float32, 62 020 paramètres.
    """
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)
    x = layers.Flatten()(x)  # (n, 784)
    x = layers.Dense(HIDDEN, activation="relu")(x)
    outputs = layers.Dense(10, activation="softmax", dtype="float32")(x)
    return keras.Model(images, outputs, name="dense")


# --- Question 1 : le meilleur de LeNet, avec une recette d'aujourd'hui ---------------


def augment(images, *, indices, epoch, rng):
    """Déforme les chiffres comme une autre main les aurait écrits."""
    return random_warp(images, DISTORTION, rng=rng)


def train(x_train, y_train, x_val, y_val, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Entraîne LeNet par la recette moderne ; rend le modèle en float32 et ses courbes."""
    build_model = partial(build_lenet, options.variant)
    model = training.build(build_model, seed=seed, precision=options.precision)
    batches = training.Batches(
        x_train, y_train, batch_size=options.batch_size or BATCH_SIZE, seed=seed, augment=augment
    )
    steps = options.epochs * len(batches)
    warmup = int(WARMUP * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        PEAK_RATE / 20, steps - warmup, warmup_target=PEAK_RATE, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.AdamW(
            schedule, weight_decay=WEIGHT_DECAY, use_ema=True,
            ema_momentum=max(0.0, 1 - 1 / (EMA_SHARE * steps)),
        ),
        loss="sparse_categorical_crossentropy", metrics=["accuracy"],
        jit_compile=training.JIT_COMPILE,
    )  # fmt: skip
    history = training.fit(
        model, batches, epochs=options.epochs, resume=options.resume, verbose=2,
        checkpoint=storage.checkpoint_path(options, seed),
        validation_data=(x_val, y_val), validation_batch_size=500,
    )  # fmt: skip
    # `fit` le fait en finissant, mais pas une reprise qui n'avait plus d'époque à faire.
    model.optimizer.finalize_variable_values(model.trainable_variables)
    shipped = build_model()  # les mêmes poids, en float32
    shipped.set_weights(model.get_weights())
    return shipped, history


# --- Question 1 : comparer -----------------------------------------------------------


def show(options, report, x_test, y_test, probabilities) -> None:
    """Écrit les courbes, la confusion, les erreurs, les filtres et les cartes du modèle livré."""
    single, averaged = (
        storage.format_metric(report["metrics"][name]) for name in ("error", "error_tta")
    )
    print(f"LeNet, recette moderne : {single} d'erreur, {averaged} en moyennant sept vues.")
    save_training_figures(options, report, x_test, y_test, probabilities)
    save_mistakes(options, report, x_test, y_test, probabilities)
    model = storage.load_model(options.module, models_dir=options.models_dir)
    ex04_maps.save_all(model, x_test[0], output_dir(options), digits=x_test)


def _options_for(recipe: str, slug: str, options) -> Namespace:
    """Dit où une des deux recettes enregistre, et quelle commande la refait seule."""
    command, output = f"ex04_lenet --recipe {recipe}", output_dir(options)
    if options.variant != "modern":  # la variante ne remplace pas le réseau de l'énoncé
        command += f" --variant {options.variant}"
        slug, output = f"{slug}_{options.variant}", output / options.variant
    return Namespace(**vars(options) | {"module": slug, "command": command, "output": output})


def main(argv: list[str] | None = None) -> int:
    """Compare les deux réseaux par une recette simple, puis donne à LeNet la recette moderne."""
    parser = training_parser("ex04_lenet", __doc__.splitlines()[0], epochs=EPOCHS, seeds=5)
    parser.add_argument(
        "--variant", choices=[*VARIANTS], default="modern",
        help="LeNet de l'énoncé (modern : max-pooling, ReLU) ou de 1998 (moyennes, tanh)",
    )  # fmt: skip
    parser.add_argument(
        "--recipe", choices=["both", "plain", "modern"], default="both",
        help="plain : la comparaison seule ; modern : la recette moderne seule",
    )  # fmt: skip
    parser.set_defaults(precision="float32")  # mesuré : aussi petit, il ne gagne rien en bfloat16
    options = parser.parse_args(argv)

    def body() -> int:
        dataset = data.load_mnist()
        if options.recipe != "modern":
            networks = {"lenet": partial(build_lenet, options.variant), "dense": build_dense}
            plain = _options_for("plain", "ex04_comparison", options)
            ex04_comparison.compare(networks, dataset, options=plain, num_val=NUM_VAL)
        if options.recipe == "plain":
            return 0
        return training.run_seeds(
            _options_for("modern", "ex04_lenet", options), dataset=dataset, num_val=NUM_VAL,
            train=train, evaluate=evaluate, classes=data.MNIST_CLASSES,
            classes_fr=data.MNIST_CLASSES, on_saved=show,
            # framing : comment ./predict prépare une image
            describe=lambda runs: {"framing": "digit", "num_views": ex04_views.NUM_VIEWS},
        )  # fmt: skip

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
