"""Un modèle exporté, chargé par LiteRT, et ce qu'il répond à des images.

Ce que `./predict` (`command.py`) sert depuis un terminal, et que l'explication, le banc de
mesure et les tests prennent ici. Ce module n'importe le moteur, NumPy et Pillow que s'il s'en sert.
"""

import contextlib
import math
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from convnets.core.cli import agreed, printable
from convnets.core.paths import BASE_NAME, MODELS_DIR
from convnets.serving.card import FRAMING, RETRIEVE, Card, read_card
from convnets.serving.engine import BASE_BATCH_SIZE, PASS_SIZE, Engine, answer_in_passes

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    from convnets.serving.native import NativeEngine

DEFAULT_MODEL = "thumbnails"
PHOTO_MODEL = "photos"  # celui des photos, quand on n'en demande pas un ; voir `router`
GARMENT_MODEL = "garments"  # celui des vêtements découpés
BATCH_SIZE = 32  # images d'un lot, au plus, et que les fils se partagent ; voir `split`
ALONE_PX = 64  # à partir de ce côté, des fils de plus rapportent à une image seule
MAX_ALONE_THREADS = 4  # au-delà, non mesuré
MIN_POOLED = 1e-9  # d'une probabilité, pour qu'aucun produit ne soit nul
PENDING_BYTES = 256 * 32 * 32 * 3  # de vues lues avant de les calculer : quatre photos


class Result(NamedTuple):
    """Ce que l'on sait d'une image : ses probabilités, ou la raison de l'échec."""

    path: str
    probabilities: "Sequence[float] | None"  # (classes,) dans [0, 1]
    error: str | None
    classifier: "Classifier | None" = None  # celui qui a répondu
    familiarity: float | None = None  # plus grande pour une image plus familière
    several: bool = False  # le fichier contient d'autres images, qui ne sont pas lues

    @property
    def familiar(self) -> bool:
        """Faux si l'image ne ressemble à rien de ce que le modèle a appris.

        Faux aussi pour un vêtement dont le modèle n'est pas assez sûr ; vrai pour tout le reste, si
        le modèle ne mesure pas la familiarité (docs/familiarite.md).
        """
        if self.is_garment and max(self.probabilities) < self.classifier.card.garments.sure:
            return False
        threshold = self.classifier.card.familiarity if self.classifier else None
        return None in (threshold, self.familiarity) or self.familiarity >= threshold

    @property
    def is_garment(self) -> bool:
        """Vrai pour un vêtement d'un réseau qui ne nomme pas que des vêtements."""
        return self.classifier is not None and _names_garment(
            self.classifier.card, self.probabilities
        )

    @property
    def best(self) -> int:
        """Numéro de la classe la plus probable."""
        return _best(self.probabilities)


def prepare(source, input_shape: tuple[int, ...], *, framing: str = FRAMING) -> "np.ndarray":
    """Lit une image et l'amène à la forme qu'un modèle attend.

    Args:
        source: chemin, ou fichier binaire ouvert.
        input_shape: `(h, w, 3)`, ou `(h, w)` pour un modèle en gris.
        framing: ce que le compte rendu du modèle en dit : `"crop"`, `"squash"` ou `"digit"`.

    Returns:
        Tableau uint8 `input_shape`.

    Raises:
        FileNotFoundError, ValueError: image absente ou illisible, dit en français.
    """
    if framing == "digit":  # trouver le chiffre, plutôt que cadrer l'image
        from convnets.serving.digits import read_digit

        return read_digit(source)
    import numpy as np

    from convnets.core.images import open_image
    from convnets.serving.images import decoded_side, squares

    image = open_image(source, min_side_px=decoded_side(max(input_shape[:2])))
    if len(input_shape) == 2:
        return grey_square(image, input_shape, framing=framing)
    return np.array(squares(image, _size(input_shape), [(framing, 1.0)])[0])


def _size(input_shape: tuple[int, ...]) -> "int | tuple[int, int]":
    """Rend le côté d'un carré, ou la largeur et la hauteur d'un rectangle."""
    height, width = input_shape[:2]
    return height if height == width else (width, height)


