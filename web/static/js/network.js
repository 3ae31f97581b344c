// Compter un réseau couche par couche : tailles, paramètres, opérations, champ récepteur.
//
// Source : S3, « Récapitulatif des paramètres » ; Araujo, Norris et Sim, Distill, 2019.

import {pads} from "./convolution.js";

export const MAX = 9999; // nombre d'une couche, ou côté d'une image
const MAX_TEXT = MAX.toLocaleString("fr-FR");

/**
 * @typedef {object} Layer Une couche ; ce qui manque vaut 1, et le padding « valid ».
 * @property {"conv" | "pool" | "flatten" | "global" | "dense" | "norm" | "add" | "branches"} kind
 *     `add` : la sortie d'une couche d'avant, de même taille, s'ajoute.
 * @property {number} [count] filtres, neurones, ou nombres par canal d'une normalisation, 4 d'ordinaire.
 * @property {number | [number, number]} [window] côté de la fenêtre, ou ses hauteur et largeur.
 * @property {number} [stride] pas.
 * @property {number} [dilation]
 * @property {number} [groups] parts dont chaque filtre ne lit qu'une.
 * @property {"valid" | "same" | number} [padding]
 * @property {boolean} [bias] faux : pas de biais.
 * @property {Layer[][]} [branches] elles lisent la même entrée ; leurs canaux sont mis bout à bout.
 */

/**
 * @typedef {object} Row
 * @property {number[]} shape de la sortie : hauteur, largeur, canaux, ou seulement leur nombre.
 * @property {number} parameters
 * @property {number} operations multiplications-additions, pour une image.
 * @property {number | null} field côté du champ récepteur, en pixels ; null : toute l'image.
 */

/** @typedef {{shape: number[], field: number | null, jump: number}} State Où en est une image : ses cartes,
 * leur champ récepteur, et de combien de pixels deux cases voisines sont écartées. */

/**
 * Compte un réseau.
 *
 * @param {number[]} input hauteur, largeur, canaux.
 * @param {Layer[]} layers
 * @returns {Row[]} une par couche.
 * @throws {Error} un nombre n'est pas un entier de 1 à `MAX`, ou une couche ne peut pas suivre la précédente.
 */
export function summarise(input, layers) {
  if (!input.every(isCount)) throw new Error(`Image d'entrée : trois entiers de 1 à ${MAX_TEXT} sont attendus.`);
  return walk({shape: input, field: 1, jump: 1}, layers).rows;
}

/** Dit si un nombre peut être d'une couche ou d'une image. @param {number} value */
function isCount(value) {
  return Number.isInteger(value) && value >= 1 && value <= MAX;
}

/** @param {State} start @param {Layer[]} layers @param {number} [place] rang, s'il ne change pas. */
function walk(start, layers, place) {
  /** @type {Row[]} */
  const rows = [];
  let state = start;
  for (const [index, layer] of layers.entries()) {
    const {jump, ...row} = step(state, layer, place ?? index + 1);
    rows.push(row);
    state = {shape: row.shape, field: row.field, jump};
  }
  return {rows, state};
}

/** @param {State} state @param {Layer} layer @param {number} place son rang, pour les erreurs.
 * @returns {Row & State} */
function step({shape, field, jump}, layer, place) {
  if (layer.kind === "branches") return fork({shape, field, jump}, layer.branches ?? [], place);
  const row = count(shape, layer, place), {stride = 1, dilation = 1} = layer;
  if (layer.kind === "conv" || layer.kind === "pool") {
    const extent = dilation * (Math.max(...sides(layer)) - 1);
    return {...row, field: field === null ? null : field + extent * jump, jump: jump * stride};
  }
  return {...row, field: layer.kind === "norm" || layer.kind === "add" ? field : null, jump};
}

/** @param {State} start @param {Layer[][]} branches @param {number} place @returns {Row & State} */
function fork(start, branches, place) {
  const walked = branches.map((layers) => walk(start, layers, place));
  const ends = walked.map(({state}) => state), [{shape: [height, width], jump}] = ends;
  if (ends.some(({shape}) => shape[0] !== height || shape[1] !== width)) {
    throw new Error(`Couche ${place} : ses branches rendent des cartes de tailles différentes.`);
  }
  const all = walked.flatMap(({rows}) => rows), sum = (/** @type {number[]} */ values) => values.reduce((a, b) => a + b, 0);
  return {
    shape: [height, width, sum(ends.map(({shape}) => shape[2]))],
    parameters: sum(all.map(({parameters}) => parameters)),
    operations: sum(all.map(({operations}) => operations)),
    field: start.field === null ? null : Math.max(...ends.map(({field}) => field ?? 0)),
    jump,
  };
}

