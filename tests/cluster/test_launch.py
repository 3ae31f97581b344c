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

# Un entraînement à part : un exercice de plus, minuscule, lancé comme les autres.
ESSAI = """
import os

import keras
import numpy as np

from recipes.training import runner
from recipes.training.checkpoints import Batches


def build_model():
    images = keras.Input((32, 32, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(images)
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(x)
    x = keras.layers.BatchNormalization()(keras.layers.Flatten()(x))
    return keras.Model(images, keras.layers.Dense(10, activation="softmax")(x), name="essai")


def train(x_train, y_train, x_val, y_val, *, seed, options, stages):
    model = runner.build(build_model, seed=seed, precision="float32")
    return model, stages.fit(
        model,
        Batches(x_train, y_train, batch_size=40, seed=seed, augment=None),
        (x_val, y_val),
        name="seule",
        seed=seed,
        epochs=options.epochs,
        optimizer=lambda steps: keras.optimizers.Adam(),
        loss="sparse_categorical_crossentropy",
    )


def evaluate(model, x, y):
    probabilities = model.predict(x, verbose=0)
    accuracy = float(np.mean(probabilities.argmax(1) == y.reshape(-1)))
    return {"accuracy": accuracy, "probabilities": probabilities}


def make_recipe():
    with np.load(os.environ["EXTRACT"]) as file:
        x, y = file["x"], file["y"].reshape(-1)
    names = [str(k) for k in range(10)]
    return runner.Recipe(
        dataset=((x[:240], y[:240]), (x[300:], y[300:])),
        num_val=24,
        train=train,
        evaluate=evaluate,
        classes=names,
        classes_fr=names,
        headline={"accuracy": "exactitude"},
        report={},
    )


runner.save_training_figures = runner.save_mistakes = lambda *_: None
options = runner.make_parser("essai", "Un essai.", epochs=2, seeds=1).parse_args()
raise SystemExit(runner.launch(options, make_recipe))
"""


def command(*arguments):
    return [sys.executable, "-m", "cluster.launch", *map(str, arguments)]


def environment(**changes):
    return {**os.environ, "KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3", **changes}


def test_one_failure_stops_the_others(tmp_path, repo, capfd):
    """Le processus 1 échoue ; le 0, qui dormirait une heure, est arrêté."""
    (tmp_path / "dort.py").write_text(
        "import sys, time\nif sys.argv[-1] == '1': sys.exit(7)\ntime.sleep(3600)\n"
    )
    # La même commande, au délai de grâce abrégé : celui qui dort le prendrait en entier.
    code = (
        "import sys; from cluster import launch; "
        "launch.GRACE_S = 0.5; sys.exit(launch.main(sys.argv[1:]))"
    )
    start = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", code, "-n", "2", "dort"],
        cwd=repo,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(PYTHONPATH=f"{tmp_path}:{repo}"),
    )
    assert ended.returncode == 7 and "Le processus 1 s'est arrêté" in ended.stderr
    assert "--resume" in ended.stderr and time.monotonic() - start < 15 and launch.GRACE_S < 60


def test_each_process_gets_its_place(tmp_path, repo):
    # D'un seul coup : trois processus écrivent dans le même tube.
    source = "import os, sys\nos.write(1, (' '.join(sys.argv[1:]) + '\\n').encode())\n"
    (tmp_path / "dit.py").write_text(source)
    ended = subprocess.run(
        command("-n", 3, "dit", "--epochs", 2),
        cwd=repo,
        capture_output=True,
        text=True,
        env=environment(PYTHONPATH=f"{tmp_path}:{repo}"),
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    lines = sorted(ended.stdout.splitlines())
    assert [line[-1] for line in lines] == ["0", "1", "2"]
    (common,) = {line[:-1] for line in lines}  # une seule adresse
    assert common.startswith("--epochs 2 --distribution --coordinator 127.0.0.1:")
    assert common.endswith(" --num-processes 3 --process-id ")


@pytest.fixture
def small(tmp_path, repo):
    """Un dossier qui contient `essai.py`, et l'environnement où `python -m essai` marche."""
    (tmp_path / "essai.py").write_text(ESSAI, encoding="utf-8")
    extract = repo / "tests" / "extracts" / "cifar10_test.npz"
    path = os.pathsep.join([str(tmp_path), str(repo), os.environ.get("PYTHONPATH", "")])
    return tmp_path, environment(PYTHONPATH=path, EXTRACT=str(extract))


def train(models, *more, num=2):
    return command("-n", num, "essai", "--models-dir", models, *more)


def test_what_follows_the_module_is_the_module_s(monkeypatch):
    asked = []
    monkeypatch.setattr(launch, "launch", lambda command, **_: asked.append(command) or 0)
    assert launch.main(["-n", "2", "essai", "-n", "3", "--help"]) == 0
    assert asked == [["essai", "-n", "3", "--help"]]


def check_ended(ended, models, *, epochs):
    assert ended.returncode == 0, ended.stderr[-2000:]
    report = json.loads((models / "essai.json").read_text(encoding="utf-8"))
    assert report["num_processes"] == 2 and report["backend"] == "jax"
    assert len(report["history"]["loss"]) == epochs
    assert ended.stdout.count("Graine 0 : exactitude") == 1  # un seul processus parle
    assert "Gloo" not in ended.stdout + ended.stderr  # ni le C++, en anglais


def end(arguments, env, repo):
    return subprocess.run(arguments, cwd=repo, env=env, capture_output=True, text=True, timeout=240)


def test_two_processes_train_one_network(small, repo):
    pytest.importorskip("jax", reason="pip install -r cluster/requirements.txt")
    home, env = small
    models = home / "m"
    check_ended(end(train(models, "--epochs", 2), env, repo), models, epochs=2)


@pytest.mark.slow
def test_two_processes_resume_after_a_death(small, repo):
    """Une époque, puis un processus tué dans la suite : l'autre s'arrête, `--resume` finit."""
    pytest.importorskip("jax", reason="pip install -r cluster/requirements.txt")
    home, env = small
    models = home / "m"
    run = subprocess.Popen(
        train(models, "--epochs", 10),
        cwd=repo,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    checkpoint = models / "runs" / "essai" / "seule_seed0.npz"
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
    assert 1 <= reached < 10
    # Les mêmes options ; il reste moins d'époques à faire qu'au début.
    ended = end(train(models, "--epochs", 10, "--resume"), env, repo)
    check_ended(ended, models, epochs=10)
