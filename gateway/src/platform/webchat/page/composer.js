import { Attachments } from './attachments.js';
import { Drafts } from './drafts.js';
import { setText } from './dom.js';

const encoder = new TextEncoder();
// From here on the visitor is told how much room is left.
const NEARLY = 0.8;

/** The place to write in. Events: `sent`. */
export class Composer extends EventTarget {
  #session;
  #outbox;
  #drafts = new Drafts();
  #chat = null;
  #form = document.getElementById('composer');
  #text = document.getElementById('text');
  #problem = document.getElementById('problem');
  #room = document.getElementById('room');
  #send = document.getElementById('send');
  #stop = document.getElementById('stop');
  #changing = document.getElementById('changing');
  /** What is being changed, and the draft that waits meanwhile. */
  #change = null;
  #attachments;

  constructor(session, outbox) {
    super();
    this.#session = session;
    this.#attachments = new Attachments(session);
    this.#outbox = outbox;
    this.#attachments.addEventListener('left-out', ({ detail }) => setText(this.#problem, detail));
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#text.addEventListener('keydown', (event) => this.#key(event));
    this.#text.addEventListener('input', () => this.#edited());
    this.#stop.addEventListener('click', () => this.stop());
    document.getElementById('change-cancel').addEventListener('click', () => this.#changed());
    session.addEventListener('open', ({ detail }) => this.#open(detail.created));
    session.addEventListener('conversation', () => this.#offer());
    session.addEventListener('gateway', () => this.#edited());
    session.addEventListener('chats', () => {
      this.#drafts.prune([null, session.current, ...session.chats.map(({ id }) => id)]);
    });
    this.#open(false);
  }

  focus() {
    this.#text.focus();
  }

  /** Puts a text back to be changed, in front of what is there. */
  insert(text) {
    const draft = this.#text.value;
    this.#text.value = draft ? `${text}\n\n${draft}` : text;
    this.#edited();
    this.focus();
    this.#text.setSelectionRange(text.length, text.length);
  }

  /** Lets the visitor change what they said. */
  change({ id, text }) {
    this.#changed();
    this.#change = { id, draft: this.#text.value };
    this.#changing.hidden = false;
    this.#text.value = text;
    this.#edited();
    this.#offer();
    this.focus();
    this.#text.setSelectionRange(text.length, text.length);
  }

  /** Ends what can be ended: a change, else the answer. */
  escape() {
    if (this.#change) this.#changed();
    else this.stop();
  }

  async stop() {
    if (!this.#session.running || this.#stop.disabled) return;
    this.#stop.disabled = true;
    this.focus();
    await this.#session.stop();
    this.#stop.disabled = false;
  }

  /** The change is made or given up; the draft comes back. */
  #changed() {
    if (!this.#change) return;
    const { draft } = this.#change;
    this.#change = null;
    this.#changing.hidden = true;
    this.#text.value = draft;
    this.#edited();
    this.#offer();
    this.focus();
  }

  #open(created) {
    if (this.#change) {
      this.#change = null;
      this.#changing.hidden = true;
    }
    // What was typed while the chat was being made goes with the visitor.
    if (created) this.#drafts.remove(this.#chat);
    else this.#text.value = this.#drafts.get(this.#session.current);
    this.#chat = this.#session.current;
    this.#edited();
    this.#offer();
  }

  #key(event) {
    // 229: Safari ends the composition before the keydown of the Enter that confirmed it.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const text = this.#text.value;
    if (text.trim() === '' && (this.#change || this.#attachments.empty)) return this.focus();
    if (this.#change) {
      const problem = this.#tooLong(text);
      setText(this.#problem, problem);
      if (problem) return;
      this.#session.change(this.#change.id, text);
      return this.#changed();
    }
    const problem = this.#session.running
      ? 'An answer is being written. Stop it, or wait, to send this.'
      : this.#unready() || this.#tooMuch(text);
    setText(this.#problem, problem);
    if (problem) return;
    this.#session.say(text, this.#attachments.files);
    this.#attachments.clear();
    this.#text.value = '';
    this.#edited();
    this.focus();
    this.dispatchEvent(new Event('sent'));
  }

  #unready() {
    return this.#attachments.obstacle;
  }

  #tooMuch(text) {
    if (this.#outbox.full)
      return 'Too many messages wait to be sent. Try again when they are through, or discard some.';
    return this.#tooLong(text);
  }

  #tooLong(text) {
    const { text_max: most } = this.#session.limits;
    const over = bytes(text) - most;
    if (over <= 0) return '';
    return `Too long: shorten it by ${over.toLocaleString()} bytes. A message may have ${most.toLocaleString()}.`;
  }

  #edited() {
    const { value } = this.#text;
    const { text_max: most } = this.#session.limits;
    if (!this.#change) this.#drafts.set(this.#chat, value);
    // A UTF-16 unit is at most three bytes, so most texts need no counting.
    const used = value.length * 3 > most * NEARLY ? bytes(value) : 0;
    const over = used > most;
    setText(this.#room, used > most * NEARLY ? `${used.toLocaleString()} of ${most.toLocaleString()} bytes` : '');
    this.#room.classList.toggle('is-over', over);
    setText(this.#problem, over ? this.#tooMuch(value) : '');
    this.#text.setAttribute('aria-invalid', String(over));
    this.#grow();
  }

  #offer() {
    // A change may be sent while its answer is being written, which then begins anew.
    const running = this.#session.running && !this.#change;
    if (this.#stop.hidden === !running) return;
    const hadFocus = [this.#send, this.#stop].includes(document.activeElement);
    this.#send.hidden = running;
    this.#stop.hidden = !running;
    if (!running) setText(this.#problem, '');
    if (hadFocus) this.focus();
  }

  // Browsers without `field-sizing` need the height written.
  #grow() {
    if (CSS.supports('field-sizing', 'content')) return;
    this.#text.style.height = 'auto';
    this.#text.style.height = `${this.#text.scrollHeight}px`;
  }
}

const bytes = (text) => encoder.encode(text).length;
