// Une image n'est-elle que 32 lignes de 32 pixels, ou 28 de 28, agrandies ? Voir convnets/serving/images.py.

import {axisWeights, FILTERS, roundHalfEven, toGrey, weigh} from "./picture.js";

/** @typedef {import("./picture.js").Picture} Picture */

const CELLS = 32, NUM_LINES = 16;
const MAX_LOSS = 10, MIN_LOSS = 0.6; // niveaux de gris

/**
 * Rend près de 0 pour une vignette agrandie, près de 1 pour une photographie.
 *
 * @param {Picture} image
 * @param {number} [cells] côté de la vignette : 28 pixels pour MNIST et Fashion-MNIST.
 */
export function misfit(image, cells = CELLS) {
  const lines = readLines(image), side = lines[0].length, lost = loss(lines, cells);
  if (!lost || lost > MAX_LOSS) return Number(lost > MAX_LOSS);
  const half = roundHalfEven(side / cells / 2);
  const shifted = loss(lines.map((line) => line.slice(half, side - half)), cells - 1);
  return shifted >= MIN_LOSS ? lost / shifted : 1;
}

/** Des lignes du carré central, en gris. @param {Picture} image @returns {Uint8Array[]} */
function readLines(image) {
  const side = Math.min(image.width, image.height);
  const left = Math.floor((image.width - side) / 2), top = Math.floor((image.height - side) / 2);
  return Array.from({length: NUM_LINES}, (_, k) => {
    const y = Math.floor(top + (k + 0.5) * side / NUM_LINES), start = 3 * (y * image.width + left);
    return toGrey({pixels: image.pixels.slice(start, start + 3 * side)});
  });
}

/** Ce que des lignes perdent à n'avoir que quelques valeurs. @param {Uint8Array[]} lines @param {number} cells */
function loss(lines, cells) {
  const size = lines[0].length, scale = cells / size;
  const nearest = Array.from({length: cells}, (_, i) => Math.floor((i + 0.5) / scale));
  const backs = [ // de quelle case reprendre chaque pixel : au plus près, ou arrondi par défaut
    Array.from({length: size}, (_, j) => Math.floor((j + 0.5) * scale)),
    Array.from({length: size}, (_, j) => Math.floor(j * scale + 1e-6)),
  ];
  const weights = Object.values(FILTERS).map((filter) => axisWeights(0, cells, cells, size, filter));
  const totals = new Float64Array(weights.length + backs.length);
  for (const line of lines) {
    const centres = Array.from({length: cells}, (_, i) => cubicAt(line, (i + 0.5) / scale - 0.5));
    const picked = nearest.map((j) => line[j]);
    for (let j = 0; j < size; j++) {
      weights.forEach((each, k) => {
        const {first, weights: own} = each[j];
        totals[k] += Math.abs(line[j] - weigh(centres, first, 1, own));
      });
      backs.forEach((back, k) => { totals[weights.length + k] += Math.abs(line[j] - picked[back[j]]); });
    }
  }
  return Math.min(...totals) / (size * lines.length);
}

/** La valeur d'une ligne entre deux pixels, comme la transformation affine de Pillow.
 * @param {Uint8Array} line @param {number} place */
function cubicAt(line, place) {
  const x = Math.floor(place), d = place - x;
  const [a, b, c, e] = [-1, 0, 1, 2].map((k) => line[Math.min(line.length - 1, Math.max(0, x + k))]);
  const value = b + d * (c - a + d * (2 * (a - b) + c - e + d * (b - a + e - c)));
  return Math.min(255, Math.max(0, Math.trunc(value)));
}
