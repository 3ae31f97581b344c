"""La commande entière, avec un correcteur imité ; puis une fois pour de bon."""

import csv
import io
import shutil
import zipfile

import pytest

from grading import scale
from grading.term import command, sheets
from tests.grading import school


def run(home, *options):
    return command.main([str(home / "cours.toml"), *options])


def notes(home, name="notes.csv"):
    text = (home / "notes" / name).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))


def test_a_term_from_the_command_to_the_files(home, marker, capsys):
    marker.verdicts = {("1001", "ex00.relu"): ("1/8", "absolute_value", "")}
    before = (home / "Notes TP0.csv").read_bytes()
    assert run(home) == 0
    shown = capsys.readouterr().out
    ines, leo, zoe, tom = notes(home)
    # 20 - 7/8 sur 20 pour Inès ; un jour de retard pour Léo ; 12,5 décidé pour Zoé.
    assert (ines["ex00 /20"], leo["ex00 /20"], zoe["ex00 /20"]) == ("19,125", "19", "12,5")
    assert ines["ex00.relu /1"] == "0,125" and "absolue" in ines["ex00.relu, raison"]
    assert leo["ex00, état"].startswith("rendu ; Retard : 1 jour commencé, 1 point en moins")
    assert "rattrapé à l'oral" in zoe["ex00, état"] and zoe["ex01 /20"] == ""
    assert zoe["ex01, état"] == "pas encore à rendre"
    assert tom["ex00 /20"] == "0" and tom["ex00, état"] == "absent" and tom["note /20"] == "0"
    assert ines["note /20"] == "19,417"  # (2 × 19,125 + 20) / 3
    for said in ("ex00 : 3 rendus\n", "Léo Costa : 20/20\n", "« alami » est pris pour Inès"):
        assert said in shown
    assert before == (home / "Notes TP0.csv").read_bytes()
    wanted = sheets.read_csv(home / "Notes TP0.csv").rows
    for cells, mark in zip(wanted[1:], ("19,125", "19", "12,5", "0"), strict=True):
        cells[3] = mark
    assert sheets.read_csv(home / "notes" / "moodle" / "ex00-Notes TP0.csv").rows == wanted
    with zipfile.ZipFile(home / "notes" / "moodle" / "ex00-retours.zip") as archive:
        pages = {name: archive.read(name).decode() for name in archive.namelist()}
    # Le nom que Moodle écrit, et le numéro de ce devoir ; la page n'a que cet exercice.
    page = pages["COSTA Léo_902_assignfeedback_file_/ex00.html"]
    assert len(pages) == 4 and "Léo Costa" in page
    assert "Alami" not in page and "Filtrer une image" not in page
    whole = (home / "notes" / "eleves" / "leo-costa-1002.html").read_text(encoding="utf-8")
    assert "est daté du 01/01/1980" in page  # celle du zip
    assert "Filtrer une image" in whole and (home / "notes" / "classe.html").is_file()
    assert not (home / "notes" / "ressemblances.html").exists()  # `similarity = false`


def test_again_only_what_changed(home, marker, capsys):
    run(home)
    assert sorted(marker.asked) == ["1001", "1001", "1002", "1002", "1003"]
    marker.asked.clear()
    run(home)
    assert marker.asked == []
    path = home / "tp1" / "costa" / "ex01_filters.py"
    path.write_text(path.read_text(encoding="utf-8") + "\n# relu\n", encoding="utf-8")
    run(home)
    assert marker.asked == ["1002"]
    run(home, "--all")
    assert len(marker.asked) == 6
    assert "Léo Costa : 20/20, inchangé\n" in capsys.readouterr().out


def test_another_scale_or_another_seed_regrades(home, marker, monkeypatch, tmp_path_factory):
    text = (home / "cours.toml").read_text(encoding="utf-8").replace("seed = 5\n", "")
    (home / "cours.toml").write_text(text, encoding="utf-8")
    run(home)
    marker.asked.clear()
    copied = shutil.copytree(scale.SCALE, tmp_path_factory.mktemp("copie") / "questions")
    monkeypatch.setattr(scale, "SCALE", copied)
    with open(copied / "ex01.toml", "a", encoding="utf-8") as file:
        file.write("\n# un seuil de plus\n")
    run(home)
    assert len(marker.asked) == 5
    marker.asked.clear()
    (home / "cours.toml").write_text(f"seed = 7\n{text}", encoding="utf-8")
    run(home)
    assert len(marker.asked) == 5


def test_an_interrupted_run_goes_on_where_it_stopped(home, marker, capsys):
    marker.broken = "1002"
    assert run(home) == 1
    assert "Erreur : l'atelier s'est arrêté" in capsys.readouterr().err
    assert not (home / "notes" / "notes.csv").exists()
    marker.broken = ""
    marker.asked.clear()
    assert run(home) == 0
    assert marker.asked == ["1002", "1003", "1001", "1002"]  # ex00 sans 1001, puis ex01


def test_a_hand_in_that_cannot_be_read_is_not_an_absence(home, marker):
    with zipfile.ZipFile(home / "tp0.zip", "a") as archive:
        archive.writestr("Tom Garcia_904_assignsubmission_file_/rendu.zip", b"PK abime")
    run(home)
    tom = notes(home)[3]
    assert tom["ex00, état"].startswith("non noté ; rendu.zip n'est pas un zip lisible")
    assert tom["ex00 /20"] == tom["note /20"] == "", "à donner par l'enseignant, et non zéro"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("_901_", "_999_", "la feuille de Moodle n'est pas celle de ce devoir : Inès Alami y est"),
        ("Léo Costa_902_", "Alami Inès_901_", "plusieurs rendus pour Inès Alami, de même date"),
    ],
)
def test_hand_ins_that_contradict_each_other_are_said(home, marker, capsys, old, new, said):
    with zipfile.ZipFile(home / "tp0.zip") as archive:
        contents = {name.replace(old, new): archive.read(name) for name in archive.namelist()}
    (home / "tp0.zip").write_bytes(school.packed(contents))
    assert run(home) == 1
    found = capsys.readouterr().err
    assert said in found and found.count("\n") == 1
    assert marker.asked == [] and not (home / "notes" / "notes.csv").exists()
