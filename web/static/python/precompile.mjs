// À la construction du site : traduire les archives de Python en code déjà compilé, par le Python même qui les lira.
//
// Usage : node precompile.mjs DOSSIER_DE_PYODIDE SORTIE ARCHIVE…

import fs from "node:fs";
import path from "node:path";
import {pathToFileURL} from "node:url";

const CODE = `
import importlib.util
import zipfile
from importlib._bootstrap_external import _code_to_hash_pyc

UNREAD = (".pyi", ".pxd", ".h", ".c", ".a")  # ce que seul un compilateur lit


def precompile(source: str, target: str) -> None:
    """Écrit une archive dont chaque module est compilé, sans son texte."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith(UNREAD):
                continue
            if name.endswith(".py"):
                code = compile(content, name, "exec", dont_inherit=True)
                content = bytes(_code_to_hash_pyc(code, importlib.util.source_hash(content), False))
                name += "c"
            new.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)  # sans date
`;

const [folder, output, ...archives] = process.argv.slice(2);
const {loadPyodide} = await import(pathToFileURL(path.join(folder, "pyodide.mjs")).href);
const python = await loadPyodide({indexURL: folder + path.sep});
python.runPython(CODE);
for (const archive of archives) {
  python.FS.writeFile("/old.zip", new Uint8Array(fs.readFileSync(archive)));
  python.globals.get("precompile")("/old.zip", "/new.zip");
  fs.writeFileSync(path.join(output, path.basename(archive)), python.FS.readFile("/new.zip"));
}
