import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from benchmarks import __main__ as command
from benchmarks import growth, measure, startup, throughput, training_step, transfer
from benchmarks.processes import Run
from convnets.datasets import sources


def runs(*durations, mib=50.0, stdout=""):
    return [Run(duration_s, mib, stdout) for duration_s in durations]


def is_png(path):
    return path.read_bytes().startswith(b"\x89PNG") and Image.open(path).width > 300


# --- La commande -------------------------------------------------------------------


def test_wrong_name_lists_the_right_ones(capsys):
    with pytest.raises(SystemExit) as stop:
        command.main(["--only", "vitesse"])
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert "choix impossible : 'vitesse'" in message and "usage :" in message
    assert all(name in message for name in command.BENCHMARKS)


def test_help_is_french(capsys):
    with pytest.raises(SystemExit):
        command.main(["--help"])
    text = capsys.readouterr().out
    assert "figures/benchmarks" in text and "usage :" in text and "default" not in text


def test_import_is_light():
    code = (
        "import sys, benchmarks.__main__;"
        "print(sorted({'keras', 'tensorflow', 'torch', 'matplotlib'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=measure.REPO, capture_output=True, text=True
    )
    assert result.stdout == "[]\n", result.stderr


@pytest.mark.slow
def test_startup_measures_every_peer_that_is_installed(tmp_path, capsys):
    arguments = ["--only", "startup", "--quick", "--output", str(tmp_path / "sortie")]
    assert command.main(arguments) == 0
    written = (tmp_path / "sortie" / "startup.md").read_text(encoding="utf-8")
    assert written in capsys.readouterr().out
    rows = {line.split(" | ")[0][2:]: line for line in written.splitlines() if line[:2] == "| "}
    for name, peer in startup.PEERS.items():
        if measure.missing(peer.packages):
            assert "absent" in rows[name]
        else:
            assert "Mio" in rows[name], rows[name]
    assert "Mio" in rows[startup.OURS] and "Machine : " in written
    assert is_png(tmp_path / "sortie" / "startup.png")


