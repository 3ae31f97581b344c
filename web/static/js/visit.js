// La visite d'un réseau : ses cartes, couche par couche, et le calcul de la case que l'on touche.

import {draw, make} from "./dom.js";
import {canEnter, explainCell, fieldOf, origin, strongest} from "./inside.js";
import {grey} from "./picture.js";

/** @typedef {import("./inside.js").Step} Step */
/** @typedef {import("./inside.js").Place} Place */

const MAX_SHOWN = 64; // cartes d'une couche : celles qui répondent le plus
const COLUMNS = 8, WIDTH = 640; // cartes d'une ligne ; pixels d'écran

/**
 * Fait la visite d'un réseau.
 *
 * @param {Step[]} steps
 * @param {import("./picture.js").Picture} view l'image, telle que le réseau la lit.
 * @returns {HTMLElement}
 */
export function visit(steps, view) {
  const inside = make("div", {class: "dedans"}), shown = make("div");
  const layers = steps.flatMap((_, step) => (canEnter(steps, step) || steps[step].layer.kind === "Concatenation" ? [step] : []));
  const enter = (/** @type {Place} */ place) => {
    choice.value = String(place.step);
    show();
    inside.replaceChildren(make("div", {class: "cote-a-cote"}, seen(steps, place, view), explainCell(steps, place, enter)));
  };
  const show = () => shown.replaceChildren(mapsOf(steps, Number(choice.value), enter));
  const choice = make("select", {id: "couche", oninput: show}, ...layers.map((step) => {
    const {layer, output: {shape: [height, width, count]}} = steps[step];
    return make("option", {value: String(step)}, `${layer.name} : ${count} carte${count > 1 ? "s" : ""} de ${height} × ${width}`);
  }));
  show();
  return make("section", {"aria-label": "Visite du réseau"},
    make("p", {}, make("label", {for: "couche"}, "Couche : "), choice, " ",
      make("button", {type: "button", onclick: () => enter(origin(steps, strongest(steps, Number(choice.value))) ?? strongest(steps))},
        "Entrer par la case la plus forte")),
    make("p", {}, "Touchez une case d'une carte : la fenêtre qui l'a faite, les poids et leur somme s'écrivent."), inside, shown);
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

/** Montre les cartes d'une couche ; toucher une case y entre. @param {Step[]} steps @param {number} step
 * @param {(place: Place) => void} enter @param {string} [title] @returns {HTMLElement} */
export function mapsOf(steps, step, enter, title = steps[step].layer.name) {
  const {output: {shape: [height, width, count], values}} = steps[step];
  const peaks = new Float32Array(count);
  values.forEach((value, i) => { peaks[i % count] = Math.max(peaks[i % count], value); });
  const order = [...peaks.keys()];
  if (count > MAX_SHOWN) order.sort((a, b) => peaks[b] - peaks[a]).splice(MAX_SHOWN);
  const columns = Math.min(order.length, COLUMNS), w = columns * (width + 1) + 1, h = Math.ceil(order.length / columns) * (height + 1) + 1;
  const bytes = new Float32Array(w * h), most = Math.max(...peaks) || 1;
  order.forEach((k, n) => {
    const start = (Math.floor(n / columns) * (height + 1) + 1) * w + n % columns * (width + 1) + 1;
    for (let i = 0; i < height * width; i++) {
      bytes[start + Math.floor(i / width) * w + i % width] = 255 * Math.sqrt(Math.max(0, values[i * count + k]) / most); // une case faible se voit aussi
    }
  });
  const text = `${title} : ${count > order.length ? `les ${order.length} plus fortes de ` : ""}${count} cartes de ${height} × ${width}`;
  const canvas = draw(grey(bytes, w, h), Math.max(1, Math.floor(WIDTH / w)));
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", text);
  canvas.style.cursor = "pointer";
  canvas.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const box = canvas.getBoundingClientRect(), u = (event.clientX - box.left) * w / box.width, v = (event.clientY - box.top) * h / box.height;
    const column = Math.floor((u - 1) / (width + 1)), row = Math.floor((v - 1) / (height + 1));
    const x = Math.floor(u - 1) - column * (width + 1), y = Math.floor(v - 1) - row * (height + 1), k = order[row * columns + column];
    const place = k === undefined || x < 0 || y < 0 || x >= width || y >= height ? null : origin(steps, {step, y, x, k});
    if (place) enter(place);
  });
  return make("figure", {}, canvas, make("figcaption", {}, text));
}
