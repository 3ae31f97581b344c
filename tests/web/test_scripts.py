"""Le JavaScript qui calcule, comparé à Pillow, à l'exercice 00 et à LiteRT."""

import io

import numpy as np
import pytest
from PIL import ExifTags, Image

from convnets.core.images import crop_resize, open_image
from convnets.core.paths import MODELS_DIR
from convnets.serving.classifier import prepare
from convnets.serving.engine import Engine
from convnets.serving.images import misfit
from convnets.serving.router import MIN_MISFIT
from exercises.ex00_convolution import x_or_o
from exercises.ex00_convolution.operations import conv2d
from exercises.ex00_convolution.pooling import pool2d
from tests.web.node import needs_node, run_script
from web.examples import x_or_o_weights
from web.networks import open_weights, outlines

pytestmark = needs_node


def test_reducing_is_pillow_s():
    rng, cases, expected = np.random.default_rng(0), [], []
    for width, height in ((300, 200), (48, 130), (32, 32), (100, 77), (20, 31), (65, 64)):
        pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        for side, mode, zoom in ((32, "crop", 1.0), (48, "crop", 0.7), (32, "squash", 1.0)):
            cases.append([width, height, pixels.ravel().tolist(), side, mode, zoom])
            image = Image.fromarray(pixels)
            expected.append(crop_resize(image, side, mode=mode, zoom=zoom).ravel())
    found = run_script(
        "console.log(JSON.stringify(given.map(([width, height, pixels, side, mode, zoom]) =>"
        " Array.from(picture.square({width, height, pixels}, side, mode, zoom).pixels))));",
        cases,
    )
    for case, got, want in zip(cases, found, expected, strict=True):
        assert got == want.tolist(), case[:2] + case[3:]


def test_grey_is_pillow_s():
    pixels = np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    found = run_script(
        "console.log(JSON.stringify(Array.from(picture.toGrey({pixels: given}))));",
        pixels.ravel().tolist(),
    )
    assert found == np.asarray(Image.fromarray(pixels).convert("L")).ravel().tolist()


@pytest.mark.parametrize("ground", [30, 220])
def test_a_grey_square_is_light_on_dark_as_predict_makes_it(ground):
    pixels = np.full((28, 28, 3), ground, np.uint8)
    pixels[8:20, 8:20] = np.random.default_rng(4).integers(0, 256, (12, 12, 3))
    found = run_script(
        "const grey = picture.toGrey({pixels: given});"
        "console.log(JSON.stringify(Array.from(picture.lightOnDark(grey))));",
        pixels.ravel().tolist(),
    )
    expected = prepare(_encode(Image.fromarray(pixels)), (28, 28))
    assert abs(np.reshape(found, (28, 28)) - expected.astype(int)).max() <= 1


def test_a_webp_is_held_upright():
    pixels = np.random.default_rng(5).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    files = []
    for turn in range(1, 9):
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = turn
        files.append(_encode(Image.fromarray(pixels), format="WEBP", lossless=True, exif=exif))
    found = run_script(
        "const image = {width: 6, height: 4, pixels: Uint8Array.from(given.pixels)};"
        "console.log(JSON.stringify(given.files.map((file) => {"
        " const turn = exif.webpOrientation(Uint8Array.from(file));"
        " const {width, height, pixels} = exif.upright(image, turn);"
        " return [turn, height, width, Array.from(pixels)]; })));",
        {"files": [list(file.getvalue()) for file in files], "pixels": pixels.ravel().tolist()},
    )
    for turn, file, got in zip(range(1, 9), files, found, strict=True):
        expected = np.asarray(open_image(file))
        assert got == [turn, *expected.shape[:2], expected.ravel().tolist()]


def _encode(image, **options):
    file = io.BytesIO()
    image.save(file, **{"format": "PNG"} | options)
    file.seek(0)
    return file


def test_convolution_is_the_exercise_s():
    rng, cases, expected = np.random.default_rng(2), [], []
    for stride, dilation, padding, flip in (
        (1, 1, "valid", False),
        (2, 1, "same", False),
        (1, 2, "same", True),
        (3, 1, 2, True),
    ):
        image, kernel = rng.integers(-9, 10, (7, 8)), rng.integers(-3, 4, (3, 2))
        settings = {"stride": stride, "dilation": dilation, "padding": padding, "flip": flip}
        cases.append([[image.tolist()], [kernel.tolist()], settings])
        expected.append(conv2d(image, kernel, **settings).tolist())
    found = run_script(
        "console.log(JSON.stringify(given.map((each) => convolution.convolve(...each).values)));",
        cases,
    )
    assert found == expected


