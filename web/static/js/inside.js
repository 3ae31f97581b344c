// Entrer dans un réseau : d'où vient une case d'une carte, produit par produit, jusqu'aux pixels.

import {pads} from "./convolution.js";
import {make, neighbours, number, scrolling} from "./dom.js";

/** @typedef {import("./layers.js").Tensor} Tensor */
/** @typedef {{layer: import("./layers.js").Layer, output: Tensor, from?: number[]}} Step Une couche, ce qu'elle rend, et les couches
 * qu'elle lit : celle d'avant, si rien n'est dit. */
/** @typedef {{step: number, y: number, x: number, k: number}} Place Une case : sa couche, sa ligne, sa colonne, sa carte. */
/** @typedef {{y: number, x: number, inside: boolean, value: number, weight: number}} Cell Une case lue, et ce qui la multiplie. */

const MAX_MAPS = 6; // cartes lues dont le calcul s'écrit
const ENTERED = ["Conv2D", "MaxPooling2D", "AveragePooling2D", "Pointwise", "Add"];
const COPIED = ["Reshape", "Rescaling"]; // chaque case y vient de la même, avant
const PADDED = "ZeroPadding2D"; // de même, un bord de zéros en plus

/** Rend de quoi écrire un nombre, plus finement s'il est petit : ses chiffres après la virgule. @param {number} value */
function decimalsOf(value) {
  const size = Math.abs(value);
  return size < 1 ? 3 : size < 100 ? 2 : 0;
}

/** @param {number} value */
function brief(value) {
  return number(value, decimalsOf(value));
}

/** Garde tant de chiffres significatifs d'un nombre ; un entier reste entier. @param {number} value @param {number} digits */
function rounded(value, digits) {
  return Number.isInteger(value) ? value : Number(value.toPrecision(digits));
}

/** Écrit un nombre que `rounded` a rendu, sans puissance de dix. @param {number} value */
function plain(value) {
  const decimals = Number.isInteger(value) ? 0 : (value.toExponential().split("e")[0].split(".")[1]?.length ?? 0) - Math.floor(Math.log10(Math.abs(value)));
  return number(value, Math.max(0, decimals));
}

const MAX_DIGITS = 8; // des nombres qui se calculent en 32 bits n'en ont pas plus

/** Rend le premier nombre de chiffres, à partir de `start`, avec lequel ce qui est écrit redonne ce qui est dit.
 * @param {number} start @param {(digits: number) => boolean} isEnough */
function enough(start, isEnough) {
  let digits = start;
  while (digits < MAX_DIGITS && !isEnough(digits)) digits++;
  return digits;
}

/** Rend les couches qu'une couche lit. @param {Step[]} steps @param {number} step */
export function readBy(steps, step) {
  return steps[step].from ?? (step ? [step - 1] : []);
}

/** Rend la fenêtre d'une couche : ses côtés, ses pas, et ce qui manque avant l'image. @param {Step[]} steps @param {number} step */
function frameOf(steps, step) {
  const {layer} = steps[step], [height, width] = steps[readBy(steps, step)[0]].output.shape;
  const isPool = layer.kind.endsWith("Pooling2D"), [rows, columns] = layer.kind === "Conv2D" ? (layer.kernel ?? layer.weights[0]).shape : isPool ? layer.window ?? [2, 2] : [1, 1];
  const strides = layer.kind === "Conv2D" || isPool ? layer.strides ?? (isPool ? [rows, columns] : [1, 1]) : [1, 1];
  const padding = /** @type {"same" | "valid" | number} */ (layer.padding ?? "valid");
  return {rows, columns, strides, before: layer.before ?? [pads(height, rows, strides[0], padding)[0], pads(width, columns, strides[1], padding)[0]]};
}

/** Rend un poids. @param {import("./layers.js").Layer} layer @param {number} i @param {number} j @param {number} c @param {number} k */
function weightAt({kernel, weights}, i, j, c, k) {
  const {shape: [rows, columns, channels, filters], values} = kernel ?? weights[0];
  return kernel ? values[((k * rows + i) * columns + j) * channels + c] * kernel.scales[k] : values[((i * columns + j) * channels + c) * filters + k];
}

