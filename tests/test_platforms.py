"""Windows et macOS, simulés : ce que ces systèmes n'ont pas est retiré, puis tout est importé.

Ce n'est pas un essai sur ces systèmes ; c'est ce qui se voit d'ici : une fonction absente appelée
à l'import, et qui arrête tout `pytest` (`ctypes.CDLL(None)`, `os.sched_getaffinity`…).
"""

import ctypes
import json
import os
import re
import signal
import subprocess
import sys

import pytest

from convnets.training import distribution
from grading import pupil, sandbox
from tests import unix

linux = pytest.mark.skipif(sys.platform != "linux", reason="la simulation part de Linux")
SYSTEMS = ("win32", "darwin")

# Un processus à part : tout y est importé deux fois, une fois vraiment, une fois sous le système
# simulé. Keras et ce qui coûte des secondes sont remplacés : c'est notre code qu'on importe.
CODE = """
import ctypes, importlib, io, json, os, pkgutil, signal, socket, sys, types
import pytest

HEAVY = {"jax", "keras", "ray", "tensorflow"}
POSIX = {
    os: "fork forkpty getegid geteuid getgid getloadavg getpgid getuid killpg mkfifo nice openpty "
        "posix_fadvise pread sendfile setgroups setresgid setresuid setsid sysconf uname wait "
        "wait3 wait4 O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK O_PATH".split(),
    signal: "SIGALRM SIGCHLD SIGHUP SIGKILL SIGPIPE SIGQUIT SIGUSR1 SIGUSR2 SIGXCPU SIGXFSZ alarm "
        "pthread_sigmask setitimer".split(),
    socket: ["AF_UNIX", "recv_fds", "send_fds"],
}
LINUX = {os: ["O_PATH", "posix_fadvise", "sched_getaffinity", "sched_setaffinity"],
         socket: ["SOCK_CLOEXEC"]}


class AnythingType(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything


class Anything(metaclass=AnythingType):
    def __init__(self, *_, **__): pass
    def __call__(self, *_, **__): return self
    def __getattr__(self, name): return type(self).__getattr__(type(self), name)
    def __getitem__(self, key): return self


class Module(types.ModuleType):
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything


class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HEAVY:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec): return Module(spec.name)
    def exec_module(self, module): pass


def ours():
    for package in PACKAGES:
        yield package
        for found in pkgutil.walk_packages([package], package + "."):
            if found.name not in SKIPPED:
                yield found.name


def simulate(system, patch):
    patch.setattr(sys, "platform", system)
    gone = [LINUX] + [POSIX] * (system == "win32")
    for module, names in [each for group in gone for each in group.items()]:
        for name in names:
            patch.delattr(module, name, raising=False)
    if system == "win32":
        real = ctypes.CDLL

        def load(name, *arguments, **options):
            if name is None:
                raise TypeError("argument of type 'NoneType' is not iterable")
            return real(name, *arguments, **options)

        patch.setattr(ctypes, "CDLL", load)
        for name in ("fcntl", "grp", "pwd", "resource", "termios"):
            patch.setitem(sys.modules, name, None)


def import_all():
    failed = {}
    for name in [each for each in sys.modules if each.partition(".")[0] in PACKAGES]:
        del sys.modules[name]
    for name in list(ours()):
        try:
            importlib.import_module(name)
        except Exception as error:
            failed[name] = f"{type(error).__name__}: {error}"
    return failed


def predict(arguments):
    from convnets.serving import command
    real, fake = (sys.stdout, sys.stderr), [io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in "12"]
    sys.stdout, sys.stderr = fake
    try:
        code = command.main(arguments)
    finally:
        sys.stdout, sys.stderr = real
    for each in fake:
        each.flush()
    return code, *(each.buffer.getvalue().decode() for each in fake)


PACKAGES, SKIPPED = json.loads(sys.argv[1])
sys.path.insert(0, "")
sys.meta_path.insert(0, Finder())
found = {"linux": [import_all(), predict(sys.argv[2:])]}
for system in ("win32", "darwin"):
    with pytest.MonkeyPatch.context() as patch:
        simulate(system, patch)
        found[system] = [import_all(), predict(sys.argv[2:])]
print(json.dumps(found))
"""
PACKAGES = "convnets exercises recipes grading benchmarks cluster docs web".split()
# Ce que le correcteur lance seul, sous Linux ; ce qui demande pyarrow, qui peut manquer.
SKIPPED = ["grading.worker", "grading.probes", "cluster.chunks"]


