"""Tient lieu de `tensorflow.examples.tutorials.mnist`, où était `input_data`."""

from ..absent import attribute as __getattr__  # noqa: F401
from . import input_data as input_data