/** Rend ce que lit une case : les cartes, et leurs cases. @param {Step[]} steps @param {Place} place
 * @returns {{from: number, c: number, cells: Cell[][]}[]} */
export function windowOf(steps, {step, y, x, k}) {
  const {layer} = steps[step], {rows, columns, strides, before} = frameOf(steps, step), isConvolution = layer.kind === "Conv2D";
  return readBy(steps, step).flatMap((from) => {
    const {shape: [height, width, channels], values} = steps[from].output;
    return (isConvolution ? Array.from({length: channels}, (_, c) => c) : [k]).map((c) => ({from, c, cells: Array.from({length: rows}, (_, i) =>
      Array.from({length: columns}, (_, j) => {
        const v = y * strides[0] + i - before[0], u = x * strides[1] + j - before[1], inside = v >= 0 && u >= 0 && v < height && u < width;
        return {y: v, x: u, inside, value: inside ? values[(v * width + u) * channels + c] : 0,
          weight: isConvolution ? weightAt(layer, i, j, c, k) : 1};
      }))}));
  });
}

/** Rend la valeur d'une case. @param {Step[]} steps @param {Place} place */
export function valueAt(steps, {step, y, x, k}) {
  const {shape: [, width, channels], values} = steps[step].output;
  return values[(y * width + x) * channels + k];
}

/** Rend la case la plus forte d'une couche ; de la dernière où l'on peut entrer, si rien n'est dit. @param {Step[]} steps
 * @param {number} [step] @param {number | null} [only] la seule carte où la chercher. @returns {Place} */
export function strongest(steps, step = steps.findLastIndex((_, i) => canEnter(steps, i)), only = null) {
  const {shape: [, width, count], values} = steps[step].output;
  let best = only ?? 0;
  for (let i = best; i < values.length; i += only === null ? 1 : count) if (values[i] > values[best]) best = i;
  const cell = Math.floor(best / count);
  return {step, y: Math.floor(cell / width), x: cell % width, k: best % count};
}

/** Dit si l'on peut entrer dans une couche : ses cartes sont lues d'autres cartes. @param {Step[]} steps @param {number} step */
export function canEnter(steps, step) {
  return step > 0 && ENTERED.includes(steps[step].layer.kind) && readBy(steps, step).every((each) => steps[each].output.shape.length === 3);
}

/** Rend la case dont une case est la copie, jusqu'à une couche où l'on peut entrer ; null, s'il n'y en a pas.
 * @param {Step[]} steps @param {Place} place @returns {Place | null} */
export function origin(steps, place) {
  const {step} = place, {kind} = steps[step].layer;
  if (canEnter(steps, step)) return place;
  if (COPIED.includes(kind)) return origin(steps, {...place, step: step - 1});
  if (kind === PADDED) {
    const moved = unpadded(steps, place), [height, width] = steps[moved.step].output.shape;
    return moved.y < 0 || moved.x < 0 || moved.y >= height || moved.x >= width ? null : origin(steps, moved);
  }
  if (kind !== "Concatenation") return null;
  let {k} = place;
  for (const each of readBy(steps, step)) {
    const count = steps[each].output.shape[2];
    if (k < count) return origin(steps, {...place, step: each, k});
    k -= count;
  }
  return null;
}

/** Rend la case d'avant le bord. @param {Step[]} steps @param {Place} place @returns {Place} */
function unpadded(steps, {step, y, x, k}) {
  const {before} = frameOf(steps, step);
  return {step: readBy(steps, step)[0], y: y - before[0], x: x - before[1], k};
}

/** Dit si une carte est l'image elle-même, à un bord près. @param {Step[]} steps @param {number} step @param {number} k @returns {boolean} */
function isPicture(steps, step, k) {
  if (steps[step].layer.kind === PADDED) return isPicture(steps, readBy(steps, step)[0], k);
  return !origin(steps, {step, y: 0, x: 0, k});
}

