"""Prédire avec Ray : les réponses de `./predict`, toutes, une fois, quoi qu'il meure."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from PIL import Image

pytest.importorskip("ray.data", reason="pip install -r cluster/requirements.txt")
import pyarrow.parquet as pq
import ray

from cluster import chunks, predict
from convnets.serving import router
from tests.conftest import load_extract

COMMAND = (sys.executable, "-m", "cluster.predict")
HANG_S = 300  # contre un blocage, ce n'est pas une mesure : Ray est long sur une machine occupée


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Les 400 images de l'extrait, un fichier texte qui se dit image, et un fichier vide."""
    root = tmp_path_factory.mktemp("photos")
    for k, image in enumerate(load_extract("cifar10")[0]):
        Image.fromarray(image).save(root / f"{k:03}.png")
    (root / "texte.png").write_text("bonjour")
    (root / "vide.png").touch()
    return root


def start(*arguments, repo, **options):
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=repo,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        **options,
    )


def run(*arguments, repo):
    process = start(*arguments, repo=repo)
    out, err = process.communicate(timeout=HANG_S)
    return process.returncode, out, err


def answers(output):
    """Rend les réponses écrites, dans l'ordre des morceaux."""
    paths = sorted(output.glob("reponses-*.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def dates(output):
    return {path: path.stat().st_mtime_ns for path in output.glob("reponses-*.parquet")}


def wait_for(num, output, process):
    """Attend que quelques morceaux soient répondus : le reste est à faire."""
    deadline = time.monotonic() + HANG_S
    while len(dates(output)) < num:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.02)


@pytest.fixture
def output(pictures, tmp_path, monkeypatch):
    """Une demande déjà découpée, en petits morceaux, pour avoir le temps d'en perdre."""
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 4)
    slugs = router.slugs(None)
    sha256 = " ".join(
        predict.read_card(slug, models_dir=predict.MODELS_DIR)[0].sha256 for slug in slugs
    )
    chunks.open_request([pictures], tmp_path / "out", model=" et ".join(slugs), sha256=sha256)
    return tmp_path / "out"


def check_answers(output, pictures, run_predict):
    rows = answers(output)
    assert len(rows) == 402 and len({row["path"] for row in rows}) == 402
    found = {os.path.basename(row["path"]): row for row in rows}
    for name in ("texte.png", "vide.png"):
        assert found[name]["class"] is None and name in found[name]["error"]
    for line in run_predict("--json", pictures).stdout.decode().splitlines():
        expected = json.loads(line)
        row = found[os.path.basename(expected["path"])]
        if "error" not in expected:
            assert row["class"] == expected["class"] and row["error"] is None
            assert max(row["probabilities"]) == pytest.approx(expected["probability"], abs=1e-4)


def test_answers_of_predict_and_nothing_to_do_twice(pictures, tmp_path, repo, run_predict):
    arguments = ("--input", pictures, "--output", tmp_path / "out")
    code, out, err = run(*arguments, repo=repo)
    assert code == 0 and "402 images" in out and "2 illisibles" in out, err
    assert err == ""
    check_answers(tmp_path / "out", pictures, run_predict)
    before = dates(tmp_path / "out")
    code, out, err = run(*arguments, repo=repo)
    assert code == 0 and "402 images déjà faites" in err and out.startswith("0 image,")
    assert dates(tmp_path / "out") == before


CLUSTER = """
import sys, time
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
other = cluster.add_node(num_cpus=1)
print(cluster.address, flush=True)
sys.stdin.readline()
cluster.remove_node(other, allow_graceful=False)
print("retirée", flush=True)
sys.stdin.readline()
cluster.shutdown()
"""


