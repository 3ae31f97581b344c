// La page « Vos images » : quelques images de deux ou trois sortes, et une tête apprise sur le réseau des photos les nomme.

import {compute} from "./calculator.js";
import {Camera} from "./camera.js";
import {fetchBytes} from "./data.js";
import {draw, give, make, percent, picker, waiting} from "./dom.js";
import {check} from "./opening.js";
import {asked, keep} from "./state.js";

/** @typedef {{values: Float32Array, canvas: HTMLCanvasElement}} Example Ce que le réseau dit d'une image, et sa vignette. */
/** @typedef {{name: string, examples: Example[]}} Sort Une sorte d'images. */
/** @typedef {{values: Float32Array, view: import("./picture.js").Picture, probabilities: Float32Array | null}} Look */

const NAMES = ["première sorte", "seconde sorte"], MAX_SORTS = 5;
const MIN_EXAMPLES = 2, BURST = 10; // images d'une sorte, au moins ; vues prises d'affilée
const HELD = 5; // une image sur cinq ne sert qu'à mesurer
const FRAME_PX = 384; // petit côté d'une vue de l'appareil photo : assez pour ce réseau
const THUMBNAIL_PX = 48, SHOWN_PX = 192;
const MODEL = "mes_images"; // le nom du réseau donné
/** Deux sortes toutes prêtes, de nos images. */
const READY = "animaux";
/** @type {Record<string, string[]>} */
const SAMPLES = {animal: ["chat.png", "chien.webp", "oiseau.jpg", "cerf.webp"], véhicule: ["avion.png", "camion.png", "voiture.jpg"]};

const page = document.getElementById("transfert");
const said = make("p", {role: "status", class: "dit"});
const answer = make("div", {class: "reponse"}), sorts = make("div");
const camera = new Camera();
const viewer = make("div", {class: "camera", hidden: true}, camera.video);
const lamp = make("button", {type: "button", onclick: () => (isFilming ? turnOff() : turnOn())}, "Allumer l'appareil photo");

/** @type {Sort[]} */
let known = NAMES.map((name) => ({name, examples: []}));
let isFilming = false, isLearned = false, isBusy = false; // occupé : des images sont lues, ou une tête s'apprend
let turn = 0; // la dernière demande ; les réponses aux autres sont oubliées

/** @param {string} text */
function say(text) {
  said.textContent = text;
}

/** Les sortes ont changé : la tête ne vaut plus. */
async function forget() {
  turn++;
  isLearned = false;
  answer.replaceChildren();
  await compute("forget");
}

/** Fait lire une image par le réseau. @param {{blob?: Blob, frame?: ImageData}} image @returns {Promise<Look>} */
function look(image) {
  return compute("look", image, (_, text) => { if (text) say(text); });
}

/** Fait ce qui dure, une chose à la fois, et dit ce qui l'a empêché. @param {() => Promise<void>} work */
async function busy(work) {
  if (isBusy) return;
  isBusy = true;
  showSorts();
  try {
    await waiting(said, work());
  } catch (error) {
    say(/** @type {Error} */ (error).message);
  } finally {
    isBusy = false;
    showSorts();
  }
}

/** Ajoute une image à une sorte. @param {Sort} sort @param {Look} seen */
function add(sort, {values, view}) {
  sort.examples.push({values, canvas: draw(view, THUMBNAIL_PX / view.width)});
}

/** Dit ce qui manque encore, ou que l'on peut apprendre. */
function sayNext() {
  const poor = known.find(({examples}) => examples.length < MIN_EXAMPLES);
  say(poor ? `Il faut au moins ${MIN_EXAMPLES} images de chaque sorte : « ${poor.name} » en a ${poor.examples.length}.`
    : "Vous pouvez apprendre ; des vues différentes valent mieux que beaucoup de vues semblables.");
}

