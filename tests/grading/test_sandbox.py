import os
import platform
import re
import time
from pathlib import Path

import pytest

from grading.asking import failures
from grading.asking.workshop import Child, Workshop
from grading.inside import sandbox
from grading.inside.sandbox import Limits

pytestmark = pytest.mark.ci

MODULE = """
import ctypes, os, socket, subprocess, time

def write(path):
    with open(path, "w") as file:
        file.write("x")
    return os.path.exists(path)

def read(path):
    with open(path, "rb") as file:
        return len(file.read())

def listing(path): return os.listdir(path)
def fork(): return os.fork()
def hidden():
    for attempt in (os.fork, lambda: subprocess.run(["true"]), lambda: os.kill(1, 0)):
        try:
            attempt()
        except OSError:
            pass
def run(): return subprocess.run(["true"]).returncode
def connect(): return socket.socket()
def kill(pid): return os.kill(pid, 0)
def raise_limit():
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40))
def hog(mb): return len(bytearray(mb * 2**20))
def spin():
    while True: pass
def sleep(): time.sleep(1000)
def echo(value): return value
def environment(): return sorted(os.environ)
def identity(): return os.geteuid()
def die(): os._exit(3)
def flood(num_head, num_body):
    import struct
    os.write(3, struct.pack(">QQ", num_head, num_body))
    while True: os.write(3, b"[" * 2**16)
def chmod(path): os.chmod(path, 0)
def fchmod(path): os.fchmod(os.open(path, os.O_RDONLY), 0)
def chown(path): os.chown(path, os.geteuid(), os.getegid())
def fchown(path): os.fchown(os.open(path, os.O_RDONLY), os.geteuid(), os.getegid())
def utime(path): os.utime(path, (0, 0))
def setxattr(path): os.setxattr(path, "user.note", b"0")
def fchmodat2(path):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(452, -100, path.encode(), 0, 0):
        raise OSError(ctypes.get_errno(), "fchmodat2")
"""


@pytest.fixture(scope="module")
def workshop():
    made = Workshop("none")
    yield made
    made.close()


@pytest.fixture
def child(workshop):
    def stage(folder):
        (folder / "exercises").mkdir()
        (folder / "exercises/__init__.py").touch()
        (folder / "exercises/ex99_essai.py").write_text(MODULE)

    made = Child(workshop, stage, Limits(cpu_s=20, memory_mb=256))
    yield made
    made.kill()


def call(child, function, *arguments, seconds=10):
    request = {
        "op": "call",
        "module": "ex99_essai",
        "function": function,
        "calls": [[list(arguments), {}]],
    }
    (found,) = child.ask(request, seconds)["value"]
    return found.get("value", found.get("error"))


def refused(child, function, *arguments):
    error = call(child, function, *arguments)
    return isinstance(error, dict) and "OSError" in error["families"]


def test_this_machine_has_every_protection(child):
    """Ici, Landlock et seccomp existent : s'ils cessaient d'être employés, on le saurait."""
    if platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip("architecture sans filtre")
    assert any("seccomp" in each and "pas de" not in each for each in child.protections)


def test_only_its_own_folder_can_be_written(child, tmp_path, repo):
    assert call(child, "write", "ici.txt") is True
    if not any("un seul dossier" in each for each in child.protections):
        pytest.skip("noyau sans Landlock")
    for path in (tmp_path / "x", repo / "x", "/dev/shm/x", "/var/tmp/x"):
        assert refused(child, "write", str(path)) and not Path(path).exists()
    hidden = (repo / "exercises/ex00_convolution/__main__.py", repo / "grading/questions/ex00.toml")
    for path in (*hidden, f"/proc/{os.getpid()}/environ"):
        assert refused(child, "read", str(path)), path
    assert refused(child, "listing", str(tmp_path))


def test_the_files_of_others_keep_their_rights_and_dates(child, tmp_path):
    """Landlock n'y peut rien : un rendu fermait celui d'un voisin, qui perdait ses points."""
    neighbour = tmp_path / "voisin.py"
    neighbour.write_text("NOTE = 20\n")
    before = neighbour.stat()
    for function in ("chmod", "chown", "utime", "setxattr", "fchmodat2"):
        assert refused(child, function, str(neighbour)), function
    assert neighbour.stat() == before
    assert call(child, "write", "ici.txt") is True
    for function in ("fchmod", "fchown"):  # par un descripteur : même chez lui
        assert refused(child, function, "ici.txt"), function


@pytest.mark.parametrize(
    ("function", "arguments"),
    [("fork", ()), ("run", ()), ("connect", ()), ("kill", (os.getpid(),)), ("kill", (1,))],
)
def test_no_process_no_network_no_signal(child, function, arguments):
    assert refused(child, function, *arguments)
    assert call(child, "kill", child.pid) is None  # à soi, oui


def test_an_attempt_is_told_even_if_its_refusal_is_caught(child):
    call(child, "hidden")
    said = [each.partition(",")[0] for each in child.tried]
    assert said == [*["lancer un processus"] * 2, "envoyer un signal à un processus"]
    assert all(each.endswith("de ex99_essai.py") for each in child.tried)


def test_limits_cannot_be_raised(child):
    assert call(child, "raise_limit")["type"] in ("ValueError", "PermissionError")


def test_memory_is_limited(child):
    assert call(child, "hog", 64) == 64 * 2**20
    with pytest.raises(failures.Failure) as caught:
        call(child, "hog", 4096)
    assert caught.value.reason == "memory"


@pytest.mark.parametrize("function", ["spin", "sleep"])
def test_time_is_limited(child, function):
    start = time.monotonic()
    with pytest.raises(failures.Failure) as caught:
        call(child, function, seconds=0.5)
    assert caught.value.reason == "timeout" and time.monotonic() - start < 30
    assert not Path(f"/proc/{child.pid}").exists()


def test_a_dead_child_leaves_nothing(child, workshop):
    folder = child._folder
    with pytest.raises(failures.Failure) as caught:
        call(child, "die")
    assert caught.value.reason == "stopped" and child.status == 3
    assert not folder.exists() and not Path(f"/proc/{child.pid}").exists()


def test_the_environment_is_not_ours(child):
    names = call(child, "environment")
    assert "HOME" in names and not {"PYTEST_CURRENT_TEST", "PYTHONPATH"} & set(names)


def test_capabilities_are_given_back(child):
    if os.geteuid() != 0:
        pytest.skip("pas root")
    assert any(
        each in child.protections for each in ("root sans ses pouvoirs", "utilisateur nobody")
    )


def test_numbers_of_system_calls_are_those_of_the_kernel():
    """Ceux que filtre le bac à sable, contre les fichiers d'en-tête de Linux."""
    written = {
        "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        "aarch64": Path("/usr/include/asm-generic/unistd.h"),
    }
    if not all(path.exists() for path in written.values()):
        pytest.skip("les en-têtes de Linux ne sont pas installés (linux-libc-dev)")
    for machine, path in written.items():
        found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", path.read_text())
        kernel = {name: int(number) for name, number in found}
        refused = sandbox._REFUSED[machine][1] | sandbox._REFUSED_EVERYWHERE
        refused |= sandbox._ONLY_ITSELF[machine]
        refused |= {"clone": sandbox._CLONE[machine], "clone3": sandbox._CLONE3}
        known = {name: number for name, number in refused.items() if name in kernel}
        assert {name: kernel[name] for name in known} == known
        assert len(known) > 40  # les plus récents peuvent manquer à de vieux en-têtes
