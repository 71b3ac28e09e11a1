/** Tells when MySQL stops and starts answering: once per change. */
export class Availability {
  readonly #onDown: (error: unknown) => void;
  readonly #onUp: () => void;
  #isDown = false;

  constructor(onDown: (error: unknown) => void, onUp: () => void) {
    this.#onDown = onDown;
    this.#onUp = onUp;
  }

  failed(error: unknown): void {
    if (this.#isDown) return;
    this.#isDown = true;
    this.#onDown(error);
  }

  answered(): void {
    if (!this.#isDown) return;
    this.#isDown = false;
    this.#onUp();
  }
}
