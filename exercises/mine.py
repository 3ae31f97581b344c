"""Mettre les fonctions du lecteur à la place de celles du cours.

L'énoncé d'un élève (`python -m exercises.sheet`) importe du cours tout ce qui n'est pas à écrire.
Ces fonctions du cours appellent celles que l'élève écrit : elles doivent trouver les siennes.
"""

import importlib
import sys
from collections.abc import Mapping, Sequence


def use_mine(space: dict, writes: Mapping[str, Sequence[str]]) -> None:
    """Fait employer par tout le cours les fonctions définies dans un notebook ou un fichier.

    Dans un notebook, elles sont remises en place après chaque cellule : une fonction corrigée sert
    aussitôt. Dans un fichier, une seule fois, à l'appel.

    Args:
        space: `globals()` de l'appelant.
        writes: par module du cours, `"exercises.ex07_occlusion"`, les noms qu'il faut remplacer.
    """
    course = {
        name: getattr(importlib.import_module(module), name)
        for module, names in writes.items()
        for name in names
    }
    shell = space.get("get_ipython")

    def replace(*_) -> None:
        for name, ours in course.items():
            mine = space.get(name)
            if mine is not None and mine is not ours:
                _replace(name, ours, mine)
                course[name] = mine

    replace()
    if shell is not None:
        shell().events.register("post_run_cell", replace)


def _replace(name: str, ours, mine) -> None:
    """Remplace un objet dans chaque module du cours qui le nomme, sous son nom ou un autre."""
    for module_name, module in [*sys.modules.items()]:
        if module_name.partition(".")[0] == "exercises":
            for key, value in [*vars(module).items()]:
                if value is ours:
                    setattr(module, key, mine)