/** Prend des fichiers. @param {Sort} sort @param {File[]} files */
function addFiles(sort, files) {
  return busy(async () => {
    await forget();
    for (const [i, file] of files.entries()) {
      say(`« ${sort.name} », image ${i + 1} sur ${files.length}…`);
      add(sort, await look({blob: await check(file)}));
    }
    sayNext();
  });
}

/** Prend des vues de l'appareil photo, d'affilée. @param {Sort} sort */
function film(sort) {
  return busy(async () => {
    await forget();
    for (let i = 0; i < BURST && isFilming; i++) {
      say(`« ${sort.name} », vue ${i + 1} sur ${BURST} : changez d'angle…`);
      add(sort, await look({frame: grab()}));
    }
    sayNext();
  });
}

/** Montre les sortes, et leurs images. */
function showSorts() {
  sorts.replaceChildren(...known.map(showSort), known.length < MAX_SORTS ? make("button", {type: "button", disabled: isBusy, onclick: async () => {
    known.push({name: `sorte ${known.length + 1}`, examples: []});
    await forget();
    showSorts();
  }}, "Une sorte de plus") : "");
}

/** Montre une sorte. @param {Sort} sort @param {number} i */
function showSort(sort, i) {
  const name = make("input", {type: "text", value: sort.name, size: "14", maxlength: "30", "aria-label": `Nom de la sorte ${i + 1}`, oninput: () => {
    sort.name = name.value.trim() || `sorte ${i + 1}`;
    films.setAttribute("aria-label", `Prendre ${BURST} vues de ${sort.name}`);
  }});
  const films = make("button", {type: "button", disabled: !isFilming || isBusy, "aria-label": `Prendre ${BURST} vues de ${sort.name}`, onclick: () => film(sort)}, `Prendre ${BURST} vues`);
  const files = picker({id: `images-${i}`, accept: "image/*,.heic,.heif", multiple: true, disabled: isBusy}, (chosen) => addFiles(sort, chosen));
  const remove = make("button", {type: "button", class: "oter", disabled: isBusy, "aria-label": `Ôter ${sort.name}`, onclick: async () => {
    known = known.filter((each) => each !== sort);
    await forget();
    showSorts();
  }}, "×");
  const count = sort.examples.length;
  return make("div", {class: "sorte"}, make("p", {}, name, " ", films, " ", make("label", {class: "bouton"}, "Choisir des images", files), " ",
    known.length > 2 ? remove : "", ` ${count} image${count > 1 ? "s" : ""}`), ...sort.examples.map(({canvas}) => canvas));
}

/** Apprend une tête, et dit ce qu'elle vaut sur les images gardées de côté. */
function learn() {
  if (known.some(({examples}) => examples.length < MIN_EXAMPLES)) return sayNext();
  return busy(async () => {
    const all = known.flatMap(({examples}, label) => examples.map(({values}, i) => ({values, label, isHeld: i % HELD === HELD - 1})));
    const examples = all.filter(({isHeld}) => !isHeld), held = all.filter(({isHeld}) => isHeld);
    say("La tête s'apprend…");
    const start = performance.now();
    const found = await compute("learn", {examples, held, classes: known.length}), duration = performance.now() - start;
    isLearned = true;
    const right = held.filter(({label}, i) => best(found[i]) === label).length;
    say(`Appris de ${examples.length} images, en ${Math.round(duration)} ms. ${held.length
      ? `De côté, ${right} juste${right > 1 ? "s" : ""} sur ${held.length}.` : "Trop peu d'images pour en garder de côté."} ` +
      `${isFilming ? "Montrez un objet : il est nommé." : "Nommez une image, ou allumez l'appareil photo."}`);
  });
}

/** @param {Float32Array} probabilities */
function best(probabilities) {
  return probabilities.indexOf(Math.max(...probabilities));
}

