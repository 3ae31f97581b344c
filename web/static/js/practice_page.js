// La page « Écrire et vérifier » : écrire les fonctions d'un exercice, et leur poser les questions du correcteur.

import {addressOf, fetchJson} from "./data.js";
import {make, number} from "./dom.js";
import {asked, keep, store, stored} from "./state.js";

/** @typedef {{id: string, title: string, points: number, levels: string[]}} Rule */
/** @typedef {{name: string, code: string, rules: Rule[]}} Written */
/** @typedef {{id: string, page: string, title: string, given: string, functions: Written[]}} Statement */
/** @typedef {{written: Written, area: any, said: HTMLElement}} Cell */

const LIMIT_MS = 20_000; // d'une vérification : au-delà, c'est sans doute une boucle sans fin
const LINE = /^[ \t]*/;

const page = /** @type {HTMLElement} */ (document.getElementById("ecrire"));
const choice = make("select", {id: "exercice", oninput: () => open()});
const said = make("p", {role: "status", class: "dit"});
const sheet = make("div");
const stop = make("button", {type: "button", hidden: true, onclick: () => restart("Arrêté.")}, "Arrêter");

/** @type {Statement[]} */
let statements = [];
/** @type {Cell[]} */
let cells = [];
/** Les questions justes, de l'exercice ouvert. @type {Set<string>} */
let right = new Set();
/** @type {Worker | undefined} */
let worker;
let isReady = false, limit = 0;
/** @type {((answer: any) => void) | undefined} */
let settle;

/** Lance Python, ou rend celui qui est déjà là. */
function python() {
  if (worker) return worker;
  worker = new Worker(addressOf("_static/ateliers/practice_worker.js"));
  worker.onmessage = ({data}) => {
    if (data.ready) {
      isReady = true;
      if (settle) watch();
    } else if (data.known) show(data.known);
    else if (isReady) settle?.(data);
    else end(data.error);
  };
  worker.onerror = () => end("Python ne démarre pas : rechargez la page.");
  return worker;
}

/** Montre ce qui se sait d'une question, avant que sa cause soit trouvée. @param {{rule: string, rows: string[]}} known */
function show({rule, rows}) {
  const cell = cells.find(({written}) => written.rules.some(({id}) => id === rule));
  if (cell) cell.said.textContent = rows.join("\n");
}

/** Compte le temps d'une vérification, une fois Python prêt. */
function watch() {
  said.textContent = "Vérification…";
  limit = window.setTimeout(() => restart(`Arrêté après ${LIMIT_MS / 1000} secondes : une boucle ne finit pas ?`), LIMIT_MS);
}

/** Arrête une vérification ; Python repart de rien, pour la suivante. @param {string} why */
function restart(why) {
  end(why);
  python();
}

/** Arrête Python ; ce qui est écrit reste. @param {string} why */
function end(why) {
  worker?.terminate();
  worker = undefined;
  isReady = false;
  settle?.({error: why});
}

/** Pose des questions. @param {string[]} rules @param {boolean} [hint] @returns {Promise<any>} */
async function ask(rules, hint = false) {
  if (settle) return {error: "Une vérification est déjà en cours."};
  said.textContent = "Python se prépare : douze mégaoctets, la première fois…";
  stop.hidden = false;
  choice.disabled = true; // la réponse est celle de cet exercice
  const given = current().given, code = Object.fromEntries(cells.map(({written, area}) => [written.name, area.value]));
  const answer = await new Promise((resolve) => {
    settle = resolve;
    python().postMessage({given, cells: code, rules, hint});
    if (isReady) watch();
  });
  settle = undefined;
  clearTimeout(limit);
  stop.hidden = true;
  choice.disabled = false;
  return answer;
}

function current() {
  return statements[choice.selectedIndex];
}

/** Vérifie des fonctions, et dit où l'on en est. @param {Cell[]} some @param {boolean} [hint] */
async function verify(some, hint) {
  const answer = await ask(some.flatMap(({written}) => written.rules.map(({id}) => id)), hint);
  if (answer.error) {
    said.textContent = answer.error;
    return;
  }
  for (const {written, said: place} of some) {
    const verdicts = written.rules.map(({id}) => [id, answer.result[id]]);
    for (const [id, verdict] of verdicts) verdict.right ? right.add(id) : right.delete(id);
    place.textContent = verdicts.flatMap(([, verdict]) => verdict.rows).join("\n");
    place.classList.toggle("juste", verdicts.every(([, verdict]) => verdict.right));
  }
  const total = cells.reduce((count, {written}) => count + written.rules.length, 0), printed = answer.result[""].trim();
  said.textContent = `${right.size} sur ${total} : c'est ce qui est juste dans cet exercice.`
    + (printed && ` Vos fonctions affichent : ${printed}`);
}

