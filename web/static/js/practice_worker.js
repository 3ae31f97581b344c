// Python à côté de la page : Pyodide, NumPy et le correcteur, lus du site, jamais d'ailleurs.

const folder = new URL("../../python/", self.location.href).href;
const scope = /** @type {any} */ (self);

/** Lit un fichier ; celui du moteur est compressé, sous un autre nom (voir web/runtime.py). */
const read = self.fetch.bind(self);
self.fetch = async (address, options) => {
  const name = String(address instanceof Request ? address.url : address);
  if (!name.endsWith("pyodide.asm.wasm")) return read(address, options);
  const packed = await read(name.replace(/wasm$/, "bin"), options);
  if (!packed.ok || !packed.body) return packed;
  return new Response(packed.body.pipeThrough(new DecompressionStream("gzip")), {headers: {"Content-Type": "application/wasm"}});
};

/** Lit un fichier entier. @param {string} name */
async function readBytes(name) {
  const response = await read(folder + name);
  if (!response.ok) throw new Error(`code ${response.status}`);
  return response.arrayBuffer();
}

/** Prépare Python ; NumPy et le cours se téléchargent pendant qu'il démarre.
 * @returns {Promise<(request: string, tell: (known: string) => void) => string>} la fonction `verify` de practice.py. */
async function start() {
  const reading = Promise.all(["numpy.zip", "cours.zip"].map(readBytes)), silent = () => {};
  scope.importScripts(`${folder}pyodide.js`);
  const python = await scope.loadPyodide({indexURL: folder, stdout: silent, stderr: silent});
  for (const bytes of await reading) python.unpackArchive(bytes, "zip", {extractDir: "/cours"}); // NumPy ne charge alors que ce qui sert
  python.runPython("import sys; sys.path.insert(0, '/cours')");
  return python.pyimport("practice").verify;
}

const starting = start();
starting.then(() => self.postMessage({ready: true}),
  () => self.postMessage({error: "Python ne démarre pas : il n'est pas dans ce site, ou la connexion manque, ou la mémoire."}));

self.onmessage = async ({data}) => {
  const verify = await starting;
  try {
    const tell = (/** @type {string} */ known) => self.postMessage({known: JSON.parse(known)});
    self.postMessage({result: JSON.parse(verify(JSON.stringify(data), tell))});
  } catch (error) {
    const last = String(/** @type {Error} */ (error).message).trim().split("\n").at(-1);
    self.postMessage({error: `Python s'est arrêté : ${last}`});
  }
};
