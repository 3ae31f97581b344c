// La page « X ou O ? » : dessiner sur 9 × 9 cases, et voir chaque étage, jusqu'au vote.

import {fetchJson} from "./data.js";
import {make, number, percent, scrolling} from "./dom.js";
import {chain, softmax} from "./x_or_o.js";
import {asked, keep, kept, setControls} from "./state.js";

const SIDE = 9, NEAR = 8; // cases ; pixels entre deux points d'un geste
const STAGES = [["maps", "Une carte par filtre"], ["rectified", "ReLU : les valeurs négatives à zéro"],
  ["pooled", "Max-pooling, 7 × 7 → 4 × 4"], ["second", "ReLU et max-pooling, 4 × 4 → 2 × 2"]];

const page = document.getElementById("lettre");
const said = make("p", {role: "status", class: "dit"});
const stages = make("div");
const kind = make("select", {id: "filtres", oninput: show}, make("option", {value: "hand"}, "posés à la main (S0)"),
  make("option", {value: "learned"}, "entraînés"));
/** @type {any[][]} */
const boxes = Array.from({length: SIDE}, (_, row) => Array.from({length: SIDE}, (_, column) => make("button", {
  type: "button", class: "case", "aria-pressed": "false", "aria-label": `Ligne ${row + 1}, colonne ${column + 1}`,
  tabindex: row || column ? "-1" : "0", value: `${row} ${column}`,
  onclick: (/** @type {MouseEvent} */ event) => { if (event.detail === 0) { flip(row, column); show(); } },
  onkeydown: (/** @type {KeyboardEvent} */ event) => move(event, row, column)})));
/** @type {any} */
let known;

/** @param {number} row @param {number} column @param {boolean} [on] */
function flip(row, column, on = boxes[row][column].getAttribute("aria-pressed") !== "true") {
  boxes[row][column].setAttribute("aria-pressed", String(on));
}

/** Noircit, ou blanchit, les cases sous le doigt ou la souris : la première dit laquelle des deux.
 * @param {HTMLElement} sheet */
function paintBy(sheet) {
  /** @type {boolean | null} */
  let on = null;
  let last = [0, 0];
  const reach = (/** @type {PointerEvent} */ event) => {
    const here = [event.clientX, event.clientY], gap = Math.hypot(here[0] - last[0], here[1] - last[1]);
    for (let part = 1, count = Math.ceil(gap / NEAR); part <= count; part++) { // un geste vif saute des cases
      const [x, y] = here.map((end, axis) => last[axis] + (end - last[axis]) * part / count);
      const box = /** @type {any} */ (document.elementFromPoint(x, y));
      if (on === null || !sheet.contains(box) || !box.value) continue;
      const [row, column] = box.value.split(" ").map(Number);
      flip(row, column, on);
    }
    last = here;
    show();
  };
  sheet.addEventListener("pointerdown", (event) => {
    on = /** @type {any} */ (event.target).getAttribute("aria-pressed") !== "true";
    last = [event.clientX - 1, event.clientY];
    reach(event);
  });
  document.addEventListener("pointermove", (event) => { if (on !== null) reach(event); });
  for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, () => { on = null; });
}

/** Les flèches passent d'une case à l'autre. @param {KeyboardEvent} event @param {number} row @param {number} column */
function move(event, row, column) {
  const step = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.key];
  if (!step) return;
  event.preventDefault();
  const next = boxes[(row + step[0] + SIDE) % SIDE][(column + step[1] + SIDE) % SIDE];
  boxes[row][column].tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

/** Reprend un dessin. @param {number[][] | null} drawing */
function open(drawing) {
  boxes.forEach((line, i) => line.forEach((_, j) => flip(i, j, drawing !== null && drawing[i][j] > 0)));
  show();
}

/** Déroule la chaîne et montre tout. */
function show() {
  const picture = boxes.map((line) => line.map((box) => (box.getAttribute("aria-pressed") === "true" ? 1 : -1)));
  if (!picture.flat().includes(1)) {
    stages.replaceChildren();
    said.textContent = "Rien n'est dessiné : noircissez des cases, ou prenez un de nos dessins.";
    return;
  }
  keep({dessin: picture.flat().map((value) => Number(value > 0)).join(""), filtres: kind.value});
  const byHand = kind.value === "hand", found = chain(picture, known[kind.value]);
  const votes = byHand ? found.scores : softmax(found.scores);
  const [x, o] = votes, winner = x === o ? "égalité" : x > o ? "X" : "O";
  said.textContent = `Réponse : ${winner}. ${byHand ? "Votes" : "Probabilités"} : X ${percent(x)}, O ${percent(o)}.`;
  const filters = known[kind.value].filters.map((/** @type {number[][]} */ each, /** @type {number} */ i) => grid(each, `filtre ${i + 1}`));
  stages.replaceChildren(make("h2", {}, "Les filtres"), make("div", {class: "cote-a-cote"}, ...filters), ...STAGES.flatMap(([name, title]) => [make("h2", {}, title),
    make("div", {class: "cote-a-cote"}, ...(/** @type {any} */ (found)[name]).map((/** @type {number[][]} */ map, /** @type {number} */ i) =>
      grid(map, `filtre ${i + 1}`)))]),
  make("h2", {}, "Le vecteur, et le vote"), grid([found.vector], "douze valeurs, carte après carte"));
}

/** Montre une carte ; plus une case est forte, plus elle est foncée. @param {number[][]} values @param {string} caption */
function grid(values, caption) {
  const most = Math.max(1e-9, ...values.flat().map(Math.abs));
  const rows = values.map((line) => make("tr", {}, ...line.map((value) => {
    const cell = make("td", {}, number(value, 2));
    const share = Math.round(70 * Math.abs(value) / most);
    cell.style.background = `color-mix(in srgb, ${value < 0 ? "#c0392b" : "#2d6cc0"} ${share / 2}%, transparent)`;
    return cell;
  })));
  const table = make("table", {class: "cases"}, make("caption", {}, caption), make("tbody", {}, ...rows));
  return scrolling(table, caption, values[0].length);
}

async function start() {
  known = await fetchJson("x_ou_o.json");
  const drawings = Object.entries(known.drawings).map(([name, drawing]) =>
    make("button", {type: "button", onclick: () => open(drawing)}, name));
  const sheet = make("div", {class: "dessin", role: "group", "aria-label": "Dessin, 9 cases sur 9"}, ...boxes.flat());
  paintBy(sheet);
  page?.replaceChildren(sheet,
    make("p", {class: "cote-a-cote"}, ...drawings, make("button", {type: "button", onclick: () => open(null)}, "Effacer")),
    make("p", {}, make("label", {for: "filtres"}, "Filtres : "), kind), said, stages);
  const saved = kept();
  setControls([kind], saved ?? {});
  open(saved?.dessin?.length === SIDE ** 2
    ? Array.from({length: SIDE}, (_, i) => [...saved.dessin.slice(i * SIDE, (i + 1) * SIDE)].map(Number))
    : known.drawings[asked() ?? "X"] ?? known.drawings.X);
}

start().catch((error) => { if (page) page.textContent = error.message; });
