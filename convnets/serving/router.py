"""Le modèle qui répond à chaque image, quand `./predict` choisit : vignettes, photos, vêtements.

`thumbnails` n'a appris que des vignettes de 32×32, et les nomme le mieux. D'une photo, il ne voit
que ce que la réduction lui laisse : `photos` en lit 36 fois plus de pixels
(docs/laboratoire/cadrage.md). Un vêtement sur un fond uni en est découpé, et va à `garments`
(docs/predire.md).
"""

import contextlib
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING

from convnets.core.paths import MODELS_DIR
from convnets.serving.asked import Asked
from convnets.serving.batches import Result, classify_in_threads
from convnets.serving.card import describe
from convnets.serving.classifier import DEFAULT_MODEL, GARMENT_MODEL, PHOTO_MODEL, Classifier
from convnets.serving.say import best, is_familiar, sees, shows_garment

if TYPE_CHECKING:
    from convnets.serving.card import Card
    from convnets.serving.look import Look

MODEL_HELP = (  # de l'option --model
    f"modèle de models/ pour toutes les images (sans cette option : {DEFAULT_MODEL} pour une "
    f"vignette, {PHOTO_MODEL} pour une photo, {GARMENT_MODEL} pour un vêtement sur fond uni)"
)
LENDERS = (DEFAULT_MODEL, GARMENT_MODEL, "digits")  # leur familiarité est mesurée
MIN_PHOTO_BYTES = 16_384  # une image de moins de 64 pixels de côté en pèse moins
MIN_SURE = 0.9  # de `garments` ; moins sûr d'un vêtement découpé, il laisse répondre `photos`


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

    def read(self, source) -> "Look":
        """Lit une image : voir `Classifier.read`."""
        from convnets.core.images import open_image
        from convnets.serving.images import MAX_DECODED_PX
        from convnets.serving.look import Look

        return Look(open_image(source, min_side_px=MAX_DECODED_PX))

    def ask(self, look: "Look") -> Asked:
        """Choisit le réseau qui va à une image, et dit ce qu'il reste à lui demander."""
        look = look.inside_figure()
        classifier = self.load(self.slug_for(look))
        if classifier.glance and (cut_out := self.ask_garments(look)):
            return cut_out
        return classifier.ask(look)._replace(garments_only=self.garments_only)

    def slug_for(self, look: "Look") -> str:
        """Rend le nom du réseau qui va à une image, sans le charger."""
        photo = self._has_photos and not look.is_small
        if photo and look.is_grey_thumbnail:
            return GARMENT_MODEL if self.garments_only else DEFAULT_MODEL
        photo = photo and (not look.is_enlarged or self._is_cut_garment(look))
        if self.garments_only:
            return PHOTO_MODEL if photo and self.load(PHOTO_MODEL).card.garments else GARMENT_MODEL
        return PHOTO_MODEL if photo else DEFAULT_MODEL

    def _is_cut_garment(self, look: "Look") -> bool:
        """Dit si une image montre un vêtement que l'on sait découper."""
        if look.cut_out is None:
            return False
        photos = self.load(PHOTO_MODEL)
        return shows_garment(photos.card, photos.glance_at(look).probabilities)

    def ask_garments(self, look: "Look") -> Asked | None:
        """Fait répondre `garments` à un vêtement que l'on sait découper.

        Returns:
            Sa réponse, étrangère si le coup d'œil la trouve étrangère ; None si ce n'est pas un
            vêtement, si le fond ne s'enlève pas, s'il n'est pas sûr, ou si le coup d'œil voit
            plutôt un autre vêtement.
        """
        photos = self.load(PHOTO_MODEL)
        if photos.card.garments is None or not self._has_garments:
            return None
        glanced, familiarity = photos.glance_at(look)
        if not (self.garments_only or shows_garment(photos.card, glanced)) or look.cut_out is None:
            return None
        garments = self.load(GARMENT_MODEL)
        (row,) = garments.answer([look.cut_out.tobytes()])
        name = garments.classes[best(row.probabilities)]
        if max(row.probabilities) < MIN_SURE or not sees(photos.classes, glanced, name):
            return None
        if is_familiar(photos.card, familiarity) is False:
            row = row._replace(familiarity=-math.inf)
        return Asked(garments, [], cut_out=row, several=look.several)

    def _preload(self) -> None:
        with contextlib.suppress(Exception):  # `ask` l'essaiera, et dira ce qu'il en est
            self.load(PHOTO_MODEL)

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


def _lender(card: "Card") -> str | None:
    """Nomme le réseau publié qui lit les mêmes images que celui d'une leçon ; None : aucun.

    Il lit la même forme, cadrée de la même façon, et nomme les mêmes classes : tous deux ont appris
    le même jeu, et ce qui est étranger à l'un l'est à l'autre.
    """
    if card.own or card.base or card.familiarity is not None:
        return None
    for slug in LENDERS:
        with contextlib.suppress(OSError, ValueError):
            other = describe(slug, models_dir=MODELS_DIR)
            same = (card.input_shape, card.framing, card.classes)
            if (other.input_shape, other.framing, other.classes) == same:
                return slug
    return None


def load(slug: str | None, **settings) -> Classifier | Router:
    """Charge un modèle, ou, sans nom, de quoi choisir le modèle de chaque image.

    Args:
        slug: nom du modèle, ou None.
        **settings: `models_dir`, `num_threads` et `alone`, voir `Classifier`.
    """
    if slug and len(slugs(slug, models_dir=settings.get("models_dir", MODELS_DIR))) == 1:
        classifier = Classifier(slug, **settings)
        if lender := _lender(classifier.card):
            num_threads = settings.get("num_threads")
            classifier.borrow(Classifier(lender, num_threads=num_threads))
        return classifier
    return Router(**settings, garments_only=slug == GARMENT_MODEL)
