// Trouver le chiffre d'une image, où qu'il soit, et le présenter comme MNIST : voir convnets/serving/digits.py.

import {SIDE, crop, massCentre, placeDigit, spread} from "./digit.js";
import {FILTERS, axisWeights, toGrey, weigh} from "./picture.js";

/** @typedef {import("./picture.js").Picture} Picture */
/** @typedef {import("./digit.js").Ink} Plane une valeur par pixel, quelle que soit son étendue. */
/** @typedef {{pixels: number[], top: number, left: number, bottom: number, right: number}} Piece
 *   un morceau : les numéros de ses pixels, et son cadre, compris. */

const WORK = 256; // côté auquel une image est examinée : le bruit s'y moyenne, le trait y reste net
export const DECODED = 2 * WORK; // petit côté auquel une grande photo peut être décodée
const MIN_CONTRAST = 12; // niveaux de gris sous lesquels rien ne se distingue du fond
const NOISE_LAG = 4; // distance à laquelle deux pixels n'ont plus le même bruit
const THRESHOLDS = [0.35, 0.55, 0.75]; // encre : part du contraste le plus fort, de plus en plus exigeante
const SIDES = [19, 20], MIDDLE = 14; // d'un chiffre de MNIST
/** @type {import("./picture.js").Filter} */
const MEAN = {support: 0.5, at: (x) => Number(x > -0.5 && x <= 0.5)};

/**
 * Rend le chiffre d'une image comme MNIST le montrerait.
 *
 * @param {Picture} image de toute taille ; déjà cadrée comme MNIST, ou son négatif, elle est rendue telle quelle.
 * @returns {Uint8Array} 28 × 28, clair sur fond noir.
 * @throws {Error} rien ne se détache du fond.
 */
export function digitSquare(image) {
  const ready = asMnist(image);
  if (ready) return ready;
  const grey = scale({...image, values: toGrey(image)}, ...workSize(image), MEAN), sheet = findSheet(grey);
  let ink;
  try {
    ink = findInk(sheet ? crop(grey, ...sheet) : grey);
  } catch (error) {
    if (!sheet) throw error;
    ink = findInk(grey); // un rectangle sans rien dessus : c'est peut-être lui, le chiffre
  }
  return placeDigit(ink);
}

/** Rend une image déjà cadrée comme MNIST, ou son négatif ; null, si elle ne l'est pas. @param {Picture} image */
function asMnist({width, height, pixels}) {
  if (width !== SIDE || height !== SIDE || pixels.some((value, i) => value !== pixels[i - i % 3])) return null;
  const grey = Uint8Array.from({length: SIDE * SIDE}, (_, i) => pixels[3 * i]);
  return [grey, grey.map((value) => 255 - value)].find((each) => {
    if (Math.max(...each) < 250) return false;
    const {top, left, bottom, right} = frame([...each.keys()].filter((i) => each[i]), SIDE);
    return SIDES.includes(Math.max(bottom - top, right - left) + 1) &&
      massCentre(each, SIDE).every((place) => Math.abs(place - MIDDLE) < 0.55);
  }) ?? null;
}

/** Taille à laquelle une image est examinée, comme `thumbnail` de Pillow. @param {Picture} image
 * @returns {[number, number]} */
export function workSize({width, height}) {
  if (Math.max(width, height) <= WORK) return [width, height];
  const ratio = width / height;
  const nearest = (/** @type {number} */ side, /** @type {(side: number) => number} */ ratioOf) => {
    const gaps = [Math.floor(side), Math.ceil(side)].map((each) => Math.abs(ratio - ratioOf(each)));
    return Math.max(1, gaps[0] <= gaps[1] ? Math.floor(side) : Math.ceil(side));
  };
  return ratio <= 1 ? [nearest(WORK * ratio, (side) => side / WORK), WORK] :
    [WORK, nearest(WORK / ratio, (side) => WORK / side)];
}

// --- Séparer l'encre du fond ---------------------------------------------------------

