// Occlusion : cacher un carré de l'image, et voir ce que la réponse y perd (exercice 07).
//
// Source : Zeiler et Fergus, arXiv 1311.2901, 2013, figure 7.

/** @typedef {import("./picture.js").Picture} Picture */

const SIDE = 32, PATCH = 8, STRIDE = 4; // sur une image de 32 pixels ; l'exercice avance de 2

/** Rend le premier pixel de chaque carré ; le dernier touche le bord.
 * @param {number} length @param {number} patch @param {number} stride */
export function positions(length, patch, stride) {
  const found = [];
  for (let start = 0; start < length - patch; start += stride) found.push(start);
  return [...found, length - patch];
}

/** Rend l'image, un carré couvert de sa couleur moyenne.
 * @param {Picture} image @param {number} left @param {number} top @param {number} patch */
export function cover(image, left, top, patch) {
  const pixels = image.pixels.slice(), count = pixels.length / 3;
  for (let c = 0; c < 3; c++) {
    let sum = 0;
    for (let i = c; i < pixels.length; i += 3) sum += image.pixels[i];
    const mean = Math.round(sum / count);
    for (let y = top; y < top + patch; y++) {
      for (let x = left; x < left + patch; x++) pixels[3 * (y * image.width + x) + c] = mean;
    }
  }
  return {...image, pixels};
}

/**
 * Mesure, pour chaque pixel, la baisse moyenne de la probabilité quand il est caché.
 *
 * @param {(view: Picture) => Promise<number>} probability celle de la classe, pour une vue.
 * @param {Picture} view carré que lit le réseau.
 * @param {(done: number) => any} [progress] part du travail faite, de 0 à 1 ; une erreur arrête tout.
 * @returns {Promise<Float32Array>} une valeur par pixel, dans [-1, 1].
 */
export async function drops(probability, view, progress = () => {}) {
  const scale = Math.max(1, Math.floor(view.width / SIDE)), patch = PATCH * scale;
  const places = positions(view.width, patch, STRIDE * scale), whole = await probability(view);
  const lost = new Float32Array(view.width * view.height), times = new Float32Array(lost.length);
  for (const [row, top] of places.entries()) {
    for (const [column, left] of places.entries()) {
      const drop = whole - await probability(cover(view, left, top, patch));
      for (let y = top; y < top + patch; y++) {
        for (let x = left; x < left + patch; x++) {
          lost[y * view.width + x] += drop;
          times[y * view.width + x]++;
        }
      }
      await progress((row * places.length + column + 1) / places.length ** 2);
    }
  }
  return lost.map((sum, i) => sum / times[i]);
}
