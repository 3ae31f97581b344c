"""Quels filtres comptent ? Les faire taire un à un, et mesurer ce que le réseau y perd.

D'après : S3, « Introspection » (« quels filtres sont les plus importants »).
Commande : python -m exercises.ex06_feature_maps.importance

Un filtre se tait quand sa carte est remplacée par des zéros. Les filtres sont rangés d'après des
images de validation ; ce que coûtent les plus importants est ensuite mesuré sur des images de test.
"""

import keras
import numpy as np

from convnets.core.cli import lesson_parser, percent
from convnets.datasets import sources
from convnets.explaining import maps as explanations
from convnets.training import lesson, saving
from exercises.ex06_feature_maps.maps import active_layers, layer_title

NUM_IMAGES = 200  # de validation, puis autant de test
NUM_VAL = 2000  # images que les convolutions n'ont pas apprises
SHARE = 0.1  # part des filtres que l'on fait taire ensemble
NUM_DRAWS = 10  # tirages au hasard, pour le témoin


# --- Question : couper le réseau en deux ---------------------------------------------


def cut(model: keras.Model, layer_name: str) -> tuple[keras.Model, keras.Model]:
    """Coupe un réseau après une couche : ce qui rend les cartes, et ce qui répond d'après elles.

    Args:
        model: images uint8 `(n, H, W, 3)` → probabilités `(n, classes)`.
        layer_name: couche de `explanations.map_layers`.

    Returns:
        `(début, fin)` : images → cartes `(n, h, w, c)`, et cartes → probabilités.
    """
    maps = model.get_layer(layer_name).output
    return keras.Model(model.inputs[0], maps), keras.Model(maps, model.outputs[0])


# --- Question : faire taire des filtres ----------------------------------------------


def silenced(maps: np.ndarray, filters) -> np.ndarray:
    """Rend une copie des cartes `(n, h, w, c)`, celles des filtres donnés étant mises à zéro."""
    quiet = maps.copy()
    quiet[..., filters] = 0
    return quiet


def losses(head: keras.Model, maps: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Mesure ce que la bonne classe perd quand un filtre se tait, un filtre à la fois.

    Args:
        head: la fin du réseau, rendue par `cut`.
        maps: cartes `(n, h, w, c)` d'images que le réseau n'a pas apprises.
        y: classes `(n,)`.

    Returns:
        `(c,)` : baisse moyenne de la probabilité de la bonne classe, dans [-1, 1] ; négative si le
        réseau répond mieux sans ce filtre.
    """
    rows = np.arange(len(y))
    whole = head.predict_on_batch(maps)[rows, y]
    alone = [head.predict_on_batch(silenced(maps, [k]))[rows, y] for k in range(maps.shape[-1])]
    return np.array([np.mean(whole - each) for each in alone])


def accuracy_without(head: keras.Model, maps: np.ndarray, y: np.ndarray, filters) -> float:
    """Mesure l'exactitude quand des filtres se taisent ensemble ; `[]` : le réseau entier."""
    found = head.predict_on_batch(silenced(maps, filters)).argmax(1)
    return float(np.mean(found == y))


# --- Question : les plus importants le sont-ils vraiment ? ---------------------------


def verify(model: keras.Model, layer_name: str, val, test, *, seed: int = 0) -> dict[str, float]:
    """Range les filtres sur des images, et fait taire les premiers sur d'autres.

    Args:
        model: images uint8 → probabilités.
        layer_name: couche de `explanations.map_layers`.
        val: `(images, classes)` qui rangent les filtres.
        test: `(images, classes)` qui mesurent.
        seed: graine du témoin, des filtres tirés au hasard.

    Returns:
        L'exactitude sur `test`, par nom : le réseau entier, puis sans une part `SHARE` des filtres.
    """
    body, head = cut(model, layer_name)
    order = np.argsort(-losses(head, body.predict(val[0], verbose=0), val[1]), kind="stable")
    maps, count = body.predict(test[0], verbose=0), max(1, round(SHARE * len(order)))
    rng = np.random.default_rng(seed)
    draws = [rng.choice(len(order), count, replace=False) for _ in range(NUM_DRAWS)]
    return {
        "réseau entier": accuracy_without(head, maps, test[1], []),
        "sans les plus importants": accuracy_without(head, maps, test[1], order[:count]),
        "sans des filtres au hasard": float(
            np.mean([accuracy_without(head, maps, test[1], each) for each in draws])
        ),
        "sans les moins importants": accuracy_without(head, maps, test[1], order[-count:]),
    }


def teach(options) -> None:
    """Range les filtres de la première et de la dernière couche, et vérifie le rangement."""
    parts = lesson.split(sources.load_cifar10(), limit=None, num_val=NUM_VAL)
    _, _, x_val, y_val, x_test, y_test = (each[: options.limit] for each in parts)
    model = saving.load_model(explanations.STUDY_MODEL)
    names = active_layers(model)
    for name in (names[0], names[-1]):
        found = verify(model, name, (x_val, y_val.reshape(-1)), (x_test, y_test.reshape(-1)))
        print(f"{layer_title(model, name)} :")
        for what, accuracy in found.items():
            print(f"  {what:<27} {percent(accuracy)}", flush=True)


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex06_feature_maps.importance", __doc__.splitlines()[0], epochs=None)
    parser.set_defaults(limit=NUM_IMAGES)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
