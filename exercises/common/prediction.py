"""`./predict` : nommer ce que montrent des images, vite et sans TensorFlow.

Ce module et ce qu'il importe se limitent à Pillow, NumPy et LiteRT, et n'importent le
moteur qu'une fois les arguments vérifiés. `python -m exercises.common.prediction` fait la
même chose que `./predict`, là où un script `sh` ne se lance pas.
"""

import os

# Avant NumPy : OpenBLAS n'a rien à calculer ici, et ses fils coûtent au démarrage.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import contextlib
import errno
import gc
import json
import math
import signal
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from exercises.common.cli import (
    FrenchParser,
    percent,
    positive_int,
    printable,
    reason,
    reserve_stderr,
)
from exercises.common.storage import MODELS_DIR, read_sidecar

if TYPE_CHECKING:
    import numpy as np

    from exercises.common.native import NativeEngine

DEFAULT_MODEL = "ex03_cifar10"
BATCH_SIZE = 128  # images lues à la suite, quand il y en a plusieurs
FIRST_SIZE = 32  # que les fils se partagent pour commencer ; voir `split`
PROGRESS_STEP = 32  # images d'un compte affiché au suivant
PASS_SIZE = 8  # vues par passe du moteur : au-delà, ses cartes débordent des caches
BASE_BATCH_SIZE = 16  # de même pour une base comme InceptionV3, dont les cartes sont grandes
# Des extensions que Pillow déclare sans savoir lire ce qu'elles désignent.
NOT_IMAGES = frozenset(".pdf .palm .mpg .mpeg .h5 .hdf .grib .bufr".split())
UNSURE = "Indéterminé"
# Méthodes de --explain (exercises/explain.py), et si elles dérivent le réseau, avec Keras.
EXPLANATIONS = {
    "grad_cam": True, "grad_cam_plus_plus": True, "saliency": True, "smooth_grad": True,
    "integrated_gradients": True, "occlusion": False, "lime": False,
}  # fmt: skip
FRAMING = "crop"  # carré central (docs/cadrage.md), si le compte rendu n'en dit pas un autre


class Result(NamedTuple):
    """Ce que l'on sait d'une image : ses probabilités, ou la raison de l'échec."""

    path: str
    probabilities: "Sequence[float] | None"  # (classes,) dans [0, 1]
    error: str | None

    @property
    def best(self) -> int:
        """Numéro de la classe la plus probable."""
        return max(range(len(self.probabilities)), key=self.probabilities.__getitem__)


class Engine:
    """Un export LiteRT chargé en mémoire.

    Args:
        content: contenu d'un fichier `.tflite` à une entrée et une sortie, lot variable.
        num_threads: fils de calcul, un par cœur par défaut.

    Raises:
        ValueError, RuntimeError: ce n'en est pas un.
    """

    def __init__(self, content: bytes, *, num_threads: int | None = None):
        from ai_edge_litert.interpreter import Interpreter

        # Le contenu et non le chemin : LiteRT ne lit pas tous les chemins.
        self._interpreter = Interpreter(
            model_content=content, num_threads=num_threads or os.cpu_count()
        )
        inputs = self._interpreter.get_input_details()[0]
        outputs = self._interpreter.get_output_details()[0]
        self._input, self._output = inputs["index"], outputs["index"]
        self.input_shape: tuple[int, ...] = tuple(inputs["shape_signature"][1:].tolist())
        self.num_outputs = int(outputs["shape_signature"][-1])
        self.output_rank = len(outputs["shape_signature"])  # 2 : une probabilité par classe
        self._batch_size = 0

    def predict(self, x: "np.ndarray") -> "np.ndarray":
        """Rend la sortie `(n, num_outputs)` pour une entrée `(n, *input_shape)`."""
        if len(x) != self._batch_size:
            self._interpreter.resize_tensor_input(self._input, x.shape)
            self._interpreter.allocate_tensors()
            self._batch_size = len(x)
        self._interpreter.set_tensor(self._input, x)
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output)

    def answer(self, images: Sequence[bytes]) -> list[list[float]]:
        """`predict`, pour les octets d'images uint8 (comme `NativeEngine.answer`)."""
        return self.predict(_to_array(images, self.input_shape)).tolist()


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
        from exercises.common.digits import read_digit

        return read_digit(source)
    import numpy as np

    from exercises.common.images import read_squares

    pixels = np.array(read_squares(source, input_shape[0], [(framing, 1.0)])[0])
    return pixels if len(input_shape) == 3 else _to_grey(pixels)


