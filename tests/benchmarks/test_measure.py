import sys

import numpy as np
import pytest

from benchmarks import measure
from benchmarks.measure import PeerError, Summary
from benchmarks.processes import Worker, run_process
from convnets.core.paths import MODELS_DIR
from convnets.serving.classifier import DEFAULT_MODEL

ABSENT = "paquet_qui_n_existe_pas"


# --- Mesurer -----------------------------------------------------------------------


def test_summarise():
    assert measure.summarise([3, 1, 2]) == Summary(2, 1, 3, 3)
    assert measure.summarise(iter([4, 1, 2, 3])) == Summary(2.5, 1, 4, 4)
    with pytest.raises(ValueError, match="au moins une"):
        measure.summarise([])


def test_ratios_are_taken_turn_by_turn():
    """La machine ralentit de tour en tour : le rapport, lui, ne bouge pas."""
    assert measure.paired_ratios([2, 4, 8], [1, 2, 4]) == Summary(2, 2, 2, 3)
    assert measure.paired_ratios([1, 9, 4], [2, 3, 4]) == Summary(1, 0.5, 3, 3)
    with pytest.raises(ValueError):
        measure.paired_ratios([1, 2], [1])


def test_tasks_alternate_and_the_warm_up_is_dropped(capsys):
    seen = []

    def task(name):
        return lambda: seen.append(name) or len(seen)

    samples, failures = measure.interleave(
        {name: task(name) for name in "abc"}, repeat=2, warm_up=1
    )
    assert "".join(seen) == "abcabcabc" and failures == {}
    assert samples == {"a": [4, 7], "b": [5, 8], "c": [6, 9]}
    assert capsys.readouterr().out == ""


def test_a_failing_task_is_dropped_and_said():
    calls = []

    def breaks_on_second_turn():
        calls.append(1)
        if len(calls) == 2:
            raise PeerError("échec : plus de mémoire")
        return 1

    tasks = {"a": lambda: 0, "b": breaks_on_second_turn}
    samples, failures = measure.interleave(tasks, repeat=3, warm_up=0)
    assert samples == {"a": [0, 0, 0]} and len(calls) == 2
    assert failures == {"b": "échec : plus de mémoire"}
    calls.clear()
    with pytest.raises(PeerError, match="plus de mémoire"):
        measure.interleave(tasks, repeat=3, required=["b"])


def test_slope_is_the_exponent():
    x = [1, 10, 100]
    assert measure.fit_slope(x, [3, 300, 30000]) == pytest.approx(2)
    assert measure.fit_slope(x, [5, 5, 5]) == pytest.approx(0)
    # En logarithmes : (0, 0), (1, 0), (2, 2) ; covariance 2, variance 2.
    assert measure.fit_slope(x, [1, 1, 100]) == pytest.approx(1)
    for wrong in (([1, 1], [1, 2]), ([1, 2], [0, 1]), ([2], [3])):
        with pytest.raises(ValueError, match="deux points"):
            measure.fit_slope(*wrong)


def test_absent_packages_are_named():
    assert measure.missing(["json", ABSENT, "numpy"]) == [ABSENT]
    assert measure.why_unmeasured(["json", ABSENT]) == f"absent (pas installé : {ABSENT})"
    assert measure.why_unmeasured(["json"], "échec : mémoire") == "échec : mémoire"
    assert measure.why_unmeasured(["json"]) == "non mesuré"


# --- Écrire ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, text",
    [
        (0, "0"),
        (0.0, "0"),
        (1, "1"),
        (10_000, "10 000"),
        (1.0, "1,00"),
        (2.345, "2,35"),
        (23.45, "23,4"),
        (234.5, "234"),
        (0.01234, "0,0123"),
        (12345.6, "12 346"),
        (float("inf"), "∞"),
        (-2.5, "-2,50"),
    ],
)
def test_french(value, text):
    assert measure.french(value) == text


