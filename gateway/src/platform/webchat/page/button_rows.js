import { element, setChildren } from './dom.js';

const STYLES = new Set(['primary', 'success', 'danger']);

/** The buttons below an answer. `press(button id)` resolves when the click was taken. */
export class ButtonRows {
  element = element('div', { class: 'button-rows' });

  #press;
  #drawn;

  constructor(press) {
    this.#press = press;
  }

  update(rows = [], pressed = new Set()) {
    this.element.hidden = rows.length === 0;
    const drawn = JSON.stringify([rows, [...pressed]]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    setChildren(
      this.element,
      rows.map((row) => element('div', { class: 'button-row' }, ...row.map((button) => this.#button(button, pressed)))),
    );
  }

  #button({ label, id, style, emoji, url }, pressed) {
    const words = [emoji, label].filter(Boolean).join(' ');
    if (url) {
      return element(
        'a',
        { class: 'button', href: url, target: '_blank', rel: 'noopener noreferrer', 'data-testid': 'link-button' },
        words,
      );
    }
    const made = element(
      'button',
      {
        type: 'button',
        class: `button${STYLES.has(style) ? ` ${style}` : ''}`,
        'data-testid': 'bot-button',
        'aria-pressed': pressed.has(id) ? 'true' : null,
        disabled: !id,
      },
      words,
    );
    made.addEventListener('click', async () => {
      made.disabled = true;
      await this.#press(id);
      made.disabled = false;
    });
    return made;
  }
}
