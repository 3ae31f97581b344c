"""Les suivis de la leçon sur des boîtes qu'elle n'a pas composées."""

import numpy as np
import pytest

from convnets.core import reports
from convnets.datasets import films
from exercises.ex27_video import real_films
from exercises.ex27_video.metrics import Tracks

QUESTION = "S3, Object Tracking"
HERE, FAR = [0.0, 0, 10, 10], [100.0, 0, 110, 10]


def film(*frames):
    """Écrit un film : par image, `{numéro: boîte}`."""
    return films.Boxes(
        [np.array([*frame], int) for frame in frames],
        [np.array([*frame.values()], float).reshape(-1, 4) for frame in frames],
    )


@pytest.mark.question(QUESTION)
def test_sort_shows_a_track_after_three_more_detections_in_a_row():
    seen = [{0: HERE}] * 4 + [{}] + [{0: HERE, 1: FAR}] * 4
    shown = real_films.confirmed(Tracks(*film(*seen)))
    # Les trois premières images montrent tout ; après l'absence, il en faut trois de suite.
    assert [ids.tolist() for ids in shown.ids] == [[0]] * 4 + [[], [], [], [0], [0, 1]]
    assert [len(boxes) for boxes in shown.boxes] == [1, 1, 1, 1, 0, 0, 0, 1, 2]


@pytest.mark.question(QUESTION)
def test_memory_gives_a_number_to_who_comes_next():
    """Un passant sort, un autre entre au même endroit : la mémoire les confond, MOTA l'ignore."""
    street = {"rue": film(*[{1: HERE}] * 6, *[{}] * 5, *[{2: HERE}] * 6)}
    metrics = real_films.measure(street, street)
    assert metrics["rue_idf1_neighbour"] == 1 and metrics["rue_idf1_memory"] == 0.5
    assert metrics["rue_mota_neighbour"] == metrics["rue_mota_memory"] == 1
    given = real_films.numbers_given(
        Tracks(*street["rue"]), real_films.follow(street["rue"].boxes, "memory")
    )
    assert given.tolist() == [[0] * 6 + [-1] * 11, [-1] * 11 + [0] * 6]


@pytest.mark.question(QUESTION)
def test_the_published_measures_say_what_the_lesson_says():
    metrics = reports.load_measures("ex27_real_films_witnesses").metrics
    for name in films.FILMS:
        memory, neighbour, kalman = (
            metrics[f"{name}_idf1_{each}"].mean for each in ("memory", "neighbour", "kalman")
        )
        assert memory < neighbour < kalman
        motas = [metrics[f"{name}_mota_{each}"].mean for each in real_films.LABELS]
        assert max(motas) == motas[-1]


def test_without_detections_the_truth_is_still_followed(monkeypatch, tmp_path, capsys):
    def missing():
        raise FileNotFoundError("Les détections sont introuvables : déposer l'archive.")

    street = {name: film(*[{1: HERE}] * 5) for name in films.FILMS}
    monkeypatch.setattr(films, "load_truths", lambda: street)
    monkeypatch.setattr(films, "load_detections", missing)
    assert real_films.main(["--output", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert "sur les vraies boîtes" in said.out and "détecteur" not in said.out
    assert "déposer l'archive" in said.err
    monkeypatch.setattr(films, "load_detections", lambda: street)
    monkeypatch.setattr(real_films, "SHOWN_FILM", "TUD-Campus")
    assert real_films.main(["--output", str(tmp_path)]) == 0
    assert (tmp_path / "passants.png").exists()
