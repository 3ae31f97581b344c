import sys

import pytest

from benchmarks import measure
from benchmarks.measure import Run


def test_tasks_alternate_and_the_first_turn_is_dropped():
    seen = []
    tasks = {name: lambda name=name: seen.append(name) or len(seen) for name in "abc"}
    samples = measure.interleave(tasks, repeat=2)
    assert "".join(seen) == "abcabcabc"
    assert samples == {"a": [4, 7], "b": [5, 8], "c": [6, 9]}


@pytest.mark.parametrize(
    "value, text", [(10_000, "10 000"), (2.345, "2,35"), (234.5, "234"), (0.01234, "0,0123")]
)
def test_french(value, text):
    assert measure.french(value) == text


def test_written_measures():
    assert measure.spread([3.0, 1.0, 2.0]) == "2,00 (1,00 à 3,00)"
    assert measure.spread([2.0, 2.0]) == "2,00"
    assert measure.spread([0.1, 0.05, 2.0], measure.duration) == "100 ms (50,0 ms à 2,00 s)"
    assert measure.memory([Run(1.0, mib, "") for mib in (40.0, 60.0, 900.0)]) == "60,0 Mio"


@pytest.mark.ci
def test_machine_is_described():
    assert "cœurs" in measure.describe_machine() and "numpy" in measure.describe_machine()
    assert measure.missing(["json", "paquet_qui_n_existe_pas"]) == ["paquet_qui_n_existe_pas"]


@pytest.mark.ci
def test_a_process_is_timed_and_its_memory_is_its_own():
    def measured(code, **options):
        return measure.run_process([sys.executable, "-I", "-c", code], **options)

    slept = measured("import time; time.sleep(0.3); print('fini')")
    assert 0.3 < slept.duration_s < 5 and slept.stdout == "fini\n"
    large = measured("x = b'x' * 100_000_000")
    assert 90 < large.peak_mib - slept.peak_mib < 130
    backend = measured("import os; print(os.environ['KERAS_BACKEND'])", backend="torch")
    assert backend.stdout == "torch\n"
    with pytest.raises(ValueError, match="a échoué .*: ZeroDivisionError"):
        measured("1 / 0")