/** Le nom sous lequel ce navigateur garde une fonction. @param {string} name */
function place(name) {
  return `ecrire ${current().id} ${name}`;
}

/** Fait la place d'une fonction à écrire. @param {Written} written @returns {HTMLElement} */
function write(written) {
  const {name, code, rules} = written, answered = make("pre", {class: "verdict", role: "status", tabindex: "0", "aria-label": `Ce qui est dit de ${name}`});
  const area = make("textarea", {id: `code-${name}`, class: "code", spellcheck: "false", autocapitalize: "off", autocomplete: "off",
    rows: String(code.split("\n").length + 3), oninput: () => {
      store(place(name), area.value);
      answered.textContent = ""; // ce qui en était dit ne vaut plus
      for (const {id} of rules) right.delete(id);
    }, onkeydown: indent});
  area.value = stored(place(name)) ?? code;
  const cell = {written, area, said: answered};
  cells.push(cell);
  const levels = rules.flatMap((rule) => rule.levels.map((level) => make("li", {}, ...withCode(level))));
  return make("section", {}, make("h2", {}, make("label", {for: area.id}, make("code", {}, name))),
    make("p", {}, rules.map(({title, points}) => `${title}, ${number(points, points % 1 ? 1 : 0)} point${points >= 2 ? "s" : ""}`).join(" ; ")),
    make("ul", {}, ...levels), area,
    make("p", {class: "boutons"}, button("Vérifier", () => verify([cell])), button("Un indice", () => verify([cell], true)),
      button("Repartir de l'énoncé", () => {
        if (area.value !== code && !confirm(`Effacer ce que vous avez écrit dans ${name} ?`)) return;
        area.value = code;
        area.dispatchEvent(new Event("input"));
        store(place(name), null);
      })), answered);
}

/** Met en code ce qu'un texte a entre accents graves. @param {string} text */
function withCode(text) {
  return text.split("`").map((part, i) => (i % 2 ? make("code", {}, part) : part));
}

/** @param {string} text @param {() => void} onclick */
function button(text, onclick) {
  return make("button", {type: "button", onclick}, text);
}

/** À la ligne, garde la marge de la ligne d'avant, et l'agrandit après « : ». @param {KeyboardEvent} event */
function indent(event) {
  if (event.key !== "Enter" || event.isComposing) return;
  const area = /** @type {HTMLTextAreaElement} */ (event.target), start = area.selectionStart;
  const line = area.value.slice(area.value.lastIndexOf("\n", start - 1) + 1, start);
  const margin = (LINE.exec(line)?.[0] ?? "") + (line.trimEnd().endsWith(":") ? "    " : "");
  event.preventDefault();
  area.setRangeText(`\n${margin}`, start, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input"));
}

/** Ouvre un exercice. */
function open() {
  const {id, title, given, functions, page: lesson} = current();
  keep({exemple: id});
  cells = [];
  right = new Set();
  said.textContent = "";
  const note = id === "ex01" ? [make("p", {}, "Ici, TensorFlow manque : écrivez ", make("code", {}, "convolve"), " à la main, en NumPy.")] : [];
  sheet.replaceChildren(
    make("p", {}, make("a", {href: `${lesson}.html`}, `La leçon ${title}`), " explique ce qui est demandé."), ...note,
    make("details", {}, make("summary", {}, "Le code donné, déjà exécuté"), make("pre", {tabindex: "0"}, given)),
    ...functions.map(write),
    make("p", {class: "boutons"}, button("Tout vérifier", () => verify(cells)), button("Enregistrer ce que j'ai écrit", save)));
}

/** Donne un fichier Python : le code donné, et ce qui est écrit. */
function save() {
  const parts = [current().given, ...cells.map(({area}) => area.value)];
  const address = URL.createObjectURL(new Blob([`${parts.join("\n\n\n")}\n`], {type: "text/x-python"}));
  make("a", {href: address, download: `${current().id}.py`}).click();
  URL.revokeObjectURL(address);
}

async function begin() {
  if (location.protocol === "file:") {
    page.replaceChildren(make("p", {class: "dit"}, "Cette page demande un serveur, car un navigateur n'exécute pas Python depuis un dossier : "
      + "ouvrez le site par son adresse, ou lancez python -m web."));
    return;
  }
  statements = await fetchJson("enonces.json");
  choice.append(...statements.map(({id, title}) => make("option", {value: id}, title)));
  choice.selectedIndex = Math.max(0, statements.findIndex(({id}) => id === asked()));
  page.replaceChildren(said, make("p", {}, make("label", {for: choice.id}, "Exercice "), choice, " ", stop), sheet);
  open();
  python(); // il se prépare pendant que l'on lit, puis que l'on écrit
}

begin();