/** Montre ce que la tête répond. @param {Look} seen */
function show({view, probabilities}) {
  if (!probabilities) return;
  answer.replaceChildren(make("p", {}, `C'est : ${known[best(probabilities)].name}.`), make("table", {}, make("tbody", {},
    ...known.map(({name}, k) => make("tr", {}, make("th", {scope: "row"}, name), make("td", {}, percent(probabilities[k])),
      make("td", {}, make("meter", {value: String(probabilities[k]), "aria-hidden": "true"})))))),
  isFilming ? "" : make("figure", {}, draw(view, SHOWN_PX / view.width), make("figcaption", {}, "ce que lit le réseau")));
}

/** Nomme une image. @param {Blob} blob */
function name(blob) {
  if (!isLearned) return say("Apprenez d'abord : il n'y a pas encore de tête.");
  return busy(async () => {
    show(await look({blob: await check(blob)}));
    say("Une image nommée.");
  });
}

/** Allume l'appareil photo, et nomme ce qu'il voit, vue après vue. */
async function turnOn() {
  try {
    viewer.hidden = false;
    if (!await camera.open()) return;
    isFilming = true;
    lamp.textContent = "Éteindre l'appareil photo";
    showSorts();
    while (isFilming) await live();
  } catch (error) {
    turnOff();
    say(/** @type {Error} */ (error).message);
  }
}

/** Nomme une vue, si rien d'autre n'occupe le réseau. */
async function live() {
  await new Promise((resolve) => requestAnimationFrame(resolve));
  if (isBusy || !isLearned || !isFilming) return;
  const mine = turn, seen = await look({frame: grab()});
  if (mine === turn && isFilming) show(seen);
}

function turnOff() {
  isFilming = false;
  camera.close();
  viewer.hidden = true;
  lamp.textContent = "Allumer l'appareil photo";
  showSorts();
}

/** Prend une vue. @returns {ImageData} */
function grab() {
  const {video} = camera, zoom = Math.min(1, FRAME_PX / Math.min(video.videoWidth, video.videoHeight));
  const width = Math.round(zoom * video.videoWidth), height = Math.round(zoom * video.videoHeight);
  const context = make("canvas", {width, height}).getContext("2d", {willReadFrequently: true});
  context.drawImage(video, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/** Donne le réseau entier, sa tête remplacée, tel que `./predict` le lit. */
function giveToPredict() {
  if (!isLearned) return say("Apprenez d'abord : il n'y a pas encore de réseau à donner.");
  return busy(async () => {
    say("Écriture du réseau…");
    give(`${MODEL}.zip`, await compute("pack", {name: MODEL, classes: known.map((each) => each.name)}));
    say(`${MODEL}.zip : décompressez-le, puis ./predict --model ${MODEL} image.jpg. La page « Nommer » le lit aussi.`);
  });
}

/** Prend deux sortes de nos images, et les apprend. */
function takeSamples() {
  keep({exemple: READY});
  return busy(async () => {
    await forget();
    known = Object.keys(SAMPLES).map((each) => ({name: each, examples: []}));
    for (const sort of known) {
      for (const file of SAMPLES[sort.name]) {
        say(`« ${sort.name} », ${file}…`);
        add(sort, await look({blob: new Blob([await fetchBytes(`samples/${file}`)])}));
        showSorts();
      }
    }
    sayNext();
  });
}

const one = picker({id: "image", accept: "image/*,.heic,.heif"}, ([chosen]) => name(chosen));
page?.replaceChildren(said,
  make("div", {class: "cote-a-cote"}, ...(navigator.mediaDevices ? [lamp] : []),
    make("button", {type: "button", onclick: takeSamples}, "Prendre des animaux et des véhicules")),
  make("div", {class: "cote-a-cote"}, viewer, answer), sorts,
  make("div", {class: "cote-a-cote"}, make("button", {type: "button", onclick: learn}, "Apprendre"),
    make("label", {class: "bouton"}, "Nommer une image", one), make("button", {type: "button", onclick: giveToPredict}, "Donner à ./predict")));
say("Donnez quelques images de chaque sorte, prises ou choisies, puis « Apprendre ».");
showSorts();
if (asked() === READY) takeSamples();
