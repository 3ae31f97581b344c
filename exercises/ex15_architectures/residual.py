"""Un réseau trop profond, qui apprend moins bien qu'un plus court ; le même, avec des raccourcis.

D'après : S3 « Deep CNN / VGG / ResNet ».
Commande : python -m exercises.ex15_architectures
Résultat mesuré : docs/mesures/ex15_architectures.json, sur cinq graines.

Tout le reste est pareil d'un réseau à l'autre : sorte de couches, normalisation par lot, poids de
départ (ceux de He), calendrier, images. Un réseau profond pourrait au moins imiter un réseau
court : il suffirait que ses couches en plus ne changent rien. Sa perte d'**entraînement** est
pourtant plus haute : ce n'est donc pas du surapprentissage. L'article appelle cela la dégradation.
Avec un raccourci, ne rien changer est facile : il suffit d'ajouter zéro.
"""

from functools import partial

import keras
from keras import layers

from exercises.ex15_architectures.networks import convolution, normed_convolution

WIDTH = 16  # filtres par couche (donné) : minces, pour être nombreuses
PATCH_PX = 4  # côté des carrés lus par la première couche (donné) ; les cartes font 8×8
DEPTH = 30
SHALLOW = 8


# --- Question : à quoi sert un raccourci ? -------------------------------------------


def build_deep(depth: int, *, shortcuts: bool) -> keras.Model:
    """Empile des convolutions 3×3 par blocs de deux, avec ou sans raccourci.

    Une première convolution lit l'image par carrés de PATCH_PX pixels, qui ne se recouvrent pas :
    les cartes font 8×8. Un bloc est fait d'une convolution, d'une ReLU et d'une convolution ; son
    entrée est alors ajoutée, si l'on veut des raccourcis, et une ReLU le termine. Chaque
    convolution est suivie d'une normalisation par lot.

    Args:
        depth: nombre de convolutions 3×3, pair.
        shortcuts: ajouter à la sortie de chaque bloc son entrée.

    Returns:
        Modèle : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)`. Le raccourci n'a pas de
        poids : le nombre de paramètres ne dépend pas de lui. Les couches sont celles de Keras :
        avec une classe à soi, le modèle enregistré ne se relirait pas sans votre code.

    Raises:
        ValueError: profondeur impaire ou nulle.

    Source : He et al., arXiv 1512.03385, équation 1 et figure 6.
    """
    if depth < 2 or depth % 2:
        raise ValueError(f"Profondeur {depth} : un nombre pair d'au moins 2 est attendu.")
    images = keras.Input((32, 32, 3), dtype="uint8")
    x = layers.Rescaling(1 / 64, -2.0, dtype="float32")(images)
    x = convolution(x, WIDTH, PATCH_PX, strides=PATCH_PX)  # (n, 8, 8, 16)
    for _ in range(depth // 2):
        added = normed_convolution(convolution(x, WIDTH, 3), WIDTH, 3)
        x = layers.ReLU()(layers.Add()([x, added]) if shortcuts else added)
    x = layers.Dense(10)(layers.GlobalAveragePooling2D()(x))
    name = f"{'residual' if shortcuts else 'plain'}_{depth}"
    return keras.Model(images, layers.Softmax(dtype="float32")(x), name=name)


DEEP = {
    f"plain_{SHALLOW}": partial(build_deep, SHALLOW, shortcuts=False),
    f"plain_{DEPTH}": partial(build_deep, DEPTH, shortcuts=False),
    f"residual_{DEPTH}": partial(build_deep, DEPTH, shortcuts=True),
}
DEEP_NAMES_FR = {
    f"plain_{SHALLOW}": f"{SHALLOW} couches, sans raccourci",
    f"plain_{DEPTH}": f"{DEPTH} couches, sans raccourci",
    f"residual_{DEPTH}": f"{DEPTH} couches, avec raccourcis",
}
