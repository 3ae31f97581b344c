import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exercises.ex24_autoencoder.coder import LIMIT, Table, count, decode, encode

TABLES = [Table(60000, 20000), Table(1, 65535), Table(65535, 1), Table(30000, 60000)]


@given(st.lists(st.integers(-LIMIT, LIMIT), max_size=60), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_back(symbols, first):
    tables = list(itertools.islice(itertools.cycle(TABLES[first:] + TABLES[:first]), len(symbols)))
    assert decode(encode(symbols, tables), tables) == symbols


def test_the_entropy_is_reached():
    """Zéro neuf fois sur dix, puis ±1, ±2… de rapport 1/2 : 0,77 bit chacun, et non un."""
    rng = np.random.default_rng(0)
    num = 20_000
    sizes = np.where(rng.random(num) < 0.9, 0, rng.geometric(0.5, num))
    symbols = sizes * rng.choice([-1, 1], num)
    # H = H(0,9) + 0,1 · (un signe + une géométrique de raison 1/2, qui a 2 bits)
    entropy = -0.9 * np.log2(0.9) - 0.1 * np.log2(0.1) + 0.1 * (1 + 2)
    assert entropy == pytest.approx(0.769, abs=1e-3)
    counted = count(symbols[:, None])
    assert counted[0] == pytest.approx((0.9 * 65536, 0.5 * 65536), rel=0.05)
    content = encode(symbols.tolist(), [Table(*counted[0])] * num)
    # L'entropie de ce tirage-là, à un demi-pour cent et cinq octets près.
    counts = np.unique(symbols, return_counts=True)[1]
    drawn = -(counts * np.log2(counts / num)).sum() / 8
    assert drawn <= len(content) <= 1.005 * drawn + 5
    assert drawn == pytest.approx(num * entropy / 8, rel=0.03)


def test_counts_of_empty_and_constant_channels():
    symbols = np.zeros((4, 5, 2), int)
    symbols[..., 1] = 7
    assert count(symbols) == [(65535, 1), (1, round(65536 * (1 - 21 / 141)))]
