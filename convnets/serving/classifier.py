"""Un modèle exporté, chargé par LiteRT, et ce qu'il répond à des images.

Le réseau ne sait rien des autres : `router` choisit entre eux, et `say` décide de ce que l'on dit
de leurs réponses. Ce module n'importe le moteur, NumPy et Pillow que s'il s'en sert.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from convnets.core.cli import agreed, printable
from convnets.core.paths import BASE_NAME, MODELS_DIR
from convnets.serving.asked import GREY, PHOTOGRAPH, Asked, Row
from convnets.serving.batches import Result, classify_in_threads
from convnets.serving.card import FRAMING, RETRIEVE, read_card
from convnets.serving.engine import BASE_BATCH_SIZE, Engine, answer_in_passes, pass_size
from convnets.serving.say import best, names_garment

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    from convnets.serving.look import Look
    from convnets.serving.native import NativeEngine

DEFAULT_MODEL = "thumbnails"
PHOTO_MODEL = "photos"  # celui des photos, quand on n'en demande pas un ; voir `router`
GARMENT_MODEL = "garments"  # celui des vêtements découpés
ALONE_PX = 64  # à partir de ce côté, des fils de plus rapportent à une image seule
MAX_ALONE_THREADS = 4  # au-delà, non mesuré


def prepare(
    source, input_shape: tuple[int, ...], *, framing: str = FRAMING, ground: str = "any"
) -> "np.ndarray":
    """Lit une image et l'amène à la forme qu'un modèle attend.

    Args:
        source: chemin, ou fichier binaire ouvert.
        input_shape: `(h, w, 3)`, ou `(h, w)` pour un modèle en gris.
        framing: ce que le compte rendu du modèle en dit : `"crop"`, `"squash"` ou `"digit"`.
        ground: voir `grey_square`.

    Returns:
        Tableau uint8 `input_shape`.

    Raises:
        FileNotFoundError, ValueError: image absente ou illisible, dit en français.
    """
    if framing == "digit":  # trouver le chiffre, plutôt que cadrer l'image
        from convnets.serving.digits import read_digit

        return read_digit(source)
    from convnets.core.images import open_image
    from convnets.serving.images import decoded_side

    image = open_image(source, min_side_px=decoded_side(max(input_shape[:2])))
    return frame(image, input_shape, framing=framing, ground=ground)


def frame(
    image: "Image.Image",
    input_shape: tuple[int, ...],
    *,
    framing: str = FRAMING,
    ground: str = "any",
) -> "np.ndarray":
    """Amène une image lue à la forme qu'un modèle attend : voir `prepare`, `"digit"` excepté."""
    import numpy as np

    from convnets.serving.images import squares

    if len(input_shape) == 2:
        from convnets.serving.look import Look

        return grey_square(Look(image), input_shape, framing=framing, ground=ground)
    return np.array(squares(image, _size(input_shape), [(framing, 1.0)])[0])


def _size(input_shape: tuple[int, ...]) -> "int | tuple[int, int]":
    """Rend le côté d'un carré, ou la largeur et la hauteur d'un rectangle."""
    height, width = input_shape[:2]
    return height if height == width else (width, height)


def grey_square(
    look: "Look", input_shape: tuple[int, int], *, framing: str = FRAMING, ground: str = "any"
) -> "np.ndarray":
    """Rend une image en gris, uint8 `input_shape` : son vêtement, si le fond s'enlève.

    Un réseau appris ailleurs (`"squash"`) lit l'image entière, inversée si le bord n'en est pas
    clair (`ground="light"`) ou sombre (`"dark"`), comme dans les images qu'il a apprises.
    """
    import numpy as np

    from convnets.serving.images import has_black_ground, is_grey, squares

    image = look.image
    if framing == "squash":
        grey = np.array(squares(image, _size(input_shape), [(framing, 1.0)])[0].convert("L"))
        wanted = {"dark": False, "light": True}.get(ground)
        return grey if wanted in (None, _is_light(grey)) else 255 - grey
    side_px = input_shape[0]
    # Grise sur fond noir, elle est déjà ce que Fashion-MNIST montre.
    is_ready = min(image.size) <= side_px or (is_grey(image) and has_black_ground(image))
    garment = None if is_ready else look.cut(side_px)
    if garment is not None:
        return np.array(garment)
    pixels = np.array(squares(image, side_px, [(framing, 1.0)])[0])
    # Luma de la norme UIT-R BT.601, celle de Pillow.
    grey = (pixels @ [0.299, 0.587, 0.114]).round().astype("uint8")
    # MNIST et Fashion-MNIST sont clairs sur fond noir : un fond clair est inversé.
    return 255 - grey if _is_light(grey) else grey


