"""Comment ramener une photo à un carré : recadrer, border, déformer, quel filtre, quelles vues ?

Commande : python -m benchmarks.framing     ou, sur vos photos, avec --photos dossier
Résultat mesuré : docs/cadrage.md.

Les « photos » sont fabriquées : une image de validation de CIFAR-10 (mise de côté à
l'entraînement, jamais du jeu de test), agrandie, posée sur le fond flou d'une autre, dans un
cadre de proportions tirées au hasard. Ce n'est qu'une approximation de vraies photos.
"""

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from convnets.core.cli import FrenchParser, percent, positive_int, reserve_stderr, run
from convnets.core.images import crop_resize, open_image
from convnets.core.paths import MODELS_DIR
from convnets.datasets import sources
from convnets.serving import router
from convnets.serving.classifier import DEFAULT_MODEL, Classifier

NUM_VAL = 2000  # celles de l'exercice 03, qui importe TensorFlow : pas ici
RATIOS = (1.0, 4 / 3, 3 / 4, 3 / 2, 2 / 3, 16 / 9)  # largeur / hauteur
SHORT_SIDE_PX = 240
NUM_BANDS = 10  # du spectre
SAMPLES = Path(__file__).resolve().parents[1] / "samples"
MODES = ("crop", "pad", "squash")
FILTERS = ("BOX", "BILINEAR", "BICUBIC", "LANCZOS")
# Les vues que l'on peut moyenner : mode, et part du petit côté.
WHOLE, CLOSE, CLOSER, CLOSEST = [("crop", zoom) for zoom in (1.0, 0.85, 0.7, 0.5)]
SQUASHED, PADDED = ("squash", 1.0), ("pad", 1.0)
VIEW_SETS = (
    (WHOLE,),
    (WHOLE, CLOSE),
    (WHOLE, CLOSER),
    (WHOLE, SQUASHED),
    (WHOLE, CLOSE, CLOSER),
    (WHOLE, CLOSE, CLOSER, SQUASHED),
    (WHOLE, CLOSE, CLOSER, PADDED),
    (WHOLE, CLOSE, CLOSER, CLOSEST, SQUASHED),
)
LAYOUTS = {"au centre": (0.7, 0.1), "n'importe où": (0.4, None)}  # voir `compose`


def compose(
    image: np.ndarray,
    background: np.ndarray,
    rng: np.random.Generator,
    *,
    smallest: float = 0.7,
    spread: float | None = 0.1,
) -> Image.Image:
    """Fabrique une photo où l'objet est plus ou moins grand et plus ou moins centré.

    Args:
        image: objet, uint8 `(32, 32, 3)`.
        background: autre image, uint8 `(32, 32, 3)`, étirée et floutée.
        rng: proportions, taille et décalage.
        smallest: plus petite taille de l'objet, en part du petit côté ; la plus grande est 1.
        spread: écart-type du décalage, en part de la marge restante ; None : n'importe où.

    Returns:
        Image Pillow RGB dont le petit côté mesure 240 pixels.
    """
    ratio = RATIOS[rng.integers(len(RATIOS))]
    width, height = round(SHORT_SIDE_PX * max(ratio, 1)), round(SHORT_SIDE_PX * max(1 / ratio, 1))
    canvas = Image.fromarray(background).resize((width, height), Image.Resampling.BICUBIC)
    canvas = canvas.filter(ImageFilter.GaussianBlur(12))
    side = round(SHORT_SIDE_PX * rng.uniform(smallest, 1))
    subject = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
    margins = np.array([width - side, height - side])
    place = rng.uniform(0, 1, 2) if spread is None else np.clip(rng.normal(0.5, spread, 2), 0, 1)
    canvas.paste(subject, tuple((place * margins).round().astype(int)))
    return canvas


def measure(classifier: Classifier, photos: list[Image.Image], y: np.ndarray) -> dict:
    """Mesure l'exactitude de chaque cadrage et de chaque filtre.

    Args:
        classifier: modèle exporté à entrée `(côté, côté, 3)`.
        photos: images Pillow RGB.
        y: classes `(n,)`.

    Returns:
        `{(mode, filtre): exactitude}`.
    """
    results, side_px = {}, classifier.input_shape[0]
    for mode, name in itertools.product(MODES, FILTERS):
        resample = Image.Resampling[name]
        squares = [crop_resize(photo, side_px, mode=mode, resample=resample) for photo in photos]
        probabilities = classifier.predict(np.stack(squares))
        results[mode, name] = float(np.mean(probabilities.argmax(1) == y))
    return results


