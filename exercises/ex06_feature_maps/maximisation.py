"""Maximisation d'activation : l'image que chaque filtre préfère.

D'après : TD « keras & réseaux de neurones convolutionnels », §1.2.
Commande : python -m exercises.ex06_feature_maps.maximisation samples/chat.png

On part d'un bruit et l'on remonte le gradient de la réponse d'un filtre par rapport aux pixels.
Si l'on ne faisait rien d'autre, l'image resterait un bruit, auquel le filtre répondrait pourtant :
à chaque pas, on la lisse un peu et on la ramène vers le gris.
"""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from convnets.core.cli import percent, run
from convnets.explaining import maps as explanations
from convnets.figures.charts import mosaic, picture_rows
from convnets.figures.style import output_dir
from exercises.ex06_feature_maps.maps import (
    ACTIVATIONS,
    NUM_COLUMNS,
    activation_maps,
    active_layers,
    layer_title,
    strongest,
)

GREY, NOISE = 128, 20  # moyenne et écart-type du bruit de départ, en niveaux de gris
STEPS = 60
STEP_PX = 10.0  # changement moyen d'une valeur à chaque pas, en niveaux de gris
SMOOTHING = 0.15  # part d'un pixel remplacée, à chaque pas, par la moyenne de ses quatre voisins
DECAY = 0.02  # part de l'écart au gris retirée à chaque pas
LEAK = 0.1  # pente ajoutée à GELU ou ReLU : là où la fonction est plate, le gradient est nul


# --- Question : ce que répond un filtre ----------------------------------------------


def maps_model(model: keras.Model, layer_name: str, *, leak: float = 0) -> keras.Model:
    """Coupe le réseau à une couche.

    Args:
        model: modèle terminé par un softmax ; il n'est pas modifié.
        layer_name: couche de `explanations.map_layers`.
        leak: si la couche n'est qu'une fonction non linéaire, part de son entrée à ajouter.

    Returns:
        Modèle : images float32 `(n, H, W, 3)` de 0 à 255 → cartes `(n, h, w, c)`.
    """
    network = explanations.float_model(model, layer_name=layer_name)
    layer = network.get_layer(layer_name)
    maps = layer.output
    if leak and isinstance(layer, ACTIVATIONS):
        small = keras.layers.Rescaling(leak, name="leak")(layer.input)
        maps = keras.layers.Add(name="leaking")([maps, small])
    return keras.Model(network.inputs[0], maps)


def responses(network: keras.Model, images, filters: Sequence[int]):
    """Rend la réponse moyenne d'un filtre par image.

    Args:
        network: modèle de `maps_model`.
        images: `(n, H, W, 3)` float32.
        filters: n numéros de filtres, un par image.

    Returns:
        Tenseur `(n,)` : moyenne de la carte de ce filtre.
    """
    means = keras.ops.mean(network(images, training=False), axis=(1, 2))  # (n, c)
    return keras.ops.diagonal(keras.ops.take(means, filters, axis=1))


# --- Question : l'image que préfère chaque filtre ------------------------------------


def smooth(images: np.ndarray, share: float) -> np.ndarray:
    """Rapproche chaque pixel de la moyenne de ses quatre voisins, les bords étant prolongés.

    Args:
        images: `(n, H, W, 3)` ; le résultat a la même forme.
        share: part du pixel remplacée, de 0 à 1.
    """
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    across = padded[:, 1:-1, :-2] + padded[:, 1:-1, 2:]
    down = padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1]
    return images + share * ((across + down) / 4 - images)


