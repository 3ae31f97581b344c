// Le petit transformeur de l'exercice 19, et ce que chaque morceau y regarde.
//
// Source : Dosovitskiy et al., arXiv 2010.11929, 2020 ; Vaswani et al., arXiv 1706.03762, 2017.

import {activate, dense, softmax, sum} from "./layers.js";
import {PATCHES, cut} from "./patches.js";

/** @typedef {import("./layers.js").Tensor} Tensor */
/** @typedef {import("./layers.js").Layer} Layer */

export const HEADS = 4; // de l'exercice
export const TOKENS = PATCHES + 1; // le jeton de classe, puis les morceaux

/**
 * Lit une image.
 *
 * @param {Layer[]} layers ceux de l'exercice, dans l'ordre. @param {ArrayLike<number>} image 28 × 28, en gris.
 * @returns {{probabilities: Float32Array, attention: Float32Array[][]}} `attention[bloc][tête]`, une ligne de
 *   somme 1 par jeton : ce qu'il prend aux autres.
 */
export function look(layers, image) {
  const named = (/** @type {string} */ name) => /** @type {Layer} */ (layers.find((layer) => layer.name === name));
  const plain = layers.filter(({kind, name}) => kind === "Dense" && !name.startsWith("attention"));
  const norms = layers.filter(({kind}) => kind === "LayerNormalization");
  const patches = dense(cut(image), plain[0]), width = patches.shape[1], attention = [];
  const tokens = {shape: [TOKENS, width], values: new Float32Array(TOKENS * width)};
  tokens.values.set(named("class_token").weights[0].values);
  tokens.values.set(sum(patches.values, named("positions").weights[0].values), width);
  const depth = norms.length >> 1;
  for (let block = 0; block < depth; block++) {
    const name = `attention${block + 1}`, seen = normalise(tokens, norms[2 * block]);
    const [query, key, value] = ["query", "key", "value"].map((role) => dense(seen, named(`${name}_${role}`)));
    const {weights, taken} = attend(query, key, value);
    attention.push(weights);
    tokens.values = sum(tokens.values, dense(taken, named(`${name}_output`)).values);
    const hidden = dense(normalise(tokens, norms[2 * block + 1]), plain[2 * block + 1]);
    hidden.values = hidden.values.map(gelu);
    tokens.values = sum(tokens.values, dense(hidden, plain[2 * block + 2]).values);
  }
  const first = {shape: [1, width], values: tokens.values.slice(0, width)}, head = plain[plain.length - 1];
  const scores = dense(normalise(first, norms[norms.length - 1]), head);
  return {probabilities: activate(scores, head.activation).values, attention};
}

/** Ramène chaque jeton à une moyenne et un écart-type appris. @param {Tensor} x @param {Layer} layer
 * @returns {Tensor} */
function normalise({shape: [count, width], values}, {weights: [gamma, beta], epsilon = 0}) {
  const found = new Float32Array(values.length);
  for (let n = 0; n < count; n++) {
    const row = values.subarray(n * width, (n + 1) * width);
    const mean = row.reduce((a, b) => a + b) / width;
    const deviation = Math.sqrt(row.reduce((a, b) => a + (b - mean) ** 2, 0) / width + epsilon);
    row.forEach((value, k) => {
      found[n * width + k] = (value - mean) / deviation * gamma.values[k] + beta.values[k];
    });
  }
  return {shape: [count, width], values: found};
}

/** Laisse chaque jeton prendre aux autres, tête par tête. @param {Tensor} query @param {Tensor} key
 * @param {Tensor} value */
function attend(query, key, value) {
  const [count, width] = query.shape, size = width / HEADS, taken = new Float32Array(count * width);
  const weights = Array.from({length: HEADS}, (_, head) => {
    const found = new Float32Array(count * count), start = head * size;
    for (let i = 0; i < count; i++) {
      const scores = new Float32Array(count);
      for (let j = 0; j < count; j++) {
        let dot = 0;
        for (let k = start; k < start + size; k++) dot += query.values[i * width + k] * key.values[j * width + k];
        scores[j] = dot / Math.sqrt(size);
      }
      const row = softmax(scores);
      found.set(row, i * count);
      for (let j = 0; j < count; j++) {
        for (let k = start; k < start + size; k++) taken[i * width + k] += row[j] * value.values[j * width + k];
      }
    }
    return found;
  });
  return {weights, taken: {shape: [count, width], values: taken}};
}

/** @param {number} x */
function gelu(x) {
  return x / 2 * (1 + erf(x / Math.SQRT2));
}

/** Fonction d'erreur, à 2·10⁻⁷ près. Source : Abramowitz et Stegun, 1964, formule 7.1.26. @param {number} x */
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const series = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return Math.sign(x) * (1 - series * Math.exp(-x * x));
}

/**
 * Suit l'attention de bloc en bloc, jusqu'aux morceaux de départ.
 *
 * Source : Abnar et Zuidema, arXiv 2005.00928, 2020, équation 1.
 *
 * @param {Float32Array[][]} attention @returns {Float32Array} une ligne par jeton, de somme 1.
 */
export function rollout(attention) {
  let found = identity();
  for (const heads of attention) {
    const mixed = identity();
    for (let i = 0; i < mixed.length; i++) {
      mixed[i] = (mixed[i] + heads.reduce((total, head) => total + head[i], 0) / heads.length) / 2;
    }
    const next = new Float32Array(found.length);
    for (let i = 0; i < TOKENS; i++) {
      for (let j = 0; j < TOKENS; j++) {
        const share = mixed[i * TOKENS + j];
        for (let k = 0; k < TOKENS; k++) next[i * TOKENS + k] += share * found[j * TOKENS + k];
      }
    }
    found = next;
  }
  return found;
}

function identity() {
  return Float32Array.from({length: TOKENS * TOKENS}, (_, i) => Number(i % (TOKENS + 1) === 0));
}