def _to_array(images: Sequence[bytes], shape: tuple[int, ...]) -> "np.ndarray":
    import numpy as np

    return np.frombuffer(b"".join(images), np.uint8).reshape(-1, *shape)


def _to_grey(pixels: "np.ndarray") -> "np.ndarray":
    # Luma de la norme UIT-R BT.601, celle de Pillow.
    grey = (pixels @ [0.299, 0.587, 0.114]).round().astype("uint8")
    border = [*grey[0], *grey[-1], *grey[:, 0], *grey[:, -1]]
    # MNIST et Fashion-MNIST sont clairs sur fond noir : un fond clair est inversé.
    return 255 - grey if sorted(border)[len(border) // 2] > 127 else grey


def _predict_in_passes(engine: Engine, x: "np.ndarray", size: int) -> "np.ndarray":
    import numpy as np

    return np.concatenate([engine.predict(x[i : i + size]) for i in range(0, len(x), size)])


def split(paths: Sequence[str], num_workers: int) -> list[Sequence[str]]:
    """Partage des images en lots d'au plus `BATCH_SIZE`, à prendre l'un après l'autre.

    Les premiers grandissent : une réponse vient vite, et les fils, partis ensemble, ne lisent pas
    toujours en même temps, en se disputant Python. Les derniers diminuent : tous finissent
    ensemble.

    Args:
        paths: les images, en quelque nombre que ce soit.
        num_workers: fils qui se les partagent ; à un seul, des lots de `FIRST_SIZE`.
    """
    groups, start = [], 0
    while start < len(paths):
        size = FIRST_SIZE
        if num_workers > 1:
            near = min(start + FIRST_SIZE, len(paths) - start)
            size = min(BATCH_SIZE, math.ceil(near / (2 * num_workers)))
        groups.append(paths[start : start + size])
        start += size
    return groups


class Classifier:
    """Un modèle exporté, prêt à prédire avec LiteRT.

    Quand le compte rendu décrit une base (`"base"`), le modèle n'est que la tête posée
    dessus : chaque image passe par l'export de la base, rangé dans le cache, puis par elle.

    Args:
        slug: nom du modèle, par exemple `"ex03_cifar10"`.
        models_dir: dossier qui contient `slug.tflite` et `slug.json`.
        num_threads: fils de calcul, un par cœur par défaut.

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
    ):
        name = f"{slug}.tflite"
        path = Path(models_dir) / name
        content = path.read_bytes() if path.exists() else None
        self.report = read_sidecar(slug, models_dir=models_dir, only=name, content=content)
        self._content = content
        self.num_threads = num_threads or os.cpu_count() or 1
        try:
            engine = self._new_engine()
        except (ValueError, RuntimeError) as error:
            raise ValueError(
                f"{name} n'est pas un modèle LiteRT lisible. Remettez celui du dépôt, "
                f"ou réentraînez : python -m exercises.{slug} --force"
            ) from error
        self._free = [engine]  # les moteurs à un fil dont personne ne se sert
        self._engine: Engine | None = None  # celui de `predict`, sur tous les cœurs
        self._base = self._load_base(slug, engine.input_shape) if "base" in self.report else None
        self._turn = contextlib.nullcontext()
        if self._base:  # trop grande pour être chargée plusieurs fois : à chacun son tour
            from threading import Lock

            self._turn = Lock()
        self.input_shape = (self._base or engine).input_shape
        self.classes: list[str] = self.report.get("classes_fr", [])
        self.framing: str = self.report.get("framing", FRAMING)
        self.views = [tuple(view) for view in self.report.get("views", [[self.framing, 1.0]])]
        self.temperature: float = self.report.get("calibration", {}).get("temperature", 1.0)
        if engine.output_rank != 2:
            raise ValueError(
                f"{slug} ne répond pas par une classe : ./predict ne sait pas le lire. "
                f"Lancez plutôt python -m exercises.{slug}"
            )
        expected = engine.num_outputs
        if self.report.get("input_shape") != [*self.input_shape] or not (
            isinstance(self.classes, list) and len(self.classes) == expected
        ):
            raise ValueError(
                f"{slug}.json ne décrit pas {name} : images {[*self.input_shape]} et {expected} "
                "classes attendues. Reprenez les deux fichiers du même entraînement."
            )
        if not isinstance(self.temperature, int | float) or self.temperature <= 0:
            raise ValueError(f"{slug}.json donne une température qui n'en est pas une.")

    def _new_engine(self) -> "Engine | NativeEngine":
        """Rend un moteur à un fil, sans NumPy si le modèle, à images en couleurs, s'y prête."""
        in_color = len(self.report.get("input_shape", ())) == 3
        if in_color and not self.report.keys() & {"base", "framing"}:
            with contextlib.suppress(ImportError):  # un Python sans ctypes
                from exercises.common.native import native_engine

                native = native_engine(self._content)
                if native:
                    return native
        return Engine(self._content, num_threads=1)

    def _load_base(self, slug: str, head_shape: tuple[int, ...]) -> Engine:
        from exercises.common.pretrained import light_features_path

        path = light_features_path(self.report["base"])
        remedy = f"Lancez une fois : python -m exercises.{slug} --prepare"
        if not path.exists():
            raise FileNotFoundError(
                f"Le modèle {slug} demande sa base {self.report['base']['name']}, absente du "
                f"cache ({path}). {remedy}"
            )
        try:
            base = Engine(path.read_bytes(), num_threads=self.num_threads)
        except (ValueError, RuntimeError):
            base = None
        if base is None or (base.num_outputs,) != head_shape:
            raise ValueError(f"La base de {slug}, {path}, est abîmée. {remedy}")
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
            self._engine = Engine(self._content, num_threads=self.num_threads)
        probabilities = self._predict(images, self._engine)
        if self.temperature == 1:
            return probabilities
        from exercises.common.calibration import soften

        return soften(probabilities, self.temperature).astype("float32")

    def _predict(self, images: "np.ndarray", engine: Engine) -> "np.ndarray":
        if self._base:  # (n, c), les caractéristiques
            images = _predict_in_passes(self._base, images, BASE_BATCH_SIZE)
        return _predict_in_passes(engine, images, PASS_SIZE)

    def classify(self, paths: Sequence[str]) -> Iterator[Result]:
        """Classe des images, dans l'ordre, par lots (`split`).

        Args:
            paths: chemins, ou fichiers ouverts en binaire ; `"-"` lit l'entrée standard.

        Yields:
            Un `Result` par chemin. Une image illisible n'arrête pas les autres.
        """
        num_workers = min(self.num_threads, len(paths))
        groups = split(paths, num_workers)
        if num_workers < 2:
            for group in groups:
                yield from self._classify_group(group)
            return
        from collections import deque
        from concurrent.futures import ThreadPoolExecutor
        from threading import Event

        # Chaque fil lit son lot puis le calcule avec un moteur à un fil, sans attendre les
        # autres : des lecteurs à part se disputeraient Python et les cœurs.
        # La file est bornée, pour que la mémoire ne dépende pas du nombre d'images.
        pool, pending, stopped = ThreadPoolExecutor(num_workers), deque(), Event()
        try:
            for group in groups:
                pending.append(pool.submit(self._classify_group, group, stopped.is_set))
                if len(pending) > 2 * num_workers:
                    yield from pending.popleft().result()
            while pending:
                yield from pending.popleft().result()
        finally:  # Ctrl-C n'attend ni les lots en file, ni la fin de ceux qui sont commencés
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def _classify_group(self, paths: Sequence[str], stopped=lambda: False) -> list[Result]:
        """Lit un lot, puis le calcule avec un moteur libre ; s'arrête sur demande."""
        read = []
        for path in paths:
            if stopped():
                return []
            read.append(self._read_views(path))
        rows = iter(self._answer([view for _, views, _ in read for view in views]))
        results = []
        for path, views, error in read:
            own = [next(rows) for _ in views]
            mean = [sum(column) / len(own) for column in zip(*own, strict=True)]
            results.append(Result(path, mean or None, error))
        return results

    def _read_views(self, path) -> tuple:
        """Rend `(chemin, vues, erreur)` ; chaque vue, les octets d'un tableau `input_shape`."""
        source = sys.stdin.buffer if path == "-" else path
        try:
            if self.framing == "digit" or len(self.input_shape) == 2:
                return path, [self.prepare(source).tobytes()], None
            from exercises.common.images import read_squares

            squares = read_squares(source, self.input_shape[0], self.views)
        except (ValueError, OSError) as error:
            return path, [], str(error)
        return path, [square.tobytes() for square in squares], None

    def _answer(self, views: list[bytes]) -> list[list[float]]:
        """Rend les probabilités étalonnées de chaque vue, par un moteur libre, ou un nouveau."""
        if not views:
            return []
        with self._turn:
            try:
                engine = self._free.pop()
            except IndexError:
                engine = self._new_engine()
            try:
                if self._base:
                    rows = self._predict(_to_array(views, self.input_shape), engine).tolist()
                else:
                    starts = range(0, len(views), PASS_SIZE)
                    rows = [row for i in starts for row in engine.answer(views[i : i + PASS_SIZE])]
            finally:
                self._free.append(engine)
        if self.temperature == 1:
            return rows
        powers = [[p ** (1 / self.temperature) for p in row] for row in rows]
        return [[p / sum(row) for p in row] for row in powers]


# --- Ligne de commande -------------------------------------------------------------


def _parser() -> FrenchParser:
    parser = FrenchParser(
        prog="predict", description="Nomme ce que montre une image : Prédiction: Avion"
    )
    add = parser.add_argument
    add("paths", nargs="+", metavar="IMAGE",
        help="image, dossier d'images, ou - pour l'entrée standard")  # fmt: skip
    add("--top", type=positive_int, metavar="K", help="les K classes les plus probables")
    add("--threshold", type=_probability, default=0.0, metavar="P",
        help=f"dire {UNSURE} sous cette probabilité, de 0 à 1 (jamais par défaut)")  # fmt: skip
    add("--explain", type=Path, metavar="FIGURE",
        help="écrire aussi une figure de ce qui a décidé (une seule image)")  # fmt: skip
    add("--method", choices=[*EXPLANATIONS], default="grad_cam",
        help="méthode de --explain (grad_cam par défaut ; occlusion, lime : légères)")  # fmt: skip
    add("--json", action="store_true", help="un objet JSON par image et par ligne")
    add("--model", default=DEFAULT_MODEL, metavar="NOM",
        help=f"modèle de models/ ({DEFAULT_MODEL} par défaut)")  # fmt: skip
    return parser


def _probability(text: str) -> float:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"probabilité de 0 à 1 attendue, reçu {text!r}")
    return value


