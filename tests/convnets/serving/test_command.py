import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

pytestmark = [pytest.mark.ci, pytest.mark.question("Jour 04, exercice 3")]


@pytest.fixture
def plane(repo):
    return repo / "samples" / "avion.png"


def out(result):
    return result.stdout.decode("utf-8")


def err(result):
    return result.stderr.decode("utf-8")


@pytest.mark.parametrize("locale", ["C", "fr_FR.ISO-8859-1"])
def test_utf8_whatever_the_locale_and_the_folder(run_predict, plane, tmp_path, locale):
    env = {
        "LANG": locale,
        "LC_ALL": locale,
        "PYTHONIOENCODING": "",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }
    result = run_predict(plane, cwd=tmp_path, env=env)
    assert (result.stdout, result.stderr) == ("Prédiction: Avion\n".encode(), b"")
    assert result.returncode == 0


def make_folder(folder, extract, count):
    """Écrit `count` images de test en PNG ; les rend."""
    x, _ = extract("cifar10")
    folder.mkdir()
    for i in range(count):
        Image.fromarray(x[i]).save(folder / f"{i:04}.png")
    return x[:count]


def test_folder_in_stable_order(run_predict, extract, tmp_path):
    x = make_folder(tmp_path / "images", extract, 150)
    (tmp_path / "images" / "notes.txt").write_text("pas une image")
    (tmp_path / "images" / ".cache.png").write_text("fichier caché")
    (tmp_path / "images" / "sous").mkdir()
    Image.fromarray(x[0]).save(tmp_path / "images" / "sous" / "a.png")
    result = run_predict("--json", tmp_path / "images")
    rows = [json.loads(line) for line in out(result).splitlines()]
    doubted = [row["path"] for row in rows if "why" in row]
    assert result.returncode == 0 and sum(not row["familiar"] for row in rows) <= 2
    said = result.stderr.decode().splitlines()
    assert said[0].endswith("/images : 1 fichier n'est pas une image (.txt).")
    assert len(said) == 1 + bool(doubted)  # une ligne compte les doutes
    assert not doubted or f"{len(doubted)} réponse" in said[1]
    expected = [str(tmp_path / "images" / f"{i:04}.png") for i in range(150)]
    assert [row["path"] for row in rows] == [*expected, str(tmp_path / "images/sous/a.png")]
    # Une image prédite en lot ou seule donne la même réponse.
    alone = json.loads(out(run_predict("--json", expected[7])))
    assert alone["class"] == rows[7]["class"]
    assert alone["probability"] == pytest.approx(rows[7]["probability"], abs=1e-5)


def test_standard_input(run_predict, plane):
    assert out(run_predict("-", stdin=plane.read_bytes())) == "Prédiction: Avion\n"
    result = run_predict("-", stdin=b"")
    assert result.returncode == 1 and result.stdout == b""


def bad_files(folder):
    def save(name, content):
        (folder / name).write_bytes(content)
        return folder / name

    buffer = io.BytesIO()
    Image.new("RGB", (300, 200), "red").save(buffer, "JPEG")
    yield folder / "absent.png"
    yield save("texte.png", b"ceci n'est pas une image\n")
    yield save("tronque.jpg", buffer.getvalue()[:500])
    yield save("vide.png", b"")
    buffer = io.BytesIO()
    Image.new("1", (20000, 20000)).save(buffer, "PNG")
    yield save("bombe.png", buffer.getvalue())


def test_bad_files_one_sentence_and_the_others_go_on(run_predict, plane, tmp_path):
    paths = [*bad_files(tmp_path)]
    result = run_predict(paths[0], plane, *paths[1:], plane)
    assert out(result) == f"{plane}: Prédiction: Avion\n" * 2 and result.returncode == 1
    for path, message in zip(paths, err(result).splitlines(), strict=True):
        assert message.startswith("predict : ") and path.name in message


def test_json_has_one_object_a_picture_even_when_it_fails(run_predict, plane, tmp_path):
    rows = [
        json.loads(line)
        for line in out(run_predict("--json", plane, tmp_path / "absent.png")).splitlines()
    ]
    answered = {"path", "class", "probability", "familiar"}
    assert [set(row) for row in rows] == [answered, {"path", "error"}]
    alone = run_predict("--json", tmp_path / "absent.png")
    assert alone.returncode == 1 and json.loads(out(alone)) == rows[1]


def test_empty_folder(run_predict, tmp_path):
    result = run_predict(tmp_path)
    assert result.returncode == 1 and "aucune image" in err(result)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "il manque IMAGE"),
        (["--top", "0", "x.png"], 2, "au moins 1"),
        (["--inconnue", "x.png"], 2, "option inconnue"),
        (["-", "-"], 2, "ne se lit qu'une fois"),
        (["https://a.fr/b.png"], 1, "écrivez : curl -L 'https://a.fr/b.png' | ./predict -"),
        (["--model", "ex77", "samples/avion.png"], 1, "Pas de modèle ex77"),
        (["--model", "../ex77/x", "samples/avion.png"], 1, "Pas de modèle ../ex77/x"),
        (["--model", "a\nb", "samples/avion.png"], 1, "Pas de modèle a\\nb"),
        (["--model", "", "samples/avion.png"], 1, "Pas de modèle ''"),
    ],
)
def test_wrong_use(run_predict, arguments, code, message):
    result = run_predict(*arguments)
    assert result.returncode == code and result.stdout == b""
    assert message in err(result) and "Traceback" not in err(result)


