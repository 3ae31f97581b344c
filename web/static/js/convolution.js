// La convolution et le pooling, fenêtre par fenêtre, tels que l'exercice 00 les calcule.
//
// Source : Dumoulin et Visin, « A guide to convolution arithmetic », arXiv 1603.07285, 2016.

/** @typedef {number[][]} Grid des lignes de même longueur. */

/**
 * @typedef {object} Settings
 * @property {number} stride pas. @property {number} dilation écart entre deux cases du noyau.
 * @property {"valid" | "same" | number} padding cases de zéros autour de l'image.
 * @property {boolean} flip retourner le noyau : la convolution des mathématiciens.
 */

export const MAX_SIDE = 32;
const MAX_CHANNELS = 4;
const NUMBER = /^[+-]?\d{1,6}([.,]\d{1,6})?$/;

/** Lit un nombre : `3`, `−1`, `0,0625` ou `1/9`. @param {string} text
 * @throws {Error} ce n'en est pas un. */
export function readNumber(text) {
  const parts = text.replaceAll("−", "-").split("/"), values = parts.map((part) => Number(part.replace(",", ".")));
  const [value, divisor = 1] = values;
  if (parts.length > 2 || parts.some((part) => !NUMBER.test(part)) || !divisor) {
    throw new Error(`« ${text} » n'est pas un nombre : écrivez 3, −1, 0,0625 ou 1/9.`);
  }
  return value / divisor;
}

/**
 * Lit des grilles : une ligne par ligne (ou « / », entre espaces), une ligne vide entre deux canaux.
 *
 * @param {string} text @returns {Grid[]} une grille par canal.
 * @throws {Error} en une phrase.
 */
export function readGrids(text) {
  const blocks = text.trim().split(/\n\s*\n/);
  const grids = blocks.map((block) =>
    block.trim().split(/\n|\s\/|\/\s/).map((line) => line.trim().split(/\s+/).filter(Boolean)));
  if (!grids.flat(2).length) throw new Error("La grille est vide : écrivez par exemple 1 0 2.");
  const [first] = grids;
  if (grids.some((grid) => grid.length !== first.length || grid.some((row) => row.length !== first[0].length))) {
    throw new Error("Toutes les lignes doivent avoir la même longueur, et tous les canaux la même taille.");
  }
  if (first.length > MAX_SIDE || first[0].length > MAX_SIDE || grids.length > MAX_CHANNELS) {
    throw new Error(`Au plus ${MAX_SIDE} × ${MAX_SIDE} cases et ${MAX_CHANNELS} canaux.`);
  }
  return grids.map((grid) => grid.map((row) => row.map((cell) => readNumber(cell))));
}

/**
 * Rend les zéros ajoutés avant et après un axe.
 *
 * @param {number} length cases de l'image. @param {number} extent cases couvertes par la fenêtre.
 * @param {number} stride @param {"valid" | "same" | number} padding
 * @returns {[number, number]}
 */
export function pads(length, extent, stride, padding) {
  if (padding === "valid") return [0, 0];
  if (padding !== "same") return [padding, padding];
  const total = Math.max(0, (Math.ceil(length / stride) - 1) * stride + extent - length);
  return [Math.floor(total / 2), Math.ceil(total / 2)]; // l'impair après : comme TensorFlow
}

/**
 * Prépare une fenêtre qui glisse.
 *
 * @param {Grid[]} image @param {number} height @param {number} width côtés de la fenêtre.
 * @param {Settings} settings
 */
export function slide(image, height, width, {stride, dilation, padding}) {
  const extents = [dilation * (height - 1) + 1, dilation * (width - 1) + 1];
  const lengths = [image[0].length, image[0][0].length];
  const around = extents.map((extent, axis) => pads(lengths[axis], extent, stride, padding));
  const sizes = extents.map((extent, axis) =>
    Math.floor((lengths[axis] + around[axis][0] + around[axis][1] - extent) / stride) + 1);
  if (Math.min(...sizes) < 1) throw new Error("La fenêtre est plus grande que l'image.");
  /** Cases lues à la position `(row, column)` ; hors de l'image, `value` est null.
   * @param {number} row @param {number} column */
  const cells = (row, column) => image.flatMap((grid, channel) =>
    Array.from({length: height * width}, (_, index) => {
      const i = Math.floor(index / width), j = index % width;
      const y = row * stride - around[0][0] + i * dilation;
      const x = column * stride - around[1][0] + j * dilation;
      return {channel, i, j, y, x, value: /** @type {number | null} */ (grid[y]?.[x] ?? null)};
    }));
  return {height: sizes[0], width: sizes[1], pads: around, cells};
}

/**
 * Convolution d'une image par un noyau, une grille par canal.
 *
 * @param {Grid[]} image @param {Grid[]} kernel @param {Settings} settings
 */
export function convolve(image, kernel, settings) {
  if (image.length !== kernel.length) {
    throw new Error(`L'image a ${image.length} canal(aux), le noyau ${kernel.length} : il en faut autant.`);
  }
  const used = settings.flip
    ? kernel.map((grid) => grid.toReversed().map((row) => row.toReversed())) : kernel;
  const window = slide(image, used[0].length, used[0][0].length, settings);
  const terms = (/** @type {number} */ row, /** @type {number} */ column) =>
    window.cells(row, column).map((cell) => ({...cell, weight: used[cell.channel][cell.i][cell.j]}));
  const values = table(window, (row, column) =>
    terms(row, column).reduce((sum, {value, weight}) => sum + (value ?? 0) * weight, 0));
  return {...window, kernel: used, terms, values};
}

/** Ce qu'une fenêtre devient, sans noyau. @type {Record<string, (values: number[]) => number>} */
const SUMMARIES = {
  max: (values) => Math.max(...values),
  mean: (values) => values.reduce((a, b) => a + b, 0) / values.length,
  relu: (values) => Math.max(0, ...values),
};

/**
 * Pooling : la plus grande valeur de chaque fenêtre, ou leur moyenne ; hors de l'image, rien.
 *
 * @param {Grid} grid un canal. @param {number} height @param {number} width côtés de la fenêtre.
 * @param {"max" | "mean" | "relu"} how ReLU : une fenêtre d'une case, et zéro au moins.
 * @param {Settings} settings
 */
export function pool(grid, height, width, how, settings) {
  const window = slide([grid], height, width, settings);
  const terms = (/** @type {number} */ row, /** @type {number} */ column) =>
    window.cells(row, column).filter(({value}) => value !== null)
      .map((cell) => ({...cell, value: /** @type {number} */ (cell.value)}));
  const values = table(window, (row, column) => SUMMARIES[how](terms(row, column).map(({value}) => value)));
  return {...window, terms, values};
}

/** @param {{height: number, width: number}} size @param {(row: number, column: number) => number} value */
function table({height, width}, value) {
  return Array.from({length: height}, (_, row) =>
    Array.from({length: width}, (_, column) => value(row, column)));
}
