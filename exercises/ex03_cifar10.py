"""CIFAR-10 : reconnaître dix sortes d'objets, et le faire depuis un terminal.

Document : Jour 04, exercice 3 (`./predict image.png` doit dire `Prédiction: Avion`).
Commande : python -m exercises.ex03_cifar10, puis
./predict --model ex03_cifar10_light samples/avion.png. Avec --recipe large, le réseau que
./predict prend pour une vignette : quatre fois plus grand et plus long à apprendre ; le petit
apprend à l'imiter.
Résultat mesuré : models/ex03_cifar10.json et models/ex03_cifar10_light.json, repris dans le
tableau du README.

La recette suit Jordan, « 94% on CIFAR-10 in 3.29 Seconds », arXiv 2404.00498, 2024 : une
convolution de blanchiment calculée sur les données, trois groupes de deux ou trois
convolutions, beaucoup de lissage (étiquettes, poids) et peu d'époques.
"""

from functools import partial
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from convnets.core import paths
from convnets.core.cli import natural_int, run, training_parser
from convnets.datasets import sources
from convnets.figures.style import save_training_figures
from convnets.training import distillation, distribution, study
from convnets.training.augmentation import alternate_mirror, cutout
from convnets.training.optimizers import FastBetaSGD, Lookahead, Triangle
from exercises import ex03_refinement as refinement
from exercises.ex03_views import VIEW_WEIGHTS, VIEWS, evaluate

NUM_VAL = 2000  # images retirées de l'entraînement ; elles choisissent la graine livrée
LABEL_SMOOTHING = 0.2


class Recipe(NamedTuple):
    """Un réseau et son entraînement ; les réseaux viennent du même article."""

    slug: str
    widths: tuple[int, ...]  # filtres des trois groupes
    depth: int  # convolutions par groupe ; à partir de trois, une connexion résiduelle
    epochs: int
    peak_rate: float  # taux d'apprentissage maximal, par image du lot
    weight_decay: float
    translate_px: int
    cutout_px: int  # côté du carré effacé ; 0 : aucun
    batch_size: int = 512
    teacher: str = "none"  # le modèle livré qu'il apprend à imiter


RECIPES = {
    "large": Recipe("ex03_cifar10", (128, 384, 512), 3, 40, 1.146e-3, 8.89e-3, 4, 12),
    "light": Recipe(
        "ex03_cifar10_light", (64, 256, 304), 2, 20, 1.465e-3, 8.87e-3, 4, 6, teacher="ex03_cifar10"
    ),
}
TEACHER_SHARE = 0.9  # part, dans la perte, de la réponse du réseau à imiter ; le reste : étiquettes


# --- Question : créer un modèle capable de prédire l'objet en question --------------


def whitening_kernel(x: np.ndarray, patch_px: int = 2) -> np.ndarray:
    """Calcule les filtres qui décorrèlent les petits carrés d'image.

    Args:
        x: images uint8 `(n, h, w, 3)`.
        patch_px: côté du carré, en pixels.

    Returns:
        Noyau `(patch_px, patch_px, 3, 24)` float32 pour des côtés de 2 : les vecteurs
        propres de la covariance divisés par l'écart-type, puis leurs opposés.

    Source : Jordan, arXiv 2404.00498 (première couche, figée).
    """
    windows = np.lib.stride_tricks.sliding_window_view(
        _standardise(x), (patch_px, patch_px), axis=(1, 2)
    )  # (n, h-1, w-1, 3, 2, 2)
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, patch_px**2 * 3)
    values, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    kernel = vectors / np.sqrt(values + 5e-4)  # 5e-4 : ne pas amplifier le bruit
    kernel = np.concatenate([kernel, -kernel], axis=1)
    return kernel.reshape(patch_px, patch_px, 3, -1).astype(np.float32)


MEAN = np.array([0.4914, 0.4822, 0.4465])  # moyennes des canaux de CIFAR-10, dans [0, 1]
STD = np.array([0.2470, 0.2435, 0.2616])