def _expand(paths: list[str]) -> tuple[list[str], list[str]]:
    """Remplace chaque dossier par ses images, sous-dossiers compris, dans l'ordre des noms.

    Returns:
        `(images, erreurs)` : les chemins, et une phrase par dossier vide ou illisible.
    """
    expanded: list[str] = []
    errors: list[str] = []

    def refuse(error: OSError) -> None:
        errors.append(f"{printable(error.filename)} : ce dossier ne peut pas être lu (chmod u+rx).")

    for path in paths:
        if path == "-" or not os.path.isdir(path):
            expanded.append(path)
            continue
        from PIL import Image

        num_errors = len(errors)
        found = [*_files(path, refuse)]
        extensions = [os.path.splitext(name)[1].lower() for name in found]
        Image.preinit()  # les formats courants ; les autres sont longs à charger
        rare = not Image.EXTENSION.keys() >= set(extensions)
        known = (Image.registered_extensions() if rare else Image.EXTENSION).keys() - NOT_IMAGES
        found = [name for name, extension in zip(found, extensions, strict=True)
                 if extension in known]  # fmt: skip
        if not found and len(errors) == num_errors:
            errors.append(f"{printable(path)} : aucune image dans ce dossier.")
        expanded += sorted(found)
    return expanded, errors


