"""Sac de mots visuels : classer des images comme on le faisait avant l'apprentissage profond.

Document : S3 « Avant le deep ».
Commande : python -m exercises.ex16_bag_of_words, puis
    … ex16_bag_of_words image.png

Résultat mesuré : docs/laboratoire/resultats.md, sur cinq graines (`python -m recipes.seeds`).

Le sac a deux concurrents, qui apprennent des mêmes images. Le premier est le même classifieur, sur
les pixels bruts. Le second est un réseau de convolution, qui voit ces images déplacées et
retournées. La mesure y ajoute deux témoins : ce réseau, apprenant des images telles quelles, et le
sac dont les mots sont tirés au hasard.
"""

import warnings

import keras
import numpy as np
from keras import layers
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from convnets.core import session
from convnets.core.cli import add_model_option, lesson_parser, percent
from convnets.core.intervals import by_image, paired_gaps
from convnets.core.reports import Headline
from convnets.datasets import sources
from convnets.figures.charts import table
from convnets.figures.style import output_dir
from convnets.training import lesson
from convnets.training.augmentation import random_crop
from convnets.training.batches import shuffled
from exercises.ex16_bag_of_words import figures
from exercises.ex16_bag_of_words.dictionary import (
    SIZES,
    Dictionary,
    draw_dictionary,
    learn_dictionary,
)
from exercises.ex16_bag_of_words.encoding import (
    CODED,
    CODINGS,
    IMAGE_PX,
    build_distances,
    build_encoder,
    features,
    quarter_means,
    triangle_code,
)

NUM_CLASSES = 10
NUM_IMAGES = 12_000  # les premières de CIFAR-10, validation comprise : quelques minutes suffisent
NUM_VAL = 2000  # images qu'on n'apprend pas : elles ont choisi STRENGTH et PIXEL_STRENGTH
STRENGTH = 1e-2  # C du classifieur sur les mots, choisi en validation
PIXEL_STRENGTH = 1e-4  # C du classifieur sur les pixels, choisi en validation
MAX_ITERATIONS = 60  # de L-BFGS ; au-delà, la validation ne bouge plus
FILTERS = (32, 64, 160)  # du réseau : à peu près autant de nombres que le sac de 800 mots
BATCH_SIZE = 64
LEARNING_RATE = 2e-3  # d'Adam, au début ; il décroît jusqu'à zéro
TRANSLATE_PX = 3  # déplacement maximal des images montrées au réseau
EPOCHS = 20  # du réseau
SHARE = 0.65  # part du temps d'apprentissage qui est gardée pour le réseau
LABELS = {
    "accuracy": f"sac de {SIZES[-1]} mots, codage doux, quatre quarts",
    "accuracy_hard": f"sac de {SIZES[-1]} mots, histogramme",
    "accuracy_pixels": "pixels bruts, même classifieur",
    "accuracy_cnn": "réseau de convolution, images déplacées et retournées",
}
PAIRS = (  # écarts publiés : de combien le premier dépasse le second
    ("hard_800", "accuracy_pixels"),
    ("accuracy", "accuracy_pixels"),
    ("soft_800", "hard_800"),
    ("hard_quarters_800", "hard_800"),
    ("hard_quarters_800", "hard_quarters_200"),
    ("soft_quarters_200", "soft_800"),
    ("accuracy", "soft_800"),
    ("accuracy", "soft_quarters_200"),
    ("accuracy", "drawn_words"),
    ("accuracy", "cnn_plain"),
    ("accuracy_cnn", "accuracy"),
    ("accuracy_cnn", "cnn_plain"),
)


# --- Question : classer --------------------------------------------------------------


