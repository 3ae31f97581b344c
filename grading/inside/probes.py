"""Ce que le processus d'un rendu sait faire quand le correcteur le demande.

Importé par `worker` seul. Aucune de ces fonctions ne juge : elles appellent le rendu et
rapportent ce qui s'est passé. Celles qui demandent Keras sont dans `models` et `running`.
"""

import collections
import contextlib
import dis
import functools
import importlib
import inspect
import io
import itertools
import os
import runpy
import sys
import types
from pathlib import Path
from traceback import walk_stack, walk_tb

import numpy as np

from .causes import causes
from .messages import Ingredient

MAX_TEXT = 300  # caractères d'un message d'erreur ou d'un nom
MAX_ATTEMPTS = 3  # dites d'un programme
MAX_OUTPUT_BYTES = 2**16  # gardés de ce qu'une commande affiche
MAX_COPIED_BYTES = 2**24  # d'un tableau donné, dont une copie dit s'il a changé
CELL = "la cellule"  # le fichier d'un code de notebook, qui n'en a pas
SPACE: list[dict] = []  # variables globales de l'élève, quand il se vérifie lui-même (`check`)


def answer(request: dict) -> dict:
    """Fait ce qui est demandé.

    Args:
        request: `op`, le nom d'une fonction de ce fichier inscrite dans `OPERATIONS`, et ses
            arguments.

    Returns:
        `{"value": …, "printed": nombre d'octets}` ou `{"error": …}` (voir `describe_error`).
    """
    arguments = {key: value for key, value in request.items() if key not in ("op", "token")}
    try:
        with captured_stdout() as printed:
            value = OPERATIONS[request["op"]](**arguments)
        return {"value": value, "printed": printed[0]}
    except BaseException as error:  # y compris SystemExit et KeyboardInterrupt
        return {"error": describe_error(error)}


def describe_error(error: BaseException) -> dict:
    """Résume une exception : son type, son message, l'endroit dans le rendu.

    L'endroit est la ligne de l'élève, même si l'exception vient du code commun qu'elle appelle.
    `after` est ce qui manque ici, et dont dépend l'instruction qui échoue, ou "".
    """
    here = os.getcwd()
    places = own_places(error)
    places = places or getattr(error, "places", [])  # d'un réseau (voir `models.through`)
    line, file, name = places[-1] if places else (None, "", "")
    if file == CELL and name.isidentifier() and name != places[0][2]:
        file = f"{CELL} de `{name}`"  # une autre, souvent, que celle de la fonction vérifiée
    message = str(error).replace(f"{here}/", "")
    if isinstance(error, ImportError):
        message = message.partition(" (/")[0]  # le dossier où la bibliothèque est installée ici
    if isinstance(error, RecursionError) and (loop := _loop(places)):
        line, file, _ = loop[0]
        message = " → ".join(name for *_, name in loop)
    if isinstance(error, SyntaxError):
        line, file, message = error.lineno, str(error.filename), error.msg or ""
    missing = str(error.name) if isinstance(error, ModuleNotFoundError) else ""
    return {
        "type": type(error).__name__[:MAX_TEXT],
        "message": message[:MAX_TEXT],
        "line": line,
        "file": os.path.basename(file)[:MAX_TEXT],
        "missing": missing[:MAX_TEXT],
        "after": causes.current()[:MAX_TEXT],
        "families": [kind.__name__ for kind in type(error).__mro__[:-2]][:8],
    }


def own_places(error: BaseException | None = None) -> list[tuple[int, str, str]]:
    """Rend les lignes du rendu qui mènent ici, ou à une exception : ligne, fichier, fonction."""
    here, own = os.getcwd(), []
    # Ce qui mène là où l'exception est reçue, puis là où elle est levée ; la ligne où l'élève
    # demande à se vérifier n'y est pour rien.
    above = itertools.takewhile(lambda each: not _asks(each[0]), walk_stack(None))
    raised = walk_tb(error.__traceback__) if error else ()
    for frame, line in [*[*above][::-1], *raised]:
        file = _file_of(frame)
        ours = file.endswith("/_cellules.py")
        if not ours and (_is_in_space(frame) if SPACE else file.startswith(here)):
            own.append((line, file, frame.f_code.co_name))
    return [each for each in own if not each[1].startswith(f"{here}/convnets/")] or own


def _asks(frame) -> bool:
    """Dit si un appel est celui de `check`."""
    return frame.f_globals.get("__name__") == "grading.check"


