"""Voir ce qu'un programme fait de ses réseaux : les construire, les apprendre, les mesurer.

Les méthodes d'un modèle de Keras qui apprennent, mesurent ou prédisent sont remplacées : elles
notent ce qu'elles reçoivent, puis font de même sur quelques images.
"""

import contextlib
import re
from operator import itemgetter

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.eager.record import could_possibly_record

from . import models, probes, stops
from .absent import Nothing
from .alarm import OutOfTimeError
from .samples import (
    are_shared,
    as_dict,
    ensure_built,
    fewer,
    folder_of,
    invented,
    is_augmented,
    sample,
    split,
    widened,
)
from .trial import BATCH, FREE_PX, KEPT

LEARNED = 24  # images apprises
WHOLE_SET = 50  # images : en deçà, une prédiction n'est pas une mesure
MAX_NETWORKS, MAX_FITS, MAX_STEPS = 6, 2, 10
TEST = re.compile(r"(?!.*val).*test.*", re.IGNORECASE)  # ce que dit le nom d'un jeu de test
MAX_WEIGHTS = 2**24  # d'une couche, tirés au hasard
OF_FIT = "batch_size epochs verbose callbacks validation_split validation_data".split()
PATCHED = """compile fit evaluate test_on_batch predict predict_proba predict_on_batch
predict_classes train_on_batch __call__""".split()


class Network:
    """Ce qu'un modèle a subi.

    Args:
        model: le modèle.
        touched: les variables qui ont changé, par identité ; complété par `Seen`.
    """

    def __init__(self, model, touched: dict):
        self.model, self.compiled, self.fits, self.measured = model, [], [], []
        self.checked = self.learned = None  # les dernières images de validation, et apprises
        self.looks = []  # ce qui est mesuré depuis le dernier apprentissage
        # Pas d'une boucle à la main, et sa dernière réponse ; appels de `fit`.
        self.steps, self.answer, self.lessons = 0, (), 0
        self.history = self.guessed = None  # ce qu'ont rendu le dernier `fit`, le dernier `predict`
        self.num_epochs, self.told = 0, False  # demandées à `fit` ; si `train` rend ses courbes
        self._touched = touched

    def has_taught(self, curves) -> bool:
        """Dit si des courbes, `{"loss": [...], ...}`, sont celles du dernier `fit`."""
        own = getattr(self.history, "history", {}).get("loss")
        losses = curves.get("loss") if isinstance(curves, dict) else None
        return own is not None and np.array_equal(own, losses)

    def has_moved(self) -> bool:
        """Dit si un poids que le modèle apprend a changé."""
        return any(id(each) in self._touched for each in self.model.trainable_variables)

    def step(self, x, y=None) -> None:
        """Note un pas d'une boucle à la main ; ce qui est mesuré entre deux pas la valide."""
        self.steps += 1
        if self.steps == 1:
            self.fits.append(_noted_fit(self.model, x, None, sample(x, y)))
        elif self.looks and not self.fits[-1]["validates"]:
            self.checked = self.looks[-1][0]
            self.fits[-1] = _noted_fit(
                self.model, x, self.checked, sample(x, y), sample(*self.looks[-1])
            )
        self.looks = []

    def described(self, images) -> dict:
        """Décrit le modèle par des données, et ce qui lui a été donné."""
        facts = {"layers": []}
        with contextlib.suppress(Exception):
            facts = self._facts(images)
        return {
            "facts": facts,
            "compiled": self.compiled[-1:],
            "fits": sorted(self.fits, key=_has_no_error),  # l'échec, d'abord
            "measured": sorted(self.measured, key=itemgetter("whole"))[-MAX_FITS:],
            "moved": self.has_moved(),
            "num_epochs": self.num_epochs,
            "told": self.told,
        }

    def _facts(self, images) -> dict:
        sides, channels = images.shape[1:3], images.shape[3:] or (1,)
        with contextlib.suppress(Exception):
            ensure_built(self.model)
        built = getattr(self.model, "_build_shapes_dict", None) or {}
        # La taille des images qu'il a lues.
        learned = [each[1:] for each in built.values() if isinstance(each, tuple)]
        shapes = [images.shape[1:], (*sides, *channels), (32, 32, *channels), *learned]
        model = models.functional(self.model, shapes)
        shape = tuple(n or FREE_PX for n in model.input_shape[1:])
        # Les mêmes images, si c'est leur taille.
        return models.described(model, np.resize(images[:4], (4, *shape)))


