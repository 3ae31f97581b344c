"""Ce que l'on voit d'une image, avant d'interroger un réseau ; chaque chose une seule fois.

N'importe que Pillow : `./predict` passe par ici.
"""

from functools import cached_property

from PIL import Image

from convnets.serving.asked import GREY, PHOTOGRAPH, THUMBNAIL, Row
from convnets.serving.garments import SIDE_PX, garment_square
from convnets.serving.images import (
    THUMBNAIL_PX,
    figure_box,
    has_black_ground,
    has_plain_ground,
    is_grey,
    is_thumbnail,
    misfit,
)

# De `images.misfit` ; des vignettes agrandies en ont moins (docs/laboratoire/cadrage.md).
MIN_MISFIT = 0.75


class Look:
    """Une image lue, et ce que l'on en sait.

    Args:
        image: image Pillow `RGB`, telle que la rend `open_image`.
    """

    def __init__(self, image: Image.Image):
        self.image = image
        self.several = bool(image.info.get("several"))  # le fichier en contient d'autres
        self.glanced: Row | None = None  # le coup d'œil, quand un réseau l'a jeté
        self.square = image  # ce qu'il en a retenu, d'une image longue
        self.is_divided = False  # ailleurs dans l'image, il est sûr d'autre chose
        self._cuts: dict[int, Image.Image | None] = {}  # par côté, voir `cut`

    @cached_property
    def is_small(self) -> bool:
        """Dit si l'image est trop petite pour être une photo."""
        return is_thumbnail(self.image)

    @cached_property
    def is_enlarged(self) -> bool:
        """Dit si ce n'est qu'une vignette agrandie ; un fond uni le fait croire aussi."""
        return misfit(self.image) < MIN_MISFIT

    @cached_property
    def is_ready(self) -> bool:
        """Dit si l'image est petite, ou grise sur noir : déjà ce que Fashion-MNIST montre."""
        return self.is_small or (is_grey(self.image) and has_black_ground(self.image))

    @cached_property
    def is_grey_thumbnail(self) -> bool:
        """Dit si c'est une petite image grise sur un fond uni, comme celles de MNIST.

        Leur négatif en est une aussi. Agrandie, seule celle sur fond noir est reconnue : un
        dessin sur du papier lui ressemble.
        """
        if not is_grey(self.image):
            return False
        if self.is_small:
            return has_plain_ground(self.image)
        is_enlarged = misfit(self.image, SIDE_PX) < MIN_MISFIT or self.is_enlarged
        return is_enlarged and has_black_ground(self.image)

    @cached_property
    def kind(self) -> str:
        """La sorte de l'image ; "" si elle peut être une vignette comme une photographie."""
        if self.is_grey_thumbnail:
            return GREY
        if self.is_small:
            return THUMBNAIL
        if not self.is_enlarged:
            return PHOTOGRAPH
        return "" if self.cut_out else THUMBNAIL  # un fond uni fait croire à une vignette

    def unlike(self, input_shape: tuple[int, ...]) -> str:
        """Rend la sorte de l'image, si un réseau du cours n'a rien appris de tel ; sinon "".

        La forme de ce qu'il lit dit ce qu'il a appris : de petites images grises d'une seule
        taille, des vignettes en couleurs, ou des photographies.

        Args:
            input_shape: `(h, w)` en gris, ou `(h, w, 3)`.
        """
        side_px = input_shape[0]
        if len(input_shape) == 2:
            return "" if self._gives_grey(side_px) else self.kind or PHOTOGRAPH
        learned = THUMBNAIL if side_px < 2 * THUMBNAIL_PX else PHOTOGRAPH
        return "" if self.kind == learned else self.kind

    def _gives_grey(self, side_px: int) -> bool:
        """Dit si l'on sait tirer de l'image le carré gris de ce côté qu'un réseau a appris."""
        if side_px != SIDE_PX:  # rien n'y est cadré comme Fashion-MNIST : il faut ce carré même
            is_square = self.image.size == (side_px, side_px)
            is_enlarged = not self.is_small and misfit(self.image, side_px) < MIN_MISFIT
            return is_grey(self.image) and (is_square or is_enlarged)
        if self.is_small:
            return is_grey(self.image)
        return self.is_ready or self.cut_out is not None

    @property
    def cut_out(self) -> Image.Image | None:
        """Le vêtement, comme Fashion-MNIST le montrerait ; None si le fond ne s'enlève pas."""
        return self.cut(SIDE_PX)

    def cut(self, side_px: int) -> Image.Image | None:
        """Rend le vêtement, du côté que lit un réseau : voir `garment_square`."""
        if side_px not in self._cuts:
            self._cuts[side_px] = garment_square(self.image, side_px)
        return self._cuts[side_px]

    def inside_figure(self) -> "Look":
        """Rend ce que montre une figure de notebook, si c'est une vignette agrandie ; sinon soi."""
        box = figure_box(self.image)
        if box is None:
            return self
        inside = Look(self.image.crop(box))
        inside.several = self.several
        return inside if inside.is_enlarged or inside.is_grey_thumbnail else self
