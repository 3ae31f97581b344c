"""Un second fichier du rendu, que le premier importe."""

import numpy as np

FILTERS = ("#.. .#. ..#", "#.# .#. #.#", "..# .#. #..")


def lire(rows):
    return np.array([[1 if mark == "#" else -1 for mark in row] for row in rows.split()])
