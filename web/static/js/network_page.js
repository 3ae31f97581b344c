// La page « Réseau » : poser des couches, et compter.

import {fetchJson} from "./data.js";
import {make} from "./dom.js";
import {MAX, PRESETS, summarise} from "./network.js";
import {asked, keep, kept} from "./state.js";

/** @typedef {import("./network.js").Layer} Layer */

const KINDS = {conv: "convolution", pool: "pooling", norm: "normalisation", flatten: "dépliement",
  global: "moyenne ou maximum global", dense: "dense", add: "addition", branches: "branches"};
const FIELDS = { // ce qui se règle, pour chaque sorte de couche
  conv: ["count", "window", "stride", "padding", "dilation"], pool: ["window", "stride", "padding"],
  norm: [], flatten: [], global: [], dense: ["count"], add: [], branches: [],
};
const LABELS = {count: "nombre", window: "fenêtre", stride: "pas", padding: "padding", dilation: "dilatation"};
/** @type {Record<string, any>} */
const NEW = {conv: {count: 16, window: 3}, pool: {window: 2, stride: 2}, norm: {}, flatten: {}, global: {}, dense: {count: 10}, add: {}};
const MAX_LAYERS = 60;
const TITLES = ["couche", "sortie", "paramètres", "opérations", "champ récepteur"];

const page = document.getElementById("reseau");
const said = make("p", {role: "status", class: "dit"});
const checked = make("p", {class: "verifie"});
const body = make("tbody");
const presets = make("select", {id: "modele", oninput: () => { if (presets.value) open(presets.value); }});
const sides = ["Hauteur", "Largeur", "Canaux"].map((label, i) => make("input", {type: "number", min: "1", max: String(MAX),
  id: `entree${i}`, "aria-label": label, oninput: () => { change(); show(); }}));
const added = make("select", {id: "sorte"}, ...Object.keys(NEW).map((kind) => make("option", {value: kind}, KINDS[/** @type {Layer["kind"]} */ (kind)])));

/** @type {Layer[]} */
let layers = [];
/** Les réseaux à choisir, par nom. @type {Record<string, {input: number[], layers: Layer[]}>} */
let known = PRESETS;

/** Écrit un nombre entier, par groupes de trois chiffres. @param {number} value */
function whole(value) {
  return value.toLocaleString("fr-FR");
}

/** Le réseau n'est plus celui qui a été choisi. */
function change() {
  presets.value = "";
  checked.textContent = "";
}

/** @param {string} name */
function open(name) {
  const {input, layers: chosen} = known[name];
  sides.forEach((control, i) => { control.value = String(input[i]); });
  layers = chosen.map((layer) => ({...layer}));
  presets.value = name;
  checked.textContent = "";
  show();
}

/** Ouvre un exemple des documents, et le compare à ce qu'il doit donner. @param {any} example */
function check({number, network, parameters, shape, note}) {
  open(network);
  const rows = summarise(known[network].input, layers), last = rows[rows.length - 1];
  const found = rows.reduce((sum, row) => sum + row.parameters, 0);
  const right = found === parameters && (!shape || String(last.shape) === String(shape));
  checked.textContent = `${number} : ${right ? "le compte attendu est retrouvé" : "le compte attendu n'est pas retrouvé"}` +
    ` (${whole(parameters)} paramètres${shape ? `, sortie ${shape.join(" × ")}` : ""}). ${note}`;
}

/** Compte et montre. @param {boolean} [rebuild] refaire aussi les réglages. */
function show(rebuild = true) {
  const input = sides.map((control) => Number(control.value));
  /** @type {import("./network.js").Row[]} */
  let rows = [];
  let message = "";
  for (let length = layers.length; length >= 0 && !(length && rows.length); length--) {
    try {
      rows = summarise(input, layers.slice(0, length));
      break;
    } catch (error) {
      message = /** @type {Error} */ (error).message;
    }
  }
  if (rebuild) body.replaceChildren(...layers.flatMap(line));
  body.querySelectorAll("tr.couche").forEach((/** @type {HTMLTableRowElement} */ row, /** @type {number} */ i) => {
    const found = rows[i], cells = [...row.cells].slice(1);
    const texts = found ? [found.shape.join(" × "), whole(found.parameters), whole(found.operations),
      found.field === null ? "tout" : `${found.field} px`] : ["—", "—", "—", "—"];
    cells.forEach((cell, k) => { cell.textContent = texts[k]; });
  });
  const total = (/** @type {"parameters" | "operations"} */ key) => rows.reduce((sum, row) => sum + row[key], 0);
  keep({entree: input.join(" "), couches: JSON.stringify(layers)});
  said.textContent = message || `${whole(total("parameters"))} paramètres, ` +
    `${whole(total("operations"))} multiplications-additions par image.`;
}

