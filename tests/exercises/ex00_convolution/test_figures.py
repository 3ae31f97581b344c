import re

import pytest
from matplotlib.colors import to_hex

from convnets.figures import convolution
from exercises.ex00_convolution import figures as ex00_figures

pytestmark = pytest.mark.ci

EXPECTED = {
    "grille_20x20",
    "grille_reponses",
    "x_et_o",
    "filtres",
    "cartes",
    "cartes_relu",
    "cartes_pooling",
    "depliement",
    "votes",
    "chaine",
    "canaux",
    "pooling_trois",
    "lenet5",
    "champ_recepteur",
}

PARAMETERS = re.compile(r"^(\d[\d ]*)(?: paramètres)?$", re.MULTILINE)
LENET_NAMES = [name for name, _ in ex00_figures.LENET]


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


@pytest.fixture(scope="module")
def groups():
    """Les trois groupes de figures, dessinés une fois pour tout le fichier."""
    with convolution.house_style():
        return {name: getattr(ex00_figures, name)() for name in ("numbers", "x_or_o", "layers")}


@pytest.fixture(scope="module")
def figures(groups):
    return groups["numbers"] | groups["x_or_o"] | groups["layers"]


def test_every_lost_picture_is_drawn(figures):
    assert set(figures) == EXPECTED


@pytest.mark.question("S0")
def test_the_figures_carry_the_numbers_of_the_course(figures):
    assert texts(figures["grille_20x20"])[1:4] == ["8", "2", "22"]
    assert len(texts(figures["grille_20x20"])) == 401
    assert texts(figures["cartes"]).count("1") == 4 + 1 + 4
    assert "O (de ce cours)" in texts(figures["x_et_o"])
    assert texts(figures["depliement"])[-13:-1] == [
        "1",
        "0,55",
        "0,55",
        "1",
        "1",
        "0,55",
        "0,55",
        "0,55",
        "0,55",
        "1",
        "1",
        "0,55",
    ]
    assert texts(figures["votes"]) == ["1", "0,82", "0,55", "0,55", "0,55", "1"]


@pytest.mark.question("S2 §1.3, S3")
def test_the_lenet_figure_has_the_shapes_of_the_network(figures):
    from exercises.ex00_convolution import networks

    shapes = {label for label in texts(figures["lenet5"]) if label.replace("×", "").isdigit()}
    for layer in networks.build_lenet(32).layers:
        assert "×".join(map(str, layer.output.shape[1:])) in shapes


@pytest.mark.question("S2 §1.3, S3")
def test_the_lenet_figure_draws_every_map_and_counts_every_parameter(figures):
    from exercises.ex00_convolution import networks

    counts = [int(n.replace(" ", "")) for n in PARAMETERS.findall("\n".join(LENET_NAMES))]
    assert sum(counts) == networks.build_lenet(32).count_params() == 61_706
    ambers = [
        p for p in figures["lenet5"].axes[0].patches if to_hex(p.get_facecolor()) == "#ffd27f"
    ]
    boxes = [p for p in figures["lenet5"].axes[0].patches if to_hex(p.get_facecolor()) == "#e6e6e6"]
    assert len(boxes) == 1 + 6 + 6 + 16 + 16 + 4  # les cartes, puis les vecteurs
    assert len(ambers) == 4 and ambers[0].get_width() * 32 / 5 == pytest.approx(
        boxes[0].get_width()
    )


@pytest.mark.question("S2 §1.2")
def test_the_receptive_fields_are_those_of_the_middle_cells(figures):
    """Refait case par case : ce que lit chaque case d'une couche dans celle d'avant."""
    seen = [{k} for k in range(32)]
    expected = []
    for (_, shape), side, step in zip(
        ex00_figures.LENET[1:5],
        ex00_figures.LENET_WINDOWS[1:],
        ex00_figures.LENET_STRIDES[1:],
        strict=True,
    ):
        seen = [set().union(*seen[step * i : step * i + side]) for i in range(shape[0])]
        middle = seen[shape[0] // 2]
        expected.append(((min(middle),) * 2, len(middle)))
    assert [(place, side) for _, place, side in ex00_figures.lenet_fields()] == expected
    titles = [axis.get_title().split("\n")[1] for axis in figures["champ_recepteur"].axes]
    assert titles == ["32×32", *(f"{side}×{side}" for _, side in expected)]


def test_no_number_overlaps_another(figures):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    for name in EXPECTED - {"grille_20x20"}:
        canvas = FigureCanvasAgg(figures[name])
        canvas.draw()
        found = [
            t.get_window_extent(canvas.get_renderer())
            for ax in figures[name].axes
            for t in ax.texts
            if t.get_text()
        ]
        for k, box in enumerate(found):
            assert not any(box.overlaps(other) for other in found[k + 1 :]), name


@pytest.mark.question("S3 Convolution 2D")
def test_the_animations_end_on_the_printed_results():
    animations = ex00_figures.animations()
    _, sliding = animations["convolution_5x5"]
    assert sliding.output.tolist() == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]
    assert "[4]" in convolution.text_step(sliding, 8)
    for _, sliding in animations.values():
        for index, value in enumerate(sliding.output.reshape(-1)):
            terms = [v for v in sliding.terms(index).reshape(-1) if v is not None]
            expected = {"sum": sum(terms), "max": max(terms)}
            expected["mean"] = expected["sum"] / sliding.terms(index).size
            assert float(value) == pytest.approx(float(expected[sliding.operation]))


def test_save_all_writes_them(groups, tmp_path, monkeypatch, capsys):
    for name, drawn in groups.items():
        monkeypatch.setattr(ex00_figures, name, lambda drawn=drawn: drawn)
    one = ex00_figures.slide([[1, 2], [3, 4]], pool="max")
    monkeypatch.setattr(ex00_figures, "animations", lambda: {"petite": ("titre", one)})
    assert ex00_figures.save_all(tmp_path / "f") == 0
    written = {path.name for path in (tmp_path / "f").iterdir()}
    assert written == {f"{name}.png" for name in EXPECTED} | {"petite.png", "petite.gif"}
    assert len(capsys.readouterr().out.splitlines()) == len(written)
