"""Les erreurs des documents : un test par ligne de `docs/errata.md`, qui prouve les deux côtés.

Chaque test calcule ce que le document écrit (`printed`) et ce qui est juste (`right`), et
échoue si le premier se vérifie ou si le second ne se vérifie pas.
"""

import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import scipy.signal

from exercises.ex00_convolution import x_or_o
from exercises.ex00_convolution.examples import EDGE_IMAGE, read_examples
from exercises.ex00_convolution.geometry import output_size, receptive_field
from exercises.ex00_convolution.operations import EDGE_KERNEL, SIGNAL, SIGNAL_KERNEL, conv1d, conv2d
from exercises.ex00_convolution.pooling import pool2d, relu

PAGE = Path(__file__).resolve().parents[3] / "docs" / "errata.md"
X = x_or_o.read_picture(x_or_o.X)
FIRST = x_or_o.read_picture(x_or_o.FILTERS[0])


def rows():
    """Les lignes du tableau : numéro, document, écrit, juste, nom du test."""
    table = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if re.match(r"\d", cells[0]):
            table.append(cells)
    return table


def test_each_row_has_its_test_and_each_test_its_row():
    named = [re.fullmatch(r"`(test_e\d+_\w+)`", row[-1])[1] for row in rows()]
    here = [name for name in globals() if re.match(r"test_e\d", name)]
    assert named == here
    for row, name in zip(rows(), named, strict=True):
        marks = [m for m in globals()[name].pytestmark if m.name == "question"]
        assert marks[0].args[0][:2] == row[1][:2], row  # même document
        assert row[0] == re.match(r"test_e(\d+)", name)[1] and len(row) == 5
        assert len(row[2]) > 15 and len(row[3]) > 15


@pytest.mark.question("S0 Opération de Convolution")
def test_e1_the_products_have_the_size_of_the_filter():
    products = X[3:6, 3:6] * FIRST
    printed, right = X.shape, FIRST.shape
    assert products.shape == right == (3, 3)
    assert products.shape != printed


@pytest.mark.question("S0 Convolution – Padding - Stride")
def test_e2_the_step_is_the_stride_not_the_padding():
    starts = [output_size(9, 3, stride=stride) for stride in (1, 2, 3)]
    assert starts == [7, 4, 3]  # le pas change le nombre de positions
    padded = conv2d(X, FIRST, padding=1)  # « padding = 1 » ajoute un bord, et ne change pas le pas
    assert padded.shape == (9, 9)
    np.testing.assert_array_equal(padded[1:-1, 1:-1], conv2d(X, FIRST, stride=1))


@pytest.mark.question("S0 Couche de Convolution")
def test_e3_the_x_has_nine_rows():
    printed = np.delete(X, 4, axis=0)  # la diapositive a perdu la ligne du milieu
    assert printed.shape == (8, 9) and conv2d(printed, FIRST).shape == (6, 7)
    expected = read_examples()["N6"]["attendu"]["neuvièmes"][0]
    assert conv2d(X, FIRST).tolist() == expected and np.shape(expected) == (7, 7)


@pytest.mark.question("S0 Couche de Pooling")
def test_e4_the_pooling_inputs_are_55_where_33_is_printed():
    maps = x_or_o.chain(X).maps * 9
    outputs = read_examples()["N8"]["attendu"]["neuvièmes"]
    changed = []
    for each, output in zip(maps, outputs, strict=True):
        printed = np.where(abs(each) == 5, 3 * np.sign(each), each)  # ±.55 imprimé ±.33
        changed.append(int((printed != each).sum()))
        assert pool2d(relu(each), padding="same").tolist() == output
        assert pool2d(relu(printed), padding="same").tolist() != output
    assert changed == [5, 24, 5]


@pytest.mark.question("S1 Features de haut niveau et bas niveau")
def test_e5_the_first_layers_see_small_patterns():
    fields = receptive_field([(5, 1), (2, 2), (5, 1), (2, 2)])
    assert fields[0] == 5 and fields == sorted(fields)  # la première couche voit le moins
    image = np.zeros((16, 16))
    moved = image.copy()
    moved[15, 15] = 1  # un pixel loin du coin
    kernel = np.ones((5, 5))

    def layers(picture):
        first = conv2d(picture, kernel)
        last = pool2d(conv2d(pool2d(first), kernel))
        return first[0, 0], last[0, 0]

    (first, last), (first_moved, last_moved) = layers(image), layers(moved)
    assert first == first_moved  # la première couche ne peut pas voir un corps entier
    assert last != last_moved  # la dernière, si


@pytest.mark.question("S1 RELU")
def test_e6_relu_does_not_bound_positive_values():
    assert relu([1e30, -1e30]).tolist() == [1e30, 0]
    value = np.ones(1)
    for _ in range(100):
        value = relu(2 * value)
    assert value[0] == 2.0**100  # l'explosion n'est pas empêchée
    assert np.tanh(value)[0] <= 1  # une fonction bornée, elle, l'empêche


