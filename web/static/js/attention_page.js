// La page « Attention » : quel morceau d'une image regarde quels autres, par bloc et par tête.

import {decode, draw, fetchJson, make, percent} from "./dom.js";
import {readNetworks} from "./layers.js";
import {square, toGrey} from "./picture.js";
import {HEADS, PATCH, ROW, SIDE, TOKENS, look, reorder, rollout} from "./transformer.js";

const SLUG = "ex19_vision_transformer";
const COLD = [0, 34, 78], HOT = [253, 231, 55]; // du bleu nuit au jaune
const ZOOM = 10, SMALL = 3; // pixels d'écran par pixel
const CLASS = -1; // le jeton de classe, parmi les morceaux

const page = document.getElementById("attention");
const said = make("p", {role: "status", class: "dit"}), told = make("p", {role: "status"});
const whole = make("figure"), maps = make("table", {class: "cartes"});
const mixer = make("button", {type: "button", onclick: mix}, "Mélanger les morceaux");

/** @type {any[]} */
let layers = [];
/** @type {string[]} */
let classes = [];
/** @type {Uint8Array} */
let image = new Uint8Array(SIDE * SIDE);
let shown = image; // telle qu'on la lit : en place, ou mélangée
let truth = ""; // ce que l'on sait de l'image
/** @type {{title: string, rows: Float32Array[]}[]} une carte par tête, ou le cumul */
let lines = [];
let chosen = CLASS;

/** Lit une image. @param {Uint8Array} pixels @param {boolean} isMixed */
function read(pixels, isMixed) {
  shown = pixels;
  if (!isMixed) image = pixels;
  const {probabilities, attention} = look(layers, shown);
  const best = probabilities.indexOf(Math.max(...probabilities));
  said.textContent = `Prédiction : ${classes[best]}, ${percent(probabilities[best])}` +
    (isMixed ? ", morceaux mélangés." : ".") + truth;
  mixer.textContent = isMixed ? "Remettre les morceaux en place" : "Mélanger les morceaux";
  lines = [...attention.map((rows, block) => ({title: `bloc ${block + 1}`, rows})),
    {title: "de bloc en bloc, toutes têtes", rows: [rollout(attention)]}];
  show();
}

/** Ouvre une de nos images. @param {Uint8Array} pixels @param {string} label */
function open(pixels, label) {
  truth = ` Son étiquette : ${label}.`;
  read(pixels, false);
}

/** Mélange les morceaux, ou les remet en place. */
function mix() {
  if (shown !== image) return read(image, false);
  const order = Array.from({length: ROW * ROW}, (_, i) => i);
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  read(reorder(image, order), true);
}

/** Dit où est un morceau. @param {number} patch */
function place(patch) {
  return patch === CLASS ? "le jeton de classe" : `le morceau ligne ${Math.floor(patch / ROW) + 1}, colonne ${patch % ROW + 1}`;
}

/** Montre où regarde le morceau choisi. */
function show() {
  for (const button of whole.querySelectorAll("button")) {
    const isChosen = Number(button.value) === chosen;
    button.tabIndex = isChosen || (chosen === CLASS && button.value === "0") ? 0 : -1;
    button.setAttribute("aria-pressed", String(isChosen));
  }
  token.setAttribute("aria-pressed", String(chosen === CLASS));
  whole.querySelector("canvas")?.replaceWith(draw(grey(shown), ZOOM));
  const followed = lines[lines.length - 1].rows[0], most = strongest(followed);
  told.textContent = `De bloc en bloc, ${place(chosen)} regarde surtout ${place(most.patch)} (${percent(most.share)}).`;
  const head = make("tr", {}, make("td"), ...Array.from({length: HEADS}, (_, i) => make("th", {scope: "col"}, `tête ${i + 1}`)));
  maps.replaceChildren(make("caption", {}, `Où regarde ${place(chosen)} ; jaune : le plus, dans chaque carte`),
    make("thead", {}, head), make("tbody", {}, ...lines.map(({title, rows}) => make("tr", {},
      make("th", {scope: "row"}, title), ...rows.map((row) => make("td", {}, overlay(row)))))));
}

/** Rend ce que le morceau choisi prend à chacun. @param {Float32Array} rows */
function taken(rows) {
  const start = (chosen + 1) * TOKENS;
  return rows.subarray(start + 1, start + TOKENS);
}

