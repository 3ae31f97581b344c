// Compter un réseau couche par couche : tailles, paramètres, opérations, champ récepteur.
//
// Source : S3, « Récapitulatif des paramètres » ; Araujo, Norris et Sim, Distill, 2019.

import {pads} from "./convolution.js";

/**
 * @typedef {object} Layer Une couche ; ce qui manque vaut 1, et le padding « valid ».
 * @property {"conv" | "pool" | "flatten" | "global" | "dense" | "norm"} kind
 * @property {number} [count] filtres, ou neurones.
 * @property {number} [window] côté de la fenêtre.
 * @property {number} [stride] pas.
 * @property {number} [dilation]
 * @property {number} [groups] parts dont chaque filtre ne lit qu'une.
 * @property {"valid" | "same" | number} [padding]
 */

/**
 * @typedef {object} Row
 * @property {number[]} shape de la sortie : hauteur, largeur, canaux, ou seulement leur nombre.
 * @property {number} parameters
 * @property {number} operations multiplications-additions, pour une image.
 * @property {number | null} field côté du champ récepteur, en pixels ; null : toute l'image.
 */

/**
 * Compte un réseau.
 *
 * @param {number[]} input hauteur, largeur, canaux.
 * @param {Layer[]} layers
 * @returns {Row[]} une par couche.
 * @throws {Error} une couche ne peut pas suivre la précédente.
 */
export function summarise(input, layers) {
  /** @type {Row[]} */
  const rows = [];
  let shape = input, jump = 1;
  /** @type {number | null} */
  let field = 1;
  for (const [index, layer] of layers.entries()) {
    const row = count(shape, layer, index + 1);
    const {window = 1, stride = 1, dilation = 1} = layer;
    if (layer.kind === "conv" || layer.kind === "pool") {
      if (field !== null) field += dilation * (window - 1) * jump;
      jump *= stride;
    } else if (layer.kind !== "norm") field = null;
    rows.push({...row, field});
    shape = row.shape;
  }
  return rows;
}

/** @param {number[]} shape @param {Layer} layer @param {number} place son rang, pour les erreurs. */
function count(shape, layer, place) {
  const [height, width, channels] = shape;
  if (layer.kind === "dense") {
    if (shape.length > 1) throw new Error(`Couche ${place} : une couche dense lit un vecteur ; dépliez d'abord.`);
    const units = layer.count ?? 1;
    return {shape: [units], parameters: (shape[0] + 1) * units, operations: shape[0] * units};
  }
  if (layer.kind === "norm") return {shape, parameters: 4 * shape[shape.length - 1], operations: 0};
  if (shape.length === 1) throw new Error(`Couche ${place} : elle lit une image, et reçoit un vecteur.`);
  if (layer.kind === "flatten") return {shape: [height * width * channels], parameters: 0, operations: 0};
  if (layer.kind === "global") return {shape: [channels], parameters: 0, operations: 0};
  const {window = 1, stride = 1, dilation = 1, padding = "valid", groups = 1} = layer;
  const extent = dilation * (window - 1) + 1;
  const [tall, wide] = [height, width].map((length) => {
    const around = pads(length, extent, stride, padding);
    return Math.floor((length + around[0] + around[1] - extent) / stride) + 1;
  });
  if (Math.min(tall, wide) < 1) throw new Error(`Couche ${place} : la fenêtre est plus grande que l'image.`);
  if (layer.kind === "pool") return {shape: [tall, wide, channels], parameters: 0, operations: 0};
  const filters = layer.count ?? 1;
  if (channels % groups || filters % groups) {
    throw new Error(`Couche ${place} : ${groups} groupes ne partagent pas ${channels} canaux et ${filters} filtres.`);
  }
  const weights = window * window * (channels / groups) * filters;
  return {shape: [tall, wide, filters], parameters: weights + filters, operations: weights * tall * wide};
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

/** Les réseaux des documents qui n'ont qu'un fil, sans branche.
 * @type {Record<string, {input: number[], layers: Layer[]}>} */
export const PRESETS = {
  "LeNet-5, images 32×32": lenet(32, {}),
  "LeNet-5, images 28×28 (MNIST)": lenet(28, same),
  "Réseau dense 784-78-10": {input: [28, 28, 1], layers: [flatten, dense(78), dense(10)]},
  "Un étage de convolution (S3)": {input: [28, 28, 1], layers: [conv(16, 5), pool(3, 1)]},
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
};