@pytest.mark.question("S1 Convolution")
def test_e7_the_formula_flips_the_kernel_and_the_steps_do_not():
    import tensorflow as tf

    signal, kernel = np.array(SIGNAL, float), np.array(SIGNAL_KERNEL, float)
    # La formule : Σ f(n − m) g(m), pour les n où tout existe.
    formula = [sum(signal[n - m] * kernel[m] for m in range(2)) for n in range(1, 5)]
    steps = [sum(signal[t : t + 2] * kernel) for t in range(4)]  # multiplier, additionner, décaler
    assert formula == [2, 6, 16, 17] and steps == [3, 4, 14, 18]
    theirs = tf.nn.conv1d(signal[None, :, None], kernel[:, None, None], 1, "VALID")[0, :, 0]
    assert theirs.numpy().tolist() == steps != formula
    assert conv1d(SIGNAL, SIGNAL_KERNEL, flip=True).tolist() == formula


@pytest.mark.question("S1 Pooling")
def test_e8_pooling_keeps_where_things_are():
    image = np.zeros((8, 8), int)
    near, far = image.copy(), image.copy()
    image[0, 0], near[1, 1], far[6, 6] = 1, 1, 1
    assert pool2d(image).tolist() == pool2d(near).tolist()  # un pas dans la fenêtre : rien
    assert pool2d(image).tolist() != pool2d(far).tolist()  # plus loin : la carte le dit
    assert np.argwhere(pool2d(far)).tolist() == [[3, 3]]


@pytest.mark.question("S1 Pooling")
def test_e9_a_quarter_of_the_pixels_for_even_sides_only():
    for side in (6, 7, 8, 9):
        kept = Fraction(pool2d(np.zeros((side, side)), padding="same").size, side**2)
        assert (kept == Fraction(1, 4)) == (side % 2 == 0)
    assert x_or_o.chain(X).pooled[0].size / x_or_o.chain(X).maps[0].size == 16 / 49


@pytest.mark.question("S2 §1.3")
def test_e10_lenet_averaged_and_measured_distances():
    window = np.array([[1, 2], [3, 6]])
    coefficient, bias = 0.5, 1.0  # appris, un de chaque par carte, en 1998
    subsampling = coefficient * pool2d(window, mode="sum")[0, 0] + bias
    assert subsampling == 7 != pool2d(window)[0, 0]
    # C1, S2, C3 et sa table de connexions, S4, C5, F6 : 60 000 en 1998, 61 706 aujourd'hui.
    then = 156 + 2 * 6 + (6 * (3 * 25 + 1) + 9 * (4 * 25 + 1) + (6 * 25 + 1)) + 2 * 16 + 48120
    assert then + 10164 == 60000 != 156 + 2416 + 48120 + 10164 + 850
    # Sortie gaussienne : la classe est la plus petite distance ; un softmax prend la plus grande.
    features, codes = np.array([1.0, -1.0]), np.array([[1.0, -1.0], [-1.0, 1.0]])
    distances = ((features - codes) ** 2).sum(axis=1)
    softmax = np.exp(distances) / np.exp(distances).sum()
    assert distances.argmin() == 0 and softmax.argmax() == 1
    assert distances.sum() != 1 and softmax.sum() == pytest.approx(1)


@pytest.mark.question("S2 TD 2")
@pytest.mark.skipif(shutil.which("cp") is None, reason="commande Unix")
def test_e11_cp_copies_and_makes_no_link(tmp_path):
    models, target = tmp_path / "models", tmp_path / "keras"
    models.mkdir()
    (models / "weights.h5").write_text("poids")
    printed = subprocess.run(["cp", models, target], capture_output=True)
    assert printed.returncode != 0 and not target.exists()  # un dossier, sans -r : rien
    subprocess.run(["cp", "-r", models, target], check=True)
    assert target.is_dir() and not target.is_symlink()
    (models / "weights.h5").write_text("autres poids")
    assert (target / "weights.h5").read_text() == "poids"  # une copie ne suit pas
    link = tmp_path / "link"
    subprocess.run(["ln", "-s", models, link], check=True)
    assert link.is_symlink() and (link / "weights.h5").read_text() == "autres poids"


