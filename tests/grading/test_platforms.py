"""Ailleurs que sous Linux, la correction ne se lance pas : elle le dit en une phrase."""

import subprocess
import sys

import pytest

from grading import pupil, sandbox


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_grading_refuses_in_a_sentence(monkeypatch, system):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("lancé"))
    for start in (sandbox.check_system, lambda: pupil.Workshop("numpy")):
        with pytest.raises(sandbox.WrongSystemError, match="sous Linux. Sous Windows, .* WSL"):
            start()
