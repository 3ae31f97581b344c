"""Appeler les fonctions que le programme d'un rendu définit, et qu'il n'a pas appelées."""

import ast
import contextlib
import functools
import inspect
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from . import models, probes, trial
from .alarm import alarm
from .causes import causes
from .guessing import arguments
from .samples import as_dict, sample
from .trial import BATCH, CHECKED, CLASSES
from .watching import Network, Seen

TAUGHT, MEASURED = 48, 1200  # images données à `train`, puis à `evaluate`
OWN_PICTURES, NUM_OWN, OWN_PX, STEP_PX = "dossier", 20, 150, 10  # un pixel gardé sur dix
SEED = 3  # donnée deux fois : le même mélange
BASE_PX, NUM_LAYERS = 30, 250  # l'énoncé d'une autre question fige 249 couches
BASE_LAYERS = ("mixed2", "mixed8", "mixed9", "mixed10")
ASKED_LAYER = BASE_LAYERS[0]  # et non celle que la fonction prend par défaut
FEATURES = (12, 16)  # caractéristiques données à une tête
MAIN = "main run build create make get define model cnn lenet net train fit learn entra app".split()
OPTIONS = {  # ce que donnerait `cli.lesson_parser`, et quelques anciennes
    "epochs": 2,
    "batch_size": BATCH,
    "precision": "float32",
    "minutes": None,
    "limit": None,
    "seeds": 1,
    "module": "rendu",
    "command": "rendu",
    "output": Path("figures"),
}
VARIANT, BOTH = "variant", "both"  # ce que note `Asked.call_apart`


# --- Ce qui construit et entraîne, quel que soit son nom -----------------------------


def call_main(names: dict, seen: Seen) -> None:
    """Appelle ce qui construit un réseau et l'entraîne, si le programme ne l'a pas fait.

    Ce sont des fonctions, des méthodes sans objet, puis, si rien n'est construit, des classes et
    leurs méthodes ; celles du programme, et des fichiers qu'il importe.
    """
    own = _own_values(names)
    kinds = [each for each in own if inspect.isclass(each)]
    makers = [each for each in own if inspect.isfunction(each)]
    for kind in kinds:
        makers += _static_methods(kind)
    makers = sorted((each for each in makers if _rank(each) < len(MAIN)), key=_rank)
    waiting = makers + kinds
    for maker in waiting:  # s'allonge
        if maker in kinds and seen.has_learned():
            continue
        with contextlib.suppress(Exception, SystemExit):
            made = maker(**arguments(maker, names, seen))
            kept = [*map(seen.keep, made if isinstance(made, tuple) else [made])]
            if not any(kept) and maker in kinds:
                waiting += _methods(made, maker)


def call_convolving(names: dict, seen: Seen) -> None:
    """Appelle ce qui construit un réseau de convolution, si le programme n'en a construit aucun.

    Une variable en haut du programme choisit peut-être le réseau : LeNet, ou l'autre.
    """
    for maker in filter(inspect.isfunction, _own_values(names)):
        with contextlib.suppress(Exception, SystemExit):
            if "conv" in inspect.getsource(maker).lower():
                seen.keep(maker(**arguments(maker, names, seen)))


def own_spaces(names: dict) -> list[dict]:
    """Rend les variables du programme, puis celles de chaque fichier du rendu qu'il a importé."""
    here, spaces = os.path.abspath("exercises"), [names]
    for module in list(sys.modules.values()):
        if str(getattr(module, "__file__", "")).startswith(here):
            spaces.append(vars(module))
    return spaces


def _own_values(names: dict) -> list:
    """Rend ce que définissent le programme et les fichiers du rendu qu'il a importés."""
    own = []
    for space in own_spaces(names):
        name = space["__name__"]
        own += [each for each in list(space.values()) if getattr(each, "__module__", "") == name]
    return own


def _static_methods(kind: type) -> list:
    named = vars(kind).items()
    return [
        getattr(kind, name) for name, each in named if isinstance(each, staticmethod | classmethod)
    ]


def _methods(made, kind: type) -> list:
    """Rend les méthodes publiques d'un objet, les plus prometteuses d'abord."""
    methods = [getattr(made, name) for name in vars(kind) if name[0] != "_"]
    return sorted(filter(inspect.ismethod, methods), key=_rank)


def _rank(function) -> int:
    name = function.__name__.lower()
    return next((rank for rank, word in enumerate(MAIN) if word in name), len(MAIN))


# --- Les fonctions de l'énoncé -------------------------------------------------------


