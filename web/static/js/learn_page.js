// La page « Apprendre » : dessiner des signes, les apprendre à un petit réseau, et le voir se tromper, puis répondre.

import {unpack as readImage} from "./board.js";
import {compute} from "./calculator.js";
import {fetchJson} from "./data.js";
import {placeDigit} from "./digit.js";
import {draw as drawPicture, give, make, number, percent, picker, svg} from "./dom.js";
import {best} from "./epochs.js";
import {packModel, writeSigns} from "./learned.js";
import {RATE, SIDE, draw, forward, pack, unpack, zeros} from "./learning.js";
import {Paper} from "./paper.js";
import {grey} from "./picture.js";
import {asked, keep, kept, store, stored} from "./state.js";
import {visit} from "./visit.js";

/** @typedef {{name: string, drawings: Uint8Array[]}} Sign Une sorte de signes, et ses dessins, 28 × 28. */
/** @typedef {{loss: number, right: number, held: number | null}} Point Une époque, sur les courbes. */

/** @type {[number, number]} */
const FILTERS = [8, 16]; // de chaque convolution : assez pour des signes, et un réseau qui tient dans une adresse
const NAMES = ["rond", "croix", "trait"], MAX_SIGNS = 5;
const RATES = [0.001, 0.003, 0.01, RATE, 0.1, 0.3]; // trop petit, la perte descend à peine ; trop grand, elle remonte
const EPOCHS = 30;
const HELD = 5; // un dessin sur cinq ne sert qu'à mesurer
const MAX_ADDRESS = 12_000, MAX_SHOWN = 12; // lettres ; erreurs
const COLUMNS = 10, GREY = 128, WHITE = 255; // dessins d'une ligne ; ce qui sépare des dessins, et des filtres
const REDRAW_MS = 200; // entre deux dessins des courbes : assez pour les voir bouger, et la page reste vive
const TITLE = "signes d'un atelier du cours", MODEL = "signes"; // ce que dit un fichier enregistré ; le nom du réseau donné
const KEPT = `apprendre ${asked() ?? ""}`; // ce que le navigateur garde : les dessins, ou les exemples, d'une même page

const page = document.getElementById("apprendre");
const said = make("p", {role: "status", class: "dit"});
const answer = make("div", {class: "reponse"});
const inside = make("div"), signs = make("div"), curves = make("figure"), filters = make("figure"), mistakes = make("figure"), confidence = make("div");
const paper = new Paper(() => reply());
const go = make("button", {type: "button", onclick: () => (isLearning ? stop() : learn())}, "Apprendre");
const one = make("button", {type: "button", onclick: () => learn(1)}, "Une époque");
const rate = make("select", {id: "taux"}, ...RATES.map((value) => make("option", {value: String(value), selected: value === RATE}, String(value).replace(".", ","))));

/** @type {Sign[]} */
let known = NAMES.map((name) => ({name, drawings: []}));
/** @type {import("./learning.js").Weights | null} */
let weights = null;
/** L'élan de chaque poids : une époque demandée seule continue la précédente. @type {Float32Array[] | null} */
let speeds = null;
/** @type {Point[]} */
let points = [];
let isLearning = false;
/** Le dessin de la feuille, placé, et la version d'où il vient ; null : rien n'est dessiné. @type {{version: number, image: Uint8Array | null}} */
let sheet = {version: -1, image: null};
let turn = 0; // le dernier apprentissage demandé ; un autre, s'il court encore, cesse de lui-même

/** Le réseau ne vaut plus : les sortes de signes ont changé. */
function forget() {
  halt();
  weights = speeds = null;
  points = [];
  for (const each of [curves, filters, mistakes, confidence, answer, inside]) each.replaceChildren();
}

/** Arrête l'apprentissage ; ce qui est appris reste. */
function halt() {
  turn++;
  isLearning = false;
  go.textContent = "Apprendre";
  one.disabled = false;
}

