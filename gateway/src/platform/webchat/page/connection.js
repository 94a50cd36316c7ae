import { Backoff } from './backoff.js';

const PROTO = 1;
const WELCOME_WITHIN = 10_000;
const PING_EVERY = 25_000;
const PONG_WITHIN = 10_000;
// A socket that ends sooner than this counts as a failure, so that one which is always closed at once is not hammered.
const PROVEN_AFTER = 5_000;

/**
 * One WebSocket to the gateway, made again whenever it is lost.
 *
 * Events: `state` (see the fields `state` and `retryAt`), `frame` (detail: the frame) and
 * `closed` (detail: the close code and reason).
 */
export class Connection extends EventTarget {
  /** connecting | open | offline | outdated. Open begins with `welcome`. */
  state = 'connecting';
  /** When the next try begins, in ms since epoch; only while offline. */
  retryAt = 0;

  #url;
  #socket = null;
  #backoff = new Backoff(250, 8_000);
  #retryTimer;
  #provenTimer;
  #pingTimer;
  #deadline;

  constructor(url) {
    super();
    this.#url = url;
    addEventListener('online', () => this.wake());
    addEventListener('offline', () => this.#ping());
    addEventListener('pageshow', (event) => event.persisted && this.wake());
    document.addEventListener('visibilitychange', () => !document.hidden && this.wake());
  }

  connect() {
    clearTimeout(this.#retryTimer);
    this.#become('connecting');
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#expectWithin(WELCOME_WITHIN);
    socket.onmessage = (event) => socket === this.#socket && this.#receive(event.data);
    socket.onclose = (event) => socket === this.#socket && this.#lost(event);
  }

  /** Sends a frame now, or tells by false that it could not. */
  send(frame) {
    if (this.state !== 'open') return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /**
   * Something hints that the network or the visitor is back: try at once,
   * or find out whether the socket still lives.
   */
  wake() {
    if (this.state === 'offline') this.connect();
    else this.#ping();
  }

  #receive(data) {
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return;
    }
    clearTimeout(this.#deadline);
    if (frame.t === 'welcome') {
      if (frame.proto !== PROTO) return this.#outdated();
      this.#become('open');
      this.#pingTimer = setInterval(() => this.#ping(), PING_EVERY);
      this.#provenTimer = setTimeout(() => this.#backoff.reset(), PROVEN_AFTER);
    }
    this.dispatchEvent(new CustomEvent('frame', { detail: frame }));
  }

  #ping() {
    if (this.send({ t: 'ping' })) this.#expectWithin(PONG_WITHIN);
  }

  #expectWithin(ms) {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => {
      // `close` on a dead network reports only after a long time; do not wait for it.
      const socket = this.#socket;
      this.#lost({ code: 1006, reason: '' });
      socket.close();
    }, ms);
  }

  #lost({ code, reason }) {
    this.#release();
    // 1001: the gateway was well and stops; another takes over, there is nothing to back off from.
    if (code === 1001) this.#backoff.reset();
    const delay = this.#backoff.next();
    this.retryAt = Date.now() + delay;
    this.#retryTimer = setTimeout(() => this.connect(), delay);
    this.#become('offline');
    this.dispatchEvent(new CustomEvent('closed', { detail: { code, reason } }));
  }

  #outdated() {
    const socket = this.#socket;
    this.#release();
    socket.close();
    this.#become('outdated');
  }

  #release() {
    this.#socket = null;
    clearTimeout(this.#deadline);
    clearTimeout(this.#provenTimer);
    clearInterval(this.#pingTimer);
  }

  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event('state'));
  }
}
