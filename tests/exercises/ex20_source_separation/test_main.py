from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from convnets.core import reports
from convnets.training import saving
from exercises.ex20_source_separation import comparison, network
from exercises.ex20_source_separation import sounds as ex20_sounds
from exercises.ex20_source_separation import spectrograms as ex20_spectrograms
from exercises.ex20_source_separation.timbres import LEARNED

pytestmark = pytest.mark.ci

QUESTION = "S3 CNN & Time-Frequency representation"
SLUG = "ex20_source_separation"


@pytest.fixture(scope="module")
def ex20():
    from exercises.ex20_source_separation import __main__ as ex20_source_separation

    return ex20_source_separation


def shorten(patch):
    """Fait jouer des sons d'une seconde."""
    patch.setattr(ex20_sounds, "DURATION_S", 1.0)
    patch.setattr(ex20_sounds, "NUM_SAMPLES", 8000)


@pytest.fixture(scope="module")
def trained(ex20, unrendered, tmp_path_factory):
    """Un entraînement de quelques secondes, sur trois mélanges."""
    folder = tmp_path_factory.mktemp("ex20")
    arguments = ["--models-dir", str(folder / "m"), "--output", str(folder / "f")]
    with pytest.MonkeyPatch.context() as patch, unrendered():
        patch.setattr(network, "DILATIONS", (2,))
        patch.setattr(comparison.baselines, "MEDIAN_SIZES", (17,))
        patch.setattr(comparison.factorisation, "NUM_PARTS", (4,))
        shorten(patch)
        tf.config.run_functions_eagerly(True)  # construire les graphes durerait plus longtemps
        assert ex20.main(["--epochs", "2", "--limit", "3", "--seeds", "1", *arguments]) == 0
        tf.config.run_functions_eagerly(False)
    return SimpleNamespace(folder=folder, arguments=arguments)


@pytest.mark.question(QUESTION)
def test_main_trains_measures_and_writes(trained):
    report = reports.read_report(SLUG, models_dir=trained.folder / "m")
    assert report.command == (
        f"python -m exercises.{SLUG} --seeds 1 --epochs 2 --limit 3 --precision float32"
    )
    assert report.num_images == {"train": 3, "val": 3, "test": 3}
    assert report.input_shape == [None, 257, 1]
    assert len(report.history["loss"]) == len(report.history["val_loss"]) == 2
    for shown in report.headline:
        assert np.isfinite(report.metrics[shown.metric].mean) and shown.unit == "dB"
    timbres = {name: {*sum(each, [])} for name, each in report.details["timbres"].items()}
    assert not timbres["learned"] & timbres["unseen"]
    names = {path.name for path in (trained.folder / "f").iterdir()}
    assert {"spectrogrammes.png", "mesures.png", "exemple1_melange.wav"} <= names
    assert len([name for name in names if name.startswith("exemple")]) == 3 * 7


@pytest.mark.question(QUESTION)
def test_factorisations_alone_are_the_same(ex20, trained, unrendered, monkeypatch, capsys):
    """Le réseau n'est pas réappris, et le compte rendu n'est récrit que si on le demande."""
    folder = trained.folder / "m"
    path, before = folder / f"{SLUG}.json", reports.read_report(SLUG, models_dir=folder)
    shorten(monkeypatch)
    monkeypatch.setattr(comparison.factorisation, "NUM_PARTS", (4,))
    without = {name: each for name, each in before.metrics.items() if name[:3] != "nmf"}
    reports.save_report(replace(before, metrics=without, headline=[]), path)
    text = path.read_text(encoding="utf-8")
    with unrendered():
        assert ex20.main(["--factorisation", *trained.arguments]) == 0
        assert path.read_text(encoding="utf-8") == text
        assert ex20.main(["--factorisation", "--force", *trained.arguments]) == 0
    assert reports.read_report(SLUG, models_dir=folder) == before
    assert str(path) in capsys.readouterr().out


