"""Les options d'un exercice qui entraîne."""

import pytest

from convnets.core.cli import check_output, run, training_command, training_parser


def parse(*arguments):
    return training_parser("ex99_essai", "Un essai.", epochs=12).parse_args(arguments)


def test_one_seed_by_default():
    options = parse()
    assert (options.seeds, options.epochs, options.minutes) == (1, 12, None)
    assert training_command(options) == "python -m exercises.ex99_essai --seeds 1 --epochs 12"


@pytest.mark.parametrize("epochs", ["3", "12"])  # 12 : donner le défaut, c'est encore choisir
def test_minutes_or_epochs(epochs, capsys):
    assert parse("--minutes", "20").minutes == 20
    with pytest.raises(SystemExit, match="2"):
        parse("--minutes", "20", "--epochs", epochs)
    assert "ne va pas avec" in capsys.readouterr().err


@pytest.mark.parametrize("minutes", ["0", "-1", "vite"])
def test_minutes_are_a_positive_number(minutes, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse("--minutes", minutes)
    assert "nombre entier d'au moins 1 attendu" in capsys.readouterr().err


def test_distribution_is_not_in_sight(capsys):
    with pytest.raises(SystemExit, match="0"):
        parse("--help")
    help_text = capsys.readouterr().out
    assert "--minutes" in help_text and "--distribution" not in help_text


def test_a_recipe_is_a_whole_schedule():
    parser = training_parser("ex99_essai", "Un essai.", epochs=12, package="recipes", command="un")
    assert "minutes" not in vars(parser.parse_args([]))
    assert training_command(parser.parse_args([])).startswith("python -m recipes.un --seeds 1")


def test_figures_that_could_not_be_written_are_refused_before_training(tmp_path, monkeypatch):
    """Refusé à la fin, il cachait où étaient les poids d'un long entraînement."""
    check_output(parse())
    check_output(parse("--output", str(tmp_path / "a" / "b")))
    (tmp_path / "fichier").touch()
    for place in ("fichier", "fichier/dessous"):
        with pytest.raises(ValueError, match="/fichier n'est pas un dossier"):
            check_output(parse("--output", str(tmp_path / place)))
    (tmp_path / "fermé").mkdir(mode=0o555)
    monkeypatch.setattr("os.access", lambda path, mode: path.name != "fermé")  # root entre partout
    with pytest.raises(ValueError, match="/fermé : accès refusé"):
        check_output(parse("--output", str(tmp_path / "fermé" / "figures")))


def test_too_little_memory_is_said_in_french(capsys):
    def body() -> int:
        raise MemoryError("Unable to allocate 8.73 TiB for an array")

    assert run(body) == 1
    assert capsys.readouterr().err == "Erreur : la mémoire manque pour ce qui est demandé.\n"
