// Headgate, MIT licence. A level meter for a microphone.
// @ts-check

/** Measures one stream's sound until closed. */
export class Meter {
  /** @type {AudioContext | null} */
  #context = null;
  #timer = 0;

  /**
   * @param {MediaStream} stream
   * @param {(level: number) => void} tell 0 (silence, -60 dB) to 1 (full), some ten times a second
   */
  constructor(stream, tell) {
    if (stream.getAudioTracks().length === 0) return;
    this.#context = new AudioContext();
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 1024;
    this.#context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#timer = window.setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      tell(levelOf(samples));
    }, 80);
  }

  close() {
    clearInterval(this.#timer);
    void this.#context?.close();
    this.#context = null;
  }
}

/** @param {Float32Array} samples @returns {number} */
export function levelOf(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const decibel = 10 * Math.log10(sum / samples.length + 1e-9);
  return Math.min(1, Math.max(0, (decibel + 60) / 60));
}
