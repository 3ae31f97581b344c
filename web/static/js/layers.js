// Les couches d'un petit réseau, calculées ici : de quoi voir ce que chacune rend.
//
// LeNet y répond à un trait en 1,5 ms, et ce fichier pèse 2 680 octets minifiés. LiteRT ferait venir 3,9 Mo dans une page qui s'en passe,
// pour un .tflite de 276 ko au lieu de poids de 326 ko.

import {pads} from "./convolution.js";

/**
 * @typedef {object} Tensor Des nombres rangés comme Keras les range, le dernier axe d'abord.
 * @property {number[]} shape @property {Float32Array} values
 */

/** @typedef {{shape: number[], values: Float32Array | Int8Array, scales: Float32Array, biases: Float32Array}} Kernel Un noyau écrit
 * un filtre après l'autre, ce qui multiplie les nombres de chacun, et les biais. */

/**
 * @typedef {object} Layer Une couche, telle que web/networks.py l'écrit.
 * @property {string} kind @property {string} name @property {Tensor[]} weights
 * @property {string} [activation] @property {string | number} [padding]
 * @property {Kernel} [kernel] au lieu de `weights`, d'un .tflite @property {string} [done] ce qu'elle fait de chaque case
 * @property {number[]} [strides] @property {number[]} [dilation_rate] @property {number[]} [window] d'un pooling
 * @property {number[]} [before] lignes et colonnes qu'un bord ajoute avant l'image
 * @property {number} [scale] @property {number} [offset] @property {number} [epsilon]
 */

/** Lit les réseaux d'un fichier de `poids/`. @param {Record<string, any[]>} file
 * @returns {Record<string, Layer[]>} */
export function readNetworks(file) {
  return Object.fromEntries(Object.entries(file).map(([name, layers]) => [name, layers.map((layer) => ({
    ...layer,
    weights: layer.weights.map((/** @type {any} */ {shape, values}) => ({shape, values: decode(values)})),
  }))]));
}

/** @param {string} text des float32 en base 64. */
function decode(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

/**
 * Passe une image d'une couche à la suivante.
 *
 * @param {Layer[]} layers une suite de couches. @param {ArrayLike<number>} image carrée, en gris.
 * @returns {{layer: Layer, output: Tensor}[]} ce que rend chacune ; la dernière, les probabilités.
 */
export function run(layers, image) {
  const side = Math.sqrt(image.length);
  /** @type {Tensor} */
  let output = {shape: [side, side, 1], values: Float32Array.from(image)};
  return layers.map((layer) => {
    const step = STEPS[layer.kind];
    if (!step) throw new Error(`Cette page ne sait pas calculer une couche ${layer.kind}.`);
    output = step(output, layer);
    return {layer, output};
  });
}

/** @type {Record<string, (x: Tensor, layer: Layer) => Tensor>} */
const STEPS = {
  InputLayer: (x) => x,
  Reshape: (x) => x, // l'image a déjà son canal
  Flatten: ({values}) => ({shape: [values.length], values}),
  Rescaling: (x, {scale = 1, offset = 0}) => ({...x, values: x.values.map((v) => v * scale + offset)}),
  Conv2D: convolve,
  MaxPooling2D: halve,
  GlobalMaxPooling2D: (x) => {
    const channels = x.shape[2], values = x.values.slice(0, channels);
    x.values.forEach((v, i) => { if (v > values[i % channels]) values[i % channels] = v; });
    return {shape: [channels], values};
  },
  Dense: (x, layer) => activate(dense({...x, shape: [1, x.values.length]}, layer), layer.activation),
};

/** Convolution. @param {Tensor} x @param {Layer} layer @returns {Tensor} */
export function convolve({shape: [height, width, channels], values}, layer) {
  const {padding, activation, strides = [1, 1], dilation_rate: dilation = [1, 1], weights: [kernel, bias]} = layer;
  const [rows, columns, , filters] = kernel.shape, lengths = [height, width];
  const extents = [dilation[0] * (rows - 1) + 1, dilation[1] * (columns - 1) + 1];
  const around = extents.map((extent, axis) => pads(lengths[axis], extent, strides[axis], padding === "same" ? "same" : "valid"));
  const [h, w] = extents.map((extent, axis) =>
    Math.floor((lengths[axis] + around[axis][0] + around[axis][1] - extent) / strides[axis]) + 1);
  const found = new Float32Array(h * w * filters);
  for (let y = 0, place = 0; y < h; y++) {
    for (let x = 0; x < w; x++, place += filters) {
      if (bias) found.set(bias.values, place);
      for (let i = 0; i < rows; i++) {
        const v = y * strides[0] + i * dilation[0] - around[0][0];
        if (v < 0 || v >= height) continue;
        for (let j = 0; j < columns; j++) {
          const u = x * strides[1] + j * dilation[1] - around[1][0];
          if (u < 0 || u >= width) continue;
          for (let c = 0; c < channels; c++) {
            const value = values[(v * width + u) * channels + c];
            if (value === 0) continue; // après une ReLU, c'est souvent
            const row = ((i * columns + j) * channels + c) * filters;
            for (let k = 0; k < filters; k++) found[place + k] += value * kernel.values[row + k];
          }
        }
      }
    }
  }
  return activate({shape: [h, w, filters], values: found}, activation);
}

/** Max-pooling 2 × 2, de pas 2. @param {Tensor} x @returns {Tensor} */
function halve({shape: [height, width, channels], values}) {
  const h = height >> 1, w = width >> 1, found = new Float32Array(h * w * channels);
  for (let y = 0, k = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      for (let c = 0; c < channels; c++, k++) {
        const at = (2 * y * width + 2 * x) * channels + c, below = at + width * channels;
        found[k] = Math.max(values[at], values[at + channels], values[below], values[below + channels]);
      }
    }
  }
  return {shape: [h, w, channels], values: found};
}

