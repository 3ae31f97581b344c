// La page « Nommer » : une image déposée, collée, prise ou choisie, et ce que le réseau en dit.

import {compute, stop} from "./calculator.js";
import {Camera} from "./camera.js";
import {readCard} from "./card.js";
import {addressOf, fetchBytes} from "./data.js";
import {draw, make, number, percent, picker, waiting} from "./dom.js";
import {check} from "./opening.js";
import {asked, keep} from "./state.js";
import {visit} from "./visit.js";

const SAMPLES = ["avion.png", "chat.png", "chien.webp", "oiseau.jpg", "voiture.jpg", "pont.png"];
const SURELY = 0.9; // probabilité d'un vêtement à partir de laquelle le conseil d'en mieux photographier un vaut
const ADVICE = " Si c'est un vêtement, photographiez-le seul, entier, à plat et de face, sur un fond uni.";
const CUT = " Ce vêtement se détache de son fond : il en a été découpé, et le réseau des vêtements répond.";
const OTHERS = /\.(keras|h5|onnx|pth?|pb)$/i; // des modèles, écrits autrement
const MIN_LOSS = 0.01; // sous un point de perdu, la carte n'est pas peinte

const page = document.getElementById("nommer");
const said = make("p", {role: "status", class: "dit"});
const bar = make("progress", {max: "1", hidden: true, "aria-label": "Avancement"});
const shown = make("div", {class: "cote-a-cote"});
const table = make("div"), visited = make("div");
// Un bouton pressé reste à sa place : un double clic ne presse pas celui d'à côté.
const why = make("button", {type: "button", hidden: true, onclick: explain}, "Qu'est-ce qui a décidé ?");
const walk = make("button", {type: "button", hidden: true, onclick: enter}, "Entrer dans le réseau");
const maps = make("button", {type: "button", hidden: true, onclick: showMaps}, "Les cartes d'un réseau de CAM");
const halt = make("button", {type: "button", hidden: true, onclick: stop}, "Arrêter");
const own = make("p", {class: "dit"});
const camera = new Camera();
const snap = make("button", {type: "button", onclick: openCamera}, "Appareil photo");
const shoot = make("button", {type: "button", onclick: takePhoto}, "Prendre la photo");
const viewer = make("div", {hidden: true}, camera.video, make("p", {}, shoot, " ",
  make("button", {type: "button", onclick: closeCamera}, "Annuler")));

/** Ce que le Worker a rendu de la dernière image. @type {any} */
let last = null;
let isOwn = false; // un modèle déposé répond, et non ceux du cours
let turn = 0; // la dernière image demandée ; les réponses aux autres sont oubliées

/** Montre où en est un calcul. @param {number} mine @returns {import("./calculator.js").Report} */
function reporting(mine) {
  return (part, text) => {
    if (mine !== turn) return;
    if (text) say(text);
    if (part === null) bar.removeAttribute("value");
    else bar.value = part;
  };
}

/** Oublie l'image d'avant, et ce qu'on en montrait. @returns {number} le numéro de la demande qui commence. */
function begin() {
  closeCamera();
  last = null;
  bar.hidden = why.hidden = walk.hidden = maps.hidden = halt.hidden = true;
  for (const each of [shown, table, visited]) each.replaceChildren();
  return ++turn;
}

/** Nomme une image. @param {Blob} blob */
async function name(blob) {
  const mine = begin();
  say("Lecture de l'image…");
  bar.removeAttribute("value");
  bar.hidden = false;
  try {
    const found = await compute("name", {blob: await check(blob)}, reporting(mine));
    if (mine === turn) show(found);
  } catch (error) {
    if (mine === turn) say(/** @type {Error} */ (error).message);
  } finally {
    if (mine === turn) bar.hidden = true;
  }
}

/** Nomme plusieurs images, l'une après l'autre. @param {File[]} files */
async function nameAll(files) {
  const mine = begin();
  for (const [i, file] of files.entries()) {
    say(`Image ${i + 1} sur ${files.length}…`);
    try {
      const {answer: {best, doubt, probabilities}, classes, view} = await compute("name", {blob: await check(file)});
      if (mine !== turn) return;
      shown.append(figure(draw(view, 128 / view.width), `${file.name} : ${classes[best]}, ${percent(probabilities[best])}${doubt && " (pas sûr)"}`));
    } catch (error) {
      if (mine !== turn) return;
      shown.append(make("p", {}, `${file.name} : ${/** @type {Error} */ (error).message}`));
    }
  }
  say(`${files.length} images nommées. Une seule à la fois : ce qui a décidé peut alors se voir.`);
}

/** @param {string} text */
function say(text) {
  said.textContent = text;
}

