"""CIFAR-10 : le réseau de poche, quatre fois plus petit.

Commande : python -m recipes.thumbnails_light
Résultat mesuré : models/thumbnails_light.json, 94,45 % en une passe (94,23 et 94,67), 94,88 % en
moyennant six vues, deux graines ; docs/records.md raconte d'où l'on vient.

Les étapes sont celles de `recipes.thumbnails`, sans autre réseau pour maître que lui-même.

Source : Jordan, arXiv 2404.00498, 2024 (le réseau).
"""

from functools import partial

import keras

from recipes import thumbnails

SLUG = "thumbnails_light"
WIDTHS, DEPTH = (64, 256, 304), 2
EPOCHS = 26
PEAK_RATE = 1.465e-3  # taux d'apprentissage maximal, par image du lot
CUTOUT_PX = 6  # moins que le grand réseau : il retient moins


def build_model() -> keras.Model:
    """Construit le réseau : images uint8 `(n, 32, 32, 3)` → probabilités `(n, 10)` float32."""
    return thumbnails.build_model(WIDTHS, DEPTH, name=SLUG)


train = partial(thumbnails.train, build=build_model, peak_rate=PEAK_RATE, cutout_px=CUTOUT_PX)


def main(argv: list[str] | None = None) -> int:
    """Refait `thumbnails_light`, une graine après l'autre."""
    return thumbnails.launch(argv, SLUG, __doc__, epochs=EPOCHS, train=train)


if __name__ == "__main__":
    raise SystemExit(main())
