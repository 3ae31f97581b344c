"""Le maître : un réseau qui a vu des photographies en couleurs apprend les vêtements.

D'après : Jour 04, exercice 2.
Commande : python -m exercises.ex02_teacher
Résultat mesuré : models/ex02_teacher.json, repris dans le tableau du README.

Un thème de l'exercice 02, dont l'entrée est `ex02_fashion`.

Le réseau de l'énoncé n'a que trois convolutions. Celui de l'exercice 03 en a sept et sait déjà
voir : sa dernière couche retirée au sort, il apprend les vêtements à son tour, mieux que l'autre
ne peut le faire seul. Il l'enseignera (`ex02_lessons`).

Source : Yosinski et al., « How transferable are features in deep neural networks? »,
arXiv 1411.1792, 2014 (repartir de couches apprises ailleurs) ; Jordan, arXiv 2404.00498, 2024 (la
descente). Repartir de photographies en couleurs pour des vêtements en gris est notre choix.
"""

import keras
from keras import layers

from convnets.core import paths
from convnets.core.cli import run, training_parser
from convnets.datasets import sources
from convnets.figures.style import save_training_figures
from convnets.training import distillation, saving, study
from convnets.training.augmentation import alternate_mirror, cutout
from convnets.training.optimizers import FastBetaSGD, Lookahead, Triangle
from exercises.ex03_views import VIEW_WEIGHTS, evaluate

START = "ex03_cifar10_light"  # le modèle livré dont il part
EPOCHS = 24
BATCH_SIZE = 512
NUM_VAL = 2000  # les mêmes images que dans ex02_fashion : ni lui ni son élève ne les apprennent
PEAK_RATE = 3e-4  # par image du lot ; le cinquième de l'exercice 03, pour ne pas tout oublier
WEIGHT_DECAY = 8.87e-3
LABEL_SMOOTHING = 0.1
TRANSLATE_PX = 2
CUTOUT_PX = 8  # côté du carré effacé


def build_model(start: keras.Model) -> keras.Model:
    """Reprend un réseau de photographies en couleurs pour des images en gris plus petites.

    Il est fait de convolutions : une image de 28 pixels de côté y passe comme une de 32. Ses poids
    sont gardés, sauf ceux de sa couche dense, tirés de nouveau : ses dix classes ont changé.

    Args:
        start: modèle aux couches en file, images `(n, 32, 32, 3)` → probabilités `(n, 10)`.

    Returns:
        Modèle : images uint8 `(n, 28, 28)` → probabilités `(n, 10)` float32.
    """
    policy = keras.config.dtype_policy().name
    images = keras.Input((28, 28), dtype="uint8")
    grey = layers.Reshape((28, 28, 1), dtype="float32")(images)
    x = layers.Concatenate(dtype="float32")([grey, grey, grey])  # rouge, vert et bleu égaux
    for layer in start.layers[1:]:
        copy = distillation.copy_layer(layer, policy=policy)
        x = copy(x)
        if not isinstance(layer, layers.Dense):
            copy.set_weights(layer.get_weights())
    return keras.Model(images, x, name="ex02_teacher")


def augment(images, *, indices, epoch, rng):
    """Translate, retourne une image sur deux, l'autre moitié l'époque suivante, efface un carré."""
    images = study.random_crop(images[..., None], pad=TRANSLATE_PX, rng=rng)
    images = alternate_mirror(images, indices, epoch)
    return cutout(images, CUTOUT_PX, rng=rng)[..., 0]


def train(x_train, y_train, x_val, y_val, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Entraîne un réseau à partir de celui de l'exercice 03 ; rend le modèle et ses courbes."""
    folder = distillation.folder_of(START, options.models_dir)
    start = saving.load_model(START, models_dir=folder)
    model = study.build(lambda: build_model(start), seed=seed, precision=options.precision)
    batch_size = options.batch_size or BATCH_SIZE
    batches = study.Batches(
        x_train,
        keras.utils.to_categorical(y_train, 10),
        batch_size=batch_size,
        seed=seed,
        augment=augment,
    )
    steps = options.epochs * len(batches)
    model.compile(
        FastBetaSGD(
            Triangle(PEAK_RATE * batch_size, steps),
            momentum=0.85,
            nesterov=True,
            weight_decay=WEIGHT_DECAY,
        ),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=LABEL_SMOOTHING),
        metrics=["accuracy"],
        jit_compile=study.JIT_COMPILE,
    )
    history = study.fit(
        model,
        batches,
        epochs=options.epochs,
        resume=options.resume,
        checkpoint=paths.checkpoint_path(options, seed),
        callbacks=[Lookahead(steps)],
        validation_data=(x_val, keras.utils.to_categorical(y_val, 10)),
        validation_batch_size=500,
    )
    return study.to_ship(model, build_model(start)), history


def main(argv: list[str] | None = None) -> int:
    """Entraîne sur une graine ou plusieurs, garde la meilleure en validation, écrit le rapport."""
    parser = training_parser("ex02_teacher", __doc__.splitlines()[0], epochs=EPOCHS, seeds=1)
    options = parser.parse_args(argv)
    return run(
        lambda: study.run_seeds(
            options,
            dataset=sources.load_fashion_mnist(),
            num_val=NUM_VAL,
            train=train,
            evaluate=evaluate,
            classes=sources.FASHION_CLASSES,
            classes_fr=sources.FASHION_CLASSES_FR,
            on_saved=save_training_figures,
            describe=lambda _: {"num_views": len(VIEW_WEIGHTS)},
        )
    )


if __name__ == "__main__":
    raise SystemExit(main())
