// La visite d'un réseau : toutes ses couches en une image, les cartes de l'une, et le calcul de la case que l'on touche.

import {breathe, draw, make} from "./dom.js";
import {canEnter, explainCell, fieldOf, origin, readBy, strongest} from "./inside.js";
import {grey} from "./picture.js";

/** @typedef {import("./inside.js").Step} Step */
/** @typedef {import("./inside.js").Place} Place */

const MAX_SHOWN = 64; // cartes d'une couche : celles qui répondent le plus
const COLUMNS = 8, WIDTH = 640; // cartes d'une ligne ; pixels d'écran
const TALL = 6, TILE_PX = 44; // cartes d'une colonne de l'image entière ; côté de chacune, à l'écran
/** Ce que fait une flèche, dans l'image entière. @type {Record<string, number>} */
const STEPS = {ArrowLeft: -1, ArrowRight: 1};

/**
 * Fait la visite d'un réseau.
 *
 * @param {Step[]} steps
 * @param {import("./picture.js").Picture} view l'image, telle que le réseau la lit.
 * @param {string} answer ce qu'il en dit.
 * @returns {HTMLElement}
 */
export function visit(steps, view, answer) {
  const inside = make("div", {class: "dedans"}), shown = make("div");
  const layers = steps.flatMap((_, step) => (canEnter(steps, step) || steps[step].layer.kind === "Concatenation" ? [step] : []));
  const enter = (/** @type {Place} */ place) => {
    choose(place.step);
    inside.replaceChildren(make("div", {class: "cote-a-cote"}, seen(steps, place, view), explainCell(steps, place, enter)));
  };
  const choose = (/** @type {number} */ step) => {
    choice.value = String(step);
    whole.select(step);
    shown.replaceChildren(mapsOf(steps, step, enter));
  };
  const choice = make("select", {id: "couche", oninput: () => choose(Number(choice.value))},
    ...layers.map((step) => make("option", {value: String(step)}, titleOf(steps, step))));
  const whole = wholeNetwork(steps, layers, view, answer, (step, k) => {
    const place = k === null ? null : origin(steps, strongest(steps, step, k));
    if (place) enter(place);
    else choose(step);
  });
  choose(layers[0]);
  return make("section", {"aria-label": "Visite du réseau"},
    make("p", {}, `Le réseau entier : ${layers.length} couches, de votre image à la réponse, et les cartes qui répondent le plus. Touchez-en une pour y entrer.`),
    whole.element,
    make("p", {}, make("label", {for: "couche"}, "Couche : "), choice, " ",
      make("button", {type: "button", onclick: () => enter(origin(steps, strongest(steps, Number(choice.value))) ?? strongest(steps))},
        "Entrer par la case la plus forte")),
    make("p", {}, "Touchez une case d'une carte : la fenêtre qui l'a faite, les poids et leur somme s'écrivent."), inside, shown);
}

/** Nomme une couche, et dit ce qu'elle rend. @param {Step[]} steps @param {number} step */
function titleOf(steps, step) {
  const {layer, output: {shape: [height, width, count]}} = steps[step];
  return `${layer.name} : ${count} carte${count > 1 ? "s" : ""} de ${height} × ${width}`;
}

/**
 * Montre toutes les couches côte à côte. Celles d'une même colonne lisent chacune de leur côté ; celles que lit la couche choisie sont
 * entourées de tirets.
 *
 * @param {Step[]} steps @param {number[]} layers celles qui se montrent. @param {import("./picture.js").Picture} view @param {string} answer
 * @param {(step: number, k: number | null) => void} go reçoit la couche touchée, et sa carte, si elle l'a été.
 * @returns {{element: HTMLElement, select: (step: number) => void}}
 */
function wholeNetwork(steps, layers, view, answer, go) {
  const columns = columnsOf(steps, layers);
  /** @type {Map<number, HTMLElement>} */
  const buttons = new Map();
  const element = make("div", {class: "reseau-entier", role: "group", "aria-label": "Le réseau entier ; les flèches vont d'une couche à l'autre",
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      const from = layers.findIndex((step) => buttons.get(step) === event.target), to = layers[from + STEPS[event.key]];
      if (from < 0 || to === undefined) return;
      event.preventDefault();
      go(to, null);
      buttons.get(to)?.focus();
    }}, make("figure", {}, draw(view, 2 * TILE_PX / view.width), make("figcaption", {}, "votre image")));
  for (const column of columns) {
    element.append(make("div", {class: "colonne"}, ...column.map((step) => {
      const button = make("button", {type: "button", class: "couche", tabindex: "-1", title: titleOf(steps, step), "aria-label": titleOf(steps, step)});
      buttons.set(step, button);
      return button;
    })));
  }
  element.append(make("p", {class: "dit"}, answer));
  fill(steps, columns, buttons, go);
  return {element, select: (chosen) => {
    const read = shownBehind(steps, layers, chosen);
    for (const [step, button] of buttons) {
      button.setAttribute("aria-pressed", String(step === chosen));
      button.tabIndex = step === chosen ? 0 : -1;
      button.classList.toggle("lue", read.includes(step));
    }
    const button = buttons.get(chosen);
    if (button) element.scrollTo({left: button.offsetLeft - element.clientWidth / 2});
  }};
}

/** Dessine les cartes de chaque couche, la page restant vive. @param {Step[]} steps @param {number[][]} columns
 * @param {Map<number, HTMLElement>} buttons @param {(step: number, k: number | null) => void} go */