def test_written_measures():
    assert measure.duration(0.0352) == "35,2 ms" and measure.duration(1.5) == "1,50 s"
    assert measure.percent(0.875) == "87,5 %"
    assert measure.spread(Summary(2.0, 1.0, 3.0, 5)) == "2,00 (1,00 à 3,00)"
    assert measure.spread(Summary(2.0, 2.0, 2.0, 1)) == "2,00"
    assert (
        measure.spread(Summary(0.1, 0.05, 2.0, 3), measure.duration) == "100 ms (50,0 ms à 2,00 s)"
    )


def test_markdown_table():
    table = measure.markdown_table(("a", "b"), [["1", "2"], ["absent"]])
    assert table == "| a | b |\n| --- | --- |\n| 1 | 2 |\n| absent |  |"
    with pytest.raises(ValueError, match="2 attendues"):
        measure.markdown_table(("a", "b"), [["1", "2", "3"]])


def test_machine_is_described():
    text = measure.describe_machine()
    assert "cœurs" in text and f"numpy {np.__version__}" in text
    assert ("torch" in text) == (not measure.missing(["torch"]))


# --- Des processus à part -----------------------------------------------------------


def python(code):
    return run_process([sys.executable, "-I", "-c", code])


def test_process_is_measured():
    found = python("print('Prédiction: Chat', end='')")
    assert found.stdout == "Prédiction: Chat" and found.duration_s > 0
    assert python("print('a'); print('b')").stdout == "a\nb\n"


def test_memory_is_that_of_the_process_alone():
    """Vérité plantée : cent mébioctets de plus dans le fils, et rien de ceux du père."""
    here = b"x" * (300 * 2**20)
    small, large = python(""), python("block = b'x' * (100 * 2**20)")
    assert small.peak_mib < 60
    assert large.peak_mib - small.peak_mib == pytest.approx(100, abs=5)
    assert len(here) > 0


def test_failed_process_says_why():
    with pytest.raises(PeerError, match="code 3 : trop tard"):
        python("import sys; print('trop tard', file=sys.stderr); sys.exit(3)")
    with pytest.raises(PeerError, match="code -9"):
        python("import os; os.kill(os.getpid(), 9)")
    with pytest.raises(PeerError, match="programme-absent"):
        run_process(["programme-absent"])


def engine(images, name="litert"):
    model = str(MODELS_DIR / f"{DEFAULT_MODEL}.tflite")
    arguments = {"engine": name, "model": model, "images": str(images)}
    return Worker("benchmarks.engines:engine_task", arguments)


@pytest.mark.parametrize("name", ["litert", "litert_per_core"])
def test_worker_measures_on_demand(tmp_path, extract, name):
    from convnets.serving.classifier import Classifier

    x, _ = extract("cifar10")
    np.save(tmp_path / "x.npy", x)
    expected = Classifier().predict(x[:60]).argmax(1).tolist()
    with engine(tmp_path / "x.npy", name) as worker:
        assert worker(batch_size=7, num=60, classes=True) == expected  # lot incomplet compris
        assert worker(batch_size=20, num=40) > 0
        with pytest.raises(PeerError, match="TypeError"):
            worker(inconnu=1)
        assert worker(batch_size=20, num=40) > 0  # une erreur ne l'arrête pas


def test_worker_that_cannot_start_says_why(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((1, 32, 32, 3), np.uint8))
    with engine(tmp_path / "x.npy", "inconnu") as worker:
        worker.wait()  # l'erreur attend la première demande
        for _ in range(2):
            with pytest.raises(PeerError, match="KeyError : 'inconnu'"):
                worker()
    with Worker("os:_exit", {"status": 3}) as worker, pytest.raises(PeerError, match="code 3"):
        worker()
    # Ce module écrit sur la sortie standard quand on l'importe : les réponses n'en souffrent pas.
    with Worker("this:absent", {}) as worker, pytest.raises(PeerError, match="AttributeError"):
        worker()


def test_process_has_the_backend_it_was_given():
    command = [sys.executable, "-I", "-c", "import os; print(os.environ['KERAS_BACKEND'])"]
    assert run_process(command, backend="torch").stdout == "torch\n"
    assert run_process(command).stdout == "tensorflow\n"