/** Range le dessin de la feuille. @param {Sign} sign */
function add(sign) {
  const image = placed();
  if (!image) {
    said.textContent = "Dessinez d'abord un signe sur la feuille, puis dites ce que c'est.";
    return;
  }
  sign.drawings.push(image);
  paper.wipe();
  answer.replaceChildren();
  save();
  const count = known.reduce((sum, each) => sum + each.drawings.length, 0);
  said.textContent = `${count} dessin${count > 1 ? "s" : ""}. ${known.every(({drawings}) => drawings.length >= 3)
    ? "Vous pouvez apprendre ; dix de chaque valent mieux que trois." : "Il en faut au moins trois de chaque sorte."}`;
  showSigns();
}

/** Montre les sortes de signes, et leurs dessins. */
function showSigns() {
  signs.replaceChildren(...known.map((sign, i) => {
    const name = make("input", {type: "text", value: sign.name, size: "10", maxlength: "20", "aria-label": `Nom de la sorte ${i + 1}`, oninput: () => {
      sign.name = name.value.trim() || `sorte ${i + 1}`;
      button.textContent = `C'est : ${sign.name}`;
      save();
    }});
    const button = make("button", {type: "button", onclick: () => add(sign)}, `C'est : ${sign.name}`);
    const remove = make("button", {type: "button", class: "oter", "aria-label": `Ôter ${sign.name}`, onclick: () => {
      known = known.filter((each) => each !== sign);
      forget();
      save();
      showSigns();
    }}, "×");
    const count = sign.drawings.length;
    return make("div", {class: "sorte"}, make("p", {}, button, " ", name, " ", known.length > 2 ? remove : "", ` ${count} dessin${count > 1 ? "s" : ""}`),
      ...count ? [drawPicture(together(sign.drawings.map((each) => grey(each, SIDE, SIDE)), COLUMNS, GREY))] : []);
  }), known.length < MAX_SIGNS ? make("button", {type: "button", onclick: () => {
    known.push({name: `sorte ${known.length + 1}`, drawings: []});
    forget();
    showSigns();
  }}, "Une sorte de plus") : "");
}

/** Met des images de même taille en lignes : une seule se dessine bien plus vite que chacune. @param {import("./picture.js").Picture[]} images
 * @param {number} columns @param {number} gap le niveau de gris qui les sépare. @returns {import("./picture.js").Picture} */
function together(images, columns, gap) {
  const [{width: w, height: h}] = images, across = Math.min(columns, images.length);
  const width = across * (w + 1) - 1, height = Math.ceil(images.length / across) * (h + 1) - 1;
  const pixels = new Uint8ClampedArray(3 * width * height).fill(gap);
  images.forEach((image, n) => {
    for (let y = 0; y < h; y++) {
      const row = (Math.floor(n / across) * (h + 1) + y) * width + n % across * (w + 1);
      pixels.set(image.pixels.subarray(3 * y * w, 3 * (y + 1) * w), 3 * row);
    }
  });
  return {width, height, pixels};
}

/** Apprend, époque après époque. @param {number} [epochs] */
async function learn(epochs = EPOCHS) {
  const drawings = known.flatMap(({drawings: own}, label) => own.map((image, i) => ({image, label, isHeld: i % HELD === HELD - 1})));
  if (known.some(({drawings: own}) => own.length < 2)) {
    said.textContent = "Il faut au moins deux dessins de chaque sorte.";
    return;
  }
  const mine = ++turn, start = performance.now(), last = points.length + epochs;
  let shown = -Infinity; // quand les courbes ont été dessinées
  weights ??= draw(known.length, FILTERS);
  speeds ??= zeros(weights);
  isLearning = one.disabled = true;
  go.textContent = "Arrêter";
  try {
    while (points.length < last) {
      const found = await compute("epoch", {weights, speeds, drawings, rate: Number(rate.value)});
      if (mine !== turn) return;
      ({weights, speeds} = found);
      const all = drawings.map((each, i) => ({...each, probabilities: found.probabilities[i]}));
      const held = all.filter(({isHeld}) => isHeld), judged = held.filter(({label, probabilities}) => best(probabilities) === label).length;
      points.push({loss: found.loss, right: found.right, held: held.length ? judged / held.length : null});
      said.textContent = `Époque ${points.length} sur ${last} : perte ${number(found.loss, 3)}, exactitude ${percent(found.right)}` +
        (held.length ? `, et ${percent(judged / held.length)} sur les ${held.length} dessins gardés de côté` : "") +
        ` ; ${number((performance.now() - start) / 1000)} s.`;
      if (performance.now() - shown < REDRAW_MS && points.length < last) continue;
      show(all);
      if (!inside.hasChildNodes()) reply(); // la feuille aussi, sauf si l'on visite le réseau
      shown = performance.now();
    }
  } catch (error) {
    if (mine !== turn) return;
    stop();
    said.textContent = /** @type {Error} */ (error).message;
    return;
  }
  stop();
}

