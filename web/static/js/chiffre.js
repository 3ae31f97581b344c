// La page « Chiffre » : en dessiner un, le déplacer, et voir ce que rend chaque couche.

import {compute} from "./calculator.js";
import {SIDE, shift} from "./digit.js";
import {draw, make, percent, picker} from "./dom.js";
import {canEnter, explainCell, strongest} from "./inside.js";
import {check} from "./opening.js";
import {Paper} from "./paper.js";
import {grey} from "./picture.js";
import {asked, keep, kept, readControls, setControls} from "./state.js";
import {mapsOf} from "./visit.js";

const REACH = 6; // pixels, dans chaque direction ; au-delà de 4, une image de 28 × 28 rogne le chiffre
const SURE = 0.5; // probabilité sous laquelle une réponse n'est pas sûre
/** Des chiffres tracés d'avance. @type {Record<string, [number, number][]>} */
const EXAMPLES = {
  2: [[82, 87], [96, 59], [128, 50], [160, 59], [169, 91], [151, 128], [82, 201], [178, 201]],
  4: [[146, 55], [73, 155], [187, 155], [151, 110], [151, 210]],
  7: [[73, 64], [178, 64], [119, 206]],
};
/** Ce que l'on compare : côté de l'image, et titre de chaque réseau d'un fichier de `poids/`. */
const CHOICES = {
  lenet: {side: SIDE, networks: [["LeNet", "ex04_comparison", "lenet"],
    ["Réseau dense", "ex04_comparison", "dense"], ["LeNet, recette moderne", "digits", null]]},
  position: {side: SIDE + 2 * REACH, networks: [["CNN à maximum global", "ex00_position", "cnn"],
    ["Réseau dense", "ex00_position", "dense"]]},
};

const page = document.getElementById("chiffre");
const said = make("p", {role: "status", class: "dit"});
const shown = make("div", {class: "cote-a-cote"});
const maps = make("div"), inside = make("div", {class: "dedans"}), seenBy = make("figure");
/** Ce qui écrit chaque déplacement. @type {(() => void)[]} */
const tell = [];
const paper = new Paper(read);
const right = slider("droite"), down = slider("bas");
const choice = make("select", {id: "reseaux", oninput: update},
  make("option", {value: "lenet"}, "LeNet et réseau dense, 28 × 28"),
  make("option", {value: "position"}, "CNN à maximum global et réseau dense, 40 × 40"));

/** @type {Uint8Array | null} */
let square = null; // le chiffre, en place
let turn = 0; // la dernière demande ; les réponses aux autres sont oubliées

/** @param {string} id */
function slider(id) {
  return make("input", {type: "range", id, min: String(-REACH), max: String(REACH), value: "0", oninput: update});
}

/** @param {string} label @param {any} control */
function field(label, control) {
  const told = make("output", {for: control.id}, "0");
  tell.push(() => { told.textContent = `${control.value} px`.replace("-", "−"); });
  return make("p", {}, make("label", {for: control.id}, `${label} `), control, " ", told);
}

/** Lit la feuille. */
function read() {
  return take(compute("place", {ink: paper.ink()}));
}

/** Cherche le chiffre d'une image. @param {Blob} file */
function open(file) {
  return take(check(file).then((blob) => compute("find", {blob})).then((found) => {
    paper.wipe();
    return found;
  }));
}

/** Prend un chiffre, et fait répondre les réseaux. @param {Promise<Uint8Array>} finding */
async function take(finding) {
  try {
    square = await finding;
  } catch (error) {
    square = null;
    turn++;
    said.textContent = /** @type {Error} */ (error).message;
    for (const each of [seenBy, shown, maps, inside]) each.replaceChildren();
    return;
  }
  update();
}