/** Rend le carré de l'image dont une case dépend : haut, gauche, bas, droite, compris. @param {Step[]} steps @param {Place} place */
export function fieldOf(steps, {step, y, x}) {
  /** @type {Record<number, number[]>} */
  const seen = {[step]: [y, x, y, x]};
  for (let each = step; each > 0; each--) { // une couche ne lit que celles d'avant
    if (!seen[each]) continue;
    const {rows, columns, strides, before} = frameOf(steps, each), [top, left, bottom, right] = seen[each];
    const read = [top * strides[0] - before[0], left * strides[1] - before[1],
      bottom * strides[0] - before[0] + rows - 1, right * strides[1] - before[1] + columns - 1];
    for (const from of readBy(steps, each)) {
      const known = seen[from] ?? read;
      seen[from] = read.map((value, i) => (i < 2 ? Math.min(value, known[i]) : Math.max(value, known[i])));
    }
  }
  const [height, width] = steps[0].output.shape, [top, left, bottom, right] = seen[0];
  return [Math.max(0, top), Math.max(0, left), Math.min(height - 1, bottom), Math.min(width - 1, right)];
}

/** Refait le calcul d'une case, avant sa ReLU ; null, si ses nombres ne sont pas écrits. @param {Step[]} steps @param {Place} place
 * @returns {number | null} */
export function redo(steps, place) {
  const {kind} = steps[place.step].layer, cells = windowOf(steps, place).flatMap((map) => map.cells.flat()).filter(({inside}) => inside);
  if (kind === "Pointwise") return null;
  if (kind === "MaxPooling2D") return Math.max(...cells.map(({value}) => value));
  const sum = cells.reduce((total, {value, weight}) => total + value * weight, biasOf(steps, place));
  return kind === "AveragePooling2D" ? sum / cells.length : sum;
}

/** Rend le biais d'une case. @param {Step[]} steps @param {Place} place */
function biasOf(steps, {step, k}) {
  const {kernel, weights} = steps[step].layer;
  return (kernel?.biases ?? weights[1]?.values)?.[k] ?? 0;
}

/**
 * @typedef {object} Account Le calcul d'une case, tel qu'il s'écrit : refait avec les nombres montrés, il donne le résultat montré.
 * @property {{from: number, c: number, cells: Cell[][], sum: number}[]} shown les cartes dont le calcul s'écrit.
 * @property {number} others combien de cartes ne sont pas écrites. @property {number} rest ce qu'elles ajoutent.
 * @property {number} digits chiffres significatifs d'une case et d'un poids. @property {number} decimals ceux d'une somme de carte.
 */

/** Choisit ce qui s'écrit du calcul d'une case, et avec combien de chiffres. @param {Step[]} steps @param {Place} place
 * @returns {Account} */
function accountFor(steps, place) {
  const {layer: {kind}} = steps[place.step], total = redo(steps, place), bias = biasOf(steps, place);
  const maps = windowOf(steps, place).map((map) => ({...map, sum: map.cells.flat().reduce((sum, {value, weight}) => sum + value * weight, 0)}));
  if (kind === "Conv2D") maps.sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  const shown = maps.slice(0, MAX_MAPS), others = maps.length - shown.length, rest = maps.slice(MAX_MAPS).reduce((sum, map) => sum + map.sum, 0);
  const least = 3; // chiffres d'une case
  if (total === null || kind === "MaxPooling2D") return {shown, others, rest, digits: least, decimals: 0};
  const end = decimalsOf(total), at = (/** @type {number} */ value, /** @type {number} */ count) => Number(value.toFixed(count));
  const isMean = kind === "AveragePooling2D", count = shown.flatMap(({cells}) => cells.flat().filter(({inside}) => inside)).length;
  const redone = (/** @type {Cell[][]} */ cells, /** @type {number} */ digits) =>
    cells.flat().reduce((sum, {value, weight}) => sum + rounded(value, digits) * rounded(weight, digits), 0);
  if (kind !== "Conv2D") {
    const digits = enough(least, (many) => number(shown.reduce((sum, {cells}) => sum + redone(cells, many), 0) / (isMean ? count : 1), end) === number(total, end));
    return {shown, others, rest, digits, decimals: end};
  }
  const decimals = enough(end + 1, (many) => {
    const parts = at([...shown.map(({sum}) => sum), rest].reduce((sum, part) => sum + at(part, many), 0), many), products = at(total - bias, many);
    return parts === products && number(products + at(bias, many), end) === number(total, end);
  });
  const digits = enough(least, (many) => shown.every(({cells, sum}) => number(redone(cells, many), decimals) === number(sum, decimals)));
  return {shown, others, rest, digits, decimals};
}

