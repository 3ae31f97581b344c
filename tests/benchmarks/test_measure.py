import sys

import pytest

from benchmarks import measure


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