def _files(folder: str, refuse: Callable[[OSError], None]) -> Iterator[str]:
    """Rend les fichiers d'un dossier et de ses sous-dossiers, sans ceux qui sont cachés.

    Un tube ou un périphérique rangé là bloquerait tout : il est passé. Un lien mort est rendu, et
    sera signalé plus loin ; un lien vers un dossier n'est pas suivi.
    """
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        refuse(error)
        return
    for entry in visible:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path, refuse)
        elif entry.is_file(follow_symlinks=False) or (
            entry.is_symlink() and (os.path.isfile(entry) or not os.path.exists(entry))
        ):
            yield entry.path


def _line(result: Result, classifier: Classifier, options, *, alone: bool) -> str:
    classes, probabilities = classifier.classes, result.probabilities
    order = sorted(range(len(classes)), key=probabilities.__getitem__)[::-1][: options.top or 1]
    unsure = probabilities[order[0]] < options.threshold
    if options.json:
        top = [{"class": classes[i], "probability": round(float(probabilities[i]), 6)}
               for i in order]  # fmt: skip
        fields = {"path": result.path, **top[0]} | ({"class": None} if unsure else {})
        return json.dumps({**fields, "top": top} if options.top else fields)
    if unsure:
        names = UNSURE
    elif options.top:
        names = ", ".join(f"{classes[i]} ({percent(probabilities[i])})" for i in order)
    else:
        names = classes[order[0]]
    return f"Prédiction: {names}" if alone else f"{printable(result.path)}: Prédiction: {names}"


