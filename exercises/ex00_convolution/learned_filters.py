"""X ou O ? Les mêmes trois filtres, mais appris sur des X et des O tirés au hasard.

D'après : S0 « Apprentissage des Features », S1 « Réseau convolutionnel ».
Commande : python -m exercises.ex00_convolution.learned_filters
Résultat mesuré : docs/mesures/ex00_learned_filters.json, sur cinq graines (`recipes.seeds`).

Le réseau est celui de `x_or_o`, poids au hasard : la rétropropagation y met ce que les diapositives
ont posé à la main. Les lettres sont déplacées, tournées, épaissies et bruitées ; les O sont les
nôtres. Deux témoins ont le même réseau, mais leurs filtres ne changent pas : ceux des diapositives,
et des filtres tirés au hasard. Seul leur vote apprend. Deux autres témoins n'ont aucun filtre : un
classement linéaire des pixels, et la lettre apprise la plus proche.
"""

from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
from keras import layers
from sklearn.linear_model import LogisticRegression

from convnets.core.cli import lesson_parser, percent
from convnets.figures.charts import picture_rows, save_filters
from convnets.figures.style import output_dir
from convnets.training import lesson
from convnets.training.batches import shuffled
from convnets.training.nearest import copy_nearest
from exercises.ex00_convolution import x_or_o

CLASSES = ["X", "O"]
FILTERS = {  # d'où viennent les filtres de chaque réseau
    "learned": "filtres appris",
    "random": "filtres tirés au hasard, figés",
    "slides": "filtres des diapositives, figés",
}
SEED = 0
EPOCHS = 15
BATCH_SIZE = 64
LEARNING_RATE = 5e-3
NUM_TRAIN, NUM_VAL, NUM_TEST = 4400, 400, 1000
SHIFT_PX, TURN_DEG = 1, 20  # au plus, dans chaque sens
RADIUS_PX, THICKNESS_PX = (2.2, 3.6), (0.3, 1.0)  # demi-côté de la lettre, demi-trait
NOISE = 60  # écart-type ajouté à chaque pixel, sur 255


# --- Question 1 : des X et des O au hasard -------------------------------------------