/** Arrête l'apprentissage, puis garde le réseau tel qu'il est, et le fait répondre. */
function stop() {
  halt();
  save();
  if (!inside.hasChildNodes()) reply();
}

/** Montre courbes, filtres et erreurs. @param {{image: Uint8Array, label: number, probabilities: Float32Array}[]} all */
function show(all) {
  if (!weights) return;
  const most = Math.max(...points.map(({loss}) => loss));
  curves.replaceChildren(chart([
    {values: points.map(({loss}) => loss / most), class: "perte"}, {values: points.map(({right}) => right), class: "juste"},
    {values: points.flatMap(({held}) => (held === null ? [] : [held])), class: "tenu"}]),
  make("figcaption", {}, make("span", {class: "perte"}, "— perte"), ` (de 0 à ${number(most, 2)}) `, make("span", {class: "juste"}, "— exactitude "),
    make("span", {class: "tenu"}, "- - dessins gardés de côté")));
  const [{values, shape: [side, , , count]}] = weights, peak = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const seen = Array.from({length: count}, (_, k) => {
    const pixels = new Uint8ClampedArray(3 * side * side);
    for (let i = 0; i < side * side; i++) {
      const share = values[i * count + k] / peak, end = share < 0 ? [213, 94, 0] : [0, 114, 178];
      end.forEach((colour, c) => { pixels[3 * i + c] = 255 + (colour - 255) * Math.abs(share); });
    }
    return {width: side, height: side, pixels};
  });
  filters.replaceChildren(drawPicture(together(seen, Math.ceil(count / 2), WHITE), 9), make("figcaption", {}, "ses premiers filtres : bleu, positif ; vermillon, négatif"));
  showConfidence(all);
  const wrong = all.map((each) => ({...each, said: best(each.probabilities)})).filter((each) => each.said !== each.label);
  mistakes.replaceChildren(make("div", {class: "cote-a-cote"}, ...wrong.slice(0, MAX_SHOWN).map((each) => make("figure", {},
    drawPicture(grey(each.image, SIDE, SIDE), 2), make("figcaption", {}, `${known[each.label].name}, pris pour ${known[each.said].name}`)))),
  make("figcaption", {}, wrong.length ? `ses erreurs : ${wrong.length} sur ${all.length}` : `aucune erreur sur ses ${all.length} dessins`));
}

/** Montre la probabilité que chaque sorte donne à son vrai nom. @param {{label: number, probabilities: Float32Array}[]} judged */
function showConfidence(judged) {
  const rows = known.map(({name}, label) => {
    const shares = judged.filter((each) => each.label === label).map(({probabilities}) => probabilities[label]);
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    return make("tr", {}, make("th", {scope: "row"}, name), make("td", {}, percent(mean)),
      make("td", {}, make("meter", {value: String(mean), "aria-hidden": "true"})), make("td", {}, percent(Math.min(...shares))));
  });
  confidence.replaceChildren(make("table", {class: "confiance"}, make("caption", {}, "La probabilité que le réseau donne au vrai nom"),
    make("thead", {}, make("tr", {}, make("th", {scope: "col"}, "sorte"), make("th", {scope: "col", colspan: "2"}, "en moyenne"),
      make("th", {scope: "col"}, "au plus incertain"))), make("tbody", {}, ...rows)));
}

