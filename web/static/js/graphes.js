// La page « Graphes » : passer des messages à la main, un nœud après l'autre, ou laisser un réseau entraîné le faire.

import {convolve, readGrids} from "./convolution.js";
import {fetchJson} from "./data.js";
import {make, number, svg} from "./dom.js";
import {garmentScene} from "./garment_graph.js";
import {gridGraph, linkGraph, pass, receive} from "./messages.js";
import {asked, keep} from "./state.js";

/** @typedef {import("./messages.js").Graph} Graph */

/**
 * @typedef {object} Scene Ce qui se joue sur un graphe.
 * @property {Graph} graph @property {[number, number][]} places de 0 à 100. @property {number[]} start
 * @property {(node: number) => string} name @property {number} columns nœuds par ligne ; 1 : aucune ligne.
 * @property {number} digits après la virgule @property {string} caption
 * @property {(node: number) => boolean} isSquare @property {(values: number[], passes: number) => string} judge
 */

const BLUE = [86, 180, 233], ORANGE = [230, 159, 0]; // un texte noir s'y lit
const KERNELS = {"0 1 0\n1 0 1\n0 1 0": "la somme des quatre voisins", "0 1 0\n1 -4 1\n0 1 0": "un laplacien"};
const MANY = 10; // passages d'un coup

const page = document.getElementById("graphes");
const said = make("p", {role: "status", class: "dit"}), told = make("p");
const figure = make("figure", {class: "graphe"});
const many = make("button", {type: "button", onclick: () => advance(MANY)}, "Dix passages");
const choice = make("select", {id: "graphe", oninput: choose});
const stage = make("div");

/** @type {HTMLElement} le réseau entraîné ; les scènes se jouent à la main */
let garment;
/** @type {Record<string, Scene>} */
const scenes = {};
/** @type {Scene} */
let scene;
/** @type {number[]} */
let values = [];
/** @type {(number | null)[]} ce que chaque nœud devient, dès qu'il est calculé */
let next = [];
let passes = 0, chosen = 0;

/** Ouvre ce qui est choisi. */
function choose() {
  const each = scenes[choice.value];
  keep({exemple: choice.value});
  stage.replaceChildren(...(each ? byHand : [garment]));
  if (each) open(each);
}

/** @param {Scene} each */
function open(each) {
  scene = each;
  values = each.start;
  next = each.start.map(() => null);
  passes = chosen = 0;
  many.hidden = each.columns > 1; // une somme répétée grandit sans fin
  said.textContent = "Choisissez un nœud : il reçoit de ses voisins.";
  told.textContent = each.judge(values, passes);
  show();
}

/** Fait recevoir un nœud, et dit son calcul. @param {number} node */
function reach(node) {
  const {terms, divisor, value} = receive(scene.graph, values, node);
  chosen = node;
  next[node] = value;
  if (scene.graph.fixed.includes(node)) {
    said.textContent = `${scene.name(node)} ne change pas : ${short(value)}.`;
  } else {
    const sum = terms.map((term) => `${short(term.weight, 0)} × ${short(term.value)}`).join(" + ");
    const whole = divisor === 1 && !scene.graph.mean ? sum : `(${sum}) / ${short(divisor, 0)}`;
    said.textContent = `${scene.name(node)} : ${whole || "rien"} = ${short(value)}`;
  }
  if (!next.includes(null)) finish();
  show();
}

/** Termine le passage : tous les nœuds changent à la fois. */
function finish() {
  values = pass(scene.graph, values);
  next = values.map(() => null);
  passes++;
  told.textContent = scene.judge(values, passes);
}

/** Fait plusieurs passages. @param {number} count */
function advance(count) {
  for (let i = 0; i < count; i++) finish();
  said.textContent = count === 1 ? "Tous les nœuds ont reçu." : `${count} passages de plus.`;
  show();
}

/** @param {number} value @param {number} [digits] */
function short(value, digits = scene.digits) {
  const text = number(value, digits);
  return value < 0 ? `(${text})` : text;
}

/** Dessine le graphe. */
function show() {
  const {graph, places} = scene, hadFocus = figure.contains(document.activeElement);
  const near = new Set(graph.arcs.filter(({to}) => to === chosen).map(({from}) => from));
  const lines = graph.arcs.filter(({from, to}) => from !== to).map(({from, to}) => svg("line", {
    x1: places[from][0], y1: places[from][1], x2: places[to][0], y2: places[to][1],
    class: to === chosen ? "recoit" : ""}));
  lines.sort((a, b) => a.getAttribute("class") === "recoit" ? 1 : b.getAttribute("class") === "recoit" ? -1 : 0);
  const most = Math.max(1, ...values.map(Math.abs), ...next.map((each) => Math.abs(each ?? 0)));
  const nodes = places.map(([x, y], node) => {
    const value = next[node] ?? values[node], isDone = next[node] !== null;
    const names = [isDone && "fait", node === chosen && "choisi", near.has(node) && "voisin"].filter(Boolean).join(" ");
    const size = scene.columns > 1 ? 7 : 3.4;
    const shape = scene.isSquare(node)
      ? svg("rect", {x: x - size, y: y - size, width: 2 * size, height: 2 * size})
      : svg("circle", {cx: x, cy: y, r: size * 1.1});
    shape.setAttribute("fill", color(value / most));
    const text = svg("text", {x, y, "font-size": size});
    text.textContent = scene.columns > 1 ? number(value, scene.digits) : String(node);
    const label = `${scene.name(node)} : ${number(value, scene.digits)}${isDone ? ", a reçu" : ""}`;
    const group = svg("g", {role: "button", tabindex: node === chosen ? 0 : -1, class: names, "aria-label": label},
      shape, text);
    group.addEventListener("click", () => reach(node));
    group.addEventListener("keydown", (event) => press(/** @type {KeyboardEvent} */ (event), node));
    return group;
  });
  const drawing = svg("svg", {viewBox: "0 0 100 100", role: "group", "aria-label": scene.caption}, ...lines, ...nodes);
  figure.replaceChildren(drawing, make("figcaption", {}, scene.caption));
  if (hadFocus) nodes[chosen].focus();
}

