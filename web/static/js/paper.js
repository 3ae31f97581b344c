// Une feuille blanche, un crayon noir : à la souris, au doigt ou au clavier.

import {make} from "./dom.js";

const SIDE = 256, INK = 18, STEP = 9, EDGE = 10; // pixels ; EDGE : marge que garde le crayon du clavier
/** @type {Record<string, [number, number]>} */
const ARROWS = {ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0]};

/** @typedef {[number, number]} Point */

/** Une feuille où dessiner. */
export class Paper {
  /** @param {() => void} changed appelée après chaque trait. */
  constructor(changed) {
    this.changed = changed;
    this.canvas = make("canvas", {width: SIDE, height: SIDE, tabindex: "0", class: "feuille",
      role: "application", "aria-label": "Feuille à dessiner", "aria-describedby": "crayon"});
    this.told = make("span", {role: "status"});
    this.element = make("div", {class: "papier"}, this.canvas,
      make("p", {id: "crayon"}, "Au clavier : les flèches déplacent le crayon, espace le pose ou le lève, " +
        "Échap efface. ", this.told));
    this.paper = this.canvas.getContext("2d", {willReadFrequently: true});
    /** @type {Point | null} */
    this.last = null; // là où est le doigt
    /** @type {Point} */
    this.pen = [SIDE / 2, 60]; // le crayon du clavier
    this.isDown = false;
    this.version = 0; // change à chaque trait : ce qui n'a pas changé n'est pas à relire
    /** @type {ImageData | null} */
    this.hidden = null; // la feuille, sans le curseur du clavier
    this.wipe();
    this.listen();
  }

  /** Rend l'encre de la feuille. @returns {import("./digit.js").Ink} */
  ink() {
    const {data} = this.hidden ?? this.paper.getImageData(0, 0, SIDE, SIDE);
    const values = Float32Array.from({length: SIDE * SIDE}, (_, i) => 1 - data[4 * i] / 255);
    return {width: SIDE, height: SIDE, values};
  }

  /** Efface tout. */
  wipe() {
    this.version++;
    this.hidden = null;
    this.isDown = false;
    this.paper.fillStyle = "#fff";
    this.paper.fillRect(0, 0, SIDE, SIDE);
  }

  /** Trace des points reliés, sur une feuille vide. @param {Point[]} points */
  trace(points) {
    this.wipe();
    points.slice(1).forEach((point, i) => this.stroke(points[i], point));
  }

  /** @param {Point} from @param {Point} to */
  stroke(from, to) {
    this.version++;
    Object.assign(this.paper, {strokeStyle: "#000", lineWidth: INK, lineCap: "round", lineJoin: "round"});
    this.paper.beginPath();
    this.paper.moveTo(...from);
    this.paper.lineTo(to[0] + 0.01, to[1]);
    this.paper.stroke();
  }

  hideCursor() {
    if (this.hidden) this.paper.putImageData(this.hidden, 0, 0);
    this.hidden = null;
  }

  showCursor() {
    this.hideCursor();
    this.hidden = this.paper.getImageData(0, 0, SIDE, SIDE);
    Object.assign(this.paper, {strokeStyle: this.isDown ? "#d55e00" : "#0072b2", lineWidth: 3});
    this.paper.beginPath();
    this.paper.arc(...this.pen, 11, 0, 2 * Math.PI);
    this.paper.stroke();
    this.told.textContent = this.isDown ? "Crayon posé." : "Crayon levé.";
  }

  listen() {
    const {canvas} = this;
    /** @param {PointerEvent} event @returns {Point} */
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [(event.clientX - box.left) * SIDE / box.width, (event.clientY - box.top) * SIDE / box.height];
    };
    canvas.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      event.preventDefault();
      this.hideCursor();
      canvas.setPointerCapture(event.pointerId);
      this.last = place(event);
      this.stroke(this.last, this.last);
    });
    canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      if (!this.last) return;
      const here = place(event);
      this.stroke(this.last, here);
      this.last = here;
    });
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, () => {
        if (this.last) this.changed();
        this.last = null;
      });
    }
    canvas.addEventListener("blur", () => {
      this.hideCursor();
      this.isDown = false;
      this.told.textContent = "";
    });
    canvas.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.press(event));
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const step = ARROWS[event.key];
    if (!step && event.key !== " " && event.key !== "Escape") return;
    event.preventDefault();
    this.hideCursor();
    const from = this.pen, wasDown = this.isDown;
    if (event.key === "Escape") this.wipe();
    else if (event.key === " ") this.isDown = !this.isDown;
    else {
      const inside = (/** @type {number} */ value) => Math.min(SIDE - EDGE, Math.max(EDGE, value));
      this.pen = [inside(from[0] + STEP * step[0]), inside(from[1] + STEP * step[1])];
    }
    if (this.isDown) this.stroke(from, this.pen);
    this.showCursor();
    if (this.isDown || wasDown || event.key === "Escape") this.changed();
  }
}
