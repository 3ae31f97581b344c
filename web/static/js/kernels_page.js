// La page « Noyaux » : un noyau que l'on écrit, et l'image, ou la caméra, qui change aussitôt.

import {Camera} from "./camera.js";
import {readNumber} from "./convolution.js";
import {addressOf, fetchBytes} from "./data.js";
import {ARROWS, make, neighbours, number, picker, scrolling} from "./dom.js";
import {filter, SHOWN} from "./filter.js";
import {decode} from "./opening.js";
import {resize} from "./picture.js";
import {asked, keep, kept, readControls, setControls} from "./state.js";

/** @typedef {import("./filter.js").Plane} Plane */

const SIDE = 320; // du plus grand côté d'une image, en pixels
const SAMPLES = ["pont.png", "chat.png", "oiseau.jpg", "voiture.jpg", "chien.webp"];
const SIZES = [3, 5, 7];
/** Des noyaux du cours : leurs lignes, et comment montrer ce qu'ils rendent. @type {Record<string, [string, keyof typeof SHOWN]>} */
const PRESETS = {
  "identité : rien ne change": ["0 0 0|0 1 0|0 0 0", "cut"],
  "moyenne (exercice 01)": ["1/9 1/9 1/9|1/9 1/9 1/9|1/9 1/9 1/9", "cut"],
  "flou gaussien": ["1/16 1/8 1/16|1/8 1/4 1/8|1/16 1/8 1/16", "cut"],
  "lignes horizontales : Sobel": ["-1 -2 -1|0 0 0|1 2 1", "middle"],
  "lignes verticales : Sobel": ["-1 0 1|-2 0 2|-1 0 1", "middle"],
  "lignes horizontales : Prewitt (S4)": ["-1 -1 -1|0 0 0|1 1 1", "middle"],
  "contours : laplacien": ["0 1 0|1 -4 1|0 1 0", "middle"],
  "netteté": ["0 -1 0|-1 5 -1|0 -1 0", "cut"],
  "relief": ["-2 -1 0|-1 1 1|0 1 2", "cut"],
  "le noyau de S3, divisé par sa somme": ["1/5 0 1/5|0 1/5 0|1/5 0 1/5", "cut"],
};
const START = "lignes horizontales : Sobel";

const page = document.getElementById("noyaux"), isShort = page?.classList.contains("bref"); // sur l'accueil
const said = make("p", {role: "status", class: "dit"});
const told = make("p", {role: "status"});
const select = (/** @type {string} */ id, /** @type {[string, string][]} */ options) => make("select", {id, oninput: changed},
  ...options.map(([value, text]) => make("option", {value}, text)));
const preset = make("select", {id: "connu", oninput: () => take(preset.value)}, make("option", {value: ""}, "le vôtre"),
  ...Object.keys(PRESETS).map((name) => make("option", {value: name}, name)));
const size = make("select", {id: "cote", oninput: () => resizeGrid(Number(size.value))},
  ...SIZES.map((side) => make("option", {value: String(side)}, `${side} × ${side}`)));
const stride = select("pas", [["1", "1"], ["2", "2"], ["3", "3"], ["4", "4"]]);
const padding = select("bord", [["same", "des zéros (same)"], ["valid", "rien (valid)"]]);
const pooling = select("reduction", [["", "aucun"], ["max", "maximum, 2 × 2"], ["mean", "moyenne, 2 × 2"]]);
const shown = select("montre", Object.entries(SHOWN).map(([name, {text}]) => [name, text]));
const relu = make("input", {type: "checkbox", id: "relu", oninput: changed});
const colours = make("input", {type: "checkbox", id: "couleurs", oninput: changed});
const controls = [preset, size, stride, padding, pooling, shown, relu, colours];
const grid = make("div", {class: "noyau", role: "group", "aria-label": "Noyau"});
const before = make("canvas", {role: "img", "aria-label": "L'image"});
const after = make("canvas", {role: "application", tabindex: "0", onclick: touch, onkeydown: press,
  "aria-label": "Ce que le noyau en fait. Au clavier : les flèches vont d'un pixel à l'autre, dont le calcul s'écrit."});
