// Ce que le Worker fait pour emporter le site : une archive de ses propres fichiers.

import {Zip, ZipDeflate, ZipPassThrough} from "fflate";

const FOLDER = "cours"; // où l'archive se décompresse
const COMPRESSED = /\.(png|jpe?g|webp|gif|zip)$/;

/** @type {Record<string, (args: any, report: import("./calculator.js").Report) => Promise<any>>} */
export const ARCHIVE = {
  /** Rend l'archive. `files` : nom et octets de chaque fichier ; `root` : l'adresse du site. */
  async archive({files, root}, report) {
    /** @type {Uint8Array<ArrayBuffer>[]} */
    const parts = [], whole = files.reduce((/** @type {number} */ sum, /** @type {[string, number]} */ [, size]) => sum + size, 0);
    let place = 0, done = 0;
    const zip = new Zip((/** @type {Error | null} */ error, /** @type {Uint8Array<ArrayBuffer>} */ part) => {
      if (error) throw error;
      parts.push(part);
    });
    for (const [name, size] of files) {
      const entry = COMPRESSED.test(name) ? new ZipPassThrough(`${FOLDER}/${name}`) : new ZipDeflate(`${FOLDER}/${name}`);
      zip.add(entry);
      entry.push(await read(new URL(name, root).href, name), true);
      place += size;
      report(place / whole, `Fichier ${++done} sur ${files.length}…`);
    }
    zip.end();
    return new Blob(parts, {type: "application/zip"});
  },
};

/** @param {string} address @param {string} name */
async function read(address, name) {
  const response = await fetch(address).catch(() => null);
  if (!response?.ok) throw new Error(`${name} n'arrive pas : vérifiez la connexion, puis recommencez.`);
  return new Uint8Array(await response.arrayBuffer());
}
