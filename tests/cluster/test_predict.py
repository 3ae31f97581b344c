"""Prédire avec Ray : les réponses de `./predict`, toutes, une fois, quoi qu'il meure."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("ray.data", reason="pip install -r cluster/requirements.txt")
import pyarrow.parquet as pq

COMMAND = (sys.executable, "-m", "cluster.predict")
HANG_S = 300  # contre un blocage, ce n'est pas une mesure : Ray est long sur une machine occupée


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Les 400 images de l'extrait, un fichier texte qui se dit image, et un fichier vide."""
    from tests.conftest import load_extract

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


def check_answers(output, pictures, run_predict):
    rows = pq.read_table(output).to_pylist()
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
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.parquet")}
    code, out, err = run(*arguments, repo=repo)
    assert code == 0 and "402 images déjà faites" in err and out.startswith("0 image,")
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.parquet")}
    assert after == before


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
def test_a_node_lost_half_way(pictures, tmp_path, repo, run_predict):
    """Deux machines Ray, une tuée au milieu : chaque image a sa réponse, une fois."""
    import pyarrow as pa

    # Beaucoup de petits morceaux, et de quoi durer : les mêmes images, six fois.
    contents = [path.read_bytes() for path in sorted(pictures.iterdir())] * 6
    pq.write_table(pa.table({"image": contents}), tmp_path / "i.parquet", row_group_size=24)
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
        output = tmp_path / "out"
        process = start(
            "--input", tmp_path / "i.parquet", "--output", output, "--address", address, repo=repo
        )
        deadline = time.monotonic() + HANG_S
        while len([*output.glob("reponses-*.parquet")]) < 8 and time.monotonic() < deadline:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        cluster.stdin.write("\n")
        cluster.stdin.flush()
        assert cluster.stdout.readline().strip() == "retirée"
        assert len([*output.glob("reponses-*.parquet")]) < 101  # il restait de quoi faire
        out, err = process.communicate(timeout=HANG_S)
        assert process.returncode == 0 and err == "", err
    finally:
        cluster.communicate("\n", timeout=60)
    rows = pq.read_table(output).to_pylist()
    assert len(rows) == len({row["path"] for row in rows}) == 6 * 402
    assert sum(row["error"] is not None for row in rows) == 12


def sorted_rows(output):
    for path in sorted(output.glob("reponses-*.parquet")):
        yield from pq.read_table(path).to_pylist()


def test_ctrl_c_then_the_rest(pictures, tmp_path, repo):
    import pyarrow as pa

    # Beaucoup de petits morceaux : le signal doit arriver pendant le travail.
    contents = [path.read_bytes() for path in sorted(pictures.iterdir())]
    pq.write_table(pa.table({"image": contents}), tmp_path / "i.parquet", row_group_size=8)
    arguments = ("--input", tmp_path / "i.parquet", "--output", tmp_path / "out")
    process = start(*arguments, repo=repo, start_new_session=True)
    deadline = time.monotonic() + HANG_S
    while len([*(tmp_path / "out").glob("reponses-*.parquet")]) < 4:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Interrompu" in err and "Traceback" not in err
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("reponses-*.parquet")}
    code, _, err = run(*arguments, repo=repo)
    assert code == 0 and "déjà faites" in err
    assert len({row["path"] for row in sorted_rows(tmp_path / "out")}) == 402
    parts = {path: path.stat().st_mtime_ns for path in kept}
    assert parts == kept and not [*(tmp_path / "out").glob("*.tmp")]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--input", "absente/*.png", "--output", "{tmp}/o"], 1, "ne désigne aucun fichier"),
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
def test_wrong_inputs(tmp_path, repo, arguments, code, message):
    found, out, err = run(*[text.replace("{tmp}", str(tmp_path)) for text in arguments], repo=repo)
    assert found == code and message in err and "Traceback" not in err and out == ""


def test_a_picture_given_by_its_content(tmp_path, repo):
    """La colonne « image » : le même résultat que par le chemin. Un acteur, sans Ray autour."""
    import pyarrow as pa

    from cluster import chunks, predict
    from convnets.serving.router import Router

    path = repo / "samples" / "chat.png"
    contents = [path.read_bytes(), b"rien", None]
    pq.write_table(pa.table({"image": contents}), tmp_path / "i.parquet")
    (chunk,) = chunks.open_request(
        [str(tmp_path / "i.parquet")], tmp_path / "o", model="m", sha256="s"
    )
    actor = predict.Predictor(None, str(predict.MODELS_DIR), str(tmp_path / "o"))
    assert actor.answer(chunk) == (3, 2)
    rows = [*sorted_rows(tmp_path / "o")]
    [own] = Router().classify([str(path)])
    np.testing.assert_allclose(rows[0]["probabilities"], own.probabilities, atol=1e-5)
    assert rows[0]["class"] == "Chat" and [row["class"] for row in rows[1:]] == [None, None]
    assert len({row["path"] for row in rows}) == 3


def test_an_actor_that_fails_says_why(tmp_path, repo):
    """Une colonne « image » qui n'en est pas : une phrase, et non la trace d'un autre processus."""
    import pyarrow as pa

    pq.write_table(pa.table({"image": [1, 2, 3]}), tmp_path / "i.parquet")
    code, out, err = run("--input", tmp_path / "i.parquet", "--output", tmp_path / "o", repo=repo)
    assert code == 1 and out == "" and "Traceback" not in err
    assert "fichiers images, en octets" in err and "relancez" in err
    assert not [*(tmp_path / "o").glob("reponses-*")]


def test_a_missing_input_is_said_before_ray(tmp_path, monkeypatch, capsys):
    from cluster import predict

    monkeypatch.setattr(predict, "connect", lambda address: pytest.fail("Ray est lancé"))
    arguments = ["--input", "samples/chat.png", "absente.png", "--output", str(tmp_path / "o")]
    assert predict.main(arguments) == 1
    assert "Erreur : absente.png : ce nom" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_a_model_that_an_actor_cannot_load_says_why(tmp_path, monkeypatch):
    """La base du modèle manque à sa machine : sa phrase revient, et l'acteur ne meurt pas."""
    from cluster import chunks, predict

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    actor = predict.Predictor("ex05_inception", str(predict.MODELS_DIR), str(tmp_path))
    (tmp_path / "texte.png").write_text("bonjour")
    (chunk,) = chunks.open_request(
        [str(tmp_path / "texte.png")], tmp_path / "o", model="m", sha256="s"
    )
    answer = actor(chunk._asdict())
    assert "demande sa base InceptionV3" in answer["failure"] and "--prepare" in answer["failure"]
    assert answer["num_rows"] == 0 and not [*tmp_path.glob("reponses-*")]
