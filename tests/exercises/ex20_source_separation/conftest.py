import numpy as np
import pytest

from convnets.datasets.soundfont import Zone
from exercises.ex20_source_separation import timbres


@pytest.fixture
def instruments(monkeypatch):
    """À la place du soundfont, tout instrument est le même la ; toute percussion, un bruit."""
    t = np.arange(8000) / 8000
    tone = Zone(0, 127, 69, 8000, np.sin(2 * np.pi * 440 * t), (0, 8000), 20, 10)
    noise = np.random.default_rng(0).normal(0, np.exp(-60 * t))
    found = {
        name: [tone] for each in (timbres.LEARNED, timbres.UNSEEN) for name in each.melodic.values()
    }
    found[timbres.DRUMS] = [Zone(0, 60, 60, 8000, noise, None, 0, 0), tone._replace(root=40)]
    monkeypatch.setattr(timbres, "load_instruments", lambda: found)
