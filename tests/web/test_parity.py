"""La page « Nommer » et `./predict` répondent de même à des images de toute sorte."""

import base64
import io

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageDraw

from convnets.core.images import crop_resize_image, open_image
from convnets.core.paths import MODELS_DIR
from convnets.serving import router, say
from convnets.serving.garments import garment_square
from tests.conftest import REPO, load_extract
from tests.web.test_networks import NODE, run_node
from web.book import STATIC

SAMPLES = MODELS_DIR.parent / "samples"
MAX_GAP = 0.02  # écart de probabilité que l'on admet
WIDER = {  # l'arrondi change davantage les probabilités de quelques images
    "pont.png": 0.04,  # d'aucune classe
    "tableau.jpg": 0.04,
    "HEIC": 0.06,  # les couleurs de libheif, à un niveau près d'un processeur à l'autre
    "transparente": 0.05,  # à 95 % : le coup d'œil suffit d'un côté, et non de l'autre
}
# Ce que `say` dit d'une image, et le mot qu'en a la page.
DOUBTS = {
    say.GREY_THUMBNAIL: "grey",
    say.UNFAMILIAR: "unfamiliar",
    say.DIVIDED: "divided",
    say.LOW.partition("{")[0]: "low",
}
ANSWER = """async (content) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  return (await cours.compute("name", {blob: await cours.check(new Blob([bytes]))})).answer;
}"""


def saved(image, name="PNG", **options):
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


def pictures():
    """Rend `(nom, contenu)` : nos images, des vignettes, des vêtements, un chien bien des fois."""
    for path in sorted(SAMPLES.iterdir()):
        if path.suffix != ".md":
            yield path.name, path.read_bytes()
    thumbnails = [Image.fromarray(each) for each in load_extract("cifar10")[0][:4]]
    for number, image in enumerate(thumbnails):
        yield f"vignette {number}", saved(image)
        large = image.resize((100 + 50 * number, 100 + 50 * number), number % 4)
        yield f"vignette {number} agrandie", saved(large, "JPEG", quality=90)
    dog = open_image(SAMPLES / "chien.webp", min_side_px=300)
    grey, faded = dog.convert("L"), dog.copy()
    faded.putalpha(grey)
    yield from {
        "gris": saved(grey),
        "seize bits": saved(Image.fromarray(np.asarray(grey, np.uint16) * 257)),
        "palette": saved(dog.quantize(64)),
        "CMJN": saved(dog.convert("CMYK"), "JPEG", quality=90),
        "progressif": saved(dog, "JPEG", quality=30, progressive=True),
        "AVIF": saved(dog, "AVIF", quality=70),
        "étroite": saved(dog.resize((1500, 100))),
        "transparente": saved(faded),
        "longue": saved(three_things()),
    }.items()
    yield "HEIC", (REPO / "tests" / "extracts" / "chien.heic").read_bytes()
    for turn in (3, 6, 8):
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = turn
        yield f"tournée {turn}", saved(dog, ("JPEG", "WEBP")[turn % 2], exif=exif)
    for name, image in [*garments(), *small_and_grey(), *figures(thumbnails)]:
        yield name, saved(image)


def small_and_grey():
    """Rend `(nom, image)` : des chiffres et des vêtements gris, petits, en négatif, agrandis."""
    for dataset in ("mnist", "fashion_mnist"):
        for number, pixels in enumerate(load_extract(dataset)[0][:2]):
            small = Image.fromarray(pixels)
            yield f"{dataset} {number}", small
            yield f"{dataset} {number} en négatif", Image.fromarray(255 - pixels)
            yield f"{dataset} {number} agrandi", small.resize((280, 280), 2 * (number % 2))


