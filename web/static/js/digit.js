// Un chiffre dessiné, présenté comme MNIST le montrerait : voir convnets/serving/digits.py.
//
// Source : LeCun, Bottou, Bengio et Haffner, Proc. IEEE 86(11), 1998, § III.A.

import {grey, resize, roundHalfEven as round, toGrey} from "./picture.js";

/** @typedef {{width: number, height: number, values: Float32Array}} Ink encre de chaque pixel, dans [0, 1]. */

export const SIDE = 28;
const BOX = 20, MIDDLE = 14; // MNIST : un carré de 20 pixels, son centre de masse au milieu de 28
const STROKE = 2.4; // épaisseur habituelle d'un trait, en dessous de laquelle on épaissit
const LEAST = 0.05; // encre qui compte

/**
 * Présente un chiffre comme MNIST.
 *
 * @param {Ink} ink
 * @returns {Uint8Array} 28 × 28, clair sur fond noir.
 * @throws {Error} rien n'est dessiné.
 */
export function placeDigit(ink) {
  const box = trim(thicken(ink)), longest = Math.max(box.width, box.height);
  const [width, height] = [box.width, box.height].map((side) => Math.max(1, round(side * BOX / longest)));
  const large = grey(box.values.map((value) => round(255 * value)), box.width, box.height);
  const pale = toGrey(resize(large, width, height, undefined, Infinity));
  const most = Math.max(...pale), small = pale.map((value) => round(value * (255 / most)));
  const [down, right] = massCentre(small, width);
  const clip = (/** @type {number} */ start, /** @type {number} */ length) => Math.min(SIDE - length, Math.max(0, start));
  const top = clip(round(MIDDLE - down), height), left = clip(round(MIDDLE - right), width);
  const square = new Uint8Array(SIDE * SIDE);
  for (let y = 0; y < height; y++) {
    square.set(small.subarray(y * width, (y + 1) * width), (top + y) * SIDE + left);
  }
  return square;
}

/** Rend le centre de masse d'une image grise, du haut puis de la gauche, en pixels.
 * @param {Uint8Array} values @param {number} width @returns {[number, number]} */
export function massCentre(values, width) {
  let total = 0, down = 0, right = 0;
  values.forEach((value, i) => {
    total += value;
    down += value * Math.floor(i / width);
    right += value * (i % width);
  });
  return [down / total, right / total];
}

/** Rogne ce qui, autour, ne porte presque pas d'encre. @param {Ink} ink @returns {Ink} */
function trim({width, height, values}) {
  let [top, bottom, left, right] = [height, -1, width, -1];
  values.forEach((value, i) => {
    if (value <= LEAST) return;
    const y = Math.floor(i / width), x = i % width;
    [top, bottom, left, right] = [Math.min(top, y), Math.max(bottom, y), Math.min(left, x), Math.max(right, x)];
  });
  if (bottom < 0) throw new Error("Dessinez un chiffre sur la feuille, ou prenez un des nôtres.");
  return crop({width, height, values}, left, top, right + 1, bottom + 1);
}

/** Coupe, ou entoure de vide. @param {Ink} ink @param {number} left @param {number} top
 * @param {number} right @param {number} bottom @returns {Ink} */
export function crop(ink, left, top, right, bottom) {
  const width = right - left, height = bottom - top, values = new Float32Array(width * height);
  for (let y = Math.max(0, top); y < Math.min(bottom, ink.height); y++) {
    const row = ink.values.subarray(y * ink.width + Math.max(0, left), y * ink.width + Math.min(right, ink.width));
    values.set(row, (y - top) * width + Math.max(0, -left));
  }
  return {width, height, values};
}

/** Épaissit un trait fin : réduit à 20 pixels, il serait presque effacé. @param {Ink} ink @returns {Ink} */
function thicken(ink) {
  const box = trim(ink), inside = crop(box, -1, -1, box.width + 1, box.height + 1);
  const {width, values} = inside;
  let area = 0, outline = 0;
  values.forEach((value, i) => {
    const full = value > 0.5;
    area += Number(full);
    outline += Number((i + 1) % width > 0 && full !== values[i + 1] > 0.5);
    outline += Number(i + width < values.length && full !== values[i + width] > 0.5);
  });
  const stroke = 2 * area / Math.max(1, Math.PI / 4 * outline); // deux bords, comptés en escalier
  const radius = round((STROKE * Math.max(box.width, box.height) / BOX - stroke) / 2);
  if (radius < 1) return box;
  const wide = crop(box, -radius, -radius, box.width + radius, box.height + radius);
  wide.values.forEach((value, i) => { wide.values[i] = Math.floor(255 * value) / 255; }); // des octets, comme Pillow
  return spread(spread(wide, radius, 1), radius, wide.width);
}

/** Remplace chaque pixel par le plus encré de ses voisins. @param {Ink} ink @param {number} radius
 * @param {number} step 1 : le long des lignes ; la largeur : des colonnes.
 * @param {(a: number, b: number) => number} [pick] ce qui en garde un de deux. @returns {Ink} */
export function spread(ink, radius, step, pick = Math.max) {
  const length = step === 1 ? ink.width : ink.height;
  const values = ink.values.map((_, i) => {
    const at = step === 1 ? i % ink.width : Math.floor(i / ink.width);
    let kept = ink.values[i];
    for (let d = Math.max(-radius, -at); d <= Math.min(radius, length - 1 - at); d++) {
      kept = pick(kept, ink.values[i + d * step]);
    }
    return kept;
  });
  return {...ink, values};
}

/**
 * Pose un chiffre dans une image noire, déplacé ; ce qui dépasse est perdu.
 *
 * @param {Uint8Array} square 28 × 28. @param {number} down pixels vers le bas. @param {number} right
 * @param {number} [side] côté de l'image.
 */
export function shift(square, down, right, side = SIDE) {
  const moved = new Uint8Array(side * side), margin = (side - SIDE) / 2;
  square.forEach((value, i) => {
    const y = Math.floor(i / SIDE) + margin + down, x = i % SIDE + margin + right;
    if (y >= 0 && y < side && x >= 0 && x < side) moved[y * side + x] = value;
  });
  return moved;
}
