"""LeNet sur MNIST, contre un réseau complètement connecté d'autant de paramètres.

Document : TD « keras & réseaux de neurones convolutionnels », question 1.
Commande : python -m exercises.ex04_lenet     puis     ./predict --model ex04_lenet chiffre.png
Résultat mesuré : models/ex04_comparison.json (les deux réseaux, recette simple) et
models/ex04_lenet.json (LeNet, recette moderne), repris dans le tableau du README.

La suite est dans `ex04_comparison` (la mesure, les déplacements), `ex04_recipe` (la recette
moderne), `ex04_maps` (les filtres appris, ce que voit chaque carte) et `ex04_views` (moyenner
plusieurs vues).
"""

from argparse import Namespace
from functools import partial

import keras
from keras import layers

from convnets.core import reports
from convnets.core.cli import run, training_parser
from convnets.datasets import sources
from convnets.figures.style import output_dir, save_mistakes, save_training_figures
from convnets.training import saving, study
from exercises import ex04_comparison, ex04_maps, ex04_recipe, ex04_views
from exercises.ex04_views import evaluate

HIDDEN = 78  # le réseau dense le plus proche de LeNet : 784-78-10, 62 020 paramètres
NUM_VAL = 5000  # images retirées de l'entraînement ; elles choisissent la graine livrée


# --- Question 1 : la structure de LeNet ---------------------------------------------


def build_lenet(variant: str = "modern", *, width: int = 1) -> keras.Model:
    """Construit le réseau de la figure ; les couches portent les noms de l'article.

    La figure part d'images 32×32 : sur 28×28, une première convolution `same` donne les mêmes
    tailles de cartes et le même nombre de paramètres.

    Args:
        variant: `"modern"`, ce que dit l'énoncé (max-pooling, ReLU) ; `"1998"`, pooling par
            moyenne et tanh. L'article va plus loin, et la figure n'en dit rien : ses cartes C3
            ne voient qu'une partie des six premières, sa sortie est une distance à des modèles.
        width: par combien multiplier les cartes et les neurones ; 1 est LeNet.

    Returns:
        Modèle : images uint8 `(n, 28, 28)` → probabilités `(n, 10)` float32, 61 706 paramètres
        quand `width` vaut 1.

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
    c1, c3, c5, f6 = (width * count for count in (6, 16, 120, 84))  # les nombres de l'article
    x = layers.Conv2D(c1, 5, padding="same", activation=activation, name="C1")(x)  # (n, 28, 28, 6)
    x = pooling(2, name="S2")(x)  # (n, 14, 14, 6)
    x = layers.Conv2D(c3, 5, activation=activation, name="C3")(x)  # (n, 10, 10, 16)
    x = pooling(2, name="S4")(x)  # (n, 5, 5, 16)
    x = layers.Flatten()(x)  # (n, 400)
    x = layers.Dense(c5, activation=activation, name="C5")(x)
    x = layers.Dense(f6, activation=activation, name="F6")(x)
    outputs = layers.Dense(10, activation="softmax", dtype="float32")(x)
    times = f"_x{width}" if width > 1 else ""
    return keras.Model(images, outputs, name=f"lenet_{variant}{times}")


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


# --- Question 1 : comparer -----------------------------------------------------------


def show(options, report, x_test, y_test, probabilities) -> None:
    """Écrit les courbes, la confusion, les erreurs, les filtres et les cartes du modèle livré."""
    single, averaged = (
        reports.format_metric(report.metrics[name]) for name in ("error", "error_tta")
    )
    print(f"LeNet, recette moderne : {single} d'erreur, {averaged} en moyennant sept vues.")
    save_training_figures(options, report, x_test, y_test, probabilities)
    save_mistakes(options, report, x_test, y_test, probabilities)
    model = saving.load_model(options.module, models_dir=options.models_dir)
    ex04_maps.save_all(model, x_test[0], output_dir(options), digits=x_test)


def _options_for(recipe: str, slug: str, options) -> Namespace:
    """Dit où une des deux recettes enregistre, et quelle commande la refait seule."""
    command, output = f"ex04_lenet --recipe {recipe}", output_dir(options)
    if options.variant != "modern":  # la variante ne remplace pas le réseau de l'énoncé
        command += f" --variant {options.variant}"
        slug, output = f"{slug}_{options.variant}", output / options.variant
    if recipe == "modern" and options.teacher != "wide":
        command += f" --teacher {options.teacher}"
    return Namespace(**vars(options) | {"module": slug, "command": command, "output": output})


def main(argv: list[str] | None = None) -> int:
    """Compare les deux réseaux par une recette simple, puis donne à LeNet la recette moderne."""
    description, epochs = __doc__.splitlines()[0], ex04_recipe.EPOCHS
    parser = training_parser("ex04_lenet", description, epochs=epochs, seeds=5)
    parser.add_argument(
        "--variant",
        choices=[*VARIANTS],
        default="modern",
        help="LeNet de l'énoncé (modern : max-pooling, ReLU) ou de 1998 (moyennes, tanh)",
    )
    parser.add_argument(
        "--recipe",
        choices=["both", "plain", "modern"],
        default="both",
        help="plain : la comparaison seule ; modern : la recette moderne seule",
    )
    parser.add_argument(
        "--teacher",
        choices=["wide", "none"],
        default="wide",
        help="recette moderne : wide, imiter un LeNet plus large (par défaut) ; none, aucun maître",
    )
    parser.set_defaults(precision="float32")  # mesuré : aussi petit, il ne gagne rien en bfloat16
    options = parser.parse_args(argv)

    def body() -> int:
        dataset = sources.load_mnist()
        if options.recipe != "modern":
            networks = {"lenet": partial(build_lenet, options.variant), "dense": build_dense}
            plain = _options_for("plain", "ex04_comparison", options)
            ex04_comparison.compare(networks, dataset, options=plain, num_val=NUM_VAL)
        if options.recipe == "plain":
            return 0
        return study.run_seeds(
            _options_for("modern", "ex04_lenet", options),
            dataset=dataset,
            num_val=NUM_VAL,
            train=partial(ex04_recipe.train, partial(build_lenet, options.variant)),
            evaluate=evaluate,
            classes=sources.MNIST_CLASSES,
            classes_fr=sources.MNIST_CLASSES,
            on_saved=show,
            # framing : comment ./predict prépare une image
            describe=lambda runs: {"framing": "digit", "num_views": ex04_views.NUM_VIEWS},
        )

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