def _has_no_error(fit: dict) -> bool:
    return not fit["error"]


class Seen:
    """Les réseaux d'un programme, du premier au dernier."""

    def __init__(self):
        self.networks: list[Network] = []
        self.names = {}  # ceux du programme
        self.touched: dict[int, object] = {}  # les variables apprises, gardées pour leur identité
        # Voir `record` : des poids demandés, un modèle à relire.
        self.said = dict.fromkeys(("reuses", "late", "guessed"), False) | {"absent": "", "asks": ""}
        self.shown = None  # le réseau d'une boucle à la main, et les images qu'il vient de lire
        self.busy = self.late = False  # Keras est en train de calculer ; le temps est passé

    def has_learned(self) -> bool:
        """Dit si un réseau a appris, ou aurait dû."""
        return any(each.fits or each.has_moved() for each in self.networks)

    def convolves(self) -> bool:
        """Dit si un réseau a une convolution."""
        layers = [layer for each in self.networks for layer in each.model._flatten_layers()]
        return any(isinstance(layer, keras.layers.Conv2D) for layer in layers)

    def reached(self) -> dict:
        """Dit ce que le programme a fait jusqu'ici : `sizes`, `opened`, `learned` et `measured`.

        `sizes` est le nombre de couches de chaque réseau, dans l'ordre, sauf d'une base sans tête ;
        `opened` dit si des images sont prêtes à être lues par lots.
        """
        for value in list(self.names.values()):
            self.keep(value)
        return {
            "sizes": [
                _num_layers(each.model) for each in self.networks if not _is_base(each.model)
            ],
            "opened": any(map(_gives_batches, list(self.names.values()))),
            "learned": self.has_learned(),
            "measured": any(each["whole"] for one in self.networks for each in one.measured),
        }

    def had_finished(self, reached: dict) -> bool:
        """Dit si un réseau était déjà entier : rien ne s'y est ajouté depuis."""
        now = [_num_layers(each.model) for each in self.networks]
        return any(size and size in now for size in reached["sizes"])

    def keep(self, value) -> Network | None:
        """Rend ce qui est noté d'un modèle, et que le modèle garde ; le note s'il est nouveau."""
        if not isinstance(value, keras.Model):
            return None
        network = vars(value).setdefault("_noted", Network(value, self.touched))
        if network not in self.networks:
            if len(self.networks) == MAX_NETWORKS:
                self.networks.remove(self._least(len(value.layers)))
            self.networks.append(network)
        return network

    def _least(self, num_layers: int) -> Network:
        """Rend le réseau qui compte le moins : il n'apprend pas, ou n'est qu'un autre réglage."""
        ranks = [(bool(k.fits), len(k.model.layers) != num_layers) for k in self.networks]
        return self.networks[ranks.index(min(ranks))]

    def touch(self, variables) -> None:
        """Note que des variables ont changé."""
        self.touched.update({id(each): each for each in variables})


def _is_base(model) -> bool:
    """Dit si un réseau s'arrête à des cartes : il attend une tête."""
    with contextlib.suppress(AttributeError, ValueError):  # ses formes ne sont pas encore connues
        return len(model.output_shape) == 4
    return False


def _gives_batches(value) -> bool:
    return isinstance(value, tf.data.Dataset) or bool(folder_of(value))


def _num_layers(model) -> int:
    return len(list(model._flatten_layers()))


# --- Les méthodes d'un modèle ----------------------------------------------------------


