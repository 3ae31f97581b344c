// Ce que l'on voit d'une image avant d'interroger un réseau : voir convnets/serving/look.py et images.py.

import {misfit} from "./misfit.js";
import {crop, THUMBNAIL_PX, toGrey} from "./picture.js";

/** @typedef {import("./picture.js").Picture} Picture */

const MIN_MISFIT = 0.75; // des vignettes agrandies en ont moins
const GREY_PX = 28; // côté d'une image de MNIST et de Fashion-MNIST
const MAX_TINT = 6; // niveaux entre deux couleurs d'un pixel gris, un JPEG compris
const BLACK = 24, WHITE = 250; // niveaux d'un fond
const MIN_RIM = 0.9; // part du bord d'un carré qui n'est pas blanche

/** Dit si l'image est trop petite pour être une photo. @param {Picture} image */
export function isSmall({width, height}) {
  return Math.min(width, height) < THUMBNAIL_PX;
}

/** Dit si ce n'est qu'une vignette agrandie ; un fond uni le fait croire aussi. @param {Picture} image */
export function isEnlarged(image) {
  return misfit(image) < MIN_MISFIT;
}

/** Dit si c'est une petite image grise sur un fond uni, comme celles de MNIST ; agrandie, sur un fond noir seulement.
 * @param {Picture} image */
export function isGreyThumbnail(image) {
  if (!isGrey(image)) return false;
  const level = borderLevel(image);
  if (isSmall(image)) return level <= BLACK || level >= 255 - BLACK;
  return level <= BLACK && (misfit(image, GREY_PX) < MIN_MISFIT || isEnlarged(image));
}

/** Dit si une image est grise sur fond noir : déjà ce que Fashion-MNIST montre. @param {Picture} image */
export function isGreyOnBlack(image) {
  return isGrey(image) && borderLevel(image) <= BLACK;
}

/** Dit si une image n'a pas de couleurs. @param {Picture} image */
function isGrey({width, height, pixels}) {
  const [columns, rows] = [width, height].map((side) => {
    const count = Math.min(side, THUMBNAIL_PX);
    return Array.from({length: count}, (_, i) => Math.floor((i + 0.5) * side / count));
  });
  return rows.every((y) => columns.every((x) => {
    const i = 3 * (y * width + x), [red, green, blue] = pixels.subarray(i, i + 3);
    return Math.max(Math.abs(red - green), Math.abs(green - blue)) <= MAX_TINT;
  }));
}

/** Rend la médiane des niveaux de gris du bord d'une image. @param {Picture} image */
function borderLevel(image) {
  const {width, height} = image;
  const sides = [[0, 0, width, 1], [0, height - 1, width, height], [0, 0, 1, height], [width - 1, 0, width, height]];
  const levels = sides.flatMap(([left, top, right, bottom]) => [...toGrey(crop(image, [left, top, right, bottom]))]).sort((a, b) => a - b);
  return levels[levels.length >> 1];
}

/** Rend ce que montre une figure de notebook, si c'est une vignette agrandie ; sinon l'image. @param {Picture} image @returns {Picture} */
export function insideFigure(image) {
  const box = figureBox(image), inside = box && crop(image, box);
  return inside && (isEnlarged(inside) || isGreyThumbnail(inside)) ? inside : image;
}

/** Cherche le carré d'une image qu'un notebook a enregistrée dans une marge blanche ; null, s'il n'y en a pas.
 * @param {Picture} image @returns {import("./picture.js").Box | null} */
function figureBox(image) {
  const {width, height, pixels} = image, last = width * (height - 1);
  if ([0, width - 1, last, last + width - 1].some((i) => toGrey({pixels: pixels.subarray(3 * i, 3 * i + 3)})[0] < WHITE)) return null;
  const grey = toGrey(image), columns = new Float64Array(width), rows = new Float64Array(height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (grey[i] >= WHITE) continue;
      columns[x] += 1 / height;
      rows[y] += 1 / width;
    }
  }
  // Les graduations et le titre n'occupent que peu de leurs lignes ; le carré, d'un bord à l'autre.
  const [[left, right], [top, bottom]] = [columns, rows].map((shares) => {
    const levels = shares.map((share) => Math.round(255 * share)), least = levels.reduce((a, b) => Math.max(a, b)) / 3;
    return [levels.findIndex((level) => level > least), levels.findLastIndex((level) => level > least) + 1];
  });
  const side = right - left;
  if (side < THUMBNAIL_PX || Math.abs(side - (bottom - top)) > 0.03 * side) return null;
  const inked = (/** @type {number} */ first, /** @type {number} */ step, /** @type {number} */ count) =>
    Array.from({length: count}, (_, k) => Number(grey[first + k * step] < WHITE)).reduce((sum, each) => sum + each, 0) / count;
  const start = top * width + left, high = bottom - top;
  const rim = [inked(start, 1, side), inked(start + (high - 1) * width, 1, side), inked(start, width, high), inked(start + side - 1, width, high)];
  if (Math.min(...rim) < MIN_RIM) return null;
  const inset = Math.max(1, Math.floor(side / 200)); // le trait
  return [left + inset, top + inset, right - inset, bottom - inset];
}