@pytest.fixture(scope="module")
def simulated():
    """Ce que donnent les imports et `./predict` sous chaque système."""
    from tests.conftest import REPO

    arguments = [json.dumps([PACKAGES, SKIPPED]), "samples/avion.png", "samples/chien.webp"]
    done = subprocess.run(
        [sys.executable, "-c", CODE, *arguments], cwd=REPO, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@linux
@pytest.mark.parametrize("system", ["linux", *SYSTEMS])
def test_every_module_can_be_imported(simulated, system):
    assert simulated[system][0] == {}


@linux
@pytest.mark.parametrize("system", SYSTEMS)
def test_predict_answers(simulated, system):
    """Sans `libLiteRt.so` lue directement, sans `fork`, sans les signaux d'Unix."""
    code, out, err = simulated[system][1]
    assert code == 0 and err == ""
    assert out == simulated["linux"][1][1] and "Avion" in out and "Chien" in out


# --- La correction : sous Linux seulement, et elle le dit ------------------------------


@pytest.mark.parametrize("system", SYSTEMS)
def test_grading_refuses_in_a_sentence(monkeypatch, system):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("lancé"))
    for start in (sandbox.check_system, lambda: pupil.Workshop("numpy")):
        with pytest.raises(sandbox.WrongSystemError, match="sous Linux. Sous Windows, .* WSL"):
            start()


@linux
@pytest.mark.parametrize("arguments", [["grading"], ["grading", "--submission", "samples"]])
def test_pytest_grading_refuses_in_a_sentence(repo, arguments):
    """Le greffon est chargé par tout `pytest` : il ne refuse que ce qui note."""
    code = (
        "import pytest, sys, hypothesis.internal.compat; sys.platform = 'darwin'; "
        "raise SystemExit(pytest.main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "-n0", "-p", "no:cacheprovider", *arguments],
        cwd=repo,
        capture_output=True,
        text=True,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert re.fullmatch(r"ERROR: la correction .* conteneur Linux\.", done.stderr.strip())


@linux
def test_python_m_grading_refuses_in_a_sentence(repo):
    code = (
        "import runpy, sys; sys.platform = 'win32'; "
        "runpy.run_module('grading', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=repo, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert re.fullmatch(r"Erreur : la correction .* conteneur Linux\.", done.stderr.strip())


# --- Entraîner à plusieurs -------------------------------------------------------------


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_training_is_supervised_without_prctl(monkeypatch, system):
    started = {}

    class Child:
        def __init__(self, command, **options):
            started.update(options)

        def wait(self):
            return 3

    def absent(name, *_, **__):
        raise TypeError("argument of type 'NoneType' is not iterable")

    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(ctypes, "CDLL", absent)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(distribution.subprocess, "Popen", Child)
    monkeypatch.delenv(distribution.SUPERVISED, raising=False)
    with pytest.raises(SystemExit) as ended:
        distribution._supervise(None)
    assert ended.value.code == 3 and started["preexec_fn"] is None
    assert (
        started["env"][distribution.SUPERVISED] == "1" and distribution.SUPERVISED not in os.environ
    )


# --- Les tests eux-mêmes ---------------------------------------------------------------


def test_what_needs_unix_is_known(tmp_path):
    """Un test qui emploie un mot d'Unix, ou dont le fichier en emploie un hors de ses tests."""
    (tmp_path / "mixed.py").write_text(
        "import os\n@mark('>/dev/full')\ndef test_full(): pass\n"
        "def test_pipe(): os.pipe()\ndef test_plain(): pass\n"
    )
    (tmp_path / "whole.py").write_text(
        "def stop(process): process.send_signal(2)\ndef test_plain(): pass\n"
    )

    def needed(name, test):
        module = {"mark": lambda text: lambda function: function}
        exec(compile((tmp_path / name).read_text(), tmp_path / name, "exec"), module)
        return unix.needed_by(module[test])

    assert needed("mixed.py", "test_full") and needed("mixed.py", "test_pipe")
    assert not needed("mixed.py", "test_plain") and needed("whole.py", "test_plain")


def test_most_tests_need_no_unix(repo):
    """Ce qui reste à lancer sous Windows : presque tout, `./predict` compris."""
    total = left = 0
    for path in (repo / "tests").rglob("test_*.py"):
        around, tests = unix._read(path)
        total += len(tests)
        if not unix.WORDS.search(around):
            left += sum(not unix.WORDS.search(text) for text in tests.values())
    assert left > 0.85 * total