def _report_error(message: str) -> None:
    print(f"predict : {message}", file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Exécute `./predict`.

    Args:
        argv: arguments de la ligne de commande, sans le nom du programme.

    Returns:
        0 ; 1 si une image ou le modèle n'a pu être lu ; 2 pour un mauvais usage.
    """
    # De l'UTF-8, quelle que soit la langue du système.
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.reconfigure(encoding="utf-8", errors="surrogateescape", newline="\n")
    parser = _parser()
    options = parser.parse_args(argv)
    if options.paths.count("-") > 1:
        parser.error("l'entrée standard (-) ne se lit qu'une fois")
    alone = len(options.paths) == 1 and options.paths[0] != "-"
    if options.explain and (not alone or os.path.isdir(options.paths[0])):
        parser.error("--explain demande une seule image, dans un fichier")
    try:
        return _run(options)
    except KeyboardInterrupt:
        _report_error("interrompu.")
        return 130
    except BrokenPipeError:  # `./predict dossier | head` : plus personne ne lit
        _drop_stdout()
        return 141
    except ImportError as error:
        _report_error(f"le paquet {error.name} manque. Lancez la première commande du README.")
    except (ValueError, OSError) as error:
        if getattr(error, "errno", None) in {errno.ENOSPC, errno.EIO} and not error.filename:
            _drop_stdout()  # disque plein : Python réessaierait en sortant, et le dirait en anglais
        _report_error(reason(error))
    return 1


def _drop_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Progress:
    """Compteur sur la sortie d'erreur, si c'est un terminal et qu'il y a de quoi attendre."""

    def __init__(self, total: int):
        self.total, self.visible = total, False
        self.wanted = sys.stderr.isatty() and total > PROGRESS_STEP

    def erase(self) -> None:
        if self.visible:  # pour que rien ne s'écrive à sa suite
            print("\r\033[K", end="", file=sys.stderr, flush=True)
            self.visible = False

    def show(self, done: int) -> None:
        if self.wanted and done % PROGRESS_STEP == 0 and done < self.total:
            sys.stdout.flush()
            print(f"{done} images sur {self.total}", end="", file=sys.stderr, flush=True)
            self.visible = True


def _run(options) -> int:
    if options.model != os.path.basename(options.model) or options.model.startswith("."):
        raise ValueError(f"{options.model!r} n'est pas un nom de modèle, comme {DEFAULT_MODEL}.")
    if not (MODELS_DIR / f"{options.model}.tflite").exists():
        known = ", ".join(sorted(path.stem for path in MODELS_DIR.glob("*.tflite"))) or "aucun"
        raise FileNotFoundError(f"Pas de modèle {options.model} dans models/ (présents : {known}).")
    if options.explain:
        from exercises import explain

        explain.check_output(options.explain)
    paths, errors = _expand(options.paths)
    for error in errors:
        _report_error(error)
    if not paths:
        return 1
    alone = len(paths) == 1 and not os.path.isdir(options.paths[0])
    if alone and paths[0] != "-" and not os.path.exists(paths[0]):
        # Inutile de charger un moteur ; la même phrase que pour une image parmi d'autres.
        from exercises.common.images import open_image

        open_image(paths[0])
    classifier = Classifier(options.model, models_dir=MODELS_DIR)
    gc.enable()  # le script predict le coupe le temps des imports
    progress = _Progress(len(paths))
    exit_code = 1 if errors else 0
    for done, result in enumerate(classifier.classify(paths), start=1):
        progress.erase()
        if result.error is None:
            print(_line(result, classifier, options, alone=alone))
        else:
            exit_code = 1
            _report_error(result.error)
            if options.json:
                fields = {"path": result.path, "error": result.error}
                print(json.dumps(fields))
        progress.show(done)
    if options.explain and not exit_code:
        sys.stdout.flush()
        _explain(options, result)
    print(end="", flush=True)  # un disque plein ou un tube fermé se voit ici, pas à la sortie
    return exit_code


def _explain(options, result: Result) -> None:
    from exercises import explain

    if EXPLANATIONS[options.method]:
        print(f"{options.method} dérive le réseau : Keras se charge…", file=sys.stderr, flush=True)
    explain.explain(options.model, result, options.explain, name=options.method)


def run_script() -> None:
    """Exécute `main` pour de bon, et quitte le processus avec son code de sortie."""
    reserve_stderr()
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # voir le script predict
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = main()
    # Sortir sans ranger la mémoire épargne le dixième du temps d'une image, et n'attend pas un
    # fil arrêté sur un tube sans fin ; tout ce qui est écrit l'est déjà.
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    run_script()