const under = make("figcaption", {}, "");
const worked = make("div");
const live = make("button", {type: "button", "aria-pressed": "false", onclick: toggleCamera}, "Caméra");

/** @type {import("./picture.js").Picture | null} */
let picture = null;
let seen = {x: 0, y: 0}; // le pixel de la sortie dont le calcul s'écrit
let source = ""; // le nom d'une de nos images
/** @type {Plane[]} ce que lit le noyau : le gris, ou chaque couleur */
let planes = [];
let turn = 0; // la dernière image demandée ; les autres sont oubliées
const camera = new Camera();

/** Rend les cases du noyau. @returns {any[]} */
function cells() {
  return [...grid.querySelectorAll("input")];
}

/** Écrit un noyau. @param {string[][]} rows */
function fill(rows) {
  size.value = String(rows.length);
  grid.style.setProperty("--cote", String(rows.length));
  grid.replaceChildren(...rows.flatMap((row, i) => row.map((text, j) => make("input", {type: "text", value: text.replace("-", "−"),
    autocomplete: "off", spellcheck: "false", "aria-label": `Ligne ${i + 1}, colonne ${j + 1}`, oninput: () => {
      preset.value = "";
      changed();
    }}))));
}

/** Prend un noyau du cours. @param {string} name */
function take(name) {
  if (!PRESETS[name]) return;
  const [text, how] = PRESETS[name];
  fill(text.split("|").map((line) => line.split(" ")));
  preset.value = name;
  shown.value = how;
  changed();
}

/** Change le côté du noyau : ses poids restent au milieu. @param {number} side */
function resizeGrid(side) {
  const texts = cells().map(({value}) => value), old = Math.sqrt(texts.length), shift = (side - old) / 2;
  fill(Array.from({length: side}, (_, y) => Array.from({length: side}, (_, x) => {
    const [i, j] = [y - shift, x - shift];
    return i >= 0 && j >= 0 && i < old && j < old ? texts[i * old + j] : "0";
  })));
  preset.value = "";
  changed();
}

/** Lit le noyau ; une case fausse le dit. @returns {number[][]} */
function readKernel() {
  const side = Number(size.value);
  const values = cells().map((cell) => {
    try {
      cell.removeAttribute("aria-invalid");
      return readNumber(cell.value.trim());
    } catch (error) {
      cell.setAttribute("aria-invalid", "true");
      throw error;
    }
  });
  return Array.from({length: side}, (_, i) => values.slice(i * side, (i + 1) * side));
}

/** Un réglage a changé. */
function changed() {
  worked.replaceChildren();
  if (picture && !camera.stream) split();
  update();
  if (!isShort) keep({...readControls(controls), image: source, noyau: cells().map(({value}) => value).join(" ")});
}

/** Sépare l'image en canaux : le gris, ou les trois couleurs. */
function split() {
  if (!picture) return;
  const {width, height, pixels} = picture, count = width * height;
  const weights = colours.checked ? [[1, 0, 0], [0, 1, 0], [0, 0, 1]] : [[0.299, 0.587, 0.114]];
  planes = weights.map(([r, g, b]) => {
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = Math.round(r * pixels[3 * i] + g * pixels[3 * i + 1] + b * pixels[3 * i + 2]);
    return {width, height, values};
  });
}

