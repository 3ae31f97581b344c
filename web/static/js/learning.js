// Un petit CNN qui apprend dans la page : celui de l'exercice 22, aller, retour, descente avec élan.
//
// Convolution 5 × 5 de pas 2, ReLU, maximum 2 × 2, convolution 3 × 3, ReLU, moyenne 3 × 3 de pas 2, couche dense.

/** @typedef {{shape: number[], values: Float32Array}} Tensor */
/** @typedef {Tensor[]} Weights noyaux et biais des deux convolutions, matrice et biais de la couche dense. */

export const SIDE = 28;
const FIRST = {side: 14, window: 5, stride: 2, pad: 2}, SECOND = {side: 7, window: 3, stride: 1, pad: 1}, LAST = 3;
export const RATE = 0.03; // celui de l'exercice, comme l'élan
const MOMENTUM = 0.9;

/** Tire des poids au hasard. @param {number} classes @param {[number, number]} filters @param {() => number} [random]
 * @returns {Weights} Source : He et al., arXiv 1502.01852, 2015. */
export function draw(classes, [first, second], random = Math.random) {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return [[5, 5, 1, first], [3, 3, first, second], [LAST * LAST * second, classes]].flatMap((shape) => {
    const scale = Math.sqrt(2 / shape.slice(0, -1).reduce((a, b) => a * b)), count = shape.reduce((a, b) => a * b);
    const last = shape[shape.length - 1];
    return [{shape, values: Float32Array.from({length: count}, () => scale * normal())},
      {shape: [last], values: new Float32Array(last)}];
  });
}

/** Rend un gradient nul, de la forme des poids. @param {Weights} weights @returns {Float32Array[]} */
export function zeros(weights) {
  return weights.map(({values}) => new Float32Array(values.length));
}

/** Parcourt ce que lit chaque case d'une convolution : la case, le pixel, le poids, où leurs canaux commencent.
 * @param {number} from côté de l'entrée @param {typeof FIRST} layer @param {number[]} shape du noyau
 * @param {(cell: number, pixel: number, weight: number) => void} visit */
function walk(from, {side, window, stride, pad}, [, , channels, filters], visit) {
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      for (let i = 0; i < window; i++) {
        const v = y * stride + i - pad;
        if (v < 0 || v >= from) continue;
        for (let j = 0; j < window; j++) {
          const u = x * stride + j - pad;
          if (u >= 0 && u < from) visit((y * side + x) * filters, (v * from + u) * channels, (i * window + j) * channels * filters);
        }
      }
    }
  }
}

/** Convolution et ReLU. @param {Float32Array} x @param {number} from @param {typeof FIRST} layer @param {Tensor} kernel
 * @param {Tensor} bias */
function convolve(x, from, layer, kernel, bias) {
  const [, , channels, filters] = kernel.shape, y = new Float32Array(layer.side ** 2 * filters);
  for (let k = 0; k < y.length; k++) y[k] = bias.values[k % filters];
  walk(from, layer, kernel.shape, (cell, pixel, weight) => {
    for (let c = 0; c < channels; c++) {
      const value = x[pixel + c];
      if (value) for (let k = 0; k < filters; k++) y[cell + k] += value * kernel.values[weight + c * filters + k];
    }
  });
  return y.map((value) => Math.max(0, value));
}

/** Le retour d'une convolution : note les gradients de ses poids, et rend celui de son entrée.
 * @param {Float32Array} dy déjà nul où la ReLU l'était. @param {Float32Array} x @param {number} from
 * @param {typeof FIRST} layer @param {Tensor} kernel @param {Float32Array} dKernel @param {Float32Array} dBias */
function convolveBack(dy, x, from, layer, kernel, dKernel, dBias) {
  const [, , channels, filters] = kernel.shape, dx = new Float32Array(x.length);
  for (let k = 0; k < dy.length; k++) dBias[k % filters] += dy[k];
  walk(from, layer, kernel.shape, (cell, pixel, weight) => {
    for (let c = 0; c < channels; c++) {
      const value = x[pixel + c], row = weight + c * filters;
      let sum = 0;
      for (let k = 0; k < filters; k++) {
        dKernel[row + k] += value * dy[cell + k];
        sum += kernel.values[row + k] * dy[cell + k];
      }
      dx[pixel + c] += sum;
    }
  });
  return dx;
}

