// Dans quel sens tenir une image WebP : les navigateurs ne lisent pas toujours son EXIF.
//
// Sources : « WebP Container Specification », Google ; « Exif 2.32 », CIPA DC-008, § 4.6.4.

/** @typedef {import("./picture.js").Picture} Picture */

const ORIENTATION = 0x0112;

/** Dit si un fichier est un WebP. @param {Uint8Array} bytes */
export function isWebp(bytes) {
  return word(bytes, 0) === "RIFF" && word(bytes, 8) === "WEBP";
}

/** Rend l'orientation qu'annonce un WebP, de 1 à 8 ; 1, droite, s'il n'en dit rien.
 * @param {Uint8Array} bytes */
export function webpOrientation(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let place = 12; place + 8 <= bytes.length;) {
    const size = view.getUint32(place + 4, true), start = place + 8;
    if (word(bytes, place) === "EXIF") return orientation(bytes.subarray(start, start + size));
    place = start + size + size % 2;
  }
  return 1;
}

/** @param {Uint8Array} bytes un bloc EXIF, que son nom précède parfois. */
function orientation(bytes) {
  const start = word(bytes, 0) === "Exif" ? 6 : 0, tiff = bytes.subarray(start);
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length), little = word(tiff, 0).startsWith("II");
  try {
    const list = view.getUint32(4, little), count = view.getUint16(list, little);
    for (let i = 0; i < count; i++) {
      const entry = list + 2 + 12 * i;
      if (view.getUint16(entry, little) === ORIENTATION) return view.getUint16(entry + 8, little);
    }
  } catch {
    // EXIF abîmé : l'image reste comme elle est
  }
  return 1;
}

/** @param {Uint8Array} bytes @param {number} place quatre lettres. */
function word(bytes, place) {
  return String.fromCharCode(...bytes.subarray(place, place + 4));
}

/** Redresse une image. @param {Picture} image @param {number} turn de 1 à 8. @returns {Picture} */
export function upright(image, turn) {
  if (!(turn > 1 && turn <= 8)) return image;
  const swaps = turn > 4, width = swaps ? image.height : image.width, height = swaps ? image.width : image.height;
  const mirrorsX = [2, 3, 7, 8].includes(turn), mirrorsY = [3, 4, 6, 7].includes(turn);
  const pixels = new Uint8ClampedArray(image.pixels.length);
  for (let y = 0, k = 0; y < height; y++) {
    for (let x = 0; x < width; x++, k += 3) {
      const [u, v] = swaps ? [y, x] : [x, y];
      const from = 3 * ((mirrorsY ? image.height - 1 - v : v) * image.width + (mirrorsX ? image.width - 1 - u : u));
      pixels.set(image.pixels.subarray(from, from + 3), k);
    }
  }
  return {width, height, pixels};
}
