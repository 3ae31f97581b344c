// La page « Attention » : quel morceau d'une image regarde quels autres, par bloc et par tête.

import {board, paintMap, showBoard, unpack, vignettes, whereIs} from "./board.js";
import {fetchJson} from "./data.js";
import {make, percent, picker} from "./dom.js";
import {readNetworks} from "./layers.js";
import {decode} from "./opening.js";
import {PATCHES, SIDE, reorder} from "./patches.js";
import {square, toGrey} from "./picture.js";
import {HEADS, TOKENS, look, rollout} from "./transformer.js";
import {asked, keep} from "./state.js";

const SLUG = "ex19_vision_transformer";
const SMALL = 3; // pixels d'écran par pixel
const CLASS = -1; // le jeton de classe, parmi les morceaux

const page = document.getElementById("attention");
const said = make("p", {role: "status", class: "dit"}), told = make("p", {role: "status"});
const pieces = board((patch) => ({"aria-label": place(patch), onfocus: () => choose(patch),
  onpointerenter: () => choose(patch), onclick: () => choose(patch)}));
const whole = make("figure", {}, pieces, make("figcaption", {}, "Touchez un morceau, survolez-le, ou allez-y par les flèches."));
const maps = make("table", {class: "regards"});
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
  keep({exemple: String(classes.indexOf(label) + 1)});
  read(pixels, false);
}

/** Mélange les morceaux, ou les remet en place. */
function mix() {
  if (shown !== image) return read(image, false);
  const order = Array.from({length: PATCHES}, (_, i) => i);
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  read(reorder(image, order), true);
}

/** Dit où est un morceau. @param {number} patch */
function place(patch) {
  return patch === CLASS ? "le jeton de classe" : `le morceau ${whereIs(patch)}`;
}

/** Montre où regarde le morceau choisi. */
function show() {
  showBoard(pieces, shown, chosen);
  token.setAttribute("aria-pressed", String(chosen === CLASS));
  const followed = lines[lines.length - 1].rows[0], most = strongest(followed);
  told.textContent = `De bloc en bloc, ${place(chosen)} regarde surtout ${place(most.patch)} (${percent(most.share)}).`;
  const head = make("tr", {}, make("td"), ...Array.from({length: HEADS}, (_, i) => make("th", {scope: "col"}, `tête ${i + 1}`)));
  maps.replaceChildren(make("caption", {}, `Où regarde ${place(chosen)} ; jaune : le plus, dans chaque carte`),
    make("thead", {}, head), make("tbody", {}, ...lines.map(({title, rows}) => make("tr", {},
      make("th", {scope: "row"}, title), ...rows.map((row) => make("td", {colspan: HEADS / rows.length}, overlay(row)))))));
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
  const parts = shares.map((each) => (each - least) / (share - least || 1));
  return paintMap(shown, parts, SMALL, `surtout ${place(patch)}, ${percent(share)}`);
}

/** @param {number} patch */
function choose(patch) {
  if (patch === chosen) return;
  chosen = patch;
  show();
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
  const pictures = known.pictures.map(unpack);
  const samples = vignettes(pictures, classes, open);
  const input = picker({id: "vetement", accept: "image/*,.heic,.heif"}, ([chosen]) => receive(chosen));
  page?.replaceChildren(
    make("div", {class: "cote-a-cote"}, ...samples),
    make("p", {}, make("label", {class: "bouton"}, "Prendre votre image d'un vêtement", input)),
    said, make("p", {}, token, " ", mixer),
    make("div", {class: "cote-a-cote"}, whole, make("div", {class: "reglages"}, told, maps)));
  const first = pictures[Number(asked()) - 1] ? Number(asked()) - 1 : 9;
  open(pictures[first], classes[first]);
}

start().catch((error) => { if (page) page.textContent = error.message; });
