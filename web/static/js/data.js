// Lire les fichiers du site, d'où qu'il soit ouvert : un serveur, un dossier, une clé.
//
// Une page ouverte d'un double clic n'a pas le droit de lire un fichier, seulement d'exécuter un
// script : chaque fichier est donc un script, qui appelle `cours.receive` avec son contenu, compressé
// par gzip et écrit en base 64 (voir web/scripts.py).

const FOLDER = "donnees";
const OPEN = ',"', CLOSE = '")'; // autour du contenu, dans un script

const script = /** @type {HTMLScriptElement | null} */ (document.currentScript);
const root = new URL("../../", script?.src ?? location.href); // _static/ateliers/page.js
/** Ce qui attend un fichier, par son chemin. @type {Map<string, (text: string) => void>} */
const waiting = new Map();

/** Ce que les scripts du site appellent. @type {Record<string, any>} */
export const course = {receive: (/** @type {string} */ path, /** @type {string} */ text) => waiting.get(path)?.(text)};
Object.assign(globalThis, {cours: course});

/** Rend l'adresse d'un fichier du site. @param {string} path depuis sa racine. */
export function addressOf(path) {
  return new URL(path, root).href;
}

/** Lit un fichier du site. @param {string} path depuis sa racine.
 * @param {(done: number) => void} [progress] part déjà reçue, de 0 à 1, si elle est connue. */
export async function fetchBytes(path, progress) {
  const address = addressOf(`${FOLDER}/${path}.js`);
  const text = await (root.protocol === "file:" ? runScript(path, address) : download(path, address, progress));
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Lit un JSON du site. @param {string} path */
export async function fetchJson(path) {
  return JSON.parse(new TextDecoder().decode(await fetchBytes(path)));
}

/** Exécute le script d'un fichier. @param {string} path @param {string} address @returns {Promise<string>} */
function runScript(path, address) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    waiting.set(path, resolve);
    element.onerror = () => reject(new Error(`${path} n'est pas dans ce site : il n'a pas été copié en entier.`));
    element.onload = () => element.remove();
    element.src = address;
    document.head.append(element);
  });
}

/** Lit le script d'un fichier, en disant où l'on en est. @param {string} path @param {string} address
 * @param {(done: number) => void} [progress] */
async function download(path, address, progress) {
  try {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`${path} n'est pas dans ce site (code ${response.status}).`);
    const total = Number(response.headers.get("Content-Length"));
    let text = "";
    if (!progress || !response.body || !total || response.headers.get("Content-Encoding")) {
      text = await response.text();
    } else {
      const reader = response.body.getReader(), decoder = new TextDecoder();
      for (let place = 0; ;) {
        const {done, value} = await reader.read();
        if (done) break;
        text += decoder.decode(value, {stream: true});
        place += value.length;
        progress(place / total);
      }
    }
    return text.slice(text.indexOf(OPEN) + OPEN.length, text.lastIndexOf(CLOSE));
  } catch (error) {
    throw error instanceof TypeError
      ? new Error(`${path} n'arrive pas : vérifiez la connexion, puis recommencez.`) : error;
  }
}
