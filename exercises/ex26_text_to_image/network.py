"""Le réseau : une phrase, un instant et une image bruitée, d'où il répond une vitesse.

D'après : S3, figure (6), phrase → image.

La phrase est lue par une convolution sur ses mots ; le maximum sur les places en fait un vecteur,
quel que soit leur nombre. L'image passe par un petit U-Net (28 → 14 → 7 → 14 → 28 pixels). Le texte
et l'instant y entrent partout de la même façon : ils multiplient et décalent chaque carte.

Sources : Kim, arXiv 1408.5882 (convolution sur des mots) ; Perez et al., « FiLM »,
arXiv 1709.07871 (multiplier et décaler) ; Ho, Jain et Abbeel, arXiv 2006.11239 (U-Net et instant).
"""

import keras
import numpy as np
from keras import layers, ops

from convnets.training import lesson
from convnets.training.batches import Batches, feed
from exercises.ex26_text_to_image import flow, sentences

CHANNELS = (32, 64)  # cartes à la moitié et au quart de la taille
EMBEDDING = 32  # nombres par mot
UNITS = 128  # du vecteur qui résume la phrase et l'instant
FREQUENCIES = np.geomspace(1, 100, 16, dtype=np.float32)  # des sinus qui disent l'instant
EPOCHS = 3
BATCH_SIZE = 64
LEARNING_RATE = 2e-3  # d'Adam, au début ; il décroît jusqu'à zéro
UNSAID = 0.1  # part des phrases effacées, pour que le réseau sache aussi s'en passer
PASS_SIZE = 250  # images dessinées à la fois


# --- Question : comment un texte entre-t-il dans un réseau de convolution ? ----------


def read_sentence(words, num_words: int):
    """Résume des phrases : numéros `(n, MAX_WORDS)` → vecteurs `(n, UNITS)`."""
    x = layers.Embedding(num_words, EMBEDDING)(words)  # (n, 10, 32)
    x = layers.Conv1D(UNITS, 3, padding="same", activation="relu")(x)
    return layers.Dense(UNITS)(layers.GlobalMaxPooling1D()(x))


def read_time(times):
    """Résume des instants : `(n, 1)` → `(n, UNITS)`, par des sinus de plus en plus serrés."""
    angles = times * FREQUENCIES  # (n, 16)
    waves = ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)
    return layers.Dense(UNITS, activation="silu")(waves)


def modulate(x, said):
    """Multiplie et décale chaque carte de x `(n, h, w, c)` d'après `said` `(n, UNITS)`."""
    scale, shift = (
        layers.Reshape((1, 1, x.shape[-1]))(layers.Dense(x.shape[-1])(said)) for _ in range(2)
    )
    return x * (1 + scale) + shift


def block(x, said):
    """Deux convolutions 3 × 3, modulées entre elles, et un raccourci : même forme."""
    width = x.shape[-1]
    y = modulate(layers.Conv2D(width, 3, padding="same")(x), said)
    y = layers.Conv2D(width, 3, padding="same", kernel_initializer="zeros")(ops.silu(y))
    return x + y


def build_model(
    pixels: tuple[int, int, int] = sentences.PIXELS,
    known: dict[str, int] | None = None,
    *,
    channels: tuple[int, int] = CHANNELS,
) -> keras.Model:
    """Construit le réseau.

    Args:
        pixels: d'une image : deux côtés multiples de 4, et ses couleurs.
        known: les mots connus ; None : ceux de `sentences.vocabulary`.
        channels: cartes à la moitié et au quart de la taille.

    Returns:
        Modèle : `image` `(n, h, w, c)`, `time` `(n, 1)` et `words` `(n, MAX_WORDS)` → vitesses
        float32 `(n, h, w, c)`.
    """
    image = keras.Input(pixels, name="image")
    time = keras.Input((1,), name="time")
    words = keras.Input((sentences.MAX_WORDS,), dtype="uint8", name="words")
    num_words = sentences.NOTHING + 1 + len(known or sentences.vocabulary())
    said = ops.silu(layers.Dense(UNITS)(read_sentence(words, num_words) + read_time(time)))
    half, quarter = channels
    x = layers.Conv2D(half, 4, strides=2, padding="same")(image)  # (n, 14, 14, 32)
    kept = block(x, said)
    x = layers.Conv2D(quarter, 3, strides=2, padding="same")(kept)  # (n, 7, 7, 64)
    x = block(block(x, said), said)
    x = layers.Conv2DTranspose(half, 2, strides=2)(x)  # (n, 14, 14, 32)
    x = layers.Conv2D(half, 1)(layers.Concatenate()([kept, x]))
    x = block(block(x, said), said)
    velocity = layers.Conv2DTranspose(pixels[-1], 4, strides=2, padding="same", dtype="float32")(x)
    return keras.Model(
        {"image": image, "time": time, "words": words}, velocity, name="ex26_text_to_image"
    )