def outcome(use: Callable, seen: Seen, seconds: int) -> dict:
    """Rend `{"value": …}`, ou `{"error": …}` ; l'erreur est vide si le temps a manqué."""
    answer = {"error": {}}
    causes.begin(ast.Pass())  # rien n'a encore manqué à cet appel
    with alarm(seconds, seen):
        try:
            answer = {"value": use()}
        except (Exception, SystemExit) as error:
            answer = {"error": probes.describe_error(error)}
    return answer


class Asked:
    """Les fonctions de l'énoncé que définit un rendu, et ce que chacune donne.

    Args:
        names: les variables globales du programme.
        seen: les réseaux qu'il a construits.
        seconds: temps de processeur de chacune.
    """

    def __init__(self, names: dict, seen: Seen, seconds: int):
        self.names, self.seen, self.seconds = names, seen, seconds
        self.calls: dict[str, dict] = {}
        self._uses = {
            "train": self._train,
            "make_generator": self._open_generator,
            "frozen_base": self._freeze,
            "build_head": self._build_heads,
            "load_data": self._validation,
            "evaluate": self._measure,
        }

    def call(self, name: str) -> None:
        """Appelle une fonction, si le rendu la définit ; note ce qu'elle a donné."""
        function = self.names.get(name)
        if not inspect.isfunction(function):
            return
        use = self._uses.get(name, self._build)

        def call():
            return use(function)

        self.calls[name] = outcome(call, self.seen, self.seconds)

    def call_all(self, functions: list[str]) -> None:
        """Appelle celles de l'énoncé, sauf `evaluate` ; note si un réseau a commencé d'apprendre.

        Une fonction peut avoir appris avant d'échouer : c'est ce que dit `began`.
        """
        for name in functions:
            if name != "evaluate":
                self.call(name)
                if name in self.calls:
                    self.calls[name]["began"] = self.seen.has_learned()

    def call_apart(self) -> None:
        """Appelle encore `build_lenet`, pour sa variante de 1998, et `train`.

        Leurs réseaux ne sont pas gardés : le programme ne les a pas demandés. Ce que donnent ces
        appels est noté sous `VARIANT` et `BOTH`, si le rendu définit ces fonctions.
        """
        build, train = self.names.get("build_lenet"), self.names.get("train")
        kept, self.seen.networks = self.seen.networks, []
        if inspect.isfunction(build) and "variant" in inspect.signature(build).parameters:
            use = functools.partial(_described_variant, build)
            self.calls[VARIANT] = outcome(use, self.seen, self.seconds)
        if inspect.isfunction(train):
            use = functools.partial(self._train_both, train)
            self.calls[BOTH] = outcome(use, self.seen, self.seconds)
        self.seen.networks = kept

    def _build(self, function) -> None:
        self._kept(function(**arguments(function, self.names, self.seen)))

    def _kept(self, model) -> Network:
        network = self.seen.keep(model)
        if network is None:
            raise TypeError(f"keras.Model attendu, reçu {type(model).__name__}")
        return network

    def _train(self, function) -> dict:
        """Donne quelques images à `train` ; dit si elle rend un modèle appris, et des courbes."""
        model, history = _taught(function)
        network = self.seen.keep(model)
        return {
            "complete": network is not None and isinstance(history, dict),
            "moved": network is not None and network.has_moved(),
            "asked": OPTIONS["epochs"],
            "epochs": network.num_epochs if network is not None else 0,
        }

    def _train_both(self, function) -> dict:
        """Dit ce que `train` fait de chaque réseau, ce qu'elle rend, et de qui sont ses courbes."""
        model, history = _taught(function)
        for each in self.seen.networks:
            each.told = each.has_taught(history)
        return {
            "networks": [each.described(trial.data["x_test"]) for each in self.seen.networks],
            "outputs": _output_names(model),
            "lists": _are_lists(history),
            "wanted": OPTIONS["epochs"],
        }

    def _validation(self, load) -> dict | None:
        """Lit la validation que `load_data` donne à `train` : le second de trois couples."""
        parts = load(**arguments(load, self.names, self.seen))
        sets = list(parts) if isinstance(parts, tuple | list) else []
        sets = [each for pair in sets for each in pair] if len(sets) == 3 else sets
        return as_dict(sample(sets[2], sets[3])) if len(sets) == 6 else None

    def _build_heads(self, function) -> list:
        """Construit une tête pour deux, puis trois classes ; lui donne les étiquettes du rendu.

        Returns:
            Ce qu'est chacune, et ce que reçoit sa première couche dense (voir `_of_head`).
        """
        targets, described = self.names.get("targets"), []
        if targets is None and "compile_head" in self.names:  # de l'énoncé, qui n'a pas `targets`
            targets = _targets
        # Chaque caractéristique a sa moyenne et son écart-type.
        rng, num = np.random.default_rng(0), FEATURES[1]
        x = rng.normal(rng.uniform(-3, 3, num), rng.uniform(0.5, 4, num), FEATURES)
        x = x.astype(np.float32)
        for num_classes in (2, 3):
            model = function(x, num_classes, seed=0)
            network = self._kept(model)
            own = _of_head(model, x)
            again = _of_head(function(x, num_classes, seed=0), x)  # le hasard de Keras a avancé
            own["drawn_alike"] = again["learning"] == own["learning"]
            with contextlib.suppress(Exception):  # noté par `fit`
                network.model.fit(x, targets(np.arange(len(x)) % num_classes, num_classes))
            described.append({**network.described(x), "own": own})
            network.fits = []  # ce `fit` est du correcteur
        return described

    @staticmethod
    def _measure(function) -> dict:
        """Donne à `evaluate` un modèle dont la classe prédite est la valeur du premier pixel."""
        # Les exactitudes d'erreurs différentes doivent différer : classe juste une fois sur deux,
        # la suivante quatre fois sur dix, la première sinon. Les images sont plus d'un lot.
        rng = np.random.default_rng(11)
        images, labels = trial.images_and_labels("test")
        x = images[rng.permutation(MEASURED) % len(images)]
        guesses = rng.permutation(MEASURED) % 10
        guesses[:10] = range(10)  # le premier indice d'une classe est alors une classe
        x.reshape(MEASURED, -1)[:, 0] = guesses
        parts = rng.permutation(np.repeat([0, 1, 2], [600, 480, 120]))
        y = np.choose(parts, [guesses, (guesses + 1) % 10, 0 * guesses]).astype(np.uint8)
        model = models.planted_model(list(x.shape[1:]))
        with probes.captured_stdout("mesure.txt") as printed:
            value = function(model, x, y.reshape(-1, *labels.shape[1:]))
        known = {"guesses": guesses, "probabilities": model.predict(x, verbose=0), "y": y}
        return {"value": value, "printed": printed[0], **known}

    @staticmethod
    def _open_generator(function) -> dict:
        """Ouvre le générateur du rendu sur des images ; rend ce qu'il en lit, deux fois."""
        images = np.random.default_rng(7).integers(0, 256, (NUM_OWN, OWN_PX, OWN_PX, 3), np.uint8)
        trial.write_pictures(OWN_PICTURES, images)
        pictures = types.SimpleNamespace(
            folder=OWN_PICTURES,
            paths=sorted(map(str, Path(OWN_PICTURES).rglob("*.png"))),
            labels=np.arange(NUM_OWN) * len(CLASSES) // NUM_OWN,
            classes=list(CLASSES),
            sha256="x",
        )
        read = {"drawn": images[:, ::STEP_PX, ::STEP_PX]}
        for subset in ("", "training", "validation"):
            generator = function(pictures, **({"subset": subset} if subset else {}))
            read[subset] = {
                "passes": [_pass_over(generator) for _ in range(2)],
                "numbers": [int(Path(name).stem) for name in generator.filenames],
                **_first_of(generator),
            }
        orders = []
        with contextlib.suppress(TypeError):  # une fonction qui ne mélange pas
            for _ in range(2):
                orders.append(_pass_over(function(pictures, shuffle=True, seed=SEED)))
        return {**read, "shuffled": orders}

    @staticmethod
    def _freeze(function) -> dict:
        """Fait figer une petite base, aux noms de couches d'InceptionV3, et autant de couches.

        Les premières n'ont pas de poids : qui ne figerait qu'elles n'en figerait aucune qui compte.

        Returns:
            Le nombre de poids à apprendre, les sorties, et les cartes qu'il fallait moyenner ;
            `others`, par nom de couche, les cartes des autres ; `again`, celles d'images mises à
            l'échelle une fois de plus.
        """
        shape = (BASE_PX, BASE_PX, 3)
        pooled = ["AveragePooling2D", {"pool_size": BASE_PX // 5}]
        stack = [pooled, *[["Identity", {}]] * NUM_LAYERS]
        for name in BASE_LAYERS:
            stack += [
                ["Conv2D", {"filters": 6, "kernel_size": 1}],
                ["BatchNormalization", {"scale": False}],
                ["Activation", {"activation": "relu", "name": name}],
            ]
        base = models.plain_network(shape, stack)
        given = np.random.default_rng(0).uniform(-1, 1, (2, *shape)).astype(np.float32)
        frozen = function(base, layer_name=ASKED_LAYER)
        kept = [each for each in base.layers if each.weights or each.name in BASE_LAYERS]
        whole = keras.Model(base.input, {each.name: each.output for each in kept})
        found = {name: np.float32(maps) for name, maps in whole(given, training=False).items()}
        again = whole(given / 127.5 - 1, training=False)[ASKED_LAYER]
        return {
            "trainable": len(frozen.trainable_weights),
            "output": np.asarray(frozen(given, training=False), np.float32),
            "maps": found.pop(ASKED_LAYER),
            "others": found,
            "again": np.asarray(again, np.float32),
        }


def _taught(function) -> tuple:
    """Donne quelques images à `train` ; rend le modèle et ses courbes, s'ils y sont."""
    parts = []
    for part, num in (("train", TAUGHT), ("val", CHECKED)):
        parts += [values[:num].copy() for values in trial.images_and_labels(part)]
    result = function(*parts, seed=0, options=types.SimpleNamespace(**OPTIONS))
    is_pair = isinstance(result, tuple) and len(result) == 2
    return result if is_pair else (result, None)


def _described_variant(function) -> dict:
    """Décrit le LeNet de 1998 que construit une fonction du rendu."""
    network = Network(function(variant="1998"), {})
    return network.described(trial.data["x_test"])["facts"]


def _output_names(model) -> list[str] | None:
    """Rend le nom de chaque sortie d'un modèle, "" si elle n'en a pas ; None s'il ne répond pas."""
    with contextlib.suppress(Exception):
        found = model(trial.data["x_val"][:2], training=False)
        if isinstance(found, dict):
            return sorted(map(str, found))
        return [""] * (len(found) if isinstance(found, list | tuple) else 1)
    return None


def _are_lists(history) -> bool:
    """Dit si des courbes sont un dictionnaire dont chaque valeur est une suite."""
    several = history.values() if isinstance(history, dict) else [None]
    return all(isinstance(each, list | tuple | np.ndarray) for each in several)


def _pass_over(generator) -> np.ndarray:
    """Lit une fois toutes les images d'un générateur."""
    generator.reset()
    read = np.concatenate([_images_of(generator[k]) for k in range(len(generator))])
    return np.float32(read[:, ::STEP_PX, ::STEP_PX])


def _images_of(batch) -> np.ndarray:
    """Rend les images d'un lot, que des étiquettes les suivent ou non."""
    return batch[0] if isinstance(batch, tuple | list) else batch


def _first_of(generator) -> dict:
    """Dit la forme d'une image, ce que sont les étiquettes, et combien d'images a un lot."""
    batch = generator[0]
    labelled = isinstance(batch, tuple | list) and len(batch) > 1
    return {
        "shape": list(np.shape(_images_of(batch))[1:]),
        "labels": np.asarray(batch[1], np.float32) if labelled else None,
        "batch_size": int(getattr(generator, "batch_size", 0) or 0),
    }


def _targets(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Écrit des étiquettes comme le cours : `head.targets`."""
    return labels.astype(np.float32) if num_classes == 2 else np.eye(num_classes)[labels]


def _of_head(model, x: np.ndarray) -> dict:
    """Décrit ce que reçoit la première couche dense d'une tête, et ce que la tête rend.

    Args:
        model: une tête qui vient d'être construite.
        x: les caractéristiques qu'elle a reçues.

    Returns:
        `num_features`, qu'elle attend ; `means` et `deviations`, d'après `x`, de ce que reçoit sa
        première couche dense, None si cela ne se lit pas ou si une BatchNormalization précède
        celle-ci ; `learning`, la même chose, en apprenant ; `outputs`, ses sorties, en apprenant.
    """
    told = dict.fromkeys(("num_features", "means", "deviations", "learning", "outputs"))
    with contextlib.suppress(Exception):
        told["num_features"] = model.input_shape[-1]
        dense = [isinstance(each, keras.layers.Dense) for each in model.layers].index(True)
        reader = keras.Model(model.inputs, model.layers[dense].input)
        ours = np.asarray(reader(x, training=True), np.float32)
        told["learning"] = ours.tobytes()
        told["outputs"] = np.asarray(model(x, training=True), np.float32)
        read = np.asarray(reader(x, training=False), np.float32)
        normalised = keras.layers.BatchNormalization
        if not any(isinstance(each, normalised) for each in model.layers[:dense]):
            told |= {"means": read.mean(axis=0), "deviations": read.std(axis=0)}
    return told