def fit_linear(x: np.ndarray, y: np.ndarray, *, strength: float) -> Pipeline:
    """Apprend le classifieur linéaire de tous les concurrents sans réseau.

    Args:
        x: `(n, d)` float.
        y: classes `(n,)`, entiers de 0 à 9.
        strength: `C` de scikit-learn : plus il est petit, plus les poids sont retenus.

    Returns:
        Une mise à l'échelle de chaque colonne, puis une régression logistique.

    Raises:
        ValueError: une classe n'a aucune image.
    """
    missing = sorted(set(range(NUM_CLASSES)) - set(np.unique(y).tolist()))
    if missing:
        raise ValueError(
            f"{len(y)} images d'entraînement, et aucune de la classe {missing[0]} : il en faut "
            f"de chacune des {NUM_CLASSES} classes. Augmentez --limit."
        )
    classifier = make_pipeline(
        StandardScaler(), LogisticRegression(C=strength, max_iter=MAX_ITERATIONS)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # arrêtée plus tôt, exprès
        return classifier.fit(x, y)


def build_model(dictionary: Dictionary, classifier: Pipeline) -> keras.Model:
    """Met bout à bout mots, codage doux par quarts et classifieur, en couches de Keras.

    Args:
        dictionary: rendu par `learn_dictionary`.
        classifier: rendu par `fit_linear` sur le codage doux de chaque quart.

    Returns:
        Modèle : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)` float32.
    """
    distances = build_distances(dictionary)
    codes = layers.Flatten()(quarter_means(triangle_code(distances.output)))  # (n, 4·mots)
    dense = layers.Dense(NUM_CLASSES, activation="softmax", name="classifier")
    model = keras.Model(distances.inputs[0], dense(codes), name="ex16_bag_of_words")
    scaler, regression = classifier
    kernel = regression.coef_.T / scaler.scale_[:, None]  # la mise à l'échelle passe dans les poids
    dense.set_weights([kernel, regression.intercept_ - scaler.mean_ @ kernel])
    return model


# --- Question : un réseau de convolution de la même taille ---------------------------


def build_cnn() -> keras.Model:
    """Construit le réseau concurrent, trois convolutions de pas 2.

    Returns:
        Modèle : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)` float32.
    """
    images = keras.Input((IMAGE_PX, IMAGE_PX, 3), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1, dtype="float32")(images)
    for filters, side in zip(FILTERS, (4, 3, 3), strict=True):
        x = layers.Conv2D(filters, side, strides=2, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.Activation("relu")(x)  # (n, 16, 16, a), (n, 8, 8, b), (n, 4, 4, c)
    outputs = layers.Dense(NUM_CLASSES, activation="softmax", dtype="float32")(layers.Flatten()(x))
    return keras.Model(images, outputs, name="cnn")


def augment(images, *, indices, epoch, rng) -> np.ndarray:
    """Déplace chaque image de ±TRANSLATE_PX pixels, et en retourne une sur deux."""
    images = random_crop(images, pad=TRANSLATE_PX, rng=rng)
    flipped = rng.random(len(images)) < 0.5
    images[flipped] = images[flipped, :, ::-1]
    return images


def train_cnn(
    x_train, y_train, *, seed: int, epochs: int, minutes, moved: bool = True
) -> keras.Model:
    """Apprend le réseau, des mêmes images que les autres.

    Args:
        x_train: images uint8 `(n, 32, 32, 3)`.
        y_train: classes `(n,)`.
        seed: graine des poids et de l'ordre des images.
        epochs: nombre d'époques.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        moved: déplacer et retourner les images à chaque époque ; sinon, les montrer telles quelles.
    """
    keras.utils.set_random_seed(seed)
    network = build_cnn()
    network.compile(
        keras.optimizers.Adam(LEARNING_RATE),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    network.fit(
        shuffled(
            x_train, y_train, batch_size=BATCH_SIZE, seed=seed, augment=augment if moved else None
        ),
        epochs=epochs,
        callbacks=[lesson.Clock(epochs, minutes)],
        verbose=0,
    )
    return network


# --- Question : apprendre tous les concurrents ---------------------------------------


@threadpool_limits.wrap(limits=1)  # plusieurs fils d'algèbre linéaire s'attendent à vide
def run(
    seed: int,
    *,
    epochs: int = EPOCHS,
    minutes: int | None = None,
    limit: int | None = None,
    witnesses: bool = True,
) -> lesson.Run:
    """Apprend tous les concurrents, et les mesure sur les mêmes images.

    Args:
        seed: graine des mots et du réseau.
        epochs: nombre d'époques du réseau.
        minutes: durée de la leçon ; None : autant qu'il en faut.
        limit: premières images ; None : `NUM_IMAGES`.
        witnesses: mesurer aussi les deux témoins, ce que la leçon ne fait pas.

    Returns:
        Une exactitude par codage et par taille (`soft_200`), et celles de `LABELS` ; pour les
        témoins, `drawn_words`, le sac de mots tirés au hasard, et `cnn_plain`, le réseau qui
        apprend des mêmes images que le sac ; le sac, ou None si le temps a manqué pour le plus
        grand ; et, dans `pooled`, les images de test que chacun classe bien.
    """
    parts = lesson.split(sources.load_cifar10(), limit=limit or NUM_IMAGES, num_val=NUM_VAL)
    x_train, y_train, _, _, x_test, y_test = [part.squeeze() for part in parts]
    pixels = fit_linear(as_rows(x_train), y_train, strength=PIXEL_STRENGTH)
    right = {"accuracy_pixels": pixels.predict(as_rows(x_test)) == y_test}
    model, kept_s = None, SHARE * session.learning_s(minutes)
    for size in SIZES:
        if session.learning_s(minutes) < kept_s:
            print(f"Sac de {size} mots : pas appris, le temps est passé.", flush=True)
            session.note_missing(f"sac de {size} mots : pas appris")
            continue
        print(f"Sac de {size} mots : dictionnaire, codage, classifieurs.", flush=True)
        dictionary = learn_dictionary(x_train, size, seed=seed)
        codes, codes_test = encode(dictionary, x_train), encode(dictionary, x_test)
        for coding in CODINGS:
            classifier = fit_linear(features(codes, coding), y_train, strength=STRENGTH)
            guesses = classifier.predict(features(codes_test, coding))
            right[f"{coding}_{size}"] = guesses == y_test
        if size == SIZES[-1]:
            model = build_model(dictionary, classifier)  # au codage doux, par quarts
    network = train_cnn(x_train, y_train, seed=seed, epochs=epochs, minutes=minutes)
    right["accuracy_cnn"] = is_right(network, x_test, y_test)
    if model is not None:
        right["accuracy"] = is_right(model, x_test, y_test)
        right["accuracy_hard"] = right[f"hard_{SIZES[-1]}"]
    if witnesses:
        right |= measure_witnesses(x_train, y_train, x_test, y_test, seed=seed, epochs=epochs)
    metrics, pooled = by_image(right)
    return lesson.Run(metrics, model, {"pooled": pooled})


def measure_witnesses(x_train, y_train, x_test, y_test, *, seed: int, epochs: int) -> dict:
    """Apprend le sac de mots tirés au hasard, et le réseau qui voit les images telles quelles.

    Returns:
        `drawn_words` et `cnn_plain` : les images de test que chacun classe bien, `(n,)` booléens.
    """
    dictionary = draw_dictionary(x_train, SIZES[-1], seed=seed)
    codes, codes_test = (
        features(encode(dictionary, x), "soft_quarters") for x in (x_train, x_test)
    )
    classifier = fit_linear(codes, y_train, strength=STRENGTH)
    network = train_cnn(x_train, y_train, seed=seed, epochs=epochs, minutes=None, moved=False)
    return {
        "drawn_words": classifier.predict(codes_test) == y_test,
        "cnn_plain": is_right(network, x_test, y_test),
    }


def pool(found: list[dict]) -> dict:
    """Rend les écarts publiés, sur toutes les graines et toutes les images de test.

    Args:
        found: par graine, les images de test que chaque concurrent classe bien.

    Returns:
        `{"gaps": {"soft_800 - hard_800": [moyenne, bas, haut]…}}`, un écart par paire de `PAIRS`.
    """
    return {"gaps": paired_gaps(found, PAIRS)}


def encode(dictionary: Dictionary, x: np.ndarray) -> dict[str, np.ndarray]:
    """Code des images des deux façons (voir `build_encoder`)."""
    return build_encoder(dictionary).predict(x, batch_size=CODED, verbose=0)


def as_rows(x: np.ndarray) -> np.ndarray:
    """Met chaque image sur une ligne, en float32 dans [0, 1]."""
    return x.reshape(len(x), -1).astype(np.float32) / 255


def is_right(model: keras.Model, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Rend les images qu'un modèle classe bien, `(n,)` booléens."""
    return model.predict(x, batch_size=100, verbose=0).argmax(1) == y


# --- Question : lequel est le meilleur ? ---------------------------------------------


def teach(options) -> None:
    """Compare les concurrents, enregistre le sac, montre ses mots."""
    found = run(
        0, epochs=options.epochs, minutes=options.minutes, limit=options.limit, witnesses=False
    )
    rows = [
        [label, percent(found.metrics[name])]
        for name, label in LABELS.items()
        if name in found.metrics
    ]
    print(table(["concurrent", "exactitude"], rows))
    if found.model is None:
        print("Le temps a manqué pour le sac : ces mesures ne disent pas qui est le meilleur, et")
        print("rien n'est enregistré. Donnez plus de --minutes.")
        return
    lesson.save(
        found.model,
        options,
        found.metrics,
        headline=[Headline(name, label) for name, label in LABELS.items()],
        input_shape=[32, 32, 3],
        classes=sources.CIFAR10_CLASSES,
        classes_fr=sources.CIFAR10_CLASSES_FR,
    )
    folder = output_dir(options)
    if session.is_fair():
        figures.save_comparison(found.metrics, folder / "comparaison.png")
    figures.save_dictionary(found.model, folder / "dictionnaire.png")
    print(f"Figures : {folder}/")
    print(f"Une image en mots : {lesson.command_for(options)} samples/chat.png")


def main(argv: list[str] | None = None) -> int:
    """Sans image, apprend et compare ; avec une image, la montre en mots."""
    parser = lesson_parser("ex16_bag_of_words", __doc__.splitlines()[0], epochs=EPOCHS)
    parser.add_argument("image", nargs="?", help="image à montrer en mots ; sans elle, on apprend")
    add_model_option(parser)
    options = parser.parse_args(argv)
    return lesson.run(teach if options.image is None else figures.show_image, options)


if __name__ == "__main__":
    raise SystemExit(main())
