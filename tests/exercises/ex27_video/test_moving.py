"""Un film quelconque : le lire, trouver ce qui bouge, le suivre."""

import sys

import numpy as np
import pytest
from PIL import Image

from exercises.ex27_video import __main__ as ex27
from exercises.ex27_video import frames, moving

QUESTION = "S3, Object Tracking"
NUM_FRAMES, SIDE_PX = 20, (60, 90)


def film(*, noise=3.0):
    """Deux carrés de 12 pixels devant un fond de hasard : l'un avance, l'autre attend."""
    rng = np.random.default_rng(0)
    ground = rng.integers(60, 120, (*SIDE_PX, 3))
    made = ground + rng.normal(0, noise, (NUM_FRAMES, *SIDE_PX, 3))
    for t in range(NUM_FRAMES):
        made[t, 10:22, 3 * t : 3 * t + 12] = 250
    made[12:, 40:52, 60:72] = 5  # entré à la treizième image
    return made.clip(0, 255).astype(np.uint8)


def write_folder(folder, pictures):
    folder.mkdir()
    for rank, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"image{rank}.png")  # image10 est après image9
    return folder


@pytest.mark.question(QUESTION)
def test_what_moves_is_boxed_and_keeps_its_number():
    found = moving.find_moving(film())
    assert [len(boxes) for boxes in found.boxes] == [1] * 12 + [2] * 8
    for t, boxes in enumerate(found.boxes):
        assert np.abs(boxes[0] - [3 * t, 10, 3 * t + 12, 22]).max() <= 1
    tracks = moving.follow(found.boxes)
    assert {number for ids in tracks.ids for number in ids} == {0, 1}
    assert [len(ids) for ids in tracks.ids] == [1] * 15 + [2] * 5  # montré au bout de quatre
    said = moving.say_found(found, tracks)
    assert said.startswith("2 pistes suivies") and "numéro 0 : elle est vue dans 20 images" in said


def test_a_still_film_and_a_moving_camera_are_said():
    still = np.full((8, 40, 40, 3), 90, np.uint8)
    found = moving.find_moving(still)
    assert "Rien ne bouge" in moving.say_found(found, moving.follow(found.boxes))
    ground = np.random.default_rng(0).integers(0, 255, (40, 90, 3)).astype(np.uint8)
    panned = np.stack([np.roll(ground, -3 * t, axis=1) for t in range(NUM_FRAMES)])
    found = moving.find_moving(panned)
    assert "la caméra bouge" in moving.say_found(found, moving.follow(found.boxes))


def test_a_folder_and_an_animation_give_the_same_film(tmp_path):
    pictures = film()
    folder = write_folder(tmp_path / "images", pictures)
    assert (frames.read_film(str(folder)).frames == pictures).all()
    first, *others = [Image.fromarray(each) for each in pictures]
    first.save(tmp_path / "film.webp", save_all=True, append_images=others, lossless=True)
    read = frames.read_film(str(tmp_path / "film.webp"))
    assert (read.frames == pictures).all() and not read.is_cut


def test_a_long_and_wide_film_is_shortened_and_reduced(tmp_path, monkeypatch):
    monkeypatch.setattr(frames, "MAX_FRAMES", 6)
    monkeypatch.setattr(frames, "WIDTH_PX", 45)
    read = frames.read_film(str(write_folder(tmp_path / "images", film()[:8])))
    assert read.frames.shape == (6, 30, 45, 3) and read.is_cut


def test_what_is_not_a_film_is_said_in_one_sentence(tmp_path, monkeypatch):
    def refused(path):
        with pytest.raises((ValueError, FileNotFoundError)) as caught:
            frames.read_film(str(path))
        message = str(caught.value)
        assert "\n" not in message
        return message

    assert "aucun film ici" in refused(tmp_path / "absent.mp4")
    Image.fromarray(film()[0]).save(tmp_path / "photo.png")
    assert "1 image, au moins 5" in refused(tmp_path / "photo.png")
    (tmp_path / "vide").mkdir()
    assert "0 image, au moins 5" in refused(tmp_path / "vide")
    folder = write_folder(tmp_path / "images", film()[:8])
    Image.new("RGB", (9, 9)).save(folder / "image7.png")
    assert "l'image 8 a 9 × 9 pixels" in refused(folder)
    (tmp_path / "film.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(100))
    monkeypatch.setitem(sys.modules, "av", None)
    assert "il faut un paquet de plus" in refused(tmp_path / "film.mp4")


@pytest.mark.question(QUESTION)
def test_the_command_writes_an_animation_and_some_pictures(tmp_path, capsys):
    folder = write_folder(tmp_path / "rue", film())
    assert ex27.main([str(folder), "--output", str(tmp_path / "f")]) == 0
    assert "2 pistes suivies" in capsys.readouterr().out
    with Image.open(tmp_path / "f" / "rue_suivi.gif") as animation:
        assert animation.n_frames == NUM_FRAMES
    assert (tmp_path / "f" / "rue_suivi.png").stat().st_size
    assert ex27.main([str(tmp_path / "absent"), "--output", str(tmp_path / "f")]) == 1
    with pytest.raises(SystemExit):
        ex27.main([str(folder), "--video", "3"])