/** Fait répondre les réseaux au chiffre, déplacé. */
async function update() {
  if (!square) return;
  const mine = ++turn, digit = square, {side, networks} = CHOICES[/** @type {"lenet"} */ (choice.value)];
  const by = [Number(down.value), Number(right.value)];
  for (const each of tell) each();
  keep({...readControls([choice, right, down]), chiffre: btoa(String.fromCharCode(...digit))});
  try {
    const found = await compute("passes", {turn: mine, networks, digit, by, side});
    if (mine !== turn || !found) return;
    const seen = shift(digit, by[0], by[1], side);
    /** @type {{steps: import("./inside.js").Step[], answers: Float32Array[]}} */
    const {steps, answers} = found;
    said.textContent = networks.map(([title], i) => `${title} : ${best(answers[i])}${doubt(answers[i])}`).join(" ; ") + ".";
    const grids = answers.map(() => make("div"));
    const view = draw(grey(seen, side, side), 4);
    name(view, "le chiffre, tel que les réseaux le lisent");
    seenBy.replaceChildren(view, make("figcaption", {}, `ce qu'ils lisent, ${side} × ${side}`));
    shown.replaceChildren(
      ...networks.map(([title], i) => column(/** @type {string} */ (title), answers[i], grids[i])));
    maps.replaceChildren(make("h2", {}, `Couche après couche : ${networks[0][0]}`),
      make("p", {}, "Touchez une case d'une carte : la fenêtre qui l'a faite, les poids et leur somme s'écrivent. ",
        make("button", {type: "button", onclick: () => enter(steps, strongest(steps))}, "Entrer par la case la plus forte")),
      inside, ...steps.flatMap((_, step) => layerMaps(steps, step)));
    inside.replaceChildren();
    for (const [i, network] of networks.entries()) {
      const named = await compute("grid", {turn: mine, network, digit, reach: REACH, side});
      if (mine !== turn || !named) return;
      fillGrid(grids[i], named, by);
    }
  } catch (error) {
    if (mine === turn) said.textContent = /** @type {Error} */ (error).message;
  }
}

/** @param {ArrayLike<number>} probabilities */
function best(probabilities) {
  return Array.from(probabilities).indexOf(Math.max(...Array.from(probabilities)));
}

/** @param {ArrayLike<number>} probabilities */
function doubt(probabilities) {
  return Math.max(...Array.from(probabilities)) < SURE ? " (pas sûr)" : "";
}

/** Montre ce que répond un réseau. @param {string} title @param {Float32Array} probabilities @param {Node} grid */
function column(title, probabilities, grid) {
  const order = Array.from(probabilities.keys()).sort((a, b) => probabilities[b] - probabilities[a]).slice(0, 3);
  const rows = order.map((digit) => make("tr", {}, make("th", {scope: "row"}, String(digit)),
    make("td", {}, percent(probabilities[digit])),
    make("td", {}, make("meter", {value: String(probabilities[digit]), "aria-hidden": "true"}))));
  return make("section", {"aria-label": title},
    make("table", {}, make("caption", {}, `${title} : ${best(probabilities)}`), make("tbody", {}, ...rows)), grid);
}

/** Montre ce qu'un réseau répond au chiffre, à chaque déplacement. @param {HTMLElement} place
 * @param {number[][]} named ses réponses. @param {number[]} by le déplacement choisi */
function fillGrid(place, named, by) {
  const still = named[REACH][REACH];
  const share = named.flat().filter((each) => each === still).length / named.flat().length;
  const rows = named.map((row, i) => make("tr", {}, ...row.map((each, j) => {
    const chosen = i - REACH === by[0] && j - REACH === by[1];
    return make("td", {class: `${each === still ? "meme" : "autre"}${chosen ? " choisi" : ""}`, onclick: () => {
      down.value = i - REACH;
      right.value = j - REACH;
      update();
    }}, String(each));
  })));
  place.replaceChildren(make("table", {class: "decalages"},
    make("caption", {}, `Réponse à chaque déplacement : ${still}, en bleu, pour ${percent(share)} d'entre eux`),
    make("tbody", {}, ...rows)));
}