/** Trace des courbes, de 0 à 1. @param {{values: number[], class: string}[]} lines */
function chart(lines) {
  const width = 300, height = 120, last = Math.max(1, points.length - 1);
  return svg("svg", {viewBox: `-4 -4 ${width + 8} ${height + 8}`, class: "courbes", role: "img", "aria-label": "Perte et exactitude, époque par époque"},
    svg("path", {d: `M0 0V${height}H${width}`, class: "axes"}),
    ...lines.map(({values, class: kind}) => svg("polyline", {class: kind,
      points: values.map((value, i) => `${(width * i / last).toFixed(1)},${(height * (1 - value)).toFixed(1)}`).join(" ")})));
}

/** Rend le dessin de la feuille, placé comme un chiffre de MNIST ; null, si elle est vide. */
function placed() {
  if (sheet.version === paper.version) return sheet.image;
  let image = null;
  try {
    image = placeDigit(paper.ink());
  } catch {
    // rien n'est dessiné
  }
  sheet = {version: paper.version, image};
  return image;
}

/** Répond au dessin de la feuille. */
function reply() {
  if (!weights) return;
  const image = placed();
  if (!image) {
    answer.replaceChildren(make("p", {}, "Dessinez : le réseau répond à chaque trait."));
    return;
  }
  const {probabilities} = forward(weights, image);
  inside.replaceChildren();
  answer.replaceChildren(make("p", {class: "dit"}, `C'est : ${known[best(probabilities)].name}.`), make("table", {}, make("tbody", {},
    ...known.map(({name}, k) => make("tr", {}, make("th", {scope: "row"}, name), make("td", {}, percent(probabilities[k])),
      make("td", {}, make("meter", {value: String(probabilities[k]), "aria-hidden": "true"})))))),
  make("button", {type: "button", onclick: () => {
    inside.replaceChildren(visit(stepsOf(image), grey(image, SIDE, SIDE), known[best(probabilities)].name));
    inside.scrollIntoView({block: "nearest"});
  }}, "Entrer dans le réseau"));
}

/** Rend les couches à cartes du réseau, et ce qu'elles rendent. @param {Uint8Array} image */
function stepsOf(image) {
  const [kernel1, bias1, kernel2, bias2] = /** @type {import("./learning.js").Weights} */ (weights);
  const pass = forward(/** @type {any} */ (weights), image), first = kernel1.shape[3], second = kernel2.shape[3];
  const both = {kind: "Conv2D", activation: "relu"};
  return [{layer: {kind: "InputLayer", name: "image", weights: []}, output: {shape: [SIDE, SIDE, 1], values: pass.x}},
    {layer: {...both, name: "Convolution 1", weights: [kernel1, bias1], strides: [2, 2], padding: 2}, output: {shape: [14, 14, first], values: pass.maps}},
    {layer: {kind: "MaxPooling2D", name: "Pooling", weights: []}, output: {shape: [7, 7, first], values: pass.pooled}},
    {layer: {...both, name: "Convolution 2", weights: [kernel2, bias2], strides: [1, 1], padding: 1}, output: {shape: [7, 7, second], values: pass.maps2}}];
}

/** Garde le réseau dans l'adresse, s'il y tient, et les dessins dans ce navigateur. */
function save() {
  const reseau = weights ? pack(weights) : "";
  if (reseau && reseau.length < MAX_ADDRESS) keep({noms: known.map(({name}) => name).join("|"), reseau});
  else if (kept()?.reseau) keep({}); // il n'est plus celui de ces dessins
  store(KEPT, known.some(({drawings}) => drawings.length) ? written() : null);
}

/** Écrit le réseau et ses dessins. */
function written() {
  const text = (/** @type {Uint8Array} */ image) => btoa(String.fromCharCode(...image));
  return JSON.stringify({title: TITLE, reseau: weights ? pack(weights) : "", sortes: known.map(({name, drawings}) => ({name, drawings: drawings.map(text)}))});
}