/** Calcule, et montre. */
function update() {
  if (!planes.length) return;
  /** @type {number[][]} */
  let kernel;
  let found;
  const start = performance.now();
  try {
    kernel = readKernel();
    found = planes.map((plane) => filter(plane, {kernel, stride: Number(stride.value), padding: padding.value,
      relu: relu.checked, pooling: pooling.value}));
  } catch (error) {
    said.textContent = /** @type {Error} */ (error).message;
    return;
  }
  const duration = performance.now() - start, total = kernel.flat().reduce((a, b) => a + b, 0);
  paint(before, planes, (value) => value);
  paint(after, found, SHOWN[shown.value].at);
  const [{width, height, values}] = found;
  let [least, most] = [values[0], values[0]];
  for (const value of values) { least = Math.min(least, value); most = Math.max(most, value); }
  said.textContent = `Somme des poids : ${number(total, 2)}. Sortie : ${width} × ${height}, de ${number(least, 0)} à ` +
    `${number(most, 0)}${colours.checked ? " en rouge" : ""} ; ${number(duration, 0)} ms.`;
  const {text, legend} = SHOWN[shown.value];
  under.textContent = `la sortie, ${text}${legend}. Touchez-la, ou allez-y par les flèches : le calcul d'un pixel s'écrit.`;
}

/** Peint un canal en gris, ou trois en couleurs. @param {HTMLCanvasElement} canvas @param {Plane[]} channels
 * @param {(value: number) => number} at */
function paint(canvas, channels, at) {
  const [{width, height}] = channels, image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = at((channels[c] ?? channels[0]).values[i]);
    image.data[4 * i + 3] = 255;
  }
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, {width, height});
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}

/** Écrit le calcul du pixel touché. @param {MouseEvent} event */
function touch(event) {
  const box = after.getBoundingClientRect(), scale = after.width / box.width;
  look(Math.floor((event.clientX - box.left) * scale), Math.floor((event.clientY - box.top) * scale));
}

/** @param {KeyboardEvent} event */
function press(event) {
  if (!ARROWS[event.key]) return;
  event.preventDefault();
  const [dx, dy] = ARROWS[event.key];
  look(seen.x + dx, seen.y + dy);
}

/** Écrit le calcul d'un pixel de la sortie. @param {number} column @param {number} row */
function look(column, row) {
  let kernel;
  try {
    kernel = readKernel();
  } catch {
    return; // le nombre fautif est déjà dit
  }
  if (!planes.length) return;
  seen = {x: Math.min(after.width - 1, Math.max(0, column)), y: Math.min(after.height - 1, Math.max(0, row))};
  const halved = pooling.value ? 2 : 1; // la première case de la fenêtre du pooling
  const x = seen.x * halved, y = seen.y * halved;
  const side = kernel.length, step = Number(stride.value), [plane] = planes;
  const pad = padding.value === "same" ? Math.floor(Math.max(0, side - 1 - (plane.width - 1) % step) / 2) : 0;
  let sum = 0;
  const rows = kernel.map((line, i) => make("tr", {}, ...line.map((weight, j) => {
    const [u, v] = [x * step + j - pad, y * step + i - pad];
    const inside = u >= 0 && v >= 0 && u < plane.width && v < plane.height, value = inside ? plane.values[v * plane.width + u] : 0;
    sum += value * weight;
    return make("td", {class: inside ? "" : "bord"}, `${number(value, 0)} × ${cells()[i * side + j].value}`);
  })));
  const caption = `Ligne ${y + 1}, colonne ${x + 1} : chaque pixel par son poids ; la somme est ${number(sum, 1)}` +
    (pooling.value ? " (la première des quatre que lit le pooling)" : "");
  worked.replaceChildren(scrolling(make("table", {class: "cases"}, make("caption", {}, caption), make("tbody", {}, ...rows)), caption, side),
    neighbours((dx, dy) => look(seen.x + dx, seen.y + dy)));
}