/** Rend l'encre du chiffre : 0 sur le fond, 1 au milieu du trait. @param {Plane} grey @returns {Plane} */
function findInk(grey) {
  const signed = contrastOf(grey).values, count = signed.length;
  // L'écart-type du bruit, s'il est gaussien ; deux pixels voisins en partagent une part.
  const lags = signed.map((value, i) => Math.abs(value - signed[(i + NOISE_LAG * (count - 1)) % count]));
  const noise = 1.05 * quantile(lags, 0.5), contrast = signed.map((value) => Math.max(value, 0));
  const most = contrast.slice().sort().slice(-Math.max(5, Math.floor(count / 500)));
  const peak = most.reduce((sum, value) => sum + value, 0) / most.length;
  if (peak < Math.max(MIN_CONTRAST, 6 * noise)) {
    throw new Error("Aucun chiffre visible, rien ne se détache du fond ; donnez un chiffre sombre sur fond clair, " +
      "ou clair sur fond sombre.");
  }
  const tried = [];
  for (const share of THRESHOLDS) {
    const threshold = Math.max(share * peak, 4 * noise);
    tried.push({threshold, ...choose({...grey, values: contrast}, threshold)});
    if (tried.at(-1)?.free) break;
  }
  // Si tout touche le bord, à chaque seuil, le chiffre remplit l'image : le premier seuil.
  const {threshold, mask} = tried.find(({free}) => free) ?? tried[0];
  // L'encre ne s'arrête pas net : le bord du trait, plus pâle, en fait partie.
  const near = around({...grey, values: mask}, 1, Math.max).values;
  const low = Math.min(threshold / 2, Math.max(4 * noise, 0.04 * peak));
  const full = quantile(contrast.filter((_, i) => mask[i]), 0.75), range = Math.max(full - low, 1);
  return {...grey, values: near.map((kept, i) => kept * Math.min(1, Math.max(0, (contrast[i] - low) / range)))};
}

/**
 * Rend l'écart au fond : positif sur le trait, qu'il soit clair ou sombre.
 *
 * Du fond font partie une surface lisse, puis ce qui reste quand on efface tout trait plus fin qu'un tiers de
 * l'image (ouverture morphologique) : dégradés, reflets, ombres larges.
 *
 * @param {Plane} grey @returns {Plane}
 */
function contrastOf(grey) {
  const {width, height} = grey, surface = smoothGround(grey);
  let residual = grey.values.map((value, i) => value - surface[i]);
  const isDark = -residual.reduce((a, b) => Math.min(a, b)) > residual.reduce((a, b) => Math.max(a, b));
  if (isDark) residual = residual.map((value) => -value);
  const step = Math.max(1, Math.floor(Math.max(width, height) / 80)); // l'ouverture se fait en petit
  const [w, h] = [width, height].map((side) => Math.max(1, Math.floor(side / step)));
  const small = scale(median({...grey, values: residual}), w, h, MEAN, true);
  const reach = Math.floor(Math.floor(Math.max(w, h) / 3) / 2);
  const opened = around(around(small, reach, Math.min), reach, Math.max);
  const ground = scale(opened, width, height, FILTERS.bilinear, true).values;
  const contrast = residual.map((value, i) => {
    // L'encre absorbe une part de la lumière : à l'ombre, l'écart est plus petit.
    const light = isDark ? Math.min(255, Math.max(100, surface[i] - ground[i])) : 255;
    return (value - ground[i]) * 255 / light;
  });
  const zero = Math.max(quantile(contrast, 0.25), 0);
  return {...grey, values: contrast.map((value) => value - zero)};
}

/**
 * Ajuste au fond une surface de degré 2, où le trait, minoritaire, compte de moins en moins.
 *
 * Deux départs, l'image entière et son bord : un gros chiffre fausserait l'un, une feuille sur une table l'autre.
 * La surface qui passe au plus près de la moitié des pixels est gardée.
 *
 * @param {Plane} grey
 */
