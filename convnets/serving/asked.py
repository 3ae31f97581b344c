"""Ce que l'on demande d'une image à un réseau, et ce qu'il répond.

`look` regarde une image, un réseau dit ce qu'il reste à lui demander, `batches` le lui fait
calculer et `say` en tire une réponse : ces types sont ce qu'ils se passent. Ce module n'importe
rien d'eux.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from convnets.serving.card import Card

GREY, THUMBNAIL, PHOTOGRAPH = "grey", "thumbnail", "photograph"  # les sortes d'images


class Row(NamedTuple):
    """Ce qu'un réseau a répondu à une vue."""

    probabilities: list[float]  # étalonnées, de somme 1
    familiarity: float | None  # plus grande pour une image plus familière ; None : pas mesurée


class Network(Protocol):
    """Un réseau à qui l'on demande : un `Classifier`."""

    card: "Card"
    classes: Sequence[str]

    def answer(self, views: list[bytes]) -> list[Row]:
        """Répond à chaque vue."""


class Asked(NamedTuple):
    """Une image, le réseau qui y répond, et ce qu'il reste à lui demander."""

    classifier: Network
    views: list[bytes]  # à calculer ; aucune si le coup d'œil, ou ce qui est découpé, suffit
    glanced: Row | None = None  # la réponse à l'image entière, réduite, ou celle qui a suffi
    seen: Sequence[Row] = ()  # celles aux vues déjà calculées
    cut_out: Row | None = None  # celle au vêtement que l'on a découpé
    several: bool = False  # le fichier contient d'autres images
    unlike: str = ""  # la sorte de l'image, si ce réseau n'a rien appris de tel (`look`)
    is_divided: bool = False  # un coup d'œil, ailleurs dans cette image longue, dit autre chose
    garments_only: bool = False  # seuls ses vêtements peuvent être la réponse
