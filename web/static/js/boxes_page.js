// La page « Boîtes » : deux boîtes à la main et leur IoU ; un détecteur, ses seuils, ses doublons.

import {areas, iou, readGrid, suppress} from "./boxes.js";
import {compute} from "./calculator.js";
import {draw, labelled, make, number, waiting} from "./dom.js";
import {COLOURS, makeChooser, readScene, readTruth} from "./scenes.js";
import {asked, keep} from "./state.js";

/** @typedef {import("./boxes.js").Box} Box */

const page = document.getElementById("boites");

// --- Deux boîtes à la main -----------------------------------------------------------

const SIDE = 32, CELL = 10; // cases, et pixels d'une case
const NAMES = ["Boîte bleue", "Boîte orange"], INKS = ["#2d6cc0", "#d9822b"];
/** @type {Box[]} */
const boxes = [[6, 6, 18, 18], [12, 12, 24, 24]];
const measured = make("p", {role: "status", class: "dit"});
const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
const shapes = boxes.map((_, i) => {
  const shape = document.createElementNS(svg.namespaceURI, "rect");
  const attributes = {fill: INKS[i], "fill-opacity": "0.35", stroke: INKS[i], "stroke-width": "0.4",
    tabindex: "0", role: "img", "aria-label": `${NAMES[i]} : les flèches la déplacent, Maj et les flèches changent sa taille`};
  for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
  shape.addEventListener("keydown", (event) => pressKey(/** @type {KeyboardEvent} */ (event), i));
  shape.addEventListener("pointerdown", (event) => drag(/** @type {PointerEvent} */ (event), i));
  svg.append(shape);
  return shape;
});

/** Change une boîte. @param {number} i @param {number} dx @param {number} dy @param {boolean} resize @param {Box} [from] */
function change(i, dx, dy, resize, from = boxes[i]) {
  const [x0, y0, x1, y1] = from, clip = (/** @type {number} */ v, /** @type {number} */ low, /** @type {number} */ high) => Math.min(high, Math.max(low, v));
  if (resize) {
    boxes[i] = [x0, y0, clip(x1 + dx, x0 + 1, SIDE), clip(y1 + dy, y0 + 1, SIDE)];
  } else {
    const left = clip(x0 + dx, 0, SIDE - (x1 - x0)), top = clip(y0 + dy, 0, SIDE - (y1 - y0));
    boxes[i] = [left, top, left + x1 - x0, top + y1 - y0];
  }
  measure();
}

/** @param {KeyboardEvent} event @param {number} i */
function pressKey(event, i) {
  const step = {ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0]}[event.key];
  if (!step) return;
  event.preventDefault();
  change(i, step[0], step[1], event.shiftKey);
}

/** Suit le pointeur ; près du coin du bas à droite, change la taille. @param {PointerEvent} event @param {number} i */
function drag(event, i) {
  event.preventDefault();
  const shape = /** @type {SVGRectElement} */ (shapes[i]), start = boxes[i], scale = SIDE / svg.getBoundingClientRect().width;
  const frame = shape.getBoundingClientRect();
  const resize = frame.right - event.clientX < 14 && frame.bottom - event.clientY < 14;
  const follow = (/** @type {PointerEvent} */ each) => change(i, Math.round((each.clientX - event.clientX) * scale),
    Math.round((each.clientY - event.clientY) * scale), resize, start);
  shape.setPointerCapture(event.pointerId);
  shape.addEventListener("pointermove", follow);
  const stop = () => shape.removeEventListener("pointermove", follow);
  shape.addEventListener("pointerup", stop, {once: true});
  shape.addEventListener("pointercancel", stop, {once: true});
}

/** Montre les deux boîtes et leur IoU. */
function measure() {
  boxes.forEach(([x0, y0, x1, y1], i) => {
    for (const [name, value] of Object.entries({x: x0, y: y0, width: x1 - x0, height: y1 - y0})) {
      shapes[i].setAttribute(name, String(value));
    }
  });
  const {first, second, common, union} = areas(boxes[0], boxes[1]);
  measured.textContent = `IoU = ${common} ÷ (${first} + ${second} − ${common}) = ${common} ÷ ${union} = ` +
    `${number(iou(boxes[0], boxes[1]), 3)}`;
}

// --- Un détecteur --------------------------------------------------------------------

const SLUG = "ex17_detection";
const said = make("p", {role: "status", class: "dit"});
const shown = make("div", {class: "cote-a-cote"});
const slider = (/** @type {string} */ id, /** @type {string} */ value) =>
  make("input", {type: "range", id, min: "0", max: "1", step: "0.05", value, oninput: () => redraw()});
