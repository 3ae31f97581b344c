"""La suite de la question 2 : dix vêtements, et chaque photographie une seule fois dans la base.

D'après : TD « keras & réseaux de neurones convolutionnels », question 2, et §1.4.
Commande : python -m exercises.ex05_inception.cached
Résultat mesuré : models/ex05_inception.json, repris dans docs/laboratoire/resultats.md.

Une base figée rend toujours la même chose pour la même image : la repasser à chaque époque, comme
le fait le code de l'énoncé, est du temps perdu. On garde ce qu'elle rend. Une tête s'apprend alors
en quelques secondes. Le temps gagné paie trois vues de chaque photographie : un carré plus grand
que celui de l'énoncé, le même de plus près, et un plus petit.

Le témoin est une base aux poids tirés au hasard : l'exactitude qu'elle perd est ce qu'apportent les
poids d'ImageNet.
"""

from collections.abc import Sequence
from functools import partial
from math import sqrt

import keras
import numpy as np

from convnets.core import reports
from convnets.core.cli import lesson_parser, percent
from convnets.datasets import clothes, folders, pretrained
from convnets.datasets.cache import cached_array
from convnets.figures.charts import table
from convnets.training import lesson
from exercises.ex05_inception import features, saved_head
from exercises.ex05_inception import head as top

# Ces réglages, choisis sur les photographies de validation, sont aussi ceux de `recipes.clothes` :
# la tête apprise ici est celle que `photos` a reçue, mais elle ne connaît que des vêtements.
VIEWS = ((192, 1.0), (192, 0.7), (144, 1.0))  # côté en pixels, part du carré central ; à apprendre
NUM_LOOKED = 2  # les premières, que `./predict` regarde, et dont il fait la moyenne
L2 = 1e-2  # pénalité sur les poids de la couche dense
STEPS, LEARNING_RATE = 150, 6e-3  # chaque pas voit toutes les photographies
LABELS = {
    "control_accuracy": "une vue, base aux poids tirés au hasard",
    "one_view_accuracy": "une vue, base d'ImageNet",
    "accuracy": "trois vues apprises, une regardée",
    "accuracy_tta": "trois vues apprises, deux regardées",
}


# --- Question 2 : n'y passer qu'une fois ---------------------------------------------


def extract(
    parts: Sequence[folders.Pictures],
    side_px: int,
    zoom: float,
    *,
    weights: str | None = "imagenet",
) -> list[np.ndarray]:
    """Rend les caractéristiques des photographies, gardées sur disque.

    Args:
        parts: des photographies.
        side_px: côté du carré lu.
        zoom: part du carré central à garder.
        weights: ceux de la base ; None : tirés au hasard.

    Returns:
        De chaque part, float32 `(n, c)`.
    """
    base, provenance = pretrained.inception_v3(input_px=side_px, weights=weights)
    frozen = features.frozen_base(base)

    def read(pictures: folders.Pictures) -> np.ndarray:
        key = [*map(str, pictures.paths), side_px, zoom, features.LAYER, provenance.sha256]
        describe = partial(features.describe, frozen, pictures, mode="crop", zoom=zoom)
        x, duration_s = cached_array("ex05-vetements", str(key), describe)
        if duration_s:
            duration = lesson.format_duration(duration_s)
            print(f"{len(x)} photographies passées dans la base, en {duration}.", flush=True)
        return x

    return [read(pictures) for pictures in parts]


# --- Question 2 : dix vêtements ------------------------------------------------------


def learn(views: list[np.ndarray], labels: np.ndarray, *, val: tuple) -> keras.Model:
    """Apprend une couche dense sur toutes les vues à la fois.

    Rien n'est tiré au hasard : la couche part de zéro, chaque pas voit tout, et la perte, convexe,
    n'a qu'un minimum. C'est ainsi que `photos` a appris ses vêtements (`recipes.clothes`), mais
    sans objets à côté.

    Args:
        views: caractéristiques `(n, c)` de chaque vue.
        labels: classes `(n,)`.
        val: caractéristiques et classes de validation, pour les courbes.
    """
    x, y = np.concatenate(views), np.tile(labels, len(views))
    inputs = keras.Input(x.shape[1:])
    dense = keras.layers.Dense(
        len(clothes.CLASSES_FR),
        activation="softmax",
        kernel_initializer="zeros",
        kernel_regularizer=keras.regularizers.L2(L2),
    )
    head = keras.Model(inputs, dense(inputs), name="ex05_inception")
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, STEPS)
    head.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    head.fit(x, y, batch_size=len(x), epochs=STEPS, validation_data=val, verbose=0)
    return head