/** Prend une image. @param {() => Promise<Blob>} find @param {string} [name] celui d'une des nôtres */
async function open(find, name = "") {
  const mine = ++turn;
  try {
    const whole = await decode(await find()), scale = Math.min(1, SIDE / Math.max(whole.width, whole.height));
    if (mine !== turn) return;
    stopCamera();
    picture = resize(whole, Math.max(1, Math.round(whole.width * scale)), Math.max(1, Math.round(whole.height * scale)));
    source = name;
    changed();
  } catch (error) {
    if (mine === turn) said.textContent = /** @type {Error} */ (error).message;
  }
}

/** @param {string} name */
function openSample(name) {
  return open(async () => new Blob([await fetchBytes(`samples/${name}`)]), name);
}

function stopCamera() {
  camera.close();
  live.setAttribute("aria-pressed", "false");
  live.textContent = "Caméra";
}

/** Filtre ce que voit la caméra, ou cesse. */
async function toggleCamera() {
  if (live.getAttribute("aria-pressed") === "true") return stopCamera();
  live.setAttribute("aria-pressed", "true");
  live.textContent = "Arrêter la caméra";
  turn++; // une image qui s'ouvre encore ne prendra pas la place de la caméra
  try {
    if (!await camera.open({width: {ideal: SIDE}})) return;
  } catch (error) {
    stopCamera();
    told.textContent = /** @type {Error} */ (error).message;
    return;
  }
  told.textContent = "Rien de ce que voit la caméra ne quitte cette page.";
  const {video, turn: mine} = camera, scale = SIDE / Math.max(video.videoWidth, video.videoHeight);
  const [width, height] = [video.videoWidth, video.videoHeight].map((side) => Math.round(side * scale));
  const paper = /** @type {any} */ (new OffscreenCanvas(width, height).getContext("2d", {willReadFrequently: true}));
  const next = () => {
    if (camera.turn !== mine) return;
    paper.drawImage(video, 0, 0, width, height);
    const {data} = paper.getImageData(0, 0, width, height);
    picture = {width, height, pixels: Uint8ClampedArray.from({length: 3 * width * height}, (_, k) => data[4 * Math.floor(k / 3) + k % 3])};
    split();
    update();
    requestAnimationFrame(next);
  };
  next();
}

function start() {
  const input = picker({id: "fichier", accept: "image/*,.heic,.heif"}, ([file]) => open(async () => file));
  const field = (/** @type {string} */ label, /** @type {any} */ control) =>
    make("p", {}, make("label", {for: control.id}, `${label} `), control);
  const samples = SAMPLES.map((name) => make("button", {type: "button", class: "vignette", onclick: () => openSample(name)},
    make("img", {src: addressOf(`_static/vignette_${name.split(".")[0]}.jpg`), alt: name, width: "64", height: "64"})));
  page?.replaceChildren(
    make("div", {class: "cote-a-cote"}, ...samples, make("label", {class: "bouton"}, "Votre image", input),
      ...(navigator.mediaDevices ? [live] : [])),
    make("div", {class: "cote-a-cote"},
      make("div", {class: "reglages"}, field("Noyau", preset), grid, isShort ? "" : field("Côté", size)),
      isShort ? "" : make("div", {class: "reglages"}, field("Pas", stride), field("Autour de l'image", padding), field("ReLU", relu),
        field("Pooling", pooling), field("Montrer la sortie", shown), field("Chaque couleur à part", colours))),
    said, told,
    make("div", {class: "cote-a-cote"}, make("figure", {}, before, make("figcaption", {}, "ce que lit le noyau")),
      make("figure", {}, after, under)),
    worked);
  const saved = kept();
  take(START);
  if (saved) {
    const texts = (saved.noyau ?? "").split(" "), side = Math.sqrt(texts.length);
    if (SIZES.includes(side)) fill(Array.from({length: side}, (_, i) => texts.slice(i * side, (i + 1) * side)));
    setControls(controls, saved);
    size.value = String(Math.sqrt(cells().length));
  }
  const name = saved?.image || asked();
  openSample(SAMPLES.find((each) => each === name) ?? SAMPLES[0]);
}

start();
