import ctypes
import subprocess
import sys

import pytest

CHURN = """
import resource, sys, threading
import numpy as np
from convnets.core import memory

if sys.argv[1] == "keep":
    assert memory.keep_freed_memory()

def churn():
    for turn in range(100):
        if turn == 10:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        [np.ones(2**18, np.uint8) for _ in range(40)]
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

thread = threading.Thread(target=churn)
thread.start()
thread.join()
"""


def has_glibc():
    return hasattr(ctypes.CDLL(None), "gnu_get_libc_version")


@pytest.mark.ci
@pytest.mark.skipif(sys.platform != "linux" or not has_glibc(), reason="la glibc seule se règle")
def test_freed_arrays_are_used_again():
    """Dans un fil d'exécution, comme les lots : 90 fois 40 tableaux de 64 pages."""
    faults = {}
    for how in ("keep", "leave"):
        ended = subprocess.run(
            [sys.executable, "-c", CHURN, how], capture_output=True, text=True, check=True
        )
        faults[how] = int(ended.stdout)
    assert 20 * faults["keep"] < faults["leave"], faults


RELEASE = """
import threading
import numpy as np
from convnets.core import memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

assert memory.return_big_pictures()
kept = []

def work():
    blocks = [np.ones(2**20, np.uint8) for _ in range(40)]
    kept.append(np.ones(2**16, np.uint8))  # au-dessus d'eux : ils ne sont pas rendus d'eux-mêmes

thread = threading.Thread(target=work)
thread.start()
thread.join()
before = resident()
assert memory.give_back()
print(before - resident())
"""


@pytest.mark.ci
@pytest.mark.skipif(not has_glibc(), reason="réglages de la glibc")
def test_memory_that_threads_keep_is_given_back():
    ended = subprocess.run(
        [sys.executable, "-c", RELEASE], capture_output=True, text=True, check=True
    )
    assert int(ended.stdout) > 30 * 2**20
