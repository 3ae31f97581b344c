import numpy as np
import pytest

from exercises.ex20_source_separation.sounds import make_mixtures
from exercises.ex20_source_separation.timbres import LEARNED, UNSEEN
from exercises.ex20_source_separation.wavs import read_wav
from web.sounds import FOLDER


@pytest.mark.slow
def test_the_sounds_of_the_page_are_those_of_the_exercise():
    made = *make_mixtures(1, LEARNED, seed=2026), *make_mixtures(3, UNSEEN, seed=2026)
    for path, sources in zip(sorted(FOLDER.iterdir()), made, strict=True):
        mixture = sources.sum(axis=0)
        np.testing.assert_allclose(read_wav(path), mixture / abs(mixture).max(), atol=1e-3)
