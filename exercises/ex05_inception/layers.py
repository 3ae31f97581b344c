"""Combien de couches garder ? Couper la base plus tôt, ou en réapprendre la fin.

D'après : S3 « Fine-tuning approach » (« How many layers to keep / re-train? »).
Commande : python -m exercises.ex05_inception.layers
Résultat mesuré : docs/mesures/ex05_layers.json (`python -m recipes.seeds`).

Mille photographies de vêtements apprennent, cent par classe, et 372 mesurent. Le taux
d'apprentissage est choisi sur les photographies de validation, une fois par profondeur. Deux
réglages se comparent photographie par photographie. L'intervalle affiché ne compte que le hasard
des photographies de test ; celui de la mesure publiée compte aussi celui des graines. Des témoins
n'apprennent rien : recopier la classe de la photographie la plus ressemblante, dans les pixels ou
dans ce que rend la base coupée, et répondre toujours la même classe.
"""

from itertools import pairwise

import keras
import numpy as np
from keras.layers import Concatenate, GlobalAveragePooling2D

from convnets.core.cli import lesson_parser, percent
from convnets.core.intervals import by_image, paired_gap, paired_gaps
from convnets.datasets import pretrained
from convnets.figures.charts import number, table
from convnets.training import lesson
from convnets.training.nearest import copy_nearest
from exercises.ex05_inception import features, fine_tuning, scratch
from exercises.ex05_inception import head as top

CUTS = ("mixed2", "mixed4", "mixed6", "mixed8", "mixed9", "mixed10")
RELEARNED_AFTER = ("mixed8", "mixed6")  # jusqu'à mixed10 : 11 et 15 millions de poids
RATES = (3e-5, 1e-4, 3e-4, 1e-3)  # taux d'apprentissage d'Adam, essayés à chaque profondeur
EPOCHS = 3  # de réapprentissage
REFERENCE = "coupée après mixed10"  # la même base, jusqu'à la même couche : rien n'y est réappris
PAIRS = (  # écarts publiés : de combien le premier réglage dépasse le second
    *(
        (f"coupée après {later}", f"coupée après {earlier}")
        for earlier, later in pairwise(CUTS[:-1])
    ),
    *((f"coupée après {name}", REFERENCE) for name in CUTS[:-1]),
    *((f"réapprise après {name}", REFERENCE) for name in RELEARNED_AFTER),
    *(("coupée après mixed8", f"réapprise après {name}") for name in RELEARNED_AFTER),
    *((f"coupée après {name}", f"voisine après {name}") for name in CUTS),
    ("coupée après mixed2", "voisine en pixels"),
    ("voisine en pixels", "classe constante"),
)


# --- Question : où couper la base ? --------------------------------------------------


def measure_cuts(base: keras.Model, *, seed: int, limit: int | None) -> dict[str, np.ndarray]:
    """Coupe la base après chaque couche de `CUTS`, et n'apprend que la tête, ou rien.

    Args:
        base: modèle rendu par `pretrained.inception_v3`.
        seed: graine des têtes.
        limit: photographies au plus, dans chaque part.

    Returns:
        `coupée après mixed2`…, ce que nomme la tête, et `voisine après mixed2`…, la classe de la
        photographie apprise dont les moyennes diffèrent le moins : réponses justes aux
        photographies de test, booléens `(n,)`.
    """
    # Les images ne passent qu'une fois : le modèle rend les moyennes de toutes ces couches.
    means = [GlobalAveragePooling2D()(base.get_layer(name).output) for name in CUTS]
    task = fine_tuning.read(keras.Model(base.input, Concatenate()(means)), limit=limit)
    columns = np.cumsum([each.shape[1] for each in means])[:-1]
    (x, labels), (x_test, labels_test) = task["train"], task["test"]
    found = {}
    cuts = (np.split(each, columns, axis=1) for each in (x, x_test))
    for name, own, own_test in zip(CUTS, *cuts, strict=True):
        head = top.train_head(own, labels, seed=seed, epochs=top.EPOCHS)
        found[f"coupée après {name}"] = top.predict(head, own_test).argmax(1) == labels_test
        found[f"voisine après {name}"] = copy_nearest(own, labels, own_test) == labels_test
    return found


# --- Question : et sans la base ? ----------------------------------------------------


def measure_witnesses(limit: int | None) -> dict[str, np.ndarray]:
    """Répond sans réseau : par la photographie la plus ressemblante, ou toujours pareil.

    Args:
        limit: photographies au plus, dans chaque part.

    Returns:
        `voisine en pixels`, la classe de la photographie apprise la plus ressemblante, et
        `classe constante`, la classe la plus fréquente des photographies d'apprentissage, avant
        d'en garder cent par classe : réponses justes aux photographies de test, booléens `(n,)`.
    """
    parts = features.load_photographs(limit)
    every, test = parts["train"], parts["test"]
    learned = features.choose(every, every.classes, fine_tuning.PER_CLASS)
    nearest = copy_nearest(scratch.read(learned), learned.labels, scratch.read(test))
    return {
        "voisine en pixels": nearest == test.labels,
        "classe constante": np.bincount(every.labels).argmax() == test.labels,
    }