/** Rend la hauteur et la largeur d'une fenêtre. @param {Layer} layer @returns {[number, number]} */
function sides({window = 1}) {
  return typeof window === "number" ? [window, window] : window;
}

/** @param {number[]} shape @param {Layer} layer @param {number} place son rang, pour les erreurs. */
function count(shape, layer, place) {
  const {count: number = 1, stride = 1, dilation = 1, padding = "valid", groups = 1} = layer, window = sides(layer);
  if (![number, stride, dilation, ...window].every(isCount)) {
    throw new Error(`Couche ${place} : chaque nombre doit être un entier de 1 à ${MAX_TEXT}.`);
  }
  const [height, width, channels] = shape;
  if (layer.kind === "dense") {
    if (shape.length > 1) throw new Error(`Couche ${place} : une couche dense lit un vecteur ; dépliez d'abord.`);
    const biases = layer.bias === false ? 0 : number;
    return {shape: [number], parameters: shape[0] * number + biases, operations: shape[0] * number};
  }
  if (layer.kind === "add") return {shape, parameters: 0, operations: 0};
  if (layer.kind === "norm") {
    return {shape, parameters: (layer.count ?? 4) * shape[shape.length - 1], operations: 0};
  }
  if (shape.length === 1) throw new Error(`Couche ${place} : elle lit une image, et reçoit un vecteur.`);
  if (layer.kind === "flatten") return {shape: [height * width * channels], parameters: 0, operations: 0};
  if (layer.kind === "global") return {shape: [channels], parameters: 0, operations: 0};
  const [tall, wide] = [height, width].map((length, axis) => {
    const extent = dilation * (window[axis] - 1) + 1, around = pads(length, extent, stride, padding);
    return Math.floor((length + around[0] + around[1] - extent) / stride) + 1;
  });
  if (Math.min(tall, wide) < 1) throw new Error(`Couche ${place} : la fenêtre est plus grande que l'image.`);
  if (layer.kind === "pool") return {shape: [tall, wide, channels], parameters: 0, operations: 0};
  if (channels % groups || number % groups) {
    throw new Error(`Couche ${place} : ${groups} groupes ne partagent pas ${channels} canaux et ${number} filtres.`);
  }
  const weights = window[0] * window[1] * (channels / groups) * number;
  const biases = layer.bias === false ? 0 : number;
  return {shape: [tall, wide, number], parameters: weights + biases, operations: weights * tall * wide};
}

/** @param {number} count @param {number} window @param {any} [more] @returns {Layer} */
const conv = (count, window, more = {}) => ({kind: "conv", count, window, ...more});
/** @param {number} window @param {number} stride @param {any} [more] @returns {Layer} */
const pool = (window, stride, more = {}) => ({kind: "pool", window, stride, ...more});
/** @param {number} count @returns {Layer} */
const dense = (count) => ({kind: "dense", count});
/** @type {Layer} */
const flatten = {kind: "flatten"};
const same = {padding: "same"};

/** @param {number} side @param {any} first @returns {{input: number[], layers: Layer[]}} */
const lenet = (side, first) => ({input: [side, side, 1], layers: [
  conv(6, 5, first), pool(2, 2), conv(16, 5), pool(2, 2), flatten, dense(120), dense(84), dense(10)]});

/** @param {number} filters @param {number} times @returns {Layer[]} */
const stage = (filters, times) => [...Array(times).fill(conv(filters, 3, same)), pool(2, 2)];

/** Une convolution d'Inception, et sa normalisation : ni biais, ni échelle.
 * @param {number} count @param {number | [number, number]} window @param {any} [more] @returns {Layer[]} */
const unit = (count, window, more = same) => [{kind: "conv", count, window, bias: false, ...more}, {kind: "norm", count: 3}];
/** @param {...Layer[]} branches @returns {Layer} */
const fan = (...branches) => ({kind: "branches", branches});
const mean = pool(3, 1, same), half = {stride: 2}, twice = () => [...unit(96, 3), ...unit(96, 3)];