/** Montre une réponse. @param {any} found voir `name` dans worker.js. */
function show(found) {
  const {answer, classes, view, duration, isCut, isGarment} = found;
  const share = answer.probabilities[answer.best];
  /** @type {Record<string, string>} */
  const doubts = {
    grey: " C'est une petite image grise, et ce réseau a surtout appris des images en couleur : la réponse n'est pas sûre. " +
      "La page « Chiffre » lit un chiffre ; pour un vêtement, déposez ici garments.tflite et garments.json, du dossier models/.",
    unfamiliar: ` Cette image ressemble peu à ce que ce réseau a appris : la réponse n'est pas sûre.${isGarment && share >= SURELY ? ADVICE : ""}`,
    divided: " Cette image est longue, et ce réseau y voit plusieurs choses : la réponse n'est pas sûre.",
    low: ` À ${percent(share)} seulement : ce réseau hésite, ou l'image n'est d'aucune de ses classes.`,
  };
  say(`Prédiction : ${classes[answer.best]}.${doubts[answer.doubt] ?? ""}${isCut ? CUT : ""}`);
  const order = [...classes.keys()]
    .sort((a, b) => answer.probabilities[b] - answer.probabilities[a]).slice(0, 5);
  const rows = order.map((i) => make("tr", {}, make("th", {scope: "row"}, classes[i]),
    make("td", {}, percent(answer.probabilities[i])),
    make("td", {}, make("meter", {value: String(answer.probabilities[i]), "aria-hidden": "true"}))));
  const caption = `Probabilités ; ${number(duration, 0)} ms de calcul ici, rien n'est envoyé.`;
  table.replaceChildren(make("table", {}, make("caption", {}, caption), make("tbody", {}, ...rows)));
  shown.replaceChildren(figure(draw(view, 192 / view.width), "ce que lit le réseau"));
  last = found;
  why.hidden = why.disabled = walk.hidden = walk.disabled = maps.disabled = false;
  maps.hidden = isOwn || isCut || isGarment; // le réseau de CAM ne connaît que les objets
}

/** @param {Node} content @param {string} caption */
function figure(content, caption) {
  return make("figure", {}, content, make("figcaption", {}, caption));
}

/** Cache un carré après l'autre, et peint ce que la réponse y perd. */
async function explain() {
  if (!last) return;
  const mine = turn, {view} = last;
  why.disabled = true;
  bar.value = 0;
  bar.hidden = halt.hidden = false;
  let lost;
  try {
    lost = await compute("explain", null, reporting(mine));
  } catch (error) {
    if (mine === turn) shown.append(make("p", {}, /** @type {Error} */ (error).message));
  }
  if (mine !== turn) return;
  bar.hidden = halt.hidden = true;
  why.disabled = Boolean(lost); // arrêté, il peut être refait
  if (!lost) return;
  const most = Math.max(...lost);
  if (most < MIN_LOSS) {
    shown.append(make("p", {}, `Presque rien ne change quand on cache une partie de l'image ` +
      `(${number(100 * most, 2)} point au plus) : la carte n'est pas peinte.`));
    return;
  }
  shown.append(figure(draw(redden(view, (i) => lost[i] / most), 192 / view.width),
    `en rouge, ce qu'il ne faut pas cacher : jusqu'à ${number(100 * most)} points perdus`));
}

/** Rougit une image. @param {any} view @param {(pixel: number) => number} share de 0 à 1. */
function redden(view, share) {
  const pixels = view.pixels.slice();
  for (let i = 0; i < view.width * view.height; i++) {
    const red = Math.max(0, share(i)) / 2;
    pixels[3 * i] = pixels[3 * i] * (1 - red) + 255 * red;
    pixels[3 * i + 1] *= 1 - red;
    pixels[3 * i + 2] *= 1 - red;
  }
  return {...view, pixels};
}

/** Ouvre la visite du réseau qui a répondu. */
async function enter() {
  if (!last) return;
  const mine = turn, {view, answer, classes} = last;
  walk.disabled = true;
  try {
    const steps = await waiting(said, compute("enter"));
    if (mine === turn) visited.replaceChildren(visit(steps, view, `${classes[answer.best]}, ${percent(answer.probabilities[answer.best])}`));
  } catch (error) {
    if (mine === turn) say(/** @type {Error} */ (error).message);
  }
}

/** Montre où un autre réseau, fait pour cela, trouve ses trois classes les plus probables. */
async function showMaps() {
  if (!last) return;
  const mine = turn, {small: view, classes} = last;
  maps.disabled = true;
  try {
    const {values: outputs} = await waiting(said, compute("run", {slug: "ex09_cam_cartes", pixels: Uint8Array.from(view.pixels)}));
    if (mine !== turn) return;
    const [probabilities, cams] = outputs.sort((/** @type {Float32Array} */ a, /** @type {Float32Array} */ b) => a.length - b.length);
    const count = probabilities.length, cells = Math.round(Math.sqrt(cams.length / count)); // les objets, sans les vêtements
    const best = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]).slice(0, 3);
    for (const k of best) {
      const values = Array.from({length: cells * cells}, (_, i) => cams[i * count + k]);
      const most = Math.max(...values.map(Math.abs));
      const at = (/** @type {number} */ pixel) => values[
        Math.floor(Math.floor(pixel / 32) * cells / 32) * cells + Math.floor(pixel % 32 * cells / 32)] / most;
      shown.append(figure(draw(redden(view, at), 4), `CAM : ${classes[k]}, ${percent(probabilities[k])}`));
    }
  } catch (error) {
    say(/** @type {Error} */ (error).message);
  }
}

