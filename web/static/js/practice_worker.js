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

/** Prépare Python. @returns {Promise<(request: string) => string>} la fonction `verify` de practice.py. */
async function start() {
  scope.importScripts(`${folder}pyodide.js`);
  const silent = () => {};
  const python = await scope.loadPyodide({indexURL: folder, stdout: silent, stderr: silent});
  await python.loadPackage("numpy", {messageCallback: silent, errorCallback: silent});
  const course = await read(`${folder}cours.zip`);
  if (!course.ok) throw new Error(`code ${course.status}`);
  python.unpackArchive(await course.arrayBuffer(), "zip", {extractDir: "/cours"});
  python.runPython("import sys; sys.path.insert(0, '/cours')");
  return python.pyimport("practice").verify;
}

const starting = start();
starting.then(() => self.postMessage({ready: true}),
  () => self.postMessage({error: "Python ne démarre pas : il n'est pas dans ce site, ou la connexion manque, ou la mémoire."}));

self.onmessage = async ({data}) => {
  const verify = await starting;
  try {
    self.postMessage({result: JSON.parse(verify(JSON.stringify(data)))});
  } catch (error) {
    const last = String(/** @type {Error} */ (error).message).trim().split("\n").at(-1);
    self.postMessage({error: `Python s'est arrêté : ${last}`});
  }
};
