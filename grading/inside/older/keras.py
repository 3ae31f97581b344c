"""Rendre à Keras et à TensorFlow ce qu'ils ont retiré ou déplacé."""

import contextlib
import importlib
import sys
import types

import keras
import tensorflow as tf
from keras.src.legacy.preprocessing.image import Iterator

from ..absent import nothing
from ..packages import OLD_KERAS, PLACES

OF_BACKEND = (
    "image_dim_ordering set_session get_session set_image_dim_ordering set_image_data_format"
)
WRITERS = "ModelCheckpoint TensorBoard CSVLogger"
INERT = {  # ce qui écrit, ou vient de TensorFlow 1 et d'anciens Keras : sans effet sur un réseau
    "tensorflow": "ConfigProto GPUOptions Session set_random_seed logging reset_default_graph "
    "estimator gfile contrib summary variable_scope get_default_graph",
    "tensorflow._api.v2.distribute": "TPUStrategy",
    "tensorflow._api.v2.distribute.experimental": "TPUStrategy",
    "tensorflow._api.v2.distribute.cluster_resolver": "TPUClusterResolver",
    "tensorflow._api.v2.config": "experimental_connect_to_cluster",
    "tensorflow._api.v2.tpu.experimental": "initialize_tpu_system",
    "tensorflow._api.v2.compat.v1": "disable_eager_execution disable_v2_behavior",
    "keras._tf_keras.keras": "estimator",
    "keras.backend": f"{OF_BACKEND} set_learning_phase",
    "keras._tf_keras.keras.backend": f"{OF_BACKEND} set_learning_phase",
    "keras.config": OF_BACKEND,
    "keras.callbacks": WRITERS,
    "keras._tf_keras.keras.callbacks": WRITERS,
    "tensorflow.keras.callbacks": WRITERS,
    "subprocess": "Popen run call check_call check_output",
    **dict.fromkeys(
        ("tensorflow._api.v2.train", "tensorflow._api.v2.compat.v1.train"),
        "AdamOptimizer RMSPropOptimizer GradientDescentOptimizer MomentumOptimizer",
    ),
}
OLDER_LAYERS = "core convolutional pooling normalization advanced_activations".split()


class _OnSymbols(tf.__internal__.dispatch.GlobalOpDispatcher):
    """Fait une couche de toute fonction de TensorFlow, comme tf.keras : `tf.nn.relu(x)`."""

    def handle(self, op, args, kwargs):
        """Rend la sortie d'une couche, si un argument est un tenseur symbolique de Keras."""
        flat = tf.nest.flatten((args, kwargs))
        symbols = [each for each in flat if isinstance(each, keras.KerasTensor)]
        name = op.__name__.removesuffix("_v2")

        def use(values):
            rest = iter(values)
            filled = [next(rest) if isinstance(k, keras.KerasTensor) else k for k in flat]
            positional, named = tf.nest.pack_sequence_as((args, kwargs), filled)
            return op(*positional, **named)

        if not symbols:
            return self.NOT_SUPPORTED
        if len(symbols) == 1 and hasattr(keras.activations, name):
            return keras.layers.Activation(name)(symbols[0])
        return keras.layers.Lambda(use)(symbols)


def _input_shape(layer) -> tuple:
    return tuple(layer.input.shape)


def _output_shape(layer) -> tuple:
    return tuple(layer.output.shape)


def _num_samples(iterator) -> int:
    return iterator.samples


def _next_batch(iterator):
    return next(iterator)


def install() -> None:
    """Remet en place les noms retirés ; le processus du rendu n'aura rien d'autre à faire."""
    for name in [each for each in sys.modules if f"{each}.".startswith(f"{OLD_KERAS}.")]:
        del sys.modules[name]
    _share_places()
    _rename_modules()
    _rename_kinds()
    for module, names in INERT.items():
        for name in names.split():
            setattr(importlib.import_module(module), name, nothing(name))
    # La forme d'une couche, que Keras 3 ne donne plus ainsi.
    keras.Layer.input_shape = property(_input_shape)
    keras.Layer.output_shape = property(_output_shape)
    keras.Metric.reset_states = keras.Metric.reset_state
    Iterator.next, Iterator.nb_sample = _next_batch, property(_num_samples)
    _OnSymbols().register()


def _share_places() -> None:
    """Rend à keras ce que tf.keras a gardé, et qu'il n'a plus : ImageDataGenerator."""
    for place in PLACES:
        with contextlib.suppress(ImportError):
            ours = importlib.import_module(f"keras.{place}")
            theirs = importlib.import_module(f"keras._tf_keras.keras.{place}")
            vars(ours).update({**vars(theirs), **vars(ours)})


def _rename_modules() -> None:
    keras.utils.np_utils = tf.keras.utils.np_utils = keras.utils
    tf.layers = keras.layers
    experimental = types.SimpleNamespace(preprocessing=keras.layers)
    keras.layers.experimental = tf.keras.layers.experimental = experimental
    vars(keras.layers).update(dict.fromkeys(OLDER_LAYERS, keras.layers))


def _rename_kinds() -> None:
    """Redonne leurs anciens noms aux contraintes et aux optimiseurs : `maxnorm`, `legacy.Adam`."""
    for place in (keras.constraints, keras.optimizers, tf.keras.constraints, tf.keras.optimizers):
        public = {name: each for name, each in vars(place).items() if name[0] != "_"}
        older = {name.lower().replace("_", ""): each for name, each in public.items()}
        vars(place).update({**older, **vars(place), "legacy": place})
