"""`python -m exercises.notebook` : tout vient du `.py`, rien ne s'y perd, tout s'y exécute."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec

import nbclient
import nbformat
import pytest
from packaging.requirements import Requirement

from exercises import EXERCISES, FOLDER, find, lesson_text, notebook, sources

pytestmark = pytest.mark.ci
SLUGS = [each.slug for each in EXERCISES]
LESSON = """\
# Cacher pour voir

Une question, qui suit la [leçon 03](ex03_cifar10.md).

## Les couleurs

```{montre} fill_color
```

```python
gradient = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
fill_color(gradient, "grey"), default_square(gradient)
```

**Devinez.** Combien ?

<details><summary>Réponse</summary>

Voici :

```{montre} drops
```

</details>

![Une légende.](../../docs/galerie/03_ex07_occlusion/chien_occlusion.png)

```{atelier} nommer
```

## À retenir
"""


def make(slug):
    return notebook.make_notebook(find(slug))


def codes(found):
    return [cell.source for cell in found.cells if cell.cell_type == "code"]


def codes_run(found):
    return [cell for cell in found.cells if cell.cell_type == "code"]


# --- Ce qu'ils contiennent -----------------------------------------------------------


@pytest.fixture
def new_lesson(tmp_path, monkeypatch):
    """Écrit le texte d'un exercice sans TensorFlow."""

    def write(text=LESSON):
        (tmp_path / "exercises" / "lessons").mkdir(parents=True)
        monkeypatch.setattr(lesson_text, "LESSONS", tmp_path / "exercises" / "lessons")
        lesson_text.lesson_path("ex07_occlusion").write_text(text, encoding="utf-8")

    return write


def test_a_lesson_is_read_in_its_own_order(new_lesson):
    """Question, préparation, imports, puis le texte ; la réponse est repliée, la figure jointe."""
    new_lesson()
    found = make("ex07_occlusion")
    assert [cell.cell_type[0] for cell in found.cells] == list("mmmcccmccmmmmmmc")
    title, question, before, _, _, imports, _, shown, call, _, answer, figure, *_, launch = (
        cell.source for cell in found.cells
    )
    assert title == "# Cacher pour voir" and before.startswith("## Avant de commencer")
    assert question.endswith("qui suit la leçon 03.")
    assert imports == (
        "import numpy as np\nfrom exercises.ex07_occlusion import FILLS, GREY, default_square"
    )
    assert shown.startswith("def fill_color(") and call.startswith("gradient = ")
    assert answer.startswith(
        "<details><summary>Réponse</summary>\n\nVoici :\n\n```python\ndef drops("
    )
    assert answer.endswith("```\n\n</details>")
    assert figure == "![Une légende.](attachment:chien_occlusion.webp)\n\n*Une légende.*"
    assert "chien_occlusion.webp" in found.cells[11].attachments
    assert launch.startswith("import exercises.ex07_occlusion\n\nlaunch(exercises.ex07_occlusion.")
    nbformat.validate(found)


def test_a_name_that_nothing_defines_is_said_with_its_line(new_lesson):
    new_lesson(LESSON.replace("default_square(gradient)", "absent(gradient)"))
    with pytest.raises(ValueError, match="ligne 11 : « absent » n'est défini nulle part"):
        make("ex07_occlusion")


def test_a_call_does_not_replace_what_is_shown(new_lesson):
    new_lesson(LESSON.replace("gradient", "fill_color"))
    with pytest.raises(ValueError, match="ligne 11 : « fill_color » remplacerait celui de"):
        make("ex07_occlusion")


def test_each_command_says_how_long_it_takes():
    said = [cell.source for cell in make("ex09_grad_cam").cells if "Durée :" in cell.source]
    assert [text.rpartition("Durée : ")[2] for text in said] == [
        "environ 4 min.",
        "moins d'une minute.",
    ]
    names = {path.name for each in EXERCISES for path in sources(each.slug)}
    assert names >= notebook.MINUTES.keys()


@pytest.mark.parametrize("slug", [each.slug for each in EXERCISES if len(sources(each.slug)) > 1])
def test_parts_come_in_reading_order(slug):
    """Celui du sommaire, et la commande à la fin."""
    contents, *parts, command = notebook.reading_order(find(slug))
    text = contents.read_text(encoding="utf-8")
    places = [text.index(path.name) for path in parts]
    assert command.name == "__main__.py" and places == sorted(places)
    assert sorted([contents, *parts, command]) == sources(slug)


def test_docstrings_become_markdown():
    text = (
        "Lire deux lignes\nqui se suivent.\n\nDocument : S0.\nCommandes : python -m a   un\n"
        "            python -m b   deux\n\n- un ;\n  suite."
    )
    assert notebook.to_markdown(text) == (
        "Lire deux lignes\nqui se suivent.\n\n```text\nDocument : S0.\nCommandes : python -m a   un"
        "\n            python -m b   deux\n```\n\n- un ;\n  suite."
    )


# --- La cellule d'installation -------------------------------------------------------