/** L'aller d'une image : ce que rend chaque couche. @param {Weights} weights @param {ArrayLike<number>} image octets */
export function forward([kernel1, bias1, kernel2, bias2, matrix, bias], image) {
  const x = Float32Array.from(image, (value) => value / 255), first = kernel1.shape[3], second = kernel2.shape[3];
  const maps = convolve(x, SIDE, FIRST, kernel1, bias1);
  const half = SECOND.side, pooled = new Float32Array(half * half * first), winners = new Uint32Array(pooled.length);
  for (let k = 0; k < pooled.length; k++) {
    const c = k % first, place = Math.floor(k / first), at = (2 * Math.floor(place / half) * FIRST.side + 2 * (place % half)) * first + c;
    const four = [at, at + first, at + FIRST.side * first, at + (FIRST.side + 1) * first];
    winners[k] = four.reduce((a, b) => (maps[b] > maps[a] ? b : a));
    pooled[k] = maps[winners[k]];
  }
  const maps2 = convolve(pooled, half, SECOND, kernel2, bias2), flat = new Float32Array(LAST * LAST * second);
  average((from, to) => { for (let c = 0; c < second; c++) flat[to * second + c] += maps2[from * second + c] / 9; });
  const classes = bias.values.length, scores = bias.values.slice();
  for (let i = 0; i < flat.length; i++) {
    for (let k = 0; k < classes; k++) scores[k] += flat[i] * matrix.values[i * classes + k];
  }
  const most = Math.max(...scores), powers = scores.map((score) => Math.exp(score - most));
  const total = powers.reduce((a, b) => a + b);
  return {x, maps, winners, pooled, maps2, flat, probabilities: powers.map((power) => power / total)};
}

/** Parcourt les fenêtres 3 × 3, de pas 2, de la moyenne. @param {(from: number, to: number) => void} visit */
function average(visit) {
  for (let to = 0; to < LAST * LAST; to++) {
    for (let k = 0; k < 9; k++) {
      visit((2 * Math.floor(to / LAST) + Math.floor(k / 3)) * SECOND.side + 2 * (to % LAST) + k % 3, to);
    }
  }
}

/** Ajoute à des gradients ceux d'une image ; rend sa perte, et sa réponse. @param {Weights} weights
 * @param {ArrayLike<number>} image @param {number} label @param {Float32Array[]} gradients @param {number} share un sur les images du lot */
export function backward(weights, image, label, gradients, share) {
  const [kernel1, , kernel2, , matrix] = weights, pass = forward(weights, image), classes = pass.probabilities.length;
  const error = pass.probabilities.map((value, k) => (value - Number(k === label)) * share); // softmax et perte, ensemble
  const second = kernel2.shape[3], dFlat = new Float32Array(pass.flat.length);
  for (let i = 0; i < dFlat.length; i++) {
    for (let k = 0; k < classes; k++) {
      gradients[4][i * classes + k] += pass.flat[i] * error[k];
      dFlat[i] += matrix.values[i * classes + k] * error[k];
    }
  }
  error.forEach((value, k) => { gradients[5][k] += value; });
  const dMaps2 = new Float32Array(pass.maps2.length);
  average((from, to) => { for (let c = 0; c < second; c++) dMaps2[from * second + c] += dFlat[to * second + c] / 9; });
  for (let k = 0; k < dMaps2.length; k++) if (pass.maps2[k] === 0) dMaps2[k] = 0;
  const dPooled = convolveBack(dMaps2, pass.pooled, SECOND.side, SECOND, kernel2, gradients[2], gradients[3]);
  const dMaps = new Float32Array(pass.maps.length);
  dPooled.forEach((value, k) => { if (pass.pooled[k] > 0) dMaps[pass.winners[k]] += value; });
  convolveBack(dMaps, pass.x, SIDE, FIRST, kernel1, gradients[0], gradients[1]);
  return {loss: -Math.log(pass.probabilities[label] + 1e-12), probabilities: pass.probabilities};
}

/** Change les poids d'un pas, d'après le gradient d'un lot. @param {Weights} weights @param {Float32Array[]} velocities
 * @param {Float32Array[]} gradients @param {number} [rate] le taux d'apprentissage */
export function step(weights, velocities, gradients, rate = RATE) {
  weights.forEach(({values}, i) => values.forEach((_, k) => {
    velocities[i][k] = MOMENTUM * velocities[i][k] - rate * gradients[i][k];
    values[k] += velocities[i][k];
  }));
}

/** Écrit des poids en peu de lettres : un octet par poids, à l'échelle du plus grand de son tableau.
 * @param {Weights} weights */
export function pack(weights) {
  return weights.map(({shape, values}) => {
    const most = values.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-9);
    const letters = Array.from(values, (value) => String.fromCharCode(128 + Math.round(127 * value / most))).join("");
    return [shape.join("x"), most.toPrecision(4), btoa(letters).replaceAll("+", "-").replaceAll("/", "_")].join("~");
  }).join("!");
}

/** Relit `pack`. @param {string} text @returns {Weights} @throws {Error} ce ne sont pas les poids de ce réseau. */
export function unpack(text) {
  const weights = text.split("!").map((part) => {
    const [shape = "", most = "", letters = ""] = part.split("~"), bytes = atob(letters.replaceAll("-", "+").replaceAll("_", "/"));
    return {shape: shape.split("x").map(Number), values: Float32Array.from(bytes, (letter) => (letter.charCodeAt(0) - 128) / 127 * Number(most))};
  });
  const expected = draw(weights[5]?.shape[0] ?? 0, [weights[1]?.shape[0] ?? 0, weights[3]?.shape[0] ?? 0], () => 0.5);
  if (weights.some(({shape, values}, i) => String(shape) !== String(expected[i]?.shape) || values.length !== expected[i].values.length ||
    !values.every(Number.isFinite))) throw new Error("Ce réseau n'est pas de cette page, ou il est abîmé.");
  return weights;
}
