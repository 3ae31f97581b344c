// De quoi écrire une page : des éléments, des nombres à la française, des images.

import {correctAlways} from "./typography.js";

/** @typedef {import("./picture.js").Picture} Picture */

for (const workshop of globalThis.document?.querySelectorAll(".atelier") ?? []) correctAlways(workshop); // un test n'a pas de page

/**
 * Fait un élément.
 *
 * @param {string} tag @param {Record<string, any>} [attributes] `onclick` et ses pareils compris.
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Fait de quoi choisir des fichiers ; le même, choisi encore, compte aussi.
 * @param {Record<string, any>} attributes @param {(files: File[]) => void} receive un fichier au moins. */
export function picker(attributes, receive) {
  const input = make("input", {type: "file", ...attributes, onchange: () => {
    const files = [...input.files];
    input.value = "";
    if (files.length) receive(files);
  }});
  return input;
}

/** Donne un fichier à télécharger. @param {string} name @param {string | Uint8Array<ArrayBuffer> | Blob} content */
export function give(name, content) {
  const url = URL.createObjectURL(new Blob([content]));
  make("a", {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // le temps que le navigateur l'enregistre
}

/** Fait un élément d'un dessin. @param {string} tag @param {Record<string, any>} attributes @param {...Node} children */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

const MANY = 7; // colonnes qu'un téléphone montre toutes

/** Entoure une table de quoi défiler, au clavier aussi si elle est large.
 * @param {HTMLElement} table @param {string} label @param {number} columns ses colonnes ; une qui écrit un produit en vaut trois. */
export function scrolling(table, label, columns) {
  const reached = columns > MANY ? {tabindex: "0", role: "region", "aria-label": label} : {};
  return make("div", {class: "defile", ...reached}, table);
}

/** Fait une glissière, son nom et sa valeur, qui s'écrit à côté. @param {string} label @param {any} slider elle a un `id`.
 * @param {(value: number) => string} write */
export function labelled(label, slider, write) {
  const told = make("output", {for: slider.id});
  const tell = () => { told.textContent = write(Number(slider.value)); };
  slider.addEventListener("input", tell);
  tell();
  return make("p", {}, make("label", {for: slider.id}, `${label} `), slider, " ", told);
}

/** Ce que fait une flèche : colonnes, lignes, signe et nom. @type {Record<string, [number, number, string, string]>} */
export const ARROWS = {ArrowLeft: [-1, 0, "←", "à gauche"], ArrowUp: [0, -1, "↑", "au-dessus"], ArrowDown: [0, 1, "↓", "au-dessous"],
  ArrowRight: [1, 0, "→", "à droite"]};

/** Fait quatre boutons, qui vont à la case voisine : au doigt et au clavier, une case est trop petite pour être visée.
 * @param {(dx: number, dy: number) => void} move récrit ce qui est montré, ces boutons compris. @returns {HTMLElement} */
export function neighbours(move) {
  return make("p", {class: "voisines"}, "Case voisine : ", ...Object.entries(ARROWS).map(([key, [dx, dy, sign, name]]) =>
    make("button", {type: "button", "data-fleche": key, "aria-label": `La case ${name}`, onclick: () => {
      move(dx, dy);
      /** @type {HTMLElement | null} */ (document.querySelector(`[data-fleche="${key}"]`))?.focus();
    }}, sign)));
}

/** Écrit un nombre, ses milliers séparés. @param {number} value @param {number} [digits] chiffres après la virgule. */
export function number(value, digits = 1) {
  const [whole, decimals] = value.toFixed(digits).replace("-", "−").split(".");
  return whole.replace(/\B(?=(?:\d{3})+$)/g, "\u202f") + (decimals ? `,${decimals}` : "");
}

/** Écrit une part de [0, 1] en pour cent. @param {number} share */
export function percent(share) {
  return `${number(100 * share)} %`;
}


const FRAME_MS = 8; // de calcul d'affilée, dans une page qui reste vive
let since = 0;

/** Laisse la page répondre, si un calcul dure depuis trop longtemps. */
export async function breathe() {
  if (performance.now() - since < FRAME_MS) return;
  await new Promise((resolve) => setTimeout(resolve));
  since = performance.now();
}

/** Montre, sous une phrase, que quelque chose se fait.
 * @template T @param {HTMLElement} said @param {Promise<T>} work @returns {Promise<T>} */
export async function waiting(said, work) {
  const bar = make("progress", {"aria-label": "Avancement"});
  said.after(bar);
  try {
    return await work;
  } finally {
    bar.remove();
  }
}

/** Dessine une image. @param {Picture} image @param {number} [zoom] pixels d'écran par pixel. */
export function draw(image, zoom = 1) {
  const canvas = make("canvas", {width: image.width, height: image.height});
  const data = new ImageData(image.width, image.height);
  for (let i = 0, k = 0; k < image.pixels.length; i += 4) {
    data.data[i] = image.pixels[k++]; data.data[i + 1] = image.pixels[k++];
    data.data[i + 2] = image.pixels[k++]; data.data[i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(data, 0, 0);
  canvas.style.width = `${image.width * zoom}px`;
  canvas.style.imageRendering = "pixelated";
  return canvas;
}
