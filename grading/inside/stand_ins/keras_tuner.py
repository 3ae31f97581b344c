"""Tient lieu de keras_tuner : un seul réseau est construit, des premières valeurs, puis appris."""

import types

import numpy as np

from ..absent import Nothing
from ..absent import attribute as __getattr__  # noqa: F401


class _Choices(dict):
    """Les réglages que propose un programme : de chacun, la première valeur."""

    @property
    def values(self) -> dict:
        """Ce qui est choisi, par nom."""
        return dict(self)

    def __getattr__(self, kind: str):
        """Rend ce que donne `Choice`, `Int`, `Float`, `Boolean` ou `Fixed`."""
        return self._choose

    def _choose(self, name="", first=False, *_, **named):
        for key in ("min_value", "value", "values"):
            if key in named:
                first = named[key]
                break
        return self.setdefault(name, np.ravel(first).tolist()[0])


class Tuner(Nothing):
    """Construit le réseau, et l'apprend quand il faudrait chercher."""

    def __init__(self, hypermodel, *_, **__):
        build, self._chosen = getattr(hypermodel, "build", hypermodel), _Choices()
        self.hypermodel = types.SimpleNamespace(build=build)
        self.model = build(self._chosen)
        self.search = self.model.fit

    def get_best_models(self, *_, **__):
        """Rend le seul réseau."""
        return [self.model]

    def get_best_hyperparameters(self, *_, **__):
        """Rend les seuls réglages."""
        return [self._chosen]


RandomSearch = Hyperband = BayesianOptimization = GridSearch = Tuner
