import { dateAndTime, timeOfDay } from './clock.js';
import { element, setAttribute, setText } from './dom.js';

/** What the visitor said. `actions`: `edit(item)` and `discard(item)` for a text that was refused. */
export class UserMessage {
  element;

  #text = element('div', { class: 'bubble', dir: 'auto' });
  #note = element('span', { class: 'note' });
  #time = element('time');
  #actions;
  #item;

  constructor(actions) {
    const button = (label, act) => {
      const made = element(
        'button',
        { type: 'button', class: 'quiet-button', 'data-testid': `${label.toLowerCase()}-unsent` },
        label,
      );
      made.addEventListener('click', () => act(this.#item));
      return made;
    };
    this.#actions = element(
      'span',
      { class: 'actions' },
      button('Edit', actions.edit),
      button('Discard', actions.discard),
    );
    this.element = element(
      'li',
      { class: 'message from-user', 'data-testid': 'message', 'data-role': 'user' },
      element('span', { class: 'visually-hidden' }, 'You said:'),
      this.#text,
      element('div', { class: 'meta' }, this.#note, this.#time, this.#actions),
    );
  }

  update(item) {
    this.#item = item;
    setText(this.#text, item.text);
    setAttribute(this.element, 'data-id', item.id);
    setAttribute(this.element, 'data-state', item.state);
    const waiting = item.reason ? `${item.reason} Trying again…` : 'sending…';
    setText(this.#note, { sending: waiting, error: item.reason, done: '' }[item.state]);
    setText(this.#time, item.state === 'done' ? timeOfDay(item.ts) : '');
    setAttribute(this.#time, 'datetime', new Date(item.ts).toISOString());
    setAttribute(this.#time, 'title', dateAndTime(item.ts));
    this.#actions.hidden = item.state !== 'error';
  }
}
