import { element, setAttribute, setChildren } from './dom.js';

const OFFERED = ['👍', '❤️', '😄', '🎉', '🤔', '👎'];

/** The reactions to a message, and a way to add one. `toggle(emoji, removed)` is asked for what the visitor clicks. */
export class Reactions {
  element;
  /** The button that offers more; it stands among a message's actions. */
  opener = element(
    'button',
    {
      type: 'button',
      class: 'quiet-button',
      'aria-label': 'React',
      title: 'React',
      'aria-expanded': 'false',
      'data-testid': 'react',
    },
    '☺',
  );

  #toggle;
  #chips = new Map();
  #offer;
  #shown = new Map();

  constructor(toggle) {
    this.#toggle = toggle;
    this.#offer = element(
      'span',
      { class: 'offer', role: 'group', 'aria-label': 'Reactions to choose from', hidden: true },
      ...OFFERED.map((emoji) => {
        const choice = element(
          'button',
          { type: 'button', class: 'quiet-button', 'data-testid': 'reaction-choice', 'aria-label': emoji },
          emoji,
        );
        choice.addEventListener('click', () => {
          this.#open(false);
          this.#click(emoji);
        });
        return choice;
      }),
    );
    this.opener.addEventListener('click', () => this.#open(this.#offer.hidden));
    this.element = element('div', { class: 'reactions' });
    this.#offer.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.preventDefault();
      this.#open(false);
      this.opener.focus();
    });
  }

  /** `reactions`: by emoji, a set of `visitor` and `bot`. */
  update(reactions = new Map()) {
    this.#shown = reactions;
    const chips = [...reactions].map(([emoji, who]) => {
      const chip = this.#chips.get(emoji) ?? this.#chip(emoji);
      this.#chips.set(emoji, chip);
      const whose = { visitor: 'you', bot: 'Stargazer' };
      setAttribute(chip, 'aria-pressed', String(who.has('visitor')));
      setAttribute(chip, 'aria-label', `${emoji} by ${[...who].map((one) => whose[one]).join(' and ')}`);
      chip.textContent = who.size > 1 ? `${emoji} ${who.size}` : emoji;
      return chip;
    });
    setChildren(this.element, [...chips, this.#offer]);
    this.element.hidden = chips.length === 0 && this.#offer.hidden;
  }

  #chip(emoji) {
    const chip = element('button', { type: 'button', class: 'chip', 'data-testid': 'reaction' });
    chip.addEventListener('click', () => this.#click(emoji));
    return chip;
  }

  #click(emoji) {
    this.#toggle(emoji, this.#shown.get(emoji)?.has('visitor') ?? false);
  }

  #open(open) {
    this.#offer.hidden = !open;
    setAttribute(this.opener, 'aria-expanded', String(open));
    this.update(this.#shown);
    if (open) this.#offer.querySelector('button').focus();
  }
}
