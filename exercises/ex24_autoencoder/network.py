"""L'auto-encodeur qui compresse, et une perte qui compte les bits.

D'après : S3, figure (7), image → bits → image.
Commande : python -m exercises.ex24_autoencoder

Le réseau part de l'ACP des carrés de 8 × 8 pixels, qui est le meilleur auto-encodeur linéaire, et y
ajoute deux branches de convolutions et de ReLU : l'une ajoute ses codes à ceux de l'ACP, l'autre
retouche l'image que ces codes rendent. Sa perte est bits + λ · erreur, celle qu'un format d'image
cherche à réduire. Le pas de l'arrondi est tiré au sort à chaque image, de sorte qu'un seul réseau
sert à toutes les qualités.
"""

import math

import keras
import numpy as np
from keras import layers, ops

from convnets.training import lesson
from convnets.training.batches import shuffled
from exercises.ex24_autoencoder.baselines import GREY, principal_axes
from exercises.ex24_autoencoder.codec import BLOCK_PX, ROUNDING, STEPS, Codec

EPOCHS = 2
BATCH_SIZE = 32
LEARNING_RATE = 1e-3  # d'Adam, au début ; il décroît jusqu'à zéro
CODES = 96  # par carré de 8 × 8 pixels, qui a 192 nombres
CHANNELS = (32, 64)  # cartes à 1/2 et 1/4 de la taille
SPREAD = 64.0  # niveaux de gris : ramène codes et pixels autour de 1 pour les convolutions
# À haut débit, un pas Δ fait une erreur Δ²/12 par nombre, et le doubler économise un bit. Le coût
# bits + λ · erreur est donc le plus petit, à ce pas, si λ = 6 / (Δ² ln 2) par nombre ; un pixel a
# trois nombres.
DISTORTION = 3 * 6 / math.log(2)
NUM_AXES_IMAGES = 4000  # images dont vient l'ACP


# --- Question : une transformation apprise, et son inverse ---------------------------


def build_encoder() -> keras.Model:
    """Construit l'encodeur : images uint8 `(n, 8a, 8b, 3)` → codes float32 `(n, a, b, 96)`."""
    images = keras.Input((None, None, 3), dtype="uint8")
    x = layers.Rescaling(1.0, -GREY)(images)
    linear = layers.Conv2D(CODES, BLOCK_PX, strides=BLOCK_PX, use_bias=False, name="axes")(x)
    x = layers.Rescaling(1 / SPREAD)(x)
    for num_maps in CHANNELS:
        x = layers.Conv2D(num_maps, 5, strides=2, padding="same", activation="relu")(x)
    # Nulle au départ : l'encodeur commence par être l'ACP.
    x = layers.Conv2D(CODES, 3, strides=2, padding="same", kernel_initializer="zeros")(x)
    codes = layers.Add()([linear, layers.Rescaling(SPREAD)(x)])
    return keras.Model(images, codes, name="encoder")


