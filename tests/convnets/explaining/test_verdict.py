"""Une carte dit son échelle, et ce que vaut vraiment ce qu'elle désigne."""

import contextlib
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from convnets.explaining import maps, verdict
from convnets.explaining.methods import POINTS, RELATIVE, SCORE

HEIGHT, WIDTH = 16, 24  # des cases de 2×3 pixels ; le huitième : huit cases
SEEN = np.s_[4:8, 12:24]  # celles-ci, justement


@pytest.fixture
def image():
    """Un rectangle blanc sur du gris ; la couleur moyenne est grise, 114."""
    pixels = np.full((HEIGHT, WIDTH, 3), 94, np.uint8)
    pixels[SEEN] = 254
    return pixels


@pytest.fixture
def inside():
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[SEEN] = 1
    return mask


def subject_of(image, *, sign=1, temperature=1.0):
    """La classe 0 suit la clarté du rectangle."""

    def predict(x, **_):
        assert x.dtype == np.uint8
        first = 0.5 + sign * ((x[(slice(None), *SEEN)] / 255).mean(axis=(1, 2, 3)) - 0.5)
        return np.stack([first, 1 - first], axis=1)

    return maps.Subject(SimpleNamespace(predict=predict), image, 0, "Chat", 0.9, temperature)


# --- Cacher ce que la carte désigne --------------------------------------------------


def test_hiding_covers_the_strongest_eighth(image, inside):
    before = image.copy()
    hidden = verdict.hide_strongest(image, inside + 0.1)
    np.testing.assert_array_equal(hidden[SEEN], 114)
    np.testing.assert_array_equal(hidden[inside == 0], 94)
    np.testing.assert_array_equal(image, before)


def test_only_what_speaks_for_the_class_is_hidden(image):
    values = np.full((HEIGHT, WIDTH), -1.0)
    values[1, 4] = 0.2
    changed = (verdict.hide_strongest(image, values) != image).any(axis=2)
    assert np.argwhere(changed).tolist() == [[i, j] for i in (0, 1) for j in (3, 4, 5)]


@pytest.mark.parametrize("sign", [1, -1])
def test_the_drop_is_the_one_computed_by_hand(image, inside, sign):
    found = verdict.judge(subject_of(image, sign=sign), inside, unit=RELATIVE)
    assert found.drop == pytest.approx(sign * 100 * (254 - 114) / 255)
    verb = "perdre" if sign == 1 else "gagner"
    assert verdict.effect(found, "Chat") == (
        f"Cacher le huitième le plus fort de la carte fait {verb} 54,9 points à « Chat »."
    )


def test_the_drop_is_of_calibrated_probabilities(image, inside):
    found = verdict.judge(subject_of(image, temperature=2.0), inside, unit=RELATIVE)
    before, after = (np.sqrt([p, 1 - p]) for p in (254 / 255, 114 / 255))
    expected = before[0] / before.sum() - after[0] / after.sum()
    assert found.drop == pytest.approx(100 * expected)


def test_a_map_that_points_elsewhere_changes_nothing(image, inside):
    found = verdict.judge(subject_of(image), 1 - inside, unit=RELATIVE)
    assert abs(found.drop) < 1e-9 and abs(found.score_drop) < 1e-9


@pytest.mark.parametrize(("unit", "times"), [(POINTS, 100), (SCORE, 1)])
def test_the_values_of_the_map_keep_their_sign_and_their_unit(image, inside, unit, times):
    found = verdict.judge(subject_of(image), 0.25 * inside - 0.1, unit=unit)
    np.testing.assert_allclose(found.values, times * (0.25 * inside - 0.1), rtol=1e-6)


# --- Ce qui est peint ----------------------------------------------------------------


def test_infinite_values_say_nothing(image, inside):
    for wrong in (np.nan, np.inf, -np.inf):
        found = verdict.judge(subject_of(image), np.where(inside, wrong, 0), unit=POINTS)
        assert not found.values.any() and not found.drop


