/**
 * Exponential pauses with jitter: each is random between half of its bound and its bound,
 * so that many pages do not return at once.
 */
export class Backoff {
  #least;
  #most;
  #attempt = 0;

  constructor(least, most) {
    this.#least = least;
    this.#most = most;
  }

  next() {
    const bound = Math.min(this.#least * 2 ** (this.#attempt + 1), this.#most);
    if (bound < this.#most) this.#attempt += 1;
    return bound * (0.5 + Math.random() / 2);
  }

  reset() {
    this.#attempt = 0;
  }
}
