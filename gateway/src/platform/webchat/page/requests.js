import { requestId } from './request_id.js';

// After this a click is no longer what the visitor wants: a late `stop` would end another answer.
const GIVE_UP_AFTER = 20_000;
const RETRY_PAUSE = 1_500;

/** Codes of `refused` with which the same request may be sent again. */
export const RETRYABLE = new Set(['rate', 'busy', 'unavailable']);

/** Requests whose answer matters only to the page that is open: all but `send`, which has the outbox. */
export class Requests {
  #connection;
  #waiting = new Map();

  constructor(connection) {
    this.#connection = connection;
  }

  /** Resolves to the `ok` or `refused` frame; without an answer in time, to a `refused` with the code `timeout`. */
  ask(fields) {
    const frame = { ...fields, id: requestId() };
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#finish({ t: 'refused', id: frame.id, code: 'timeout', message: 'The gateway did not answer in time.' });
      }, GIVE_UP_AFTER);
      this.#waiting.set(frame.id, { frame, resolve, timer });
      this.#connection.send(frame);
    });
  }

  /**
   * To be called when the connection is open again. Whether a request arrived is not known,
   * and its id makes it safe to repeat.
   */
  resend() {
    for (const { frame } of this.#waiting.values()) this.#connection.send(frame);
  }

  /** Takes an `ok` or `refused`; false if it is not about one of these requests. */
  settle(answer) {
    const request = this.#waiting.get(answer.id);
    if (!request) return false;
    if (answer.t === 'refused' && RETRYABLE.has(answer.code)) {
      setTimeout(() => this.#waiting.has(answer.id) && this.#connection.send(request.frame), RETRY_PAUSE);
    } else {
      this.#finish(answer);
    }
    return true;
  }

  #finish(answer) {
    const request = this.#waiting.get(answer.id);
    clearTimeout(request.timer);
    this.#waiting.delete(answer.id);
    request.resolve(answer);
  }
}
