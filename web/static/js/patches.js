// Une image de 28 × 28 coupée en 49 carrés : ce que lisent les réseaux des exercices 19 et 21.

import {grey} from "./picture.js";

/** @typedef {import("./layers.js").Tensor} Tensor */
/** @typedef {import("./picture.js").Picture} Picture */

export const SIDE = 28, PATCH = 4, ROW = SIDE / PATCH, PATCHES = ROW * ROW;
const COLD = [0, 34, 78], HOT = [253, 231, 55]; // du bleu nuit au jaune

/** Rend le carré où est un pixel. @param {number} pixel compté ligne par ligne. */
function patchOf(pixel) {
  return Math.floor(pixel / SIDE / PATCH) * ROW + Math.floor(pixel % SIDE / PATCH);
}

/** Coupe une image en morceaux, une ligne chacun, entre -1 et 1. @param {ArrayLike<number>} image @returns {Tensor} */
export function cut(image) {
  const values = new Float32Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const pixel = y * SIDE + x;
      values[patchOf(pixel) * PATCH * PATCH + y % PATCH * PATCH + x % PATCH] = image[pixel] / 127.5 - 1;
    }
  }
  return {shape: [PATCHES, PATCH * PATCH], values};
}

/** Range autrement les morceaux d'une image. @param {Uint8Array} image
 * @param {number[]} order le morceau mis à chaque place. */
export function reorder(image, order) {
  return Uint8Array.from(image, (_, i) => {
    const y = Math.floor(i / SIDE), x = i % SIDE, from = order[patchOf(i)];
    return image[(Math.floor(from / ROW) * PATCH + y % PATCH) * SIDE + from % ROW * PATCH + x % PATCH];
  });
}

/** Peint chaque carré d'une image selon sa part. @param {Uint8Array} image en gris.
 * @param {ArrayLike<number>} parts de 0 (bleu nuit) à 1 (jaune). @returns {Picture} */
export function paint(image, parts) {
  const picture = grey(image, SIDE, SIDE);
  for (let i = 0; i < SIDE * SIDE; i++) {
    const part = parts[patchOf(i)];
    for (let c = 0; c < 3; c++) {
      picture.pixels[3 * i + c] = 0.4 * picture.pixels[3 * i + c] + 0.6 * (COLD[c] + part * (HOT[c] - COLD[c]));
    }
  }
  return picture;
}