/** Donne le réseau seul, tel que `./predict` le lit. */
function giveToPredict() {
  if (!weights) {
    said.textContent = "Apprenez d'abord : il n'y a pas encore de réseau à donner.";
    return;
  }
  const content = writeSigns(weights);
  give(`${MODEL}.zip`, packModel(MODEL, content, {classes: known.map(({name}) => name), input: [SIDE, SIDE], framing: "digit"}));
  said.textContent = `${MODEL}.zip : décompressez-le, puis ./predict --model ${MODEL} dessin.png. La page « Nommer » le lit aussi.`;
}

/** Reprend un fichier, ou ce que ce navigateur garde. @param {string} text */
function open(text) {
  try {
    let content;
    try {
      content = JSON.parse(text);
    } catch {
      content = {};
    }
    if (content.title !== TITLE) throw new Error("Ce fichier n'est pas de cette page : prenez celui qu'elle a enregistré.");
    const found = content.reseau ? unpack(content.reseau) : null;
    take(content.sortes.map((/** @type {any} */ {name, drawings}) => ({name: String(name), drawings: drawings.map(readImage)})));
    weights = found;
    save();
    reply();
    said.textContent = `Repris : ${known.map(({name, drawings}) => `${name} (${drawings.length})`).join(", ")}.`;
  } catch (error) {
    said.textContent = /** @type {Error} */ (error).message;
  }
}

/** Prend d'autres signes. @param {Sign[]} others */
function take(others) {
  forget();
  known = others;
  paper.wipe();
  showSigns();
}

/** Prend trois sortes de chaussures, de vraies images. */
async function takeShoes() {
  try {
    const {lots} = await fetchJson("vetements.json");
    take(Object.entries(lots).map(([name, images]) => ({name, drawings: images.map(readImage)})));
    said.textContent = "Trois sortes de chaussures de Fashion-MNIST : apprenez-les.";
  } catch (error) {
    said.textContent = /** @type {Error} */ (error).message;
  }
}

/** Reprend le réseau que l'adresse porte. @param {Record<string, string>} saved */
function restore({noms = "", reseau = ""}) {
  try {
    const found = unpack(reseau), names = noms.split("|");
    take(Array.from({length: found[5].values.length}, (_, k) => ({name: names[k] || `sorte ${k + 1}`, drawings: []})));
    weights = found;
    said.textContent = "Le réseau vient de l'adresse, sans ses dessins : dessinez, il répond.";
    reply();
  } catch {
    said.textContent = "L'adresse ne porte pas un réseau entier.";
  }
}

const file = picker({id: "signes", accept: ".json"}, async ([chosen]) => open(await chosen.text()));
page?.replaceChildren(
  make("div", {class: "cote-a-cote"}, paper.element, make("div", {class: "reglages"}, make("p", {}, make("button", {type: "button", onclick: () => {
    paper.wipe();
    reply();
  }}, "Effacer la feuille")), answer, signs)),
  make("div", {class: "cote-a-cote"}, go, one, make("span", {}, make("label", {for: "taux"}, "Taux d'apprentissage "), rate), make("button", {type: "button", onclick: () => {
    forget();
    save();
    said.textContent = "Le réseau a tout oublié ; les dessins sont gardés.";
  }}, "Oublier"), make("button", {type: "button", onclick: takeShoes}, "Prendre trois sortes de chaussures"),
  make("button", {type: "button", onclick: () => give("signes.json", written())}, "Enregistrer"), make("label", {class: "bouton"}, "Ouvrir", file),
  make("button", {type: "button", onclick: giveToPredict}, "Donner à ./predict")),
  said, inside, make("div", {class: "cote-a-cote"}, curves, confidence, filters), mistakes);
said.textContent = "Dessinez un rond, dites « C'est : rond » ; quelques-uns de chaque sorte, puis « Apprendre ».";
showSigns();
const saved = kept(), drawn = stored(KEPT);
if (drawn?.includes(saved?.reseau ?? TITLE)) open(drawn); // une autre adresse porte le réseau de quelqu'un d'autre
else if (saved?.reseau) restore(saved);
else if (asked() === "chaussures") takeShoes();