/** Écrit, en une phrase, le calcul d'une case. @param {Step[]} steps @param {Place} place @param {Account} account */
function tell(steps, place, {shown, others, decimals}) {
  const {layer} = steps[place.step], cells = shown.flatMap((map) => map.cells.flat()), found = brief(valueAt(steps, place)), sum = redo(steps, place), bias = biasOf(steps, place);
  const relu = layer.activation === "relu" ? ` ; la ReLU en fait ${found}` : "", seen = cells.filter(({inside}) => inside).length;
  if (sum === null) return `${brief(cells[0].value)} : ${layer.done || "une copie"} en fait ${found}.`;
  if (layer.kind === "MaxPooling2D") return `Le plus grand des ${seen} : ${found}.`;
  if (layer.kind === "AveragePooling2D") return `La moyenne des ${seen} : ${found}.`;
  if (layer.kind === "Add") return `La somme de deux cartes : ${brief(sum)}${relu}.`;
  const isImage = isPicture(steps, shown[0].from, 0), count = shown.length + others;
  return `Somme des produits de ${isImage ? "l'image" : `${count} carte${count > 1 ? "s" : ""}`}, ${number(sum - bias, decimals)}, plus le biais, ${number(bias, decimals)} : ` +
    `${brief(sum)}${relu}.${layer.kernel?.values instanceof Int8Array ? " Ce réseau compte en nombres entiers : ses sommes sont un peu arrondies." : ""}`;
}

/** Écrit le calcul d'une case ; toucher une case lue y remonte. @param {Step[]} steps @param {Place} place
 * @param {(place: Place) => void} go @returns {HTMLElement} */
export function explainCell(steps, place, go) {
  const {layer} = steps[place.step], isSum = layer.kind === "Conv2D", isExact = isSum || layer.kind === "AveragePooling2D" || layer.kind === "Add";
  const account = accountFor(steps, place), {shown, others, rest, digits, decimals} = account;
  const most = Math.max(...shown.flatMap(({cells}) => cells.flat().map(({value}) => value)));
  const write = (/** @type {number} */ value) => (isExact ? plain(rounded(value, digits)) : brief(value));
  let last = "Ce sont les pixels, tels que le réseau les reçoit.";
  const tables = shown.map(({from, c, cells, sum}) => {
    const rows = cells.map((line) => make("tr", {}, ...line.map((each) => {
      const text = isSum ? `${write(each.value)} × ${write(each.weight)}` : write(each.value);
      const to = each.inside ? origin(steps, {step: from, y: each.y, x: each.x, k: c}) : null;
      if (to) last = "Touchez une case : d'où vient-elle ?";
      return make("td", {class: `${each.inside ? "" : "bord"} ${layer.kind === "MaxPooling2D" && each.value === most ? "fenetre" : ""}`},
        to ? make("button", {type: "button", class: "lien", onclick: () => go(to)}, text) : text);
    })));
    const {shape} = steps[0].output, isImage = isPicture(steps, from, c);
    const title = isImage ? shape[2] === 3 ? ["rouge", "vert", "bleu"][c] : "l'image" : `carte ${c + 1}`;
    const caption = `${title}${isSum ? ` : ${number(sum, decimals)}` : ""}`;
    return scrolling(make("table", {class: "cases serre"}, make("caption", {}, caption), make("tbody", {}, ...rows)), caption, (isSum ? 3 : 1) * cells[0].length);
  });
  const where = `${layer.name}, carte ${place.k + 1}, ligne ${place.y + 1}, colonne ${place.x + 1}`;
  const [height, width] = steps[place.step].output.shape;
  const move = (/** @type {number} */ dx, /** @type {number} */ dy) =>
    go({...place, x: Math.min(width - 1, Math.max(0, place.x + dx)), y: Math.min(height - 1, Math.max(0, place.y + dy))});
  return make("section", {"aria-label": "Le calcul d'une case"}, make("p", {class: "dit"}, `${where}. ${tell(steps, place, account)}`), neighbours(move),
    make("div", {class: "cote-a-cote"}, ...tables), make("p", {}, `${others > 0 ? `Et ${others} autres cartes, qui pèsent moins : ${number(rest, decimals)} en tout. ` : ""}${last}`));
}
