import { AnswerMessage } from './answer_message.js';
import { announce } from './announcer.js';
import { dayName } from './clock.js';
import { element, setChildren } from './dom.js';
import { FollowEnd } from './scroll.js';
import { UserMessage } from './user_message.js';

// The newest texts are put into the page at first, and as many more each time the visitor asks for earlier ones.
const PAGE = 80;
// Drawing may take at most this share of the time, however long an answer becomes.
const SHARE = 0.25;
const ANNOUNCED = 600;

/** The open chat's texts. */
export class Conversation {
  #session;
  #list = document.getElementById('messages');
  #earlier = document.getElementById('earlier');
  #empty = document.getElementById('empty');
  #loading = document.getElementById('loading');
  #views = new Map();
  #actions;
  #end;
  #limit = PAGE;
  #planned = false;
  #nextDraw = 0;

  /** `edit(text)`: the visitor wants to change a refused text; `change(item)`: one that was taken. */
  constructor(session, outbox, { edit, change }) {
    this.#session = session;
    this.#actions = {
      regenerate: ({ key }) => session.regenerate(key),
      press: ({ key }, button) => session.press(key, button),
      react: (target, emoji, removed) => session.react(target, emoji, removed),
      change,
      retract: ({ id }) => session.retract(id),
      discard: ({ id }) => outbox.discard(id),
      edit: ({ id, text }) => {
        outbox.discard(id);
        edit(text);
      },
    };
    const jump = document.getElementById('jump');
    this.#end = new FollowEnd(
      document.getElementById('scroller'),
      document.getElementById('scrolled'),
      (following) => {
        jump.hidden = following;
      },
    );
    jump.addEventListener('click', () => this.#end.follow());
    this.#earlier.addEventListener('click', () => {
      this.#limit += PAGE;
      this.#end.keepingPlace(() => this.#draw());
    });
    session.addEventListener('open', ({ detail }) => this.#opened(detail.created));
    session.addEventListener('conversation', () => this.#plan());
    session.addEventListener('answer', ({ detail }) => announceAnswer(detail.text));
    this.#draw();
  }

  /** Goes to the end, where what the visitor does next is to be seen. */
  follow() {
    this.#end.follow();
  }

  #opened(created) {
    // The visitor is still in the chat that they began; all that is new is its id.
    if (!created) {
      this.#views.clear();
      this.#limit = PAGE;
    }
    this.#draw();
    this.#end.follow();
  }

  #plan() {
    if (this.#planned) return;
    this.#planned = true;
    const pause = Math.max(0, this.#nextDraw - performance.now());
    setTimeout(() => requestAnimationFrame(() => this.#draw()), pause);
  }

  #draw() {
    this.#planned = false;
    const began = performance.now();
    const { log, current, running } = this.#session;
    const items = this.#session.items();
    const shown = items.slice(-this.#limit);
    setChildren(this.#list, this.#withDays(shown, !running));
    this.#earlier.hidden = shown.length === items.length;
    this.#empty.hidden = (current !== null && !(log.loaded && items.length === 0)) || items.length > 0;
    this.#loading.hidden = current === null || log.loaded || items.length > 0;
    const now = performance.now();
    this.#nextDraw = now + (now - began) * (1 / SHARE - 1);
  }

  /** The elements of the items, with a line before the first of each day. */
  #withDays(items, idle) {
    const elements = [];
    const used = new Map();
    let day = '';
    const last = items.at(-1);
    for (const item of items) {
      const its = item.ts ? dayName(item.ts) : day;
      if (its !== day) {
        const line = this.#view(used, `day:${its}`, () => dayLine(its));
        elements.push(line.element);
        day = its;
      }
      const view = this.#view(used, item.view, () =>
        item.role === 'user' ? new UserMessage(this.#actions) : new AnswerMessage(this.#actions),
      );
      view.update({ ...item, chat: this.#session.current }, { last: item === last, idle });
      elements.push(view.element);
    }
    this.#views = used;
    return elements;
  }

  #view(used, id, make) {
    const view = this.#views.get(id) ?? make();
    used.set(id, view);
    return view;
  }
}

const dayLine = (name) => ({ element: element('li', { class: 'day' }, name) });

function announceAnswer(text) {
  announce(`Answer: ${text.length > ANNOUNCED ? `${text.slice(0, ANNOUNCED)}… (more in the conversation)` : text}`);
}
