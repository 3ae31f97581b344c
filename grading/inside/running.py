"""Exécuter un rendu comme son auteur l'exécute, et noter ce qu'il fait de ses réseaux.

Le programme est lancé comme un script, ou cellule après cellule ; une instruction qui échoue
n'arrête pas les suivantes. Puis les fonctions de l'énoncé qu'il définit, et n'a pas appelées, le
sont (`calling`). `fit` mesure quelques lots (`watching`), les jeux de données sont ceux du
correcteur (`replaced`). Rien n'est jugé ici : voir `questions/networks.py`.
"""

import ast
import builtins
import contextlib
import importlib
import json
import linecache
import os
import re
import sys
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from . import calling, filtering, packages, probes, stops, trial
from .absent import Nothing
from .alarm import alarm
from .causes import causes
from .older import keras as older_keras
from .older import numpy as older_numpy
from .older import tensorflow as older_tensorflow
from .older.names import modernised
from .replaced import patched
from .replaced.arguments import Arguments
from .stand_ins import pictures
from .trial import NUM_CLASSES
from .watching import TEST, WHOLE_SET, Seen

MAX_LATER = 8  # arrêts dont la ligne est dite, après le premier
MAX_MENDED = 6  # essais d'une instruction, dont un nom est récrit à chacun
BARE = {"placeholder", "Session", "conv2d", "Module"}  # de TensorFlow sans Keras
BUILDERS = {"Sequential", "Model", "Dense", "Conv2D", "Convolution2D"}
LAYER = re.compile(r"\.add\(|\b(Conv|Dense|Flatten|\w*Pooling|Dropout|BatchNorm)\w*\(")  # posée
DEFINED = ast.FunctionDef
MAIN = "__name__ == '__main__'"


class Names(dict):
    """Les noms d'un programme ; après une erreur (`error`), ceux qui manquent sont inertes.

    Ceux de Keras, et quelques autres que tous emploient, sont donnés à qui n'en définit pas.
    """

    error, bound, forgotten = None, frozenset(), frozenset()
    known = None  # ceux qu'il définit quelque part
    reached = dict  # dit ce que le programme a déjà fait
    before = None  # ce qu'il avait fait avant son premier import oublié
    halt = None  # ce que le programme avait fait avant sa première erreur
    fallen = None  # la première erreur d'une instruction qui pose une couche : le réseau ne l'a pas
    stop = None  # le premier arrêt dont le programme est la cause, et ce qu'il avait fait avant

    def __missing__(self, name: str):
        """Rend un import oublié, ou un objet inerte si le programme a échoué."""
        ours = hasattr(builtins, name)
        usual = None if ours or name in self.bound else packages.usual(name)
        if usual is not None:
            if name not in {*packages.USUAL, *(self.known or ())}:
                self.forgotten |= {name}
                self.before = self.before or self.reached()
            return usual
        if (
            self.error
            and not ours
            and (name in self.bound or not packages.near_name(name, dir(keras.layers)))
        ):
            missing = Nothing()
            missing.undefined = name not in self.bound
            if self.stop and self.known is not None and name not in self.known:
                caller = sys._getframe(1)
                _note_later(self, caller.f_lineno, os.path.basename(caller.f_code.co_filename))
            return missing
        raise KeyError(name)


class Program(NamedTuple):
    """Le programme d'un rendu : ses cellules, ou ses fichiers, et ce que Python en lit."""

    labels: list[str]
    texts: list[str | bytes]
    trees: list[ast.Module]  # récrits pour le Keras d'aujourd'hui
    nodes: list[ast.AST]


def read_program(modules: list[str]) -> Program:
    """Lit les cellules d'un notebook, ou les fichiers des modules."""
    paths = [Path("exercises", *each.split(".")).with_suffix(".py") for each in modules]
    plan = paths[0].with_suffix(".cells.json")
    if plan.is_file():
        content = json.loads(plan.read_text(encoding="utf-8"))
        folder = Path("exercises", content["folder"])  # d'où le programme cherche ses voisins
        labels = [str(folder / label) for label, _ in content["cells"]]
        texts = [text for _, text in content["cells"]]
    else:
        labels, texts = [str(path) for path in paths], [path.read_bytes() for path in paths]
    pairs = zip(texts, labels, strict=True)
    trees = [modernised(ast.parse(text, label)) for text, label in pairs]
    return Program(labels, texts, trees, [each for tree in trees for each in ast.walk(tree)])