class Watched:
    """Ce qui remplace les méthodes d'un modèle, le premier argument de chacune.

    Args:
        seen: où noter.
        kept: les vraies méthodes, par nom.
    """

    def __init__(self, seen: Seen, kept: dict):
        self.seen = seen
        self.kept = {name: self._alone(method) for name, method in kept.items()}

    def _alone(self, method):
        """Rend une méthode pendant laquelle ce que lit un réseau n'est plus noté."""

        def use(*given, **named):
            before, self.seen.busy, self.seen.shown = self.seen.busy, True, None
            try:
                return method(*given, **named)
            finally:
                self.seen.busy = before
                if self.seen.late and not before:
                    raise OutOfTimeError

        return use

    def __call__(self, model, *given, **named):
        """Note les images qu'une boucle à la main donne à un réseau ; assez de pas, n'en fait plus.

        Ce qui est lu sous un GradientTape n'est appris que si un optimiseur suit.
        """
        read = given and isinstance(given[0], np.ndarray | tf.Tensor)
        if self.seen.busy or not read or not tf.executing_eagerly():  # le dernier : dans un tf.data
            return self.kept["__call__"](model, *given, **named)
        network, images = self.seen.keep(model), given[0]
        taped = could_possibly_record()
        if not taped and len(images) > KEPT:  # la mémoire est comptée
            return tf.constant(self.predict(model, images))
        if not taped and len(images) >= BATCH:
            self._note(model, images, None, sample(images))
        enough = taped and network.steps > MAX_STEPS and len(network.answer) == len(images)
        found = network.answer if enough else self.kept["__call__"](model, *given, **named)
        network.answer = found if isinstance(found, tf.Tensor) else ()
        self.seen.shown = (network, images) if taped else None
        return found

    def compile(
        self, model, optimizer="rmsprop", loss=None, metrics=None, loss_weights=None, **more
    ):
        """Note la perte, puis compile ; les métriques étaient le troisième argument."""
        stops.check_written("compile", optimizer)
        stops.check_arguments("compile", more)
        stops.check_names(loss, metrics)
        name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
        written = {"name": str(name)[:300], "from_logits": bool(getattr(loss, "from_logits", 0))}
        self.seen.keep(model).compiled.append({"loss": written, "still": _is_still(optimizer)})
        # Rien n'en est jugé, et celui-ci ne garde rien d'un grand réseau.
        keras.optimizers.get("sgd" if isinstance(optimizer, Nothing) else optimizer)
        if isinstance(metrics, list | tuple):
            metrics = [
                each
                for each in metrics
                if not isinstance(each, Nothing) and str(each) not in stops.forgiven
            ]
        metrics = metrics if isinstance(metrics, list | tuple | dict | None) else [metrics]
        return self.kept["compile"](model, keras.optimizers.SGD(), loss, loss_weights, metrics)

    def fit(self, model, x=None, y=None, *given, **named):
        """Note ce que reçoit `fit`, puis mesure quelques lots."""
        stops.check_arguments("fit", named)
        named = {**dict(zip(OF_FIT, given, strict=False)), **named}
        x, y, validation = split(x, y, named)
        network = self.seen.keep(model)
        if validation is None and network.fits and network.looks:
            validation = network.looks[-1]  # `for … : fit(…), evaluate(…)`
        is_pair = isinstance(validation, tuple | list)
        x_val, y_val = validation[:2] if is_pair else (validation, None)
        learned, checked = widened(model, sample(x, y)), widened(model, sample(x_val, y_val))
        noted = _noted_fit(model, x, x_val, learned, checked)
        noted["idle"] = named.get("epochs", 1) == 0
        noted["paced"] = _is_paced(named.get("callbacks"))
        network.num_epochs += _num_epochs(named)
        network.learned, network.looks = x, []
        network.checked = x_val if noted["validates"] else network.checked
        network.fits = [*network.fits[: MAX_FITS - 1], noted]
        network.lessons += 1
        if network.lessons <= MAX_STEPS or network.history is None:  # puis plus rien n'est appris
            network.history = self._fit_few(model, x, learned, checked, noted)
        return _stretched(network.history, max(1, int(named.get("epochs") or 1)))

    def _fit_few(self, model, x, learned, checked, noted):
        """Apprend quelques images ; celles du rendu, `x`, si elles se lisent."""
        readable = learned and learned[1] is not None
        few = fewer(learned if readable else invented(model), LEARNED)
        if readable:
            some = checked and fewer(checked, BATCH)
        else:  # ce qu'aurait donné un fichier ou un paquet absent
            some = few if noted["validates"] else None
        try:
            stops.check_written("fit", x)
            return self.kept["fit"](
                model, *few, validation_data=some, batch_size=BATCH, epochs=1, verbose=0
            )
        except Exception as error:
            if readable or not model.compiled or isinstance(error, stops.UnwrittenCall):
                noted["error"] = probes.describe_error(error)
            raise

    def evaluate(self, model, x=None, y=None, *given, **named):
        """Mesure quelques images, et note la mesure ; ce qui échoue n'en est pas une."""
        if "_use_cached_eval_dataset" in named:  # la validation de `fit`
            return self.kept["evaluate"](model, x, y, *given, **named)
        stops.check_written("evaluate", x)
        measured = widened(model, sample(x, y))
        few = fewer(measured if measured and measured[1] is not None else invented(model), KEPT)
        named = {"return_dict": named.get("return_dict", False), "verbose": 0, "batch_size": BATCH}
        found = self.kept["evaluate"](model, *few, **named)
        self._note(model, x, y, measured)
        return found

    test_on_batch = evaluate

    def predict(self, model, x, *_, **__):
        """Note ce qui est prédit ; rend quelques réponses, répétées."""
        stops.check_written("predict", x)
        measured, num = widened(model, sample(x)), len(x) if hasattr(x, "shape") else KEPT
        images, _ = fewer(measured or invented(model), KEPT)
        network = self.seen.keep(model)
        if network.guessed is None or len(network.measured) < MAX_STEPS:  # et non lot par lot
            network.guessed = self.kept["predict"](model, images, batch_size=BATCH, verbose=0)
        self._note(model, x, None, measured, whole=num >= WHOLE_SET or not hasattr(x, "shape"))
        if not isinstance(network.guessed, np.ndarray):  # plusieurs sorties
            return network.guessed
        answers = np.resize(network.guessed, (num, *network.guessed.shape[1:]))
        shades = np.random.default_rng(len(network.measured)).uniform(0.999, 1, num)
        return (answers.T * shades).T.astype(np.float32)  # répétées, sans être les mêmes

    predict_proba = predict_on_batch = predict

    def _note(self, model, x, y, measured, *, whole: bool = True) -> None:
        """Note une mesure, dont on a lu quelques exemples."""
        network = self.seen.keep(model)
        checked = are_shared(x, network.checked) if measured else x is network.checked
        learned = measured is not None and are_shared(network.learned, x)
        network.looks += [(x, y)] * whole
        network.measured.append(
            {"data": as_dict(measured), "whole": whole, "checked": checked, "learned": learned}
        )

    def train_on_batch(self, model, x, y=None, *_, **named):
        """Apprend les premiers lots seulement."""
        network = self.seen.keep(model)
        network.step(x, y)
        return (
            [0.0] * 2
            if network.steps > MAX_STEPS
            else self.kept["train_on_batch"](model, x, y, **named)
        )

    def predict_classes(self, model, x, **_):
        """Rend les classes, comme l'ancien Keras."""
        return self.predict(model, x).argmax(-1)