def _loop(places: list[tuple[int, str, str]]) -> list[tuple[int, str, str]]:
    """Rend les appels d'une fonction qui s'appelle sans fin, d'elle-même à elle-même."""
    names = [name for *_, name in places]
    start = next((k for k, name in enumerate(names) if name in names[k + 1 :]), None)
    return [] if start is None else places[start : names.index(names[start], start + 1) + 1]


def _is_in_space(frame) -> bool:
    """Dit si un appel est de l'élève, quand il se vérifie lui-même."""
    return any(frame.f_globals is each for each in SPACE)


def _file_of(frame) -> str:
    """Rend le fichier d'où vient un appel ; d'un notebook, où il n'y en a pas, « la cellule »."""
    cell = SPACE and "__file__" not in frame.f_globals
    return CELL if cell else frame.f_code.co_filename


@contextlib.contextmanager
def captured_stdout(path: str = "sortie.txt"):
    """Détourne la sortie standard, descripteur compris ; rend ensuite `[taille, texte]`."""
    found, kept = [0, ""], os.dup(1)
    target = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    sys.stdout.flush()
    os.dup2(target, 1)
    try:
        yield found
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        found[:] = os.fstat(target).st_size, os.pread(target, MAX_OUTPUT_BYTES, 0)
        os.dup2(kept, 1)
        os.close(kept)
        os.close(target)


# --- Ce que le rendu tente -----------------------------------------------------------