/** Couche dense, de chaque ligne. @param {Tensor} x `(n, entrées)`. @param {Layer} layer
 * @returns {Tensor} `(n, unités)`, avant l'activation. */
export function dense({shape: [count, inputs], values}, {weights: [kernel, bias]}) {
  const units = kernel.shape[1], found = new Float32Array(count * units);
  for (let n = 0; n < count; n++) {
    found.set(bias.values, n * units);
    for (let i = 0; i < inputs; i++) {
      const value = values[n * inputs + i];
      if (value === 0) continue;
      for (let k = 0; k < units; k++) found[n * units + k] += value * kernel.values[i * units + k];
    }
  }
  return {shape: [count, units], values: found};
}

/** Ramène chaque canal à la moyenne et à l'écart-type appris. @param {Tensor} x @param {Layer} layer
 * @returns {Tensor} */
export function batchNormalise({shape, values}, {weights: [gamma, beta, mean, variance], epsilon = 0}) {
  const count = shape[shape.length - 1];
  const scales = gamma.values.map((value, k) => value / Math.sqrt(variance.values[k] + epsilon));
  return {shape, values: values.map((value, i) => {
    const k = i % count;
    return (value - mean.values[k]) * scales[k] + beta.values[k];
  })};
}

/** Additionne case par case. @param {Float32Array} a @param {Float32Array} b */
export function sum(a, b) {
  return a.map((value, i) => value + b[i]);
}

/** @param {Tensor} x @param {string} [name] @returns {Tensor} */
export function activate(x, name) {
  if (name === "relu") return {...x, values: x.values.map((v) => Math.max(v, 0))};
  if (name === "softmax") return {...x, values: softmax(x.values)};
  if (name === "linear") return x;
  throw new Error(`Cette page ne sait pas calculer l'activation ${name}.`);
}

/** @param {Float32Array} scores */
export function softmax(scores) {
  const most = scores.reduce((a, b) => Math.max(a, b));
  const powers = scores.map((v) => Math.exp(v - most));
  const total = powers.reduce((a, b) => a + b);
  return powers.map((v) => v / total);
}
