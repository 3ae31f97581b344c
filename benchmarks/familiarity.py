"""Ce qu'un réseau n'a jamais vu : quelles images étrangères `./predict` met-il en doute ?

Commande : python -m benchmarks.familiarity
Résultat mesuré : docs/laboratoire/familiarite.md.

Chaque export livré juge des images étrangères à ses classes (`strangers.py`) et toutes ses images
de test, au seuil de son compte rendu.
"""

import contextlib
import io

import numpy as np
from PIL import Image
from scipy.stats import mannwhitneyu

from benchmarks.strangers import grey_strangers, strangers
from convnets.core.cli import FrenchParser, markdown_table, positive_int, reserve_stderr, run
from convnets.serving.classifier import Classifier
from recipes import familiarity as shipped

NUM_STRANGERS = 1000  # de chaque sorte


def scores(classifier: Classifier, images: np.ndarray) -> np.ndarray:
    """Rend les familiarités d'images, `(n,)` ; -∞ pour celle que `./predict` refuse de lire."""
    if len(classifier.input_shape) == 3:
        return shipped.answers(classifier, images)[1]
    found = np.full(len(images), -np.inf)
    for number, image in enumerate(images):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG")
        file.seek(0)
        with contextlib.suppress(ValueError):
            found[number] = shipped.look_at(classifier, classifier.prepare(file))[1]
    return found


def table(slugs: list[str], kinds: dict[str, np.ndarray], x_test: np.ndarray) -> str:
    """Écrit, par sorte d'étrangères et par modèle, l'AUROC et la part reconnue, en pour cent.

    Args:
        slugs: modèles qui lisent les mêmes images.
        kinds: images étrangères de chaque sorte.
        x_test: images de test de ces modèles.
    """
    rows = {kind: [kind] for kind in kinds}
    doubts = [f"doutes sur {len(x_test)} images de test"]
    for slug in slugs:
        classifier = Classifier(slug)
        known, limit = scores(classifier, x_test), classifier.card.familiarity
        for kind, images in kinds.items():
            found = scores(classifier, images)
            # La part des couples où l'image connue est jugée plus familière que l'étrangère.
            auroc = mannwhitneyu(known, found).statistic / (len(known) * len(found))
            shares = 100 * auroc, 100 * (found < limit).mean()
            rows[kind].append("{:.1f} / {:.0f}".format(*shares).replace(".", ","))
        doubts.append(str((known < limit).sum()))
    return markdown_table(["étrangères", *slugs], [*rows.values(), doubts])


def main(argv: list[str] | None = None) -> int:
    """Mesure ce que mettent en doute les exports livrés : un tableau par sorte d'images lues."""
    parser = FrenchParser(
        prog="python -m benchmarks.familiarity", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--limit",
        type=positive_int,
        default=NUM_STRANGERS,
        metavar="N",
        help=f"images étrangères de chaque sorte ({NUM_STRANGERS} par défaut)",
    )
    options = parser.parse_args(argv)

    def body() -> int:
        thumbnails = [slug for slug in shipped.MEASURES if slug not in shipped.SETS]
        *_, x_test = shipped.load_images(thumbnails[0])
        kinds = strangers(x_test, options.limit)
        print(table(thumbnails, kinds, x_test), flush=True)
        tests = {slug: shipped.load_images(slug)[2] for slug in shipped.SETS}
        for slug, other in zip(tests, reversed(tests), strict=True):
            kinds = grey_strangers(tests[slug], tests[other], options.limit)
            print("\n" + table([slug], kinds, tests[slug]), flush=True)
        return 0

    return run(body)


if __name__ == "__main__":
    reserve_stderr()  # le C++ de LiteRT y écrit en anglais
    raise SystemExit(main())