@pytest.mark.question("S2 TD 2")
def test_e12_the_last_incomplete_batch_is_forgotten():
    for samples, printed, right in ((63, 0, 1), (64, 1, 1), (100, 1, 2), (177, 2, 3)):
        assert samples // 64 == printed
        assert -(-samples // 64) == len(range(0, samples, 64)) == right
    import keras

    class Count(keras.callbacks.Callback):
        num_batches = 0

        def on_train_batch_end(self, batch, logs=None):
            self.num_batches += 1

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    # Keras 3 lit 0 comme « non précisé » : 63 images font alors un lot, et non aucun.
    for samples, steps, seen in ((100, 100 // 64, 1), (100, None, 2), (63, 63 // 64, 1)):
        count, x = Count(), np.zeros((samples, 1))
        model.fit(x, x, batch_size=64, steps_per_epoch=steps, verbose=0, callbacks=[count])
        assert count.num_batches == seen


@pytest.mark.question("S2 TD 2")
def test_e13_the_second_generator_does_not_compile():
    with pytest.raises(SyntaxError):
        compile("read('images', target size=(150, 150))", "énoncé", "eval")
    compile("read('images', target_size=(150, 150))", "corrigé", "eval")
    with pytest.raises(NameError, match="preprocess_input"):
        exec("make(preprocessing_function=preprocess_input)", {"make": dict})
    from keras.applications.inception_v3 import preprocess_input

    made = {"make": dict, "preprocess_input": preprocess_input}
    exec("made = make(preprocessing_function=preprocess_input)", made)
    assert made["made"]["preprocessing_function"](np.array([[[0.0, 255.0, 127.5]]])).tolist() == [
        [[-1, 1, 0]]
    ]


@pytest.mark.question("S3 Input/Output dimensions")
def test_e14_the_output_size_needs_a_floor_and_the_dilation():
    def printed(size, kernel, padding, stride):
        return Fraction(size - kernel + 2 * padding, stride) + 1

    assert printed(224, 11, 0, 4) == Fraction("54.25")  # pas un nombre de cases
    assert printed(7, 3, 0, 1) == 5  # la dilatation n'y est pas
    for size, kernel, stride, dilation, right in ((224, 11, 4, 1, 54), (7, 3, 1, 2, 3)):
        seen = [at for at in range(0, size, stride) if at + dilation * (kernel - 1) < size]
        assert output_size(size, kernel, stride=stride, dilation=dilation) == len(seen) == right


@pytest.mark.question("S4 Convolutions et Réseaux de neurones")
def test_e15_the_formula_correlates_and_the_code_convolves():
    rows, columns = EDGE_IMAGE.shape
    padded = np.pad(EDGE_IMAGE, 1)
    formula = np.array(
        [
            [
                sum(
                    padded[i + 1 + x, j + 1 + y] * EDGE_KERNEL[x + 1][y + 1]
                    for x in (-1, 0, 1)
                    for y in (-1, 0, 1)
                )
                for j in range(columns)
            ]
            for i in range(rows)
        ]
    )
    code = scipy.signal.convolve2d(EDGE_IMAGE, EDGE_KERNEL, mode="same")
    np.testing.assert_array_equal(formula, conv2d(EDGE_IMAGE, EDGE_KERNEL, padding="same"))
    np.testing.assert_array_equal(code, conv2d(EDGE_IMAGE, EDGE_KERNEL, padding="same", flip=True))
    assert formula.tolist() == (-code).tolist() != code.tolist()
    np.testing.assert_array_equal(abs(formula), abs(code))  # la valeur absolue le cache


@pytest.mark.question("S0 BasicCNNModel")
def test_e16_sizes_are_fixed_when_the_layer_is_built():
    import keras

    layer = keras.layers.Dense(1000)
    layer.build((None, 100))
    layer.units = 10  # trop tard : les poids existent
    assert layer.kernel.shape == (100, 1000)
    assert np.asarray(layer(np.zeros((1, 100), np.float32))).shape == (1, 1000)
    # Mille sorties pour une grille 10×10 de dix classes : dix par case doivent faire 1.
    scores = np.random.default_rng(0).normal(size=(10, 10, 10))
    everywhere = np.exp(scores) / np.exp(scores).sum()
    per_cell = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    assert everywhere.sum() == pytest.approx(1)
    assert everywhere.sum(axis=-1).max() < 0.5  # aucune case n'a de probabilités
    np.testing.assert_allclose(per_cell.sum(axis=-1), 1)


@pytest.mark.question("S4 Deep Dream")
def test_e17_the_gradient_is_that_of_the_activations():
    import tensorflow as tf

    image = tf.random.stateless_normal((1, 6, 6, 3), (0, 0))
    kernel = tf.random.stateless_normal((3, 3, 3, 4), (0, 1))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(image)
        activations = tf.nn.relu(tf.nn.conv2d(image, kernel, 1, "SAME"))
        response = tf.reduce_mean(activations**2)
    printed, right = tape.gradient(image, activations), tape.gradient(response, image)
    assert printed is None  # l'image ne dépend pas de ce qu'elle fait répondre
    assert right.shape == image.shape
    stronger = tf.nn.relu(tf.nn.conv2d(image + 0.1 * right, kernel, 1, "SAME"))
    assert tf.reduce_mean(stronger**2) > response


@pytest.mark.question("S4 Convolutions et Réseaux de neurones")
def test_e18_the_image_is_opened_without_its_import(tmp_path):
    from PIL import Image

    Image.new("RGB", (3, 2), "red").save(tmp_path / "file.png")
    code, path = "image = np.array(Image.open(path).convert('L'))", tmp_path / "file.png"
    with pytest.raises(NameError, match="Image"):
        exec(code, {"np": np, "path": path})
    found = {"np": np, "path": path, "Image": Image}
    exec(code, found)
    assert found["image"].shape == (2, 3)