/** @param {number} share de -1 à 1 */
function color(share) {
  const end = share < 0 ? ORANGE : BLUE;
  return `rgb(${end.map((each) => Math.round(255 + (each - 255) * Math.abs(share))).join(" ")})`;
}

/** @param {KeyboardEvent} event @param {number} node */
function press(event, node) {
  const {columns} = scene;
  /** @type {Record<string, number>} */
  const steps = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns};
  if (event.key === "Enter" || event.key === " ") reach(node);
  else if (steps[event.key]) {
    chosen = Math.min(values.length - 1, Math.max(0, node + steps[event.key]));
    show();
  } else return;
  event.preventDefault();
}

/** Le club : chacun devient la moyenne de ses amis, sauf les deux chefs. @param {any} club @returns {Scene} */
function clubScene({places, pairs, camps, chiefs}) {
  const start = places.map((/** @type {any} */ _, /** @type {number} */ node) =>
    node === chiefs[0] ? 1 : node === chiefs[1] ? -1 : 0);
  return {
    graph: linkGraph(places.length, pairs, chiefs),
    places: places.map((/** @type {[number, number]} */ [x, y]) => [50 + 45 * x, 50 + 45 * y]),
    start, columns: 1, digits: 2,
    name: (node) => `${chiefs.includes(node) ? "Chef" : "Membre"} ${node}`,
    isSquare: (node) => camps[node] === 1,
    caption: "Le club de karaté : ronds et carrés, les deux camps ; bleu et orange, la réponse de chaque membre",
    judge: (found, count) => {
      const known = found.filter((value) => value !== 0).length;
      const right = found.filter((value, node) => value !== 0 && (value < 0) === (camps[node] === 1)).length;
      return `Passage ${count} : ${known} membres sur ${found.length} ont une réponse, ${right} la bonne.`;
    },
  };
}

/** Une image : chaque pixel devient la somme des voisins, pondérés par un noyau.
 * @param {string} image @param {string} kernel @param {string} title @returns {Scene} */
function gridScene(image, kernel, title) {
  const [pixels] = readGrids(image), [weights] = readGrids(kernel);
  const height = pixels.length, width = pixels[0].length, start = pixels.flat();
  const same = convolve([pixels], [weights], {stride: 1, dilation: 1, padding: "same", flip: false}).values.flat();
  const places = start.map((_, node) => /** @type {[number, number]} */ (
    [(node % width + 0.5) * 100 / width, (Math.floor(node / width) + 0.5) * 100 / height]));
  return {
    graph: gridGraph(height, width, weights), places, start, columns: width, digits: 0,
    name: (node) => `Pixel ligne ${Math.floor(node / width) + 1}, colonne ${node % width + 1}`,
    isSquare: () => true,
    caption: title,
    judge: (found, count) => count !== 1 ? `Passage ${count}.`
      : `Passage 1 : l'image est ${found.every((value, i) => value === same[i]) ? "égale à" : "différente de"} ` +
        "sa convolution « same » par ce noyau.",
  };
}

/** Ce que montre une scène jouée à la main. */
const byHand = [
  make("p", {},
    make("button", {type: "button", onclick: () => reach(next.indexOf(null))}, "Nœud suivant"), " ",
    make("button", {type: "button", onclick: () => advance(1)}, "Finir le passage"), " ",
    many, " ",
    make("button", {type: "button", onclick: () => open(scene)}, "Recommencer")),
  said, told, figure,
  make("p", {}, "Au clavier : les flèches vont d'un nœud à l'autre, Entrée fait recevoir celui où l'on est."),
];

async function start() {
  const [club, examples, read] = await Promise.all(
    [fetchJson("club.json"), fetchJson("exemples.json"), garmentScene()]);
  garment = read;
  const known = examples.find((/** @type {any} */ each) => each.id === "N3");
  scenes.club = clubScene(club);
  const kernels = {[known.kernel]: "le noyau de S3", ...KERNELS};
  for (const [kernel, title] of Object.entries(kernels)) {
    scenes[kernel] = gridScene(known.image, kernel, `L'image 5 × 5 de S3, chaque pixel relié par ${title}`);
  }
  choice.append(make("option", {value: "club"}, "le club de karaté"),
    ...Object.entries(kernels).map(([kernel, title]) => make("option", {value: kernel}, `une image, ${title}`)),
    make("option", {value: "vetement"}, "un vêtement (exercice 21)"));
  page?.replaceChildren(make("p", {}, make("label", {for: "graphe"}, "Graphe : "), choice), stage);
  choice.value = asked() ?? "club";
  if (!choice.value) choice.value = "club";
  choose();
}

start().catch((error) => { if (page) page.textContent = error.message; });