def test_folder_with_a_pipe_and_an_empty_folder(run_predict, plane, tmp_path):
    os.mkfifo(tmp_path / "tube.png")
    (tmp_path / "a.png").write_bytes(plane.read_bytes())
    (tmp_path / "document.pdf").write_bytes(b"%PDF-")
    (tmp_path / "vide").mkdir()
    result = run_predict(tmp_path / "vide", tmp_path)
    assert out(result) == f"{tmp_path}/a.png: Prédiction: Avion\n"
    said = err(result)
    assert result.returncode == 1 and "2 fichiers ne sont pas des images (.pdf, .png)" in said
    assert said.count("\n") == 2


def test_odd_file_names(run_predict, plane, tmp_path):
    names = [b"a\nb.png", b"caf\xe9.png", b"x\x1b[31m.png", "été.png".encode()]
    for name in names:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
            file.write(plane.read_bytes())
    lines = out(run_predict(tmp_path)).splitlines()  # de l'UTF-8 valide, une ligne par image
    assert len(lines) == 4 and not any("\x1b" in line for line in lines)
    assert any(line.startswith(f"{tmp_path}/été.png: ") for line in lines)
    rows = [json.loads(line) for line in out(run_predict("--json", tmp_path)).splitlines()]
    assert {os.fsencode(row["path"]) for row in rows} == {
        os.path.join(os.fsencode(tmp_path), name) for name in names
    }


def test_python_variables_change_nothing(run_predict, plane, tmp_path):
    env = {"PYTHONHOME": "/x", "PYTHONPATH": str(tmp_path), "PYTHONIOENCODING": "bogus"}
    (tmp_path / "json.py").write_text("raise SystemExit('mauvais module')")
    assert out(run_predict(plane, env=env)) == "Prédiction: Avion\n"


def test_ctrl_c_on_a_folder_does_not_wait(repo, predict_env, tmp_path):
    import signal

    folder = tmp_path / "images"
    folder.mkdir()
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (2000, 2000, 3), np.uint8)).save(
        buffer, "PNG", compress_level=1
    )
    (tmp_path / "original.png").write_bytes(buffer.getvalue())
    (folder / "0.png").touch()  # la première, refusée : ce qu'il en dit, il le dit sans attendre
    for i in range(1, 3000):  # plus d'une minute de décodage
        os.link(tmp_path / "original.png", folder / f"{i}.png")
    process = subprocess.Popen(
        [repo / "predict", folder],
        env=predict_env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Lancé en arrière-plan (`pytest &`), on hérite d'un Ctrl-C ignoré.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert "/0.png" in process.stderr.readline().decode()  # le travail est en cours
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=15)
    assert process.returncode == -signal.SIGINT  # 130 pour un terminal
    assert all("des photos" in line for line in stderr.decode().splitlines())


def copy_model(repo, folder, **changes):
    import hashlib

    content = (repo / "models" / "thumbnails.tflite").read_bytes()
    report = json.loads((repo / "models" / "thumbnails.json").read_text())
    content = content[: changes.pop("length", None)]
    report["files"]["thumbnails.tflite"] = hashlib.sha256(content).hexdigest()
    (folder / "thumbnails.tflite").write_bytes(content)
    report = {k: v for k, v in {**report, **changes}.items() if v is not None}
    (folder / "thumbnails.json").write_text(json.dumps(report))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"length": 0}, "n'est pas un modèle LiteRT lisible"),
        ({"length": 1000}, "n'est pas un modèle LiteRT lisible"),
        ({"classes_fr": None}, "ne décrit pas"),
        ({"classes_fr": ["Avion", "Chat", "Chien"]}, "ne décrit pas"),
        ({"input_shape": [64, 64, 3]}, "ne décrit pas"),
        ({"input_shape": None}, "ne décrit pas"),
    ],
)
def test_model_and_sidecar_that_do_not_fit(repo, tmp_path, changes, message):
    from convnets.serving.classifier import Classifier

    copy_model(repo, tmp_path, **dict(changes))
    with pytest.raises(ValueError, match=message):
        Classifier(models_dir=tmp_path)


def test_help_is_in_french(run_predict):
    text = out(run_predict("--help"))
    assert text.startswith("usage : predict") and "show this help" not in text


def test_arguments_are_checked_before_the_engine(repo):
    code = (
        "import sys; from convnets.serving import command;"
        "code = command.main(['absent.png']);"
        "print(code, 'ai_edge_litert' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=repo, capture_output=True, text=True)
    assert result.stdout.split() == ["1", "False"]


@pytest.mark.parametrize("slug", ["ex17_detection", "ex18_segmentation"])
def test_a_model_that_does_not_name_a_picture(run_predict, slug):
    result = run_predict("--model", slug, "samples/chat.png")
    assert result.returncode == 1 and result.stdout == b""
    assert f"python -m exercises.{slug}" in result.stderr.decode()
