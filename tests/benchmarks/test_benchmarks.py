import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import startup, throughput
from benchmarks.measure import Run


def runs(*durations, mib=50.0, stdout=""):
    return [Run(float(duration_s), mib, stdout) for duration_s in durations]


@pytest.mark.slow
def test_the_whole_command(capsys):
    assert command.main(["--repeat", "1"]) == 0
    printed = capsys.readouterr().out
    for _, title in command.BENCHMARKS.values():
        assert f"## {title}" in printed
    assert "Machine : " in printed and "Keras (TensorFlow)" in printed and "./predict" in printed


def test_startup_table():
    samples = {
        startup.OURS: runs(2, 4, 8, mib=40.0, stdout="Prédiction: Chat\n"),
        startup.PILLOW: runs(1, 2, 4, mib=20.0),
        "Keras (TensorFlow)": runs(40, 120, 160, mib=500.0, stdout="1\n"),
    }
    table = startup.make_table(samples, ["Avion", "Chat"])
    assert "| ./predict | 2,00 | 40,0 Mio | 4,00 s (2,00 s à 8,00 s) | Chat |" in table
    assert "| Keras (TensorFlow) | 40,0 (40,0 à 60,0) | 500 Mio |" in table
    assert "| Pillow seul | 1,00 | 20,0 Mio |" in table and "| — |" in table
    assert "met 2,00 fois le temps" in table


def test_throughput_table():
    samples = {  # 1 000 images
        throughput.OURS: runs(20, 10, 20),
        throughput.ALONE: runs(1, 1, 1, stdout="100.0\n"),
    }
    table = throughput.make_table(samples, 1000)
    assert "tout compris | 50,0 % (50,0 % à 100,0 %) | 50,0 (50,0 à 100) | 50,0 Mio |" in table
    assert "| LiteRT, images en mémoire | 100,0 % | 100 |" in table
    assert "garde 50,0 % du débit" in table


def test_an_engine_sees_every_image_at_each_batch_size():
    seen, x = [], np.zeros((256, 2, 2, 3), np.uint8)
    assert throughput.best_rate(lambda batch: seen.append(len(batch)), x) > 0
    assert [seen.count(size) for size in throughput.BATCH_SIZES] == [33, 9, 3]


def test_litert_answers_as_predict(extract):
    from convnets.core.paths import MODELS_DIR
    from convnets.serving.classifier import DEFAULT_MODEL, Classifier

    x, _ = extract("cifar10")
    predict = throughput.litert(str(MODELS_DIR / f"{DEFAULT_MODEL}.tflite"))
    predict(x[:3])  # une autre taille de lot
    assert predict(x[:20]).argmax(1).tolist() == Classifier().predict(x[:20]).argmax(1).tolist()
