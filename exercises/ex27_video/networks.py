"""La convolution 3D, et trois réseaux à deux dimensions de même taille.

D'après : S0 « Convolution 3D » ; S3 « Action Recognition ».

Un noyau 3D couvre aussi trois images qui se suivent : il peut voir dans quel sens elles changent.
Un noyau `1 × 3 × 3` est la convolution à deux dimensions, image par image. Les quatre réseaux
s'écrivent donc de la même façon, et leurs largeurs donnent à chacun le même nombre de poids.
"""

import keras
from keras import layers, ops

from exercises.ex27_video.clips import CLASSES, CLIP_PX, NUM_FRAMES

WIDTHS = {  # canaux des cartes de 16, 8 et 4 pixels de côté
    "conv3d": (16, 32, 64),
    "frames": (28, 56, 108),  # chaque image seule ; les réponses sont moyennées
    "mean": (28, 56, 108),  # la moyenne des huit images
    "stack": (28, 56, 106),  # les huit images comme huit canaux d'une seule
}
MOMENTUM = 0.9  # à 0,99, les moyennes des lots seraient en retard : il n'y a que 560 pas


# --- Question : que change la troisième dimension ? ----------------------------------


def build_model(kind: str = "conv3d") -> keras.Model:
    """Construit un des quatre réseaux.

    Args:
        kind: une clé de `WIDTHS`.

    Returns:
        Modèle : films uint8 `(n, 8, 32, 32)` → six probabilités `(n, 6)` float32.
    """
    clips = keras.Input((NUM_FRAMES, CLIP_PX, CLIP_PX), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1)(clips)
    x = layers.Reshape((NUM_FRAMES, CLIP_PX, CLIP_PX, 1))(x)  # (n, 8, 32, 32, 1)
    if kind == "mean":
        x = ops.mean(x, axis=1, keepdims=True)  # (n, 1, 32, 32, 1)
    if kind == "stack":
        x = ops.transpose(x, (0, 4, 2, 3, 1))  # (n, 1, 32, 32, 8)
    for k, width in enumerate(WIDTHS[kind]):
        if kind == "conv3d":
            size, strides = (3, 3, 3), (2 if k else 1, 2, 2)
        else:
            size, strides = (1, 3, 3), (1, 2, 2)
        x = layers.Conv3D(width, size, strides=strides, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=MOMENTUM)(x)
        x = layers.Activation("relu")(x)  # conv3d : (n, 2, 4, 4, 64) ; frames : (n, 8, 4, 4, 108)
    times = 1 if kind == "conv3d" else x.shape[1]
    x = layers.Reshape((times, -1))(x)
    x = layers.Dense(len(CLASSES), activation="softmax", dtype="float32")(x)  # (n, times, 6)
    answer = layers.GlobalAveragePooling1D(dtype="float32")(x)
    return keras.Model(clips, answer, name=f"ex27_{kind}")
