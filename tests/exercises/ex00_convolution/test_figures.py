import pytest

from convnets.figures import convolution
from exercises.ex00_convolution import figures as ex00_figures

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
}


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