function smoothGround({width, height, values}) {
  const place = (/** @type {number} */ i, /** @type {number} */ count) => (count > 1 ? 2 * i / (count - 1) - 1 : -1);
  const terms = (/** @type {number} */ i) => {
    const x = place(i % width, width), y = place(Math.floor(i / width), height);
    return [1, x, y, x * x, x * y, y * y];
  };
  const step = Math.max(1, Math.floor(values.length / 4000));
  const some = Array.from({length: Math.ceil(values.length / step)}, (_, k) => k * step);
  const known = some.map(terms), seen = some.map((i) => values[i]);
  const starts = [known.map(() => 1), known.map(([, x, y]) => Number(Math.max(Math.abs(x), Math.abs(y)) > 0.9))];
  const [whole, border] = starts.map((weights) => {
    let surface = [0], middle = 0;
    for (let turn = 0; turn < 10; turn++) {
      surface = leastSquares(known, seen, weights);
      const errors = Float64Array.from(known, (row, k) => Math.abs(seen[k] - dot(row, surface)));
      middle = quantile(errors, 0.5);
      weights = Array.from(errors, (error) => 1 / (1 + (error / Math.max(4, 3 * middle)) ** 2) ** 2);
    }
    return {surface, middle};
  });
  const {surface} = whole.middle <= border.middle ? whole : border;
  return Float32Array.from(values, (_, i) => dot(terms(i), surface));
}

/** Rend les coefficients des moindres carrés pondérés, par les équations normales.
 * @param {number[][]} rows @param {number[]} values @param {number[]} weights @returns {number[]} */
function leastSquares(rows, values, weights) {
  const size = rows[0].length, table = Array.from({length: size}, () => new Array(size + 1).fill(0));
  rows.forEach((row, k) => table.forEach((line, i) => {
    for (let j = 0; j < size; j++) line[j] += weights[k] * row[i] * row[j];
    line[size] += weights[k] * row[i] * values[k];
  }));
  table.forEach((line, i) => { line[i] += 1e-6; }); // une image d'une ligne ne dit rien de la hauteur
  table.forEach((pivot, i) => table.forEach((line, k) => { // Gauss-Jordan, sur une matrice définie positive
    if (k === i) return;
    const times = line[i] / pivot[i];
    for (let j = i; j <= size; j++) line[j] -= times * pivot[j];
  }));
  return table.map((line, i) => line[size] / line[i]);
}

/** @param {number[]} first @param {number[]} second */
function dot(first, second) {
  return first.reduce((sum, value, k) => sum + value * second[k], 0);
}

/** Valeur que dépasse une part des autres, entre deux s'il le faut, comme NumPy.
 * @param {Float32Array | Float64Array} values @param {number} share de 0 à 1. */
function quantile(values, share) {
  const sorted = values.slice().sort(), place = share * (sorted.length - 1), low = Math.floor(place);
  const next = sorted[Math.min(low + 1, sorted.length - 1)];
  return sorted[low] + (place - low) * (next - sorted[low]);
}

// --- Choisir ce qui, dans l'encre, est le chiffre ------------------------------------

/** Garde le plus gros morceau d'encre qui ne touche pas le bord, et ce qui en est tout près.
 * @param {Plane} contrast @param {number} threshold
 * @returns {{mask: Float32Array, free: boolean}} `free` : un morceau de bonne taille ne touche pas le bord. */
function choose({width, height, values}, threshold) {
  const found = pieces(values.map((value) => Number(value > threshold)), width).map((piece) => ({...piece,
    mass: piece.pixels.reduce((sum, i) => sum + values[i], 0),
    side: Math.max(piece.bottom - piece.top, piece.right - piece.left) + 1,
    touching: !piece.top || !piece.left || piece.bottom === height - 1 || piece.right === width - 1}));
  if (!found.length) {
    const most = values.reduce((a, b) => Math.max(a, b));
    return {mask: values.map((value) => Number(value === most)), free: false};
  }
  const whole = found.filter(({side, touching}) => !touching && side >= 0.05 * Math.max(width, height));
  const frames = new Set(whole.filter((piece) => isFrame(piece, width)));
  const candidates = whole.filter((piece) => !frames.has(piece)), free = candidates.length > 0;
  const main = (free ? candidates : found).reduce((a, b) => (b.mass > a.mass ? b : a));
  frames.delete(main); // un cadre sans rien dedans : c'est lui, le chiffre
  // Une barre détachée fait partie du chiffre, une poussière non.
  const mask = new Float32Array(values.length);
  for (const piece of found) {
    const gap = Math.max(piece.top - main.bottom, piece.left - main.right, main.top - piece.bottom,
      main.left - piece.right);
    const near = gap < 0.15 * main.side && piece.mass > 0.02 * main.mass && (main.touching || !piece.touching);
    if (near && !frames.has(piece)) for (const i of piece.pixels) mask[i] = 1;
  }
  return {mask, free};
}

