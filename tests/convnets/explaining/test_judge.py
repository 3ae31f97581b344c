"""Une carte dit son échelle, et ce que vaut vraiment ce qu'elle désigne."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from convnets.explaining import maps
from convnets.explaining.methods import EXPLANATIONS, POINTS, RELATIVE, SCORE

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


def subject_of(image, *, size=1.0, sign=1, temperature=1.0):
    """La classe 0 suit la clarté du rectangle, sur `size` de probabilité au plus."""

    def predict(x, **_):
        assert x.dtype == np.uint8
        clear = (x[(slice(None), *SEEN)] / 255).mean(axis=(1, 2, 3))
        first = 0.5 + sign * size * (clear - 0.5)
        return np.stack([first, 1 - first], axis=1)

    model = SimpleNamespace(predict=predict)
    return maps.Subject(model, image, 0, "Chat", 0.9, temperature)


# --- Cacher ce que la carte désigne --------------------------------------------------


def test_hiding_covers_the_strongest_eighth(image, inside):
    before = image.copy()
    hidden = maps.hide_strongest(image, inside + 0.1)
    np.testing.assert_array_equal(hidden[SEEN], 114)
    np.testing.assert_array_equal(hidden[inside == 0], 94)
    np.testing.assert_array_equal(image, before)


def test_only_what_speaks_for_the_class_is_hidden(image):
    values = np.full((HEIGHT, WIDTH), -1.0)
    values[1, 4] = 0.2
    changed = (maps.hide_strongest(image, values) != image).any(axis=2)
    assert np.argwhere(changed).tolist() == [[i, j] for i in (0, 1) for j in (3, 4, 5)]


def test_scattered_pixels_do_not_hide_the_whole_picture(image):
    """Un pixel fort dans chaque case : huit cases seulement sont cachées, les premières."""
    values = np.zeros((HEIGHT, WIDTH))
    values[::2, ::3] = 1
    changed = (maps.hide_strongest(image, values) != image).any(axis=2)
    assert changed.sum() == HEIGHT * WIDTH / 8 and changed[:2].all()


@pytest.mark.parametrize("shape", [(9, 31), (12, 20), (192, 192)])
def test_any_size_of_picture_is_cut_in_cells(shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    values = np.random.default_rng(1).random(shape)
    changed = (maps.hide_strongest(image, values) != image).any(axis=2)
    assert 0.05 < changed.mean() < 0.3


@pytest.mark.parametrize("sign", [1, -1])
def test_the_drop_is_the_one_computed_by_hand(image, inside, sign):
    found = maps.judge(subject_of(image, sign=sign), inside, unit=RELATIVE)
    assert found.drop == pytest.approx(sign * (254 - 114) / 255)
    verb = "perdre" if sign == 1 else "gagner"
    assert maps.effect(found, "Chat") == (
        f"Cacher le huitième le plus fort de la carte fait {verb} 54,9 points à « Chat »."
    )


def test_the_drop_is_of_calibrated_probabilities(image, inside):
    found = maps.judge(subject_of(image, temperature=2.0), inside, unit=RELATIVE)
    before, after = (np.sqrt([p, 1 - p]) for p in (254 / 255, 114 / 255))
    assert found.drop == pytest.approx(before[0] / before.sum() - after[0] / after.sum())


def test_a_map_that_points_elsewhere_changes_nothing(image, inside):
    found = maps.judge(subject_of(image), 1 - inside, unit=RELATIVE)
    assert abs(found.drop) < 1e-9 and not found.matters
    assert not found.painted()[0].any()
    assert "Presque rien ne change pour « Chat » (0,00 point au plus)" in maps.effect(found, "Chat")


# --- Ce qui est peint ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("highest", "drop", "painted"),
    [
        (0.0014, 0.002, False),
        (0.0099, -0.0099, False),
        (0.0101, 0, True),
        (0.0014, 0.01, True),
        (0.0014, -0.05, True),
    ],
)
def test_under_a_point_nothing_is_painted(inside, highest, drop, painted):
    explanation = maps.Explanation(highest * inside, POINTS, drop)
    heat, top = explanation.painted()
    assert explanation.matters == painted and heat.any() == painted
    assert top == pytest.approx(max(100 * highest, 1))
    assert heat.max() <= top * (1 + 1e-6)


def test_a_tiny_drop_stays_dark_even_when_hiding_matters(inside):
    """En points, l'échelle ne descend pas sous un point : 0,14 point n'y est pas du jaune."""
    heat, top = maps.Explanation(0.0014 * inside, POINTS, 0.3).painted()
    assert heat.max() / top == pytest.approx(0.14)


def test_other_units_have_their_own_scale(inside):
    heat, top = maps.Explanation(0.002 * inside, SCORE, 0.3).painted()
    assert heat.max() == top == pytest.approx(0.002)
    assert not maps.Explanation(5 * inside, SCORE, 0.003).matters  # un score n'est pas des points


def test_infinite_values_say_nothing(image, inside):
    for wrong in (np.nan, np.inf):
        found = maps.judge(subject_of(image), np.where(inside, wrong, 0), unit=POINTS)
        assert not found.values.any() and not found.matters


def test_the_figure_paints_only_what_matters(image, inside, tmp_path):
    def yellow(size):
        path = tmp_path / f"{size}.png"
        explanation = maps.Explanation(size * inside, POINTS, size)
        maps.save_explanation(subject_of(image), explanation, path, method="Essai")
        pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
        return (abs(pixels - (255, 234, 70)).sum(axis=2) < 40).sum()  # le haut de cividis

    assert yellow(0.5) > 5 * yellow(0.0014)  # là, il ne reste que celui de l'échelle


# --- Ce qui est dit ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.547, "54,7 points"),
        (-0.02, "2,0 points"),
        (0.0123, "1,2 point"),
        (0.0014, "0,14 point"),
        (0, "0,00 point"),
    ],
)
def test_points_are_french(share, expected):
    assert maps.points(share) == expected


def test_every_place_of_the_picture_has_its_name():
    for k, row in enumerate(maps.PLACES):
        for j, name in enumerate(row):
            values = np.zeros((9, 15))
            values[3 * k : 3 * k + 3, 5 * j : 5 * j + 5] = 2
            assert maps.place(values) == name


@pytest.mark.parametrize(
    ("unit", "size", "expected"),
    [
        (POINTS, 0.183, "de 0 à 18,3 points de probabilité ; le plus fort est à droite"),
        (SCORE, 1.25, "de 0 à 1,25 (score de la classe) ; le plus fort est à droite"),
        (SCORE, 0.0000502, "de 0 à 0,0000502 (score de la classe) ; le plus fort est à droite"),
        (RELATIVE, 1, "sans unité (1 : le plus fort) ; le plus fort est à droite"),
        (SCORE, 0, "la carte est nulle, rien ne plaide pour cette classe"),
    ],
)
def test_the_scale_is_said(inside, unit, size, expected):
    assert maps.scale(maps.Explanation(size * inside, unit, 0.2)) == f"Échelle : {expected}."


def test_a_uniform_map_is_strong_nowhere(inside):
    flat = maps.Explanation(np.full(inside.shape, 0.2), POINTS, 0.2)
    assert maps.scale(flat) == (
        "Échelle : la carte est uniforme, aucun endroit ne compte plus qu'un autre."
    )


def test_gains_are_said_too(inside):
    said = maps.scale(maps.Explanation(0.2 * inside - 0.143, POINTS, 0.2))
    assert said.endswith("au plus sombre, cacher fait gagner 14,3 points.")
    only = maps.Explanation(-0.143 * inside, POINTS, 0.0)
    assert only.matters and "14,3 points" in maps.scale(only)


# --- Les exercices qui ne dérivent rien, et les images livrées ------------------------


@pytest.mark.parametrize("exercise", ["ex07_occlusion", "ex10_lime"])
def test_methods_without_gradient_never_import_keras(repo, tmp_path, exercise):
    """La commande entière, un piège sur l'import : l'importer puis l'oublier se verrait aussi."""
    code = f"""
import sys
class Trap:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("keras", "tensorflow", "torch", "jax"):
            raise ImportError("importé : " + name)
sys.meta_path.insert(0, Trap())
from exercises.{exercise} import main
raise SystemExit(main(["samples/chien.webp", "--output", {str(tmp_path)!r}]))
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=repo, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "Chien" in result.stdout and [*tmp_path.glob("*.png")]


@pytest.fixture(scope="module")
def light():
    from convnets.serving.classifier import Classifier

    return maps.LightModel(Classifier(maps.STUDY_MODEL))


def judged(light, name, method):
    from convnets.explaining.explain import load_method

    image = light.classifier.prepare(f"samples/{name}")
    index = int(light.predict(image[np.newaxis])[0].argmax())
    found = load_method(method)
    subject = maps.Subject(light, image, index, light.classifier.classes[index], 0.0)
    return maps.judge(subject, found.measure(light, image, index), unit=found.unit)


@pytest.mark.parametrize(
    "method", [name for name, each in EXPLANATIONS.items() if not each.derives]
)
def test_the_picture_of_the_examples_shows_something(light, method):
    found = judged(light, maps.SAMPLE.removeprefix("samples/"), method)
    assert found.drop > 0.5 and found.values.max() > 0.1


def test_a_sure_answer_is_not_painted(light):
    """samples/chat.png : le réseau y est si sûr qu'aucun carré caché n'y change rien."""
    found = judged(light, "chat.png", "occlusion")
    assert found.largest < 0.01 and not found.painted()[0].any()
