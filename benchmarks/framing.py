"""Comment ramener une photo à 32×32 : recadrer, border ou déformer, et avec quel filtre ?

Commande : python -m benchmarks.framing
Résultat mesuré : docs/cadrage.md.

Les « photos » sont fabriquées : une image de validation de CIFAR-10 (mise de côté à
l'entraînement, jamais du jeu de test), agrandie, posée sur le fond flou d'une autre, dans un
cadre de proportions tirées au hasard. Ce n'est qu'une approximation de vraies photos.
"""

import itertools
import sys

import numpy as np
from PIL import Image, ImageFilter

from exercises.common import data
from exercises.common.cli import FrenchParser, positive_int, run
from exercises.common.images import crop_resize
from exercises.common.prediction import Classifier
from exercises.ex03_cifar10 import NUM_VAL

RATIOS = (1.0, 4 / 3, 3 / 4, 3 / 2, 2 / 3, 16 / 9)  # largeur / hauteur
SHORT_SIDE_PX = 240
MODES = ("crop", "pad", "squash")
FILTERS = ("BOX", "BILINEAR", "BICUBIC", "LANCZOS")


def compose(image: np.ndarray, background: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Fabrique une photo où l'objet est plus ou moins grand et plus ou moins centré.

    Args:
        image: objet, uint8 `(32, 32, 3)`.
        background: autre image, uint8 `(32, 32, 3)`, étirée et floutée.
        rng: proportions, taille (70 à 100 % du petit côté) et décalage (écart-type d'un
            dixième de la marge restante).

    Returns:
        Image Pillow RGB dont le petit côté mesure 240 pixels.
    """
    ratio = RATIOS[rng.integers(len(RATIOS))]
    width, height = round(SHORT_SIDE_PX * max(ratio, 1)), round(SHORT_SIDE_PX * max(1 / ratio, 1))
    canvas = Image.fromarray(background).resize((width, height), Image.Resampling.BICUBIC)
    canvas = canvas.filter(ImageFilter.GaussianBlur(12))
    side = round(SHORT_SIDE_PX * rng.uniform(0.7, 1))
    subject = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
    margins = np.array([width - side, height - side])
    offset = np.clip(rng.normal(0.5, 0.1, 2), 0, 1) * margins
    canvas.paste(subject, tuple(offset.round().astype(int)))
    return canvas


def measure(classifier: Classifier, photos: list[Image.Image], y: np.ndarray) -> dict:
    """Mesure la précision de chaque cadrage et de chaque filtre.

    Args:
        classifier: modèle exporté à entrée `(32, 32, 3)`.
        photos: images Pillow RGB.
        y: classes `(n,)`.

    Returns:
        `{(mode, filtre): précision}`.
    """
    results = {}
    for mode, name in itertools.product(MODES, FILTERS):
        squares = [
            crop_resize(photo, 32, mode=mode, resample=Image.Resampling[name]) for photo in photos
        ]
        probabilities = classifier.predict(np.stack(squares))
        results[mode, name] = float(np.mean(probabilities.argmax(1) == y))
    return results


def main(argv: list[str] | None = None) -> int:
    """Affiche le tableau Markdown des précisions."""
    sys.stdout.reconfigure(encoding="utf-8")
    parser = FrenchParser(prog="python -m benchmarks.framing", description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=positive_int, default=NUM_VAL, metavar="N",
                        help="nombre d'images de validation")  # fmt: skip
    options = parser.parse_args(argv)

    def body() -> int:
        (x, y), _ = data.load_cifar10()
        _, (x_val, y_val) = data.split_validation(x, y, num_val=NUM_VAL, seed=0)
        x_val, y_val = x_val[: options.limit], y_val[: options.limit]
        rng = np.random.default_rng(0)
        others = rng.permutation(len(x_val))
        photos = [compose(a, x_val[b], rng) for a, b in zip(x_val, others, strict=True)]
        classifier = Classifier()
        results = measure(classifier, photos, y_val)
        print(f"| cadrage | {' | '.join(FILTERS)} |\n|---|{'---|' * len(FILTERS)}")
        for mode in MODES:
            cells = " | ".join(f"{100 * results[mode, name]:.1f} %" for name in FILTERS)
            print(f"| {mode} | {cells} |".replace(".", ","))
        plain = float(np.mean(classifier.predict(x_val).argmax(1) == y_val))
        print(f"\nSans rien changer (vignettes 32×32) : {100 * plain:.1f} %".replace(".", ","))
        return 0

    return run(body)


if __name__ == "__main__":
    raise SystemExit(main())
