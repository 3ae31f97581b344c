"""La commande entière, à peu de scènes, les figures, une scène à soi, et le modèle livré."""

import contextlib
import io
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from matplotlib.figure import Figure

from convnets.core import reports
from convnets.datasets import sources
from convnets.training import saving
from exercises.ex25_captions import __main__ as ex25
from exercises.ex25_captions import (
    comparison,
    decoding,
    figures,
    network,
    questions,
    scenes,
    training,
)
from exercises.ex25_captions.grammar import CAPTIONS, END, KINDS, MAX_WORDS, START, split

pytestmark = pytest.mark.ci

SLUG = "ex25_captions"
PICTURES = {"legendes.png", "questions.png", "regard.png", "legendes_mesures.png"}
QUESTION = "S3, image captioning"


@pytest.fixture(scope="module")
def data():
    from tests.conftest import load_extract

    found = {}
    for name in ("fashion_mnist", "cifar10"):
        x, y = load_extract(name)
        found[name] = (x[:300], y[:300]), (x[300:], y[300:])
    return found


NAMES = {
    f"{measure}_{who}_{part}"
    for measures, those in (
        (("bleu1", "bleu2", "bleu3", "bleu4", "exact"), figures.CAPTIONING),
        (("answers", *questions.TYPES), figures.ANSWERING),
    )
    for measure in measures
    for who in those
    for part in figures.PARTS
}


@contextlib.contextmanager
def narrow(data):
    """Un réseau étroit, et des extraits pour tout jeu de données."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (network, training):
            patch.setattr(module, "WIDTHS", (2, 2, 2, 4))
        patch.setattr(network, "UNITS", 4)
        patch.setattr(comparison, "export_litert", lambda model: b"")
        for name, each in data.items():
            patch.setattr(sources, f"load_{name}", lambda each=each: each)
        yield patch


def say_nothing_else(model, maps):
    """Toujours « un sac ». Un vrai décodage, mot à mot, est un des essais longs."""
    words = np.zeros((len(maps), MAX_WORDS + 1), np.uint8)
    words[:, :4] = [CAPTIONS.numbers[word] for word in (START, "un", "sac", END)]
    return words, np.full((len(maps), MAX_WORDS, maps.shape[1]), 1 / maps.shape[1])


@pytest.fixture(scope="module")
def written(tmp_path_factory, data, unrendered):
    """Les trois usages de la commande, d'un réseau non appris dont les mesures sont plantées."""
    folder = tmp_path_factory.mktemp("ex25")
    arguments = ["--models-dir", str(folder / "m"), "--output", str(folder / "f")]

    def measure(albums, *, seed, options):
        assert {*albums} == {"train", "val", "seen", "unseen"}
        test = {name: (seed + 1) / 4 for name in NAMES}
        return training.Measured(model, 1 - seed, test, {"duration_s": [1.0]})

    save_examples = figures.save_examples
    with narrow(data) as patch, unrendered():
        model = network.build_model()
        patch.setattr(training, "measure", measure)
        patch.setattr(figures, "save_examples", lambda *_: None)  # `--show` les dessinera
        patch.setattr(decoding, "say", say_nothing_else)
        patch.setattr(figures, "NUM_SEEN", 1)
        patch.setattr(figures, "NUM_UNSEEN", 1)
        tf.config.run_functions_eagerly(True)  # construire les graphes durerait plus longtemps
        try:
            assert ex25.main(["--limit", "4", "--seeds", "2", *arguments]) == 0
            assert [path.name for path in (folder / "f").iterdir()] == ["legendes_mesures.png"]
            patch.setattr(figures, "save_examples", save_examples)
            assert ex25.main(["--show", *arguments]) == 0
            shown = {path.name for path in (folder / "f").iterdir()}
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                own = ["--compose", "un sac violet en bas à droite", "--ask", "Où est le sac ?"]
                assert ex25.main([*own, *arguments]) == 0
        finally:
            tf.config.run_functions_eagerly(False)
    return SimpleNamespace(folder=folder, shown=shown, said=printed.getvalue())


@pytest.mark.question(QUESTION)
def test_main_reports_every_seed_and_keeps_the_best(written):
    report = reports.read_report(SLUG, models_dir=written.folder / "m")
    assert report.num_images == {"train": 4, "val": 4, "test": 8}
    assert {*report.metrics} == NAMES and {each.metric for each in report.headline} <= NAMES
    assert report.metrics["exact_network_seen"].values == [0.25, 0.5]
    assert report.shipped["seed"] == 0 and report.shipped["exact_network_seen"] == 0.25
    assert report.details["unseen"][0] == "un pantalon rouge" and len(report.details["unseen"]) == 6
    assert written.shown == PICTURES  # redessinées par --show


def test_one_can_describe_a_scene_of_ones_own(written):
    assert "La scène : Un sac violet en bas à droite." in written.said
    assert "Le réseau : Un sac. (faux)" in written.said
    assert "Jamais vu à l'entraînement : un sac violet." in written.said
    assert "Où est le sac ? " in written.said and "Combien" not in written.said
    assert (written.folder / "f" / "scene.png").exists()


