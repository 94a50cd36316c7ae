import { ButtonRows } from './button_rows.js';
import { dateAndTime, timeOfDay } from './clock.js';
import { copyButton } from './clipboard.js';
import { element, icon, setAttribute, setText } from './dom.js';
import { FilesView } from './files_view.js';
import { MarkdownView } from './markdown_view.js';
import { Reactions } from './reactions.js';

/**
 * An answer from the moment it is awaited. `actions`: `regenerate(item)` and `press(item, button)`, resolving when the
 * request is answered, and `react(target, emoji, removed)`.
 */
export class AnswerMessage {
  element;

  #markdown = new MarkdownView();
  #dots = element(
    'div',
    { class: 'dots', role: 'img', 'aria-label': 'Waiting for the answer' },
    element('i'),
    element('i'),
    element('i'),
  );
  #note = element('span', { class: 'note' });
  #time = element('time');
  #copy = copyButton({ label: 'Copy answer', testid: 'copy', text: () => this.#item.text });
  #regenerate = element(
    'button',
    { type: 'button', class: 'quiet-button', 'data-testid': 'regenerate' },
    icon('again'),
    element('span', { class: 'button-label' }, 'Regenerate'),
  );
  #files = new FilesView();
  #buttons;
  #reactions;
  #item;

  constructor(actions) {
    this.#buttons = new ButtonRows((button) => actions.press(this.#item, button));
    this.#reactions = new Reactions((emoji, removed) => actions.react(this.#item.key, emoji, removed));
    this.#regenerate.addEventListener('click', async () => {
      this.#regenerate.disabled = true;
      await actions.regenerate(this.#item);
      this.#regenerate.disabled = false;
    });
    this.element = element(
      'li',
      { class: 'message from-assistant', 'data-testid': 'message', 'data-role': 'assistant' },
      element('span', { class: 'star', 'aria-hidden': 'true' }, icon('star')),
      element(
        'div',
        { class: 'answer', dir: 'auto' },
        element('span', { class: 'visually-hidden' }, 'Stargazer said:'),
        this.#dots,
        this.#markdown.element,
        this.#files.element,
        this.#buttons.element,
        this.#reactions.element,
        element(
          'div',
          { class: 'meta' },
          this.#time,
          this.#note,
          element('span', { class: 'actions' }, this.#copy, this.#reactions.opener, this.#regenerate),
        ),
      ),
    );
  }

  update(item, { last, idle }) {
    this.#item = item;
    const { state } = item;
    const whole = state === 'done' || state === 'error';
    if (state === 'streaming') this.#markdown.grow(item.text);
    else this.#markdown.complete(item.text ?? '');
    setAttribute(this.element, 'data-state', state);
    setAttribute(this.element, 'data-key', item.key ?? null);
    setAttribute(this.element, 'aria-busy', whole ? null : 'true');
    this.#dots.hidden = state !== 'waiting';
    setText(this.#note, note(item));
    this.#time.hidden = !whole;
    if (whole) {
      setText(this.#time, timeOfDay(item.ts));
      setAttribute(this.#time, 'datetime', new Date(item.ts).toISOString());
      setAttribute(this.#time, 'title', dateAndTime(item.ts));
    }
    this.#copy.hidden = !whole || !item.text;
    this.#files.update(item.chat, item.files);
    this.#buttons.update(item.buttons, item.pressed);
    this.#reactions.update(item.reactions);
    this.#reactions.opener.hidden = !whole;
    this.#regenerate.hidden = !(whole && last && idle);
    this.element.classList.toggle('is-last', last);
  }
}

function note({ state, stopping, stopped, edited }) {
  if (state === 'waiting' || state === 'streaming') return stopping ? 'stopping…' : '';
  return [stopped && 'stopped', edited && 'edited'].filter(Boolean).join(', ');
}
