// Accepter une image, ou dire en une phrase pourquoi non, avant qu'elle soit décodée.

import {compute} from "./calculator.js";
import {course} from "./data.js";
import {MAX_PIXELS, UNREADABLE, readPixels} from "./decode.js";

const APPLE = /^ftyp(hei|hev|mif1|msf1)/; // au cinquième octet d'une photo HEIC

/** Décode une image, droite, sur fond neutre. @param {Blob} blob
 * @param {number} [enough] petit côté auquel une grande photo peut être réduite. @returns {Promise<import("./picture.js").Picture>} */
export async function decode(blob, enough) {
  return readPixels(await check(blob), enough);
}

/** Refuse une image vide, illisible ou démesurée. @param {Blob} blob
 * @returns {Promise<Blob>} la même image, dans un format que ce navigateur lit. */
export async function check(blob) {
  if (!blob.size) throw new Error("Ce fichier est vide : une image est attendue.");
  const head = await blob.slice(0, 200).text();
  if (/<svg|<\?xml/.test(head)) throw new Error("C'est un dessin SVG, sans pixels : enregistrez-le en PNG d'abord.");
  if (head.slice(4, 8) === "TFL3") throw new Error("C'est un modèle : déposez-le, avec son .json, sur la page « Nommer ».");
  let found = blob, size;
  try {
    size = await measure(blob);
  } catch (error) {
    if (!APPLE.test(head.slice(4))) throw error;
    found = await compute("convert", {blob});
    size = await measure(found);
  }
  const {width, height} = size;
  if (width * height > MAX_PIXELS) {
    throw new Error(`Cette image est démesurée (${width} × ${height} pixels) : réduisez-la d'abord.`);
  }
  return found;
}

/** Rend la taille d'une image, sans la décoder. @param {Blob} blob
 * @returns {Promise<{width: number, height: number}>} */
async function measure(blob) {
  const image = new Image(), address = URL.createObjectURL(blob);
  try {
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = reject;
      image.src = address;
    });
    return {width: image.naturalWidth, height: image.naturalHeight};
  } catch {
    throw new Error(UNREADABLE);
  } finally {
    URL.revokeObjectURL(address);
  }
}

course.check = check; // que les tests comparent à `./predict`