@pytest.mark.question(QUESTION)
def test_the_saved_model_says_the_same(trained, eager, monkeypatch):
    from ai_edge_litert.interpreter import Interpreter

    # Keras seul, sans rien de nous, puis l'export.
    model = keras.saving.load_model(trained.folder / "m" / f"{SLUG}.keras")
    report = reports.read_report(SLUG, models_dir=trained.folder / "m")
    shorten(monkeypatch)
    sources = ex20_sounds.make_mixtures(3, LEARNED, seed=comparison.SEEDS["val"])
    gain = float(comparison.gain(model, sources).mean())
    assert gain == pytest.approx(report.score, abs=1e-3)

    x = ex20_spectrograms.network_input(ex20_spectrograms.stft(sources[:1].sum(1)))
    engine = Interpreter(str(trained.folder / "m" / f"{SLUG}.tflite"))
    for frames in (x.shape[1], 20):  # la durée est libre
        engine.resize_tensor_input(engine.get_input_details()[0]["index"], x[:, :frames].shape)
        engine.allocate_tensors()
        engine.set_tensor(engine.get_input_details()[0]["index"], x[:, :frames])
        engine.invoke()
        found = engine.get_tensor(engine.get_output_details()[0]["index"])
        np.testing.assert_allclose(found, np.asarray(model(x[:, :frames])), atol=1e-4)


@pytest.mark.question(QUESTION)
def test_a_user_sound_is_separated(ex20, trained, tmp_path, capsys, eager):
    from scipy.io import wavfile

    rng = np.random.default_rng(0)
    stereo = rng.normal(0, 3000, (30000, 2)).astype(np.int16)
    wavfile.write(tmp_path / "Mon son.wav", 44100, stereo)
    capsys.readouterr()
    assert ex20.main([str(tmp_path / "Mon son.wav"), *trained.arguments]) == 0
    written = capsys.readouterr().out.splitlines()
    stems = ("Mon son_melodie.wav", "Mon son_percussions.wav", "Mon son_separation.png")
    assert written == [str(trained.folder / "f" / stem) for stem in stems]
    sounds = [wavfile.read(path)[1].astype(float) for path in written[:2]]
    assert [len(sound) for sound in sounds] == [5443, 5443]  # ⌈30000 × 8000 / 44100⌉
    from exercises.ex20_source_separation.listening import read_wav

    mixture = read_wav(tmp_path / "Mon son.wav")
    total = sum(sounds)
    assert ex20_spectrograms.si_sdr(total, mixture) > 40  # la somme est le son


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_silence_stays_silent(ex20, trained, tmp_path, eager):
    from scipy.io import wavfile

    wavfile.write(tmp_path / "silence.wav", 8000, np.zeros(3, np.int16))
    assert ex20.main([str(tmp_path / "silence.wav"), *trained.arguments]) == 0
    for name in ("melodie", "percussions"):
        _, found = wavfile.read(trained.folder / "f" / f"silence_{name}.wav")
        np.testing.assert_array_equal(found, np.zeros(3))


def test_resuming_with_other_options_is_refused(ex20, trained, capsys):
    options = ["--limit", "3", "--seeds", "1", "--resume", *trained.arguments]
    assert ex20.main(["--epochs", "3", *options]) == 1
    assert "vient d'un autre entraînement" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"), [(b"ID3", "n'est pas un fichier WAV lisible"), (None, "n'existe pas")]
)
def test_wrong_files_are_refused(ex20, trained, tmp_path, capsys, content, message):
    path = tmp_path / "son.wav"
    if content:
        path.write_bytes(content)
    assert ex20.main([str(path), *trained.arguments]) == 1
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.startswith("Erreur : ") and not captured.out


def test_a_missing_model_says_how_to_train_it(ex20, tmp_path, capsys):
    from scipy.io import wavfile

    wavfile.write(tmp_path / "son.wav", 8000, np.ones(9, np.int16))
    assert ex20.main([str(tmp_path / "son.wav"), "--models-dir", str(tmp_path)]) == 1
    assert f"Pas de modèle {SLUG}" in capsys.readouterr().err


@pytest.mark.question(QUESTION)
def test_the_shipped_network_separates():
    from exercises.ex20_source_separation.timbres import UNSEEN

    model, report = saving.load_model(SLUG), reports.read_report(SLUG)
    for timbres, seed, least in ((UNSEEN, "test", 7), (LEARNED, "learned", 11)):
        sources = ex20_sounds.make_mixtures(12, timbres, seed=comparison.SEEDS[seed])
        assert comparison.gain(model, sources).mean() > least
    means = {name: metric.mean for name, metric in report.metrics.items()}
    assert means["medians_learned"] < means["network_learned"] < means["ideal_learned"]
    assert means["network"] < means["network_learned"] and means["svd"] < 0 < means["ica"]
    assert means["spectrogram_svd"] < means["dictionaries"] < means["medians"] < means["nmf"]
    assert means["dictionaries_learned"] < means["nmf_learned"] < means["network_learned"]
    assert report.metrics["network"].n == report.metrics["nmf"].n == 3
