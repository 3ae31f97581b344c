import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import throughput
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
