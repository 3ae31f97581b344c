"""Les rendus tels qu'ils arrivent : classe ou élève, zips, export de Moodle, noms quelconques."""

import json
import os
import zipfile

import pytest

from grading.reading import archives, folders, handin, submission
from tests.grading.school import packed

POOLING = "def pool2d(image, size):\n    return image\n\n\ndef relu(values):\n    return values\n"
NETWORK = "from keras.datasets import cifar10\n\n\ndef build_model():\n    return cifar10\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "rendus").mkdir()
    return tmp_path / "rendus"


@pytest.fixture
def collect(tmp_path):
    """collect(chemin, options) -> ce qui en est prêt à noter."""
    return lambda path, **options: handin.collect(path, tmp_path / "copie", **options)


def write(path, content):
    """Écrit un texte, ou un zip si on donne un dictionnaire ; rend le chemin."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed(content) if isinstance(content, dict) else content.encode())
    return path


def modules(found):
    return {each.name: set(each.modules) for each in found.submissions}


# --- Un élève ou une classe ----------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "several"),
    [
        (["dupont/ex00_convolution/pooling.py", "martin/pooling.py"], True),
        (["dupont/tp.py", "martin/tp.py", "ex02_fashion.py"], True),  # un .py égaré
        (["dupont/tp.py"], True),
        (["dupont.zip", "martin.zip"], True),
        (["dupont.zip", "martin/tp.py"], True),
        (["dupont.py", "martin.py"], True),  # deux fois le même exercice
        (["tp.py"], False),
        (["ex02_fashion.py", "outils/aide.py", "autre/aide.py"], False),
        (["exercises/ex02_fashion.py", "cluster/tp.py", "recipes/tp.py"], False),
        (["ex00_convolution/pooling.py", "ex02_fashion.py"], False),
        (["Durand Zoé_12_assignsubmission_file_tp.py"], True),
    ],
)
def test_one_hand_in_or_a_class(folder, files, several):
    for name in files:
        content = "AIDE = 1\n" if "aide" in name else POOLING
        write(folder / name, {"pooling.py": POOLING} if name.endswith(".zip") else content)
    assert handin.is_class(folder) is several


def test_the_course_given_beside_a_sheet_is_not_handed_in(folder, collect):
    """`python -m grading DOSSIER --watch`, sur le dossier d'un énoncé."""
    write(folder / "ex00.py", POOLING)
    write(folder / "cours/grading/sealed.zip", {})
    write(folder / "cours/exercises/ex03_cifar10.py", NETWORK)
    write(folder / "cours/models/ex00_x.keras", "poids")
    found = collect(folder, one=True).submissions[0]
    kept = sorted(each.name for each in found.root.rglob("*") if each.is_file())
    assert "ex03_cifar10.py" not in kept and "ex00_x.keras" in kept


@pytest.mark.parametrize(
    ("members", "several"),
    [
        ({"TP CNN/pooling.py": POOLING, "TP CNN/aide.py": ""}, False),
        ({"r/dupont/pooling.py": POOLING, "r/martin.zip": {"a.py": ""}}, True),
        ({"Zoé Le Gall_7_assignsubmission_file_/tp.py": POOLING}, True),
    ],
)
def test_a_zip_of_one_or_of_several(folder, members, several):
    assert handin.is_class(write(folder / "x.zip", members)) is several


def test_nobody_disappears(folder, collect):
    names = ("pooling.py", "dupont/ex00_convolution/pooling.py", "_roy/pooling.py")
    others = ("durand.docx", "dupont.pdf", "notes.csv", ".cache.pdf", "__MACOSX/a.py")
    for name in (*names, *others):
        write(folder / name, POOLING)
    write(folder / "martin.zip", {"TP/pooling.py": POOLING})
    write(folder / "petit.zip", {"lisez-moi.txt": "rien"})
    write(folder / "vide/.DS_Store", "")
    (folder / "lien").symlink_to(folder / "dupont")
    found = collect(folder)
    assert modules(found) == dict.fromkeys(
        ["_roy", "dupont", "martin", "pooling"], {"ex00_convolution.pooling"}
    )
    assert found.empty == {"vide": "aucun fichier à lire"}
    assert found.ungraded == {
        "petit": "aucun exercice reconnu",
        "durand": "durand.docx n'est ni un .py, ni un .ipynb, ni un .zip",
        "lien": "un lien n'est pas suivi : rendez le dossier lui-même",
    }