ATTEMPTS = {  # événement que Python annonce : ce qu'en lit l'enseignant
    **dict.fromkeys(
        ("os.fork", "os.forkpty", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"),
        "lancer un processus",
    ),
    "os.kill": "envoyer un signal à un processus",
}
STDLIB = os.path.dirname(os.__file__)


def watch_attempts() -> list[str]:
    """Note ce que le rendu tente lui-même, même s'il rattrape le refus.

    Returns:
        Une liste qui se remplit : ce qui est tenté, et à quelle ligne.
    """
    tried, here = [], os.getcwd()

    def note(event: str, _) -> None:
        if event not in ATTEMPTS or len(tried) >= MAX_ATTEMPTS:
            return
        frame = sys._getframe(1)
        while frame and _is_stdlib(frame.f_code.co_filename):
            frame = frame.f_back
        if frame and frame.f_code.co_filename.startswith(here):  # et non une bibliothèque
            name = os.path.basename(frame.f_code.co_filename)
            said = f"{ATTEMPTS[event]}, ligne {frame.f_lineno} de {name}"
            tried.extend([said] if said not in tried else [])

    sys.addaudithook(note)
    return tried


def _is_stdlib(file: str) -> bool:
    return file.startswith((STDLIB, "<frozen")) and "-packages" not in file


# --- Appeler une fonction du rendu ---------------------------------------------------


def load(module: str) -> list[str]:
    """Importe un module du rendu ; rend les noms publics qu'il définit.

    Un fichier posé à côté de lui s'importe par son seul nom, s'il n'est pas celui d'un autre.
    """
    sys.path.append(os.path.join(os.getcwd(), "exercises", *module.split(".")[:-1]))
    loaded = importlib.import_module(f"exercises.{module}")
    return [name for name in vars(loaded) if not name.startswith("_")][:200]


def found(module: str, function: str):
    """Rend une fonction, ou une classe, d'un module du rendu."""
    return getattr(importlib.import_module(f"exercises.{module}"), function)


def parameters(module: str, function: str) -> list[str]:
    """Rend les noms des arguments d'une fonction du rendu, dans l'ordre."""
    return [*inspect.signature(found(module, function)).parameters]


def fields(module: str, function: str) -> list[str]:
    """Rend les champs du `NamedTuple` qu'une fonction annonce ; [] si elle annonce autre chose."""
    announced = getattr(found(module, function), "__annotations__", {}).get("return")
    return [*getattr(announced, "_fields", ())]


def call(module: str, function: str, calls: list) -> list:
    """Appelle une fonction du rendu plusieurs fois.

    Args:
        module: nom du module.
        function: nom de la fonction.
        calls: `[positionnels, nommés]` de chaque appel.

    Returns:
        Pour chaque appel, `{"value": …}` ou `{"error": …}` ; et `"changed"` (voir `results`).
    """
    target = found(module, function)

    def use(positional, named):
        return target(*positional, **named)

    return results(use, calls)


def words(module: str, function: str) -> list[str]:
    """Rend les noms et les opérateurs qu'écrit une fonction du rendu, et celles qu'elle appelle."""
    target = found(module, function)
    space, said = getattr(target, "__globals__", {}), set()
    waiting, seen = [target], []
    while waiting:
        function = waiting.pop()
        seen.append(function)
        for code in codes(function):
            steps = [each for each in dis.get_instructions(code) if each.opname in OPERATORS]
            said.update(code.co_names, (each.argrepr for each in steps))
            called = [space.get(name) for name in code.co_names]
            own = [each for each in called if getattr(each, "__globals__", None) is space]
            waiting += [each for each in own if each not in seen]
    return sorted(said)


def codes(function) -> list[types.CodeType]:
    """Rend le code d'une fonction, puis ceux qu'il contient ; [] si elle n'en a pas."""
    code = getattr(function, "__code__", None)
    found, waiting = [], [code] if code else []
    while waiting:
        code = waiting.pop()
        found.append(code)
        waiting += [each for each in code.co_consts if isinstance(each, types.CodeType)]
    return found


OPERATORS = ("BINARY_OP", "COMPARE_OP")
RANKS = ("zéro", "un", "deux", "trois")  # axes d'un tableau, en mots


class MissingBatchError(Exception):
    """Une image est donnée à `tf.nn.conv2d` sans l'axe du lot."""


@contextlib.contextmanager
def _batches_checked():
    """Vérifie le rang de ce que reçoit `tf.nn.conv2d`, qui tue Python s'il n'est pas 4.

    Raises:
        MissingBatchError: ce sera l'erreur de l'appel, au lieu d'un arrêt.
    """
    home = getattr(sys.modules.get("tensorflow"), "nn", None)
    if home is None:
        yield
        return
    plain = home.conv2d

    @functools.wraps(plain)
    def conv2d(*positional, **named):
        images = positional[0] if positional else named.get("input")
        axes = getattr(getattr(images, "shape", None), "rank", None)
        axes = np.ndim(images) if isinstance(images, np.ndarray | list) else axes
        if axes is not None and axes != 4:
            raise MissingBatchError(f"il en a reçu {RANKS[axes] if axes < 4 else axes}")
        return plain(*positional, **named)

    home.conv2d = conv2d
    try:
        yield
    finally:
        home.conv2d = plain


def results(use, calls: list, *, ready: bool = True) -> list:
    """Fait chaque appel, `use(positionnels, nommés)` ; une erreur n'arrête pas les suivants.

    Les ingrédients ne sont préparés (`ready`) qu'au fur et à mesure : l'un d'eux peut fixer la
    graine de Keras. Un appel qui change un tableau reçu le dit : `"changed"` en donne les rangs et
    les noms.
    """
    results = []
    for positional, named in calls:
        try:
            if ready:
                positional = [prepared(each) for each in positional]
                named = {key: prepared(each) for key, each in named.items()}
            given = _arrays({**dict(enumerate(positional)), **named})
            with _batches_checked():
                results.append({"value": use(positional, named)})
            if changed := [name for name, old, new in given if not _is_kept(old, new)]:
                results[-1]["changed"] = changed
        except MemoryError:
            raise
        except Exception as error:
            results.append({"error": describe_error(error)})
    return results


def _arrays(arguments: dict) -> list[tuple]:
    """Rend de chaque tableau, s'il n'est pas trop grand, son nom, une copie, et lui-même."""
    return [
        (name, value.copy(), value)
        for name, value in arguments.items()
        if isinstance(value, np.ndarray) and value.nbytes <= MAX_COPIED_BYTES
    ]


def _is_kept(old: np.ndarray, new: np.ndarray) -> bool:
    """Dit si un tableau est encore ce qu'il était."""
    return np.array_equal(old, new, equal_nan=old.dtype.kind in "fc")


def chained(module: str, function: str, calls: list) -> list:
    """Appelle une fonction, ou une classe, du rendu, puis des méthodes de ce qu'elle rend.

    Args:
        module: nom du module.
        function: nom de la fonction, ou de la classe.
        calls: `[[arguments, [nom, *arguments], …], nommés]` de chaque appel : les arguments de la
            fonction, puis de chaque méthode. D'une liste, `[nom, rang]` rend un élément,
            `[nom, rang, autre]` rend `autre` si elle ne l'a pas, et `[nom, rang, "+=", ajout]`
            ajoute `ajout` à l'élément, un tableau, sur place.

    Returns:
        Pour chaque appel, `{"value": …}`, ce que rend la dernière méthode, ou `{"error": …}`. La
        valeur est None si une liste n'a pas cet élément.
    """
    target = found(module, function)

    def use(positional, named):
        arguments, *steps = positional
        value = made = target(*arguments, **named)
        for name, *given in steps:
            value = step(made, name, *given)
        return value

    return results(use, calls)


def step(made, name: str, *given):
    """Demande une chose à ce que rend une fonction (voir `chained`)."""
    part = getattr(made, name)
    if callable(part):
        return part(*given)
    if given[1:2] == ("+=",):
        place, _, added = given
        part[place][...] += added
        return part[place]
    return dict(enumerate(part)).get(*given)


def prepared(value):
    """Fait un ingrédient, et ceux d'une liste ; rend toute autre valeur telle quelle."""
    if type(value) is list:
        return [prepared(each) for each in value]
    return INGREDIENTS[value.name](**value.options) if type(value) is Ingredient else value


# --- La commande ---------------------------------------------------------------------


def command(module: str, pictures: list, script: str) -> list:
    """Lance la commande de prédiction du rendu sur des images, l'une après l'autre.

    Args:
        module: module de l'exercice ; la commande n'en a pas besoin.
        pictures: contenus de fichiers PNG.
        script: un fichier Python du rendu, ou vide pour `convnets.serving.command.main`.

    Returns:
        Pour chacune, `stdout` (texte), `code` de sortie, et `error`, ou None.
    """
    results = []
    for number, content in enumerate(pictures):
        path = Path(f"image{number}.png")
        path.write_bytes(content)
        code, error = 0, None
        with captured_stdout("commande.txt") as printed:
            try:
                code = _run_command(str(path), script)
            except SystemExit as stopped:
                code = stopped.code
            except Exception as raised:
                error = describe_error(raised)
        results.append(
            {"stdout": printed[1].decode("utf-8", "replace"), "code": code or 0, "error": error}
        )
    return results


def _run_command(path: str, script: str):
    if not script:
        return importlib.import_module("convnets.serving.command").main([path])
    sys.argv = [script, path]
    runpy.run_path(script, run_name="__main__")
    return 0


# --- Ingrédients : ce qui ne voyage pas ----------------------------------------------


class Glance:
    """Un réseau d'une couche, vu par ses seules réponses : il se lit comme un modèle de Keras.

    Args:
        kernel: `(H, W, 3, classes)`, ce que chaque pixel ajoute au score de chaque classe.
        bias: `(classes,)`.
        softmax: faux si les réponses sont les scores mêmes.
    """

    def __init__(self, kernel, bias, softmax: bool = True):
        self._kernel, self._bias, self._softmax = kernel, bias, softmax

    def predict(self, images, batch_size=None, verbose="auto", steps=None):
        """Rend les probabilités `(n, classes)` float32 d'images uint8 `(n, H, W, 3)`."""
        # L'entrée d'un modèle du cours est uint8.
        pixels = np.asarray(images).astype(np.uint8) / 255
        scores = np.tensordot(pixels, self._kernel, 3) + self._bias
        if not self._softmax:
            return scores.astype(np.float32)
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)

    predict_on_batch = predict

    def __call__(self, images, training=None):
        """Fait comme `predict`, mais rend un tenseur si TensorFlow est chargé."""
        found, tensorflow = self.predict(images), sys.modules.get("tensorflow")
        return tensorflow.constant(found) if tensorflow else found


