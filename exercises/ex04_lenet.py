"""LeNet sur MNIST, contre un réseau complètement connecté d'autant de paramètres.

Document : TD « keras & réseaux de neurones convolutionnels », question 1.
Programme de départ, Keras seul : exercises/plain/ex04_lenet.py. Celui-ci y change
plusieurs choses, que mesure une à une `python -m recipes.steps ex04`.
Commande : python -m exercises.ex04_lenet, puis ./predict --model ex04_lenet chiffre.png
Résultat mesuré : docs/laboratoire/resultats.md, avec celui de la recette
(`python -m recipes.digits`).
"""

import keras
import numpy as np
from keras import layers

from convnets.core.cli import lesson_parser
from convnets.datasets import sources
from convnets.figures.charts import number, save_mistakes, save_training_figures
from convnets.training import lesson
from convnets.training.augmentation import Distortion, random_warp
from convnets.training.batches import shuffled

VARIANTS = {"modern": ("relu", layers.MaxPooling2D), "1998": ("tanh", layers.AveragePooling2D)}
HIDDEN = 78  # le réseau dense le plus proche de LeNet : 784-78-10, 62 020 paramètres
NUM_VAL = 5000  # images retirées de l'entraînement ; pour suivre leurs progrès
EPOCHS = 40  # ceci et la suite, les mêmes pour les deux réseaux
BATCH_SIZE = 128
LEARNING_RATE = 2e-3  # le premier ; il descend ensuite jusqu'à zéro
WEIGHT_DECAY = 0.05
DISTORTION = Distortion(rotation_deg=10, log_zoom=0.1, shear=0.1, shift_px=1)


# --- Question 1 : la structure de LeNet ---------------------------------------------


def build_lenet(variant: str = "modern") -> keras.Model:
    """Construit le réseau de la figure, `"lenet"` ; les couches portent les noms de l'article.

    La figure part d'images 32×32 : sur 28×28, une première convolution `same` donne les mêmes
    tailles de cartes et le même nombre de paramètres.

    Args:
        variant: `"modern"`, le maximum et le softmax de l'énoncé, et ReLU ; `"1998"`, pooling par
            moyenne et tanh. L'article va plus loin, et la figure n'en dit rien : ses cartes C3
            ne voient qu'une partie des six premières, sa sortie est une distance à des modèles.

    Returns:
        Modèle : images uint8 `(n, 28, 28)` → probabilités `(n, 10)` float32, 61 706 paramètres.

    Source : LeCun, Bottou, Bengio et Haffner, Proc. IEEE 86(11), 1998, figure 2.
    """
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
    return keras.Model(images, outputs, name="lenet")


# --- Question 1 : un réseau complètement connecté aussi gros -------------------------


def build_dense() -> keras.Model:
    """Construit `"dense"`, à une couche cachée, d'autant de paramètres que LeNet à 0,51 % près.

    Returns:
        Modèle : images uint8 `(n, 28, 28)` → probabilités `(n, 10)` float32, 62 020 paramètres.
    """
    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)
    x = layers.Flatten()(x)  # (n, 784)
    x = layers.Dense(HIDDEN, activation="relu")(x)
    outputs = layers.Dense(10, activation="softmax", dtype="float32")(x)
    return keras.Model(images, outputs, name="dense")


# --- Question 1 : les entraîner ------------------------------------------------------


def augment(images, *, indices, epoch, rng):
    """Tourne, agrandit, penche et déplace un peu les chiffres, chacun à sa façon."""
    return random_warp(images, DISTORTION, rng=rng)


def train(x_train, y_train, x_val, y_val, *, seed: int, options) -> tuple[keras.Model, dict]:
    """Entraîne les deux réseaux, `options.epochs` époques chacun.

    Le modèle rendu a deux sorties, celles d'un dictionnaire, `"lenet"` et `"dense"`, que lit
    `evaluate` ; les courbes sont celles de LeNet, un dictionnaire de listes.

    `shuffled` mélange les images à chaque époque et applique `augment` à chaque lot. `lesson.Clock`
    mène le taux d'apprentissage à zéro par un cosinus, et arrête la leçon à l'heure. Si LeNet n'a
    pas le temps de toutes ses époques, le réseau dense n'en fait pas plus que lui.
    """
    images, outputs, curves = keras.Input((28, 28), dtype="uint8"), {}, {}
    epochs = options.epochs
    for build_model, share in ((build_lenet, 0.6), (build_dense, 0.4)):
        keras.utils.set_random_seed(seed)
        model = build_model()
        model.compile(
            keras.optimizers.AdamW(LEARNING_RATE, weight_decay=WEIGHT_DECAY),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        history = model.fit(
            shuffled(x_train, y_train, batch_size=BATCH_SIZE, seed=seed, augment=augment),
            epochs=epochs,
            validation_data=(x_val, y_val),
            callbacks=[lesson.Clock(epochs, options.minutes, share=share)],
            verbose=0,
        )
        epochs = len(history.epoch)
        outputs[model.name] = model(images)
        curves[model.name] = history.history
    return keras.Model(images, outputs), curves["lenet"]


# --- Question 1 : comparer -----------------------------------------------------------


def evaluate(model: keras.Model, x: np.ndarray, y: np.ndarray) -> dict:
    """Rend l'erreur des deux réseaux, dans [0, 1], et les probabilités que donne LeNet."""
    found = model.predict(x, batch_size=500, verbose=0)
    lenet, dense = (float(np.mean(found[name].argmax(1) != y)) for name in ("lenet", "dense"))
    return {"error": lenet, "error_dense": dense, "probabilities": found["lenet"]}


def teach(options) -> None:
    """Suit l'énoncé : charger, construire, entraîner, comparer, enregistrer LeNet."""
    dataset = sources.load_mnist()
    parts = lesson.split(dataset, limit=options.limit, num_val=NUM_VAL)
    x_train, y_train, x_val, y_val, x_test, y_test = parts
    model, history = train(x_train, y_train, x_val, y_val, seed=0, options=options)
    report = lesson.save_classifier(
        model.get_layer("lenet"),
        options,
        history=history,
        val=(x_val, y_val),
        test=(x_test, y_test),
        classes=sources.MNIST_CLASSES,
        classes_fr=sources.MNIST_CLASSES,
        data_sha256=sources.dataset_sha256(dataset),
        framing="digit",  # comment ./predict prépare une image
    )
    found = evaluate(model, x_test, y_test)
    print(f"LeNet : {number(100 * found['error'], 2)} % d'erreur.")
    print(f"Réseau dense : {number(100 * found['error_dense'], 2)} % d'erreur.")
    save_training_figures(options, report)
    save_mistakes(options, report, x_test, y_test, found["probabilities"])


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex04_lenet", __doc__.splitlines()[0], epochs=EPOCHS)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