def test_pooling_is_the_exercise_s():
    grid = np.random.default_rng(3).integers(-9, 10, (7, 7))
    settings = {"stride": 2, "dilation": 1, "padding": "same", "flip": False}
    found = run_script(
        "console.log(JSON.stringify(convolution.pool(given[0], 2, 3, 'max', given[1]).values));",
        [grid.tolist(), settings],
    )
    assert found == pool2d(grid, (2, 3), stride=2, padding="same").tolist()


def test_a_grid_copied_from_the_page_is_read():
    found = run_script("console.log(JSON.stringify(convolution.readGrids(given)));", "−2 0,5\n-1 3")
    assert found == [[[-2, 0.5], [-1, 3]]]


@pytest.mark.parametrize("text", ["", "1 2\n3", "1 x", "1 2\n\n1", " ".join("1" * 33)])
def test_a_wrong_grid_is_refused_in_one_sentence(text):
    said = run_script(
        "try { convolution.readGrids(given); console.log('null'); }"
        " catch (error) { console.log(JSON.stringify(error.message)); }",
        text,
    )
    assert said and said.endswith((".", "2.")) and "\n" not in said


@pytest.mark.parametrize("slug", ["digits", "thumbnails_light", "ex18_segmentation"])
def test_a_model_says_what_it_reads(slug):
    from ai_edge_litert.interpreter import Interpreter

    path = MODELS_DIR / f"{slug}.tflite"
    found = run_script(
        "const {bytes, input, outputs} = tflite.fixBatch(new Uint8Array(fs.readFileSync(given)));"
        "console.log(JSON.stringify({bytes: bytes.length, input, outputs,"
        " again: tflite.fixBatch(bytes).input}));",
        str(path),
    )
    known = Interpreter(model_path=str(path))
    assert found["bytes"] == path.stat().st_size
    assert found["input"] == found["again"] == known.get_input_details()[0]["shape"].tolist()
    assert found["outputs"] == [each["shape"].tolist() for each in known.get_output_details()]


def test_occlusion_finds_the_square_that_counts():
    found = run_script(
        "const view = {width: 32, height: 32, pixels: new Uint8Array(3 * 32 * 32)};"
        "view.pixels[3 * (5 * 32 + 26)] = 255;"  # tout tient à un pixel
        "const probability = async ({pixels}) => pixels[3 * (5 * 32 + 26)] === 255 ? 1 : 0;"
        "const lost = await occlusion.drops(probability, view);"
        "console.log(JSON.stringify(Array.from(lost)));",
        None,
    )
    lost = np.array(found).reshape(32, 32)
    assert lost[5, 26] == 1 == lost.max() and lost[20:, :16].max() == 0


def test_networks_of_the_documents_are_counted_as_keras_does():
    found = run_script(
        "console.log(JSON.stringify(Object.entries(network.PRESETS).map("
        "([name, {input, layers}]) => [name, network.summarise(input, layers)])));",
        None,
    )
    totals = {name: sum(row["parameters"] for row in rows) for name, rows in found}
    assert totals == {  # S0 à S4 ; AlexNet et VGG16 : les articles
        "LeNet-5, images 32×32": 61_706,
        "LeNet-5, images 28×28 (MNIST)": 61_706,
        "Réseau dense 784-78-10": 62_020,
        "Réseau dense 784-77-10": 61_225,
        "Un étage de convolution (S3)": 416,
        "Une couche dense de même sortie (S3)": 7_234_560,
        "Pas de 4 sur 224 pixels (S3)": 34_944,
        "Pas de 4 sur 227 pixels": 34_944,
        "Seize filtres 3×3 sur trois canaux (S4)": 448,
        "Fashion-MNIST, architecture imposée (S1)": 93_322,
        "BasicCNNModel (S0)": 147_500,
        "AlexNet, en deux moitiés (2012)": 60_965_224,
        "VGG16 (2014)": 138_357_544,
        "InceptionV3 sans sa tête, images 150×150 (S2)": 21_802_784,
    }
    assert dict(found)["InceptionV3 sans sa tête, images 150×150 (S2)"][-1]["shape"] == [3, 3, 2048]
    rows = dict(found)["LeNet-5, images 32×32"]
    assert [row["shape"] for row in rows][:4] == [
        [28, 28, 6],
        [14, 14, 6],
        [10, 10, 16],
        [5, 5, 16],
    ]
    assert [row["field"] for row in rows] == [5, 6, 14, 16, None, None, None, None]


