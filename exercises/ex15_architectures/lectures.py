"""Les deux réseaux écrits dans les cours, et ce que leur code ne fait pas.

D'après : S3 « Récapitulatif des paramètres » et S0 (BasicCNNModel).
Commande : python -m exercises.ex15_architectures --counts

L'exercice 00 compte déjà les paramètres de ces deux réseaux (exemples N13 et N14). Ici, ce que leur
code laisse de côté :

- ConvNet laisse choisir la classe du pooling, mais PyTorch comme Keras n'en ont aucune pour la
  somme, que la diapositive d'avant cite ; une somme est une moyenne multipliée par la fenêtre.
- Son pooling a un pas de 1 : 24 devient 22, là où le pas par défaut donnerait 8. Il ne réduit
  presque rien, alors que le cours le présente pour réduire.
- BasicCNNModel écrit `in_features` et `out_features` dans `forward`, une fois les poids créés :
  c'est sans effet. Une convolution n'a d'ailleurs pas d'`in_features`, mais des `in_channels`.
- Un seul softmax couvre les 1000 sorties. Pour une grille 10×10 de dix classes, une case n'a
  alors que 1 % de la probabilité en moyenne : il faut un softmax par case.
- Le maximum sur toute l'image oublie où est ce qu'il trouve : un motif déplacé donne les mêmes
  sorties. Une grille, qui doit dire où, ne peut pas en être déduite.
"""

import keras
import numpy as np
from keras import layers

from exercises.ex15_architectures.operations import group

POOLING_PX = 3  # fenêtre du pooling de S3
GRID = (10, 10, 10)  # lignes, colonnes et classes des 1000 sorties de S0


# --- S3 : le pooling au choix, somme comprise ----------------------------------------


def build_convnet(pooling: str = "max", *, stride: int = 1) -> keras.Model:
    """Construit ConvNet avec le pooling voulu.

    Args:
        pooling: `"max"`, `"average"` ou `"sum"`.
        stride: pas du pooling ; 1 dans le cours.

    Returns:
        Images `(n, 28, 28, 1)` → cartes `(n, 22, 22, 16)` pour un pas de 1 ; 416 paramètres.

    Raises:
        ValueError: pooling inconnu.

    Source : S3, « Récapitulatif des paramètres ».
    """
    if pooling not in ("max", "average", "sum"):
        raise ValueError(f"Pooling {pooling!r} inconnu : prenez max, average ou sum.")
    images = keras.Input((28, 28, 1))
    x = layers.Conv2D(16, 5)(images)  # (n, 24, 24, 16)
    kind = layers.MaxPooling2D if pooling == "max" else layers.AveragePooling2D
    x = kind(POOLING_PX, strides=stride)(x)
    if pooling == "sum":
        x = layers.Rescaling(POOLING_PX**2)(x)  # la somme est la moyenne fois les neuf pixels
    return keras.Model(images, x, name=f"convnet_{pooling}")


# --- S0 : des probabilités par case --------------------------------------------------


def build_grid_model(*, per_cell: bool = True) -> keras.Model:
    """Construit le réseau de S0, pour une grille de cases à classer.

    Args:
        per_cell: un softmax par case ; False : un seul pour les 1000 sorties, comme dans S0.

    Returns:
        Images `(n, h, w, 3)` de taille libre → `(n, 10, 10, 10)`, 147 500 paramètres. Avec
        `per_cell`, les dix nombres d'une case font 1 ; sinon, les mille de la grille.

    Source : S0, BasicCNNModel, remis d'aplomb.
    """
    images = keras.Input((None, None, 3))
    x = layers.Conv2D(50, 3, activation="relu")(images)
    x = layers.Conv2D(100, 3, activation="relu")(x)
    x = layers.Dense(np.prod(GRID).item())(layers.GlobalMaxPooling2D()(x))
    if per_cell:
        x = layers.Softmax()(layers.Reshape(GRID)(x))
    else:
        x = layers.Reshape(GRID)(layers.Softmax()(x))
    return keras.Model(images, x, name="basic_cnn")


# --- Ce que le code des cours ne fait pas, montré ------------------------------------


def facts() -> str:
    """Vérifie les remarques d'en haut sur de vrais réseaux, poids au hasard.

    Returns:
        Une ligne par remarque.
    """
    rng = np.random.default_rng(0)
    nets = {name: build_convnet(name) for name in ("average", "sum")}
    nets["sum"].set_weights(nets["average"].get_weights())
    image = rng.random((1, 28, 28, 1), np.float32)
    ratio = np.mean(_run(nets["sum"], image) / _run(nets["average"], image))
    sides = [build_convnet(stride=stride).output_shape[1] for stride in (1, POOLING_PX)]

    whole, cells = (build_grid_model(per_cell=per_cell) for per_cell in (False, True))
    cells.set_weights(whole.get_weights())
    photo = np.zeros((1, 20, 20, 3), np.float32)
    photo[:, 4:9, 4:9] = rng.random((5, 5, 3))
    shares = [100 * _run(net, photo).sum(-1).mean() for net in (whole, cells)]
    moved = _run(whole, np.roll(photo, (7, 5), (1, 2)))
    gap = abs(_run(whole, photo) - moved).max()
    return "\n".join(
        [
            f"ConvNet (S3) : {nets['sum'].count_params()} paramètres ; la somme vaut "
            f"{ratio:.0f} fois la moyenne, et n'a pas de classe à elle.",
            f"Son pooling : un côté de 24 devient {sides[0]} au pas de 1, {sides[1]} au pas de "
            f"{POOLING_PX}.",
            f"BasicCNNModel (S0) : {group(whole.count_params())} paramètres ; sa taille de sortie "
            f"ramenée à 10 après coup, une couche dense rend toujours {late_size(10)} nombres.",
            f"Part de la probabilité dans une case : {shares[0]:.0f} % avec un seul softmax, "
            f"{shares[1]:.0f} % avec un softmax par case.",
            f"Motif déplacé de 7 lignes et 5 colonnes : les sorties changent d'au plus {gap:.0g}.",
        ]
    )


def _run(model: keras.Model, images: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(images, training=False))


def late_size(units: int) -> int:
    """Réécrit la taille d'une couche dense de 1000 sorties une fois ses poids créés, comme S0.

    Args:
        units: nouvelle taille.

    Returns:
        Le nombre de sorties que la couche calcule après cela.
    """
    dense = layers.Dense(1000)
    dense.build((None, 100))
    dense.units = units
    return int(dense(np.zeros((1, 100), np.float32)).shape[-1])
