"""La chaîne du X, en nombres à virgule."""

import math
from typing import NamedTuple

import numpy as np

from exercises.ex00_convolution.operations import conv2d
from exercises.ex00_convolution.pooling import pool2d, relu

FILTERS = ("#.. .#. ..#", "#.# .#. #.#", "..# .#. #..")


class Chain(NamedTuple):
    maps: np.ndarray
    rectified: np.ndarray
    pooled: np.ndarray
    second: np.ndarray
    vector: np.ndarray


def read_picture(rows):
    return np.array([[1 if mark == "#" else -1 for mark in row] for row in rows.split()])


def feature_map(picture, kernel):
    return conv2d(picture, kernel) / kernel.size


def truncate(value, digits=2):
    return math.trunc(value * 10**digits) / 10**digits


def chain(picture):
    maps = np.array([feature_map(picture, read_picture(rows)) for rows in FILTERS])
    rectified = relu(maps)
    pooled = np.array([pool2d(each, 2, padding="same") for each in rectified])
    second = np.array([pool2d(relu(each), 2, padding="same") for each in pooled])
    return Chain(maps, rectified, pooled, second, second.ravel())
