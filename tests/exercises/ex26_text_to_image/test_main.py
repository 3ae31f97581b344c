"""La commande entière, à peu d'images ; une phrase, une image, et son nom."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from PIL import Image

from convnets.core import reports
from convnets.training import saving
from exercises.ex26_text_to_image import __main__ as ex26
from exercises.ex26_text_to_image import (
    comparison,
    figures,
    flow,
    measures,
    network,
    sentences,
    subjects,
)

pytestmark = pytest.mark.ci

SLUGS = [subject.slug for subject in subjects.SUBJECTS.values()]
PICTURES = {"phrases.png", "force.png", "chemin.png", "voisines.png", "mesures.png"}
QUESTION = "S3, figure (6)"


def tiny_judge(subject):
    """Un juge de dix classes, sans avoir rien appris : sa moyenne, puis une couche dense."""
    keras.utils.set_random_seed(0)
    images = keras.Input(subject.pixels[:2], dtype="uint8")
    grey = layers.Reshape(subject.pixels)(layers.Rescaling(1 / 255)(images))
    features = layers.Flatten()(layers.AveragePooling2D(14)(grey))
    outputs = layers.Dense(10, activation="softmax")(features)
    return measures.Judge(keras.Model(images, [features, outputs]), 1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, unrendered):
    """Un réseau étroit appris sur quarante vêtements."""
    from tests.conftest import load_extract

    x, y = load_extract("fashion_mnist")
    data = (x[:300], y[:300]), (x[300:], y[300:])
    folder = tmp_path_factory.mktemp("ex26")
    arguments = ["--models-dir", str(folder / "m"), "--output", str(folder / "f")]
    with pytest.MonkeyPatch.context() as patch, unrendered():
        patch.setattr(network.build_model, "__kwdefaults__", {"channels": (4, 4)})
        for follow in (network.draw_path, flow.follow):
            patch.setattr(follow, "__kwdefaults__", {"num_steps": 2})
        patch.setattr(comparison, "NUM_DRAWN", 20)
        patch.setattr(figures, "save_examples", lambda *_: None)  # `--show` les dessinera
        patch.setattr(saving, "export_litert", lambda model: b"")
        patch.setattr(measures, "load_judge", tiny_judge)
        examples = subjects.FASHION.examples[:2]  # moins de dessins
        fashion = subjects.FASHION._replace(load=lambda: data, examples=examples)
        patch.setitem(ex26.SUBJECTS, "fashion", fashion)
        tf.config.run_functions_eagerly(True)  # construire les graphes durerait plus longtemps
        assert ex26.main(["--limit", "40", "--epochs", "1", *arguments]) == 0
        tf.config.run_functions_eagerly(False)
    return SimpleNamespace(folder=folder, arguments=arguments, subject=fashion)


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_main_trains_draws_judges_and_writes(trained):
    report = reports.read_report(SLUGS[0], models_dir=trained.folder / "m")
    assert report.num_images == {"train": 36, "val": 4, "test": 20}
    keys = [*map(str, comparison.FORCES), *figures.NAIVE]
    assert {*report.metrics} == {f"{name}_{key}" for name in figures.MEASURES for key in keys}
    assert {each.metric for each in report.headline} <= {*report.metrics}
    means = {name: metric.mean for name, metric in report.metrics.items()}
    # Ce dont la réponse est connue : les vraies images, et le réseau parfait, qui recopie.
    assert means["obeyed_real"] == 1 and means["distance_exact"] == 0
    assert means["copied_exact"] == 1 and means["copied_real"] <= 0.06
    assert means["frechet_real"] < means["frechet_noise"]
    assert {path.name for path in (trained.folder / "f").iterdir()} == {"mesures.png"}


@pytest.mark.slow
def test_show_redraws_without_training(trained, unrendered, monkeypatch, eager, capsys):
    monkeypatch.setitem(ex26.SUBJECTS, "fashion", trained.subject)
    for name, value in {"NUM_SHOWN": 2, "SHOWN_FORCES": (0, 2), "SHOWN_STEPS": (0, 2)}.items():
        monkeypatch.setattr(figures, name, value)
    monkeypatch.setattr(network.draw_path, "__kwdefaults__", {"num_steps": 2})
    with unrendered():
        assert ex26.main(["--show", *trained.arguments]) == 0
    printed = capsys.readouterr().out
    assert "fabriquées, force 2" in printed and "réseau parfait" in printed
    assert "époque" not in printed
    assert {path.name for path in (trained.folder / "f").iterdir()} == PICTURES


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_a_sentence_makes_a_file(trained, tmp_path, monkeypatch, eager, capsys):
    monkeypatch.setattr(network.draw_path, "__kwdefaults__", {"num_steps": 2})
    path = tmp_path / "robe.png"
    models = trained.arguments[:2]
    assert ex26.main(["--say", "Une robe claire", "--output", str(path), *models]) == 0
    said = capsys.readouterr().out
    assert "« Une robe claire »" in said and f"./predict --model garments {path}" in said
    first = np.asarray(Image.open(path))
    assert first.shape == (224, 224, 3) and (first[::8, ::8] == first[7::8, 7::8]).all()
    others = ["--output", str(tmp_path), "--noise", "1", "--guidance", "1,5"]
    assert ex26.main(["--say", "une robe claire", *others, *models]) == 0
    assert (np.asarray(Image.open(tmp_path / "une-robe-claire.png")) != first).any()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--say", "un dragon"], 1, "Mot inconnu : « dragon »"),
        (["--say", "un pull", "--dataset", "cifar10"], 1, "connu du réseau de --dataset fashion"),
        (["--say", "un pull", "--guidance", "fort"], 2, "nombre de 0 à 100 attendu"),
        (["--say", "un pull", "--show"], 2, "ne va pas avec"),
        (["--say", "un pull", "--output", "x.jpg"], 1, "x.jpg ne se termine pas par .png"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(arguments, code, message, capsys):
    try:
        found = ex26.main(arguments)
    except SystemExit as stopped:
        found = stopped.code
    error = capsys.readouterr().err
    assert found == code and message in error
    assert (
        len([line for line in error.splitlines() if "usage" not in line and line[:1] != " "]) == 1
    )


@pytest.mark.parametrize("limit", [1, 2])
def test_too_few_images_are_refused(monkeypatch, capsys, limit):
    data = (np.zeros((9, 28, 28), np.uint8), np.zeros(9, np.uint8))
    fashion = subjects.FASHION._replace(load=lambda: (data, data))
    monkeypatch.setitem(ex26.SUBJECTS, "fashion", fashion)
    monkeypatch.setattr(measures, "load_judge", lambda _: pytest.fail("trop tard"))
    assert ex26.main(["--limit", str(limit)]) == 1
    assert f"--limit {limit} : il faut au moins trois images" in capsys.readouterr().err


def test_the_other_dataset_has_its_own_names(monkeypatch):
    seen = []
    monkeypatch.setattr(figures, "show_again", lambda options, subject: seen.append(options) or 0)
    assert ex26.main(["--show", "--dataset", "cifar10"]) == 0
    assert seen[0].module == SLUGS[1]
    assert seen[0].command == "ex26_text_to_image --dataset cifar10"


# --- Le modèle livré -----------------------------------------------------------------


@pytest.mark.question(QUESTION)
def test_the_published_measures_hold_together(shipped_means):
    means = shipped_means(SLUGS[0])
    # La phrase compte : sans elle, le hasard ; avec elle, et plus on l'écoute, mieux c'est nommé.
    assert means["named_0"] < 0.2 < 0.6 < means["named_1"] < means["named_2"]
    assert means["obeyed_2"] > 0.7 > 0.4 > means["obeyed_exact"]
    # Ni le bruit, ni l'image moyenne ; ni, malgré le réseau parfait, des copies.
    assert means["frechet_real"] < means["frechet_2"] < means["frechet_mean"]
    assert means["frechet_mean"] < means["frechet_noise"]
    assert means["copied_exact"] > 0.99 and means["copied_2"] < 0.05
    assert reports.read_report(SLUGS[0]).metrics["named_2"].n == 3


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_predict_names_what_the_sentence_asked(tmp_path, run_predict):
    """Le fichier écrit par `--say` est une image comme une autre."""
    for sentence, name in {"une bottine foncée": "Bottine", "un pantalon": "Pantalon"}.items():
        path = tmp_path / "image.png"
        assert ex26.main(["--say", sentence, "--output", str(path)]) == 0
        found = run_predict("--model", "garments", path)
        assert found.stdout.decode() == f"Prédiction: {name}\n"


@pytest.mark.slow
def test_the_shipped_weights_obey_new_sentences():
    """De nouvelles phrases, d'autres bruits : la même part est nommée comme demandé."""
    subject = subjects.FASHION
    dataset = subject.load()
    parts = comparison.split(subject, dataset, None)
    bench = comparison.make_bench(subject, parts)
    asked = sentences.encode(subject, parts["test"].sentences)
    noise = network.draw_noise(subject, len(asked), seed=50)
    model = saving.load_model(SLUGS[0])
    images = network.draw_path(model, asked, noise, guidance=flow.GUIDANCE)[-1]
    found = comparison.judge_images(subject, images, parts, bench)
    report = reports.read_report(SLUGS[0])
    assert found["named"] == pytest.approx(report.shipped["named_2"], abs=0.05)
    assert found["obeyed"] == pytest.approx(report.shipped["obeyed_2"], abs=0.05)
