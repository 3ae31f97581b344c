// Le petit U-Net de l'exercice 20 : des modules d'un spectrogramme au masque de la mélodie.
//
// De huit secondes de son, il demande 1,3 s de calcul, et LiteRT 0,03 s en Python ; mais celui du navigateur charge l'export, dont le nombre
// de trames est libre, puis refuse de le calculer. Ce fichier pèse 976 octets minifiés et ses poids 161 ko ; LiteRT demanderait 3,9 Mo, et
// un .tflite de 192 ko.
//
// Source : Ronneberger et al., arXiv 1505.04597, 2015, réduit.

import {batchNormalise, convolve} from "./layers.js";
import {BINS} from "./spectrogram.js";

/** @typedef {import("./layers.js").Tensor} Tensor */
/** @typedef {import("./layers.js").Layer} Layer */

const FLOOR = 0.01; // ajouté aux modules avant leur logarithme, dans l'exercice
const DOWN = 3, DILATED = 3; // convolutions qui réduisent, puis qui voient loin

/**
 * Rend la part de la mélodie dans chaque case.
 *
 * @param {Layer[]} layers ceux de l'exercice, dans l'ordre.
 * @param {Float32Array} input modules, voir `networkInput` ; `BINS` par trame.
 * @param {(done: number) => void} [progress] part du travail faite, de 0 à 1.
 * @returns {Promise<Float32Array>} dans [0, 1].
 */
export async function findMask(layers, input, progress = () => {}) {
  const convolutions = layers.filter(({kind}) => kind === "Conv2D");
  const norms = layers.filter(({kind}) => kind === "BatchNormalization");
  const frames = input.length / BINS;
  const whole = batchNormalise({shape: [frames, BINS, 1], values: input.map((v) => Math.log(v + FLOOR))}, norms[0]);
  let step = 0;
  const next = async (/** @type {Tensor} */ x) => {
    await new Promise((resolve) => setTimeout(resolve)); // la page reste vive
    const found = batchNormalise(convolve(x, convolutions[step]), norms[step + 1]);
    found.values.forEach((value, i) => { if (value < 0) found.values[i] = 0; });
    progress(++step / convolutions.length);
    return found;
  };
  let x = await next({shape: [frames, BINS - 1, 1], values: whole.values.filter((_, i) => i % BINS < BINS - 1)});
  const skips = [];
  for (let i = 0; i < DOWN; i++) {
    skips.push(x);
    x = await next(x);
  }
  for (let i = 0; i < DILATED; i++) x = await next(x);
  for (const skip of skips.reverse()) x = await next(join(x, skip));
  const scores = convolve(x, convolutions[step]).values, mask = new Float32Array(frames * BINS).fill(0.5);
  scores.forEach((score, i) => {
    mask[Math.floor(i / (BINS - 1)) * BINS + i % (BINS - 1)] = 1 / (1 + Math.exp(-score)); // 4000 Hz : moitié-moitié
  });
  progress(1);
  return mask;
}

/** Double les fréquences d'une carte, et lui joint les canaux d'une autre. @param {Tensor} x @param {Tensor} skip
 * @returns {Tensor} */
function join(x, skip) {
  const [frames, bins, kept] = skip.shape, count = x.shape[2], total = count + kept;
  const values = new Float32Array(frames * bins * total);
  for (let place = 0; place < frames * bins; place++) {
    const half = Math.floor(place / bins) * x.shape[1] + (place % bins >> 1);
    values.set(x.values.subarray(half * count, (half + 1) * count), place * total);
    values.set(skip.values.subarray(place * kept, (place + 1) * kept), place * total + count);
  }
  return {shape: [frames, bins, total], values};
}