/** @param {Float32Array} rows */
function strongest(rows) {
  const shares = taken(rows), share = Math.max(...shares);
  return {share, patch: shares.indexOf(share)};
}

/** Peint une carte sur l'image. @param {Float32Array} rows */
function overlay(rows) {
  const shares = taken(rows), {share, patch} = strongest(rows), least = Math.min(...shares);
  const picture = grey(shown);
  for (let i = 0; i < SIDE * SIDE; i++) {
    const part = (shares[Math.floor(i / SIDE / PATCH) * ROW + Math.floor(i % SIDE / PATCH)] - least) / (share - least || 1);
    for (let c = 0; c < 3; c++) {
      picture.pixels[3 * i + c] = 0.4 * picture.pixels[3 * i + c] + 0.6 * (COLD[c] + part * (HOT[c] - COLD[c]));
    }
  }
  const canvas = draw(picture, SMALL);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `surtout ${place(patch)}, ${percent(share)}`);
  return canvas;
}

/** @param {Uint8Array} values @returns {import("./picture.js").Picture} */
function grey(values) {
  const pixels = new Uint8ClampedArray(3 * values.length);
  values.forEach((value, i) => pixels.fill(value, 3 * i, 3 * i + 3));
  return {width: SIDE, height: SIDE, pixels};
}

/** @param {number} patch */
function choose(patch) {
  if (patch === chosen) return;
  chosen = patch;
  show();
}

/** @param {KeyboardEvent} event */
function press(event) {
  /** @type {Record<string, number>} */
  const steps = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: ROW, ArrowUp: -ROW};
  const step = steps[event.key], to = Math.max(0, chosen) + step;
  if (!step || to < 0 || to >= ROW * ROW) return;
  event.preventDefault();
  /** @type {HTMLElement} */ (whole.querySelector(`button[value="${to}"]`)).focus();
}

const token = make("button", {type: "button", "aria-pressed": "true", onclick: () => choose(CLASS),
  onfocus: () => choose(CLASS), onpointerenter: () => choose(CLASS)}, "Le jeton de classe");

/** Lit une image donnée : réduite, en gris, clair sur fond sombre. @param {File | undefined} file */
async function receive(file) {
  if (!file) return;
  try {
    const values = toGrey(square(await decode(file), SIDE));
    const edge = values.filter((_, i) => i < SIDE || i >= SIDE * (SIDE - 1) || i % SIDE === 0 || i % SIDE === SIDE - 1);
    const isLight = edge.reduce((a, b) => a + b) / edge.length > 127;
    truth = "";
    read(isLight ? values.map((value) => 255 - value) : values, false);
  } catch (error) {
    said.textContent = /** @type {Error} */ (error).message;
  }
}

async function start() {
  const [file, known] = await Promise.all([fetchJson(`poids/${SLUG}.json`), fetchJson("vetements.json")]);
  layers = Object.values(readNetworks(file))[0];
  classes = known.classes;
  const pictures = known.pictures.map((/** @type {string} */ text) =>
    Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
  const samples = pictures.map((/** @type {Uint8Array} */ each, /** @type {number} */ i) => make("button",
    {type: "button", class: "vignette", "aria-label": classes[i], title: classes[i], onclick: () => open(each, classes[i])},
    draw(grey(each), 1.5)));
  const patches = Array.from({length: ROW * ROW}, (_, patch) => make("button", {type: "button", value: String(patch),
    "aria-label": place(patch), onfocus: () => choose(patch), onpointerenter: () => choose(patch),
    onclick: () => choose(patch), onkeydown: press}));
  whole.append(make("div", {class: "morceaux"}, make("canvas", {"aria-hidden": "true"}), ...patches),
    make("figcaption", {}, "Survolez un morceau, ou allez-y par les flèches."));
  const input = make("input", {type: "file", id: "vetement", accept: "image/*", onchange: () => receive(input.files[0])});
  page?.replaceChildren(
    make("div", {class: "cote-a-cote"}, ...samples),
    make("p", {}, make("label", {class: "bouton"}, "Prendre votre image d'un vêtement", input)),
    said, make("p", {}, token, " ", mixer),
    make("div", {class: "cote-a-cote"}, whole, make("div", {class: "reglages"}, told, maps)));
  open(pictures[9], classes[9]);
}

start().catch((error) => { if (page) page.textContent = error.message; });