def draw_letters(num: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Dessine autant de X que de O, à un près, chacun à sa façon.

    Args:
        num: nombre d'images.
        seed: graine du tirage.

    Returns:
        `x, y` : uint8 `(num, 9, 9)` dans [0, 255], trait clair sur fond noir, et uint8
        `(num,)`, 0 pour X et 1 pour O.
    """
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(num) % 2).astype(np.uint8)

    def each(low, high):  # un nombre par image, prêt à s'étendre sur les pixels
        return rng.uniform(low, high, (num, 1, 1))

    rows, columns = np.mgrid[:9, :9] - 4.0  # (9, 9), l'origine au centre
    down = rows - each(-SHIFT_PX, SHIFT_PX)  # (num, 9, 9)
    right = columns - each(-SHIFT_PX, SHIFT_PX)
    angle = np.deg2rad(each(-TURN_DEG, TURN_DEG))
    u = np.cos(angle) * right + np.sin(angle) * down
    v = np.cos(angle) * down - np.sin(angle) * right
    radius = each(*RADIUS_PX)
    # X : distance à la plus proche diagonale, dans un carré ; O : distance au cercle.
    beyond = np.maximum(np.maximum(abs(u), abs(v)) - radius, 0)
    to_x = np.hypot(np.minimum(abs(u - v), abs(u + v)) / np.sqrt(2), beyond)
    to_o = abs(np.hypot(u, v) - radius)
    distance = np.where(y[:, np.newaxis, np.newaxis] == 0, to_x, to_o)
    ink = np.clip(each(*THICKNESS_PX) + 0.5 - distance, 0, 1)  # bords adoucis sur un pixel
    x = 255 * ink + rng.normal(0, NOISE, ink.shape)
    return np.clip(np.rint(x), 0, 255).astype(np.uint8), y


# --- Question 2 : le réseau, sans filtres posés --------------------------------------


def build_model() -> keras.Model:
    """Construit la chaîne de S0, poids au hasard et pixels de 0 à 255.

    Returns:
        Modèle : images uint8 `(n, 9, 9)` → probabilités `(n, 2)` float32, X puis O.

    Source : S0, « Résultat Final ».
    """
    images = keras.Input((9, 9), dtype="uint8")
    x = layers.Rescaling(2 / 255, -1, dtype="float32")(images)  # de -1 à 1, comme S0
    x = layers.Reshape((9, 9, 1))(x)
    x = layers.Conv2D(3, 3, use_bias=False, name="filters")(x)  # (n, 7, 7, 3)
    x = layers.ReLU()(x)
    x = layers.MaxPooling2D(2, padding="same")(x)  # (n, 4, 4, 3)
    x = layers.MaxPooling2D(2, padding="same")(x)  # (n, 2, 2, 3), déjà positif
    x = layers.Flatten()(x)  # (n, 12)
    outputs = layers.Dense(2, activation="softmax", dtype="float32")(x)
    return keras.Model(images, outputs, name="ex00_learned_filters")


def train(
    x_train, y_train, x_val, y_val, *, filters: str = "learned", seed: int = SEED, options
) -> tuple[keras.Model, dict]:
    """Apprend les 26 poids du vote, et les 27 des filtres s'ils ne sont pas figés.

    Args:
        x_train: lettres uint8 `(n, 9, 9)`.
        y_train: classes `(n,)`, 0 ou 1.
        x_val: lettres de validation.
        y_val: leurs classes.
        filters: une clé de `FILTERS`.
        seed: graine des poids de départ et du mélange.
        options: de la ligne de commande ; `epochs` et `minutes` y sont lus.

    Returns:
        Le modèle et ses courbes.
    """
    keras.utils.set_random_seed(seed)
    model = build_model()
    layer = model.get_layer("filters")
    layer.trainable = filters == "learned"
    if filters == "slides":
        kernels = np.stack([x_or_o.read_picture(rows) for rows in x_or_o.FILTERS], axis=-1)
        layer.set_weights([kernels[:, :, np.newaxis, :] / 9])  # (3, 3, 1, 3), comme `feature_map`
    model.compile(
        keras.optimizers.Adam(LEARNING_RATE),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = model.fit(
        shuffled(x_train, y_train, batch_size=BATCH_SIZE, seed=seed),
        epochs=options.epochs,
        validation_data=(x_val, y_val),
        callbacks=[lesson.Clock(options.epochs, options.minutes)],
        verbose=0,
    )
    lesson.round_weights(model)
    return model, history.history


# --- Question 3 : ce que les filtres sont devenus ------------------------------------


def learned_filters(model: keras.Model) -> np.ndarray:
    """Rend les filtres appris, chacun divisé par sa plus grande valeur absolue.

    Args:
        model: construit par `build_model`.

    Returns:
        float32 `(3, 3, 3)`, filtre en premier, dans [-1, 1].
    """
    kernels = model.get_layer("filters").get_weights()[0][:, :, 0, :]  # (3, 3, filtres)
    return np.moveaxis(kernels / abs(kernels).max(axis=(0, 1)), -1, 0)


def name_pictures(model: keras.Model) -> dict[str, float]:
    """Donne au réseau les trois images de S0, jamais vues.

    Args:
        model: rendu par `train`.

    Returns:
        Probabilité d'être un X, pour X, X déformé et O.
    """
    pictures = {"X": x_or_o.X, "X déformé": x_or_o.DEFORMED_X, "O": x_or_o.O}
    pixels = np.stack([x_or_o.read_picture(rows) for rows in pictures.values()])
    x = ((pixels + 1) * 255 // 2).astype(np.uint8)
    return dict(zip(pictures, model.predict(x, verbose=0)[:, 0].tolist(), strict=True))


def save_figures(model: keras.Model, folder: Path) -> None:
    """Écrit les filtres, de S0, tirés et appris, puis quelques lettres tirées au hasard.

    Args:
        model: rendu par `train`.
        folder: dossier, créé au besoin.
    """
    keras.utils.set_random_seed(SEED)
    rows = {
        "posés": np.stack([x_or_o.read_picture(rows) for rows in x_or_o.FILTERS]),
        "tirés": learned_filters(build_model()),
        "appris": learned_filters(model),
    }
    title = "Filtres posés à la main ;\ntirés au hasard, puis appris"
    save_filters(folder / "filtres_appris.png", rows, title=title)
    x, y = draw_letters(24, seed=1)
    letters = {name: x[y == k][:8] for k, name in enumerate(CLASSES)}
    picture_rows(folder / "lettres.png", letters, title="X et O tirés au hasard", side=1.1)


# --- Question 4 : des filtres appris valent-ils mieux que d'autres ? -----------------


def measure_without_filters(x_train, y_train, x_test, y_test) -> dict[str, float]:
    """Mesure deux témoins sans filtre, sur les mêmes lettres ; aucune graine n'y joue.

    Args:
        x_train: lettres uint8 `(n, 9, 9)`.
        y_train: classes `(n,)`, 0 ou 1.
        x_test: lettres de test `(m, 9, 9)`.
        y_test: leurs classes.

    Returns:
        L'exactitude d'un classement linéaire des 81 pixels, `linear`, et de la lettre apprise la
        plus proche, `nearest`.
    """
    linear = LogisticRegression(max_iter=1000)
    linear.fit(x_train.reshape(-1, 81) / 255, y_train)
    return {
        "linear": float(linear.score(x_test.reshape(-1, 81) / 255, y_test)),
        "nearest": float(np.mean(copy_nearest(x_train, y_train, x_test) == y_test)),
    }


def load_letters(limit: int | None = None) -> tuple:
    """Tire les lettres de la leçon, toujours les mêmes ; rend ce que rend `lesson.split`."""
    letters = draw_letters(NUM_TRAIN, seed=0), draw_letters(NUM_TEST, seed=1)
    return lesson.split(letters, limit=limit, num_val=NUM_VAL)


def run(seed: int, *, epochs: int = EPOCHS, minutes=None, limit: int | None = None) -> lesson.Run:
    """Entraîne les trois réseaux de `FILTERS` et les mesure sur les mêmes lettres de test.

    Args:
        seed: graine des poids de départ et du mélange ; les lettres ne changent pas.
        epochs: nombre d'époques de chaque réseau.
        minutes: durée d'un entraînement ; None : autant qu'il en faut.
        limit: au plus tant de lettres de chaque jeu ; None : toutes.

    Returns:
        L'exactitude des filtres appris, `accuracy`, puis celle des deux témoins, et ce que les
        filtres appris ont de plus qu'eux ; enfin celle des deux témoins sans filtre.
    """
    *train_and_val, x_test, y_test = load_letters(limit)
    options = SimpleNamespace(epochs=epochs, minutes=minutes)
    found = {}
    for filters in FILTERS:
        model, _ = train(*train_and_val, filters=filters, seed=seed, options=options)
        answers = model.predict(x_test, verbose=0).argmax(1)
        found[filters] = float(np.mean(answers == y_test))
    plain = measure_without_filters(*train_and_val[:2], x_test, y_test)
    metrics = {
        "accuracy": found["learned"],
        "random_accuracy": found["random"],
        "slides_accuracy": found["slides"],
        "learned_over_random": found["learned"] - found["random"],
        "learned_over_slides": found["learned"] - found["slides"],
        "linear_accuracy": plain["linear"],
        "nearest_accuracy": plain["nearest"],
    }
    return lesson.Run(metrics, None, {})


def teach(options) -> None:
    """Tire des lettres, apprend, enregistre, puis montre les filtres."""
    *train_and_val, x_test, y_test = load_letters(options.limit)
    model, history = train(*train_and_val, options=options)
    lesson.save_classifier(
        model,
        options,
        history=history,
        val=tuple(train_and_val[2:]),
        test=(x_test, y_test),
        classes=CLASSES,
        classes_fr=CLASSES,
    )
    for name, probability in name_pictures(model).items():
        print(f"{name} : X à {percent(probability)}")
    save_figures(model, output_dir(options))


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    name = "ex00_convolution.learned_filters"
    parser = lesson_parser(name, __doc__.splitlines()[0], epochs=EPOCHS)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