def maximise(
    model: keras.Model,
    layer_name: str,
    filters: Sequence[int],
    *,
    steps: int = STEPS,
    seed: int = 0,
) -> np.ndarray:
    """Fabrique l'image qui fait le plus répondre chaque filtre, par montée de gradient.

    Le gradient vient d'un `tf.GradientTape` : la fonction commence par `import tensorflow as tf`.

    Args:
        model: modèle terminé par un softmax ; il n'est pas modifié.
        layer_name: couche de `explanations.map_layers`.
        filters: numéros des filtres.
        steps: nombre de pas.
        seed: graine du bruit de départ, le même pour tous les filtres ; entier d'au moins 0.

    Returns:
        `(len(filters), H, W, 3)` uint8, les mêmes au bit près pour la même graine. Un filtre sans
        gradient (poids nuls, ReLU qui est dans la convolution) garde une image grise.

    Raises:
        ValueError: couche ou filtre inconnu, graine négative (de NumPy).

    Source : Erhan et al., « Visualizing Higher-Layer Features of a Deep Network », 2009, §3.
    """
    import tensorflow as tf

    network = maps_model(model, layer_name, leak=LEAK)
    num_filters = network.output_shape[3]
    if not all(0 <= k < num_filters for k in filters):
        raise ValueError(
            f"Filtres {[*filters]} reçus : {layer_name} a des filtres de 0 à {num_filters - 1}."
        )
    noise = np.random.default_rng(seed).normal(GREY, NOISE, model.input_shape[1:])
    images = np.repeat(noise[np.newaxis].astype(np.float32), len(filters), axis=0)
    for _ in range(steps):
        x = tf.convert_to_tensor(images)
        with tf.GradientTape() as tape:
            tape.watch(x)
            found = responses(network, x, filters)
        gradient = tape.gradient(found, x, unconnected_gradients="zero").numpy()
        # Une même longueur de pas pour toutes les couches, dont les gradients diffèrent beaucoup.
        scale = abs(gradient).mean(axis=(1, 2, 3), keepdims=True)
        images = images + STEP_PX * gradient / np.maximum(scale, np.finfo(np.float32).tiny)
        images = smooth(images, SMOOTHING)
        images = np.clip(images + DECAY * (GREY - images), 0, 255)
    return images.round().astype(np.uint8)


# --- Question : préfère-t-il vraiment cette image ? ----------------------------------


def last_of_each_size(model: keras.Model, layer_names: list[str]) -> list[str]:
    """Garde, pour chaque taille de carte, la dernière couche."""
    kept = {tuple(model.get_layer(name).output.shape[1:3]): name for name in layer_names}
    return [*kept.values()]


def compare(
    subject: explanations.Subject, layer_names: list[str], *, steps: int = STEPS
) -> dict[str, np.ndarray]:
    """Fabrique les images que préfèrent les filtres que l'image du sujet allume le plus.

    Un message dit, par couche, combien de filtres répondent plus à l'image fabriquée pour eux
    qu'à celle du sujet.

    Args:
        subject: image et modèle.
        layer_names: couches à regarder.
        steps: voir `maximise`.

    Returns:
        Par couche, les images de `maximise`, dans l'ordre des filtres.
    """
    preferred = {}
    for name, maps in activation_maps(subject.model, subject.image, layer_names).items():
        filters = np.sort(strongest(maps, NUM_COLUMNS))
        images = maximise(subject.model, name, filters, steps=steps)
        after = responses(maps_model(subject.model, name), images.astype(np.float32), filters)
        more = keras.ops.convert_to_numpy(after) > maps[..., filters].mean(axis=(0, 1))
        preferred[name] = images
        print(
            f"{layer_title(subject.model, name)} : {more.sum()} filtres sur {len(filters)} "
            "répondent plus à l'image fabriquée pour eux",
            flush=True,
        )
    return preferred


def main(argv: list[str] | None = None) -> int:
    """Fabrique les images que préfèrent les filtres les plus allumés par une image."""
    parser = explanations.explanation_parser("ex06_feature_maps.maximisation", __doc__)
    options = parser.parse_args(argv)

    def body() -> int:
        subject = explanations.load_subject(options)
        names = last_of_each_size(subject.model, active_layers(subject.model))
        preferred = compare(subject, names)
        rows = {}
        for name, images in preferred.items():
            label = layer_title(subject.model, name).replace("convolution, ", "conv.\n")
            rows[label] = [mosaic(images, NUM_COLUMNS)]
        answer = f"{subject.class_fr}, probabilité {percent(subject.probability)}"
        title = f"Ce que cherchent les filtres que l'image allume le plus ({answer})"
        path = output_dir(options) / f"{Path(options.image).stem}_preferences.png"
        picture_rows(path, rows, title=title, side=9)
        print(path)
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
