"""Ce que `./predict` écrit d'une réponse, sans lancer de processus."""

import json
from types import SimpleNamespace

import pytest

from convnets.core.cli import printable
from convnets.core.images import open_image
from convnets.serving import command, say
from convnets.serving.batches import Result


def answer(*arguments, alone=True):
    """Rend la ligne d'une image : Chat à 50 %, Chien à 30 %, Âne à 20 %."""
    found = say.Answer(["Chien", "Chat", "Âne"], [0.3, 0.5, 0.2], True)
    result = Result("a\nb.png", found, None)
    return command._line(result, command._parse([*arguments, "a\nb.png"]), alone=alone)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "Chat"),
        (["--top", "2"], "Chat (50,0 %), Chien (30,0 %)"),
        (["--top", "9"], "Chat (50,0 %), Chien (30,0 %), Âne (20,0 %)"),
        (["--threshold", "0,5", "--strict"], "Chat"),  # le seuil lui-même suffit
        (["--threshold", "0.51", "--top", "2"], "Indéterminé"),
    ],
)
def test_the_line_of_a_picture(arguments, expected):
    assert answer(*arguments) == f"Prédiction: {expected}"
    assert answer(*arguments, alone=False) == f"a\\nb.png: Prédiction: {expected}"


def test_the_line_of_a_program_says_what_it_doubts():
    sure = json.loads(answer("--json", "--top", "2"))
    assert sure == {
        "path": "a\nb.png",
        "class": "Chat",
        "probability": 0.5,
        "familiar": True,
        "top": [{"class": "Chat", "probability": 0.5}, {"class": "Chien", "probability": 0.3}],
    }
    assert json.loads(answer("--json", "--threshold", "1"))["class"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--threshold", "1,01", "a"], "probabilité de 0 à 1 attendue, reçu '1,01'"),
        (["--threshold", "-0.1", "a"], "probabilité de 0 à 1 attendue"),
        (["--threshold", "x", "a"], "probabilité de 0 à 1 attendue"),
        (["--threshold=nan", "a"], "probabilité de 0 à 1 attendue"),
        (["--explain", "c.png", "a", "b"], "une seule image"),
        (["--explain", "c.png", "-"], "une seule image"),
        (["--explain", "c.png", "."], "une seule image"),
        (["--method", "lime", "a"], "--method choisit une méthode"),
        (["-", "a", "-"], "ne se lit qu'une fois"),
    ],
)
def test_a_wrong_use_is_said(arguments, said, capsys):
    with pytest.raises(SystemExit) as caught:
        command._parse(arguments)
    assert caught.value.code == 2 and said in capsys.readouterr().err


def test_what_a_folder_contains(tmp_path, capsys):
    for name in ("b.PNG", "a.jpg", ".cache.png", "d/c.webp", ".git/e.png", "LISEZMOI"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [f"{tmp_path}/{name}" for name in ("a.jpg", "b.PNG", "d/c.webp")]
    assert command._expand([str(tmp_path), "-", "x.png"]) == ([*found, "-", "x.png"], [])
    said = " : 1 fichier n'est pas une image (sans fin de nom).\n"
    assert capsys.readouterr().err == f"predict : {tmp_path}{said}"
    listed = " 6 fichiers ne sont pas des images (.t0, .t1, .t2, .t3, .t4…)."
    assert command._listed([f"a.T{k}" for k in range(6)]) == listed


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """run(réponses, options…) : la commande, un faux modèle répondant à de vrais fichiers."""

    def call(results, *options):
        paths = [str(tmp_path / f"{k}.png") for k in range(len(results))]
        found = [result._replace(path=path) for path, result in zip(paths, results, strict=True)]
        for path in paths:
            open(path, "w").close()
        model = SimpleNamespace(classify=lambda asked: found if asked == paths else None)
        monkeypatch.setattr(command.router, "load", lambda slug, **_: model)
        code = command._run(command._parse([*options, *paths]))
        return code, *capsys.readouterr()

    return call


def result(*, slug="photos", why="", several=False, error=None):
    found = None if error else say.Answer(["Chat", "Chien"], [0.9, 0.1], not why, why)
    return Result("", found, error, SimpleNamespace(slug=slug), several)


@pytest.mark.parametrize(
    ("results", "options", "code", "said"),
    [
        ([result()], (), 0, ""),
        ([result(why=say.UNFAMILIAR)], (), 0, f"0.png {say.UNFAMILIAR}"),
        ([result(why=say.UNFAMILIAR)] * 2, (), 0, "2 réponses ne sont pas sûres, sur 2 ; --json"),
        ([result(several=True)], (), 0, "1 fichier contient plusieurs images : seule la première"),
        ([result(), result(error="illisible.")], (), 1, "predict : illisible."),
        ([result()] * 33, (), 0, command.SLOW),  # de quoi attendre
        ([result()] * 32, (), 0, ""),
        ([result(slug="thumbnails")] * 33, (), 0, ""),
        ([result()] * 33, ("--model", "photos"), 0, ""),
    ],
)
def test_what_is_said_beside_the_answers(run, results, options, code, said):
    found, out, err = run(results, *options)
    assert (found, err.count("\n")) == (code, bool(said)) and said in err
    assert [line.rpartition(": ")[2] for line in out.splitlines()] == ["Chat"] * (
        len(results) - code
    )


def test_numbers_of_names_are_in_their_order(tmp_path):
    for name in ("img10.png", "img2.png", "Img1.png", "img2b.png", "10.png", "9.png"):
        (tmp_path / name).touch()
    found = [path.rpartition("/")[2] for path in command._expand([str(tmp_path)])[0]]
    assert found == ["9.png", "10.png", "Img1.png", "img2.png", "img2b.png", "img10.png"]


def test_after_two_dashes_a_name_may_start_with_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-chien.jpg").touch()
    assert command._parse(["--top", "2", "--", "-chien.jpg"]).paths == ["-chien.jpg"]


def test_a_long_folder_says_where_it_is_every_ten_seconds(monkeypatch):
    now = iter([0.0, 4.0, 11.0, 12.0, 30.0])
    monkeypatch.setattr(command.time, "monotonic", lambda: next(now))
    tally, said = command.Tally(), []
    for _ in range(4):
        tally.add(result())
        said.append(tally.progress(44))
    assert said == ["", "2 images sur 44, encore 4 min.", "", "4 images sur 44, encore 5 min."]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html></html>", "une page Web, et non une image"),
    ],
)
def test_what_was_downloaded_instead_of_a_picture_is_named(tmp_path, content, said):
    path = tmp_path / "chat.jpg"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=said):
        open_image(path)


def test_a_name_of_another_age_is_shown():
    assert printable(b"\xe9t\xe9.png".decode(errors="surrogateescape")) == "été.png"
