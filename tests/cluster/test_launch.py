"""S'entraîner à deux processus : mêmes poids, reprise, et fin bornée quand l'un meurt."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from cluster import launch

SMALL = [
    "--limit",
    "240",
    "--seeds",
    "1",
    "--batch-size",
    "40",
    "--precision",
    "float32",
    "--teacher",
    "none",
    "--refine-cycles",
    "0",
]


def command(*arguments):
    return [sys.executable, "-m", "cluster.launch", *map(str, arguments)]


def environment(**changes):
    return {**os.environ, "KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3", **changes}


def test_one_failure_stops_the_others(tmp_path, repo, capfd):
    """Le processus 1 échoue ; le 0, qui dormirait une heure, est arrêté."""
    (tmp_path / "dort.py").write_text(
        "import os, sys, time\n"
        "if os.environ['KERAS_DISTRIBUTION_PROCESS_ID'] == '1': sys.exit(7)\n"
        "time.sleep(3600)\n"
    )
    start = time.monotonic()
    ended = subprocess.run(
        command("-n", 2, "dort"),
        cwd=repo,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(PYTHONPATH=f"{tmp_path}:{repo}"),
    )
    assert ended.returncode == 7 and "Le processus 1 s'est arrêté" in ended.stderr
    assert "--resume" in ended.stderr and time.monotonic() - start < launch.GRACE_S + 15


def test_each_process_gets_its_place(tmp_path, repo):
    (tmp_path / "dit.py").write_text(
        "import os, sys\n"
        "names = ['JOB_ADDRESSES', 'NUM_PROCESSES', 'PROCESS_ID']\n"
        "place = [os.environ['KERAS_DISTRIBUTION_' + n] for n in names]\n"
        # D'un seul coup : trois processus écrivent dans le même tube.
        "line = f'{place} {sys.argv[1:]} {len(os.sched_getaffinity(0))}\\n'\n"
        "os.write(1, line.encode())\n"
    )
    ended = subprocess.run(
        command("-n", 3, "--pin", "dit", "--epochs", 2),
        cwd=repo,
        capture_output=True,
        text=True,
        env=environment(PYTHONPATH=f"{tmp_path}:{repo}"),
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    lines = sorted(ended.stdout.splitlines())
    assert len({line.split("'")[1] for line in lines}) == 1  # une seule adresse
    assert [line.split("'")[5] for line in lines] == ["0", "1", "2"]
    assert all(line.endswith("['--epochs', '2', '--distribution'] 1") for line in lines)


@pytest.fixture
def extract_home(tmp_path, extract):
    """Un KERAS_HOME dont le cache donne l'extrait pour CIFAR-10 : pas de téléchargement."""
    code = (
        "import sys, numpy as np\n"
        "from convnets import data\n"
        "with np.load(sys.argv[1]) as f: x, y = f['x'], f['y']\n"
        "data.load_cifar10 = lambda **_: ((x[:300], y[:300]), (x[300:], y[300:]))\n"
        "from exercises import ex03_cifar10\n"
        "raise SystemExit(ex03_cifar10.main(sys.argv[2:]))\n"
    )
    (tmp_path / "essai.py").write_text(code)
    return tmp_path


def train(folder, repo, models, *more, num=2):
    extract = repo / "tests" / "extracts" / "cifar10_test.npz"
    return command(
        "-n", num, "essai", extract, *SMALL, "--models-dir", models, "--output", folder / "f", *more
    )


def test_two_processes_end_alike_and_resume_after_a_death(extract_home, repo):
    """Une époque, puis un processus tué dans la suite : l'autre s'arrête, `--resume` finit."""
    pytest.importorskip("jax", reason="pip install -r cluster/requirements.txt")
    env = environment(PYTHONPATH=f"{extract_home}:{repo}")
    models = extract_home / "m"
    run = subprocess.Popen(
        train(extract_home, repo, models, "--epochs", 16),
        cwd=repo,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    checkpoint = models / "runs" / "ex03_cifar10_light" / "seed0.npz"
    while not checkpoint.exists():
        assert run.poll() is None, run.communicate()[1][-2000:]
        time.sleep(0.1)
    children = subprocess.run(["pgrep", "-P", str(run.pid)], capture_output=True, text=True)
    second = int(children.stdout.split()[1])
    os.kill(second, signal.SIGKILL)
    start = time.monotonic()
    _, err = run.communicate(timeout=120)
    assert run.returncode != 0 and time.monotonic() - start < 60
    assert "Le processus 1 s'est arrêté" in err and "--resume" in err
    with np.load(checkpoint) as file:
        reached = json.loads(str(file["state"]))["epoch"]
    assert 1 <= reached < 16
    # Les mêmes options ; il reste moins d'époques à faire qu'au début.
    ended = subprocess.run(
        train(extract_home, repo, models, "--epochs", 16, "--resume"),
        cwd=repo,
        env=env,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    report = json.loads((models / "ex03_cifar10_light.json").read_text(encoding="utf-8"))
    assert report["num_processes"] == 2 and report["backend"] == "jax"
    assert len(report["history"]["loss"]) == 16
    assert ended.stdout.count("Graine 0 : 216") == 1  # un seul processus parle


def test_without_the_launcher_the_survivor_says_it(extract_home, repo):
    """Le processus 0, que les autres attendent, est tué : une phrase, et non la trace de JAX."""
    pytest.importorskip("jax", reason="pip install -r cluster/requirements.txt")
    env = environment(PYTHONPATH=f"{extract_home}:{repo}")
    models, extract = extract_home / "m", repo / "tests" / "extracts" / "cifar10_test.npz"
    address = f"127.0.0.1:{launch.free_port()}"
    first, second = (
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "essai",
                extract,
                *SMALL,
                "--epochs",
                "60",
                "--models-dir",
                models,
                "--output",
                extract_home / "f",
                "--distribution",
                "--coordinator",
                address,
                "--num-processes",
                "2",
                "--process-id",
                str(index),
            ],
            cwd=repo,
            env=env,
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for index in range(2)
    )
    while not (models / "runs" / "ex03_cifar10_light" / "seed0.npz").exists():
        assert first.poll() is None and second.poll() is None
        time.sleep(0.1)
    first.kill()
    start = time.monotonic()
    _, err = second.communicate(timeout=120)
    assert second.returncode == 1 and time.monotonic() - start < 60
    assert "Erreur : processus 1 : un autre processus" in err and "--resume" in err
    assert "Traceback" not in err and "absl" not in err.split("Erreur")[1]
    first.communicate()
