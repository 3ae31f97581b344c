"""Un réseau appris ailleurs, donné à `./predict` : chaque sorte répond comme lui-même."""

import json
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from convnets.serving import command

pytestmark = pytest.mark.ci

CLASSES = ["chat", "chien", "cerf"]


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """networks(nom) : un réseau, fait s'il ne l'est pas ; ils diffèrent en tout."""
    folder = tmp_path_factory.mktemp("ailleurs")

    def find(name):
        if not (folder / name).exists():
            write_network(folder / name)
        return folder / name

    return find


def write_network(path):
    """Écrit le réseau que dit le nom du fichier."""
    import keras
    from keras import layers

    from convnets.training.export import export_litert

    keras.utils.set_random_seed(3)

    def build(shape, *head, first=()):
        body = [layers.Conv2D(4, 3, activation="relu"), layers.GlobalMaxPooling2D()]
        return keras.Sequential([keras.Input(shape), *first, *body, *head])

    match path.name:
        case "seul.keras":
            softmax = layers.Dense(3, activation="softmax")
            build((40, 40, 3), softmax, first=[layers.Rescaling(1 / 255)]).save(path)
        case "scores.h5":
            build((40, 40, 3), layers.Dense(3)).save(path)
        case "gris.keras":
            build((32, 32, 1), layers.Dense(1, activation="sigmoid")).save(path)
        case "dossier":
            build((30, 60, 3), layers.Dense(3)).export(path, verbose=False)
        case "code.keras":
            layer = layers.Lambda(lambda x: x / 255)
            build((32, 32, 3), layers.Dense(3), first=[layer]).save(path)
        case "separes.keras":
            build((28, 28, 1), layers.Dense(3, activation="sigmoid")).save(path)
        case "separes.tflite":  # de somme quelconque
            model = build((28, 28, 1), layers.Dense(3, activation="sigmoid"))
            path.write_bytes(export_litert(model))
        case "deux.tflite":
            pair = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
            two = keras.Model(pair, layers.Dense(3)(layers.Flatten()(layers.add(pair))))
            path.write_bytes(export_litert(two))
        case "flex.tflite":
            path.write_bytes(_with_an_operation_of_tensorflow())
        case "bombe.keras":
            with zipfile.ZipFile(path, "w") as target:
                build((40, 40, 3), layers.Dense(3)).save(path.with_name("petit.keras"))
                with zipfile.ZipFile(path.with_name("petit.keras")) as source:
                    for name in source.namelist():
                        content = source.read(name).replace(b'"units": 3', b'"units": 1000000000')
                        target.writestr(name, content)


def _with_an_operation_of_tensorflow():
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3])])
    def determinants(x):
        return tf.linalg.det(tf.transpose(x, (0, 3, 1, 2)))

    convert = tf.lite.TFLiteConverter.from_concrete_functions
    converter = convert([determinants.get_concrete_function()], determinants)
    ops = tf.lite.OpsSet
    converter.target_spec.supported_ops = [ops.TFLITE_BUILTINS, ops.SELECT_TF_OPS]
    return converter.convert()


@pytest.fixture
def answer(networks, tmp_path, capfd):
    """answer(nom, options…) -> (code, ce qui est dit, la réponse en JSON)."""
    pixels = np.random.default_rng(1).integers(0, 256, (40, 40, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")

    def run(name, *options):
        path = str(tmp_path / "a.png")
        code = command.main(
            ["--json", "--top", "3", "--model", str(networks(name)), *options, path]
        )
        told = capfd.readouterr()
        return code, told.err, json.loads(told.out) if told.out else None

    return run


@pytest.mark.parametrize(
    ("name", "scale", "factor"),
    [
        ("seul.keras", (), 1),
        pytest.param("scores.h5", ("--scale", "0-1"), 255, marks=pytest.mark.slow),
    ],
)
def test_it_answers_as_the_network_itself(networks, answer, tmp_path, name, scale, factor):
    import keras

    code, _, found = answer(name, "--classes", ",".join(CLASSES), *scale)
    model = keras.models.load_model(networks(name), compile=False)
    image = np.asarray(Image.open(tmp_path / "a.png"), np.float32)[None] / factor
    (expected,) = np.asarray(model(image))
    if name == "scores.h5":
        expected = np.exp(expected) / np.exp(expected).sum()
    order = np.argsort(-expected)
    assert code == 0 and [each["class"] for each in found["top"]] == [CLASSES[k] for k in order]
    probabilities = [each["probability"] for each in found["top"]]
    np.testing.assert_allclose(probabilities, expected[order], atol=1e-3)
    code, told, again = answer(name)  # une fois pour toutes
    assert (code, again) == (0, found) and "Conversion" not in told


@pytest.mark.parametrize(
    ("name", "classes", "options"),
    [
        ("gris.keras", "non,oui", ("--scale=-1-1", "--ground", "any")),
        ("dossier", "a,b,c", ("--scale", "0-1")),
        ("separes.tflite", "a,b,c", ("--scale", "0-1", "--ground=dark")),
    ],
)
@pytest.mark.slow
def test_other_kinds_of_networks_answer(networks, answer, tmp_path, name, classes, options):
    code, _, found = answer(name, "--classes", classes, *options)
    assert code == 0 and sum(each["probability"] for each in found["top"]) == pytest.approx(1)
    figure = tmp_path / "carte.png"
    assert answer(name, "--explain", str(figure))[0] == 0 and figure.stat().st_size > 10_000
    first = found["top"][0]["class"]  # les noms, donnés à nouveau, changent
    code, told, found = answer(name, "--classes", classes.replace(first, "autre"))
    assert (code, found["class"]) == (0, "autre") and "Conversion" not in told


@pytest.mark.slow
def test_a_network_learnt_again_is_converted_again(networks, answer):
    learnt = networks("seul.keras").with_name("appris.keras")
    shutil.copy(networks("seul.keras"), learnt)
    before = answer("appris.keras", "--classes", ",".join(CLASSES))[2]
    shutil.copy(networks("separes.keras"), learnt)
    code, told, _ = answer("appris.keras")
    assert code == 1 and "Conversion" in told and "--scale=0-1" in told  # celui-là ne la dit pas
    code, _, after = answer("appris.keras", "--scale", "0-1", "--ground", "any")
    assert code == 0 and after != before


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("gris.keras", (), "ajoutez --classes"),
        pytest.param(
            "seul.keras",
            ("--classes", "a,b"),
            "il a 3 classes, et --classes en nomme 2",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "scores.h5", ("--classes", "a,b,c"), "dites-le, ou choisissez", marks=pytest.mark.slow
        ),
        ("code.keras", ("--classes", "a,b,c"), "une couche Lambda, donc du code"),
        pytest.param(
            "gris.keras",
            ("--classes", "a,b", "--scale", "0-1"),
            "(--ground dark), clair",
            marks=pytest.mark.slow,
        ),
        ("bombe.keras", ("--classes", "a,b,c"), "annonce 1000000000 sorties"),
        ("deux.tflite", ("--classes", "a,b,c"), "il a 2 entrées"),
        ("flex.tflite", ("--classes", "a,b,c"), "l'opération FlexMatrixDeterminant"),
    ],
)
def test_what_it_lacks_is_said(networks, answer, name, options, told):
    for end in (".json", ".tflite"):
        networks(name).with_suffix(f".predict{end}").unlink(missing_ok=True)
    code, said, _ = answer(name, *options)
    assert code == 1 and told in said and "Traceback" not in said
