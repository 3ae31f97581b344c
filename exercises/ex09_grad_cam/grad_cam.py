"""Grad-CAM et Grad-CAM++ : où, dans l'image, le réseau trouve la classe qu'il annonce.

D'après : S3 « Class Activation Map », S4 « Grad Cam ».
Commandes : python -m exercises.ex09_grad_cam samples/chien.webp
            python -m exercises.ex09_grad_cam --method grad_cam_plus_plus samples/chien.webp

Grad-CAM explique n'importe quel réseau de convolution, sans le réapprendre. La commande lit les
dernières cartes du réseau des photos, de 4×4 cases. Des cartes lues plus tôt, avec `--layer`, sont
plus fines, et désignent moins bien ce dont dépend la réponse : `ex11_curves.settings` l'a mesuré
sur 30 photos et le seul réseau des vignettes (docs/mesures/ex11_settings.json), sans séparer la
finesse de la profondeur. La commande le mesure sur l'image, en cachant ce que la carte désigne.
"""

import keras
import numpy as np
import tensorflow as tf

from convnets.explaining import maps as explanations

# --- Question : ce que la classe doit à chaque carte ---------------------------------


def maps_and_gradients(
    model: keras.Model, image: np.ndarray, class_index: int, *, layer_name: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Rend les cartes d'une couche et la dérivée du score de la classe par rapport à elles.

    `explanations.float_model(model, layer_name=…)` rend un réseau à deux sorties : les cartes
    `(n, h, w, c)` de la couche, et les scores `(n, classes)` d'avant le softmax.

    Args:
        model: modèle terminé par un softmax ; il n'est pas modifié.
        image: `(H, W, 3)` uint8.
        class_index: classe expliquée.
        layer_name: couche, une de `map_layers` ; None : la dernière.

    Returns:
        `(cartes, gradients)`, chacun `(h, w, c)` float32 ; le score est celui d'avant le softmax.

    Raises:
        ValueError: couche inconnue, ou modèle qui ne finit pas par un softmax.
    """
    network = explanations.float_model(model, layer_name=layer_name)
    pixels = tf.constant(image[None], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        maps, scores = network(pixels, training=False)
        score = scores[0, class_index]
    gradients = tape.gradient(score, maps, unconnected_gradients="zero")
    return maps[0].numpy(), gradients[0].numpy()


# --- Question : Grad-CAM -------------------------------------------------------------


def grad_cam_map(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Additionne les cartes, chacune multipliée par la moyenne de ses gradients.

    Args:
        maps: `(h, w, c)`.
        gradients: `(h, w, c)`, rendus avec elles par `maps_and_gradients`.

    Returns:
        `(h, w)` float32, de signe quelconque : ni ReLU, ni mise à l'échelle.

    Source : Selvaraju et al., arXiv 1610.02391, équations 1 et 2.
    """
    return maps @ gradients.mean((0, 1))


def grad_cam(
    model: keras.Model, image: np.ndarray, class_index: int, *, layer_name: str | None = None
) -> np.ndarray:
    """Montre ce qui, dans l'image, pousse vers une classe.

    Args:
        model: modèle terminé par un softmax ; il n'est pas modifié.
        image: `(H, W, 3)` uint8.
        class_index: classe expliquée.
        layer_name: couche, une de `map_layers` ; None : la dernière.

    Returns:
        Carte `(H, W)` float32 dans [0, 1] ; des zéros si rien ne pousse vers la classe.

    Raises:
        ValueError: couche inconnue, ou modèle qui ne finit pas par un softmax.

    Source : Selvaraju et al., arXiv 1610.02391, équation 2 (avec son ReLU).
    """
    found = maps_and_gradients(model, image, class_index, layer_name=layer_name)
    return enlarge(grad_cam_map(*found), image)


def enlarge(heatmap: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Applique le ReLU, agrandit la carte `(h, w)` à la taille de l'image, ramène à [0, 1].

    L'agrandissement est bilinéaire : c'est celui de `explanations.resize_map(heatmap, height,
    width)`, qui rend une carte `(height, width)`. Une carte où rien n'est positif donne des zéros.
    """
    # Le ReLU vient avant : l'interpolation mêlerait sinon le négatif au positif voisin.
    return explanations.normalise(
        explanations.resize_map(explanations.normalise(heatmap), *image.shape[:2])
    )


# --- Question : Grad-CAM++ -----------------------------------------------------------


def grad_cam_plus_plus_map(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Additionne les cartes, chacune multipliée par un poids que chaque case du gradient donne.

    Le poids d'une carte de somme S est Σ g / (2 + S·g), sur les gradients g > 0. Une carte allumée
    sur quelques cases a une petite somme : elle pèse donc plus que dans Grad-CAM. Selon l'article,
    un petit objet s'en voit mieux ; l'exercice 11 ne mesure pas cela. Le facteur exp(score) de
    l'article est le même pour toutes les cartes : la mise à l'échelle l'efface.

    Args:
        maps: `(h, w, c)`, positives dans l'article ; une somme négative compte ici pour zéro.
        gradients: `(h, w, c)`, rendus avec elles par `maps_and_gradients`.

    Returns:
        `(h, w)` float32, de signe quelconque : ni ReLU, ni mise à l'échelle.

    Source : Chattopadhay et al., arXiv 1710.11063, équations 5 et 19.
    """
    positive = np.maximum(gradients, 0)
    weights = positive / (2 + np.maximum(maps.sum((0, 1)), 0) * positive)
    return maps @ weights.sum((0, 1))


def grad_cam_plus_plus(
    model: keras.Model, image: np.ndarray, class_index: int, *, layer_name: str | None = None
) -> np.ndarray:
    """Fait comme `grad_cam`, avec les poids de `grad_cam_plus_plus_map`."""
    found = maps_and_gradients(model, image, class_index, layer_name=layer_name)
    return enlarge(grad_cam_plus_plus_map(*found), image)