@pytest.mark.slow  # les poids se décompressent lentement
def test_our_networks_are_counted_as_their_weights():
    networks = outlines()
    found = run_script(
        "console.log(JSON.stringify(given.map(({input, layers}) =>"
        " network.summarise(input, layers).reduce((sum, row) => sum + row.parameters, 0))));",
        [*networks.values()],
    )
    for slug, total in zip(networks, found, strict=True):
        with open_weights(MODELS_DIR / f"{slug}.keras") as file:
            weights = [
                array for group in file["layers"].values() for array in group["vars"].values()
            ]
            assert total == sum(array.size for array in weights), slug


@pytest.mark.parametrize(
    "layers",
    [
        [{"kind": "dense", "count": 3}],
        [{"kind": "flatten"}, {"kind": "pool", "window": 2}],
        [{"kind": "conv", "count": 2, "window": 9}],
        [{"kind": "conv", "count": 3, "window": 1, "groups": 2}],
    ],
)
def test_an_impossible_network_is_refused_in_one_sentence(layers):
    said = run_script(
        "try { network.summarise([8, 8, 2], given); console.log('null'); }"
        " catch (error) { console.log(JSON.stringify(error.message)); }",
        layers,
    )
    assert said and said.startswith("Couche ") and "\n" not in said


def test_x_or_o_is_the_exercise_s():
    weights = x_or_o_weights()
    drawings = weights["drawings"]
    found = run_script(
        "console.log(JSON.stringify(Object.fromEntries(Object.entries(given.drawings).map("
        "([name, drawing]) => [name, x_or_o.chain(drawing, given.hand)]))));",
        weights,
    )
    for name, drawing in drawings.items():
        expected = x_or_o.chain(np.array(drawing))
        for stage in ("maps", "rectified", "pooled", "second", "vector"):
            want = getattr(expected, stage).astype(float)
            np.testing.assert_allclose(found[name][stage], want, atol=1e-12)
        np.testing.assert_allclose(
            found[name]["scores"], x_or_o.votes(np.array(drawing)).astype(float), atol=1e-12
        )


def test_learned_filters_answer_as_their_model():
    weights = x_or_o_weights()
    drawings = list(weights["drawings"].values())
    found = run_script(
        "console.log(JSON.stringify(given.drawings.map((drawing) =>"
        " x_or_o.softmax(x_or_o.chain(drawing, given.learned).scores))));",
        {"drawings": drawings, "learned": weights["learned"]},
    )
    engine = Engine((MODELS_DIR / "ex00_learned_filters.tflite").read_bytes())
    x = np.uint8(255 * (np.array(drawings) > 0)).reshape(-1, *engine.input_shape)
    np.testing.assert_allclose(found, engine.predict(x), atol=1e-2)


def test_an_enlarged_thumbnail_is_told_from_a_photograph_as_predict_does():
    photo = open_image(MODELS_DIR.parent / "samples" / "chien.webp")
    photo.thumbnail((200, 200))
    small = photo.resize((32, 32))
    filters = (Image.Resampling.NEAREST, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
    pictures = [
        photo,
        *(small.resize((side, side), each) for side in (64, 150) for each in filters),
    ]
    found = run_script(
        "console.log(JSON.stringify(given.map(([width, height, pixels]) =>"
        " misfit.misfit({width, height, pixels: Uint8Array.from(pixels)}))));",
        [[*each.size, np.asarray(each).ravel().tolist()] for each in pictures],
    )
    np.testing.assert_allclose(found, [misfit(each) for each in pictures], atol=0.03)
    assert found[0] >= MIN_MISFIT > max(found[1:])
