import errno
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from convnets.figures import style


@pytest.mark.ci
def test_numbers_on_every_axis_have_a_french_comma(tmp_path):
    """Axes ordinaires, logarithmiques, de couleurs, à graduations écrites ou comptées à part."""
    with style.new_figure(tmp_path / "a.png", columns=4) as (figure, axes):
        line, log, picture, names = axes[0]
        line.plot([0, 1], [0.00012, 0.00015])
        line.axes.inset_axes((0.5, 0.5, 0.3, 0.3)).plot([0, 0.5])
        log.plot([0.2, 0.5, 0.9], [1, 2, 3])
        log.set(xscale="log")
        log.xaxis.set_minor_formatter("{x:g}")
        line.set_xticks([0, 1], [50, 0.125])  # des nombres, et non des textes
        figure.colorbar(picture.imshow(np.eye(2) / 2), ax=picture)
        names.bar(["moy. 1", "v. 2.5"], [1.2, 2.4])
    shown = [text.get_text() for text in figure.findobj(lambda each: hasattr(each, "get_text"))]
    assert not [text for text in shown if re.search(r"\d\.\d", text)]
    assert {"0,25", "0,5", "1,5", "moy. 1", "v. 2,5", "50", "0,125"} <= set(shown)


def test_the_style_does_not_outlive_its_block():
    import matplotlib

    before = dict(matplotlib.rcParams)
    with style.house_style():
        assert matplotlib.rcParams["savefig.dpi"] == 120
    assert dict(matplotlib.rcParams) == before


def test_a_single_file_goes_where_it_is_told(tmp_path):
    def written(output, name="image.png"):
        return style.output_file(SimpleNamespace(output=output, module="ex99"), name)

    assert written(None).as_posix() == "figures/ex99/image.png"
    assert written(tmp_path) == tmp_path / "image.png"
    assert written(tmp_path / "A.PNG") == tmp_path / "A.PNG"
    assert written(tmp_path / "code", "image.bin") == tmp_path / "code"
    for name in ("a.jpg", "a"):
        with pytest.raises(ValueError, match=r"ne se termine pas par \.png"):
            written(tmp_path / name)


def test_a_full_disk_leaves_the_figure_that_was_there(tmp_path, monkeypatch):
    def fill(self, path, **options):
        Path(path).write_bytes(b"")
        raise OSError(errno.ENOSPC, "plein")

    path = tmp_path / "figure.png"
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fill)
    for before in (None, b"ancienne"):
        if before:
            path.write_bytes(before)
        with pytest.raises(OSError) as raised, style.new_figure(path):
            pass
        assert raised.value.filename == str(path)
        assert [each.read_bytes() for each in tmp_path.iterdir()] == ([before] if before else [])
