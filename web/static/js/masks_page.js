// La page « Masques » : une classe par pixel, ce que trouve U-Net, et ce qui est vrai.

import {compute} from "./calculator.js";
import {draw, labelled, make, number, percent, waiting} from "./dom.js";
import {compare, readMask} from "./masks.js";
import {COLOURS, makeChooser, readScene, readTruth} from "./scenes.js";
import {asked, keep} from "./state.js";

/** @typedef {import("./picture.js").Picture} Picture */

const page = document.getElementById("masques");
const POOR = 0.1; // IoU sous laquelle une classe est manquée
const SLUG = "ex18_segmentation";
const said = make("p", {role: "status", class: "dit"});
const shown = make("div", {class: "cote-a-cote"});
const table = make("div");
const opacity = make("input", {type: "range", id: "opacite", min: "0", max: "1", step: "0.1", value: "0.6", oninput: () => paint()});
/** @type {any} */
let truth;
/** @type {{picture: Picture, found: Uint8Array, real: Uint8Array} | null} */
let last = null;

let turn = 0; // la dernière scène demandée

/** @param {number} index */
async function segment(index) {
  const mine = ++turn;
  keep({exemple: String(index + 1)});
  said.textContent = "Chargement du réseau…";
  try {
    const [picture, mask] = await Promise.all([readScene(index), readScene(`${index}_masques`)]);
    const pixels = Uint8Array.from(picture.pixels);
    const {values: [values], shapes} = await waiting(said, compute("run", {slug: SLUG, pixels}));
    if (mine !== turn) return;
    const real = Uint8Array.from({length: mask.pixels.length / 3}, (_, i) => mask.pixels[3 * i]);
    last = {picture, found: readMask(values, shapes[0].at(-1)), real};
    paint();
  } catch (error) {
    said.textContent = /** @type {Error} */ (error).message;
  }
}

/** Peint les masques et compare. */
function paint() {
  if (!last) return;
  const {picture, found, real} = last, {accuracy, ious} = compare(found, real);
  const panels = {"la scène": picture, "ce que trouve U-Net": cover(picture, found), "la vérité": cover(picture, real)};
  shown.replaceChildren(...Object.entries(panels).map(([caption, image]) =>
    make("figure", {}, draw(image, 3), make("figcaption", {}, caption))));
  const ground = real.reduce((sum, label) => sum + Number(!label), 0) / real.length;
  const clothes = [...ious].filter(([label]) => label).map(([, value]) => value);
  said.textContent = `IoU moyenne des vêtements : ${number(clothes.reduce((a, b) => a + b, 0) / clothes.length, 2)}. ` +
    `Pixels justes : ${percent(accuracy)}, mais tout appeler « fond » en ferait déjà ${percent(ground)}.`;
  const name = (/** @type {number} */ label) => (label ? truth.classes[label - 1] : "fond");
  const rows = [...ious].map(([label, value]) => make("tr", {},
    make("th", {scope: "row"}, make("span", {class: "pastille", style: `background: ${label ? COLOURS[label - 1] : "transparent"}`}), name(label)),
    make("td", {}, number(value, 2)), make("td", {}, !real.includes(label) ? "vue à tort" : value < POOR ? "manquée" : "")));
  table.replaceChildren(make("table", {}, make("caption", {}, "Légende, et IoU de chaque classe dans cette scène"), make("tbody", {}, ...rows)));
}

/** Teinte une image d'après un masque. @param {Picture} picture @param {Uint8Array} mask */
function cover(picture, mask) {
  const pixels = picture.pixels.slice(), share = Number(opacity.value);
  mask.forEach((label, i) => {
    if (!label) return;
    const colour = parseInt(COLOURS[label - 1].slice(1), 16);
    [colour >> 16, (colour >> 8) & 255, colour & 255].forEach((value, c) => {
      pixels[3 * i + c] = pixels[3 * i + c] * (1 - share) + value * share;
    });
  });
  return {...picture, pixels};
}

async function start() {
  truth = await readTruth();
  page?.replaceChildren(makeChooser(truth.scenes.length, segment),
    labelled("Opacité", opacity, (value) => number(value)), said, shown, table);
  segment(truth.scenes[Number(asked()) - 1] ? Number(asked()) - 1 : 0);
}

start().catch((error) => { if (page) page.textContent = error.message; });
