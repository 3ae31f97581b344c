"""Le modèle qui répond à chaque image, quand `./predict` choisit : vignettes, photos, vêtements.

`thumbnails` n'a appris que des vignettes de 32×32, et les nomme le mieux. D'une photo, il ne voit
que ce que la réduction lui laisse : `photos` en lit 36 fois plus de pixels (docs/cadrage.md). Un
vêtement sur un fond uni en est découpé, et va à `garments` (docs/predire.md).
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING

from convnets.core.paths import MODELS_DIR
from convnets.serving.classifier import (
    DEFAULT_MODEL,
    GARMENT_MODEL,
    PHOTO_MODEL,
    Classifier,
    Result,
    classify_in_threads,
)

if TYPE_CHECKING:
    from PIL import Image

MODEL_HELP = (  # de l'option --model
    f"modèle de models/ pour toutes les images (sans cette option : {DEFAULT_MODEL} pour une "
    f"vignette, {PHOTO_MODEL} pour une photo, {GARMENT_MODEL} pour un vêtement sur fond uni)"
)
MIN_PHOTO_BYTES = 16_384  # une image de moins de 64 pixels de côté en pèse moins
MIN_SURE = 0.9  # de `garments` ; moins sûr d'un vêtement découpé, il laisse répondre `photos`
STRANGERS = {"Chapeau", "Short", "Jupe"}  # de `photos` : Fashion-MNIST n'a rien de tel
MIN_MISFIT = 0.75  # de `images.misfit` ; des vignettes agrandies en ont moins (docs/cadrage.md)


class Router:
    """Donne chaque image au modèle qui lui va, chargé à la première dont il a besoin.

    Une image dont le petit côté a moins de 64 pixels, ou qui est une vignette agrandie
    (`images.misfit`), va à `DEFAULT_MODEL` ; les autres, même floues, à `PHOTO_MODEL`, comme un
    vêtement sur un fond uni, où `misfit` ne trouve pas assez à mesurer. Si ce
    dernier n'est pas dans le dossier, `DEFAULT_MODEL` répond à tout.

    Args:
        models_dir: dossier des modèles.
        garments_only: ces images sont des vêtements.
        num_threads, alone: voir `Classifier`.
    """

    def __init__(
        self,
        *,
        models_dir: Path = MODELS_DIR,
        num_threads: int | None = None,
        alone: bool = False,
        garments_only: bool = False,
    ):
        self.garments_only = garments_only
        self.models_dir, self.num_threads = Path(models_dir), num_threads or os.cpu_count() or 1
        self.alone = alone
        self._loaded: dict[str, Classifier] = {}
        self._lock = Lock()
        found = slugs(None, models_dir=self.models_dir)
        self._has_photos, self._has_garments = PHOTO_MODEL in found, GARMENT_MODEL in found

    def load(self, slug: str) -> Classifier:
        """Rend un des deux modèles, chargé la première fois.

        Raises:
            FileNotFoundError, ValueError: voir `Classifier`.
        """
        with self._lock:
            if slug not in self._loaded:
                self._loaded[slug] = Classifier(
                    slug, models_dir=self.models_dir, num_threads=self.num_threads, alone=self.alone
                )
            return self._loaded[slug]

    def read(self, source) -> "Image.Image":
        """Lit une image : voir `Classifier.read`."""
        from convnets.core.images import open_image
        from convnets.serving.images import MAX_DECODED_PX

        return open_image(source, min_side_px=MAX_DECODED_PX)

    def _preload(self) -> None:
        with contextlib.suppress(Exception):  # `choose` l'essaiera, et dira ce qu'il en est
            self.load(PHOTO_MODEL)

    def slug_for(self, image: "Image.Image") -> str:
        """Rend le nom du modèle qui va à une image que `read` a rendue, sans le charger."""
        from convnets.serving.images import is_thumbnail, misfit

        photo = self._has_photos and not is_thumbnail(image)
        photo = photo and (misfit(image) >= MIN_MISFIT or self._is_cut_garment(image))
        if self.garments_only:
            return PHOTO_MODEL if photo and self.load(PHOTO_MODEL).card.garments else GARMENT_MODEL
        return PHOTO_MODEL if photo else DEFAULT_MODEL

    def _is_cut_garment(self, image: "Image.Image") -> bool:
        """Dit si une image montre un vêtement que l'on sait découper."""
        from convnets.serving.garments import SIDE_PX, garment_square

        if garment_square(image, SIDE_PX) is None:
            return False
        photos = self.load(PHOTO_MODEL)
        view, side_px = photos.glance_of(image), photos.glance.side_px
        ((probabilities, _),) = photos.answer([view], side_px=side_px)
        return photos.shows_garment(probabilities)

    def reconsider(self, image: "Image.Image", glanced: list[float]) -> tuple | None:
        """Donne à `garments` un vêtement que l'on sait découper.

        Args:
            image: image que `read` a rendue.
            glanced: ce que `photos` en a dit d'un coup d'œil.

        Returns:
            `garments` et sa réponse, mise en doute si le coup d'œil voit un vêtement qu'il ne
            connaît pas ; None si ce n'est pas un vêtement, si le fond ne s'enlève pas, ou si
            `garments` n'est pas sûr.
        """
        photos = self.load(PHOTO_MODEL)
        is_garment = photos.card.garments and (self.garments_only or photos.shows_garment(glanced))
        if not (is_garment and self._has_garments):
            return None
        from convnets.serving.garments import SIDE_PX, garment_square

        square = garment_square(image, SIDE_PX)
        if square is None:
            return None
        classifier = self.load(GARMENT_MODEL)
        ((probabilities, familiarity),) = classifier.answer([square.tobytes()])
        if max(probabilities) < MIN_SURE:
            return None
        named = zip(photos.classes, glanced, strict=True)
        if sum(p for name, p in named if name in STRANGERS) >= 0.5:
            familiarity = float("-inf")
        return classifier, (probabilities, familiarity)

    def choose(self, image: "Image.Image") -> Classifier:
        """Rend le modèle de `slug_for`, chargé."""
        return self.load(self.slug_for(image))

    def classify(self, paths: Sequence[str]) -> Iterator[Result]:
        """Classe des images : voir `Classifier.classify` ; `Result.classifier` a répondu."""
        with contextlib.suppress(OSError, TypeError, ValueError):  # absente, ou un fichier ouvert
            only = len(paths) == 1 and self._has_photos
            if only and os.stat(paths[0]).st_size >= MIN_PHOTO_BYTES:
                # Son modèle se charge pendant qu'elle se lit : un cinquième du temps d'une photo.
                Thread(target=self._preload).start()
        return classify_in_threads(paths, self, num_threads=self.num_threads)


def slugs(slug: str | None, *, models_dir: Path = MODELS_DIR) -> list[str]:
    """Rend les noms des modèles que `load` peut faire répondre."""
    if slug not in (None, GARMENT_MODEL):
        return [slug]
    found = [slug or DEFAULT_MODEL]
    for each in (PHOTO_MODEL, GARMENT_MODEL):  # sans le premier, rien ne mène au second
        if not (Path(models_dir) / f"{each}.tflite").exists():
            break
        found += [each] if each != slug else []
    return found


def load(slug: str | None, **settings) -> Classifier | Router:
    """Charge un modèle, ou, sans nom, de quoi choisir le modèle de chaque image.

    Args:
        slug: nom du modèle, ou None.
        **settings: `models_dir`, `num_threads` et `alone`, voir `Classifier`.
    """
    if slug and len(slugs(slug, models_dir=settings.get("models_dir", MODELS_DIR))) == 1:
        return Classifier(slug, **settings)
    return Router(**settings, garments_only=slug == GARMENT_MODEL)
