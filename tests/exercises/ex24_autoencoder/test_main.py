import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from convnets.core import reports
from convnets.datasets import sources
from convnets.training import saving
from exercises.ex24_autoencoder import codec, command, comparison, network
from exercises.ex24_autoencoder.measures import psnr

pytestmark = pytest.mark.ci

QUESTION = "S3 Different problems, models & metrics"


@pytest.fixture(scope="module")
def ex24():
    from exercises.ex24_autoencoder import __main__ as ex24_autoencoder

    return ex24_autoencoder


# --- Une image dans un fichier, et retour --------------------------------------------


@pytest.fixture
def untrained(monkeypatch, pca):
    """À la place du réseau livré, un codeur par ACP : le reste de la chaîne est le vrai."""
    monkeypatch.setattr(command, "load_codec", lambda options: pca)
    return pca


def test_a_picture_goes_through_a_file(ex24, untrained, repo, tmp_path, capsys):
    image = np.asarray(Image.open(repo / "samples" / "chat.png").convert("RGB"))[:61, :83]
    Image.fromarray(image).save(tmp_path / "chat.png")
    written, back = tmp_path / "code.bin", tmp_path / "neuf" / "relue.png"
    sizes = []
    for quality in ("1", "7"):
        arguments = ["--compress", str(tmp_path / "chat.png"), "--output", str(written)]
        assert ex24.main([*arguments, "--quality", quality]) == 0
        sizes.append(written.stat().st_size)
    said = capsys.readouterr().out.splitlines()
    assert sizes[0] < sizes[1] < image.size / 2
    rate = f"{8 * sizes[1] / (61 * 83):.2f}".replace(".", ",")
    assert said[-2].startswith(f"{image.size} octets de pixels → {sizes[1]} octets : {rate} bit")
    assert said[-1] == str(written)
    assert ex24.main(["--decompress", str(written), "--output", str(back)]) == 0
    found = np.asarray(Image.open(back))
    assert found.shape == image.shape
    measured = f"{psnr(image[None], found[None]):.1f}".replace(".", ",")
    assert said[-2].endswith(f"PSNR {measured} dB") and float(measured.replace(",", ".")) > 25
    # Sans nom de fichier, ou dans un dossier : le nom de la source.
    assert ex24.main(["--compress", str(tmp_path / "chat.png"), "--output", str(tmp_path)]) == 0
    assert (tmp_path / "chat.bin").is_file()
    assert not [*tmp_path.rglob("*.tmp")]