def grey_square(
    image: "Image.Image", input_shape: tuple[int, int], *, framing: str = FRAMING
) -> "np.ndarray":
    """Rend une image en gris, uint8 `input_shape` : son vêtement, si le fond s'enlève.

    Un réseau appris ailleurs (`"squash"`) lit l'image telle quelle.
    """
    import numpy as np

    from convnets.serving.garments import garment_square
    from convnets.serving.images import squares

    if framing == "squash":
        return np.array(squares(image, _size(input_shape), [(framing, 1.0)])[0].convert("L"))
    side_px = input_shape[0]
    garment = None if min(image.size) <= side_px else garment_square(image, side_px)
    if garment is not None:
        return np.array(garment)
    pixels = np.array(squares(image, side_px, [(framing, 1.0)])[0])
    # Luma de la norme UIT-R BT.601, celle de Pillow.
    grey = (pixels @ [0.299, 0.587, 0.114]).round().astype("uint8")
    border = [*grey[0], *grey[-1], *grey[:, 0], *grey[:, -1]]
    # MNIST et Fashion-MNIST sont clairs sur fond noir : un fond clair est inversé.
    return 255 - grey if sorted(border)[len(border) // 2] > 127 else grey


def split(paths: Sequence[str], num_workers: int) -> list[Sequence[str]]:
    """Partage des images en lots d'au plus `BATCH_SIZE`, à prendre l'un après l'autre.

    Les premiers lots sont petits, puis grandissent : une réponse vient vite, et les fils ne lisent
    pas tous leurs images au même moment. Les derniers diminuent, pour que les fils finissent
    ensemble.

    Args:
        paths: les images, en quelque nombre que ce soit.
        num_workers: fils qui se les partagent ; à un seul, des lots entiers.
    """
    groups, start, size = [], 0, BATCH_SIZE
    while start < len(paths):
        if num_workers > 1:
            near = min(start + BATCH_SIZE, len(paths) - start)
            size = min(BATCH_SIZE, math.ceil(near / (2 * num_workers)))
        groups.append(paths[start : start + size])
        start += size
    return groups


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
        side = card.input_shape[0] if card.input_shape else None  # None : un côté quelconque
        several = alone and (side or 0) >= ALONE_PX
        self._engine_threads = min(self.num_threads, MAX_ALONE_THREADS) if several else 1
        shown = printable(slug)
        try:
            engine = self._new_engine()
        except (ValueError, RuntimeError) as error:
            raise ValueError(
                f"{shown}.tflite n'est pas un modèle LiteRT lisible. {RETRIEVE}"
            ) from error
        self._free = [engine]  # les moteurs dont personne ne se sert
        self._engine: Engine | None = None  # celui de `predict`, sur tous les cœurs
        self._base = self._load_base(card.base, engine.input_shape) if card.base else None
        self._turn = contextlib.nullcontext()
        if self._base:  # trop grande pour être chargée plusieurs fois : à chacun son tour
            from threading import Lock

            self._turn = Lock()
        self.input_shape, self.framing = (self._base or engine).input_shape, card.framing
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
        num_pixels = self.input_shape[0] * self.input_shape[1]
        self._pass_size = max(1, min(PASS_SIZE, PASS_SIZE * 32**2 // num_pixels))
        self.classes, self.views = [*card.classes], card.views
        self.temperature = card.temperature or 1.0  # 1 : les probabilités du réseau
        self._is_digit, self._is_grey = self.framing == "digit", len(self.input_shape) == 2
        self.glance = None if self._is_grey or self._base else card.glance

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

        scale, answers = self.card.own
        return OwnEngine(self._content, scale=scale, answers=answers, num_threads=num_threads)

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
        return prepare(source, self.input_shape, framing=self.framing)

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

    def read(self, source) -> "Image.Image | np.ndarray":
        """Lit une image, pour `views_of`.

        Args:
            source: chemin, ou fichier binaire ouvert.

        Raises:
            FileNotFoundError, ValueError: image absente ou illisible, dit en français.
        """
        if self._is_digit:
            return self.prepare(source)
        from convnets.core.images import open_image
        from convnets.serving.images import decoded_side

        return open_image(source, min_side_px=decoded_side(max(self.input_shape[:2])))

    def choose(self, image) -> "Classifier":
        """Rend le modèle qui répondra à une image : lui-même (voir `router.Router`)."""
        return self

    def reconsider(self, image, glanced: list[float]) -> "tuple | None":
        """Rend un autre modèle et sa réponse, qui convient mieux : jamais (voir `Router`)."""
        return None

    def views_of(self, image: "Image.Image | np.ndarray") -> list[bytes]:
        """Rend les vues d'une image que `read` a rendue, chacune en octets, pour `answer`."""
        if self._is_digit:
            return [image.tobytes()]
        if self._is_grey:
            return [grey_square(image, self.input_shape, framing=self.framing).tobytes()]
        from convnets.serving.images import squares

        return [view.tobytes() for view in squares(image, _size(self.input_shape), self.views)]

    def glance_of(self, image: "Image.Image") -> bytes:
        """Rend l'image entière, au côté du coup d'œil, en octets."""
        from convnets.serving.images import squares

        return squares(image, self.glance.side_px, [(self.framing, 1.0)])[0].tobytes()

    def shows_garment(self, probabilities: Sequence[float]) -> bool:
        """Dit si une image est plutôt un vêtement, pour un réseau qui nomme aussi des objets."""
        garments = self.card.garments
        return garments is not None and sum(probabilities[garments.first :]) >= 0.5

    def answer(
        self, views: list[bytes], *, side_px: int | None = None
    ) -> list[tuple[list[float], float | None]]:
        """Rend les probabilités étalonnées de chaque vue, et sa familiarité si elle est mesurée.

        Un moteur libre fait le calcul ; s'il n'y en a pas, un nouveau est chargé.

        Args:
            views: octets de tableaux uint8 `input_shape`.
            side_px: leur côté, si ce n'est pas celui d'`input_shape`.
        """
        if not views:
            return []
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
                    return [*zip(probabilities.tolist(), scores, strict=True)]
                size = self._pass_size
                starts = range(0, len(views), size)
                parts = [engine.answer(views[i : i + size], side_px=side_px) for i in starts]
                rows = [row for part in parts for row in part]
            finally:
                self._free.append(engine)
        if self.temperature == 1:
            return rows
        powers = [([p ** (1 / self.temperature) for p in row], score) for row, score in rows]
        return [([p / sum(row) for p in row], score) for row, score in powers]


def classify_in_threads(
    paths: Sequence[str], model: "Classifier", *, num_threads: int
) -> Iterator[Result]:
    """Classe des images, dans l'ordre, par lots que des fils se partagent (`split`).

    Args:
        paths: chemins, ou fichiers ouverts en binaire ; `"-"` lit l'entrée standard.
        model: ce qui lit une image (`read`), et rend le `Classifier` qui y répond (`choose`).
        num_threads: nombre de fils.

    Yields:
        Un `Result` par chemin. Une image illisible n'arrête pas les autres.
    """
    num_workers = min(num_threads, len(paths))
    groups = split(paths, num_workers)
    if num_workers < 2:
        for group in groups:
            yield from _classify_group(group, model)
        return
    from collections import deque
    from concurrent.futures import ThreadPoolExecutor
    from queue import SimpleQueue
    from threading import Event

    from convnets.core.memory import return_big_pictures

    return_big_pictures()
    # Chaque fil lit son lot puis le calcule avec un moteur à un fil, sans attendre les
    # autres : des lecteurs à part se disputeraient Python et les cœurs.
    # La file est bornée, pour que la mémoire ne dépende pas du nombre d'images.
    pool, pending, stopped = ThreadPoolExecutor(num_workers), deque(), Event()

    def answer(group: Sequence[str], results: SimpleQueue) -> None:
        try:
            for result in _classify_group(group, model, stopped.is_set):
                results.put(result)  # chacun aussitôt, sans attendre la fin du lot
        finally:
            results.put(None)

    def finish_first() -> Iterator[Result]:
        work, results = pending.popleft()
        yield from iter(results.get, None)
        work.result()  # l'exception de son fil, s'il y en a eu une

    try:
        for group in groups:
            results = SimpleQueue()
            pending.append((pool.submit(answer, group, results), results))
            if len(pending) > 2 * num_workers:
                yield from finish_first()
        while pending:
            yield from finish_first()
    finally:  # Ctrl-C n'attend ni les lots en file, ni la fin de ceux qui sont commencés
        stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _classify_group(
    paths: Sequence[str], model: "Classifier", stopped=lambda: False
) -> Iterator[Result]:
    """Lit un lot et le calcule, `PENDING_BYTES` de vues à la fois ; s'arrête sur demande."""
    read, num_bytes = [], 0
    for path in paths:
        if stopped():
            return
        read.append(_read_views(path, model))
        num_bytes += sum(map(len, read[-1][2]))
        if num_bytes >= PENDING_BYTES or not num_bytes:  # rien à attendre : un coup d'œil a suffi
            yield from _answer_group(read)
            read, num_bytes = [], 0
    yield from _answer_group(read)


def _read_views(path: str, model: "Classifier") -> tuple:
    """Lit une image : `(chemin, modèle, vues, coup d'œil, erreur, several)`, voir `Result`.

    Le coup d'œil est la réponse à l'image entière, réduite ; None si le modèle n'en a pas. Si cette
    réponse est sûre, et que ce n'est pas un vêtement, il n'y a pas de vue.
    """
    from convnets.core.decoding import MEMORY

    source = sys.stdin.buffer if path == "-" else path
    with MEMORY:  # rendue quand l'image décodée, que `_prepare_views` oublie, n'est plus là
        return path, *_prepare_views(source, model)


def _prepare_views(source, model: "Classifier") -> tuple:
    try:
        image = model.read(source)
    except (ValueError, OSError) as error:
        return None, [], None, str(error), False
    classifier, several = model.choose(image), getattr(image, "info", {}).get("several", False)
    glanced = None
    if classifier.glance:
        view, side_px = classifier.glance_of(image), classifier.glance.side_px
        (glanced,) = classifier.answer([view], side_px=side_px)
        if found := model.reconsider(image, glanced[0]):
            return found[0], [], found[1], None, several
        is_garment = _names_garment(classifier.card, glanced[0])
        if max(glanced[0]) >= classifier.glance.sure and not is_garment:
            return classifier, [], glanced, None, several
    return classifier, classifier.views_of(image), glanced, None, several


def _answer_group(read: Sequence[tuple]) -> list[Result]:
    """Rend la réponse à chaque image que `_read_views` a lue, un appel par modèle."""
    together: dict[Classifier, list[bytes]] = {}
    for _, classifier, views, *_ in read:
        if views:
            together.setdefault(classifier, []).extend(views)
    rows = {classifier: iter(classifier.answer(views)) for classifier, views in together.items()}
    results = []
    for path, classifier, views, glanced, error, several in read:
        if error:
            results.append(Result(path, None, error))
            continue
        own = [next(rows[classifier]) for _ in views]
        probabilities, familiarity = _conclude(classifier, own, glanced) if own else glanced
        results.append(Result(path, probabilities, None, classifier, familiarity, several))
    return results


def _conclude(classifier: Classifier, own: list[tuple], glanced: tuple | None) -> tuple:
    """Rend les probabilités et la familiarité d'une image, d'après ses vues et le coup d'œil.

    La familiarité est celle de l'image entière, la première vue : c'est d'elle, ou du coup d'œil
    s'il a suffi, que le seuil a été fixé. Un vêtement compte aussi le coup d'œil, et par une
    moyenne géométrique : il suffit qu'une vue écarte une classe. Un objet où les trois regards
    voient plutôt un vêtement n'est pas familier (docs/predire.md).
    """
    seen, (_, familiarity) = [each for each, _ in own], own[0]
    probabilities = _average(seen)
    if classifier.card.garments is None or glanced is None:
        return probabilities, familiarity
    seen.append(glanced[0])
    sure = max(glanced[0]) >= classifier.glance.sure  # d'un vêtement
    if sure or _names_garment(classifier.card, probabilities):
        columns = zip(*seen, strict=True)
        products = [math.prod(max(p, MIN_POOLED) for p in column) for column in columns]
        means = [product ** (1 / len(seen)) for product in products]
        return [mean / sum(means) for mean in means], familiarity
    if classifier.shows_garment(_average(seen)):
        familiarity = -math.inf
    return probabilities, familiarity


def _average(rows: Sequence[Sequence[float]]) -> list[float]:
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def _best(probabilities: Sequence[float]) -> int:
    return max(range(len(probabilities)), key=probabilities.__getitem__)


def _names_garment(card: Card, probabilities: Sequence[float]) -> bool:
    return card.garments is not None and _best(probabilities) >= card.garments.first