def record(module: str, asked: dict, dataset: str, levels: dict, seconds: int) -> dict:
    """Exécute le programme d'un rendu.

    Args:
        module: le premier module, dont le programme prend le nom.
        asked: les fonctions de l'énoncé, par module rendu : `{"ex04_lenet": ["train", …]}`.
        dataset: `"fashion_mnist"`, le jeu qu'il devrait charger.
        levels: niveaux de gris des images, `"train"`, `"val"` et `"test"` : `(plus petit, plus
            grand)`.
        seconds: temps de processeur accordé au programme, puis à chaque fonction.

    Returns:
        `networks`, une description par modèle ; `calls`, ce qu'a donné chaque fonction de l'énoncé,
        `{"value": …}` ou `{"error": …}`, et `began` ; `reuses`, si des poids déjà appris sont
        demandés ; `absent`, le fichier d'un modèle qu'il relit et qui n'est pas là ; `late`, si le
        temps a manqué au programme ou à une fonction ; `guessed`, si une fonction a reçu des images
        du correcteur, faute d'être appelée ; `asks`, la ligne où il pose une question au
        clavier, ou "" ; puis ce que disent `_reached` et `_written`.
    """
    tf.config.run_functions_eagerly(True)  # quelques lots : construire un graphe coûte plus
    keras.utils.set_random_seed(0)  # qui n'en fixe pas obtient pourtant toujours la même note
    program = read_program(list(asked))
    trial.prepare(module, dataset, levels)
    Nothing.images = trial.data["x_test"][: trial.ABSENT]
    functions = [name for several in asked.values() for name in several]
    written = {each.name for each in program.nodes if isinstance(each, DEFINED)}
    as_module = written.issuperset(functions)  # tout ce qui compte est dans ces fonctions
    seen, names = Seen(), _first_names(module, program, as_module=as_module)
    seen.names, names.reached = names, seen.reached
    _install()
    called = calling.Asked(names, seen, seconds)
    with patched(seen):
        with alarm(seconds, seen):
            _execute(program, names, seen)
        if not seen.has_learned():
            called.call_all(functions)
        called.call("load_data")  # que `train` s'en serve ou non
        if "build_lenet" in functions:
            called.call_apart()
        if not as_module:
            with alarm(seconds, seen):
                if not seen.has_learned():
                    calling.call_main(names, seen)
                elif not seen.convolves():
                    calling.call_convolving(names, seen)
    if "evaluate" in functions:
        called.call("evaluate")
    for value in list(names.values()):
        seen.keep(value)
    scaled = _is_scaled(program, names)
    described = [each.described(trial.data["x_test"]) for each in seen.networks]
    return {
        "networks": [
            {**each, "scaled": scaled, "guessed": seen.said["guessed"]} for each in described
        ],
        "calls": called.calls,
        **seen.said,
        **_reached(names, seen),
        **_written(program, names),
    }


def record_filters(module: str, dataset: str, levels: dict, seconds: int) -> dict:
    """Exécute le programme de l'exercice 01.

    Args:
        module: celui du rendu.
        dataset: comme pour `record` : les images de ce qui n'en est pas une seule.
        levels: de même.
        seconds: temps de processeur accordé.

    Returns:
        `calls`, les filtres appliqués ; `failed`, les appels qui échouent ; `shown`, si une réponse
        est montrée ; `looked`, les lignes qui montrent une image ; puis `late`, et ce que dit
        `_reached`.
    """
    tf.config.run_functions_eagerly(True)
    keras.utils.set_random_seed(0)
    program = read_program([module])
    trial.prepare(module, dataset, levels)
    trial.picture_px[:] = filtering.picture_size(program.nodes)
    Nothing.images = np.random.default_rng(0).integers(0, 256, (*trial.picture_px, 3), np.uint8)
    seen, names = Seen(), _first_names(module, program, as_module=False)
    names.reached = seen.reached
    _install()
    sys.modules["scipy.misc"] = pictures  # SciPy n'y lit plus d'image
    words = set(map(_word, program.nodes))
    if not older_tensorflow.WORDS.isdisjoint(words):
        older_tensorflow.install()
    elif "enable_eager_execution" in words:  # ce que TensorFlow 2 fait sans qu'on le demande
        tf.enable_eager_execution = tf.compat.v1.enable_eager_execution
    applied = filtering.Filtering(names)
    with patched(seen, applied.replacements()), alarm(seconds, seen):
        _execute(program, names, seen)
    told = {"calls": applied.calls, "failed": applied.failed[:8], "shown": applied.shown}
    told["looked"] = applied.looked
    return {**told, **seen.said, **_reached(names, seen)}