def test_what_cannot_be_read_is_said_in_one_sentence(ex24, untrained, tmp_path, capsys):
    (tmp_path / "faux.bin").write_bytes(b"ceci n'est pas un code")
    good = codec.pack(untrained, np.full((1, 16, 16, 3), 90, np.uint8), 4)
    (tmp_path / "coupe.bin").write_bytes(good[:-2])
    (tmp_path / "autre.bin").write_bytes(good[:11] + b"\0\0" + good[13:])
    for name, message in {
        "faux.bin": "pas un fichier écrit par --compress",
        "coupe.bin": "abîmé",
        "autre.bin": "autre réseau",
        "absent.bin": "n'existe pas",
    }.items():
        assert ex24.main(["--decompress", str(tmp_path / name), "--output", str(tmp_path)]) == 1
        error = capsys.readouterr().err
        assert message in error and name in error and error.count("\n") == 1
    assert ex24.main(["--compress", str(tmp_path / "faux.bin")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not [*tmp_path.glob("*.png")]


def test_the_file_read_is_never_replaced(ex24, untrained, tmp_path, capsys):
    picture, code = tmp_path / "a.png", tmp_path / "code.png"
    Image.fromarray(np.full((9, 9, 3), 90, np.uint8)).save(picture)
    code.write_bytes(codec.pack(untrained, np.full((1, 16, 16, 3), 90, np.uint8), 4))
    for action, path in (("--compress", picture), ("--decompress", code)):
        before = path.read_bytes()
        same = tmp_path / "." / path.name
        assert ex24.main([action, str(path), "--output", str(same)]) == 1
        assert "est le fichier lu" in capsys.readouterr().err
        assert path.read_bytes() == before


def test_a_picture_is_written_under_a_png_name(ex24, untrained, tmp_path, capsys):
    code = tmp_path / "code.bin"
    code.write_bytes(codec.pack(untrained, np.full((1, 16, 16, 3), 90, np.uint8), 4))
    assert ex24.main(["--decompress", str(code), "--output", str(tmp_path / "x.jpg")]) == 1
    assert "ne se termine pas par .png" in capsys.readouterr().err
    assert not (tmp_path / "x.jpg").exists()


def test_too_long_a_side_is_refused(ex24, untrained, tmp_path, capsys):
    path = tmp_path / "bande.png"
    Image.new("RGB", (65_536, 1)).save(path)
    assert ex24.main(["--compress", str(path), "--output", str(tmp_path / "a.bin")]) == 1
    error = capsys.readouterr().err
    assert "1 × 65536 pixels ; des côtés de 1 à 65535" in error and error.count("\n") == 1


def test_bits_agree_with_their_number(ex24, untrained, tmp_path, capsys):
    rng = np.random.default_rng(0)
    for name, image in (
        ("gris", np.full((64, 64, 3), 90, np.uint8)),
        ("bruit", rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)),
    ):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
        path = str(tmp_path / f"{name}.png")
        assert ex24.main(["--compress", path, "--output", str(tmp_path / "a.bin")]) == 0
    few, _, many, _ = capsys.readouterr().out.splitlines()
    assert " bit par pixel" in few and " bits par pixel" in many


def test_one_action_at_a_time(ex24, capsys):
    with pytest.raises(SystemExit) as stopped:
        ex24.main(["--compress", "a.png", "--decompress", "b.bin"])
    assert stopped.value.code == 2 and "ne va pas avec" in capsys.readouterr().err


# --- Le modèle livré -----------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped():
    return reports.read_report("ex24_autoencoder")


@pytest.mark.question(QUESTION)
def test_the_published_measures_say_what_the_page_says(shipped):
    mean = {name: each.mean for name, each in shipped.metrics.items()}
    assert shipped.seeds == [0, 1, 2]
    # Recopier : le U-Net se passe de son goulot, l'auto-encodeur n'a que lui.
    assert mean["copy_unet"] > mean["copy_plain"] + 8
    assert mean["copy_unet_cut"] > mean["copy_plain"] and mean["copy_plain_cut"] < 15
    # Débruiter : les raccourcis servent, le goulot seul perd plus que le bruit ou le flou.
    assert mean["denoise_unet"] > mean["denoise_blur"] + 1 > mean["denoise_noisy"] + 1
    assert mean["denoise_unet"] > mean["denoise_plain"] + 3
    # Compresser : mieux que tout ce à quoi il est comparé, à débit égal.
    assert min(mean[f"gain_{key}"] for key in ("pca", "webp", "jpeg", "half")) > 0.1
    # Le codeur est à un centième de l'entropie de ses tables ; zlib et lzma en sont loin.
    sizes = shipped.details["bytes"]
    assert sizes["file"] < 1.02 * sizes["entropy"] < sizes["lzma"] < 1.5 * sizes["zlib"]


def test_the_page_has_the_sizes_of_the_report(shipped, repo):
    page = (repo / "docs" / "systemes.md").read_text(encoding="utf-8")
    page = " ".join(page[page.index("## 24.") :].split())
    alone, sizes = shipped.details["bytes_alone"], shipped.details["bytes"]
    assert (
        "{network:.0f} octets au réseau, {webp:.0f} à WebP et {jpeg:.0f} à".format(**alone) in page
    )
    written = {name: f"{size:,}".replace(",", " ") for name, size in sizes.items()}
    assert (
        "{file} octets par le nôtre, {lzma} par `lzma` et {zlib} par `zlib`".format(**written)
        in page
    )
    assert f"est de {written['entropy']}." in page


@pytest.mark.question(QUESTION)
def test_the_shipped_network_compresses_as_published(shipped, extract, eager):
    statistics = [[tuple(each) for each in part] for part in shipped.details["statistics"]]
    model = saving.load_model("ex24_autoencoder")
    found = codec.Codec(*network.transform(model), statistics)
    images = extract("cifar10")[0][:16]
    content = codec.pack(found, images, 4)
    curve = shipped.details["curves"]["network"][shipped.shipped["seed"]]
    assert 8 * len(content) / images[..., 0].size == pytest.approx(curve["rate"][3], rel=0.25)
    assert psnr(images, codec.unpack(found, content)) == pytest.approx(curve["psnr"][3], abs=1.5)


# --- La boucle entière ---------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.question(QUESTION)
def test_main_trains_saves_and_compresses(ex24, as_dataset, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sources, "load_cifar10", lambda: as_dataset("cifar10"))
    monkeypatch.setattr(comparison, "NUM_ALBUM", 16)
    folder, figures = tmp_path / "m", tmp_path / "f"
    arguments = ["--models-dir", str(folder), "--output", str(figures)]
    trial = ["--epochs", "1", "--seeds", "1", "--limit", "90", "--batch-size", "27"]
    assert ex24.main([*trial, *arguments]) == 0
    printed = capsys.readouterr().out
    report = reports.read_report("ex24_autoencoder", models_dir=folder)
    assert report.num_images == {"train": 81, "val": 9, "test": 90, "album": 16}
    assert {each.metric for each in report.headline} <= set(report.metrics)
    assert report.metrics["psnr_pca"].n == 1
    json.dumps(dataclasses.asdict(report), allow_nan=False)
    assert {path.name for path in figures.glob("*.png")} == {
        "debit.png",
        "goulot.png",
        "mosaique.png",
        "vignettes.png",
    }
    assert "16 vignettes à la qualité 3" in printed

    # Le fichier écrit pendant la mesure est relu par la commande, avec le modèle enregistré.
    path = figures / "fichiers" / "reseau_graine0_qualite7.bin"
    back = tmp_path / "album.png"
    arguments[-1] = str(back)
    assert ex24.main(["--decompress", str(path), *arguments]) == 0
    mosaic = np.asarray(Image.open(figures / "mosaique.png"))
    found = psnr(mosaic[None], np.asarray(Image.open(back))[None])
    assert found == pytest.approx(report.details["curves"]["network"][0]["psnr"][6], abs=0.01)
    assert 8 * path.stat().st_size / (16 * 32 * 32) == pytest.approx(
        report.details["curves"]["network"][0]["rate"][6]
    )
