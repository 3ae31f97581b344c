// La page « Deux sources » : entendre un mélange, peindre le masque qui le sépare, entendre le reste.

import {compute} from "./calculator.js";
import {fetchJson} from "./data.js";
import {labelled, make, number, percent, picker} from "./dom.js";
import {BINS, HOP, RATE} from "./spectrogram.js";
import {asked, keep} from "./state.js";

const MAX_S = 10; // ce qui est lu d'un son donné
const BRUSH = {frames: 2, bins: 8}; // de part et d'autre du pinceau
const PEAK = 0.9; // du plus fort des sons joués
const COLD = [0, 34, 78], HOT = [253, 231, 55]; // du bleu nuit au jaune
const NAMES = {mixture: "le mélange", melody: "la mélodie séparée", percussion: "les percussions séparées",
  trueMelody: "la vraie mélodie", truePercussion: "les vraies percussions"};

const page = document.getElementById("sources");
const said = make("p", {role: "status", class: "dit"}), told = make("p", {role: "status"});
const bar = make("progress", {max: "1", hidden: true, "aria-label": "Avancement"});
const seen = canvas("Le spectrogramme du mélange"), kept = canvas("Le spectrogramme de la mélodie séparée");
const painted = canvas("Le masque, à peindre");
const choice = make("select", {id: "melange"});
const kind = make("select", {id: "masque", oninput: () => chooseMask()},
  make("option", {value: "network"}, "celui du réseau"), make("option", {value: "ideal"}, "l'idéal : on connaît les sources"),
  make("option", {value: "cut"}, "une coupure : la mélodie au-dessous"), make("option", {value: "own"}, "le vôtre, peint"));
const cut = make("input", {type: "range", id: "coupure", min: "0", max: String(RATE / 2), step: "50", value: "1500",
  oninput: () => { kind.value = "cut"; chooseMask(); }});
const brush = make("select", {id: "pinceau"}, make("option", {value: "1"}, "à la mélodie"),
  make("option", {value: "0"}, "aux percussions"));
const players = make("div", {class: "cote-a-cote"});

/** Les sons, à la même échelle. @type {Record<string, Float32Array>} */
let sounds = {};
let frames = 0; // trames du mélange
/** @type {Float32Array} */
let mask = new Float32Array();
/** @type {[number, number]} trame et fréquence du pinceau du clavier */
let pen = [10, 40];
let isDown = false, isFocused = false, turn = 0;
/** @type {AudioContext | undefined} */
let audio;
/** @type {AudioBufferSourceNode | undefined} */
let playing;

/** @param {string} label */
function canvas(label) {
  return make("canvas", {class: "spectre", role: "img", "aria-label": label});
}

/** Ouvre un mélange, ou un son dont on ne connaît pas les sources. @param {Float32Array} mixture
 * @param {Float32Array[]} truth mélodie et percussions, ou rien. */
async function open(mixture, truth) {
  const mine = ++turn, found = await compute("hear", {mixture, truth});
  if (mine !== turn) return;
  sounds = {mixture, ...(truth.length ? {trueMelody: truth[0], truePercussion: truth[1]} : {})};
  frames = found.frames;
  const ideal = /** @type {any} */ (kind.querySelector("[value=ideal]"));
  ideal.disabled = !truth.length;
  if (kind.value === "own" || ideal.disabled && kind.value === "ideal") kind.value = "network";
  mask = new Float32Array(frames * BINS).fill(0.5);
  pen = [Math.floor(frames / 4), 40];
  paint(seen, found.seen);
  await chooseMask();
}

/** Prend le masque choisi. */
async function chooseMask() {
  if (kind.value === "own") return separate("Votre masque : rien n'y est encore peint, c'est celui d'avant.", mask);
  if (kind.value === "network") {
    said.textContent = "Le réseau lit le mélange…";
    bar.value = 0;
    bar.hidden = false;
  }
  return separate(kind.value === "cut" ? `Au-dessous de ${number(Number(cut.value), 0)} Hz, tout va à la mélodie.`
    : `Masque ${kind.value === "network" ? "du réseau" : "idéal"}.`);
}

/** Sépare par un masque, et dit ce que l'on y gagne. @param {string} text @param {Float32Array | null} [own] celui qui est peint ; null : celui
 * que l'on a choisi, à trouver. */
