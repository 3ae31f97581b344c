// Un vêtement, lu par le réseau de graphes de l'exercice 21 : qui entend qui, et ce qu'un arc coupé change.

import {board, paintMap, showBoard, unpack, vignettes, whereIs} from "./board.js";
import {fetchJson} from "./data.js";
import {make, number, percent, svg} from "./dom.js";
import {ARCS, read, row} from "./graph_network.js";
import {readNetworks} from "./layers.js";
import {PATCHES, ROW} from "./patches.js";

/** @typedef {import("./layers.js").Tensor} Tensor */
/** @typedef {import("./messages.js").Arc} Arc */

const SLUG = "ex21_graphs";
const LINKS = ARCS.filter(({from, to}) => from !== to); // ceux que l'on coupe : chacun s'entend toujours
const FIRST = 9, SENSITIVE = 16; // une bottine, et l'un des carrés dont sa réponse dépend
const BEST = 3; // réponses montrées
const SMALL = 4; // pixels d'écran par pixel
const THICK = 0.3; // épaisseur, en carrés, de l'arc du plus grand message

const said = make("p", {role: "status", class: "dit"}), told = make("p", {role: "status"});
const lines = svg("svg", {viewBox: `0 0 ${ROW} ${ROW}`, "aria-hidden": "true"});
const patches = board((patch) => ({onfocus: () => choose(patch), onclick: () => choose(patch), onkeydown: press}));
const maps = make("table", {class: "regards"});
const passes = [0, 1].map((each) =>
  make("button", {type: "button", onclick: () => follow(each)}, `Passage ${each + 1}`));
const one = make("button", {type: "button", onclick: cutOne});
const all = make("button", {type: "button", onclick: () => keep(ARCS.filter(({from, to}) => from === to))},
  "Couper tous les arcs");
const none = make("button", {type: "button", onclick: () => keep(ARCS)}, "Les remettre tous");

/** @type {import("./layers.js").Layer[]} */
let layers = [];
/** @type {string[]} */
let classes = [];
/** @type {Uint8Array} */
let image;
let label = "";
/** @type {ReturnType<typeof read>} avec tous les arcs */
let whole;
/** @type {ReturnType<typeof read>} avec ceux qui restent */
let found;
let arcs = ARCS, chosen = SENSITIVE, pass = 0;

/** Ouvre une image, tous ses arcs en place. @param {Uint8Array} pixels @param {string} name son étiquette */
function open(pixels, name) {
  image = pixels;
  label = name;
  whole = read(layers, image);
  keep(ARCS);
}

/** Lit l'image avec ces arcs. @param {Arc[]} kept */
function keep(kept) {
  arcs = kept;
  found = read(layers, image, arcs);
  const missing = ARCS.length - arcs.length;
  said.textContent = (missing ? `Arcs coupés : ${missing} sur ${LINKS.length}. ` : "") +
    `Réponse : ${best(found.probabilities, BEST)}` +
    (missing ? ` ; avec tous les arcs, ${best(whole.probabilities, 1)}.` : ".") + ` Son étiquette : ${label}.`;
  show();
}

/** Dit les premières réponses. @param {Float32Array} probabilities @param {number} count */
function best(probabilities, count) {
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  return order.slice(0, count).map((each) => `${classes[each]} ${percent(probabilities[each])}`).join(", ");
}

/** Coupe les arcs du carré choisi, ou les remet. */
function cutOne() {
  keep(isAlone(chosen) ? ARCS.filter((arc) => arcs.includes(arc) || touches(arc, chosen))
    : arcs.filter((arc) => arc.from === arc.to || !touches(arc, chosen)));
}

/** @param {Arc} arc @param {number} patch */
function touches({from, to}, patch) {
  return from === patch || to === patch;
}

/** Dit si un carré n'a plus aucun arc, que le sien. @param {number} patch */
function isAlone(patch) {
  return !arcs.some((arc) => arc.from !== arc.to && touches(arc, patch));
}

/** @param {number} patch */
function choose(patch) {
  if (patch === chosen) return;
  chosen = patch;
  show();
}

/** @param {number} each */
function follow(each) {
  pass = each;
  show();
}

/** @param {KeyboardEvent} event */
function press(event) {
  if (event.key !== "Enter" && event.key !== " ") return;
  event.preventDefault();
  cutOne();
}

