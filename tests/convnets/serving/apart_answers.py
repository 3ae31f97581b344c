"""Ce que `test_apart` fait faire à un processus à part."""

import os
import sys
import tempfile
import time


def answer(arguments, content):
    """Fait ce que dit le premier argument."""
    wanted, *rest = arguments
    if wanted == "echo":
        print("bruit", flush=True)  # n'est pas une réponse
        return {"path": sys.path, "size": len(content)}, content[::-1]
    if wanted == "stop":
        os.abort()
    if wanted == "fail":
        raise {"key": KeyError, "missing": lambda text: ImportError(text, name="rien.du.tout")}[
            rest[0]
        ]("in English")
    if wanted == "fill":
        return {"size": len(bytearray(2**30))}, b""
    with tempfile.NamedTemporaryFile(delete=False) as file, open(rest[0], "w") as told:
        told.write(f"{os.getpid()} {file.name}")
    time.sleep(60)
    return {}, b""