/** @param {number} count filtres de la dernière branche. */
const wide = (count) => fan(unit(64, 1), [...unit(48, 1), ...unit(64, 5)], [...unit(64, 1), ...twice()], [mean, ...unit(count, 1)]);
/** @param {number} count filtres avant les derniers. */
const long = (count) => fan(unit(192, 1), [...unit(count, 1), ...unit(count, [1, 7]), ...unit(192, [7, 1])],
  [...unit(count, 1), ...unit(count, [7, 1]), ...unit(count, [1, 7]), ...unit(count, [7, 1]), ...unit(192, [1, 7])],
  [mean, ...unit(192, 1)]);
const cross = () => fan(unit(384, [1, 3]), unit(384, [3, 1]));
const last = () => fan(unit(320, 1), [...unit(384, 1), cross()], [...unit(448, 1), ...unit(384, 3), cross()], [mean, ...unit(192, 1)]);

/** InceptionV3 sans sa tête. Source : Szegedy et al., arXiv 1512.00567, 2015, tableau 1. @type {Layer[]} */
const inception = [
  ...unit(32, 3, half), ...unit(32, 3, {}), ...unit(64, 3), pool(3, 2), ...unit(80, 1), ...unit(192, 3, {}), pool(3, 2),
  wide(32), wide(64), wide(64), fan(unit(384, 3, half), [...unit(64, 1), ...unit(96, 3), ...unit(96, 3, half)], [pool(3, 2)]),
  long(128), long(160), long(160), long(192),
  fan([...unit(192, 1), ...unit(320, 3, half)],
    [...unit(192, 1), ...unit(192, [1, 7]), ...unit(192, [7, 1]), ...unit(192, 3, half)], [pool(3, 2)]),
  last(), last()];

/** Les réseaux des documents.
 * @type {Record<string, {input: number[], layers: Layer[]}>} */
export const PRESETS = {
  "LeNet-5, images 32×32": lenet(32, {}),
  "LeNet-5, images 28×28 (MNIST)": lenet(28, same),
  "Réseau dense 784-78-10": {input: [28, 28, 1], layers: [flatten, dense(78), dense(10)]},
  "Réseau dense 784-77-10": {input: [28, 28, 1], layers: [flatten, dense(77), dense(10)]},
  "Un étage de convolution (S3)": {input: [28, 28, 1], layers: [conv(16, 5), pool(3, 1)]},
  "Une couche dense de même sortie (S3)": {input: [28, 28, 1], layers: [flatten, dense(24 * 24 * 16)]},
  "Pas de 4 sur 224 pixels (S3)": {input: [224, 224, 3], layers: [conv(96, 11, {stride: 4})]},
  "Pas de 4 sur 227 pixels": {input: [227, 227, 3], layers: [conv(96, 11, {stride: 4})]},
  "Seize filtres 3×3 sur trois canaux (S4)": {input: [32, 32, 3], layers: [conv(16, 3)]},
  "Fashion-MNIST, architecture imposée (S1)": {input: [28, 28, 1], layers: [
    conv(32, 3), pool(2, 2), conv(64, 3), pool(2, 2), conv(64, 3), flatten, dense(64), dense(10)]},
  "BasicCNNModel (S0)": {input: [32, 32, 3], layers: [conv(50, 3), conv(100, 3), {kind: "global"}, dense(1000)]},
  "AlexNet, en deux moitiés (2012)": {input: [227, 227, 3], layers: [
    conv(96, 11, {stride: 4}), pool(3, 2), conv(256, 5, {...same, groups: 2}), pool(3, 2),
    conv(384, 3, same), conv(384, 3, {...same, groups: 2}), conv(256, 3, {...same, groups: 2}),
    pool(3, 2), flatten, dense(4096), dense(4096), dense(1000)]},
  "VGG16 (2014)": {input: [224, 224, 3], layers: [
    ...stage(64, 2), ...stage(128, 2), ...stage(256, 3), ...stage(512, 3), ...stage(512, 3),
    flatten, dense(4096), dense(4096), dense(1000)]},
  "InceptionV3 sans sa tête, images 150×150 (S2)": {input: [150, 150, 3], layers: inception},
};