def _install() -> None:
    """Remet en place ce que Keras et NumPy ont retiré, et répond aux imports de ce qui manque."""
    os.environ["MPLBACKEND"] = "Agg"  # lu quand matplotlib est importé
    older_numpy.install()
    older_keras.install()
    packages.install()
    with contextlib.suppress(ImportError):  # pour que ses sources soient remplacées elles aussi
        importlib.import_module("convnets.datasets.sources")


# --- Exécuter ------------------------------------------------------------------------


def _first_names(module: str, program: Program, *, as_module: bool) -> Names:
    """Rend les noms qu'un programme trouve en commençant."""
    name, file = f"exercises.{module}", program.labels[0]
    path, folder = os.path.abspath(file), Path(file).parent
    sys.argv = Arguments([path])
    in_package = (folder / "__init__.py").is_file()  # `from .model import …`
    names = Names(
        __name__=name if as_module else "__main__",
        __package__=".".join(folder.parts) if in_package else name.rpartition(".")[0],
        __file__=path,
        display=_show_nothing,
        get_ipython=Nothing,
    )
    stored = [each for each in program.nodes if isinstance(getattr(each, "ctx", 0), ast.Store)]
    names.bound = {_word(each) for each in stored}
    names.known = stops.defined(program.nodes)
    return names


def _show_nothing(*_, **__) -> None:
    """Tient lieu de `display`, d'IPython."""


def _execute(program: Program, names: Names, seen: Seen) -> None:
    """Exécute chaque instruction de premier niveau ; `names` garde la première erreur."""
    last, before = "", None
    for label, text, tree in zip(program.labels, program.texts, program.trees, strict=True):
        file, source = os.path.abspath(label), _source_of(label)
        if source != last:
            before = _leave_file(names, seen) or before
        last = source
        text = text if isinstance(text, str) else text.decode("utf-8", "replace")
        linecache.cache[file] = len(text), None, text.splitlines(True), file
        for node in _steps(tree):
            causes.begin(node)
            going = _run(node, file, names, seen)
            causes.end(node)
            if not going:
                break
    causes.begin(ast.Pass())
    if before and not names.error and not seen.reached()["sizes"]:
        names.error, names.stop, names.halt = before


def _source_of(label: str) -> str:
    """Rend le nom du fichier d'une étiquette : `"cellule 3 de tp.ipynb"`, ou `"tp.py"`."""
    return label.rpartition(" de ")[2]


def _leave_file(names: Names, seen: Seen) -> tuple | None:
    """Oublie ce qui arrête un fichier qui n'a rien construit : le suivant se lance à part.

    Returns:
        L'erreur, l'arrêt et ce qui était fait alors, à redire si rien n'est construit ensuite ;
        None s'il n'y a rien à oublier.
    """
    if not names.error or seen.reached()["sizes"]:
        return None
    before = names.error, names.stop, names.halt
    names.error = names.stop = names.halt = None
    return before


