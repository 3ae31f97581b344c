import json
from fractions import Fraction

import numpy as np
import pytest

from grading.inside.messages import HEADER, Ingredient, Opaque, Unreadable, length, pack, unpack


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        7,
        -2.5,
        "é",
        b"\x00\xff",
        [1, [2.0, "x"]],
        (1, (2,)),
        {"a": 1, (1, 2): [3]},
        Fraction(-7, 9),
        10**30,
    ],
)
def test_plain_values_come_back(value):
    found = unpack(pack(value))
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64", "bool", "complex64"])
def test_arrays_keep_shape_dtype_and_values(dtype):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)[:, ::2, ::-1]
    found = unpack(pack({"x": array}))["x"]
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_what_is_not_data_leaves_only_its_name():
    class Strange:
        def __eq__(self, other):
            return True

        __hash__ = None

    assert unpack(pack([Strange(), len])) == [
        Opaque("Strange"),
        Opaque("builtin_function_or_method"),
    ]


def test_ingredients_travel_one_way_only():
    content = pack(Ingredient("planted_model", {"shape": [2]}))
    assert unpack(content, ingredients=True) == Ingredient("planted_model", {"shape": [2]})
    with pytest.raises(Unreadable):
        unpack(content)


def forged(value, sizes=(), body=b""):
    head = json.dumps([value, list(sizes)]).encode()
    return HEADER.pack(len(head), len(body)) + head + body


DEEP = b"[%s, []]" % (b"[" * 100_000 + b"]" * 100_000)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 15,
        b"\xff" * 64,
        HEADER.pack(4, 0) + b"null",
        forged({"pickle": [1]}),
        forged({"array": [0, "<f8", [2]]}, [8], b"\0" * 8),  # tableau plus court qu'annoncé
        forged({"array": [0, "|O", [1]]}, [8], b"\0" * 8),  # objets : jamais
        forged({"array": [0, "(2,)f8", [1]]}, [16], b"\0" * 16),
        forged({"array": [5, "<f8", [1]]}, [8], b"\0" * 8),
        forged({"array": [0, "<f8", [10**12]]}, [8], b"\0" * 8),
        forged({"Fraction": [1, 0]}),
        forged({"Fraction": ["1e999999999", 1]}),
        forged({"dict": [[[], 1]]}),
        forged({"dict": [], "tuple": []}),
        forged({"Ingredient": ["planted_model", {"dict": []}]}),
        HEADER.pack(len(DEEP), 0) + DEEP,
    ],
)
def test_forged_messages_are_refused_without_a_crash(content):
    with pytest.raises(Unreadable):
        unpack(content)


def test_a_long_text_is_refused_before_it_is_read():
    """Trente mégaoctets de JSON en prenaient 1600, une fois lus."""
    with pytest.raises(Unreadable, match="trop long"):
        length(HEADER.pack(30 * 2**20, 0))
    with pytest.raises(Unreadable, match="trop long"):
        pack(list(range(500_000)))


def test_bytes_are_read_once():
    """Citer mille fois huit mégaoctets en prendrait huit mille."""
    one = {"array": [0, "|u1", [8]]}
    assert len(unpack(forged([one], [8], b"\0" * 8))) == 1
    for again in (one, {"bytes": [0]}):
        with pytest.raises(Unreadable):
            unpack(forged([one, again], [8], b"\0" * 8))