@pytest.mark.slow
def test_all_in_miniature(tmp_path, monkeypatch, as_dataset, capsys):
    monkeypatch.setattr(sources, "load_cifar10", lambda: as_dataset("cifar10"))
    assert command.main(["--quick", "--output", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    for name, (_, title) in command.BENCHMARKS.items():
        assert f"## {title}" in printed
        if name != "transfer" or transfer.has_weights():
            assert is_png(tmp_path / f"{name}.png")
    assert "échec" not in printed
    throughput_rows = (tmp_path / "throughput.md").read_text(encoding="utf-8")
    for name, peer in throughput.PEERS.items():
        assert (f"| {name} | absent" in throughput_rows) == bool(measure.missing(peer.packages))


# --- startup -------------------------------------------------------------------------


def test_photo_is_detailed_and_always_the_same(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        startup.make_photo(tmp_path / f"{name}.jpg", seed=seed)
    a, b, c = ((tmp_path / f"{name}.jpg").read_bytes() for name in "abc")
    assert a == b != c and len(a) > 50_000
    with Image.open(tmp_path / "a.jpg") as photo:
        assert photo.size == (640, 480)
        levels = np.asarray(photo.convert("L")).astype(float)
    assert levels.std() > 20  # de grands motifs…
    assert np.abs(np.diff(levels, axis=1)).mean() > 3  # … et de petits


def test_startup_table():
    samples = {
        startup.PILLOW: runs(1, 2, 4, mib=20),
        startup.OURS: runs(2, 4, 8, mib=40, stdout="Prédiction: Chat\n"),
        startup.KERAS: runs(40, 120, 160, mib=500, stdout="1\n"),
    }
    table = startup.make_table(samples, {"LiteRT": "échec : code 1"}, ["Avion", "Chat"])
    assert "| ./predict | 2,00 | 40,0 Mio | 4,00 s (2,00 s à 8,00 s) | Chat |" in table
    assert "| Keras (TensorFlow) | 40,0 (40,0 à 60,0) | 500 Mio |" in table
    assert "| LiteRT | échec : code 1 |" in table
    assert "| Pillow seul | 1,00 | 20,0 Mio |" in table and table.count("\n") == 7
    assert startup.conclude(samples) == (
        "`./predict` met 2,00 fois le temps que mettent Python et Pillow à lire et réduire la "
        "photo ; charger le même modèle dans Keras et appeler `predict` est 20,0 fois plus long "
        "que `./predict`."
    )
    del samples[startup.KERAS]
    assert "Keras" not in startup.conclude(samples)


def test_answers_are_read_by_name_or_number():
    classes = ["Avion", "Chat"]
    written = ["Prédiction: Chat\n", "1\n", "", "Prédiction: Indéterminé\n"]
    assert [startup.answer(text, classes) for text in written] == [
        "Chat",
        "Chat",
        "—",
        "Indéterminé",
    ]


# --- throughput ------------------------------------------------------------------------


def test_batches_are_whole_and_every_core_has_as_many():
    def num(batch_size, available=10_000, num_cores=2):
        return throughput.num_images(batch_size, available, num_cores)

    assert [num(size) for size in (1, 8, 32, 64, 256)] == [32, 32, 128, 256, 1024]
    assert num(64, num_cores=6) == 6 * 64 and num(64, num_cores=3) == 6 * 64
    assert num(16, available=100, num_cores=16) == 96 and num(1000, available=10) == 1000


def test_each_engine_keeps_its_best_batch():
    rates = {
        ("a", 1): [10, 12, 11],
        ("a", 8): [5, 90, 20],
        ("a", 64): [19, 19, 19],
        ("b", 1): [7, 7, 7],
        ("b", 8): [3, 3, 3],
    }
    assert throughput.best_batches(rates) == {"a": (8, [5, 90, 20]), "b": (1, [7, 7, 7])}


def test_throughput_tables(tmp_path):
    best = {
        throughput.SHIPPED: (64, [100, 200, 100]),
        throughput.PER_CORE: (64, [90, 90, 110]),
        throughput.EXACT: (32, [100, 100, 100]),
        throughput.INT8: (256, [300, 310, 290]),
    }
    table = throughput.engine_table(best, {"Keras (TensorFlow)": "échec : mémoire"})
    assert "| LiteRT int8 | 2,90 (1,55 à 3,00) | 256 | 300 (290 à 310) |" in table
    assert "| Keras (TensorFlow) | échec : mémoire |" in table
    path = tmp_path / "a.tflite"
    path.write_bytes(b"x" * 2_000_000)
    models = dict.fromkeys(best, path)
    assert "un moteur par cœur | 0,900 (0,450 à 1,10) | 64 |" in table
    right = {throughput.EXACT: 0.94, throughput.INT8: 0.9395}
    exports = throughput.export_table(best, models, right)
    assert "| LiteRT int8 | 3,00 (2,90 à 3,10) | -0,05 | 93,95 % | 2,00 Mo |" in exports


def test_the_fastest_is_judged_on_its_median():
    assert throughput.fastest({"a": [80, 80, 500], "b": [90, 90, 90], "c": [90, 90, 90]}) == "b"


def test_folder_table():
    shipped, per_core = throughput.ALONE.values()
    samples = {  # 1 000 images
        shipped: [80.0, 80.0, 500.0],
        per_core: [100.0, 200.0, 100.0],  # la meilleure médiane : c'est à elle qu'on se mesure
        throughput.OURS: runs(20, 10, 20),
        throughput.DECODING: [200.0, 200.0, 50.0],
    }
    table = throughput.folder_table(samples, 1000)
    assert "| 1 000 fichiers PNG |" in table
    assert "tout compris | 50,0 % | 50,0 (50,0 à 100) | 50,0 Mio |" in table
    assert f"| {shipped} | 80,0 % (40,0 % à 500 %) |" in table
    assert f"| {per_core} | 100 % | 100 (100 à 200) |" in table
    assert "garde 50,0 % du débit" in table


def test_folder_holds_the_same_pixels(tmp_path, extract):
    x, _ = extract("cifar10")
    pictures, array = throughput.write_images(tmp_path, x[:3])
    paths = sorted(pictures.iterdir())
    assert all(np.array_equal(Image.open(p), image) for p, image in zip(paths, x, strict=False))
    assert len(paths) == 3 and np.array_equal(np.load(array), x[:3])


# --- training --------------------------------------------------------------------------


def test_rate_leaves_the_first_steps_out():
    ends = [100, 200, 203, 204, 206]  # les pas gardés : 1 s puis 2 s
    assert training_step.SKIPPED_STEPS == 3
    assert training_step.steps_rate(ends, 64) == pytest.approx(2 * 64 / 3)


@pytest.mark.usefixtures("eager")
def test_the_recipe_measured_is_the_real_one(extract):
    from convnets.training import study
    from convnets.training.optimizers import Lookahead, Muon
    from recipes import thumbnails, thumbnails_light

    for name, module in (("light", thumbnails_light), ("large", thumbnails)):
        whole = training_step.find_recipe(name, quick=False)
        assert (whole.widths, whole.batch_size) == (module.WIDTHS, 512)
    recipe = training_step.find_recipe("light", quick=True)
    x, y = extract("cifar10")
    fit, widths = study.fit, thumbnails_light.WIDTHS
    model, batches, callbacks = training_step.compiled_recipe(recipe, x[:100], y[:100], "float32")
    assert study.fit is fit and thumbnails_light.WIDTHS == widths  # tout est remis en place
    assert model.name == thumbnails_light.SLUG and model.get_layer("group3_conv2").filters == 16
    assert isinstance(model.optimizer, Muon)
    assert [type(callback) for callback in callbacks] == [Lookahead]
    images, labels = batches[0]
    assert images.shape == (32, 32, 32, 3) and labels.shape == (32, 10)
    assert len(batches) == 3 and np.array_equal(batches.x, x[:100]) and batches.augment
    before = model.get_weights()
    model.train_on_batch(images, labels)
    assert any(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_training_table():
    samples = {
        (training_step.REFERENCE, False): [100, 100],
        (training_step.REFERENCE, True): [90, 80],
        ("torch, float32", False): [150, 150],
        ("torch, float32", True): [75, 75],
    }
    table = training_step.make_table(samples, {"torch, bfloat16": "échec : type inconnu"})
    assert "| TensorFlow, float32 | 85,0 % (80,0 % à 90,0 %) | 1,00 |" in table
    assert "| torch, float32 | 50,0 % | 1,50 | 75,0 | 150 |" in table
    assert "| torch, bfloat16 | échec : type inconnu |" in table


# --- transfer --------------------------------------------------------------------------


def test_break_even():
    found = [transfer.break_even(10, 0.1, extract_s) for extract_s in (5, 9.8, 9.95, 30)]
    assert found == [1, 1, 2, 4]
    assert transfer.break_even(1, 1, 5) == 0
    for epochs in range(1, 6):  # oracle : comparer les deux temps cumulés
        pushed, cached = 10 * epochs, 30 + 0.1 * epochs
        assert (cached < pushed) == (epochs >= 4)


def test_transfer_text():
    rounds = [{"extract_s": 12.0, "pushed_s": 10.0, "cached_s": 0.5}] * 2
    text = transfer.make_text(rounds, 2000)
    assert "repassées dans la base | 20,0 | 10,0 s |" in text
    assert "dès la fin de l'époque 2." in text


def test_transfer_is_skipped_without_weights(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    assert not transfer.has_weights()
    assert command.main(["--only", "transfer", "--quick", "--output", str(tmp_path)]) == 0
    assert transfer.SKIPPED in capsys.readouterr().out
    assert transfer.SKIPPED in (tmp_path / "transfer.md").read_text(encoding="utf-8")
    assert not (tmp_path / "transfer.png").exists()


# --- growth ----------------------------------------------------------------------------


def test_folders_of_growing_size(tmp_path, extract):
    x, _ = extract("cifar10")
    folders = growth.write_folders(tmp_path, x, (1, 10))
    assert {count: len(list(folder.iterdir())) for count, folder in folders.items()} == {
        1: 1,
        10: 10,
    }
    assert np.array_equal(Image.open(folders[10] / "00009.png"), x[9])


def test_count_table_says_the_slopes():
    samples = {n: runs(0.1 + 0.01 * n, mib=60) for n in (1, 10, 100, 1000)}
    samples[100], samples[1000] = runs(1.0), runs(10.0)
    samples[10] = runs(0.1)
    text = growth.count_table(
        {n: [r._replace(peak_mib=60) for r in found] for n, found in samples.items()}
    )
    assert "| 1 000 | 90,9 | 10,0 ms | 60,0 Mio | 10,0 s |" in text
    assert "De 10 à 1 000 images" in text
    assert "à la puissance 1,00, la mémoire à la puissance 0,00." in text


def test_width_table_says_the_slopes():
    samples = {
        factor: [
            {
                "parameters": 1000 * factor**2,
                "inference_s": 1e-3 * factor**2,
                "training_s": 4e-3 * factor,
            }
        ]
        * 2
        for factor in (1, 2, 4)
    }
    text = growth.width_table(samples)
    assert "| ×4 | 16 000 | 16,0 | 4,00 | 16,0 ms | 16,0 ms |" in text
    assert "puissance 2,00 et apprendre à la puissance 1,00" in text and "puissance 2,00." in text


def test_seconds_is_the_mean_of_several_calls(monkeypatch):
    now, calls = iter([10.0, 16.0]), []
    monkeypatch.setattr(growth.time, "perf_counter", lambda: next(now))
    assert growth.seconds(lambda: calls.append(1)) == 6 / growth.REPEATS
    assert len(calls) == 1 + growth.REPEATS


def test_figures(tmp_path):
    samples = {
        (name, size): [100.0 * size, 120.0 * size] for name in throughput.PEERS for size in (1, 8)
    }
    throughput.save_figure(tmp_path / "a.png", samples, [500.0], "machine")
    samples = {
        (name, real): [100.0, 90.0] for name in training_step.PEERS for real in (False, True)
    }
    training_step.save_figure(tmp_path / "b.png", samples, "titre", "machine")
    rounds = [{"extract_s": 12.0, "pushed_s": 10.0, "cached_s": 0.5}]
    transfer.save_figure(tmp_path / "c.png", rounds, "machine")
    widths = {f: [{"parameters": f, "inference_s": f, "training_s": f}] for f in (1, 2, 4)}
    growth.save_figure(tmp_path / "d.png", {n: runs(n) for n in (1, 10, 100)}, widths, "machine")
    assert all(is_png(tmp_path / f"{name}.png") for name in "abcd")
