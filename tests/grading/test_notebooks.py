"""D'un notebook d'élève aux modules du correcteur, sans l'exécuter ni charger Keras."""

import importlib.util
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from exercises import EXERCISES, sources
from grading.asking import staging
from grading.inside import cells
from grading.inside.causes import Causes
from grading.reading import handin, notebooks, submission
from grading.scale import read_scale

POOL = "def pool2d(image, size=SIZE):\n    return np.max(image) * size"


@pytest.fixture
def converted(tmp_path):
    """converted(cellules) -> le rendu fait d'un notebook."""

    def make(*sources):
        path = tmp_path / "tp.ipynb"
        cells = [new_markdown_cell("# TP"), *(new_code_cell(each) for each in sources)]
        nbformat.write(new_notebook(cells=cells), path)
        return handin.collect(path, tmp_path / "copie", one=True).submissions[0]

    return make


def imported(found, monkeypatch):
    """Importe le module fait d'un notebook, comme le ferait l'enfant du rendu."""
    monkeypatch.setitem(sys.modules, "exercises._cellules", cells)
    path = found.root / "ex00_convolution/pooling.py"
    spec = importlib.util.spec_from_file_location("module", path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_every_question_of_the_scale_can_be_recognised():
    modules = {rule.module for each in read_scale().values() for rule in each.rules}
    assert modules == set(notebooks.DECISIVE) | set(notebooks.DATASETS)


def test_a_later_exercise_in_one_notebook_is_recognised_as_itself_and_nothing_else():
    for found in [each for each in EXERCISES if each.slug > "ex06"]:
        files = [submission.EXERCISES / path for path in sources(found.slug)]
        cells = [(path.name, path.read_text(encoding="utf-8")) for path in files]
        modules, doubt = notebooks.modules_of(notebooks.Source(files[0], cells, {}, []))
        expected = {rule.module for rule in read_scale()[found.slug[:4]].rules}
        assert set(modules) == expected and not doubt, found.slug


def test_cells_out_of_order_magics_and_a_broken_cell(converted, monkeypatch):
    found = converted(
        "%matplotlib inline\npip install pandas\n!pip install -q numpy \\\n  keras\nfiles = !ls",
        POOL,
        " SIZE = BASE + 1\nLARGER = 2 * SIZE",
        "import numpy as np\nfrom google.colab import drive\nBASE = 1",
        "drive.mount('/content/drive')\nprint(1)\npool2d?",
        "%%bash\nrm -rf ~",
        "%%time\nvalues = [pool2d(np.ones(2)) for _ in range(10**9)]",
        "def relu(values):\n    return values +\n\ndef truncate(x):\n    print 'x'\n    return x",
    )
    module = imported(found, monkeypatch)
    assert module.pool2d([3, 4]) == 8 and module.truncate(5) == 5
    with pytest.raises(SyntaxError) as raised:
        module.relu([1])
    assert (raised.value.filename, raised.value.lineno) == ("cellule 9 de tp.ipynb", 2)
    with pytest.raises(ModuleNotFoundError, match="google"):
        module.drive.mount()
    assert found.remarks == (
        "cellule 7 de tp.ipynb laissée de côté : %%bash",
        "cellule 9 de tp.ipynb, ligne 2 : erreur de syntaxe, qui coûte relu",
    )


def test_a_function_finds_the_lambdas_and_the_values_it_reads(converted, monkeypatch):
    found = converted(
        "import numpy as np\nmodel = keras.models.load_model('absent.keras')",
        "carte = model.predict(image)\nseen = model(image)\nbad = absent.thing(1)",
        "side = make(3)\nwide = make(side)\ntable = {'max': lambda v: make(v)}",
        "pair = lambda v: tuple(v) if isinstance(v, (tuple, list)) else (v, pool2d.__name__)",
        "def make(v):\n    return v + 1",
        "def pool2d(v):\n    return pair(v), wide, table['max'](v)",
        "def show():\n    return carte, seen, bad",
        "unused = make(10**9)",
    )
    module = imported(found, monkeypatch)
    assert module.pool2d(7) == ((7, "pool2d"), 5, 8)
    assert not {"unused", "carte"} & set(vars(module))
    with pytest.raises(NameError, match="absent"):
        module.bad.thing()


def test_an_error_is_said_with_its_cell_and_its_line(converted, monkeypatch):
    found = converted("import numpy as np\nSIZE = 2", "\n\n" + POOL.replace("np.max", "maxi"))
    with pytest.raises(NameError) as raised:
        imported(found, monkeypatch).pool2d([1])
    last = raised.traceback[-1]
    assert str(last.path).endswith("cellule 3 de tp.ipynb") and last.lineno + 1 == 4


def test_what_is_absent_is_named_from_the_hand_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    causes = Causes()
    causes.note(tmp_path / "data" / "fashion", "ligne 51 de import_data.py")
    assert causes.told == ["absent ici : data/fashion, ligne 51 de import_data.py"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 3}', '{"cells": [4]}', "\x00\xff"])
def test_a_bad_notebook_is_said_in_one_sentence(tmp_path, content):
    path = tmp_path / "tp.ipynb"
    path.write_text(content)
    with pytest.raises(FileNotFoundError, match="n'est pas un notebook lisible"):
        handin.collect(path, tmp_path / "copie", one=True)


GUARDED = """\
import keras
if __name__ == "__main__":
    model = build()

    model.fit(x, y, epochs=5,Noisre
              verbose=0)
    model.evaluate(x, y)
"""


def test_a_fault_in_the_main_block_costs_its_instruction_and_not_the_block(tmp_path):
    (tmp_path / "tp.py").write_text(GUARDED, encoding="utf-8")
    source = notebooks.read(tmp_path / "tp.py")
    assert "model = build()" in source.text and "model.evaluate(x, y)" in source.text
    assert "model.fit" not in source.text and "raise SyntaxError" in source.text
    assert [each.line for each in source.wrong] == [5]


@pytest.mark.parametrize(("name", "language"), [("ir", "R"), ("julia-1.6", "julia")])
def test_a_notebook_of_another_language_is_said_in_one_sentence(tmp_path, name, language):
    path = tmp_path / "tp.ipynb"
    made = new_notebook(cells=[new_code_cell("x <- 3"), new_code_cell("y %>% f")])
    made.metadata.kernelspec = {"name": name, "language": language, "display_name": language}
    nbformat.write(made, path)
    with pytest.raises(FileNotFoundError, match=f"noter : tp.ipynb est un notebook en {language} "):
        handin.collect(path, tmp_path / "copie", one=True)


def test_several_faults_of_syntax_are_one_remark_that_names_what_is_lost(converted):
    found = converted("a = = 1", POOL, "def relu(x):\n    return x +", "<<<<<<< HEAD", "a = 2")
    assert found.remarks == (
        "cellule 2 de tp.ipynb, ligne 1, et à 2 autres endroits : erreur de syntaxe, "
        "qui coûte relu",
    )


def test_text_in_quotes_before_a_fault_of_syntax_is_not_one(converted):
    found = converted('"""\nUn titre, sur\nplusieurs lignes.\n"""\n' + POOL + "\nb = = 1")
    assert found.remarks == ("cellule 2 de tp.ipynb, ligne 7 : erreur de syntaxe, qui coûte b",)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def pool2d(): 1\nif a:\n    pass\n" + "elif a:\n    pass\n" * 700, ""),
        ("!x\n" * 4000, "aucun exercice"),
        ("def pool2d(): 1\n" + "\n".join(f"a{k} = f(a{k + 1})" for k in range(4000)), ""),
        ("x = 1\n" * 100_000, "demi-million"),
        ("(" * 5000, "syntaxe"),
    ],
)
def test_a_file_made_to_be_slow_is_not(tmp_path, source, said):
    (tmp_path / "lent.py").write_text(source)
    (tmp_path / "bon.py").write_text("def pool2d(): 1\n")
    found = handin.collect(tmp_path, tmp_path / "copie")
    assert "bon" in {each.name for each in found.submissions}
    assert said in found.ungraded.get("lent", "")


@pytest.mark.ci
def test_modules_of_one_notebook_may_import_each_other(converted, tmp_path):
    found = converted(
        "from exercises.ex00_convolution import geometry, pooling as pool\n\n"
        "def pool2d(x):\n    return geometry.output_size(x)",
        "def output_size(x):\n    return x + 1\n\nTABLE = {'max': pool.pool2d}",
        "def build_lenet(side=32):\n    return 1",  # ex00 en construit un aussi
    )
    assert found.modules == {"ex00_convolution.geometry", "ex00_convolution.pooling"}
    (tmp_path / "enfant").mkdir()
    staging.stage(tmp_path / "enfant", found)
    for first, second in (("geometry", "pooling"), ("pooling", "geometry")):
        code = (
            f"from exercises.ex00_convolution import {first}, {second}; "
            f"print({first}.TABLE['max'](1), 'pool2d' in vars({second}))"
        )
        answer = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path / "enfant", capture_output=True, text=True
        )
        assert (answer.stdout, answer.stderr) == ("2 True\n", "")