async function separate(text, own = null) {
  const mine = ++turn;
  if (own) bar.hidden = true;
  let found;
  try {
    found = await compute("separate", {kind: kind.value, cut: Number(cut.value), mask: own},
      (done) => { if (mine === turn && done !== null) bar.value = done; });
  } catch (error) {
    if (mine === turn) said.textContent = /** @type {Error} */ (error).message;
    return;
  }
  if (mine !== turn) return;
  bar.hidden = true;
  if (!own) mask = found.mask; // ce qui s'est peint entre-temps n'est pas effacé
  Object.assign(sounds, {melody: found.melody, percussion: found.percussion});
  said.textContent = text + (found.gains ? ` Gain sur le mélange : ${number(found.gains[0])} dB pour la mélodie, ` +
    `${number(found.gains[1])} dB pour les percussions.` : "");
  paintMask();
  paint(kept, found.kept);
  players.replaceChildren(...Object.entries(NAMES).filter(([name]) => sounds[name]).map(([name, title]) =>
    make("button", {type: "button", onclick: () => play(name)}, `Écouter ${title}`)),
  make("button", {type: "button", onclick: () => { playing?.stop(); told.textContent = ""; }}, "Arrêter"));
}

/** Joue un son ; tous à la même échelle : leurs volumes se comparent. @param {string} name */
async function play(name) {
  try {
    audio ??= new AudioContext();
    await audio.resume();
  } catch {
    told.textContent = "Ce navigateur ne sait pas jouer de son ici.";
    return;
  }
  playing?.stop();
  const sound = sounds[name], loudest = Object.values(sounds).reduce((most, each) =>
    each.reduce((a, b) => Math.max(a, Math.abs(b)), most), 0) || 1;
  const buffer = audio.createBuffer(1, sound.length, RATE);
  buffer.copyToChannel(sound.map((value) => value * PEAK / loudest), 0);
  playing = audio.createBufferSource();
  playing.buffer = buffer;
  playing.connect(audio.destination);
  const mine = playing;
  playing.onended = () => { if (playing === mine) told.textContent = ""; };
  playing.start();
  told.textContent = `On entend ${NAMES[/** @type {"mixture"} */ (name)]}.`;
}

/** Peint des nombres de 0 à 1, temps de gauche à droite, fréquence de bas en haut. @param {HTMLCanvasElement} target
 * @param {ArrayLike<number>} values */
function paint(target, values) {
  const frames = values.length / BINS, image = new ImageData(frames, BINS);
  for (let i = 0; i < values.length; i++) {
    const at = 4 * ((BINS - 1 - i % BINS) * frames + Math.floor(i / BINS));
    for (let c = 0; c < 3; c++) image.data[at + c] = COLD[c] + values[i] * (HOT[c] - COLD[c]);
    image.data[at + 3] = 255;
  }
  target.width = frames;
  target.height = BINS;
  target.getContext("2d")?.putImageData(image, 0, 0);
}

/** Peint le masque, et le pinceau quand le clavier l'a. */
function paintMask() {
  paint(painted, mask);
  const paper = painted.getContext("2d");
  if (!isFocused || !paper) return;
  paper.strokeStyle = isDown ? "#ff5a36" : "#fff";
  paper.strokeRect(pen[0] - BRUSH.frames, BINS - 1 - pen[1] - BRUSH.bins, 2 * BRUSH.frames + 1, 2 * BRUSH.bins + 1);
}

/** Donne des cases à une source. @param {number} frame @param {number} bin */
function give(frame, bin) {
  for (let t = frame - BRUSH.frames; t <= frame + BRUSH.frames; t++) {
    for (let k = bin - BRUSH.bins; k <= bin + BRUSH.bins; k++) {
      if (t >= 0 && t < frames && k >= 0 && k < BINS) mask[t * BINS + k] = Number(brush.value);
    }
  }
  kind.value = "own";
  turn++; // un masque en cours de calcul n'efface pas ce qui est peint
  bar.hidden = true;
}

