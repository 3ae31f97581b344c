// X ou O ? Toute la chaîne de S0 : filtres, ReLU, pooling, ReLU, pooling, votes.

import {convolve, pool} from "./convolution.js";

/** @typedef {import("./convolution.js").Grid} Grid */
/** @typedef {{filters: Grid[], votes: number[][], bias: number[]}} Weights */

/** @type {import("./convolution.js").Settings} */
const PLAIN = {stride: 1, dilation: 1, padding: "valid", flip: false};
/** @type {import("./convolution.js").Settings} */
const HALF = {stride: 2, dilation: 1, padding: "same", flip: false}; // 7 est impair : 4×4, et non 3×3

/** @param {Grid} grid */
const relu = (grid) => grid.map((row) => row.map((value) => Math.max(0, value)));

/**
 * Déroule la chaîne.
 *
 * @param {Grid} picture 9 × 9, 1 ou -1.
 * @param {Weights} weights
 */
export function chain(picture, {filters, votes, bias}) {
  const maps = filters.map((filter) => convolve([picture], [filter], PLAIN).values);
  const rectified = maps.map(relu);
  const pooled = rectified.map((map) => pool(map, 2, 2, "max", HALF).values);
  const second = pooled.map((map) => pool(relu(map), 2, 2, "max", HALF).values);
  const vector = second.flat(2);
  const scores = bias.map((start, k) => vector.reduce((sum, value, i) => sum + value * votes[i][k], start));
  return {maps, rectified, pooled, second, vector, scores};
}

/** Rend des probabilités. @param {number[]} scores */
export function softmax(scores) {
  const powers = scores.map((score) => Math.exp(score - Math.max(...scores)));
  return powers.map((power) => power / powers.reduce((a, b) => a + b, 0));
}