/** Écrit le calcul d'une case, et remonte à celles qu'elle a lues. @param {any[]} steps @param {import("./inside.js").Place} place */
function enter(steps, place) {
  inside.replaceChildren(explainCell(steps, place, (next) => enter(steps, next)));
  inside.scrollIntoView({block: "nearest"});
}

/** Montre ce que rend une couche. @param {import("./inside.js").Step[]} steps @param {number} index @returns {Node[]} */
function layerMaps(steps, index) {
  const {layer, output: {shape, values}} = steps[index];
  if (["InputLayer", "Reshape", "Rescaling", "Flatten"].includes(layer.kind)) return [];
  if (layer.activation === "softmax") return [answers(values)];
  const kinds = {Conv2D: "convolution", MaxPooling2D: "pooling", GlobalMaxPooling2D: "maximum global", Dense: "dense"};
  const title = `${/[A-Z]/.test(layer.name) ? `${layer.name}, ` : ""}${kinds[/** @type {"Dense"} */ (layer.kind)]}`; // les autres noms sont de Keras
  if (canEnter(steps, index)) return [mapsOf(steps, index, (place) => enter(steps, place), title)];
  const columns = Math.min(values.length, 30), rows = Math.ceil(values.length / columns), bytes = new Float32Array(columns * rows);
  const most = values.reduce((a, b) => Math.max(a, b)) || 1, text = `${title} : ${shape.at(-1)} nombres`;
  bytes.set(values.map((value) => 255 * Math.max(0, value) / most));
  const canvas = draw(grey(bytes, columns, rows), Math.floor(640 / columns));
  name(canvas, text);
  return [make("figure", {}, canvas, make("figcaption", {}, text))];
}

/** Montre la dernière couche : une barre par chiffre. @param {Float32Array} probabilities */
function answers(probabilities) {
  const bars = [...probabilities].map((share, digit) => make("td", {class: digit === best(probabilities) ? "reponse" : ""},
    make("div", {class: "barre", style: `height: ${Math.max(1, 100 * share)}%`, title: percent(share)})));
  return make("figure", {}, make("table", {class: "barres"}, make("tbody", {}, make("tr", {}, ...bars)),
    make("tfoot", {}, make("tr", {}, ...bars.map((_, digit) => make("th", {scope: "col"}, String(digit)))))),
  make("figcaption", {}, "la sortie : une probabilité par chiffre"));
}

/** @param {HTMLElement} canvas @param {string} text */
function name(canvas, text) {
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", text);
}

if (page) {
  const picture = picker({id: "image", accept: "image/*,.heic,.heif"}, ([chosen]) => open(chosen));
  const buttons = Object.entries(EXAMPLES).map(([digit, points]) => make("button", {type: "button", onclick: () => {
    paper.trace(points);
    read();
  }}, `Un ${digit}`));
  page.replaceChildren(said,
    make("div", {class: "cote-a-cote"},
      paper.element,
      make("div", {class: "reglages"},
        make("p", {}, ...buttons.flatMap((button) => [button, " "]), make("button", {type: "button", onclick: () => {
          paper.wipe();
          read();
        }}, "Effacer")),
        make("p", {}, make("label", {class: "bouton"}, "Choisir une image", picture)),
        field("Vers la droite", right), field("Vers le bas", down),
        make("p", {}, make("button", {type: "button", onclick: () => {
          down.value = right.value = "0";
          update();
        }}, "Remettre en place")),
        make("p", {}, make("label", {for: "reseaux"}, "Réseaux "), choice), seenBy)),
    shown, maps);
  const saved = kept();
  if (saved?.chiffre) {
    setControls([choice, right, down], saved);
    take(Promise.resolve(Uint8Array.from(atob(saved.chiffre), (letter) => letter.charCodeAt(0))));
  } else {
    paper.trace(EXAMPLES[asked() ?? ""] ?? EXAMPLES[4]);
    read();
  }
}
