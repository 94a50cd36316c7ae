import { dateAndTime, timeOfDay } from './clock.js';
import { element, iconButton, setAttribute, setText } from './dom.js';
import { FilesView } from './files_view.js';
import { Reactions } from './reactions.js';

/**
 * What the visitor said. `actions`: `edit(item)` and `discard(item)` for a text that was refused; `change(item)`,
 * `retract(item)` and `react(target, emoji, removed)` for one that was taken.
 */
export class UserMessage {
  element;

  #text = element('div', { class: 'bubble', dir: 'auto' });
  #note = element('span', { class: 'note' });
  #time = element('time');
  #actions;
  #done;
  #files = new FilesView();
  #reactions;
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
    this.#reactions = new Reactions((emoji, removed) => actions.react(this.#item.id, emoji, removed));
    const change = iconButton('pen', 'Edit', { class: 'quiet-button', 'data-testid': 'edit' });
    change.addEventListener('click', () => actions.change(this.#item));
    const retract = iconButton('bin', 'Delete', { class: 'quiet-button', 'data-testid': 'retract' });
    retract.addEventListener('click', () => actions.retract(this.#item));
    this.#done = element('span', { class: 'actions is-quiet' }, this.#reactions.opener, change, retract);
    this.element = element(
      'li',
      { class: 'message from-user', 'data-testid': 'message', 'data-role': 'user' },
      element('span', { class: 'visually-hidden' }, 'You said:'),
      this.#files.element,
      this.#text,
      this.#reactions.element,
      element('div', { class: 'meta' }, this.#done, this.#note, this.#time, this.#actions),
    );
  }

  update(item) {
    this.#item = item;
    setText(this.#text, item.text);
    this.#text.hidden = item.text === '';
    this.#files.update(item.chat, item.files);
    setAttribute(this.element, 'data-id', item.id);
    setAttribute(this.element, 'data-state', item.state);
    const waiting = item.reason ? `${item.reason} Trying again…` : 'sending…';
    setText(this.#note, { sending: waiting, error: item.reason, done: item.edited ? 'edited' : '' }[item.state]);
    setText(this.#time, item.state === 'done' ? timeOfDay(item.ts) : '');
    setAttribute(this.#time, 'datetime', new Date(item.ts).toISOString());
    setAttribute(this.#time, 'title', dateAndTime(item.ts));
    this.#actions.hidden = item.state !== 'error';
    this.#done.hidden = item.state !== 'done';
    this.#reactions.update(item.reactions);
  }
}