def measure(*, limit: int | None) -> lesson.Run:
    """Apprend des têtes de dix classes sur des caractéristiques gardées, et les mesure.

    Args:
        limit: photographies au plus, dans chaque part.

    Returns:
        Les mesures de `LABELS`, la tête apprise de toutes les vues, et ce que `teach` en montre.
    """
    parts = features.load_photographs(limit)
    train, test, val = (parts[part].labels for part in ("train", "test", "validation"))
    looked = (extract(parts.values(), *view) for view in VIEWS[:NUM_LOOKED])
    x, x_val, x_test = map(list, zip(*looked, strict=True))  # de chaque part, une vue après l'autre
    x += [extract([parts["train"]], *view)[0] for view in VIEWS[NUM_LOOKED:]]
    known = [parts["train"], parts["test"]]
    x_control, x_control_test = extract(known, *VIEWS[0], weights=None)
    control, near, head = (
        learn(views, train, val=(x_val[0], val)) for views in ([x_control], x[:1], x)
    )
    found = [
        top.predict(control, x_control_test),
        top.predict(near, x_test[0]),
        top.predict(head, x_test[0]),
        average(head, x_test),
    ]
    metrics = [top.accuracy(each, test) for each in found]
    kept = {"parts": parts, "found": found[-1]}
    kept["validation_accuracy"] = top.accuracy(average(head, x_val), val)
    return lesson.Run(dict(zip(LABELS, metrics, strict=True)), head, kept)


def average(head: keras.Model, views: list[np.ndarray]) -> np.ndarray:
    """Rend la moyenne des réponses aux vues, `(n, classes)`, comme `./predict`."""
    return np.mean([top.predict(head, x) for x in views], axis=0)


def teach(options) -> None:
    """Apprend à nommer dix vêtements, et enregistre la tête pour `./predict`."""
    metrics, head, kept = measure(limit=options.limit)
    test, num_test = kept["parts"]["test"], len(kept["found"])
    side_px = VIEWS[0][0]
    _, provenance = pretrained.inception_v3(input_px=side_px)
    rows = [[LABELS[name], percent(value)] for name, value in metrics.items()]
    print(table([f"dix vêtements, {num_test} photographies de test", "exactitude"], rows))
    p = metrics["accuracy_tta"]
    error = 1.96 * sqrt(p * (1 - p) / num_test)
    print(f"Exactitude sur les photographies de test : {percent(p)} ± {percent(error)} (à 95 %).")
    saved_head.save_head(
        head,
        options,
        metrics,
        (kept["found"], test.labels, folders.Squares(test.paths, side_px)),
        base=saved_head.describe_base(provenance, input_px=side_px),
        history=head.history.history,
        num_images={part: len(each.paths) for part, each in kept["parts"].items()},
        headline=[reports.Headline(name, f"dix vêtements, {LABELS[name]}") for name in LABELS],
        num_views=NUM_LOOKED,
        views=[["crop", zoom] for _, zoom in VIEWS[:NUM_LOOKED]],  # de `./predict`
        classes=test.classes,
        classes_fr=[*clothes.CLASSES_FR.values()],
        details={"validation_accuracy": kept["validation_accuracy"]},
    )


def main(argv: list[str] | None = None) -> int:
    """Lit les options et donne la leçon."""
    parser = lesson_parser("ex05_inception.cached", __doc__.splitlines()[0], epochs=None)
    parser.set_defaults(module="ex05_inception")  # c'est cette tête que la leçon enregistre
    return lesson.run(teach, parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
