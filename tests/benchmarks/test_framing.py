import shutil

import numpy as np
import pytest
from PIL import Image

from benchmarks import framing
from convnets.datasets import sources
from convnets.serving.classifier import Classifier


@pytest.fixture(scope="module")
def classifier():
    return Classifier("thumbnails_light")  # il répond vite


def test_images_are_those_set_aside_by_the_recipe():
    from recipes import thumbnails

    assert framing.NUM_VAL == thumbnails.NUM_VAL


def test_composed_photos_keep_their_subject_whole():
    white, black = np.full((32, 32, 3), 255, np.uint8), np.zeros((32, 32, 3), np.uint8)
    for smallest, spread in framing.LAYOUTS.values():
        rng, sides, places = np.random.default_rng(0), [], []
        for _ in range(60):
            photo = framing.compose(white, black, rng, smallest=smallest, spread=spread)
            assert min(photo.size) == framing.SHORT_SIDE_PX
            lit = np.asarray(photo)[..., 0] > 0
            rows, columns = np.flatnonzero(lit.any(1)), np.flatnonzero(lit.any(0))
            height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
            assert height == width and lit.sum() == height * width  # un carré, jamais coupé
            sides.append(height / framing.SHORT_SIDE_PX)
            places.append(abs((rows[0] + rows[-1] + 1) / photo.height - 1))
        assert smallest - 0.01 <= min(sides) < smallest + 0.05 and max(sides) > 0.95
        assert (max(places) > 0.4) == (spread is None)


def test_averaging_views(classifier, extract):
    x, y = extract("cifar10")
    rng = np.random.default_rng(0)
    photos = [framing.compose(a, b, rng) for a, b in zip(x[:20], x[40:60], strict=True)]
    results = framing.measure_views(classifier, photos, y[:20].reshape(-1))
    assert {views for views, _ in results} == set(framing.VIEW_SETS)
    squares = framing.measure(classifier, photos, y[:20].reshape(-1))
    assert results[(framing.WHOLE,), False] == squares["crop", "BICUBIC"] > 0.6


def test_spectrum_tells_fine_from_coarse():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
    fine = framing.spectrum(noise)
    assert fine.shape == (framing.NUM_BANDS,)
    # Du bruit blanc : chaque bande a la part de ses fréquences.
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(32), np.fft.fftfreq(32)))
    edges = [*np.linspace(0.05, 0.5, framing.NUM_BANDS), 1]
    counts = np.histogram(frequency, edges)[0] / frequency.size
    np.testing.assert_allclose(np.exp(fine), counts, rtol=0.15)
    coarse = framing.spectrum(np.repeat(np.repeat(noise[:, :8, :8], 4, axis=1), 4, axis=2))
    assert (coarse[-3:] < fine[-3:] - 1).all() and coarse[0] > fine[0]


def test_blurred_photos_match_blurred_thumbnails_best():
    """Oracle : des vignettes faites d'un des filtres ont le spectre que ce filtre donne."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (40, 120, 120, 3), dtype=np.uint8)
    photos = [Image.fromarray(each).resize((256, 256)) for each in noise]
    for name in ("BILINEAR", "BOX"):
        filter_ = Image.Resampling[name]
        thumbnails = [framing.crop_resize(photo, 32, resample=filter_) for photo in photos]
        gaps = framing.measure_spectra(photos[:20], np.stack(thumbnails))
        assert set(gaps) == set(framing.FILTERS) and min(gaps, key=gaps.get) == name


def test_own_photos_are_counted_by_class(tmp_path, repo, capsys):
    for folder, samples in {"Chat": ["chat.png"], "camion": ["camion.png", "avion.png"]}.items():
        (tmp_path / folder).mkdir()
        for name in samples:
            shutil.copy(repo / "samples" / name, tmp_path / folder)
    (tmp_path / "camion" / "faux.png").write_bytes(b"texte")
    (tmp_path / "pont").mkdir()
    assert framing.measure_photos(Classifier(), tmp_path) == {"Chat": (1, 1), "Camion": (1, 3)}
    expected = "50,0 % (2 sur 4 ; Chat 1/1, Camion 1/3)"
    assert framing.main(["--photos", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"./predict : {expected}\n"
    assert framing.main(["--photos", str(tmp_path), "--model", "thumbnails"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" : ")[0] for line in lines] == [
        "crop",
        "crop + crop 0.85 + crop 0.7 + squash",
    ]
    assert lines[-1].endswith(expected)


def test_a_folder_without_classes_is_refused(tmp_path, capsys):
    assert framing.main(["--photos", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "aucun sous-dossier" in error and "Grenouille" in error and "Traceback" not in error


def test_the_tables(as_dataset, monkeypatch, capsys):
    monkeypatch.setattr(sources, "load_cifar10", lambda: as_dataset("cifar10"))
    monkeypatch.setattr(framing, "NUM_VAL", 20)
    assert framing.main(["--limit", "20", "--model", "thumbnails_light"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("\n| crop") == 1 + len(framing.VIEW_SETS)
    assert "| crop + crop 0.85 + crop 0.7 + squash |" in printed and "n'importe où" in printed
