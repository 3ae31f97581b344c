import json
import re
from fractions import Fraction

import numpy as np
import pytest

from exercises.ex00_convolution import replay
from exercises.ex00_convolution.__main__ import main
from exercises.ex00_convolution.examples import EXAMPLES
from exercises.ex00_convolution.replay import EXAMPLES_PATH, compute, failures, read_examples, show

TEXT = EXAMPLES_PATH.read_text(encoding="utf-8")
NAMES = [f"N{k}" for k in range(1, 24)]


@pytest.fixture(scope="module")
def obtained():
    """Les 23 exemples, calculés une fois."""
    return {name: compute(name, entry) for name, entry in read_examples().items()}


def test_every_example_is_there():
    assert list(EXAMPLES) == list(read_examples()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_example_comes_out(name, obtained):
    assert failures(read_examples()[name], obtained[name]) == []


def changed_digits(name):
    """Rend toutes les versions d'une entrée du fichier dont un seul chiffre a changé."""
    start = TEXT.index(f' "{name}": ')
    end = TEXT.find('\n "N', start + 1)
    entry = TEXT[start + len(f' "{name}": ') : end if end > 0 else TEXT.rindex("}")]
    entry = entry.rstrip().rstrip(",")
    for match in re.finditer(r"\d", entry):
        digit = int(match.group())
        other = str(digit + 1 if digit < 9 else 8)
        yield entry[: match.start()] + other + entry[match.end() :]


@pytest.mark.parametrize("name", NAMES)
def test_any_digit_of_the_data_file_matters(name, obtained):
    num_digits = 0
    for entry in changed_digits(name):
        changed = json.loads(entry, parse_float=Fraction)
        result = obtained[name]
        if name == "N20":  # sa grille est la donnée : tout s'y recalcule
            result = compute(name, changed)
        assert failures(changed, result), entry
        num_digits += 1
    assert num_digits >= 2


def test_one_digit_changed_makes_exactly_that_example_fail(obtained, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(replay, "compute", lambda name, entry: obtained[name])
    path = tmp_path / "examples.json"
    path.write_text(TEXT.replace("[2, 3, 4]]", "[2, 3, 5]]", 1), encoding="utf-8")
    assert main(["--data", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    wrong = [line for line in lines if line.startswith("✘")]
    assert len(wrong) == 1 and wrong[0].startswith("✘ N3 ")
    assert "sortie 4 3 4 / 2 4 3 / 2 3 4 au lieu de 4 3 4 / 2 4 3 / 2 3 5 (sortie)" in wrong[0]
    assert sum(line.startswith("✔") for line in lines) == 22
    assert lines[-2] == "22 exemples retrouvés sur 23."
    assert main(["--data", str(path), "--example", "N3"]) == 1
    assert "✘ sortie (attendu)" in capsys.readouterr().out


def test_all_examples_are_replayed(capsys):
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[:-2]] == [["✔", name] for name in NAMES]
    assert all("imprimé :" in line and "obtenu :" in line for line in lines[:-2])
    recalculated = [line for line in lines if "imprimé : rien, recalculé" in line]
    assert f"{len(recalculated)} exemples n'ont que de celles-là" in lines[-1]


def test_the_end_says_what_the_documents_print_and_what_is_only_recalculated():
    shown = replay.origins(
        {
            "N1": {"imprimé": {"grille": [[1, 2], [3, 4]], "b": 5}, "attendu": {"c": "refusé"}},
            "N2": {"imprimé": {}, "attendu": {"d": [Fraction(1, 2), 7]}},
            "N3": {"imprimé": {}, "attendu": {"e": [1, 2, 3, 4]}},
        }
    )
    assert shown == (
        "Les documents impriment 5 de leurs valeurs, dans 1 exemple, dont 4 données, relues et non "
        "calculées ; les 7 autres ne sont que recalculées, et 2 exemples n'ont que de celles-là."
    )


def test_one_example_is_shown_in_full(capsys):
    assert main(["--example", "n6"]) == 0
    shown = capsys.readouterr().out
    assert "cartes (imprimé)" in shown and "neuvièmes (attendu)" in shown
    assert " 0,77 -0,11  0,11  0,33  0,55 -0,11  0,33" in shown
    assert shown.count("✔") == 4 and "✘" not in shown


def entries(**changes):
    data = json.loads(TEXT)
    data.update(changes)
    return json.dumps({name: entry for name, entry in data.items() if entry is not None})


@pytest.mark.parametrize(
    "content, message",
    [
        ("{", "ligne 1, colonne 2, ce n'est pas du JSON"),
        ("[" * 100_000, "trop d'imbrications"),
        ('{"N1": {"imprimé": 3, "attendu": {}}}', "deux objets"),
        ("[]", "est illisible"),
        ('{"N1": 3}', "est illisible"),
        ('{"N1": {"imprimé": {}}}', "« imprimé » et « attendu »"),
        ('{"N1": {}, "N1": {}}', "N1 en double"),
        (entries(N7=None), "oubliés : N7"),
        (entries(N99={"imprimé": {}, "attendu": {}}), "inconnus ou oubliés : N99"),
    ],
)
def test_a_damaged_file_is_explained(tmp_path, content, message):
    path = tmp_path / "examples.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_examples(path)


def test_a_byte_order_mark_is_ignored_and_latin_1_is_refused(tmp_path):
    path = tmp_path / "examples.json"
    path.write_text(TEXT, encoding="utf-8-sig")
    assert list(read_examples(path)) == NAMES
    path.write_text(TEXT, encoding="latin-1")
    with pytest.raises(ValueError, match="pas du texte en UTF-8"):
        read_examples(path)


@pytest.mark.parametrize("grid", [None, 3, [], [[1, 2], [3]], [["a"]], [[10**30]]])
def test_a_damaged_grid_fails_its_example_and_no_other(tmp_path, capsys, grid):
    data = json.loads(TEXT)
    data["N20"]["imprimé"]["grille"] = grid
    path = tmp_path / "examples.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    assert main(["--data", str(path), "--example", "N20"]) == 1
    assert main(["--data", str(path), "--example", "N3"]) == 0
    del data["N20"]["imprimé"]["grille"]
    assert compute("N20", data["N20"]) == {}


@pytest.mark.parametrize("value", [[], [[]], [[], []], [[1, 2], 3], [[[]]], [[[1], 2]], None])
def test_a_value_of_another_shape_is_shown_and_fails(value, obtained):
    entry = read_examples()["N3"]
    entry["attendu"]["sortie"] = value
    for text in (replay.line, replay.details):
        assert "✘" in text("N3", entry, obtained["N3"])


def test_a_forgotten_value_is_a_failure(obtained):
    entry = read_examples()["N5"]
    del entry["attendu"]["somme"]
    assert failures(entry, obtained["N5"]) == ["somme"]
    entry["attendu"]["autre"] = 1
    assert failures(entry, obtained["N5"]) == ["autre", "somme"]


@pytest.mark.parametrize(
    "value, text",
    [
        (3, "3"),
        ([4, 14, 18], "4 14 18"),
        ([[4, 3], [2, 4]], "4 3 / 2 4"),
        (Fraction(7, 9), "7/9"),
        (Fraction("0.77"), "0,77"),
        (np.zeros((3, 7, 7), int).tolist(), "3×7×7 nombres : 0 0 0 0 …"),
        ("refusé", "refusé"),
    ],
)
def test_values_on_a_line(value, text):
    assert show(value) == text


def test_results_become_plain_values():
    plain = replay.plain((np.int64(2), np.array([0.5]), "x"))
    assert plain == [2, [Fraction(1, 2)], "x"]