const score = slider("seuil", "0.1"), same = slider("doublons", "0.4");
/** @type {any} */
let truth;
/** @type {import("./picture.js").Picture} */
let picture;
/** @type {import("./boxes.js").Detection[] | undefined} */
let found;

/** Détecte dans une scène. @param {number} index */
async function detect(index) {
  const mine = ++turn;
  keep({exemple: String(index + 1)});
  said.textContent = "Chargement du détecteur…";
  try {
    const image = await readScene(index), pixels = Uint8Array.from(image.pixels);
    const {values: [values], shapes} = await waiting(said, compute("run", {slug: SLUG, pixels}));
    if (mine !== turn) return;
    picture = image;
    found = readGrid(values, shapes[0], image.width);
    redraw(index);
  } catch (error) {
    said.textContent = /** @type {Error} */ (error).message;
  }
}

let current = 0, turn = 0; // la scène montrée ; la dernière demandée
const MANY = 6; // boîtes nommées sous les images, et sur elles
const LINE_PX = 15; // hauteur d'un nom, sur une image

/** Dessine vérité et détections aux seuils choisis. @param {number} [index] */
function redraw(index = current) {
  current = index;
  if (!found) return;
  const sure = found.filter((each) => each.score >= Number(score.value));
  const kept = suppress(sure, Number(same.value));
  const all = truth.scenes[index].boxes.map((/** @type {Box} */ box, /** @type {number} */ i) => ({box, label: truth.scenes[index].labels[i]}));
  shown.replaceChildren(...[["la vérité", all], ["le détecteur, doublons compris", sure], ["doublons ôtés", kept]].map(([caption, list]) =>
    make("figure", {}, outline(/** @type {any[]} */ (list)), make("figcaption", {}, caption))));
  const few = kept.slice(0, MANY).map(({label, score: value}) => `${truth.classes[label]} (${number(value, 2)})`).join(", ");
  const names = few + (kept.length > MANY ? `, et ${kept.length - MANY} autres.` : ".");
  const threshold = (/** @type {any} */ control) => number(Number(control.value), 2);
  said.textContent = `Au-dessus de ${threshold(score)} : ${sure.length} boîte${sure.length > 1 ? "s" : ""} ; doublons ôtés au-delà ` +
    `d'une IoU de ${threshold(same)} : ${kept.length}. ${names}`;
}

/** Dessine la scène et des boîtes. @param {any[]} list */
function outline(list) {
  const zoom = 3, canvas = make("canvas", {width: picture.width * zoom, height: picture.height * zoom,
    role: "img", "aria-label": list.map(({label}) => truth.classes[label]).join(", ") || "aucune boîte"});
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(draw(picture), 0, 0, canvas.width, canvas.height);
  context.lineWidth = 2;
  context.font = "bold 12px system-ui, sans-serif";
  for (const {box, label} of list) {
    context.strokeStyle = COLOURS[label];
    context.strokeRect(box[0] * zoom, box[1] * zoom, (box[2] - box[0]) * zoom, (box[3] - box[1]) * zoom);
  }
  /** Où sont les noms déjà écrits. @type {{x: number, y: number, width: number}[]} */
  const written = [];
  for (const {box, label, score: value} of list.slice(0, MANY)) {
    const text = truth.classes[label] + (value === undefined ? "" : ` ${number(value, 2)}`), width = context.measureText(text).width + 4;
    const x = Math.max(0, Math.min(box[0] * zoom, canvas.width - width));
    let y = Math.max(LINE_PX, box[1] * zoom);
    const hides = (/** @type {{x: number, y: number, width: number}} */ other) =>
      Math.abs(other.y - y) < LINE_PX && x < other.x + other.width && other.x < x + width;
    while (written.some(hides)) y += 1; // au-dessous de celui qu'il cacherait
    written.push({x, y, width});
    context.fillStyle = COLOURS[label];
    context.fillRect(x, y - LINE_PX, width, LINE_PX);
    context.fillStyle = "#000";
    context.fillText(text, x + 2, y - 3);
  }
  return canvas;
}

async function start() {
  svg.setAttribute("viewBox", `0 0 ${SIDE} ${SIDE}`);
  svg.setAttribute("class", "boites");
  svg.style.width = `${SIDE * CELL}px`;
  truth = await readTruth();
  page?.replaceChildren(svg, measured,
    make("h2", {}, "Un détecteur, et ses doublons"), makeChooser(truth.scenes.length, detect),
    labelled("Score au moins", score, (value) => number(value, 2)),
    labelled("Doublons : IoU au-delà de", same, (value) => number(value, 2)), said, shown);
  measure();
  detect(truth.scenes[Number(asked()) - 1] ? Number(asked()) - 1 : 0);
}

start().catch((error) => { if (page) page.textContent = error.message; });