def _num_epochs(named: dict) -> int:
    """Compte les époques que demande un appel de `fit`."""
    with contextlib.suppress(TypeError, ValueError):
        return int(named.get("epochs", 1)) - int(named.get("initial_epoch", 0))
    return 0


def _stretched(history, num_epochs: int):
    """Répète la mesure d'une époque autant de fois que le programme en demandait."""
    curves = {name: values[:1] * num_epochs for name, values in history.history.items()}
    older = {name.replace("accuracy", "acc"): values for name, values in curves.items()}
    history.epoch = list(range(num_epochs))
    history.history = older | curves
    return history


def _is_still(optimizer) -> bool:
    """Dit si le taux d'un optimiseur est nul dès le départ ; d'un taux qui change, non."""
    rate = getattr(optimizer, "_learning_rate", None)
    return isinstance(rate, keras.Variable) and float(rate) == 0


def _is_paced(callbacks) -> bool:
    """Dit si un rappel donne à chaque époque son taux."""
    several = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
    return any(isinstance(each, keras.callbacks.LearningRateScheduler) for each in several)


def _noted_fit(model, x, x_val, learned, checked=None) -> dict:
    """Note ce qu'apprend un réseau, et ce qui le valide.

    Args:
        model: le réseau.
        x: les images de l'entraînement.
        x_val: celles de la validation, ou None.
        learned: les premiers exemples de l'entraînement, ou None.
        checked: ceux de la validation, ou None.

    Returns:
        Ces faits ; `idle` dit que `fit` demande zéro époque ; `paced`, qu'un rappel change le taux.
    """
    folder = folder_of(x_val)
    return {
        "train": as_dict(learned),
        "validation": as_dict(checked),
        "validates": x_val is not None and getattr(x_val, "samples", 1) != 0,
        "shared": are_shared(x, x_val),
        "undefined": getattr(x_val, "undefined", False) is True,
        "augmented": is_augmented(x_val),
        "tested": folder and bool(TEST.fullmatch(str(folder))),
        "learning": _num_learning(model),
        "idle": False,
        "paced": False,
        "error": None,
    }