def _run(node: ast.stmt, file: str, names: Names, seen: Seen) -> bool:
    """Exécute une instruction ; rend faux si le fichier s'arrête là."""
    text = ast.unparse(node)
    posed = LAYER.search(text)
    goes_on = posed or re.search("fit|train", text)  # malgré un nom qui manque : il est inerte
    fallen = inert = None
    for _ in range(MAX_MENDED):
        try:
            exec(compile(ast.Module([node], []), file, "exec"), names)  # noqa: S102
        except SystemExit as raised:
            if stops.exits(node):  # ce qui suit est lu comme s'il continuait
                _note_stop(_described(raised, own=True), names, seen)
                return True
            return isinstance(node, ast.If)  # il manque ici un argument, des images…
        except Exception as raised:
            own = stops.is_own(raised, node, names, names.known)
            said = _described(raised, own=own)
            names.error = names.error or said
            names.halt = names.halt or seen.reached()
            if own:
                _note_stop(said, names, seen)
            fallen = inert or said  # ce qui arrête un nom inerte, c'est qu'il manque
            if stops.mend(raised, names, node):  # la suite est lue comme si c'était bien écrit
                continue
            if inert or not (isinstance(raised, NameError) and goes_on):
                break
            inert = said
        else:
            return True
    if names.fallen is None and posed:
        names.fallen = fallen
    return True


def _described(error: BaseException, *, own: bool) -> dict:
    """Résume une erreur ; celle dont le programme est la cause ne dépend de rien qui manque ici."""
    said = probes.describe_error(error)
    place, refused = f"ligne {said['line']} de {said['file']}", isinstance(error, PermissionError)
    if variable := stops.missing_variable(error):
        causes.note(f"la variable d'environnement {variable}", place)
    elif refused or isinstance(error, FileNotFoundError):
        name = error.filename or str(error).removesuffix(" not found.")
        causes.note(name, place, refused=refused)
    return {**said, "after": "" if own else causes.current()}


def _note_stop(error: dict, names: Names, seen: Seen) -> None:
    """Note le premier arrêt dont le programme est la cause, et ce qu'il avait fait avant.

    Ce sont `error`, puis ce que rend `Seen.reached`, à quoi `_reached` ajoute `built`. Les arrêts
    qui suivent, la suite étant lue malgré le premier, y laissent leur ligne : `error["later"]`.
    """
    if names.stop is None:
        names.stop = {"error": {**error, "later": []}, **seen.reached()}
        return
    _note_later(names, error["line"], error["file"])


def _note_later(names: Names, line: int, file: str) -> None:
    """Note une ligne qui arrêterait le programme, une fois corrigé ce qui l'arrête d'abord."""
    first = names.stop["error"]
    place = f"ligne {line}" + ("" if file == first["file"] else f" de {file}")
    if place not in (f"ligne {first['line']}", *first["later"]):
        first["later"] = [*first["later"], place][:MAX_LATER]


def _steps(tree: ast.Module) -> list[ast.stmt]:
    """Rend les instructions d'un programme, celles de `if __name__ == "__main__"` une par une."""
    steps = []
    for node in tree.body:
        is_main = isinstance(node, ast.If) and ast.unparse(node.test) == MAIN
        steps += node.body if is_main else [node]
    return steps


# --- Ce qui en est dit ---------------------------------------------------------------


def _reached(names: Names, seen: Seen) -> dict:
    """Dit jusqu'où un programme est allé.

    Returns:
        `error`, la première exception, ou None ; `fallen`, celle de la première couche qui ne s'est
        pas posée, ou None ; `stop`, le premier arrêt dont le programme est la
        cause (voir `_note_stop`), ou None ; `halt`, ce qu'il avait fait avant sa première erreur
        (voir `Seen.reached`), ou None ; `forgotten`, les noms de Keras qu'il emploie sans les
        importer ; `before`, ce qu'il avait fait avant d'en employer un, ou None.
    """
    told = {"error": names.error, "fallen": names.fallen}
    told["forgotten"] = sorted(names.forgotten)[:8]
    for key in ("stop", "halt", "before"):
        reached = getattr(names, key)
        told[key] = reached and {**reached, "built": seen.had_finished(reached)}
    return told


