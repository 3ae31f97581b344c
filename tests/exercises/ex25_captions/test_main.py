"""La leçon entière, à peu de scènes, une scène à soi, et le modèle livré."""

import numpy as np
import pytest

from convnets.core import reports
from convnets.training import saving
from exercises.ex25_captions import __main__ as ex25
from exercises.ex25_captions import decoding, network, questions, scenes, training
from exercises.ex25_captions.grammar import CAPTIONS, END, MAX_WORDS, START

pytestmark = pytest.mark.ci

SLUG = "ex25_captions"
QUESTION = "S3, image captioning"


def say_nothing_else(model, maps):
    """Toujours « un sac ». Un vrai décodage, mot à mot, est un des essais longs."""
    words = np.zeros((len(maps), MAX_WORDS + 1), np.uint8)
    words[:, :4] = [CAPTIONS.numbers[word] for word in (START, "un", "sac", END)]
    return words, np.full((len(maps), MAX_WORDS, maps.shape[1]), 1 / maps.shape[1])


@pytest.fixture
def small(small_data, monkeypatch, tmp_path, short_runs):
    """Un réseau étroit, des extraits pour tout jeu de données, et un dossier de modèles à part."""
    for module in (network, training):
        monkeypatch.setattr(module, "WIDTHS", (2, 2, 2, 4))
    monkeypatch.setattr(network, "UNITS", 4)
    monkeypatch.setattr(decoding, "say", say_nothing_else)
    small_data("fashion_mnist")
    small_data("cifar10")
    short_runs(tmp_path / "m")


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_the_lesson_trains_draws_saves_and_describes(small, eager, tmp_path, capsys):
    folders = ["--output", str(tmp_path / "f")]
    assert ex25.main(["--limit", "40", "--epochs", "1", *folders]) == 0
    report = reports.read_report(SLUG, models_dir=tmp_path / "m")
    assert all(0 <= each.mean <= 1 for each in report.metrics.values())
    assert report.metrics["exact_neighbour_unseen"].mean == 0
    names = {path.name for path in (tmp_path / "f").iterdir()}
    assert names == {"legendes.png", "regard.png"}
    capsys.readouterr()
    own = ["--model", str(tmp_path / "m" / SLUG), *folders]
    assert ex25.main(["--compose", "un sac violet en bas à droite", *own]) == 0
    said = capsys.readouterr().out
    assert "La scène : Un sac violet en bas à droite." in said
    assert "Le réseau : Un sac. (faux)" in said
    assert "Jamais vu à l'entraînement : un sac violet." in said
    replies = [line for line in said.splitlines() if " ? " in line]
    assert [each.split(" ")[0] for each in replies] == ["Combien", "De", "Où"]
    assert replies[2].endswith("(juste)") == ("En bas à droite." in replies[2])
    assert (tmp_path / "f" / "scene.png").exists()


def test_what_the_grammar_does_not_write_is_refused(capsys):
    assert ex25.main(["--compose", "un chat noir"]) == 1
    error = capsys.readouterr().err
    assert "« un chat noir » n'est pas compris. Attendu, par exemple" in error


# --- Le modèle livré -----------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_the_published_measures_hold_together():
    assert reports.read_report(SLUG).command.endswith(f"{SLUG} --epochs {training.EPOCHS}")
    means = {name: each.mean for name, each in reports.load_measures(SLUG).metrics.items()}
    assert means["answers_network_seen"] > 0.85
    for measure in ("answers", *questions.TYPES):
        assert means[f"{measure}_network_seen"] > means[f"{measure}_blind_seen"] + 0.3
        assert means[f"{measure}_network_seen"] > means[f"{measure}_network_unseen"]
    assert means["count_network_unseen"] < means["count_blind_unseen"]  # dit la page
    for measure in ("exact", "bleu4"):
        assert means[f"{measure}_network_seen"] > means[f"{measure}_neighbour_seen"] + 0.1
        assert means[f"{measure}_network_seen"] > means[f"{measure}_network_unseen"]
    assert means["exact_neighbour_unseen"] == 0  # aucune phrase apprise ne dit ces couples


@pytest.mark.question(QUESTION)
def test_the_shipped_network_reads_the_image(extract):
    """De nouvelles scènes : le mot suivant et les réponses, avec leur image, puis une autre."""
    x, y = extract("fashion_mnist")
    garments = [x[y.reshape(-1) == kind] for kind in scenes.FASHION_KINDS]
    backgrounds, _ = extract("cifar10")
    album = scenes.make_album(garments, backgrounds, num_scenes=40, num_draws=1, seed=9)
    model, found = saving.load_model(SLUG), []
    for images in (album.images, album.images[::-1].copy()):
        given = {"image": images, "words": album.captions[:, :-1], "questions": album.questions}
        outputs = {name: np.asarray(each).argmax(-1) for name, each in model(given).items()}
        said = album.captions[:, 1:] > 0
        right = (outputs["caption"] == album.captions[:, 1:])[said].mean()
        found.append((right, (outputs["answers"] == album.answers).mean()))
    assert found[0][0] > 0.95 and found[0][1] > 0.75
    assert found[1][0] < found[0][0] - 0.2 and found[1][1] < found[0][1] - 0.2


@pytest.mark.slow
def test_the_lesson_reaches_its_floor():
    found = ex25.run(0).metrics
    assert found["exact_network_seen"] > 0.5 > found["exact_neighbour_seen"]
    assert found["answers_network_seen"] > 0.75 > found["answers_blind_seen"]
