// Entrer dans un réseau : d'où vient une case d'une carte, produit par produit, jusqu'aux pixels.

import {pads} from "./convolution.js";
import {make, number, scrolling} from "./dom.js";

/** @typedef {import("./layers.js").Tensor} Tensor */
/** @typedef {{layer: import("./layers.js").Layer, output: Tensor}} Step */
/** @typedef {{step: number, y: number, x: number, k: number}} Place Une case : sa couche, sa ligne, sa colonne, sa carte. */

const MAX_MAPS = 6; // cartes lues dont le calcul s'écrit

/** Rend ce que lit une case. @param {Step[]} steps @param {Place} place */
export function windowOf(steps, {step, y, x, k}) {
  const {layer} = steps[step], {shape: [height, width, channels], values} = steps[step - 1].output;
  const kernel = layer.kind === "Conv2D" ? layer.weights[0] : null, [rows, columns] = kernel ? kernel.shape : [2, 2];
  const [down, right] = kernel ? layer.strides ?? [1, 1] : [2, 2], padding = kernel ? /** @type {"same" | "valid" | number} */ (layer.padding ?? "valid") : "valid";
  const top = y * down - pads(height, rows, down, padding)[0], left = x * right - pads(width, columns, right, padding)[0];
  return (kernel ? Array.from({length: channels}, (_, c) => c) : [k]).map((c) => ({c, cells: Array.from({length: rows}, (_, i) =>
    Array.from({length: columns}, (_, j) => {
      const v = top + i, u = left + j, inside = v >= 0 && u >= 0 && v < height && u < width;
      return {y: v, x: u, inside, value: inside ? values[(v * width + u) * channels + c] : 0,
        weight: kernel ? kernel.values[((i * columns + j) * channels + c) * kernel.shape[3] + k] : 1};
    }))}));
}

/** Rend la valeur d'une case. @param {Step[]} steps @param {Place} place */
export function valueAt(steps, {step, y, x, k}) {
  const {shape: [, width, channels], values} = steps[step].output;
  return values[(y * width + x) * channels + k];
}

/** Rend la case la plus forte de la dernière couche où l'on peut entrer. @param {Step[]} steps @returns {Place} */
export function strongest(steps) {
  const step = steps.findLastIndex((_, i) => canEnter(steps, i)), {shape: [, width, count], values} = steps[step].output;
  const best = values.indexOf(values.reduce((a, b) => Math.max(a, b))), cell = Math.floor(best / count);
  return {step, y: Math.floor(cell / width), x: cell % width, k: best % count};
}

/** Dit si l'on peut entrer dans une couche : ses cartes sont lues d'autres cartes. @param {Step[]} steps @param {number} step */
export function canEnter(steps, step) {
  return step > 0 && ["Conv2D", "MaxPooling2D"].includes(steps[step].layer.kind) && steps[step - 1].output.shape.length === 3;
}

/** Écrit le calcul d'une case ; toucher une case lue y remonte. @param {Step[]} steps @param {Place} place
 * @param {(place: Place) => void} go @returns {HTMLElement} */
export function explainCell(steps, place, go) {
  const {layer} = steps[place.step], isConvolution = layer.kind === "Conv2D";
  const maps = windowOf(steps, place).map((map) => ({...map,
    sum: map.cells.flat().reduce((total, {value, weight}) => total + value * weight, 0)}));
  maps.sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  let back = place.step - 1; // la couche d'où viennent les cartes lues
  while (back > 0 && !canEnter(steps, back)) back--;
  const most = Math.max(...maps.flatMap(({cells}) => cells.flat().map(({value}) => value)));
  const tables = maps.slice(0, isConvolution ? MAX_MAPS : 1).map(({c, cells, sum}) => {
    const rows = cells.map((line) => make("tr", {}, ...line.map((each) => {
      const text = isConvolution ? `${number(each.value, 2)} × ${number(each.weight, 2)}` : number(each.value, 2);
      const chosen = !isConvolution && each.value === most;
      return make("td", {class: `${each.inside ? "" : "bord"} ${chosen ? "fenetre" : ""}`}, each.inside && back > 0
        ? make("button", {type: "button", class: "lien", onclick: () => go({step: back, y: each.y, x: each.x, k: c})}, text) : text);
    })));
    const caption = `${back > 0 ? `carte ${c + 1}` : "l'image"}${isConvolution ? ` : ${number(sum, 2)}` : ""}`;
    return scrolling(make("table", {class: "cases serre"}, make("caption", {}, caption), make("tbody", {}, ...rows)), caption, cells[0].length);
  });
  const bias = isConvolution ? layer.weights[1]?.values[place.k] ?? 0 : 0, total = maps.reduce((a, {sum}) => a + sum, bias);
  const rest = maps.length - tables.length;
  const text = isConvolution
    ? `Somme des produits de ${maps.length > 1 ? `${maps.length} cartes` : "l'image"}, ${number(total - bias, 2)}, plus le biais, ${number(bias, 2)} : ` +
      `${number(total, 2)}${layer.activation === "relu" ? ` ; la ReLU en fait ${number(Math.max(0, total), 2)}` : ""}.`
    : `Le plus grand des quatre : ${number(valueAt(steps, place), 2)}.`;
  return make("div", {}, make("p", {class: "dit"}, `${layer.name}, carte ${place.k + 1}, ligne ${place.y + 1}, colonne ${place.x + 1}. ${text}`),
    make("div", {class: "cote-a-cote"}, ...tables), make("p", {}, (rest > 0 && isConvolution ? `Et ${rest} autres cartes, qui pèsent moins. ` : "") +
      (back > 0 ? "Touchez une case : d'où vient-elle ?" : "Ce sont les pixels, tels que le réseau les reçoit.")));
}