def measure_views(classifier: Classifier, photos: list[Image.Image], y: np.ndarray) -> dict:
    """Mesure l'exactitude de chaque jeu de vues de `VIEW_SETS`, leurs probabilités moyennées.

    Args:
        classifier: modèle exporté à entrée `(côté, côté, 3)`.
        photos: images Pillow RGB.
        y: classes `(n,)`.

    Returns:
        `{(jeu de vues, avec leurs miroirs ou non): exactitude}`.
    """
    probabilities, side_px = {}, classifier.input_shape[0]
    for view in dict.fromkeys(itertools.chain(*VIEW_SETS)):
        mode, zoom = view
        x = np.stack([crop_resize(photo, side_px, mode=mode, zoom=zoom) for photo in photos])
        mirrored = np.ascontiguousarray(x[:, :, ::-1])
        probabilities[view] = classifier.predict(x), classifier.predict(mirrored)
    results = {}
    for views, mirror in itertools.product(VIEW_SETS, (False, True)):
        mean = np.mean([p for view in views for p in probabilities[view][: 1 + mirror]], axis=0)
        results[views, mirror] = float(np.mean(mean.argmax(1) == y))
    return results


def spectrum(images: np.ndarray) -> np.ndarray:
    """Mesure comment l'énergie d'images se répartit entre formes larges et détails fins.

    Args:
        images: uint8 `(n, h, h, 3)`.

    Returns:
        Logarithme de la part d'énergie de chaque bande de fréquences, de 0,05 cycle par pixel aux
        détails les plus fins, `(NUM_BANDS,)` : la médiane des images.
    """
    grey = images.mean(axis=-1)
    size = grey.shape[1]
    window = np.hanning(size)  # les bords opposés ne se touchent pas
    grey = (grey - grey.mean(axis=(1, 2), keepdims=True)) * window * window[:, np.newaxis]
    energy = np.abs(np.fft.fft2(grey)) ** 2
    shares = energy / energy.sum(axis=(1, 2), keepdims=True)
    frequency = np.hypot(np.fft.fftfreq(size), np.fft.fftfreq(size)[:, np.newaxis])
    bands = np.digitize(frequency, np.linspace(0.05, 0.5, NUM_BANDS))
    found = [shares[:, bands == number].sum(axis=1) for number in range(1, NUM_BANDS + 1)]
    return np.log(np.median(found, axis=1))


def measure_spectra(photos: list[Image.Image], thumbnails: np.ndarray) -> dict[str, float]:
    """Compare le spectre de photos réduites à celui de vignettes, filtre par filtre.

    Args:
        photos: images Pillow RGB, grandes ; leur carré central est réduit, puis un plus serré.
        thumbnails: images uint8 `(n, 32, 32, 3)` d'un jeu.

    Returns:
        `{filtre: écart}`, l'écart quadratique moyen des logarithmes de `spectrum`.
    """
    target, gaps = spectrum(thumbnails), {}
    for name in FILTERS:
        squares = [
            crop_resize(photo, 32, zoom=zoom, resample=Image.Resampling[name])
            for photo in photos
            for zoom in (1.0, 0.7)
        ]
        gaps[name] = float(np.sqrt(np.mean((spectrum(np.stack(squares)) - target) ** 2)))
    return gaps


def measure_photos(model: Classifier | router.Router, folder: Path) -> dict[str, tuple[int, int]]:
    """Compte les photos que `./predict` nomme juste, dans un dossier rangé par classe.

    Args:
        model: modèle exporté, ou de quoi en choisir un par image.
        folder: un sous-dossier par classe, au nom français de celle-ci (`chien`, `oiseau`…).

    Returns:
        `{classe: (justes, toutes)}` ; une photo illisible compte comme fausse.

    Raises:
        FileNotFoundError: aucun sous-dossier au nom d'une classe.
    """
    counts = {}
    for number, name in enumerate(model.classes):
        paths = [
            str(path)
            for each in sorted(folder.glob("*/"))
            if each.name.casefold() == name.casefold()
            for path in sorted(each.iterdir())
            if path.is_file() and not path.name.startswith(".")
        ]
        found = [*model.classify(paths)]
        right = sum(result.error is None and result.best == number for result in found)
        if found:
            counts[name] = right, len(found)
    if not counts:
        raise FileNotFoundError(
            f"{folder} n'a aucun sous-dossier d'images au nom d'une classe : "
            f"{', '.join(model.classes)}."
        )
    return counts