def _is_light(grey: "np.ndarray") -> bool:
    """Dit si le bord d'une image, `(h, w)`, est plutôt clair."""
    border = [*grey[0], *grey[-1], *grey[:, 0], *grey[:, -1]]
    return sorted(border)[len(border) // 2] > 127


class Classifier:
    """Un modèle exporté, prêt à prédire avec LiteRT.

    Quand le compte rendu décrit une base (`"base"`), le modèle n'est que la tête posée
    dessus : chaque image passe par l'export de la base, rangé dans le cache, puis par elle.

    Args:
        slug: nom du modèle, par exemple `"thumbnails"`.
        models_dir: dossier qui contient `slug.tflite` et `slug.json`.
        num_threads: fils de calcul, un par cœur par défaut, que des images se partagent.
        alone: une seule image à nommer : elle a ces fils pour elle.

    Raises:
        FileNotFoundError: modèle absent, ou base jamais préparée.
        ValueError: compte rendu qui ne correspond pas aux poids.
    """

    def __init__(
        self,
        slug: str = DEFAULT_MODEL,
        *,
        models_dir: Path = MODELS_DIR,
        num_threads: int | None = None,
        alone: bool = False,
    ):
        card, self._content = read_card(slug, models_dir=models_dir)
        self.card, self.slug, self.models_dir = card, slug, Path(models_dir)
        self.num_threads = num_threads or os.cpu_count() or 1
        self._engine_threads = self._count_engine_threads(alone)
        engine = self._first_engine()
        self._free = [engine]  # les moteurs dont personne ne se sert
        self._engine: Engine | None = None  # celui de `predict`, sur tous les cœurs
        self._base = self._load_base(card.base, engine.input_shape) if card.base else None
        # Une base est trop grande pour être chargée plusieurs fois : à chacun son tour.
        self._turn = Lock() if self._base else contextlib.nullcontext()
        self.input_shape, self.framing = (self._base or engine).input_shape, card.framing
        self._check_card(engine)
        self._pass_size = pass_size(self.input_shape)
        self.classes, self.views = [*card.classes], card.views
        self.temperature = card.temperature or 1.0  # 1 : les probabilités du réseau
        self._is_digit, self._is_grey = self.framing == "digit", len(self.input_shape) == 2
        self._ground = card.own.ground if card.own else "any"
        self.glance = None if self._is_grey or self._base else card.glance
        self._lender: Classifier | None = None  # voir `borrow`

    def _count_engine_threads(self, alone: bool) -> int:
        """Rend le nombre de fils d'un moteur ; une image seule, si elle est grande, en a plus."""
        side = self.card.input_shape[0] if self.card.input_shape else None
        is_large = (side or 0) >= ALONE_PX  # None : un côté quelconque
        return min(self.num_threads, MAX_ALONE_THREADS) if alone and is_large else 1

    def _first_engine(self) -> "Engine | NativeEngine":
        """Rend le premier moteur ; il dit si l'export se lit."""
        try:
            return self._new_engine()
        except (ValueError, RuntimeError) as error:
            raise ValueError(
                f"{printable(self.slug)}.tflite n'est pas un modèle LiteRT lisible. {RETRIEVE}"
            ) from error

    def _check_card(self, engine: "Engine | NativeEngine") -> None:
        """Vérifie qu'un export répond par une classe, et que sa fiche le décrit bien."""
        card, shown = self.card, printable(self.slug)
        if engine.output_rank != 2:
            raise ValueError(
                f"{shown} ne répond pas par une classe : ./predict ne sait pas le lire. "
                f"Lancez plutôt python -m exercises.{card.exercise}"
            )
        if card.input_shape != self.input_shape or len(card.classes) != engine.num_outputs:
            raise ValueError(
                f"{shown}.json ne décrit pas {shown}.tflite : images {[*self.input_shape]} et "
                f"{agreed(engine.num_outputs, 'classe attendue', 'classes attendues')}. "
                "Reprenez les deux fichiers du même entraînement."
            )

    def _new_engine(self) -> "Engine | NativeEngine":
        """Rend un moteur ; il se passe de NumPy si le modèle le permet."""
        card, num_threads = self.card, self._engine_threads
        simple = card.framing == FRAMING and not card.base and not card.own
        if simple:
            with contextlib.suppress(ImportError):  # un Python sans ctypes
                from convnets.serving.native import native_engine

                native = native_engine(self._content, num_threads=num_threads)
                if native:
                    return native
        return self._shared_engine(num_threads)

    def _shared_engine(self, num_threads: int) -> Engine:
        """Rend un moteur qui partage le contenu de l'export avec les autres."""
        self._content = bytes(self._content)
        if not self.card.own:
            return Engine(self._content, num_threads=num_threads)
        from convnets.serving.own import OwnEngine

        own = self.card.own
        return OwnEngine(
            self._content, scale=own.scale, answers=own.answers, num_threads=num_threads
        )

    def _load_base(self, path: Path, head_shape: tuple[int, ...]) -> Engine:
        base = None
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            base = Engine(path.read_bytes(), num_threads=self.num_threads)
        if base is None or (base.num_outputs,) != head_shape:
            raise FileNotFoundError(
                f"Le modèle {printable(self.slug)} demande sa base {BASE_NAME}, absente du cache "
                f"ou abîmée ({path}). Effacez-la si elle y est, puis lancez une fois : "
                f"python -m exercises.{self.card.exercise} --prepare"
            )
        return base

    def prepare(self, source) -> "np.ndarray":
        """Lit une image et l'amène à la forme que le modèle attend.

        Args:
            source: chemin, ou fichier binaire ouvert.

        Returns:
            Tableau uint8 `input_shape`, `(h, w, 3)` en couleur ou `(h, w)` en gris.

        Raises:
            FileNotFoundError, ValueError: image absente ou illisible, dit en français.
        """
        return prepare(source, self.input_shape, framing=self.framing, ground=self._ground)

    def predict(self, images: "np.ndarray") -> "np.ndarray":
        """Rend les probabilités de chaque classe, une vue par image.

        Args:
            images: uint8 `(n, *input_shape)`.

        Returns:
            Probabilités float32 `(n, classes)`, de somme 1 par ligne, étalonnées si le compte
            rendu donne une température.
        """
        if self._engine is None:
            self._engine = self._shared_engine(self.num_threads)
        return self._predict(images, self._engine)[0]

    def _predict(
        self, images: "np.ndarray", engine: Engine
    ) -> "tuple[np.ndarray, np.ndarray | None]":
        """Rend les probabilités `(n, classes)`, et les familiarités `(n, 1)` s'il y en a."""
        if self._base:  # (n, c), les caractéristiques
            images, _ = answer_in_passes(self._base, images, BASE_BATCH_SIZE)
        probabilities, scores = answer_in_passes(engine, images, self._pass_size)
        if self.temperature == 1:
            return probabilities, scores
        from convnets.serving.calibration import soften

        return soften(probabilities, self.temperature).astype("float32"), scores

    def classify(self, paths: Sequence[str]) -> Iterator[Result]:
        """Classe des images, dans l'ordre, par lots (`split`).

        Args:
            paths: chemins, ou fichiers ouverts en binaire ; `"-"` lit l'entrée standard.

        Yields:
            Un `Result` par chemin. Une image illisible n'arrête pas les autres.
        """
        return classify_in_threads(paths, self, num_threads=self.num_threads)

    def read(self, source) -> "Look":
        """Lit une image, pour `ask`.

        Args:
            source: chemin, ou fichier ouvert en binaire.

        Raises:
            FileNotFoundError, ValueError: image absente ou illisible, dit en français.
        """
        from convnets.serving.look import Look

        if self._is_digit:
            from PIL import Image

            return Look(Image.fromarray(self.prepare(source)))
        from convnets.core.images import open_image
        from convnets.serving.images import decoded_side

        return Look(open_image(source, min_side_px=decoded_side(max(self.input_shape[:2]))))

    def ask(self, look: "Look") -> Asked:
        """Dit ce qu'il reste à demander à ce réseau d'une image que `read` a rendue.

        S'il commence par un coup d'œil, il le jette ici, puis, s'il n'en est pas sûr, sur la
        première vue : la familiarité est alors la moyenne des deux. Dès qu'une réponse suffit, il
        ne reste rien à demander.
        """
        glanced = self.glance_at(look)
        asked = Asked(self, [], glanced, several=look.several, is_divided=look.is_divided)
        asked = asked._replace(unlike=self._unlike(look))
        if glanced is None:
            return asked._replace(views=self.views_of(look))
        if self.suffices(glanced):
            return asked
        first, *others = self.views_of(look)
        (row,) = self.answer([first])
        if row.familiarity is not None:
            row = row._replace(familiarity=(glanced.familiarity + row.familiarity) / 2)
        if self.suffices(row):
            return asked._replace(glanced=row)
        return asked._replace(views=others, seen=[row])

    def _unlike(self, look: "Look") -> str:
        """Rend la sorte d'une image, si ce réseau n'a rien appris de tel ; voir `Look.unlike`."""
        if self.card.own or self._is_digit:
            return ""
        unlike = look.unlike(self.input_shape)
        if self.card.familiarity is None or self._lender:
            return unlike
        # Un réseau publié sait douter des autres images : sa familiarité y a été mesurée.
        return unlike if unlike == (PHOTOGRAPH if self._is_grey else GREY) else ""

    def borrow(self, lender: "Classifier") -> None:
        """Prend la familiarité d'un autre réseau, qui a appris les mêmes images."""
        self._lender = lender
        self.card = self.card._replace(familiarity=lender.card.familiarity)

    def glance_at(self, look: "Look") -> Row | None:
        """Rend la réponse à l'image entière, réduite ; None si ce réseau n'a pas de coup d'œil.

        D'une image longue, c'est la réponse la plus sûre de celles aux carrés qui la couvrent.
        """
        if not self.glance:
            return None
        from convnets.serving.images import long_squares

        if look.glanced is None:
            squares = long_squares(look.image) or [look.image]
            views = [self.glance_of(square) for square in squares]
            rows = self.answer(views, side_px=self.glance.side_px)
            # Un morceau d'objet ressemble souvent à un vêtement : un objet l'emporte.
            objects = [row for row in rows if not names_garment(self.card, row.probabilities)]
            look.glanced = max(objects or rows, key=lambda row: max(row.probabilities))
            look.square = squares[rows.index(look.glanced)]
            sure = [row for row in objects if max(row.probabilities) >= self.glance.sure]
            look.is_divided = len({best(row.probabilities) for row in sure}) > 1
        return look.glanced

    def suffices(self, glanced: Row) -> bool:
        """Dit si un coup d'œil suffit : il est sûr, et ne voit pas un vêtement."""
        is_sure = max(glanced.probabilities) >= self.glance.sure
        return is_sure and not names_garment(self.card, glanced.probabilities)

    def views_of(self, look: "Look") -> list[bytes]:
        """Rend les vues d'une image que `read` a rendue, chacune en octets, pour `answer`."""
        if self._is_digit:
            return [look.image.tobytes()]
        if self._is_grey:
            known = {"framing": self.framing, "ground": self._ground}
            return [grey_square(look, self.input_shape, **known).tobytes()]
        from convnets.serving.images import squares

        return [
            view.tobytes() for view in squares(look.square, _size(self.input_shape), self.views)
        ]

    def glance_of(self, image: "Image.Image") -> bytes:
        """Rend l'image entière, au côté du coup d'œil, en octets."""
        from convnets.serving.images import squares

        return squares(image, self.glance.side_px, [(self.framing, 1.0)])[0].tobytes()

    def answer(self, views: list[bytes], *, side_px: int | None = None) -> list[Row]:
        """Rend les probabilités étalonnées de chaque vue, et sa familiarité si elle est mesurée.

        Un moteur libre fait le calcul ; s'il n'y en a pas, un nouveau est chargé.

        Args:
            views: octets de tableaux uint8 `input_shape`.
            side_px: leur côté, si ce n'est pas celui d'`input_shape`.
        """
        if not views:
            return []
        rows = self._answer(views, side_px)
        if self._lender is None:
            return rows
        lent = self._lender.answer(views)
        return [
            row._replace(familiarity=other.familiarity)
            for row, other in zip(rows, lent, strict=True)
        ]

    def _answer(self, views: list[bytes], side_px: int | None) -> list[Row]:
        """Fait ce que `answer` dit, sans rien emprunter ; il y a au moins une vue."""
        with self._turn:
            try:
                engine = self._free.pop()
            except IndexError:
                engine = self._new_engine()
            try:
                if isinstance(engine, Engine):
                    import numpy as np

                    shape = (side_px, side_px, 3) if side_px else self.input_shape
                    x = np.frombuffer(b"".join(views), np.uint8).reshape(-1, *shape)
                    probabilities, scores = self._predict(x, engine)
                    scores = [None] * len(x) if scores is None else scores[:, 0].tolist()
                    return [*map(Row, probabilities.tolist(), scores)]
                size = self._pass_size
                starts = range(0, len(views), size)
                parts = [engine.answer(views[i : i + size], side_px=side_px) for i in starts]
                rows = [Row(*row) for part in parts for row in part]
            finally:
                self._free.append(engine)
        if self.temperature == 1:
            return rows
        return [row._replace(probabilities=self._soften(row.probabilities)) for row in rows]

    def _soften(self, probabilities: Sequence[float]) -> list[float]:
        """Fait comme `calibration.soften`, sans NumPy."""
        powers = [probability ** (1 / self.temperature) for probability in probabilities]
        return [power / sum(powers) for power in powers]
