// Une tête : une couche dense et un softmax, appris sur ce qu'un réseau déjà appris rend d'une image.
//
// Source : Yosinski et al., arXiv 1411.1792, 2014 ; l'exercice 05.

import {softmax} from "./layers.js";

/** @typedef {{values: Float32Array, label: number}} Example Ce que la base rend d'une image, et sa sorte. */
/** @typedef {{weights: Float32Array, biases: Float32Array}} Head Une ligne de poids par sorte, et un biais. */

const STEPS = 300, RATE = 1, MOMENTUM = 0.9;
const DECAY = 1e-3; // ce qui retient les poids : peu d'images, et plus d'un millier de nombres par image

/**
 * Apprend une tête par descente de gradient, toutes les images à chaque pas.
 *
 * Les nombres sont d'abord centrés, et mis à une échelle où leur carré vaut 1 en moyenne par image : le même pas convient alors à
 * toute base. La tête rendue lit les nombres tels qu'ils étaient.
 *
 * @param {Example[]} examples une image au moins de chaque sorte. @param {number} classes
 * @returns {Head}
 */
export function learnHead(examples, classes) {
  const size = examples[0].values.length, {means, scale} = measure(examples), inputs = examples.map(({values}) => values.map((value, i) => (value - means[i]) / scale));
  const weights = new Float32Array(classes * size), biases = new Float32Array(classes);
  const speeds = new Float32Array(classes * size), biasSpeeds = new Float32Array(classes);
  for (let step = 0; step < STEPS; step++) {
    const slopes = weights.map((weight) => DECAY * weight), biasSlopes = new Float32Array(classes);
    inputs.forEach((input, n) => {
      const errors = answer({weights, biases}, input);
      errors[examples[n].label] -= 1;
      for (let k = 0; k < classes; k++) {
        const error = errors[k] / inputs.length;
        biasSlopes[k] += error;
        for (let i = 0; i < size; i++) slopes[k * size + i] += error * input[i];
      }
    });
    descend(weights, speeds, slopes);
    descend(biases, biasSpeeds, biasSlopes);
  }
  for (let k = 0; k < classes; k++) {
    for (let i = 0; i < size; i++) {
      weights[k * size + i] /= scale;
      biases[k] -= weights[k * size + i] * means[i];
    }
  }
  return {weights, biases};
}

/** Rend la moyenne de chaque nombre, et l'échelle de leurs écarts. @param {Example[]} examples */
function measure(examples) {
  const means = new Float32Array(examples[0].values.length);
  for (const {values} of examples) values.forEach((value, i) => { means[i] += value / examples.length; });
  const energy = examples.reduce((sum, {values}) => sum + values.reduce((total, value, i) => total + (value - means[i]) ** 2, 0), 0);
  return {means, scale: Math.sqrt(energy / examples.length) || 1};
}

/** Fait un pas, avec élan. @param {Float32Array} values @param {Float32Array} speeds @param {Float32Array} slopes */
function descend(values, speeds, slopes) {
  values.forEach((_, i) => {
    speeds[i] = MOMENTUM * speeds[i] - RATE * slopes[i];
    values[i] += speeds[i];
  });
}

/** Rend les probabilités d'une image. @param {Head} head @param {Float32Array} values ce que la base en rend. */
export function answer({weights, biases}, values) {
  return softmax(biases.map((bias, k) => {
    let score = bias;
    for (let i = 0; i < values.length; i++) score += weights[k * values.length + i] * values[i];
    return score;
  }));
}