/** Dit si un morceau longe les quatre côtés de son cadre : une case, et non un chiffre.
 * @param {Piece} piece @param {number} line largeur de l'image. */
function isFrame({pixels, top, left, bottom, right}, line) {
  const width = right - left + 1, height = bottom - top + 1;
  const band = Math.max(1, Math.floor(Math.max(width, height) / 12));
  if (pixels.length >= 0.5 * width * height) return false;
  const places = pixels.map((i) => [Math.floor(i / line), i % line]);
  const longs = (/** @type {(place: number[]) => boolean} */ isIn, /** @type {0 | 1} */ axis) =>
    new Set(places.filter(isIn).map((each) => each[axis])).size / (axis ? width : height) > 0.9;
  return longs(([y]) => y < top + band, 1) && longs(([y]) => y > bottom - band, 1) &&
    longs(([, x]) => x < left + band, 0) && longs(([, x]) => x > right - band, 0);
}

/** Rend les morceaux d'un masque ; deux pixels voisins, même en diagonale, n'en font qu'un.
 * @param {ArrayLike<number>} mask @param {number} width @returns {Piece[]} */
export function pieces(mask, width) {
  const rest = Uint8Array.from(mask), found = [];
  for (let start = 0; start < rest.length; start++) {
    if (!rest[start]) continue;
    const pixels = [start];
    rest[start] = 0;
    for (const i of pixels) { // la liste s'allonge tant qu'un voisin reste
      const x = i % width;
      for (let row = i - width; row <= i + width; row += width) {
        for (let k = row - Number(x > 0); k <= row + Number(x < width - 1); k++) {
          if (!rest[k]) continue;
          rest[k] = 0;
          pixels.push(k);
        }
      }
    }
    found.push({pixels, ...frame(pixels, width)});
  }
  return found;
}

/** Cadre de quelques pixels. @param {number[]} pixels @param {number} width */
function frame(pixels, width) {
  let [top, left, bottom, right] = [Infinity, Infinity, -1, -1];
  for (const i of pixels) {
    const y = Math.floor(i / width), x = i % width;
    [top, left, bottom, right] = [Math.min(top, y), Math.min(left, x), Math.max(bottom, y), Math.max(right, x)];
  }
  return {top, left, bottom, right};
}

/** Cherche une feuille claire, ou une ardoise sombre, posée entière sur un fond contraire.
 * @param {Plane} grey @returns {[number, number, number, number] | null} son cadre, un peu rogné. */
function findSheet({width, height, values}) {
  const level = twoTones(values);
  if (level === null) return null;
  const border = values.filter((_, i) => i < width || i >= values.length - width);
  const sides = values.filter((_, i) => i % width === 0 || i % width === width - 1);
  const isBright = quantile(Float32Array.of(...border, ...sides), 0.5) <= level;
  const {pixels, top, left, bottom, right} = pieces(values.map((value) => Number(value > level === isBright)), width)
    .reduce((a, b) => (b.pixels.length > a.pixels.length ? b : a));
  const w = right - left + 1, h = bottom - top + 1, long = Math.max(w, h);
  const touched = [top, left, height - 1 - bottom, width - 1 - right].filter((margin) => margin === 0).length;
  // Les quatre coins : un chiffre épais remplit parfois son cadre, mais il est rond.
  const corners = [[top, left], [top, right], [bottom, left], [bottom, right]];
  const far = Math.max(...corners.map(([y, x]) => pixels.reduce((least, i) =>
    Math.min(least, Math.abs(Math.floor(i / width) - y) + Math.abs(i % width - x)), Infinity)));
  if (touched > 1 || Math.min(w, h) < Math.max(SIDE, 0.4 * long) || far > 0.2 * long ||
    pixels.length < Math.max(0.65 * w * h, 0.08 * values.length)) return null;
  const inset = 0.03 * long, [x0, y0, x1, y1] = [left + inset, top + inset, right + 1 - inset, bottom + 1 - inset];
  return [Math.trunc(x0), Math.trunc(y0), Math.trunc(x1), Math.trunc(y1)];
}