def test_a_whole_moodle_export(tmp_path, collect):
    name = "_assignsubmission_file_"
    export = {
        f"Le Gall Zoé_101{name}/tp CNN été.py": POOLING,
        f"Martin Paul_102{name}/rendu.zip": {"rendu/sources/a.py": POOLING},
        f"Martin Paul_103{name}/": "",
        f"Petit Léa_104{name}pooling.py": POOLING,
        "Durand Éva_105_assignsubmission_onlinetext_/onlinetext.html": "<p>oubli</p>",
        f"Roy Max_106{name}/tp.rar": "Rar!",
    }
    found = collect(write(tmp_path / "Cours-TP 1-42.zip", export))
    assert modules(found) == dict.fromkeys(
        ["Le Gall Zoé", "Martin Paul (102)", "Petit Léa"], {"ex00_convolution.pooling"}
    )
    assert "la correction ne lit que .py" in found.ungraded["Roy Max"]
    assert {"Martin Paul (103)", "Durand Éva"} == {*found.empty}


# --- Ce qui est refusé, en une phrase ------------------------------------------------

BAD = {
    "abime": (b"PK\x03\x04 pas un zip", "n'est pas un zip lisible"),
    "vide": (b"", "n'est pas un zip lisible"),
    "absolu": ({"/tmp/ex02_fashion.py": POOLING}, "sort de son dossier"),
    "remonte": ({"tp/../../pooling.py": POOLING}, "sort de son dossier"),
    "windows": ({"C:\\tp\\pooling.py": POOLING}, "sort de son dossier"),
    "antislash": ({"..\\pooling.py": POOLING}, "sort de son dossier"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_zip_costs_nobody_else_a_mark(folder, tmp_path, collect, kind):
    content, message = BAD[kind]
    write(folder / "martin/pooling.py", POOLING)
    path = folder / "dupont.zip"
    path.write_bytes(packed(content) if isinstance(content, dict) else content)
    found = collect(folder)
    assert modules(found) == {"martin": {"ex00_convolution.pooling"}}
    assert message in found.ungraded["dupont"] and "\n" not in found.ungraded["dupont"]
    assert {each.name for each in tmp_path.iterdir()} == {"rendus", "copie"}  # rien au-dehors


def test_a_zip_bomb_is_not_opened(folder, tmp_path, collect, monkeypatch):
    monkeypatch.setattr(archives, "MAX_OPENED_BYTES", 2**20)
    write(folder / "martin/pooling.py", POOLING)
    write(folder / "dupont.zip", {f"{k}.keras": bytes(2**19) for k in range(4)})
    found = collect(folder)
    assert "une fois ouvert" in found.ungraded["dupont"] and "martin" in modules(found)
    assert not [each for each in (tmp_path / "copie").rglob("*") if each.suffix == ".keras"]


def nested(place, num):
    """Emboîte des dossiers, plus bas qu'un chemin ne peut aller."""
    here = os.getcwd()
    try:
        os.chdir(place)
        for _ in range(num):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(here)


def test_a_full_folder_in_the_zip_of_a_class_costs_nobody_else_a_mark(
    tmp_path, collect, monkeypatch
):
    monkeypatch.setattr(archives, "MAX_OF_ONE", 150)
    monkeypatch.setattr(folders, "MAX_FOLDERS", 100)
    members = {"dupont/a.py": POOLING, **{f"dupont/vide{k}/": "" for k in range(300)}}
    found = collect(write(tmp_path / "tp.zip", {**members, "martin/pooling.py": POOLING}))
    assert set(modules(found)) == {"dupont", "martin"}
    assert "plus de 100 dossiers" in "".join(found.submissions[0].remarks)


@pytest.mark.ci
def test_too_many_folders_cost_nobody_else_a_mark(folder, collect, monkeypatch):
    """Emboîtés ou vides : le fichier d'à côté est noté, et ce qui n'est pas lu est dit."""
    monkeypatch.setattr(folders, "MAX_FOLDERS", 60)
    for name in ("dupont", "martin", "petit"):
        write(folder / name / "pooling.py", POOLING)
    for k in range(100):
        (folder / f"petit/vide{k}").mkdir()
    nested(folder / "dupont", 4000)
    deep = {"d/" * 1500 + "relu.py": POOLING, "pooling.py": POOLING}
    write(folder / "roy.zip", deep)
    try:
        found = collect(folder)
    finally:
        folders.remove(folder / "dupont")
    assert set(modules(found)) == {"dupont", "martin", "petit", "roy"}
    said = {each.name: "".join(each.remarks) for each in found.submissions}
    assert said["martin"] == "" and "plus de 60 dossiers" in said["petit"]
    assert "plus de 50 étages" in said["dupont"] and "plus de 50 étages" in said["roy"]
    assert not (folder / "dupont").exists()


@pytest.mark.parametrize("linked", ["models", "models/ex02_fashion.keras"])
def test_no_link_is_followed(folder, tmp_path, collect, linked):
    other = tmp_path / "ailleurs/ex02_fashion.keras"
    write(other, "les poids d'un autre")
    write(folder / "ex02_fashion.py", NETWORK)
    (folder / linked).parent.mkdir(exist_ok=True)
    (folder / linked).symlink_to(other.parent if linked == "models" else other)
    with zipfile.ZipFile(folder / "lien.zip", "w") as archive:
        link = zipfile.ZipInfo("ex03_cifar10.py")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("pooling.py", POOLING)
    found = collect(folder, one=True).submissions[0]
    assert found.modules == {"ex00_convolution.pooling", "ex02_fashion"}
    assert submission.weights(found, "ex02_fashion") is None


def test_accents_without_the_utf8_flag(folder, tmp_path, collect):
    path = write(folder / "macos.zip", {"été/pooling.py": POOLING, "a.txt": ""})
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        content[content.index(mark) + offset] &= ~8
    path.write_bytes(content)
    collect(path, one=True)
    assert [*(tmp_path / "copie").rglob("été/pooling.py")]


# --- Tout nom de fichier -------------------------------------------------------------


def test_any_file_name(folder, collect):
    write(folder / "Mon TP (final) éà.py", POOLING)
    write(folder / "sous dossier/réseau.py", NETWORK)
    found = collect(folder, one=True).submissions[0]
    assert found.modules == {"ex00_convolution.pooling", "ex03_cifar10"}
    assert found.name == "rendus" and found.root.is_dir()


def test_a_doubt_is_one_line_and_is_answered(folder, collect, tmp_path):
    write(folder / "tp.py", "def build_model():\n    return 1\n")
    write(folder / "pooling.py", POOLING)
    found = collect(folder, one=True).submissions[0]
    assert found.modules == {"ex00_convolution.pooling"}
    (doubt,) = [each for each in found.remarks if "--as" in each]
    assert "--as ex02=tp.py" in doubt and "\n" not in doubt
    answered = handin.collect(folder, tmp_path / "2", chosen=["ex02=tp.py"], one=True)
    assert answered.submissions[0].modules == {"ex00_convolution.pooling", "ex02_fashion"}


TRANSFER = {
    "keras": "from keras.applications import VGG16\nbase = VGG16(include_top=False)\n",
    "moteur": "from tensorflow import keras\nbase = keras.applications.xception.Xception()\n",
    "hub": "import tensorflow_hub as hub\nbase = hub.KerasLayer('https://adresse')\n",
    "cifar": "from keras.datasets import cifar10\nimport keras.applications\nbase = VGG16()\n",
}
HEAD = "model = Sequential([base, Dense(2)])\nmodel.compile('adam', 'mse')\nmodel.fit(x, y)\n"


@pytest.mark.parametrize("kind", TRANSFER)
def test_a_network_put_on_a_learned_base_is_recognised(folder, collect, kind):
    write(folder / "dupont/tp.py", TRANSFER[kind] + HEAD)
    write(folder / "martin/pooling.py", POOLING)
    wanted = {"ex05_inception.features", "ex05_inception.head"}
    assert modules(collect(folder))["dupont"] == wanted


def test_what_only_prepares_pixels_is_not_a_learned_base(folder, collect):
    pixels = "from keras.applications.imagenet_utils import preprocess_input\nbase = Dense(2)\n"
    write(folder / "dupont/tp.py", pixels + HEAD)
    write(folder / "martin/pooling.py", POOLING)
    assert "dupont" not in modules(collect(folder))


OWN = "model = Sequential([Conv2D(8, 3)])\nmodel.compile()\nmodel.fit(x, y)\n"
WITH_A_BASE = {  # un réseau à soi, et une base : ce que lisent l'un et l'autre
    "les mêmes images": ("from keras.datasets import cifar10\n", {"ex03_cifar10"}),
    "les mêmes, d'un fichier": ("open('cifar10.npz')\n", {"ex03_cifar10"}),
    "un dossier": (
        "from keras.datasets import cifar10\nflow_from_directory('chats')\n",
        {"ex03_cifar10", "ex05_inception.features", "ex05_inception.head"},
    ),
}


@pytest.mark.parametrize("kind", WITH_A_BASE)
def test_a_base_beside_a_network_is_of_ex05_if_it_reads_other_images(folder, collect, kind):
    data, wanted = WITH_A_BASE[kind]
    write(folder / "tp.py", data + OWN + TRANSFER["keras"] + HEAD)
    assert set(collect(folder, one=True).submissions[0].modules) == wanted


BUILT = "from keras import Sequential\ndef cnn(x):\n    return Sequential()\n"
BESIDE = {  # des fichiers dont aucun, seul, ne dit l'exercice
    "variable": (
        {"tp.py": BUILT + "mnist = keras.datasets.fashion_mnist\nmnist.load_data()\n"},
        "ex02_fashion",
    ),
    "lu à côté": (
        {"reseau.py": BUILT, "main.py": "from keras.datasets import cifar10\nimport reseau\n"},
        "ex03_cifar10",
    ),
    "nom de fichier": (
        {"reseau.py": BUILT, "config.py": "TRAIN = 'donnees/fashion-mnist_train.csv'\n"},
        "ex02_fashion",
    ),
    "classe": (
        {"tp.py": "from keras.datasets import mnist\nclass LeNet(keras.Model):\n    pass\n"},
        "ex04_lenet",
    ),
    "base parmi d'autres": (
        {
            "main.py": "from keras.datasets import cifar10\nimport reseau, base\n",
            "reseau.py": BUILT,
            "base.py": TRANSFER["keras"],
        },
        "ex03_cifar10",
    ),
}


@pytest.mark.parametrize("kind", BESIDE)
def test_the_data_read_by_the_whole_hand_in_settle_a_doubt(folder, collect, kind):
    files, module = BESIDE[kind]
    for name, text in files.items():
        write(folder / name, text)
    found = collect(folder, one=True).submissions[0]
    assert found.modules == {module} and not found.remarks


EMPTY = "def pool2d(image, size):\n    raise NotImplementedError('À vous : pool2d')\n"


@pytest.mark.parametrize("filled", ["ex00.py", "ex00.ipynb"])
def test_of_the_two_files_of_a_statement_the_one_that_is_filled_is_graded(folder, collect, filled):
    for name in ("ex00.py", "ex00.ipynb"):
        text = POOLING if name == filled else EMPTY
        cells = {"cells": [{"cell_type": "code", "source": text}]}
        write(folder / name, text if name.endswith(".py") else json.dumps(cells))
    found = collect(folder, one=True).submissions[0]
    kept = found.root / "ex00_convolution/pooling.py"
    assert f"Fait de {filled} " in kept.read_text(encoding="utf-8")


def test_what_was_not_read_is_named_when_nothing_is_recognised(folder, collect):
    write(folder / "dupont/python", BUILT)
    write(folder / "dupont/app.py", "print('bonjour')\n")
    write(folder / "martin/pooling.py", POOLING)
    said = collect(folder).ungraded["dupont"]
    assert said.startswith("app.py n'est noté pour aucun exercice")
    assert said.endswith("pas lus, faute de finir par .py ou .ipynb : python")


def test_a_notebook_without_code_is_not_a_program_that_fails(folder, collect):
    write(folder / "dupont/tp.ipynb", '{"cells": [{"cell_type": "markdown", "source": "rien"}]}')
    write(folder / "martin/pooling.py", POOLING)
    for asked in ("", "ex02"):
        found = handin.collect(folder, folder.parent / f"lu{asked}", asked=asked)
        assert found.ungraded == {"dupont": "tp.ipynb n'a aucune cellule de code"}


def test_another_library_is_said_at_once_and_is_not_a_zero(folder, collect):
    write(folder / "dupont/tp.py", "import torch\nfrom torch import nn\nnet = nn.Conv2d(1, 8, 3)\n")
    write(folder / "martin/pooling.py", POOLING)
    found = collect(folder)
    assert found.ungraded == {
        "dupont": "tp.py est écrit avec PyTorch : le cours demande TensorFlow et Keras"
    }
    assert not found.empty


def test_a_module_of_python_2_can_be_imported(folder, collect):
    write(folder / "dupont/reseau.py", "import keras\nprint 'appris %d' % 3\n")
    write(folder / "dupont/pooling.py", POOLING)
    home = collect(folder).submissions[0].root
    assert "print('appris %d' % 3)" in (home / "reseau.py").read_text(encoding="utf-8")


FILTERED = "import tensorflow as tf\nk = [[1, 0, -1]]\ntf.nn.conv2d([], k, 1, 'SAME')\n"
WRAPPED = "import tensorflow as tf\ndef conv2d(x, w):\n    return tf.nn.conv2d(x, w, 1, 'SAME')\n"
TAUGHT = "import tensorflow as tf\nfrom model import conv2d\ntf.train.AdamOptimizer().minimize(0)\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"horizontal.py": FILTERED, "vertical.py": FILTERED}, {"ex01_filters"}),
        (
            {"model.py": WRAPPED, "main.py": TAUGHT.replace("minimize", "get_name")},
            {"ex01_filters"},
        ),
        ({"model.py": WRAPPED, "train.py": TAUGHT}, None),  # les filtres d'un réseau
    ],
)
def test_a_program_that_filters_without_learning_is_of_the_first_exercise(
    folder, collect, files, expected
):
    for name, text in files.items():
        write(folder / "dupont" / name, text)
    write(folder / "martin/pooling.py", POOLING)
    found = collect(folder)
    assert modules(found).get("dupont") == expected
    assert not expected or not found.submissions[0].remarks  # aucun des deux n'est laissé


def test_the_teacher_is_taken_at_their_word(folder, collect):
    write(folder / "filtre.py", "def convolution(image, noyau):\n    return image\n")
    found = collect(folder, asked="ex01", one=True).submissions[0]
    assert found.modules == {"ex01_filters"}
    assert "filtre.py" in found.remarks[0] and "as_filters" in found.remarks[0]


@pytest.mark.parametrize("choice", ["ex02", "ex99=tp.py", "=tp.py", "ex02=absent.py"])
def test_a_choice_that_means_nothing_is_said(folder, collect, choice):
    write(folder / "tp.py", POOLING)
    with pytest.raises((ValueError, FileNotFoundError), match="--as"):
        collect(folder, chosen=[choice], one=True)