/** Écoute le pinceau. */
function listen() {
  /** @param {PointerEvent} event @returns {[number, number]} */
  const place = (event) => {
    const box = painted.getBoundingClientRect();
    return [Math.floor((event.clientX - box.left) / box.width * frames),
      BINS - 1 - Math.floor((event.clientY - box.top) / box.height * BINS)];
  };
  let isDrawing = false;
  painted.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    painted.setPointerCapture(event.pointerId);
    isDrawing = true;
    give(...place(event));
    paintMask();
  });
  painted.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (!isDrawing) return;
    give(...place(event));
    paintMask();
  });
  for (const name of ["pointerup", "pointercancel"]) {
    painted.addEventListener(name, () => {
      if (isDrawing) separate("Votre masque.", mask);
      isDrawing = false;
    });
  }
  painted.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    /** @type {Record<string, [number, number]>} */
    const steps = {ArrowRight: [2, 0], ArrowLeft: [-2, 0], ArrowUp: [0, 6], ArrowDown: [0, -6]};
    const step = steps[event.key];
    if (!step && event.key !== " ") return;
    event.preventDefault();
    isFocused = true;
    if (step) {
      pen = [Math.min(frames - 1, Math.max(0, pen[0] + step[0])), Math.min(BINS - 1, Math.max(0, pen[1] + step[1]))];
    } else isDown = !isDown;
    told.textContent = `${isDown ? "Pinceau posé" : "Pinceau levé"}, ${number(pen[0] * HOP / RATE, 2)} s, ` +
      `${number(pen[1] * RATE / 2 / (BINS - 1), 0)} Hz : ${percent(mask[pen[0] * BINS + pen[1]])} à la mélodie.`;
    if (!isDown) return paintMask();
    give(...pen);
    separate("Votre masque.", mask);
  });
  for (const name of ["focus", "blur"]) {
    painted.addEventListener(name, () => {
      isFocused = name === "focus" && painted.matches(":focus-visible"); // pas d'un clic
      isDown = false;
      paintMask();
    });
  }
}

/** Lit un son donné : une voix, à la fréquence du réseau. @param {File | undefined} file */
async function receive(file) {
  if (!file) return;
  try {
    let heard;
    try {
      heard = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await file.arrayBuffer());
    } catch {
      throw new Error("Ce fichier n'est pas un son que ce navigateur sait lire.");
    }
    const length = Math.min(heard.length, MAX_S * RATE), mixture = new Float32Array(length);
    for (let c = 0; c < heard.numberOfChannels; c++) {
      heard.getChannelData(c).subarray(0, length).forEach((value, i) => { mixture[i] += value; });
    }
    if (!mixture.some((value) => value)) throw new Error("Ce son est un silence.");
    choice.value = "";
    await open(mixture, []);
  } catch (error) {
    said.textContent = /** @type {Error} */ (error).message;
  }
}

/** @param {string} text des entiers de 16 bits en base 64. */
function readSound(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return Float32Array.from(new Int16Array(bytes.buffer), (value) => value / 32768);
}

async function start() {
  const known = await fetchJson("melanges.json");
  /** @param {number} index */
  const take = (index) => {
    const truth = known[index].sources.map(readSound);
    keep({exemple: String(index + 1)});
    return open(truth[0].map((/** @type {number} */ value, /** @type {number} */ i) => value + truth[1][i]), truth);
  };
  choice.append(make("option", {value: ""}, "votre son"),
    ...known.map((/** @type {any} */ each, /** @type {number} */ i) => make("option", {value: String(i)}, each.title)));
  choice.addEventListener("input", () => { if (choice.value) take(Number(choice.value)); });
  const input = picker({id: "son", accept: "audio/*"}, ([chosen]) => receive(chosen));
  for (const [name, value] of Object.entries({tabindex: "0", role: "application", "aria-describedby": "peindre"})) {
    painted.setAttribute(name, value);
  }
  const shown = (/** @type {HTMLElement} */ target, /** @type {string} */ text) =>
    make("figure", {}, target, make("figcaption", {}, text));
  page?.replaceChildren(
    make("p", {}, make("label", {for: "melange"}, "Mélange : "), choice),
    make("p", {}, make("label", {class: "bouton"}, "Prendre votre son", input), ` ses ${MAX_S} premières secondes`),
    make("p", {}, make("label", {for: "masque"}, "Masque : "), kind),
    labelled("Coupure :", cut, (value) => `${number(value, 0)} Hz`),
    said, bar, players, told,
    shown(seen, "le mélange : le temps de gauche à droite, de 0 à 4 000 Hz de bas en haut ; jaune : fort"),
    shown(painted, "le masque ; jaune : à la mélodie, bleu : aux percussions"),
    make("p", {}, make("label", {for: "pinceau"}, "Peindre, à la souris ou au doigt, ce qui va "), brush),
    make("p", {id: "peindre"}, "Au clavier, sur le masque : les flèches déplacent le pinceau, espace le pose ou le lève."),
    shown(kept, "ce que le masque laisse à la mélodie"));
  listen();
  const first = known[Number(asked()) - 1] ? Number(asked()) - 1 : 1;
  choice.value = String(first);
  await take(first);
}

start().catch((error) => { if (page) page.textContent = error.message; });
