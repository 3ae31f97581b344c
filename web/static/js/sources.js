// Ce que le Worker fait d'un mélange : son spectrogramme, le masque qui le sépare, et ce que l'on y gagne.

import {askJson} from "./ask.js";
import {readNetworks} from "./layers.js";
import {findMask} from "./separator.js";
import {BINS, RATE, applyMask, idealMask, magnitudes, networkInput, siSdr, stft} from "./spectrogram.js";

/** Un mélange, et ses deux sources si on les connaît. @typedef {{mixture: Float32Array, truth: Float32Array[],
 * whole: import("./spectrogram.js").Spectrogram, sizes: Float32Array, most: number}} Heard */

const WEIGHTS = "poids/ex20_source_separation.json";
const RANGE_DB = 60; // étendue des couleurs

/** @type {Heard | null} */
let heard = null;
/** @type {Promise<any[]> | undefined} */
let loading;

/** Les couches du réseau, lues la première fois. */
function network() {
  loading ??= askJson(WEIGHTS).then((file) => Object.values(readNetworks(file))[0]).catch((error) => {
    loading = undefined; // à redemander : le réseau peut revenir
    throw error;
  });
  return loading;
}

/** @type {Record<string, (args: any, report: import("./calculator.js").Report) => Promise<any>>} */
export const SOURCES = {
  /** Prend un mélange, et rend son spectrogramme à peindre. */
  async hear({mixture, truth}) {
    const whole = stft(mixture), sizes = magnitudes(whole);
    heard = {mixture, truth, whole, sizes, most: sizes.reduce((a, b) => Math.max(a, b)) || 1};
    return {frames: whole.frames, seen: decibels(sizes, heard.most)};
  },

  /** Sépare le mélange, par un masque donné ou à trouver ; rend le masque, les deux sons, ce qui s'en peint et ce que l'on y gagne. */
  async separate({kind, cut, mask}, report) {
    if (!heard) throw new Error("Aucun mélange n'est ouvert.");
    const {mixture, truth, whole, most} = heard, found = mask ?? await findKind(kind, cut, heard, report);
    const melody = applyMask(whole, found, mixture.length), percussion = mixture.map((value, i) => value - melody[i]);
    const gains = truth.length && [melody, percussion].map((estimate, i) => siSdr(estimate, truth[i]) - siSdr(mixture, truth[i]));
    return {mask: found, melody, percussion, gains, kept: decibels(magnitudes(stft(melody)), most)};
  },
};

/** Trouve un masque : celui du réseau, l'idéal, ou une coupure. @param {string} kind @param {number} cut en hertz.
 * @param {Heard} sound @param {import("./calculator.js").Report} report */
async function findKind(kind, cut, {sizes, truth}, report) {
  if (kind === "network") return findMask(await network(), networkInput(sizes), report);
  if (kind === "ideal") return idealMask(magnitudes(stft(truth[0])), magnitudes(stft(truth[1])));
  return sizes.map((_, i) => Number(i % BINS * RATE / 2 / (BINS - 1) < cut));
}

/** Rend des modules en décibels, de 0 à 1. @param {Float32Array} sizes @param {number} most celui qui vaut 1 */
function decibels(sizes, most) {
  return sizes.map((size) => Math.max(0, 1 + 20 * Math.log10(size / most + 1e-9) / RANGE_DB));
}