@pytest.mark.slow
def test_a_node_lost_half_way(pictures, output, repo):
    """Deux machines Ray, une tuée au milieu : chaque image a sa réponse, une fois."""
    cluster = subprocess.Popen(
        [sys.executable, "-c", CLUSTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
    )
    try:
        address = cluster.stdout.readline().strip()
        process = start("--input", pictures, "--output", output, "--address", address, repo=repo)
        wait_for(8, output, process)
        cluster.stdin.write("\n")
        cluster.stdin.flush()
        assert cluster.stdout.readline().strip() == "retirée"
        assert len(dates(output)) < 101  # il restait de quoi faire
        out, err = process.communicate(timeout=HANG_S)
        assert process.returncode == 0 and err == "", err
    finally:
        cluster.communicate("\n", timeout=60)
    rows = answers(output)
    assert len(rows) == len({row["path"] for row in rows}) == 402
    assert sum(row["error"] is not None for row in rows) == 2


@pytest.mark.slow
def test_ctrl_c_then_the_rest(pictures, output, repo):
    arguments = ("--input", pictures, "--output", output)
    # Lancé après « & », un processus n'entend pas Ctrl-C.
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    process = start(*arguments, repo=repo, start_new_session=True, **heard)
    wait_for(4, output, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Interrompu" in err and "Traceback" not in err
    kept = dates(output)
    code, _, err = run(*arguments, repo=repo)
    assert code == 0 and "déjà faites" in err
    assert len({row["path"] for row in answers(output)}) == 402
    assert kept.items() <= dates(output).items() and not [*output.glob("*.tmp")]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--input", "samples"], 2, "--output"),
        (["--input", "samples", "--output", "{tmp}/o", "--model", "absent"], 1, "absent"),
        (
            ["--input", "samples", "--output", "{tmp}/o", "--address", "127.0.0.1:9"],
            1,
            "Aucune grappe",
        ),
        (["--input", "samples", "--output", "/proc/non"], 1, "/proc"),
    ],
)
def test_wrong_inputs(tmp_path, repo, monkeypatch, capsys, arguments, code, message):
    monkeypatch.chdir(repo)
    try:
        found = predict.main([text.replace("{tmp}", str(tmp_path)) for text in arguments])
    except SystemExit as stopped:
        found = stopped.code
    said = capsys.readouterr()
    assert found == code and message in said.err and said.out == ""


def test_a_cluster_that_refuses_is_not_said_to_be_absent(monkeypatch):
    """Quelqu'un écoute : ce qui manque est peut-être un jeton, et la phrase le dit."""

    def refuse(**options):
        raise RuntimeError("InvalidAuthToken")

    monkeypatch.setattr(ray, "init", refuse)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(ConnectionError, match="RAY_AUTH_MODE=token devant la commande"):
            predict.connect(address)
    for gone in (address, "auto"):
        with pytest.raises(ConnectionError, match=f"Aucune grappe Ray ne répond à {gone}"):
            predict.connect(gone)


@pytest.mark.slow
def test_an_actor_that_fails_says_why(pictures, output, repo):
    """Une liste effacée : une phrase, et non la trace d'un autre processus."""
    for path in (output / chunks.LISTS).iterdir():
        path.unlink()
    code, out, err = run("--input", pictures, "--output", output, repo=repo)
    assert code == 1 and out == "" and "Traceback" not in err
    assert "liste-" in err and "relancez" in err
    assert not dates(output)


def test_a_missing_input_is_said_before_ray(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(predict, "connect", lambda address: pytest.fail("Ray est lancé"))
    arguments = ["--input", "samples/chat.png", "absente.png", "--output", str(tmp_path / "o")]
    assert predict.main(arguments) == 1
    assert "Erreur : absente.png : ce nom" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_a_model_that_an_actor_cannot_load_says_why(tmp_path, monkeypatch):
    """La base du modèle manque à sa machine : sa phrase revient, et l'acteur ne meurt pas."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    actor = predict.Predictor("ex05_inception", str(predict.MODELS_DIR), str(tmp_path))
    (tmp_path / "texte.png").write_text("bonjour")
    chunks.open_request([tmp_path / "texte.png"], tmp_path, model="m", sha256="s")
    answer = actor({"item": 0})
    assert "demande sa base InceptionV3" in answer["failure"] and "--prepare" in answer["failure"]
    assert answer["num_rows"] == 0 and not [*tmp_path.glob("reponses-*")]