@pytest.mark.parametrize(
    ("unit", "highest", "top"),
    [(POINTS, 40, 40), (POINTS, 0.5, 1), (SCORE, 0.002, 0.002), (SCORE, 0, 1)],
)  # en points, une baisse infime reste sombre
def test_the_figure_has_the_scale_of_the_map(image, inside, monkeypatch, unit, highest, top):
    figure = Figure()
    drawn = contextlib.nullcontext((figure, figure.subplots(1, 3, squeeze=False)))
    monkeypatch.setattr(verdict, "new_figure", lambda *_, **__: drawn)
    image[0, :3] = 255 * np.eye(3)  # rouge, vert, bleu : la carte est posée sur leur clarté
    explanation = verdict.Explanation(highest * inside - 0.4 * (1 - inside), unit, 20)
    verdict.save_explanation(subject_of(image), explanation, "carte.png", method="Essai")
    _, alone, over, bar = figure.axes
    painted = np.where(inside, highest, 0)
    for shown in (alone.images[0], over.images[1]):
        np.testing.assert_allclose(shown.get_array(), painted, rtol=1e-6)
        assert shown.get_clim() == pytest.approx((0, top))
    assert bar.get_ylabel() == unit
    grey = over.images[0]
    np.testing.assert_allclose(grey.get_array()[0, :4], [76, 150, 29, 94], atol=0.5)
    assert grey.get_clim() == (0, 255)


# --- Ce qui est dit ------------------------------------------------------------------


def test_every_place_of_the_picture_has_its_name():
    for k, row in enumerate(verdict.PLACES):
        for j, name in enumerate(row):
            values = np.zeros((9, 15))
            values[3 * k : 3 * k + 3, 5 * j : 5 * j + 5] = 2
            assert verdict.place(values) == name


def test_a_pixel_belongs_to_the_place_of_its_centre():
    columns = [verdict.place(row[np.newaxis]) for row in np.eye(5)]
    assert columns == ["à gauche", "à gauche", "au centre", "à droite", "à droite"]


@pytest.mark.parametrize(
    ("drop", "expected"),
    [
        (0.99, "ne change pas d'un point la probabilité de « Chat » ; son score perd 1,5."),
        (1.0, "fait perdre 1,0 point à « Chat »."),
        (-12.34, "fait gagner 12,3 points à « Chat »."),
    ],
)
def test_the_effect_is_said(inside, drop, expected):
    said = verdict.effect(verdict.Explanation(5 * inside, POINTS, drop, 1.5), "Chat")
    assert said == f"Cacher le huitième le plus fort de la carte {expected}"


@pytest.mark.parametrize(
    ("unit", "low", "high", "expected"),
    [
        (POINTS, 0, 18.3, "de 0 à 18,3 points de probabilité ; le plus fort est à droite"),
        (
            *(POINTS, 0, 0.04),
            "de 0 à 1,0 point de probabilité ; la carte n'atteint que 0,04 point ; "
            "le plus fort est à droite",
        ),
        (SCORE, 0, 1.25, "de 0 à 1,25 (score de la classe) ; le plus fort est à droite"),
        (RELATIVE, 0, 1, "sans unité (1 : le plus fort) ; le plus fort est à droite"),
        (SCORE, -1, 0, "la carte est nulle, rien ne plaide pour cette classe"),
        (
            POINTS,
            -14.3,
            5,
            "de 0 à 5,0 points de probabilité ; le plus fort est à droite ; au plus sombre, "
            "cacher fait gagner 14,3 points",
        ),
    ],
)
def test_the_scale_is_said(inside, unit, low, high, expected):
    explanation = verdict.Explanation(np.where(inside, high, low), unit, 20)
    assert verdict.scale(explanation) == f"Échelle : {expected}."


# --- Les images livrées --------------------------------------------------------------


def judged(name, method):
    from convnets.explaining.explain import load_method

    options = maps.explanation_parser("ex07_occlusion", "Essai.").parse_args([f"samples/{name}"])
    subject, found = maps.load_subject(options, light=True), load_method(method)
    values = found.measure(subject.model, subject.image, subject.class_index)
    return verdict.judge(subject, values, unit=found.unit)


@pytest.mark.parametrize("method", ["occlusion", "lime"])
def test_the_picture_of_the_examples_shows_something(method):
    found = judged("chien.webp", method)
    assert found.drop > 50 and found.values.max() > 10


def test_a_sure_answer_is_judged_on_its_score():
    """samples/chat.png : le réseau y est si sûr qu'aucun carré caché n'y change un point."""
    found = judged("chat.png", "occlusion")
    assert abs(found.values).max() < 1 and abs(found.drop) < 1 and found.score_drop > 0.05


def test_a_score_still_moves_when_the_probability_is_rounded_to_one():
    sure = np.float32([[1, 1e-9, 1e-9], [1, 1e-12, 1e-12], [0.5, 0.5, 0]])
    found = maps.scores(sure)[:, 0]
    np.testing.assert_allclose(found, [-np.log(2e-9), -np.log(2e-12), 0], rtol=1e-5, atol=1e-6)