def test_too_few_scenes_are_refused(data, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(training, "train", lambda *_, **__: pytest.fail("rien à apprendre"))
    with narrow(data):
        assert ex25.main(["--limit", "1", "--models-dir", str(tmp_path)]) == 1
    assert "--limit 1 : trop peu de scènes" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_main_trains_and_measures(tmp_path, data, unrendered):
    folders = ["--models-dir", str(tmp_path / "m"), "--output", str(tmp_path / "f")]
    with narrow(data), unrendered():
        assert ex25.main(["--limit", "40", "--epochs", "2", *folders]) == 0
    report = reports.read_report(SLUG, models_dir=tmp_path / "m")
    assert {*report.metrics} == NAMES
    assert all(0 <= each.mean <= 1 for each in report.metrics.values())
    assert report.metrics["exact_neighbour_unseen"].mean == 0
    assert len(report.history["loss"]) == 2


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--compose", "un chat noir"], "« un chat noir » n'est pas compris"),
        (["--compose", "un sac vert en bas à droite", "--ask", "Pourquoi ?"], "« Pourquoi ? »"),
    ],
)
def test_what_the_grammar_does_not_write_is_refused(arguments, why, capsys):
    assert ex25.main(arguments) == 1
    error = capsys.readouterr().err
    assert why in error and "Attendu, par exemple" in error


# --- Les figures ---------------------------------------------------------------------


def test_right_and_wrong_words_are_told_apart():
    truth = split("un sac rouge en haut à gauche")

    def wrong(text):
        words = figures.color_words(split(text), truth)
        assert [each.text for each in words] == split(text)
        assert {each.color for each in words} <= {figures.RIGHT, figures.WRONG}
        return [each.text for each in words if each.color == figures.WRONG]

    assert wrong("un sac rouge en haut à gauche") == []
    assert wrong("un sac vert en haut à droite") == ["vert", "droite"]
    assert wrong("un petit sac rouge en haut à gauche") == ["petit"]  # les suivants restent justes


def test_the_figure_colors_each_word_and_says_the_truth(monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path: drawn.append(figure))
    albums = [
        scenes.make_album(
            [np.full((1, 28, 28), 255, np.uint8) for _ in KINDS],
            np.zeros((1, 32, 32, 3), np.uint8),
            num_scenes=1,
            num_draws=1,
            seed=0,
            unseen=unseen,
        )
        for unseen in (False, True)
    ]
    said = np.concatenate([album.captions for album in albums])
    said[1, 1] = CAPTIONS.numbers["et"]
    figures.save_captions(said, *albums, tmp_path / "legendes.png")
    first, second = ([text for text in axis.texts] for axis in drawn[0].axes[:2])
    assert {text.get_color() for text in first} == {figures.RIGHT}
    assert second[0].get_text() == "couple jamais vu"
    colors = {text.get_color(): text.get_text() for text in second[::-1]}
    assert colors[figures.WRONG] == CAPTIONS.words[said[1, 1]]
    assert "Vérité :" in [text.get_text() for text in second]
    replies = np.concatenate([album.answers for album in albums])
    figures.save_questions(replies, *albums, tmp_path / "questions.png")
    for axis in drawn[1].axes[:2]:
        assert figures.WRONG not in [text.get_color() for text in axis.texts]


# --- Le modèle livré -----------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_the_published_measures_hold_together(shipped_means):
    means = shipped_means(SLUG)
    for part in figures.PARTS:
        for who in figures.CAPTIONING:
            orders = [means[f"bleu{n}_{who}_{part}"] for n in range(1, 5)]
            assert orders == sorted(orders, reverse=True)
    assert means["answers_network_seen"] > 0.85
    for measure in ("answers", *questions.TYPES):
        assert means[f"{measure}_network_seen"] > means[f"{measure}_blind_seen"] + 0.3
        assert means[f"{measure}_network_seen"] > means[f"{measure}_network_unseen"] + 0.1
    for measure in ("exact", "bleu4"):
        assert means[f"{measure}_network_seen"] > means[f"{measure}_neighbour_seen"] + 0.1
        assert means[f"{measure}_network_seen"] > means[f"{measure}_network_unseen"]
    assert means["exact_neighbour_unseen"] == 0  # aucune phrase apprise ne dit ces couples
    assert reports.read_report(SLUG).metrics["exact_network_seen"].n == 3


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
def test_the_shipped_weights_on_the_whole_test_set():
    albums = training.make_albums(sources.load_fashion_mnist(), sources.load_cifar10(), limit=None)
    report, model = reports.read_report(SLUG), saving.load_model(SLUG)
    for part in figures.PARTS:
        maps = decoding.see(model, albums[part].images)
        found = training.judge_captions(decoding.say(model, maps)[0], albums[part].captions)
        replies = decoding.reply(model.get_layer("answerer"), maps, albums[part].questions)
        found |= training.judge_answers(replies, albums[part])
        for measure, value in found.items():
            published = report.shipped[f"{measure}_network_{part}"]
            assert value == pytest.approx(published, abs=5e-3), (measure, part)


@pytest.mark.slow
def test_the_lesson_reaches_its_floor(tmp_path):
    folders = ["--models-dir", str(tmp_path / "m"), "--output", str(tmp_path / "f")]
    assert ex25.main(folders) == 0
    means = reports.read_report(SLUG, models_dir=tmp_path / "m").metrics
    assert means["exact_network_seen"].mean > 0.5 > means["exact_neighbour_seen"].mean
    assert means["answers_network_seen"].mean > 0.75 > means["answers_blind_seen"].mean
