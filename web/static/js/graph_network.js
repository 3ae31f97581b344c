// Le réseau de graphes de l'exercice 21 : 49 carrés d'une image, qui se passent deux fois des messages.
//
// Source : S3, « Message Passing » ; Gilmer et al., arXiv 1704.01212, équation 1.

import {activate, batchNormalise, dense, sum} from "./layers.js";
import {gridGraph} from "./messages.js";
import {PATCHES, ROW, cut} from "./patches.js";

/** @typedef {import("./layers.js").Tensor} Tensor */
/** @typedef {import("./layers.js").Layer} Layer */
/** @typedef {import("./messages.js").Arc} Arc */

const DEPTH = 2; // passages, de l'exercice
/** Ceux de l'exercice : chaque carré entend ses voisins et lui-même ; le poids dit d'où, de 1 à 9, dans sa fenêtre. */
export const ARCS = gridGraph(ROW, ROW, [[1, 2, 3], [4, 5, 6], [7, 8, 9]]).arcs;

/**
 * Lit une image.
 *
 * @param {Layer[]} layers ceux de l'exercice, dans l'ordre. @param {ArrayLike<number>} image 28 × 28, en gris.
 * @param {Arc[]} [arcs] ceux que l'on garde d'`ARCS`.
 * @returns {{nodes: Tensor[], messages: Tensor[], probabilities: Float32Array}} `nodes`, au départ puis après chaque
 *   passage, une ligne par carré ; `messages`, de chaque passage, une ligne par arc.
 */
export function read(layers, image, arcs = ARCS) {
  const [embed, ...plain] = layers.filter(({kind}) => kind === "Dense"), head = plain[plain.length - 1];
  const norms = layers.filter(({kind}) => kind === "BatchNormalization");
  const nodes = [dense(join(cut(image), PLACES), embed)], messages = [];
  for (let i = 0; i < DEPTH; i++) {
    const [look, weigh, update] = plain.slice(3 * i), before = nodes[i];
    messages.push(send(batchNormalise(before, norms[i]), arcs, look, weigh));
    const change = dense(collect(messages[i], arcs), update);
    nodes.push({...before, values: sum(before.values, change.values)});
  }
  const scores = dense(summarise(batchNormalise(nodes[DEPTH], norms[DEPTH])), head);
  return {nodes, messages, probabilities: activate(scores, head.activation).values};
}

/** La ligne et la colonne de chaque carré, entre -1 et 1. @type {Tensor} */
const PLACES = {shape: [PATCHES, 2], values: Float32Array.from({length: 2 * PATCHES}, (_, i) =>
  (i % 2 ? (i >> 1) % ROW : Math.floor((i >> 1) / ROW)) * 2 / (ROW - 1) - 1)};

/** Met bout à bout les lignes de deux tableaux. @param {Tensor} a @param {Tensor} b @returns {Tensor} */
function join(a, b) {
  const count = a.shape[0], width = a.shape[1] + b.shape[1], values = new Float32Array(count * width);
  for (let n = 0; n < count; n++) {
    values.set(row(a, n), n * width);
    values.set(row(b, n), n * width + a.shape[1]);
  }
  return {shape: [count, width], values};
}

/** Rend une ligne d'un tableau. @param {Tensor} x @param {number} n */
export function row({shape: [, width], values}, n) {
  return values.subarray(n * width, (n + 1) * width);
}

/** Rend le message de chaque arc : ce que `look` lit aux deux bouts, pesé par `weigh` selon la place.
 * @param {Tensor} nodes @param {Arc[]} arcs @param {Layer} look @param {Layer} weigh @returns {Tensor} */
function send(nodes, arcs, look, weigh) {
  const [targets, sources] = [arcs.map(({to}) => to), arcs.map(({from}) => from)].map((ends) => take(nodes, ends));
  const seen = activate(dense(join(targets, sources), look), look.activation);
  const places = {shape: [arcs.length, 9], values: new Float32Array(9 * arcs.length)};
  arcs.forEach(({weight}, i) => { places.values[9 * i + weight - 1] = 1; });
  const gates = dense(places, weigh).values;
  return {...seen, values: seen.values.map((value, i) => value * gates[i])};
}

/** Rend quelques lignes d'un tableau. @param {Tensor} x @param {number[]} rows @returns {Tensor} */
function take(x, rows) {
  const width = x.shape[1], values = new Float32Array(rows.length * width);
  rows.forEach((n, i) => values.set(row(x, n), i * width));
  return {shape: [rows.length, width], values};
}

/** Additionne les messages que reçoit chaque carré ; 0 s'il n'en reçoit pas. @param {Tensor} messages
 * @param {Arc[]} arcs @returns {Tensor} */
function collect(messages, arcs) {
  const width = messages.shape[1], values = new Float32Array(PATCHES * width);
  arcs.forEach(({to}, i) => row(messages, i).forEach((value, k) => { values[to * width + k] += value; }));
  return {shape: [PATCHES, width], values};
}

/** Résume l'image : la moyenne, puis le maximum de ses carrés. @param {Tensor} nodes @returns {Tensor} */
function summarise({shape: [count, width], values}) {
  const found = new Float32Array(2 * width).fill(-Infinity, width);
  values.forEach((value, i) => {
    found[i % width] += value / count;
    found[width + i % width] = Math.max(found[width + i % width], value);
  });
  return {shape: [1, 2 * width], values: found};
}