def build_decoder() -> keras.Model:
    """Construit le décodeur : codes `(n, a, b, 96)` → images float32 `(n, 8a, 8b, 3)`."""
    codes = keras.Input((None, None, CODES))
    grey = keras.initializers.Constant(GREY)
    linear = layers.Conv2DTranspose(
        3, BLOCK_PX, strides=BLOCK_PX, bias_initializer=grey, name="axes"
    )(codes)
    x = layers.Rescaling(1 / SPREAD)(codes)
    x = layers.Conv2D(CODES, 3, padding="same", activation="relu")(x)
    for num_maps in reversed(CHANNELS):
        x = layers.Conv2DTranspose(num_maps, 4, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2DTranspose(3, 4, strides=2, padding="same", kernel_initializer="zeros")(x)
    images = layers.Add(dtype="float32")([linear, layers.Rescaling(SPREAD)(x)])
    return keras.Model(codes, images, name="decoder")


def build_model() -> keras.Model:
    """Construit l'auto-encodeur, sans arrondi : images uint8 → images float32, même forme."""
    images = keras.Input((None, None, 3), dtype="uint8")
    return keras.Model(images, build_decoder()(build_encoder()(images)), name="ex24_autoencoder")


def start_from_pca(model: keras.Model, axes: np.ndarray) -> None:
    """Met les axes principaux `(192, 192)` dans la branche linéaire, à l'aller et au retour."""
    kernel = axes[:, :CODES].reshape(BLOCK_PX, BLOCK_PX, 3, CODES)
    for part in ("encoder", "decoder"):
        layer = model.get_layer(part).get_layer("axes")
        layer.set_weights([kernel, *layer.get_weights()[1:]])


# --- Question : apprendre à travers un arrondi ---------------------------------------


class Rounding(layers.Layer):
    """Arrondit des codes, d'un pas tiré au sort pour chaque image.

    L'arrondi n'a pas de pente. Le décodeur reçoit donc les vrais codes arrondis, mais son gradient
    passe comme s'ils ne l'étaient pas ; et les bits se comptent sur les codes plus un bruit
    uniforme, large d'un pas, qui tient lieu d'arrondi et laisse passer le gradient.

    Source : Ballé, Laparra et Simoncelli, arXiv 1611.01704 ; Minnen et Singh, arXiv 2007.08739.
    """

    def __init__(self):
        super().__init__()
        self.random = keras.random.SeedGenerator()  # sa graine est celle de l'exercice

    def call(self, codes):
        """Rend `(codes arrondis, codes bruités, pas (n, 1, 1, 1))`."""
        bounds = np.log([STEPS[-1], STEPS[0]])
        shape = (ops.shape(codes)[0], 1, 1, 1)
        steps = ops.exp(keras.random.uniform(shape, *bounds, seed=self.random))
        rounded = ops.sign(codes) * ops.floor(ops.abs(codes) / steps + ROUNDING) * steps
        noise = steps * keras.random.uniform(ops.shape(codes), -0.5, 0.5, seed=self.random)
        return codes + ops.stop_gradient(rounded - codes), codes + noise, steps


class Bits(layers.Layer):
    """Estime les bits de codes, d'après une loi apprise par voie : un mélange de deux logistiques.

    C'est une approximation : le compresseur du fichier ignore cette loi, et écrit davantage de
    bits.

    Args:
        spreads: écart-type `(voies,)` des codes au départ.
    """

    def __init__(self, spreads: np.ndarray):
        super().__init__()
        # Par voie : le logarithme de la largeur des deux logistiques, et leur mélange.
        narrow, wide = (keras.initializers.Constant(np.log(k * spreads)) for k in (0.2, 0.9))
        self.narrow = self.add_weight(spreads.shape, narrow, name="narrow")
        self.wide = self.add_weight(spreads.shape, wide, name="wide")
        self.mixture = self.add_weight(spreads.shape, "zeros", name="mixture")

    def call(self, codes, steps):
        """Rend les bits d'un vecteur de codes, en moyenne par image `(n,)`.

        Un code coûte `−log2 p`, où p est la probabilité de tomber dans son intervalle d'un pas.
        """
        far = -ops.abs(codes)  # la loi est symétrique, et plus exacte de ce côté

        def inside(width):
            return ops.sigmoid((far + steps / 2) / width) - ops.sigmoid((far - steps / 2) / width)

        share = ops.sigmoid(self.mixture)
        mixed = share * inside(ops.exp(self.narrow)) + (1 - share) * inside(ops.exp(self.wide))
        return -ops.mean(ops.sum(ops.log(mixed + 1e-9), axis=-1), axis=(1, 2)) / np.log(2)


def build_training_model(model: keras.Model, spreads: np.ndarray) -> keras.Model:
    """Ajoute à l'auto-encodeur l'arrondi et la perte : images uint8 → coût `(n,)`.

    Args:
        model: rendu par `build_model` ; ses poids sont ceux qui apprennent.
        spreads: écart-type des codes au départ `(96,)`.
    """
    images = model.inputs[0]
    codes = model.get_layer("encoder")(images)
    rounded, noisy, steps = Rounding()(codes)
    found = model.get_layer("decoder")(rounded)
    pixels = ops.cast(images, "float32")
    bits = Bits(spreads)(noisy, steps) / BLOCK_PX**2  # par pixel
    error = ops.mean((pixels - found) ** 2, axis=(1, 2, 3))
    cost = bits + DISTORTION * error / steps[:, 0, 0, 0] ** 2
    return keras.Model(images, cost, name="ex24_compression")


def computed_cost(_, costs):
    """Rend la perte que le modèle a calculée lui-même, d'après l'image qu'il a reçue.

    La vérité que `fit` donne d'abord ne sert pas.
    """
    return costs


def train(x_train: np.ndarray, *, seed: int, clock: lesson.Clock) -> keras.Model:
    """Entraîne l'auto-encodeur qui compresse, et rend ses poids arrondis.

    Args:
        x_train: images uint8 `(n, h, w, 3)`.
        seed: graine des poids, des pas et de l'ordre des images.
        clock: ce qui mène le taux jusqu'à zéro.
    """
    keras.utils.set_random_seed(seed)
    axes, spreads = principal_axes(x_train[:NUM_AXES_IMAGES])
    model = build_model()
    start_from_pca(model, axes)
    learner = build_training_model(model, spreads[:CODES])
    learner.compile(keras.optimizers.Adam(LEARNING_RATE), loss=computed_cost)
    nothing = np.zeros(len(x_train), np.float32)
    batches = shuffled(x_train, nothing, batch_size=min(BATCH_SIZE, len(x_train)), seed=seed)
    learner.fit(batches, epochs=clock.epochs, callbacks=[clock], verbose=0)
    lesson.round_weights(model)
    return model


# --- Question : du réseau au codeur --------------------------------------------------


def to_codec(model: keras.Model) -> Codec:
    """Fait un codeur d'un auto-encodeur ; entrées et sorties sont des tableaux NumPy."""
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    return Codec(
        lambda images: encoder.predict(images, batch_size=50, verbose=0),
        lambda codes: decoder.predict(codes, batch_size=50, verbose=0),
    )