/** Rend la ligne d'une couche, et celle de ses réglages si elle en a. @param {Layer} layer @param {number} index */
function line(layer, index) {
  const settings = make("div", {class: "cote-a-cote"}), forks = layer.branches?.length;
  for (const name of FIELDS[layer.kind]) {
    const control = name === "padding"
      ? make("select", {}, ...["valid", "same"].map((each) => make("option", {}, each)))
      : make("input", {type: "number", min: "1", max: String(MAX)});
    control.value = String(/** @type {any} */ (layer)[name] ?? (name === "padding" ? "valid" : 1));
    control.addEventListener("input", () => {
      /** @type {any} */ (layer)[name] = name === "padding" ? control.value : Number(control.value);
      change();
      show(false);
    });
    settings.append(make("label", {}, `${LABELS[/** @type {keyof typeof LABELS} */ (name)]} `, control));
  }
  const remove = make("button", {type: "button", class: "oter", "aria-label": `Ôter la couche ${index + 1}`, onclick: () => {
    layers.splice(index, 1);
    change();
    show();
  }}, "×");
  const title = make("th", {scope: "row"}, remove, ` ${index + 1}. ${forks ? `${forks} ` : ""}${KINDS[layer.kind]}`);
  const counted = make("tr", {class: "couche"}, title, ...TITLES.slice(1).map((each) => make("td", {"data-titre": each})));
  return settings.childElementCount ? [counted, make("tr", {}, make("td", {colspan: "5"}, settings))] : [counted];
}

/** Ajoute une couche. */
function add() {
  if (layers.length >= MAX_LAYERS) {
    said.textContent = `${MAX_LAYERS} couches au plus.`;
    return;
  }
  const kind = /** @type {Layer["kind"]} */ (added.value);
  layers.push({kind, ...NEW[kind]});
  change();
  show();
}

/** Reprend le réseau que l'adresse garde. @param {Record<string, string>} saved */
function restore({entree = "", couches = "[]"}) {
  try {
    layers = JSON.parse(couches).filter((/** @type {Layer} */ each) => each.kind in KINDS).slice(0, MAX_LAYERS);
  } catch {
    layers = [];
  }
  sides.forEach((control, i) => { control.value = entree.split(" ")[i]; });
  change();
  show();
}

async function start() {
  const [ours, examples] = await Promise.all([fetchJson("reseaux.json"), fetchJson("exemples.json")]);
  known = {...PRESETS, ...ours};
  const group = (/** @type {string} */ label, /** @type {object} */ networks) => make("optgroup", {label},
    ...Object.keys(networks).map((name) => make("option", {value: name}, name)));
  presets.append(make("option", {value: ""}, "le vôtre"), group("Des documents", PRESETS), group("Du cours", ours));
  page?.replaceChildren(
    make("p", {}, make("label", {for: "modele"}, "Réseau : "), presets),
    make("p", {}, "Image d'entrée (hauteur × largeur × canaux) : ", sides[0], " × ", sides[1], " × ", sides[2]),
    said, checked,
    make("div", {class: "defile", tabindex: "0", role: "region", "aria-label": "Couches"},
      make("table", {class: "couches"}, make("thead", {}, make("tr", {}, ...TITLES.map((each) => make("th", {scope: "col"}, each)))), body)),
    make("p", {}, make("label", {for: "sorte"}, "Ajouter : "), added, " ",
      make("button", {type: "button", onclick: add}, "Ajouter la couche")));
  const example = examples.find((/** @type {any} */ each) => each.id === asked() && each.network);
  const saved = kept();
  if (saved) restore(saved);
  else if (example) check(example);
  else open(Object.keys(known).find((name) => name === asked()) ?? Object.keys(PRESETS)[0]);
}

start().catch((error) => { if (page) page.textContent = error.message; });