async function fill(steps, columns, buttons, go) {
  for (const column of columns) {
    for (const step of column) {
      await breathe();
      const {canvas, find} = mosaic(steps, step, bestMaps(steps, step, Math.max(1, Math.floor(TALL / column.length))), 1);
      canvas.style.width = `${TILE_PX}px`;
      const button = buttons.get(step);
      button?.append(canvas, make("small", {}, steps[step].layer.name.split(".")[0]));
      button?.addEventListener("click", (/** @type {MouseEvent} */ event) => go(step, event.detail ? find(event)?.k ?? null : null)); // 0 : le clavier
    }
  }
}

/** Range les couches par profondeur : combien d'autres, au moins, les séparent de l'image. @param {Step[]} steps @param {number[]} layers */
function columnsOf(steps, layers) {
  /** @type {number[]} */
  const depths = [];
  steps.forEach((_, step) => { depths[step] = Math.max(-1, ...readBy(steps, step).map((from) => depths[from])) + Number(layers.includes(step)); });
  /** @type {number[][]} */
  const columns = [];
  for (const step of layers) (columns[depths[step]] ??= []).push(step);
  return columns;
}

/** Rend les couches montrées qu'une couche lit, celles qui ne le sont pas étant traversées. @param {Step[]} steps @param {number[]} layers
 * @param {number} step @returns {number[]} */
function shownBehind(steps, layers, step) {
  return readBy(steps, step).flatMap((from) => (layers.includes(from) ? [from] : shownBehind(steps, layers, from)));
}

/** Montre l'image, et le cadre de ce dont une case dépend. @param {Step[]} steps @param {Place} place
 * @param {import("./picture.js").Picture} view */
function seen(steps, place, view) {
  const zoom = Math.max(1, Math.round(192 / view.width)), [top, left, bottom, right] = fieldOf(steps, place), canvas = draw(view, 1);
  const large = make("canvas", {width: view.width * zoom, height: view.height * zoom}), context = large.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, large.width, large.height);
  for (const [style, width] of [["#000", 4], ["#fff", 2]]) { // visible sur le clair et sur le sombre
    Object.assign(context, {strokeStyle: style, lineWidth: width});
    context.strokeRect(left * zoom - 1, top * zoom - 1, (right + 1 - left) * zoom + 2, (bottom + 1 - top) * zoom + 2);
  }
  const text = `ce dont cette case dépend\u00a0: ${bottom + 1 - top} × ${right + 1 - left} pixels`;
  large.setAttribute("role", "img");
  large.setAttribute("aria-label", text);
  return make("figure", {}, large, make("figcaption", {}, text));
}

/** Rend les cartes d'une couche, dans leur ordre ; s'il y en a trop, les plus fortes d'abord, et elles seules. @param {Step[]} steps
 * @param {number} step @param {number} most @returns {number[]} */
function bestMaps(steps, step, most) {
  const {output: {shape: [, , count], values}} = steps[step], peaks = new Float32Array(count), order = [...peaks.keys()];
  if (count <= most) return order;
  for (let i = 0; i < values.length; i++) if (values[i] > peaks[i % count]) peaks[i % count] = values[i];
  return order.sort((a, b) => peaks[b] - peaks[a]).slice(0, most);
}

/** Dessine des cartes d'une couche, en lignes. @param {Step[]} steps @param {number} step @param {number[]} order leurs numéros.
 * @param {number} columns @returns {{canvas: HTMLCanvasElement, width: number, find: (event: MouseEvent) => {y: number, x: number, k: number} | null}}
 * l'image, sa largeur en cases, et de quoi trouver celle que l'on touche. */
function mosaic(steps, step, order, columns) {
  const {output: {shape: [height, width, count], values}} = steps[step];
  const w = columns * (width + 1) + 1, h = Math.ceil(order.length / columns) * (height + 1) + 1, bytes = new Float32Array(w * h);
  let most = 0;
  for (const k of order) for (let i = k; i < values.length; i += count) most = Math.max(most, values[i]);
  order.forEach((k, n) => {
    const start = (Math.floor(n / columns) * (height + 1) + 1) * w + n % columns * (width + 1) + 1;
    for (let i = 0; i < height * width; i++) {
      bytes[start + Math.floor(i / width) * w + i % width] = 255 * Math.sqrt(Math.max(0, values[i * count + k]) / (most || 1)); // une case faible se voit aussi
    }
  });
  const canvas = draw(grey(bytes, w, h), 1);
  canvas.style.cursor = "pointer";
  return {canvas, width: w, find: (event) => {
    const box = canvas.getBoundingClientRect(), u = (event.clientX - box.left) * w / box.width, v = (event.clientY - box.top) * h / box.height;
    const column = Math.floor((u - 1) / (width + 1)), row = Math.floor((v - 1) / (height + 1));
    const x = Math.floor(u - 1) - column * (width + 1), y = Math.floor(v - 1) - row * (height + 1), k = order[row * columns + column];
    return k === undefined || x < 0 || y < 0 || x >= width || y >= height ? null : {y, x, k};
  }};
}

/** Montre les cartes d'une couche ; toucher une case y entre. @param {Step[]} steps @param {number} step
 * @param {(place: Place) => void} enter @param {string} [title] @returns {HTMLElement} */
export function mapsOf(steps, step, enter, title = steps[step].layer.name) {
  const {output: {shape: [height, width, count]}} = steps[step], order = bestMaps(steps, step, MAX_SHOWN);
  const {canvas, width: w, find} = mosaic(steps, step, order, Math.min(order.length, COLUMNS));
  const text = `${title} : ${count > order.length ? `les ${order.length} plus fortes de ` : ""}${count} cartes de ${height} × ${width}`;
  canvas.style.width = `${w * Math.max(1, Math.floor(WIDTH / w))}px`;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", text);
  canvas.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const found = find(event), place = found && origin(steps, {step, ...found});
    if (place) enter(place);
  });
  return make("figure", {}, canvas, make("figcaption", {}, text));
}
