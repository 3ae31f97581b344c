"""Ce que `./predict` écrit d'une réponse, sans lancer de processus."""

import json
from types import SimpleNamespace

import pytest

from convnets.serving import command
from convnets.serving.classifier import Result


def answer(*arguments, alone=True):
    """Rend la ligne d'une image : Chat à 50 %, Chien à 30 %, Âne à 20 %."""
    card = SimpleNamespace(familiarity=0.5, garments=None)
    model = SimpleNamespace(classes=["Chien", "Chat", "Âne"], card=card)
    result = Result("a\nb.png", [0.3, 0.5, 0.2], None, model, 0.5)
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
    for name in ("b.PNG", "a.jpg", ".cache.png", "d/c.webp", ".git/e.png"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "images" / name).touch()
    (tmp_path / "textes").mkdir()
    folder, texts = (str(tmp_path / name) for name in ("images", "textes"))
    found = [f"{folder}/{name}" for name in ("a.jpg", "b.PNG", "d/c.webp")]
    assert command._expand([folder, "-", "x.png"]) == ([*found, "-", "x.png"], [])
    assert not capsys.readouterr().err
    for k in range(6):
        (tmp_path / "textes" / f"a.t{k}").touch()
    assert command._expand([texts]) == (
        [],
        [
            f"{texts} : aucune image dans ce dossier. 6 fichiers ne sont pas des images "
            "(.t0, .t1, .t2, .t3, .t4…)."
        ],
    )
    (tmp_path / "images" / "LISEZMOI").touch()
    assert command._expand([folder]) == (found, [])
    said = capsys.readouterr().err
    assert said.endswith("images : 1 fichier n'est pas une image (sans fin de nom).\n")


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


def result(*, slug="photos", familiarity=0.9, several=False, error=None):
    card = SimpleNamespace(familiarity=0.5, garments=None)
    model = SimpleNamespace(classes=["Chat", "Chien"], card=card, slug=slug)
    return Result("", [0.9, 0.1], error, None if error else model, familiarity, several)


def test_what_is_said_after_the_answers(run):
    code, out, err = run([result()])
    assert (code, out, err) == (0, "Prédiction: Chat\n", "")
    code, out, err = run([result(familiarity=0.1)])
    assert code == 0 and err.endswith(f"0.png {command.UNFAMILIAR}\n")
    doubted = [result(familiarity=0.1), result(several=True), result(familiarity=0.2)]
    code, out, err = run(doubted, "--strict")
    lines = [line.rpartition(": ")[2] for line in out.splitlines()]
    assert code == 0 and lines == ["Indéterminé", "Chat", "Indéterminé"]
    assert "1 fichier contient plusieurs images : seule la première est lue." in err
    assert "2 réponses ne sont pas sûres, sur 3 ;" in err
    code, out, err = run([result(), result(error="illisible.")], "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 1 and err == "predict : illisible.\n" and rows[1]["error"] == "illisible."


def test_only_a_long_wait_is_explained(run):
    """Trente-trois photos : de quoi attendre ; des vignettes vont vite."""
    for count, slug, options, said in (
        (33, "photos", (), True),
        (32, "photos", (), False),
        (33, "thumbnails", (), False),
        (33, "photos", ("--model", "photos"), False),
    ):
        err = run([result(slug=slug)] * count, *options)[2]
        assert err.count(command.SLOW) == said, (count, slug, options)
