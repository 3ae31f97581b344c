"""Exécuter notre JavaScript par Node.js, pour comparer ce qu'il calcule à notre Python."""

import json
import re
import shutil
import subprocess

import pytest

from web.book import STATIC

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node n'est pas installé")


def run_script(code, given):
    """Exécute du JavaScript qui lit `given` et rend ce qu'il écrit, en JSON."""
    head = 'import fs from "fs"; const given = JSON.parse(fs.readFileSync(0, "utf8"));\n'
    imports = "".join(
        f'import * as {path.stem} from "{path.as_uri()}";\n'
        for path in (STATIC / "js").glob("*.js")
        if re.search(rf"\b{path.stem}\.\w+\(", code)
    )
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", imports + head + code],
        input=json.dumps(given),
        capture_output=True,
        encoding="utf-8",
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)
