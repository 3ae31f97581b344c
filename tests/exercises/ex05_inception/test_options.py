import re
from pathlib import Path

import pytest

from convnets.core import paths


@pytest.fixture(scope="module")
def parsers():
    from exercises.ex05_inception import options as ex05_options

    return {
        "entry": ex05_options.make_parser("Reconnaître.", num_images=2000),
        "part": ex05_options.part_parser("ex05_layers", "Couper.", epochs=3, num_images=1000),
    }


def test_defaults_are_those_of_the_statement(parsers):
    entry = vars(parsers["entry"].parse_args([]))
    assert entry == {
        "images": None,
        "limit": None,
        "epochs": 30,
        "seeds": 3,
        "folds": 5,
        "augment": False,
        "weights": "imagenet",
        "prepare": False,
        "force": False,
        "output": None,
        "models_dir": paths.MODELS_DIR,
        "module": "ex05_inception",
    }
    part = vars(parsers["part"].parse_args([]))
    assert part == {
        "limit": None,
        "epochs": 3,
        "seeds": 1,
        "output": None,
        "models_dir": paths.MODELS_DIR,
        "module": "ex05_layers",
    }


def test_options_are_read_as_typed(parsers):
    arguments = [
        "--images",
        "mes images",
        "--limit",
        "60",
        "--folds",
        "4",
        "--weights",
        "none",
        "--augment",
        "--models-dir",
        "m",
    ]
    options = parsers["entry"].parse_args(arguments)
    assert options.images == Path("mes images") and options.models_dir == Path("m")
    assert (options.limit, options.folds, options.weights) == (60, 4, "none")
    assert options.augment and not options.prepare


@pytest.mark.parametrize(
    ("name", "module", "num_images"),
    [("entry", "ex05_inception", 2000), ("part", "ex05_layers", 1000)],
)
def test_help_is_in_french(parsers, name, module, num_images, capsys):
    with pytest.raises(SystemExit) as caught:
        parsers[name].parse_args(["--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert caught.value.code == 0
    assert printed.startswith(f"usage : python -m exercises.{module} ")
    assert "montre cette aide et s'arrête" in printed and str(num_images) in printed
    assert f"figures/{module} par défaut" in printed.replace("- ", "-")
    assert not re.search(r"\b(show|default|optional|usage:)\b", printed)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("entry", ["--limit", "0"], "nombre entier d'au moins 1 attendu, reçu '0'"),
        ("entry", ["--weights", "vgg"], "choix impossible"),
        ("entry", ["--images"], "attend une valeur"),
        ("part", ["--seeds", "deux"], "nombre entier d'au moins 1 attendu, reçu 'deux'"),
        ("part", ["--folds", "3"], "option inconnue"),
    ],
)
def test_wrong_values_exit_2_in_french(parsers, name, arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        parsers[name].parse_args(arguments)
    assert caught.value.code == 2 and message in capsys.readouterr().err
