"""Ce qu'un programme demande à qui le lance : la ligne de commande, le clavier."""

import argparse
import builtins
import re

import numpy as np

from .. import trial
from ..causes import place_in_hand_in
from ..guessing import guessed

GUESSED = "train|val|test|data|image|input|.*(_rate|lr|epoch|batch|activ)"  # noms d'arguments
_parse_known_args = argparse.ArgumentParser.parse_known_args


def replacements(seen) -> list[tuple]:
    """Rend ce qui lit la ligne de commande et le clavier, remplacé."""
    answers = iter("1" * 50)

    def ask(*_) -> str:
        """Répond 1 à une question posée au clavier ; qui redemande sans fin s'arrête là."""
        seen.said["asks"] = seen.said["asks"] or place_in_hand_in()
        return next(answers)

    def parse(parser, *given, **named):
        """Devine ce qu'il faudrait écrire sur la ligne de commande."""
        for each in parser._actions:
            if each.default is None and (each.required or re.match(GUESSED, each.dest)):
                each.default = _plausible(each, guessed(each.dest.lower(), seen))
            each.required = False
            if not each.option_strings and each.nargs in (None, "+"):
                each.nargs = "*" if each.nargs else "?"
        return _parse_known_args(parser, *given, **named)

    return [
        (argparse.ArgumentParser, "parse_known_args", parse),
        (builtins, "input", ask),
        (builtins, "raw_input", ask),
    ]


def _plausible(action: argparse.Action, guess):
    """Choisit ce que vaut un argument, d'après son type et son nom ; un texte est un chemin."""
    if action.choices:
        return next(iter(action.choices))
    guess = guess[0] if isinstance(guess, tuple) else guess
    if action.type is int:
        return guess if isinstance(guess, int) else trial.BATCH
    if action.type is float:
        return 0.1
    return str(guess) if np.isscalar(guess) else trial.pictures_for(action.dest)


class Arguments(list):
    """Ceux de la ligne de commande ; ceux qui manquent sont de petits nombres, ou des dossiers."""

    def __getitem__(self, place):
        """Rend un argument, ou un petit nombre s'il manque."""
        if isinstance(place, slice) or place < len(self):
            return super().__getitem__(place)
        return str(trial.BATCH)
