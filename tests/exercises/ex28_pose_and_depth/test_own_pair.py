"""La distance de neuf zones, avec et sans caméras connues."""

import numpy as np
import pytest

from exercises.ex28_pose_and_depth.own_pair import Cameras, say_distances, zones

QUESTION = "S3, 3D Reconstruction"


def steps():
    """Neuf zones de dix pixels de côté, de décalages 24, 12 et 6 ; une est à l'infini."""
    shifts = np.array([[24.0, 12, 6], [24, 12, 6], [24, 12, 0]])
    return shifts.repeat(10, axis=0).repeat(10, axis=1)


@pytest.mark.question(QUESTION)
def test_twice_the_shift_is_half_the_distance():
    assert zones(steps()).tolist() == [[24, 12, 6], [24, 12, 6], [24, 12, 0]]
    lines = say_distances(steps(), None).splitlines()
    assert lines[1].split() == ["en", "haut", "×", "1,0", "×", "2,0", "×", "4,0"]
    assert lines[3].endswith("trop loin") and "--focal" in lines[4]


@pytest.mark.question(QUESTION)
def test_known_cameras_give_a_distance_and_what_a_pixel_changes():
    lines = say_distances(steps(), Cameras(60, 10)).splitlines()  # 600 ÷ décalage, en cm
    assert lines[1].split() == ["en", "haut", "25", "cm", "50", "cm", "1,0", "m"]
    assert lines[4].endswith("entre 86 cm et 1,2 m.")
    far = say_distances(np.full((9, 9), 1.2), Cameras(60, 10))
    assert "fausser du tout au tout" in far