/** Rend le niveau qui sépare deux tons francs ; null, si l'image n'en a pas deux.
 * Source : Otsu, IEEE SMC 9(1), 1979. @param {Float32Array} values */
function twoTones(values) {
  const counts = new Float64Array(256);
  for (const value of values) counts[value]++;
  const shares = counts.map((count) => count / values.length);
  const mean = shares.reduce((sum, share, level) => sum + share * level, 0);
  const variance = shares.reduce((sum, share, level) => sum + share * (level - mean) ** 2, 0);
  let below = 0, moment = 0, most = -1, best = 0;
  shares.forEach((share, level) => {
    below += share;
    moment += share * level;
    const between = (mean * below - moment) ** 2 / Math.max(below * (1 - below), 1e-9);
    if (between > most) [most, best] = [between, level];
  });
  return variance > 0 && most > 0.85 * variance ? best : null;
}

// --- Filtres de Pillow, sur des nombres quelconques ----------------------------------

/** Ramène à une autre taille, chaque ligne puis chaque colonne.
 * @param {{width: number, height: number, values: ArrayLike<number>}} plane @param {number} width
 * @param {number} height @param {import("./picture.js").Filter} filter
 * @param {boolean} [isExact] des nombres quelconques, et non des octets. @returns {Plane} */
export function scale(plane, width, height, filter, isExact = false) {
  const columns = axisWeights(0, plane.width, plane.width, width, filter, isExact), add = isExact ? weighExactly : weigh;
  const rows = axisWeights(0, plane.height, plane.height, height, filter, isExact);
  const wide = Float32Array.from({length: width * plane.height}, (_, i) => {
    const {first, weights} = columns[i % width];
    return add(plane.values, Math.floor(i / width) * plane.width + first, 1, weights);
  });
  const values = Float32Array.from({length: width * height}, (_, i) => {
    const {first, weights} = rows[Math.floor(i / width)];
    return add(wide, first * width + i % width, width, weights);
  });
  return {width, height, values};
}

/** Comme `weigh`, sans arrondir. @type {typeof weigh} */
function weighExactly(values, start, step, weights) {
  let sum = 0;
  for (let i = 0, k = start; i < weights.length; i++, k += step) sum += weights[i] * values[k];
  return sum;
}

/** Remplace chaque pixel par le plus grand, ou le plus petit, d'un carré. @param {Plane} plane
 * @param {number} reach demi-côté. @param {(a: number, b: number) => number} pick @returns {Plane} */
function around(plane, reach, pick) {
  return spread(spread(plane, reach, 1, pick), reach, plane.width, pick);
}

/** Remplace chaque pixel par le cinquième des neuf qui l'entourent. @param {Plane} plane @returns {Plane} */
function median({width, height, values}) {
  const nine = new Float32Array(9);
  const clip = (/** @type {number} */ place, /** @type {number} */ count) => Math.min(count - 1, Math.max(0, place));
  return {width, height, values: values.map((_, i) => {
    const y = Math.floor(i / width), x = i % width;
    for (let k = 0; k < 9; k++) {
      nine[k] = values[clip(y + Math.floor(k / 3) - 1, height) * width + clip(x + k % 3 - 1, width)];
    }
    return nine.sort()[4];
  })};
}
