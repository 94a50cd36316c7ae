import { announce } from './announcer.js';
import { setText } from './dom.js';

// A reconnect that takes less is nobody's business.
const SAID_AFTER = 1_500;

/** Shows whether messages go through: one word at the top, and a line of what to know when they do not. */
export class Status {
  #connection;
  #session;
  #word = document.getElementById('status');
  #banner = document.getElementById('banner');
  #words = document.getElementById('banner-words');
  #retry = document.getElementById('retry');
  #reload = document.getElementById('reload');
  #ticker;
  #said = 'ready';
  #sayTimer;
  #wasOpen = false;

  constructor(connection, session) {
    this.#connection = connection;
    this.#session = session;
    connection.addEventListener('state', () => this.#draw());
    session.addEventListener('gateway', () => this.#draw());
    this.#retry.addEventListener('click', () => connection.wake());
    this.#reload.addEventListener('click', () => location.reload());
    this.#draw();
  }

  /** connecting | offline | error | not-ready | ready */
  get #state() {
    const { state } = this.#connection;
    if (state === 'outdated') return 'error';
    if (state !== 'open') return state;
    return this.#session.gateway.ready ? 'ready' : 'not-ready';
  }

  #draw() {
    const state = this.#state;
    this.#wasOpen ||= state === 'ready' || state === 'not-ready';
    this.#word.dataset.state = state;
    setText(this.#word, state.replace('-', ' '));
    const words = this.#explanation(state);
    // While a try runs, the line of the try before stays: it would flicker otherwise.
    if (state !== 'connecting') this.#banner.hidden = words === '';
    setText(this.#words, words || this.#words.textContent);
    this.#banner.dataset.state = state;
    this.#retry.hidden = state !== 'offline';
    this.#reload.hidden = state !== 'error';
    clearInterval(this.#ticker);
    if (state === 'offline') this.#ticker = setInterval(() => setText(this.#words, this.#explanation(state)), 500);
    if (state !== 'connecting') this.#say(state);
  }

  #explanation(state) {
    switch (state) {
      case 'offline': {
        const seconds = Math.ceil((this.#connection.retryAt - Date.now()) / 1000);
        const what = this.#wasOpen ? 'The connection is lost' : 'The gateway cannot be reached';
        return `${what}. Next try in ${Math.max(1, seconds)} s.`;
      }
      case 'connecting':
        return this.#banner.hidden ? '' : 'Trying to connect…';
      case 'not-ready':
        return this.#session.gateway.message || 'The gateway cannot take messages now.';
      case 'error':
        return 'The gateway was updated; this page is too old for it.';
      default:
        return '';
    }
  }

  #say(state) {
    clearTimeout(this.#sayTimer);
    this.#sayTimer = setTimeout(() => {
      if (state === this.#said) return;
      this.#said = state;
      announce(state === 'ready' ? 'Connected.' : this.#explanation(state));
    }, SAID_AFTER);
  }
}
