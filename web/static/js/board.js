// Une image en 49 carrés, à l'écran : un damier de boutons, des cartes, et les vêtements à choisir.

import {draw, make} from "./dom.js";
import {PATCHES, ROW, SIDE, paint} from "./patches.js";
import {grey} from "./picture.js";

const ZOOM = 10; // pixels d'écran par pixel

/** Dit où est un carré. @param {number} patch */
export function whereIs(patch) {
  return `ligne ${Math.floor(patch / ROW) + 1}, colonne ${patch % ROW + 1}`;
}

/** Fait un damier. @param {(patch: number) => Record<string, any>} attributes de chaque bouton, écoutes comprises.
 * @returns {HTMLElement} */
export function board(attributes) {
  const patches = Array.from({length: PATCHES}, (_, patch) =>
    make("button", {type: "button", value: String(patch), ...attributes(patch)}));
  const found = make("div", {class: "morceaux"}, make("canvas", {"aria-hidden": "true"}), ...patches);
  found.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    /** @type {Record<string, number>} */
    const steps = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: ROW, ArrowUp: -ROW};
    const to = patches.indexOf(event.target) + steps[event.key];
    if (!patches[to]) return;
    event.preventDefault();
    patches[to].focus();
  });
  return found;
}

/** Montre une image dans un damier, et le carré choisi, ou aucun. @param {HTMLElement} where
 * @param {Uint8Array} image @param {number} chosen */
export function showBoard(where, image, chosen) {
  for (const button of where.querySelectorAll("button")) {
    const patch = Number(button.value);
    button.tabIndex = patch === Math.max(0, chosen) ? 0 : -1;
    button.setAttribute("aria-pressed", String(patch === chosen));
  }
  where.querySelector("canvas")?.replaceWith(draw(grey(image, SIDE, SIDE), ZOOM));
}

/** Dessine une image dont chaque carré est peint selon sa part, de 0 à 1. @param {Uint8Array} image
 * @param {ArrayLike<number>} parts @param {number} zoom @param {string} label ce que la carte montre. */
export function paintMap(image, parts, zoom, label) {
  const canvas = draw(paint(image, parts), zoom);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  return canvas;
}

/** Lit une image de `vetements.json`. @param {string} text @returns {Uint8Array} */
export function unpack(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Fait un bouton par image. @param {Uint8Array[]} pictures @param {string[]} names
 * @param {(image: Uint8Array, name: string) => void} open @returns {HTMLElement[]} */
export function vignettes(pictures, names, open) {
  return pictures.map((each, i) => make("button", {type: "button", class: "vignette", "aria-label": names[i],
    title: names[i], onclick: () => open(each, names[i])}, draw(grey(each, SIDE, SIDE), 1.5)));
}