def _planted_velocity(gain, slope, bend):
    """Fait la vitesse d'un flot connu (ex26)."""

    def velocity(x, time):
        return gain * x + slope * time + bend * np.sin(x)

    return velocity


def _psi():
    """Fait le message d'un nœud à un autre (ex21)."""

    def message(n_i, n_j, e_ji):
        return 2 * n_i - n_j * e_ji[..., :1] + e_ji[..., 1:]

    return message


def _record(**values):
    """Fait un couple nommé."""
    return collections.namedtuple("Record", values)(**values)


def _iterator(values):
    """Fait, d'une liste, ce qui ne se parcourt qu'une fois."""
    return iter(values)


def _array(values):
    """Rend un tableau, que `through` laisse être un tableau."""
    return values


def _namespace(**values):
    """Fait un objet qui a ces attributs."""
    return types.SimpleNamespace(**values)


def _text(content):
    """Fait un fichier de texte."""
    return io.StringIO(content)


INGREDIENTS = {
    "planted_velocity": _planted_velocity,
    "glance": Glance,
    "namespace": _namespace,
    "record": _record,
    "text": _text,
    "iterator": _iterator,
    "array": _array,
    "psi": _psi,
}
OPERATIONS = {
    function.__name__: function
    for function in (load, parameters, words, fields, call, chained, command)
}
