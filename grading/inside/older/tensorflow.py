"""Rendre à un programme de TensorFlow 1 ses noms, son graphe et ses sessions."""

import sys

import tensorflow as tf
from tensorflow.python.framework.ops import disable_eager_execution

WORDS = {"placeholder", "Session", "InteractiveSession"}  # ce qui dit qu'un programme en est


def install() -> None:
    """Calcule désormais dans un graphe ; le processus du rendu n'aura rien d'autre à faire."""
    first = vars(tf.compat.v1)
    disable_eager_execution()
    tf.compat.v1.disable_resource_variables()
    vars(tf).update({name: first[name] for name in first if name[0] != "_" and name != "keras"})
    tf.compat.v1 = sys.modules["tensorflow.compat.v1"] = tf  # ce qui y est remplacé l'est partout