def _written(program: Program, names: Names) -> dict:
    """Dit ce qui se lit dans le texte d'un programme, qu'il s'exécute ou non.

    Returns:
        `names`, les listes de dix textes ; `imports`, les paquets qu'il importe ; `tests`, s'il
        donne à `fit`, pour validation, ce qu'il nomme test ; `builds`, la ligne où il nomme une
        couche ou un modèle de Keras, ou "" ; `convolves`, s'il écrit une convolution, ou un de ses
        fichiers ; `bare`, s'il emploie TensorFlow sans Keras ; `cifar`,
        s'il parle de CIFAR ; `prepares`, s'il emploie `preprocess_input`.
    """
    words = {_word(each) for each in program.nodes}
    keywords = [each for each in program.nodes if isinstance(each, ast.keyword)]
    validations = [each.value for each in keywords if each.arg == "validation_data"]
    return {
        "names": _tens(names, program.nodes),
        "imports": _imported(program.nodes),
        "builds": _line_of(BUILDERS, program),
        "convolves": _writes_a_convolution(program, names),
        "bare": not words.isdisjoint(BARE),
        "tests": any(TEST.fullmatch(ast.unparse(each)) for each in validations),
        "prepares": "preprocess_input" in words,
        "cifar": any("cifar" in str(text).lower() for text in program.texts),
    }


def _writes_a_convolution(program: Program, names: Names) -> bool:
    """Dit si un programme, ou un fichier du rendu qu'il importe, écrit le mot."""
    texts = [str(each) for each in program.texts]
    for space in calling.own_spaces(names)[1:]:
        texts.append(Path(space["__file__"]).read_text(encoding="utf-8", errors="replace"))
    return any("conv" in text.lower() for text in texts)


def _imported(nodes: list[ast.AST]) -> list[str]:
    """Rend les paquets qu'un programme importe."""
    names = [each.module or "" for each in nodes if isinstance(each, ast.ImportFrom)]
    for each in nodes:
        if isinstance(each, ast.Import):
            names += [alias.name for alias in each.names]
    return sorted({name.partition(".")[0] for name in names})[:50]


def _is_scaled(program: Program, names: Names) -> bool:
    """Dit si des images sont ramenées à de petits nombres : un lot l'est, ou c'est écrit."""
    return any(map(_is_scaled_batch, names.values())) or any(map(_divides_by_255, program.nodes))


def _is_scaled_batch(value) -> bool:
    if not isinstance(value, np.ndarray) or value.ndim <= 2 or value.dtype.kind != "f":
        return False
    return len(value) > WHOLE_SET and 0 < np.abs(value).max() <= 1


def _divides_by_255(node: ast.AST) -> bool:
    if not isinstance(node, ast.BinOp | ast.AugAssign) or not isinstance(node.op, ast.Div):
        return False
    divisor = node.right if isinstance(node, ast.BinOp) else node.value
    return bool(re.match(r"255\b", ast.unparse(divisor)))


def _tens(names: Names, nodes: list[ast.AST]) -> list[list[str]]:
    """Rend les listes de dix textes d'un programme : ses variables, sinon ce qui y est écrit.

    Celles des fichiers du rendu qu'il importe en sont.
    """
    kept = []
    for space in calling.own_spaces(names):
        for each in list(space.values()):
            if isinstance(each, list | tuple | dict):
                kept += _ten_texts(dict.values(each) if isinstance(each, dict) else each)
    if kept:  # ce qu'un programme range vaut mieux que ce qu'il écrit
        return kept[:20]
    for each in nodes:
        if isinstance(each, ast.List | ast.Tuple | ast.Dict):
            items = each.values if isinstance(each, ast.Dict) else each.elts
            kept += _ten_texts([getattr(item, "value", None) for item in items])
    return kept[:20]


def _ten_texts(values) -> list[list[str]]:
    """Rend une liste de dix textes, ou aucune."""
    values = [*values]
    if len(values) != NUM_CLASSES or not all(isinstance(text, str) for text in values):
        return []
    return [[text.strip() for text in values]]


def _line_of(words: set, program: Program) -> str:
    """Dit à quelle ligne l'un de ces mots est écrit en premier ; "" s'il n'y est pas."""
    for label, tree in zip(program.labels, program.trees, strict=True):
        lines = [each.lineno for each in ast.walk(tree) if _word(each) in words]
        if lines:
            return f"ligne {min(lines)} de {os.path.basename(label)}"
    return ""


def _word(node: ast.AST) -> str:
    return getattr(node, "attr", "") or getattr(node, "id", "")


probes.OPERATIONS |= {"record": record, "record_filters": record_filters}
