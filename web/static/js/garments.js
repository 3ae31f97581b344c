// Découper un vêtement d'une image, et le présenter comme Fashion-MNIST : voir convnets/serving/garments.py.

import {pieces, scale, workSize} from "./ink.js";
import {FILTERS, resize, roundHalfEven, toGrey} from "./picture.js";

/** @typedef {import("./picture.js").Picture} Picture */

const PLAIN = 12, MIN_PLAIN = 0.8, SHADOW = 30; // voir garments.py
const MIN_SHARE = 0.03, MAX_SHARE = 0.97; // part de l'image qu'un vêtement occupe
const MIN_PIECE = 0.1; // part du plus gros morceau, pour en être un autre
const HALF = 127; // opacité

/**
 * Rend le vêtement d'une image comme Fashion-MNIST le montrerait.
 *
 * @param {Picture} image @param {number} side côté de ce que lit le réseau.
 * @returns {Uint8Array | null} clair sur fond noir ; null, si le fond n'est ni transparent ni uni.
 */
export function garmentSquare(image, side) {
  const [width, height] = workSize(image), small = resize(image, width, height, undefined, 2), {alpha} = image;
  const isOpaque = !alpha || alpha.values.every((value) => value > HALF);
  let mask = isOpaque ? differs(small) : scale(alpha, width, height, FILTERS.bicubic).values.map((value) => Number(value > HALF));
  const share = mask.reduce((sum, each) => sum + each, 0) / mask.length;
  if (!(share > MIN_SHARE && share < MAX_SHARE)) return null;
  const found = pieces(mask, width), most = Math.max(...found.map(({pixels}) => pixels.length));
  const kept = found.filter(({pixels}) => pixels.length >= MIN_PIECE * most);
  mask = new Float32Array(mask.length);
  for (const {pixels} of kept) for (const i of pixels) mask[i] = 1;
  const top = Math.min(...kept.map((each) => each.top)), bottom = Math.max(...kept.map((each) => each.bottom));
  const left = Math.min(...kept.map((each) => each.left)), right = Math.max(...kept.map((each) => each.right));
  const negative = toGrey(small).map((value, i) => (255 - value) * mask[i]), box = {width: right - left + 1, height: bottom - top + 1};
  const values = Float32Array.from({length: box.width * box.height}, (_, i) =>
    negative[(top + Math.floor(i / box.width)) * width + left + i % box.width]);
  return place({...box, values}, side);
}

/** Pose un vêtement au milieu d'un carré noir, aussi grand que possible. @param {import("./digit.js").Ink} box
 * @param {number} side */
function place(box, side) {
  const [width, height] = [box.width, box.height].map((each) =>
    Math.max(1, roundHalfEven(each * side / Math.max(box.width, box.height))));
  const {values} = scale(box, width, height, FILTERS.bicubic, true), most = Math.max(1, values.reduce((a, b) => Math.max(a, b)));
  const top = Math.floor((side - height) / 2), left = Math.floor((side - width) / 2), square = new Uint8Array(side * side);
  values.forEach((value, i) => {
    square[(top + Math.floor(i / width)) * side + left + i % width] =
      roundHalfEven(Math.fround(Math.fround(255 * Math.max(0, value)) / most)); // des float32, comme NumPy
  });
  return square;
}

/** Rend ce qui se détache d'un fond uni ; rien, si le fond ne l'est pas. @param {Picture} image @returns {Float32Array} */
function differs({width, height, pixels}) {
  const row = (/** @type {number} */ y) => Array.from({length: width}, (_, x) => y * width + x);
  const column = (/** @type {number} */ x) => Array.from({length: height}, (_, y) => y * width + x);
  const edge = [...row(0), ...row(height - 1), ...column(0), ...column(width - 1)]; // un nombre pair de pixels
  const ground = [0, 1, 2].map((c) => {
    const levels = edge.map((i) => pixels[3 * i + c]).sort((a, b) => a - b), half = levels.length / 2;
    return (levels[half - 1] + levels[half]) / 2;
  });
  const gap = (/** @type {number} */ i) => Math.max(...ground.map((level, c) => Math.abs(pixels[3 * i + c] - level)));
  const found = new Float32Array(width * height);
  if (edge.filter((i) => gap(i) <= PLAIN).length < MIN_PLAIN * edge.length) return found;
  const near = found.map((_, i) => Number(gap(i) <= SHADOW));
  found.fill(1);
  // Du blanc au milieu d'un vêtement n'est pas du fond : lui touche le bord.
  for (const {pixels: own, top, left, bottom, right} of pieces(near, width)) {
    if (top && left && bottom < height - 1 && right < width - 1) continue;
    for (const i of own) found[i] = 0;
  }
  return found;
}
