"""Les figures des autres systèmes que les modèles livrés permettent de refaire."""

import pytest
from PIL import Image

from docs import systems


def test_the_command_writes_where_it_is_told(tmp_path, monkeypatch, capsys):
    drawn = []
    monkeypatch.setattr(systems, "draw_reports", drawn.append)
    monkeypatch.setattr(systems, "draw_detection", drawn.append)
    monkeypatch.setattr(systems, "draw_instances", drawn.append)
    monkeypatch.setattr(systems, "draw_sentences", drawn.append)
    monkeypatch.setattr(systems, "draw_captions", drawn.append)
    monkeypatch.setattr(systems, "draw_video", drawn.append)
    monkeypatch.setattr(systems, "draw_pose_and_depth", drawn.append)
    assert systems.main(["--output", str(tmp_path)]) == 0
    assert systems.main([]) == 0
    assert drawn == [tmp_path] * 7 + [systems.FOLDER] * 7
    assert capsys.readouterr().out.splitlines() == [str(tmp_path), str(systems.FOLDER)]


@pytest.mark.slow
def test_it_remakes_figures_of_the_page_at_their_size(repo, tmp_path):
    systems.draw_reports(tmp_path)
    page = (repo / "docs" / "systemes.md").read_text(encoding="utf-8")
    assert len(list(tmp_path.iterdir())) == 19
    for path in tmp_path.iterdir():
        assert f"(systemes/{path.name})" in page
        with Image.open(path) as made, Image.open(systems.FOLDER / path.name) as shipped:
            assert made.size == shipped.size
