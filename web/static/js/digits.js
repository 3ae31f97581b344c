// Ce que le Worker fait d'un chiffre : les réponses des réseaux, en place et à chaque déplacement.

import {askJson} from "./ask.js";
import {readPixels} from "./decode.js";
import {placeDigit, shift} from "./digit.js";
import {DECODED, digitSquare} from "./ink.js";
import {readNetworks, run} from "./layers.js";

/** Un réseau : son titre, son fichier, et son nom dans ce fichier. @typedef {[string, string, string | null]} Network */

/** @type {Record<string, Promise<any>>} */
const files = {};
let latest = 0; // la dernière demande ; une autre, si elle dure encore, cesse d'elle-même

/** Lit les couches d'un réseau. @param {string} slug @param {string | null} name null : le seul du fichier. */
async function load(slug, name) {
  files[slug] ??= askJson(`poids/${slug}.json`).then(readNetworks).catch((error) => {
    delete files[slug]; // à redemander : le réseau peut revenir
    throw error;
  });
  const networks = await files[slug];
  return networks[name ?? Object.keys(networks)[0]];
}

/** Rend les probabilités que donne la dernière couche. @param {ReturnType<typeof run>} pass */
function answerOf(pass) {
  return pass[pass.length - 1].output.values;
}

/** @type {Record<string, (args: any, report: import("./calculator.js").Report) => Promise<any>>} */
export const DIGITS = {
  /** Présente un dessin comme MNIST. */
  async place({ink}) {
    return placeDigit(ink);
  },

  /** Cherche le chiffre d'une image, que `check` a acceptée, et le présente de même. */
  async find({blob}) {
    return digitSquare(await readPixels(blob, DECODED));
  },

  /** Rend ce que chaque couche du premier réseau fait d'un chiffre, et la réponse de chacun ; null, si l'on a demandé autre chose depuis. */
  async passes({turn, networks, digit, by, side}) {
    latest = turn;
    const known = await Promise.all(networks.map((/** @type {Network} */ [, slug, name]) => load(slug, name)));
    if (turn !== latest) return null;
    const passes = known.map((layers) => run(layers, shift(digit, by[0], by[1], side)));
    return {steps: passes[0], answers: passes.map(answerOf)};
  },

  /** Rend le chiffre que lit un réseau à chaque déplacement, ligne par ligne ; null, si l'on a demandé autre chose depuis. */
  async grid({turn, network: [, slug, name], digit, reach, side}) {
    const layers = await load(slug, name), named = [];
    for (let y = -reach; y <= reach; y++) {
      await new Promise((resolve) => setTimeout(resolve)); // de quoi entendre une autre demande
      if (turn !== latest) return null;
      named.push(Array.from({length: 2 * reach + 1}, (_, i) => {
        const values = answerOf(run(layers, shift(digit, y, i - reach, side)));
        return values.indexOf(Math.max(...values));
      }));
    }
    return named;
  },
};