/** Lit ce qui est déposé : une image, ou un modèle et son compte rendu. @param {File[]} files */
async function receive(files) {
  keep({}); // un fichier ne se retrouve pas d'une adresse
  const exports = files.filter((file) => file.name.endsWith(".tflite"));
  const report = files.find((file) => file.name.endsWith(".json"));
  if (!exports.length && !report) {
    const other = files.find((file) => OTHERS.test(file.name));
    if (other) {
      begin();
      say(`${other.name} ne se lit pas ici : déposez le .tflite et le .json du même nom, que chaque exercice écrit dans models/.`);
    } else if (files.length > 1) await nameAll(files);
    else if (files.length) await name(files[0]);
    return;
  }
  begin();
  try {
    if (!exports.length || !report) throw new Error("Déposez ensemble le .tflite et son .json.");
    let known;
    try {
      known = JSON.parse(await report.text());
    } catch {
      throw new Error(`${report.name} n'est pas un compte rendu : ce n'est pas du JSON.`);
    }
    const {base: baseName} = readCard(known), base = exports.find((file) => file.name === baseName);
    const weights = exports.find((file) => file !== base);
    if (!weights) throw new Error(`Avec ${base?.name}, déposez le .tflite de la tête.`);
    const content = await bytesOf(weights);
    if (!await describes(known, content)) {
      throw new Error(`${report.name} ne décrit pas ${weights.name} : prenez les fichiers d'un même entraînement.`);
    }
    say("Préparation de votre modèle…");
    await compute("own", {content, report: known, base: base && await bytesOf(base)});
    isOwn = true;
    own.textContent = `C'est ${weights.name} qui répond maintenant. Rechargez la page pour revenir ` +
      "aux modèles du cours.";
    say("Modèle chargé : déposez une image.");
  } catch (error) {
    say(/** @type {Error} */ (error).message);
  }
}

/** @param {File} file */
async function bytesOf(file) {
  return new Uint8Array(await file.arrayBuffer());
}

/** Dit si un compte rendu est celui d'un modèle, d'après l'empreinte qu'il en donne.
 * @param {any} card @param {Uint8Array<ArrayBuffer>} content */
async function describes(card, content) {
  const entries = Object.entries(card?.files ?? {}), [, expected] = entries.find(([name]) => name.endsWith(".tflite")) ?? [];
  if (!expected || !crypto.subtle) return true; // un site sans HTTPS ne peut pas la calculer
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("") === expected;
}

/** Montre ce que voit l'appareil photo, jusqu'à la photo ou à l'abandon. */
async function openCamera() {
  shoot.disabled = true; // jusqu'à la première image
  viewer.hidden = false;
  snap.hidden = true;
  try {
    if (await camera.open()) shoot.disabled = false;
  } catch (error) {
    closeCamera();
    say(/** @type {Error} */ (error).message);
  }
}

function closeCamera() {
  camera.close();
  viewer.hidden = true;
  snap.hidden = false;
}

/** Prend la photo. */
function takePhoto() {
  const {video} = camera, canvas = make("canvas", {width: video.videoWidth, height: video.videoHeight});
  canvas.getContext("2d").drawImage(video, 0, 0);
  closeCamera();
  canvas.toBlob((/** @type {Blob} */ blob) => name(blob));
}

/** Nomme une de nos images. @param {string} file */
async function openSample(file) {
  keep({exemple: file});
  const mine = ++turn;
  try {
    const content = await fetchBytes(`samples/${file}`);
    if (mine === turn) await name(new Blob([content]));
  } catch (error) {
    if (mine === turn) say(/** @type {Error} */ (error).message);
  }
}

const input = picker({id: "fichier", multiple: true}, receive);
const samples = SAMPLES.map((file) => make("button", {type: "button", class: "vignette", onclick: () => openSample(file)}, make("img", {src: addressOf(`_static/vignette_${file.split(".")[0]}.jpg`), alt: file,
    width: "64", height: "64"})));

if (page) {
  page.replaceChildren(
    make("p", {}, make("label", {class: "bouton"}, "Choisir une image", input),
      " ou la déposer n'importe où sur cette page, ou la coller. De même pour votre modèle : le .tflite et son .json."),
    make("div", {class: "cote-a-cote"}, ...samples,
      ...(navigator.mediaDevices ? [snap] : [])),
    viewer, said, shown, make("div", {class: "cote-a-cote"}, why, walk, maps), bar, halt, table, own, visited);
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    receive([...(event.dataTransfer?.files ?? [])]);
  });
  document.addEventListener("paste", (event) => receive([...(event.clipboardData?.files ?? [])]));
  openSample(SAMPLES.find((file) => file === asked()) ?? SAMPLES[1]);
}
