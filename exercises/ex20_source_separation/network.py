"""Un réseau de l'image à l'image, du spectrogramme au masque, et sa perte.

D'après : S3 « CNN & Time-Frequency representation ».
Commande : python -m exercises.ex20_source_separation
"""

import keras
from keras import layers, ops

from exercises.ex20_source_separation.spectrograms import NUM_BINS

FLOOR = 0.01  # ajouté aux modules, de moyenne quadratique 1, avant leur logarithme
DILATIONS = (2, 4, 8)  # en trames : le réseau voit deux tiers de seconde de chaque côté


def build_model() -> keras.Model:
    """Construit un petit U-Net, qui ne réduit que l'axe des fréquences.

    Returns:
        Modèle : modules `(n, t, NUM_BINS, 1)` float32 rendus par `network_input`, t libre, →
        part de la mélodie dans chaque case, même forme, dans [0, 1]. L'entrée n'est pas une
        image uint8 ; le logarithme est dans le modèle.

    Source : Ronneberger et al., arXiv 1505.04597, 2015, réduit ; Jansson et al., « Singing voice
    separation with deep U-Net convolutional networks », ISMIR 2017, pour le spectrogramme.
    """
    magnitudes = keras.Input((None, NUM_BINS, 1))
    x = layers.BatchNormalization()(ops.log(magnitudes + FLOOR))
    x = _convolution(layers.Cropping2D(((0, 0), (0, 1)))(x), 8)  # (n, t, 256, 8)
    skips = []
    for filters in (16, 24, 32):
        skips.append(x)
        x = _convolution(x, filters, strides=(1, 2))  # à la fin (n, t, 32, 32)
    for frames in DILATIONS:
        x = _convolution(x, 32, dilation_rate=(frames, 1))
    x = layers.Reshape((-1, *x.shape[2:]))(x)  # inchangé : l'export en a besoin, t étant libre
    for skip in reversed(skips):
        x = layers.Concatenate()([layers.UpSampling2D((1, 2))(x), skip])
        x = _convolution(x, skip.shape[-1])  # à la fin (n, t, 256, 8)
    scores = layers.Conv2D(1, 1, dtype="float32")(x)
    scores = layers.ZeroPadding2D(((0, 0), (0, 1)))(scores)  # 4000 Hz : moitié-moitié
    masks = layers.Activation("sigmoid", dtype="float32")(scores)
    return keras.Model(magnitudes, masks, name="ex20_source_separation")


def _convolution(x, filters: int, **options):
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, **options)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


# --- Question : une classification des cases temps-fréquence -------------------------


def classification_loss(sources, masks):
    """Rend l'entropie croisée des cases, chacune comptant autant qu'on l'entend.

    Args:
        sources: modules des deux sources `(n, t, f, 2)`.
        masks: part prédite de la mélodie `(n, t, f, 1)`.

    Returns:
        `(n,)` : une case qui est à la mélodie, parce qu'elle y est la plus forte, est de classe 1.
    """
    weights = ops.sum(sources, axis=-1)
    # Viser la part de chaque source plutôt que la plus forte : 13,8 dB contre 14,4 sur 40 mélanges
    # de validation, une graine, six époques.
    classes = ops.cast(sources[..., :1] > sources[..., 1:], "float32")
    losses = weights * keras.losses.binary_crossentropy(classes, masks)
    return ops.sum(losses, axis=(1, 2)) / ops.sum(weights, axis=(1, 2))
