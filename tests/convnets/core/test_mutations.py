"""Un compte rendu dont un champ n'est pas de la bonne sorte : une phrase, jamais une trace."""

import json
import shutil

import pytest
from PIL import Image

from convnets.core import reports
from convnets.core.paths import MODELS_DIR, SUFFIXES
from convnets.serving import command
from convnets.training import saving
from exercises import __main__ as home
from exercises import find

SLUG = "digits"
WRONG = (None, "texte", [1], {"a": 1}, 3, 10**400)
CONTENT = json.loads((MODELS_DIR / f"{SLUG}.json").read_text(encoding="utf-8"))
NESTED = [("metrics", "accuracy"), ("metrics", "accuracy", "mean"), ("metrics", "accuracy", "sd")]
NESTED += [("files", f"{SLUG}.keras"), ("files", f"{SLUG}.tflite"), ("calibration", "temperature")]
NESTED += [("environment", "versions"), ("history", "loss"), ("validation", "values"), ("shipped",)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for suffix in SUFFIXES:
        shutil.copy(MODELS_DIR / f"{SLUG}{suffix}", folder)
    picture = Image.new("L", (60, 60), 255)
    picture.paste(0, (27, 10, 33, 50))
    picture.save(folder / "un.png")
    return folder


def change(content, where, value):
    """Rend le même contenu, où le champ désigné vaut `value`."""
    if not where:
        return value
    first, *rest = where
    return content | {first: change(content[first], rest, value)}


def read_everywhere(folder, capsys) -> list[str]:
    """Lit un compte rendu par chacun de ses lecteurs ; rend leurs refus."""
    refusals = []
    try:
        reports.read_report(SLUG, models_dir=folder)
    except ValueError as error:
        refusals.append(str(error))
        with pytest.raises(ValueError, match="abîmé|ne décrit pas"):
            saving.load_model(SLUG, models_dir=folder)
    state, shown = home.describe(find(SLUG), models_dir=folder)
    assert (state == "modèle refusé") == bool(refusals)
    code = command.main(["--model", str(folder / SLUG), str(folder / "un.png")])
    out, err = capsys.readouterr()
    assert code == (1 if err else 0) and bool(out) == (not err)
    return refusals + [shown] * bool(refusals) + err.splitlines()


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:12])
def test_each_field_of_another_kind_is_refused_in_french(folder, capsys, value):
    num_refused = 0
    for where in [(), *[(key,) for key in CONTENT], *NESTED]:
        text = json.dumps(change(CONTENT, list(where), value))
        (folder / f"{SLUG}.json").write_text(text, encoding="utf-8")
        refusals = read_everywhere(folder, capsys)
        num_refused += bool(refusals)
        for line in refusals:
            assert "abîmé" in line or "ne décrit pas" in line or "Reprenez les" in line, (
                where,
                line,
            )
    assert num_refused > len(CONTENT) / 2


def test_the_true_report_is_read(folder, capsys):
    shutil.copy(MODELS_DIR / f"{SLUG}.json", folder)
    assert not read_everywhere(folder, capsys)


@pytest.mark.parametrize("content", ["", "{", "[" * 10**5, "\udcff", "1e999", "NaN"])
def test_what_is_not_json_is_refused_in_french(folder, capsys, content):
    (folder / f"{SLUG}.json").write_text(content, encoding="utf-8", errors="surrogateescape")
    for line in read_everywhere(folder, capsys):
        assert "abîmé" in line and "xpecting" not in line and "codec" not in line
