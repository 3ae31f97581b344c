// Ce que le Worker fait de la page « Apprendre » : une époque, puis ce que le réseau répond à chaque dessin.

import {shift} from "./digit.js";
import {backward, forward, step, zeros} from "./learning.js";

/** @typedef {{image: Uint8Array, label: number, isHeld: boolean}} Drawing Un dessin, sa sorte, et s'il ne sert qu'à mesurer. */

const BATCH = 8, SHIFT = 2; // images par pas ; pixels dont chaque dessin est déplacé, pour en valoir plusieurs

/** @type {Record<string, (args: any, report: import("./calculator.js").Report) => Promise<any>>} */
export const EPOCHS = {
  /** Apprend une époque. Rend les poids, leur élan, la perte, la part de dessins justes, et les probabilités de tous les dessins. */
  async epoch({weights, speeds, drawings, rate}) {
    const seen = drawings.filter((/** @type {Drawing} */ {isHeld}) => !isHeld);
    const order = seen.map((/** @type {Drawing} */ each) => ({each, key: Math.random()}))
      .sort((/** @type {{key: number}} */ a, /** @type {{key: number}} */ b) => a.key - b.key);
    let loss = 0, right = 0;
    for (let first = 0; first < order.length; first += BATCH) {
      const batch = order.slice(first, first + BATCH), gradients = zeros(weights);
      for (const {each: {image, label}} of batch) {
        const found = backward(weights, shift(image, random(SHIFT), random(SHIFT)), label, gradients, 1 / batch.length);
        loss += found.loss / order.length;
        right += Number(best(found.probabilities) === label) / order.length;
      }
      step(weights, speeds, gradients, rate);
    }
    const probabilities = drawings.map((/** @type {Drawing} */ {image}) => forward(weights, image).probabilities);
    return {weights, speeds, loss, right, probabilities};
  },
};

/** @param {number} reach un entier de −reach à reach. */
function random(reach) {
  return Math.floor(Math.random() * (2 * reach + 1)) - reach;
}

/** @param {Float32Array} probabilities */
export function best(probabilities) {
  return probabilities.indexOf(Math.max(...probabilities));
}
