// Comparer des boîtes et relire la grille d'un détecteur, comme l'exercice 17.
//
// Source : S3 « Intersection over Union » ; Redmon et al., arXiv 1506.02640, 2016.

/** @typedef {[number, number, number, number]} Box gauche, haut, droite, bas, en pixels. */
/** @typedef {{box: Box, score: number, label: number}} Detection */

/** Divise l'aire commune de deux boîtes par celle de leur réunion ; 0 si elles sont disjointes.
 * @param {Box} a @param {Box} b */
export function iou(a, b) {
  const {common, union} = areas(a, b);
  return union > 0 ? common / union : 0;
}

/** @param {Box} a @param {Box} b */
export function areas(a, b) {
  const area = (/** @type {Box} */ box) => Math.max(0, box[2] - box[0]) * Math.max(0, box[3] - box[1]);
  const common = area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  return {first: area(a), second: area(b), common, union: area(a) + area(b) - common};
}

/**
 * Relit les boîtes d'une grille, du plus sûr au moins sûr.
 *
 * @param {Float32Array} values `(cases, cases, profondeur)` : présence, centre, taille, classes.
 * @param {number[]} shape celle de la sortie : 1, cases, cases, profondeur.
 * @param {number} side côté de l'image, en pixels.
 * @returns {Detection[]}
 */
export function readGrid(values, [, cells, , depth], side) {
  const found = [], clip = (/** @type {number} */ value) => Math.min(side, Math.max(0, value));
  for (let index = 0; index < cells * cells; index++) {
    const cell = values.subarray(index * depth, (index + 1) * depth), classes = cell.subarray(5);
    const label = classes.indexOf(Math.max(...classes));
    const x = (cell[1] + index % cells) * side / cells, y = (cell[2] + Math.floor(index / cells)) * side / cells;
    const [w, h] = [cell[3] * side / 2, cell[4] * side / 2];
    /** @type {Box} */
    const box = [clip(x - w), clip(y - h), clip(x + w), clip(y + h)];
    found.push({box, score: cell[0] * classes[label], label});
  }
  return found.sort((a, b) => b.score - a.score);
}

/**
 * Supprime les doublons : de deux boîtes d'une classe qui se recouvrent trop, la moins sûre.
 *
 * @param {Detection[]} detections du plus sûr au moins sûr.
 * @param {number} threshold IoU au-delà de laquelle deux boîtes désignent le même objet.
 */
export function suppress(detections, threshold) {
  /** @type {Detection[]} */
  const kept = [];
  for (const each of detections) {
    if (kept.every((other) => other.label !== each.label || iou(other.box, each.box) <= threshold)) kept.push(each);
  }
  return kept;
}
