// Un Worker ne lit pas les fichiers du site : il les demande à la page (voir calculator.js).

/** @type {Map<string, {resolve: (bytes: Uint8Array<ArrayBuffer>) => void, reject: (error: Error) => void}>} */
const asked = new Map();

/** Demande un fichier. @param {string} path depuis la racine du site. @returns {Promise<Uint8Array<ArrayBuffer>>} */
export function ask(path) {
  return new Promise((resolve, reject) => {
    asked.set(path, {resolve, reject});
    self.postMessage({need: path});
  });
}

/** Demande un JSON. @param {string} path */
export async function askJson(path) {
  return JSON.parse(new TextDecoder().decode(await ask(path)));
}

/** Reçoit un fichier demandé. @param {{path: string, bytes?: Uint8Array<ArrayBuffer>, error?: string}} answer */
export function receive({path, bytes, error}) {
  const waiting = asked.get(path);
  asked.delete(path);
  if (bytes) waiting?.resolve(bytes);
  else waiting?.reject(new Error(error));
}
