// L'appareil photo : une seule prise de vue à la fois, éteinte dès que la page passe à autre chose.

import {make} from "./dom.js";

/** Un appareil, et la vidéo qui montre ce qu'il voit. */
export class Camera {
  constructor() {
    this.video = make("video", {autoplay: true, playsinline: true, muted: true});
    /** @type {MediaStream | null} */
    this.stream = null;
    this.turn = 0; // la dernière ouverture demandée ; les autres sont refermées dès qu'elles aboutissent
    addEventListener("pagehide", () => this.close());
  }

  /** Ouvre l'appareil. @param {MediaTrackConstraints} [wanted]
   * @returns {Promise<boolean>} faux : entre-temps, il a été refermé, ou ouvert encore.
   * @throws {Error} l'appareil manque, ou n'est pas permis. */
  async open(wanted = {}) {
    this.close();
    const mine = this.turn;
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({video: {facingMode: "environment", ...wanted}});
    } catch {
      if (mine !== this.turn) return false;
      throw new Error("L'appareil photo n'est pas disponible, ou n'est pas permis.");
    }
    if (mine !== this.turn) {
      turnOff(stream);
      return false;
    }
    this.stream = this.video.srcObject = stream;
    try {
      await this.video.play();
    } catch {
      return false; // refermé avant la première image
    }
    return mine === this.turn;
  }

  /** Éteint l'appareil. */
  close() {
    this.turn++;
    if (this.stream) turnOff(this.stream);
    this.stream = this.video.srcObject = null;
  }
}

/** @param {MediaStream} stream */
function turnOff(stream) {
  for (const track of stream.getTracks()) track.stop();
}