def test_packages_are_those_of_the_course(repo):
    project = tomllib.loads((repo / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["exercices"]]
    installed = {Requirement(text).name for text in asked}
    assert set(notebook.PACKAGES.values()) == installed - {"nbformat"}  # qui ne sert qu'à les faire
    assert all(map(find_spec, notebook.PACKAGES))
    assert "keras>=3.15" in asked and 'LEAST = {"keras": (3, 15)}' in notebook.SETUP
    assert notebook.VERSION == f"v{project['version']}"
    pins = re.findall(r'^    "\w+": "([\w.=-]+)",$', notebook.setup(), re.MULTILINE)
    pinned = (repo / "requirements.txt").read_text(encoding="utf-8")
    assert len(pins) == len(notebook.PACKAGES) and all(each in pinned for each in pins)


def test_the_address_of_the_repository_is_set_once(monkeypatch):
    assert notebook.colab_address("ex02_fashion.ipynb") == ""
    assert "COURSE = ''" in notebook.setup()
    monkeypatch.setattr(notebook, "REPOSITORY", "ecole/cours")
    address = notebook.colab_address("ex02_fashion.ipynb")
    assert address.endswith("/github/ecole/cours/blob/notebooks/ex02_fashion.ipynb")
    assert f"https://github.com/ecole/cours/archive/refs/tags/{notebook.VERSION}.zip" in (
        notebook.setup()
    )


def test_a_refused_command_stops_the_notebook(repo):
    """« Tout exécuter » s'arrête sur une phrase, et non sur un 1 que personne ne lit."""
    helpers = f"exec({notebook.setup()!r})\nexec({notebook.HELPERS!r})\n"
    code = helpers + "launch(lambda options: 1, [])"
    done = subprocess.run([sys.executable, "-c", code], cwd=repo, capture_output=True, text=True)
    last = done.stderr.rstrip().splitlines()[-1]
    assert last == (
        "RuntimeError: La commande s'est arrêtée (code 1) : la ligne « Erreur » dit pourquoi."
    )


def start_notebook(folder, *, hidden=(), keras="3.15.1"):
    """Exécute la première cellule dans un dossier, sur une machine sans ces paquets."""
    code = (
        "import importlib.util as util\nfind = util.find_spec\n"
        f"util.find_spec = lambda name: None if name in {set(hidden)!r} else find(name)\n"
        "import importlib.metadata as metadata\n"
        f"metadata.version = lambda name: {keras!r}\n"
        f"exec({notebook.setup()!r})\nprint(exercises.__file__)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command, options = [sys.executable, "-c", code], {"capture_output": True, "encoding": "utf-8"}
    return subprocess.run(command, cwd=folder, env=environment, **options)


def test_setup_finds_the_repository_or_says_what_to_do(repo, tmp_path):
    done = start_notebook(repo / "docs")
    assert done.stdout == f"{repo / 'exercises/__init__.py'}\n", done.stderr
    done = start_notebook(tmp_path)
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("déposez-y son zip, puis relancez.")


def test_setup_opens_the_zip_beside_the_notebook(repo, tmp_path):
    """Et n'installe que ce qui manque : le zip du dépôt est réduit, et pip est un faux."""
    pins = dict(re.findall(r'"(\w+)": "(.+==.+)"', notebook.setup()))
    root, folder = tmp_path / "zip" / "cours-main", tmp_path / "élève et notebook"
    for name in ("convnets/core", "exercises"):
        shutil.copytree(repo / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "pip.py").write_text("import json, sys; json.dump(sys.argv[1:], open('pip.json', 'w'))")
    folder.mkdir()
    shutil.make_archive(folder / "cours", "zip", root.parent)
    (folder / "autre.zip").write_text("ceci n'est pas un zip")
    done = start_notebook(folder)
    assert done.stdout == f"{folder / 'cours-main/exercises/__init__.py'}\n", done.stderr
    done = start_notebook(folder, hidden={"sklearn", "cpuinfo"})
    asked = json.loads((folder / "cours-main/pip.json").read_text())
    assert asked == ["install", "--quiet", pins["sklearn"], pins["cpuinfo"]]
    assert done.stdout.startswith(f"J'installe {pins['sklearn']}, {pins['cpuinfo']}\n"), done.stderr
    done = start_notebook(folder, keras="3.10.0")  # présent, mais trop ancien
    assert done.stdout.startswith(f"J'installe {pins['keras']}\n"), done.stderr


# --- La commande ---------------------------------------------------------------------


def test_command(tmp_path, capsys):
    paths = [tmp_path / "x" / f"{slug}.ipynb" for slug in ("ex02_fashion", "ex01_filters")]
    for _ in range(2):  # la seconde fois, les mêmes octets : rien à dire
        assert notebook.main(["ex02", "ex01_filters", "--output", str(tmp_path / "x")]) == 0
        assert capsys.readouterr().out == "".join(f"{path}\n" for path in paths)


def test_the_work_of_a_student_is_never_replaced(tmp_path, capsys):
    mine = tmp_path / "ex02_fashion.ipynb"
    mine.write_text("mon travail\n")
    assert notebook.main(["ex01", "ex02", "--output", str(tmp_path)]) == 1
    assert "existe déjà, et a changé : rien n'est écrit" in capsys.readouterr().err
    assert mine.read_text() == "mon travail\n" and [*tmp_path.iterdir()] == [mine]


def test_unknown_exercise(tmp_path, capsys):
    assert notebook.main(["ex42", "--output", str(tmp_path / "x")]) == 1
    assert "Pas d'exercice ex42" in capsys.readouterr().err


def test_a_notebook_runs_and_shows_its_figures(tmp_path):
    """Un exercice sans TensorFlow, le plus court, dans un vrai noyau."""
    found = make("ex07_occlusion")
    for cell in found.cells[-1:]:  # celle qui lance, et montre
        cell.source = cell.source.replace('"figures/', f'"{tmp_path.as_posix()}/')
    place = {"metadata": {"path": FOLDER.parent / "docs"}}
    nbclient.NotebookClient(found, timeout=300, resources=place).execute()
    drawn = [cell for cell in found.cells if "show_pictures(" in cell.source][1:]
    for cell in [*drawn, found.cells[-1]]:
        assert any("image/png" in each.get("data", {}) for each in cell.outputs), cell.source
    assert not [each for cell in codes_run(found) for each in cell.outputs if "stderr" in str(each)]
    assert [path.name for path in tmp_path.rglob("*.png")] == ["chien_occlusion.png"]