# --- Question : combien de couches réapprendre ? -------------------------------------


def measure_relearning(
    base: keras.Model, layer_name: str, *, seed: int, clock, limit: int | None
) -> tuple[float, np.ndarray]:
    """Réapprend ce qui suit une couche, avec la tête, au taux que la validation préfère.

    Args:
        base: modèle rendu par `pretrained.inception_v3` ; ses poids sont rendus intacts.
        layer_name: dernière couche figée.
        seed: graine de la tête et du mélange.
        clock: `clock()` dit les époques de réapprentissage, et s'arrête à l'heure.
        limit: photographies au plus, dans chaque part.

    Returns:
        Le taux choisi, et les réponses justes aux photographies de test, booléens `(n,)`.
    """
    start, end = fine_tuning.split_base(base, layer_name)
    task = fine_tuning.read(start, limit=limit)
    head = fine_tuning.learn_head(end, task, seed=seed)
    weights, initial, tried = end.get_weights(), head.get_weights(), []
    for rate in RATES:
        fine_tuning.fine_tune(
            end, head, task["train"], learning_rate=rate, seed=seed, clock=clock()
        )
        right = {
            part: fine_tuning.answers_right(end, head, task, part=part)
            for part in ("validation", "test")
        }
        tried.append((right["validation"].mean(), -rate, right["test"]))
        end.set_weights(weights)
        head.set_weights(initial)
    _, rate, right = max(tried, key=lambda each: each[:2])  # à égalité, le plus petit taux
    return -rate, right


# --- Question : ce que chaque choix donne --------------------------------------------


def run(
    seed: int, *, epochs: int = EPOCHS, minutes: int | None = None, limit: int | None = None
) -> lesson.Run:
    """Mesure chaque coupe, chaque réapprentissage et chaque témoin.

    Args:
        seed: graine des têtes et du mélange.
        epochs: époques de réapprentissage.
        minutes: durée de la leçon ; None : autant qu'il en faut.
        limit: photographies au plus, dans chaque part.

    Returns:
        De chaque réglage X : `accuracy X`, sur les photographies de test ; `rate X`, le taux
        choisi, s'il y en a un. Dans `pooled`, les réponses justes, photographie par photographie.
    """

    def clock() -> fine_tuning.Clock:
        share = 0.8 / (len(RELEARNED_AFTER) * len(RATES))
        return fine_tuning.Clock(epochs, minutes, share=share)

    base, _ = pretrained.inception_v3(input_px=features.IMAGE_PX)
    right, metrics = measure_cuts(base, seed=seed, limit=limit), {}
    for name in RELEARNED_AFTER:
        label = f"réapprise après {name}"
        metrics[f"rate {label}"], right[label] = measure_relearning(
            base, name, seed=seed, clock=clock, limit=limit
        )
    means, pooled = by_image(right | measure_witnesses(limit))
    metrics |= {f"accuracy {name}": mean for name, mean in means.items()}
    return lesson.Run(metrics, None, {"pooled": pooled})


def pool(found: list[dict]) -> dict:
    """Rend les écarts publiés, graines et photographies de test ensemble.

    Args:
        found: par graine, les réponses justes de chaque réglage et de chaque témoin.

    Returns:
        `{"gaps": {"coupée après mixed4 - coupée après mixed2": [moyenne, bas, haut]…}}`, un écart
        par paire de `PAIRS`.
    """
    return {"gaps": paired_gaps(found, PAIRS)}


def teach(options) -> None:
    """Compare les façons de garder ou de réapprendre les couches d'InceptionV3."""
    found = run(0, epochs=options.epochs, minutes=options.minutes, limit=options.limit)
    right, rows = found.kept["pooled"], []
    for name in right:
        gap = paired_gap([right[name]], [right[REFERENCE]])
        mean, reach = (number(100 * each, 1) for each in (gap.mean, gap.high - gap.mean))
        rate = f"{found.metrics[f'rate {name}']:.0e}" if f"rate {name}" in found.metrics else ""
        rows.append([name, percent(found.metrics[f"accuracy {name}"]), f"{mean} ± {reach}", rate])
    print(table(["base", "exactitude", f"moins « {REFERENCE} », points", "taux choisi"], rows))
    print("± : intervalle à 95 % de la différence, sur les mêmes photographies de test.")


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex05_inception.layers", __doc__.splitlines()[0], epochs=EPOCHS)
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