# --- Question : l'apprendre ----------------------------------------------------------


class FlowBatches(Batches):
    """Lots de points pris au hasard entre un bruit et une image, et de la vitesse à y répondre.

    Args:
        x: images uint8 `(n, h, w, c)`.
        y: leurs phrases, numéros `(n, MAX_WORDS)`.
        **options: celles de `Batches`.
    """

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Rend le lot `index` de l'époque courante."""
        images, words = super().__getitem__(index)
        return draw_batch(images, words, rng=self.rng(index))


def draw_batch(images: np.ndarray, words: np.ndarray, *, rng: np.random.Generator) -> tuple:
    """Tire un bruit et un instant par image, et efface quelques phrases.

    Args:
        images: uint8 `(n, h, w, c)`.
        words: `(n, MAX_WORDS)`.
        rng: générateur aléatoire.

    Returns:
        `({image, time, words}, vitesses)`, ce que `model.fit` attend : un point du segment, dans
        l'échelle de `flow.to_unit`, son instant `(n, 1)`, la phrase, dont une sur dix n'a plus que
        des `NOTHING` ; et image − bruit.
    """
    images = flow.to_unit(images)
    noise = rng.standard_normal(images.shape, np.float32)
    times = rng.random(len(images), np.float32)
    heard = rng.random((len(images), 1)) >= UNSAID
    given = {
        "image": flow.travel(noise, images, times),
        "time": times[:, None],
        "words": np.where(heard, words, np.uint8(sentences.NOTHING)),
    }
    return given, images - noise


def train(
    images: np.ndarray,
    words: np.ndarray,
    *,
    seed: int,
    epochs: int,
    minutes: float | None,
    known: dict[str, int] | None = None,
) -> keras.Model:
    """Entraîne le réseau à répondre la vitesse, par moindres carrés.

    Args:
        images: uint8 `(n, h, w, c)`.
        words: leurs phrases `(n, MAX_WORDS)`.
        seed: graine des poids, de l'ordre des images, des bruits et des instants.
        epochs: nombre d'époques.
        minutes: durée de la leçon entière ; None : autant qu'il en faut.
        known: les mots que les phrases emploient ; None : ceux de `sentences.vocabulary`.
    """
    keras.utils.set_random_seed(seed)
    model = build_model(images.shape[1:], known)
    model.compile(keras.optimizers.Adam(LEARNING_RATE), "mean_squared_error")
    size = min(BATCH_SIZE, len(images))
    model.fit(
        feed(FlowBatches(images, words, batch_size=size, seed=seed, augment=None)),
        epochs=epochs,
        callbacks=[lesson.Clock(epochs, minutes, share=0.7)],  # le reste : dessiner et juger
        verbose=0,
    )
    lesson.round_weights(model)
    return model


# --- Question : dessiner -------------------------------------------------------------


def velocity(model: keras.Model, words: np.ndarray) -> flow.Velocity:
    """Rend la vitesse que répond un réseau, avec des phrases `(n, MAX_WORDS)`."""

    def found(x: np.ndarray, time: float) -> np.ndarray:
        times = np.full((len(x), 1), time, np.float32)
        given = {"image": x, "time": times, "words": words}
        return np.concatenate(  # sans `predict`, dont l'appel coûte plus que ces petits calculs
            [
                model.predict_on_batch(
                    {name: each[k : k + PASS_SIZE] for name, each in given.items()}
                )
                for k in range(0, len(x), PASS_SIZE)
            ]
        )

    return found


def draw_path(
    model: keras.Model,
    words: np.ndarray,
    noise: np.ndarray,
    *,
    guidance: float,
    num_steps: int = flow.NUM_STEPS,
) -> np.ndarray:
    """Va du bruit à l'image que demande chaque phrase.

    Args:
        model: le réseau.
        words: phrases `(n, MAX_WORDS)`.
        noise: `(n, h, w, c)`, gaussien.
        guidance: force de la phrase, voir `flow.guided`.
        num_steps: nombre de pas.

    Returns:
        Images uint8 `(num_steps + 1, n, h, w, c)`, du bruit à la dernière.
    """
    free = velocity(model, np.full_like(words, sentences.NOTHING))
    path = flow.guided(velocity(model, words), free, guidance)
    return flow.to_pixels(flow.follow(path, noise, num_steps=num_steps))


def draw_noise(num: int, *, seed: int, pixels: tuple[int, ...] = sentences.PIXELS) -> np.ndarray:
    """Tire n bruits gaussiens, float32 `(n, h, w, c)`."""
    return np.random.default_rng(seed).standard_normal((num, *pixels), np.float32)