/** Montre ce que le carré choisi entend, et ce que chaque passage change. */
function show() {
  showBoard(patches, image, chosen);
  for (const button of patches.querySelectorAll("button")) {
    const isCut = isAlone(Number(button.value));
    button.classList.toggle("coupe", isCut);
    button.setAttribute("aria-label", `Carré ${whereIs(Number(button.value))}${isCut ? ", arcs coupés" : ""}`);
  }
  passes.forEach((button, each) => button.setAttribute("aria-pressed", String(each === pass)));
  one.textContent = isAlone(chosen) ? "Remettre ses arcs" : "Couper ses arcs";
  const heard = arcs.flatMap(({from, to}, i) =>
    to === chosen ? [{from, size: norm(row(found.messages[pass], i))}] : []);
  const self = heard.find(({from}) => from === chosen)?.size ?? 0;
  const others = heard.filter(({from}) => from !== chosen).sort((a, b) => b.size - a.size);
  const changed = changes(found.nodes)[pass][chosen];
  told.textContent = `Passage ${pass + 1} : le carré ${whereIs(chosen)} ` + (others.length
    ? `entend ${others.length} voisin${others.length > 1 ? "s" : ""}, le plus fort ${whereIs(others[0].from)} ` +
      `(message de ${number(others[0].size)}), et lui-même (${number(self)}).`
    : `n'entend que lui-même (message de ${number(self)}).`) + ` Il change de ${number(changed)}.`;
  draw(others);
}

/** Dessine les messages entendus, et les cartes. @param {{from: number, size: number}[]} heard */
function draw(heard) {
  const loudest = Math.max(...ARCS.map((_, i) => norm(row(whole.messages[pass], i))));
  const [x, y] = centre(chosen);
  lines.replaceChildren(...heard.map(({from, size}) => {
    const [x1, y1] = centre(from);
    return svg("line", {x1, y1, x2: x, y2: y, "stroke-width": THICK * Math.min(1, size / loudest)});
  }));
  const most = Math.max(...changes(whole.nodes).flat());
  maps.replaceChildren(
    make("caption", {}, "De combien change chaque carré ; jaune : le plus, quand tous les arcs sont là"),
    make("thead", {}, make("tr", {}, ...passes.map((button) => make("th", {scope: "col"}, button.textContent)))),
    make("tbody", {}, make("tr", {}, ...changes(found.nodes).map((sizes) => {
      const top = Math.max(...sizes), parts = sizes.map((size) => Math.min(1, size / most));
      const about = `surtout le carré ${whereIs(sizes.indexOf(top))}, de ${number(top)}`;
      return make("td", {}, paintMap(image, parts, SMALL, about));
    }))));
}

/** @param {number} patch @returns {[number, number]} */
function centre(patch) {
  return [patch % ROW + 0.5, Math.floor(patch / ROW) + 0.5];
}

/** Rend de combien chaque carré change, à chaque passage. @param {Tensor[]} nodes */
function changes(nodes) {
  return nodes.slice(1).map((after, each) => Array.from({length: PATCHES}, (_, patch) => {
    const before = row(nodes[each], patch);
    return norm(row(after, patch).map((value, k) => value - before[k]));
  }));
}

/** @param {Float32Array} values */
function norm(values) {
  return Math.hypot(...values);
}

/** Prépare la scène. @returns {Promise<HTMLElement>} */
export async function garmentScene() {
  const [file, known] = await Promise.all([fetchJson(`poids/${SLUG}.json`), fetchJson("vetements.json")]);
  layers = Object.values(readNetworks(file))[0];
  classes = known.classes;
  const pictures = known.pictures.map(unpack);
  patches.append(lines);
  open(pictures[FIRST], classes[FIRST]);
  return make("div", {},
    make("div", {class: "cote-a-cote"}, ...vignettes(pictures, classes, open)),
    said,
    make("p", {}, one, " ", all, " ", none),
    make("div", {class: "cote-a-cote"},
      make("figure", {}, patches,
        make("figcaption", {}, "Choisissez un carré : plus un arc est épais, plus le message est grand.")),
      make("div", {class: "reglages"}, make("p", {}, ...passes.flatMap((each) => [each, " "])), told, maps)),
    make("p", {}, "Au clavier : les flèches vont d'un carré à l'autre, Entrée coupe ses arcs ou les remet."));
}