def _standardise(x: np.ndarray) -> np.ndarray:
    return ((x / 255 - MEAN) / STD).astype(np.float32)


def _partial_identity(kernel: np.ndarray) -> np.ndarray:
    """Fait recopier leur entrée aux premiers filtres d'un noyau `(kh, kw, c, n)`."""
    kernel, copied = kernel.copy(), min(kernel.shape[2:])
    kernel[..., :copied] = 0
    kernel[kernel.shape[0] // 2, kernel.shape[1] // 2, range(copied), range(copied)] = 1
    return kernel


def _group(x, filters: int, depth: int, name: str):
    """Empile des convolutions 3×3 ; la première est suivie d'un max-pooling 2×2."""
    for number in range(depth):
        convolution = layers.Conv2D(
            filters,
            3,
            padding="same",
            use_bias=False,
            kernel_initializer=keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform"),
            name=f"{name}_conv{number + 1}",
        )
        x = convolution(x)
        convolution.set_weights([_partial_identity(w) for w in convolution.get_weights()])
        if number == 0:
            x = layers.MaxPooling2D()(x)
        x = layers.BatchNormalization(momentum=0.6, epsilon=1e-5, scale=False)(x)
        if number == 1:
            shortcut = x
        if number == 2:
            x = layers.Add()([x, shortcut])
        x = layers.Activation("gelu", name=f"{name}_out{number + 1}")(x)
    return x


def build_model(recipe: Recipe = RECIPES["light"]) -> keras.Model:
    """Construit le réseau ; la mise à l'échelle des pixels en fait partie.

    Args:
        recipe: largeurs et profondeur des groupes.

    Returns:
        Modèle : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)` float32.
    """
    images = keras.Input((32, 32, 3), dtype="uint8")
    x = layers.Rescaling(1 / (255 * STD), -MEAN / STD, dtype="float32")(images)
    x = layers.Conv2D(24, 2, use_bias=False, trainable=False, name="whitening")(x)
    x = layers.Activation("gelu")(x)  # (n, 31, 31, 24)
    for number, filters in enumerate(recipe.widths, start=1):
        # (n, 15, 15, a), (n, 7, 7, b), (n, 3, 3, c)
        x = _group(x, filters, recipe.depth, f"group{number}")
    x = layers.MaxPooling2D(3)(x)  # (n, 1, 1, c)
    x = layers.Flatten()(x)
    x = layers.Dense(10, use_bias=False, kernel_initializer="lecun_uniform")(x)
    x = layers.Rescaling(1 / 9, dtype="float32")(x)  # des scores petits : un apprentissage stable
    return keras.Model(images, layers.Softmax(dtype="float32")(x), name=recipe.slug)


# --- Question : l'entraîner ---------------------------------------------------------


def augment(images, *, indices, epoch, rng, recipe: Recipe):
    """Translate, retourne une image sur deux (l'autre moitié l'époque suivante), efface un carré.

    Source : DeVries et Taylor, arXiv 1708.04552, 2017 (le carré effacé, « cutout »).
    """
    images = study.random_crop(images, pad=recipe.translate_px, rng=rng)
    images = alternate_mirror(images, indices, epoch)
    return cutout(images, recipe.cutout_px, rng=rng) if recipe.cutout_px else images


def train(x_train, y_train, x_val, y_val, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Entraîne un réseau, puis l'affine s'il le faut ; rend le modèle en float32 et ses courbes.

    Les courbes d'un cycle d'affinage sont celles de ses poids, pas de la moyenne livrée.
    """
    recipe = RECIPES[options.recipe]
    new = partial(study.build, partial(build_model, recipe), seed=seed, precision=options.precision)
    network = learner = new()
    network.get_layer("whitening").set_weights([whitening_kernel(x_train[:5000])])
    if options.teacher != "none":
        teacher = distillation.load_teacher(
            options.teacher, precision=options.precision, models_dir=options.models_dir
        )
        learner = distillation.Student(network, teacher, share=TEACHER_SHARE)
    batch_size = options.batch_size or recipe.batch_size
    labels, val = keras.utils.to_categorical(y_train, 10), keras.utils.to_categorical(y_val, 10)

    if not options.resume:
        refinement.forget_cycles(paths.checkpoint_path(options, seed))

    def fit(model, recipe, schedule, *, epochs, callback=None, cycle=0):
        batches = study.Batches(
            x_train,
            labels,
            batch_size=batch_size,
            seed=seed + 100 * max(0, cycle - 1),  # d'autres lots au deuxième cycle
            augment=partial(augment, recipe=recipe),
        )
        steps = epochs * len(batches)
        model.compile(
            FastBetaSGD(
                schedule(recipe.peak_rate * batch_size, steps),
                momentum=0.85,
                nesterov=True,
                weight_decay=recipe.weight_decay,
            ),
            loss=keras.losses.CategoricalCrossentropy(label_smoothing=LABEL_SMOOTHING),
            metrics=["accuracy"],
            jit_compile=study.JIT_COMPILE,
        )
        name = f"cycle{cycle}" if cycle else ""
        return study.fit(
            model,
            batches,
            epochs=epochs,
            resume=options.resume,
            checkpoint=paths.checkpoint_path(options, seed, network=name),
            validation_data=(x_val, val),
            validation_batch_size=500,
            callbacks=[callback(steps)] if callback else [],
        )

    history = fit(learner, recipe, Triangle, epochs=options.epochs, callback=Lookahead)
    if options.refine_cycles:
        gentle = recipe._replace(cutout_px=recipe.cutout_px // 2)  # plus près des vraies images
        few = x_train[: 4 * batch_size]
        rng = np.random.default_rng(0)
        seen = augment(few, indices=np.arange(len(few)), epoch=0, rng=rng, recipe=gentle)
        cycles = refinement.refine(
            network,
            new(),
            partial(fit, recipe=gentle),
            seen,
            batch_size=batch_size,
            cycles=options.refine_cycles,
            epochs=min(refinement.EPOCHS, options.epochs),  # un essai court le reste
        )
        history = {
            name: sum((each[name] for each in cycles), values) for name, values in history.items()
        }
    return study.to_ship(network, build_model(recipe)), history


# --- Question : ce qu'il vaut -------------------------------------------------------


def main(argv: list[str] | None = None) -> int:
    """Entraîne sur plusieurs graines, garde la meilleure en validation, écrit le compte rendu."""
    parser = training_parser("ex03_cifar10", __doc__.splitlines()[0], epochs=None, seeds=3)
    parser.add_argument(
        "--recipe",
        choices=[*RECIPES],
        default="light",
        help="light : un petit réseau (par défaut) ; large : celui des vignettes de ./predict",
    )
    parser.add_argument(
        "--teacher",
        choices=["ex03_cifar10", "none"],
        help="réseau à imiter (none : aucun) ; par défaut, light imite large",
    )
    parser.add_argument(
        "--refine-cycles",
        type=natural_int,
        default=refinement.CYCLES,
        metavar="N",
        help=f"affiner N fois après l'entraînement ({refinement.CYCLES} par défaut)",
    )
    distribution.add_options(parser)
    options = parser.parse_args(argv)
    recipe = RECIPES[options.recipe]
    options.teacher = options.teacher or recipe.teacher
    options.module, options.epochs = recipe.slug, options.epochs or recipe.epochs
    options.command = f"ex03_cifar10 --recipe {options.recipe}"
    if options.teacher != recipe.teacher:
        options.command += f" --teacher {options.teacher}"
    if options.refine_cycles != refinement.CYCLES:
        options.command += f" --refine-cycles {options.refine_cycles}"

    def body() -> int:
        with distribution.start(options):
            return study.run_seeds(
                options,
                dataset=sources.load_cifar10(),
                num_val=NUM_VAL,
                train=train,
                evaluate=evaluate,
                classes=sources.CIFAR10_CLASSES,
                classes_fr=sources.CIFAR10_CLASSES_FR,
                on_saved=save_training_figures,
                describe=lambda runs: {"views": VIEWS, "num_views": len(VIEW_WEIGHTS)},
            )

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
