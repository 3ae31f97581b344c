"""La leçon entière, à peu d'images ; une phrase, une image, et son nom."""

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from convnets.core import reports
from convnets.datasets import sources
from exercises.ex26_text_to_image import __main__ as ex26
from exercises.ex26_text_to_image import figures, flow, measures, network, sentences

SLUG = "ex26_text_to_image"
QUESTION = "S3, figure (6)"


def tiny_judge():
    """Un juge de dix classes, sans avoir rien appris : sa moyenne, puis une couche dense."""
    keras.utils.set_random_seed(0)
    images = keras.Input((28, 28), dtype="uint8")
    grey = layers.Reshape((28, 28, 1))(layers.Rescaling(1 / 255)(images))
    features = layers.Flatten()(layers.AveragePooling2D(14)(grey))
    return keras.Model(images, [features, keras.ops.argmax(layers.Dense(10)(features), axis=-1)])


@pytest.mark.question(QUESTION)
def test_a_searched_image_is_learned_and_has_the_asked_adjectives(as_dataset, monkeypatch):
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: as_dataset("fashion_mnist"))
    train, test = ex26.load_parts(None)
    bounds = sentences.thirds(train.images, train.labels)
    asked = [i for i, label in enumerate(test.labels) if label == train.labels[0]]
    kept = ex26.Part(
        test.images[asked],
        test.labels[asked],
        [test.sentences[i] for i in asked],
        np.zeros((len(asked), 2), int) + [1, 0],  # claires, sans rien dire de leur allure
    )
    found = ex26.search(train, kept, seed=0)
    assert (sentences.levels(found, kept.labels, bounds)[:, 0] == 1).all()
    assert all((train.images == image).all((1, 2, 3)).any() for image in found)


@pytest.mark.ci
@pytest.mark.usefixtures("eager")
@pytest.mark.question(QUESTION)
def test_lesson_trains_draws_judges_then_draws_a_sentence(
    as_dataset, unrendered, tmp_path, monkeypatch, capsys, short_runs
):
    short_runs(tmp_path / "m")
    monkeypatch.setattr(sources, "load_fashion_mnist", lambda: as_dataset("fashion_mnist"))
    monkeypatch.setattr(network.build_model, "__kwdefaults__", {"channels": (4, 4)})
    for follow in (network.draw_path, flow.follow):
        monkeypatch.setattr(follow, "__kwdefaults__", {"num_steps": 2})
    monkeypatch.setattr(ex26, "NUM_DRAWN", 20)
    monkeypatch.setattr(measures, "load_judge", tiny_judge)
    monkeypatch.setattr(figures, "SHOWN_STEPS", (0, 2))
    with unrendered():
        assert ex26.main(["--limit", "40", "--epochs", "1", "--output", str(tmp_path / "f")]) == 0
    printed = capsys.readouterr().out
    assert "force 2" in printed and "réseau parfait" in printed
    names = {path.name for path in (tmp_path / "f").iterdir()}
    assert names == {"phrases.png", "force.png", "chemin.png"}
    report = reports.read_report(SLUG, models_dir=tmp_path / "m")
    means = {name: metric.mean for name, metric in report.metrics.items()}
    assert set(means) == set(reports.load_measures(SLUG).metrics)
    # Ce dont la réponse est connue : les vraies images, et le réseau parfait, qui recopie.
    assert means["obeyed_real"] == 1
    assert means["copied_exact"] == 1 and means["copied_real"] <= 0.06
    assert means["frechet_real"] < means["frechet_noise"]

    path, own = tmp_path / "robe.png", ["--model", str(tmp_path / "m" / SLUG)]
    assert ex26.main(["--say", "Une robe claire", *own, "--output", str(path)]) == 0
    said = capsys.readouterr().out
    assert "« Une robe claire »" in said and f"./predict --model garments {path}" in said
    drawn = np.asarray(Image.open(path))
    assert drawn.shape == (224, 224, 3) and (drawn[::8, ::8] == drawn[7::8, 7::8]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--say", "un dragon"], "Mot inconnu : « dragon »"),
        (["--say", "un pull", "--output", "x.jpg"], "x.jpg ne se termine pas par .png"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(arguments, message, capsys):
    assert ex26.main(arguments) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


@pytest.mark.question(QUESTION)
def test_published_measures_hold_together():
    means = {name: metric.mean for name, metric in reports.load_measures(SLUG).metrics.items()}
    # La phrase compte : sans elle, le hasard ; avec elle, et plus on l'écoute, mieux c'est nommé.
    assert means["named_0"] < 0.2 < 0.6 < means["named_1"] < means["named_2"]
    assert means["obeyed_2"] > 0.7 > 0.4 > means["obeyed_exact"]
    # Ni le bruit, ni l'image moyenne ; ni, malgré le réseau parfait, des copies.
    known = [means[f"frechet_{key}"] for key in ("real", 2, "mean", "noise")]
    assert known == sorted(known)
    assert means["copied_exact"] > 0.99 and means["copied_2"] < 0.05


@pytest.mark.ci
@pytest.mark.question(QUESTION)
def test_predict_names_what_the_sentence_asked(tmp_path, run_predict):
    """Le fichier écrit par `--say` est une image comme une autre."""
    for sentence, name in {"une bottine foncée": "Bottine", "un pantalon": "Pantalon"}.items():
        path = tmp_path / "image.png"
        assert ex26.main(["--say", sentence, "--output", str(path)]) == 0
        found = run_predict("--model", "garments", path)
        assert found.stdout.decode() == f"Prédiction: {name}\n"