def figures(thumbnails):
    """Rend `(nom, image)` : des vignettes agrandies, dans la marge et le cadre d'un notebook."""
    for number, thumbnail in enumerate(
        [*thumbnails[:2], Image.fromarray(load_extract("mnist")[0][0])]
    ):
        figure = Image.new("RGB", (640, 480), "white")
        figure.paste(thumbnail.convert("RGB").resize((280, 280), 0), (180, 90))
        ImageDraw.Draw(figure).rectangle((179, 89, 460, 370), outline="black")
        yield f"figure {number}", figure


def three_things():
    """Rend une image longue : un chat, un avion et un camion, côte à côte."""
    long = Image.new("RGB", (600, 200))
    for place, name in enumerate(("chat.png", "avion.png", "camion.png")):
        long.paste(crop_resize_image(open_image(SAMPLES / name), 200), (200 * place, 0))
    return long


def doubt(why):
    """Rend le mot que la page a d'une raison de douter ; la raison même, si elle n'en a pas."""
    return next((word for start, word in DOUBTS.items() if why.startswith(start)), why)


def garments():
    """Rend `(nom, image)` : des vêtements sombres, sur un fond clair, sombre, ou transparent."""
    for number, image in enumerate(load_extract("fashion_mnist")[0][:6]):
        grey = np.asarray(Image.fromarray(image).resize((280, 280), Image.Resampling.BICUBIC))
        ground = ((255, 255, 255, 255), (20, 110, 140, 255), (0, 0, 0, 0))[number % 3]
        picture = Image.new("RGBA", (400 + 40 * number, 400), ground)
        garment = Image.merge("RGB", [Image.fromarray(255 - grey)] * 3)
        picture.paste(garment, (40, 60), Image.fromarray(np.uint8(255 * (grey > 8))))
        yield f"vêtement {number}", picture if number % 3 == 2 else picture.convert("RGB")


@pytest.mark.skipif(NODE is None, reason="node n'est pas installé")
def test_a_garment_is_cut_out_to_the_bit():
    read = [open_image(SAMPLES / "pont.png"), open_image(SAMPLES / "voiture.jpg")]
    read += [open_image(io.BytesIO(saved(image))) for _, image in garments()]
    code = (
        f'import {{garmentSquare}} from "{(STATIC / "js" / "garments.js").as_uri()}";'
        'import fs from "fs"; const read = (text) => Uint8Array.from(Buffer.from(text, "base64"));'
        "const found = JSON.parse(fs.readFileSync(0, 'utf8')).map(({size, pixels, alpha}) => {"
        "  const side = (i) => Math.min(size[i], 256), [width, height] = size;"
        "  const opaque = alpha && {width: side(0), height: side(1), values: read(alpha)};"
        "  const image = {width, height, pixels: read(pixels), alpha: opaque};"
        "  return garmentSquare(image, 28); });"
        "console.log(JSON.stringify(found.map((each) => each && [...each])));"
    )
    text = lambda image: base64.b64encode(image.tobytes()).decode()  # noqa: E731
    given = [
        {"size": each.size, "pixels": text(each), "alpha": alpha and text(alpha)}
        for each in read
        for alpha in [each.info.get("alpha")]
    ]
    expected = [garment_square(each, 28) for each in read]
    assert expected[:2] == [None, None] and all(each is not None for each in expected[2:])
    for ours, theirs in zip(run_node(code, given), expected, strict=True):
        assert ours == (None if theirs is None else [*theirs.tobytes()])


def test_the_page_and_the_command_answer_alike(page, address):
    known = dict(pictures())
    page.goto(f"{address}/nommer.html")
    expected = router.load(None).classify([io.BytesIO(content) for content in known.values()])
    for (name, content), result in zip(known.items(), expected, strict=True):
        answer = result.answer
        found = page.evaluate(ANSWER, base64.b64encode(content).decode())
        gap = WIDER.get(name, MAX_GAP)
        assert found["probabilities"] == pytest.approx([*answer.probabilities], abs=gap), name
        assert int(np.argmax(found["probabilities"])) == answer.best, name
        assert found["familiar"] == answer.familiar, name
        assert found["doubt"] == doubt(answer.why), name