def _num_learning(model) -> int:
    """Compte les convolutions dont les poids peuvent changer ; posées sur une base, aucune."""
    inner = [part for each in model.layers for part in getattr(each, "layers", ())]
    own = model.layers if any(map(_is_convolution, inner)) else []
    layers = [each for each in model._flatten_layers() if each not in own]
    return sum(_is_convolution(each) and each.trainable for each in layers)


def _is_convolution(layer) -> bool:
    return "Conv" in type(layer).__name__


# --- Les remplacer -------------------------------------------------------------------


def replacements(seen: Seen) -> list[tuple]:
    """Rend ce qui apprend et ce qui change des poids, remplacé : `(endroit, nom, valeur)`."""
    watched = Watched(seen, {name: getattr(keras.Model, name, None) for name in PATCHED})
    methods = [(keras.Model, name, _as_method(getattr(watched, name))) for name in PATCHED]
    return [
        *methods,
        *_noted_changes(seen),
        (keras.initializers.VarianceScaling, "__call__", _draw),
    ]


def _as_method(use):
    """Fait, de ce que sait faire un objet, une méthode d'un modèle."""

    def method(*given, **named):
        return use(*given, **named)

    return method


def _draw(own, shape, dtype=None):
    """Tire les poids d'une couche ; ceux d'une très grande demanderaient trois fois sa place."""
    if np.prod(shape) <= MAX_WEIGHTS:
        return _real_draw(own, shape, dtype)
    return tf.fill(shape, tf.cast(1 / shape[0], dtype or tf.float32))


_real_draw = keras.initializers.VarianceScaling.__call__


def _noted_changes(seen: Seen) -> list[tuple]:
    """Rend ce qui change des poids, remplacé : `(endroit, nom, valeur)`."""
    change = keras.Variable.assign

    def apply(self, gradients, trainable_variables=None):
        if seen.shown:
            network, images = seen.shown
            network.step(images)
            seen.shown = None
        if not all(each is None for each in gradients):  # assez de pas : plus rien n'est calculé
            seen.touch(trainable_variables or self._trainable_variables)

    def assign(self, value):
        seen.touch([self])
        return change(self, value)

    def train_step(self, data):
        """Mesure au lieu d'apprendre : les gradients d'un grand réseau seraient trop lourds."""
        seen.touch(self.trainable_variables)
        return self.test_step(data)

    return [
        (keras.optimizers.Optimizer, "apply", apply),
        (keras.Variable, "assign", assign),
        (keras.Model, "train_step", train_step),
    ]
