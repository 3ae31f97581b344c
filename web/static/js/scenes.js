// Les scènes composées que partagent les pages « Boîtes » et « Masques ».

import {addressOf, fetchBytes, fetchJson} from "./data.js";
import {make} from "./dom.js";
import {decode} from "./opening.js";

export const COLOURS = ["#e6194b", "#3cb44b", "#ffe119", "#4363d8", "#f58231", "#911eb4", "#42d4f4", "#f032e6", "#bfef45", "#fabed4"];
const FOLDER = "scenes";

/** Lit la vérité de toutes les scènes : classes, boîtes. */
export function readTruth() {
  return fetchJson(`${FOLDER}/scenes.json`);
}

/** Lit l'image d'une scène. @param {number | string} name `3`, ou `"3_masques"`. */
export async function readScene(name) {
  return decode(new Blob([await fetchBytes(`${FOLDER}/${name}.png`)]));
}

/** Fait un bouton par scène. @param {number} count @param {(index: number) => void} choose */
export function makeChooser(count, choose) {
  return make("div", {class: "cote-a-cote", role: "group", "aria-label": "Scènes"}, ...Array.from({length: count}, (_, i) =>
    make("button", {type: "button", class: "vignette", onclick: () => choose(i)}, make("img", {
      src: addressOf(`_static/scenes/${i}.png`), alt: `scène ${i + 1}`, width: "64", height: "64"}))));
}
