// Un noyau sur une image entière, puis ReLU et pooling : assez vite pour une caméra.

import {pads} from "./convolution.js";

/** @typedef {{width: number, height: number, values: Float32Array}} Plane un canal, ligne par ligne. */

/** @typedef {object} Chain Ce que l'image traverse.
 * @property {number[][]} kernel @property {number} stride @property {"valid" | "same"} padding
 * @property {boolean} relu @property {"" | "max" | "mean"} pooling fenêtre de 2 × 2, de pas 2 ; rien si vide. */

/** Déroule la chaîne sur un canal. @param {Plane} plane @param {Chain} chain @returns {Plane}
 * @throws {Error} la fenêtre est plus grande que l'image. */
export function filter(plane, {kernel, stride, padding, relu, pooling}) {
  let found = convolvePlane(plane, kernel, stride, padding);
  if (relu) found = {...found, values: found.values.map((value) => Math.max(0, value))};
  return pooling ? halvePlane(found, pooling) : found;
}

/** @param {Plane} plane @param {number[][]} kernel @param {number} stride @param {"valid" | "same"} padding
 * @returns {Plane} */
function convolvePlane(plane, kernel, stride, padding) {
  const [rows, columns] = [kernel.length, kernel[0].length];
  const [above, below] = pads(plane.height, rows, stride, padding);
  const [before, after] = pads(plane.width, columns, stride, padding);
  const wide = plane.width + before + after, tall = plane.height + above + below;
  const width = Math.floor((wide - columns) / stride) + 1, height = Math.floor((tall - rows) / stride) + 1;
  if (width < 1 || height < 1) throw new Error("Le noyau est plus grand que l'image.");
  const source = new Float32Array(wide * tall), values = new Float32Array(width * height);
  for (let y = 0; y < plane.height; y++) {
    source.set(plane.values.subarray(y * plane.width, (y + 1) * plane.width), (y + above) * wide + before);
  }
  // Un poids après l'autre, sur toute l'image : la boucle du dedans est simple, donc rapide.
  kernel.forEach((line, i) => line.forEach((weight, j) => {
    if (!weight) return;
    for (let y = 0; y < height; y++) {
      const from = (y * stride + i) * wide + j, to = y * width;
      for (let x = 0; x < width; x++) values[to + x] += weight * source[from + x * stride];
    }
  }));
  return {width, height, values};
}

/** @param {Plane} plane @param {"max" | "mean"} how @returns {Plane} */
function halvePlane({width, height, values}, how) {
  const w = width >> 1, h = height >> 1, found = new Float32Array(w * h);
  for (let y = 0, k = 0; y < h; y++) {
    for (let x = 0; x < w; x++, k++) {
      const at = 2 * y * width + 2 * x;
      const [a, b, c, d] = [values[at], values[at + 1], values[at + width], values[at + width + 1]];
      found[k] = how === "max" ? Math.max(a, b, c, d) : (a + b + c + d) / 4;
    }
  }
  return {width: w, height: h, values: found};
}

/** Comment montrer une valeur, qui peut être négative ou dépasser 255.
 * `legend` suit `text`, sous l'image. @type {Record<string, {text: string, legend: string, at: (value: number) => number}>} */
export const SHOWN = {
  cut: {text: "coupée à 0 et à 255", legend: "", at: (value) => value},
  middle: {text: "zéro en gris", legend: " : clair, positif ; foncé, négatif", at: (value) => 128 + value / 2},
  size: {text: "sans son signe", legend: "", at: Math.abs},
};
