"""Le premier essai d'un `.tflite` abîmé : une phrase en français, quoi qu'il contienne."""

import random

import pytest

from convnets.serving import apart, own, trial

KNOWN = (trial.DAMAGED, "le moteur s'est arrêté", "il lit des entrées", "il rend", "il emploie")
LENGTHS = (0, 1, 2**31 - 1, 2**31, 2**32 - 1)


def mutated(content: bytes, seed: int) -> bytes:
    """Rend un export abîmé d'une façon sur quatre : octets, fin, nombres ou zéros."""
    rng, damaged = random.Random(seed), bytearray(content)
    way = seed % 4
    if way == 0:
        for _ in range(rng.choice([1, 4, 32, 200])):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    elif way == 1:
        del damaged[rng.randrange(8, len(damaged)) :]
    elif way == 2:
        for _ in range(rng.choice([1, 3, 10])):
            start = rng.randrange(min(4096, len(damaged)) - 4) // 4 * 4
            damaged[start : start + 4] = rng.choice(LENGTHS).to_bytes(4, "little")
    else:
        start = rng.randrange(len(damaged))
        damaged[start : start + 200] = bytes(len(damaged[start : start + 200]))
    return bytes(damaged)


def check(content: bytes) -> None:
    try:
        fields, rest = apart.run(own.TRIAL, [], limits=own.MODEL, content=content)
    except apart.RefusedError as error:
        assert str(error).startswith(KNOWN), str(error)
        assert "\n" not in str(error)
    else:
        assert fields["num_outputs"] >= 2 and rest == b""


@pytest.mark.ci
@pytest.mark.parametrize("seed", range(4))  # une fois chaque façon
def test_a_damaged_network_is_one_sentence(repo, seed):
    check(mutated((repo / "models" / "digits.tflite").read_bytes(), seed))


@pytest.mark.slow
def test_a_hundred_damaged_networks(repo):
    content = (repo / "models" / "garments.tflite").read_bytes()
    for seed in range(100):
        check(mutated(content, 1000 + seed))


def test_what_is_no_network_is_said():
    for content in (b"", b"abime", b"\x1c\0\0\0TFL3" + bytes(200)):
        with pytest.raises(apart.RefusedError, match="ce n'est pas un .tflite"):
            trial.load(content)
