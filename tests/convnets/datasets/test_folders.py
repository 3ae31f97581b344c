import os

import numpy as np
import pytest
from PIL import Image

from convnets.datasets import folders

RNG = np.random.default_rng(0)


def write(path, color=None, size=(20, 12)):
    """Une vraie image : du bruit, ou une couleur unie."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = RNG.integers(0, 256, (size[1], size[0], 3), np.uint8)
    image = Image.fromarray(noise) if color is None else Image.new("RGB", size, color)
    image.save(path)


@pytest.fixture
def two_classes(tmp_path):
    root = tmp_path / "images"
    for name in ("chat", "chien"):
        for k in range(6):
            write(root / name / f"{k}.png")
    return root


def copied(pictures):
    """Les copies, relues dans l'ordre de leurs numéros."""
    paths = sorted(pictures.folder.rglob("*.png"), key=lambda path: path.stem)
    return np.stack([np.asarray(Image.open(path)) for path in paths])


def relative(listing):
    return [path.relative_to(listing.folder).as_posix() for path in listing.paths]


# --- Lister ---------------------------------------------------------------------------


def test_scan_follows_the_order_of_keras(two_classes):
    import tensorflow as tf

    write(two_classes / "chat" / "vieux" / "a.png")
    write(two_classes / "chat" / "10.png")
    found = folders.scan(two_classes)
    generator = tf.keras.preprocessing.image.ImageDataGenerator().flow_from_directory(
        two_classes, shuffle=False
    )
    assert relative(found) == [name.replace(os.sep, "/") for name in generator.filenames]
    assert found.labels.tolist() == generator.classes.tolist() == [0] * 8 + [1] * 6
    assert found.classes == ["chat", "chien"] == sorted(generator.class_indices)


def test_what_is_not_a_file_of_a_class_is_left(two_classes):
    write(two_classes / "seule.png")
    (two_classes / "chat" / "mort.png").symlink_to("nulle-part.png")
    write(two_classes / ".ipynb_checkpoints" / "x.png")
    write(two_classes / "chat" / ".cache" / "x.png")
    (two_classes / "chat" / ".DS_Store").write_bytes(b"x")  # ce qui est caché n'est pas dit
    found = folders.scan(two_classes)
    assert len(found.paths) == 12 and found.ignored == ["seule.png n'est dans aucune classe"]


def test_limit_shares_the_images_between_the_classes(two_classes):
    found = folders.scan(two_classes, limit=11)
    assert relative(found) == [f"{name}/{k}.png" for name in ("chat", "chien") for k in range(5)]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("absent", FileNotFoundError, "absent n'existe pas ; donnez un dossier"),
        ("chat/0.png", FileNotFoundError, "0.png est un fichier"),
        ("chat", ValueError, "0 dossier de classe"),
        ("..", ValueError, r"1 dossier de classe \(images\)"),
    ],
)
def test_not_a_folder_of_classes(two_classes, name, error, message):
    with pytest.raises(error, match=message):
        folders.scan(two_classes / name)


def test_parts_are_not_classes(tmp_path):
    for part in ("train", "validation"):
        write(tmp_path / part / "chat" / "0.png")
    with pytest.raises(ValueError, match="des parts d'un jeu, pas des classes .*train"):
        folders.scan(tmp_path)


# --- Copier ---------------------------------------------------------------------------


def test_copies_are_what_predict_would_see(two_classes):
    """Orientation EXIF, transparence, GIF : comme `./predict`, et non comme Keras."""
    tall = Image.new("RGB", (10, 40), (200, 0, 0))
    tall.paste((0, 0, 200), (0, 20, 10, 40))  # rouge en haut, bleu en bas
    exif = Image.Exif()
    exif[274] = 3  # prise à l'envers
    tall.save(two_classes / "chat" / "0.png", exif=exif)
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(two_classes / "chien" / "0.webp")
    with folders.square_copies(folders.scan(two_classes), 16) as pictures:
        pixels = copied(pictures)
        names = [path.name for path in pictures.paths]
    assert pixels.shape == (13, 16, 16, 3) and pixels.dtype == np.uint8
    assert pixels[0, 2, 8].tolist() == [0, 0, 200] and pixels[0, 13, 8].tolist() == [200, 0, 0]
    clear = pixels[names.index("0.webp")]
    assert (clear == 128).all()
    assert not pictures.folder.exists()  # rien ne reste


def test_copies_keep_the_order_and_the_whole_image(two_classes):
    write(two_classes / "chat" / "0.png", (255, 0, 0), size=(64, 8))
    with folders.square_copies(folders.scan(two_classes), 16) as pictures:
        copies = sorted(pictures.folder.rglob("*.png"))
        pixels = copied(pictures)
    assert [copy.parent.name for copy in copies] == ["chat"] * 6 + ["chien"] * 6
    squares = folders.Squares(pictures.paths, 16)  # les originaux, eux, sont toujours là
    assert len(squares) == 12 and (squares[7] == pixels[7]).all()
    assert (pixels[0] == (255, 0, 0)).all()  # déformée, pas rognée ni bordée


def test_unreadable_files_are_named_and_skipped(two_classes):
    (two_classes / "chat" / "1.png").write_bytes(b"")
    (two_classes / "chien" / "notes.txt").write_text("pas une image")
    whole = (two_classes / "chien" / "2.png").read_bytes()
    write(two_classes / "chien" / "9.png")
    (two_classes / "chien" / "2.png").write_bytes(whole[: len(whole) // 2])
    with folders.square_copies(folders.scan(two_classes), 16) as pictures:
        assert len(pictures.paths) == len(pictures.labels) == 11
        assert np.bincount(pictures.labels).tolist() == [5, 6]
        first, second, third = pictures.ignored
    assert first.startswith("chat/1.png est vide (0 octet)") and not first.endswith(".")
    assert second.startswith("chien/2.png est une image endommagée")
    assert third.startswith("chien/notes.txt n'est d'aucun format d'image connu")


def test_the_hash_follows_the_content(two_classes):
    def sha256(size_px=16):
        with folders.square_copies(folders.scan(two_classes), size_px) as pictures:
            return pictures.sha256

    first = sha256()
    os.utime(two_classes / "chat" / "0.png", (0, 0))
    assert sha256() == first  # une date ne compte pas
    assert sha256(size_px=17) != first
    (two_classes / "chat").rename(two_classes / "chaton")
    assert sha256() != first
    (two_classes / "chaton").rename(two_classes / "chat")
    write(two_classes / "chat" / "0.png", (1, 2, 3))
    assert sha256() != first
