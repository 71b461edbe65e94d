// Headgate, MIT licence. The test picture of the check page: it shows the time at
// which it was drawn, so that whoever plays it back knows how old it is.
// @ts-check

/** A grid of black and white cells: 16 bits of time and 4 that check them. */
const COLUMNS = 5;
const ROWS = 4;
const WIDTH = 320;
const HEIGHT = 180;
/** The time in the picture starts again after so many milliseconds. */
const PERIOD = 1 << 16;

/** @param {number} ms @returns {boolean[]} 20 cells */
export function cellsOf(ms) {
  const value = Math.floor(ms) % PERIOD;
  const check = checkOf(value);
  return Array.from({ length: COLUMNS * ROWS }, (_, i) => Boolean(i < 16 ? (value >> i) & 1 : (check >> (i - 16)) & 1));
}

/** @param {boolean[]} cells @returns {number | undefined} milliseconds within the period; undefined when they are no time */
export function timeOf(cells) {
  const bits = cells.map(Number);
  const value = bits.slice(0, 16).reduce((sum, bit, i) => sum + bit * 2 ** i, 0);
  const check = bits.slice(16).reduce((sum, bit, i) => sum + bit * 2 ** i, 0);
  return check === checkOf(value) ? value : undefined;
}

/** Never 0 for 0 nor 15 for all ones: plain black and white are no time. @param {number} value */
const checkOf = (value) => ((value ^ (value >> 4) ^ (value >> 8) ^ (value >> 12)) & 15) ^ 5;

/** How old a picture of that time is. @param {number} time @param {number} now both milliseconds @returns {number} */
export const ageOf = (time, now) => (((Math.floor(now) - time) % PERIOD) + PERIOD) % PERIOD;

/** Draws the time and beeps very quietly, until stop(). */
export class TestPicture {
  #canvas = document.createElement("canvas");
  #timer = 0;
  /** @type {AudioContext | null} */
  #audio = null;

  /** @returns {MediaStream} video, and sound where the browser gives it */
  start() {
    this.#canvas.width = WIDTH;
    this.#canvas.height = HEIGHT;
    this.#draw();
    this.#timer = window.setInterval(() => this.#draw(), 33);
    const stream = this.#canvas.captureStream(30);
    for (const track of this.#sound()) stream.addTrack(track);
    return stream;
  }

  stop() {
    clearInterval(this.#timer);
    void this.#audio?.close();
    this.#audio = null;
  }

  #draw() {
    const context = this.#canvas.getContext("2d");
    if (!context) return;
    cellsOf(performance.now()).forEach((white, i) => {
      context.fillStyle = white ? "#fff" : "#000";
      context.fillRect((i % COLUMNS) * (WIDTH / COLUMNS), Math.floor(i / COLUMNS) * (HEIGHT / ROWS), WIDTH / COLUMNS, HEIGHT / ROWS);
    });
  }

  /** @returns {MediaStreamTrack[]} */
  #sound() {
    try {
      this.#audio = new AudioContext();
      const tone = this.#audio.createOscillator();
      const quiet = this.#audio.createGain();
      const out = this.#audio.createMediaStreamDestination();
      quiet.gain.value = 0.05;
      tone.connect(quiet).connect(out);
      tone.start();
      return out.stream.getAudioTracks();
    } catch {
      return []; // the picture is enough
    }
  }
}

/** Reads the ages of what a video shows, until stop(). */
export class AgeReader {
  #canvas = document.createElement("canvas");
  #timer = 0;
  #last = -1;
  /** @type {number[]} */
  #ages = [];

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.video = video;
    this.#canvas.width = WIDTH;
    this.#canvas.height = HEIGHT;
    this.#timer = window.setInterval(() => this.#look(), 15);
  }

  stop() {
    clearInterval(this.#timer);
  }

  /** @returns {number | undefined} the median, in milliseconds */
  median() {
    return this.#ages.toSorted((a, b) => a - b)[Math.floor(this.#ages.length / 2)];
  }

  #look() {
    const context = this.#canvas.getContext("2d", { willReadFrequently: true });
    if (!context || this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    context.drawImage(this.video, 0, 0, WIDTH, HEIGHT);
    const { data } = context.getImageData(0, 0, WIDTH, HEIGHT);
    const time = timeOf(Array.from({ length: COLUMNS * ROWS }, (_, i) => {
      const x = Math.floor(((i % COLUMNS) + 0.5) * (WIDTH / COLUMNS));
      const y = Math.floor((Math.floor(i / COLUMNS) + 0.5) * (HEIGHT / ROWS));
      return data[(y * WIDTH + x) * 4 + 1] > 127;
    }));
    if (time === undefined || time === this.#last) return; // torn, or seen
    this.#last = time;
    this.#ages.push(ageOf(time, performance.now()));
  }
}