def _name(views: Sequence[tuple[str, float]]) -> str:
    return " + ".join(mode if zoom == 1 else f"{mode} {zoom:g}" for mode, zoom in views)


def main(argv: list[str] | None = None) -> int:
    """Affiche les tableaux Markdown de l'exactitude."""
    sys.stdout.reconfigure(encoding="utf-8")
    parser = FrenchParser(prog="python -m benchmarks.framing", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add(
        "--limit",
        type=positive_int,
        default=NUM_VAL,
        metavar="N",
        help="nombre d'images de validation",
    )
    add(
        "--model",
        metavar="NOM",
        help=f"modèle de models/ ({DEFAULT_MODEL} par défaut ; avec --photos, celui que "
        "./predict choisirait)",
    )
    add("--models-dir", type=Path, default=MODELS_DIR, metavar="DOSSIER", help="autre dossier")
    add(
        "--photos",
        type=Path,
        metavar="DOSSIER",
        help="compter plutôt les photos bien nommées d'un dossier rangé par classe",
    )
    options = parser.parse_args(argv)

    def body() -> int:
        if options.photos:
            _print_photos(router.load(options.model, models_dir=options.models_dir), options.photos)
            return 0
        name = options.model or DEFAULT_MODEL
        _print_composed(Classifier(name, models_dir=options.models_dir), options.limit)
        return 0

    return run(body)


def _print_photos(model: Classifier | router.Router, folder: Path) -> None:
    if isinstance(model, router.Router):
        print(f"./predict : {_describe(measure_photos(model, folder))}")
        return
    alone, shipped = ((model.framing, 1.0),), tuple(model.views)
    for views in dict.fromkeys((alone, shipped)):  # une seule mesure si le modèle n'a qu'une vue
        model.views, model.glance = views, model.card.glance if views == shipped else None
        print(f"{_name(views)} : {_describe(measure_photos(model, folder))}")


def _describe(counts: dict[str, tuple[int, int]]) -> str:
    right, total = (sum(column) for column in zip(*counts.values(), strict=True))
    detail = ", ".join(f"{name} {a}/{b}" for name, (a, b) in counts.items())
    return f"{percent(right / total)} ({right} sur {total} ; {detail})"


def _print_composed(classifier: Classifier, limit: int) -> None:
    (x, y), _ = sources.load_cifar10()
    _, (x_val, y_val) = sources.split_validation(x, y, num_val=NUM_VAL, seed=0)
    x_val, y_val = x_val[:limit], y_val[:limit].reshape(-1)
    sets = {}
    for layout, (smallest, spread) in LAYOUTS.items():
        rng = np.random.default_rng(0)
        others = rng.permutation(len(x_val))
        sets[layout] = [
            compose(a, x_val[b], rng, smallest=smallest, spread=spread)
            for a, b in zip(x_val, others, strict=True)
        ]
    results = measure(classifier, sets["au centre"], y_val)
    print(f"| cadrage | {' | '.join(FILTERS)} |\n|---|{'---|' * len(FILTERS)}")
    for mode in MODES:
        print(f"| {mode} | {' | '.join(percent(results[mode, name]) for name in FILTERS)} |")
    real = [open_image(path) for path in sorted(SAMPLES.iterdir()) if path.suffix != ".md"]
    real = [photo for photo in real if min(photo.size) >= 4 * 32]
    gaps = measure_spectra(real, x_val)
    cells = [f"{gaps[name]:.2f}".replace(".", ",") for name in FILTERS]
    print(f"| écart de spectre, {len(real)} photos | {' | '.join(cells)} |")
    cells = [f"{layout}{end}" for layout in LAYOUTS for end in ("", ", et miroirs")]
    print(f"\n| vues moyennées | {' | '.join(cells)} |\n|---|{'---|' * len(cells)}")
    found = [measure_views(classifier, photos, y_val) for photos in sets.values()]
    for views in VIEW_SETS:
        shares = [percent(each[views, mirror]) for each in found for mirror in (False, True)]
        print(f"| {_name(views)} | {' | '.join(shares)} |")
    squares = [crop_resize(Image.fromarray(image), classifier.input_shape[0]) for image in x_val]
    plain = float(np.mean(classifier.predict(np.stack(squares)).argmax(1) == y_val))
    print(f"\nLes vignettes elles-mêmes : {percent(plain)}")


if __name__ == "__main__":
    reserve_stderr()  # le C++ de LiteRT y écrit en anglais
    raise SystemExit(main())
