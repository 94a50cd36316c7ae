import { shortWhen } from './clock.js';
import { element, iconButton, setAttribute, setText } from './dom.js';

const LONGEST_TITLE = 120;
const encoder = new TextEncoder();

export const titleOf = (chat) => chat.title || 'New chat';

/** One chat of the list: a link to it, and its title to be changed in place. */
export class ChatItem {
  element = element('li', { class: 'chat', 'data-testid': 'chat-item' });

  #actions;
  #chat;
  #title = element('span', { class: 'chat-title', dir: 'auto' });
  #when = element('time', { class: 'chat-when' });
  #link = element('a', { class: 'chat-link' }, this.#title, this.#when);
  #renameButton = iconButton('pen', 'Rename chat', { 'data-testid': 'rename-chat' });
  #deleteButton = iconButton('bin', 'Delete chat', { 'data-testid': 'delete-chat' });
  #editor = null;

  constructor(actions) {
    this.#actions = actions;
    this.#renameButton.addEventListener('click', () => this.#edit());
    this.#deleteButton.addEventListener('click', () => actions.remove(this.#chat));
    this.#title.addEventListener('dblclick', () => this.#edit());
    this.element.append(
      this.#link,
      element('span', { class: 'chat-buttons' }, this.#renameButton, this.#deleteButton),
    );
  }

  update(chat, current) {
    this.#chat = chat;
    const title = titleOf(chat);
    setAttribute(this.element, 'data-chat', chat.id);
    this.#link.href = `#${chat.id}`;
    setAttribute(this.#link, 'aria-current', current ? 'page' : null);
    setAttribute(this.#link, 'title', title);
    setText(this.#title, title);
    setText(this.#when, shortWhen(chat.updated));
    setAttribute(this.#when, 'datetime', new Date(chat.updated).toISOString());
    setAttribute(this.#renameButton, 'aria-label', `Rename chat “${title}”`);
    setAttribute(this.#deleteButton, 'aria-label', `Delete chat “${title}”`);
  }

  #edit() {
    if (this.#editor) return;
    const input = element('input', {
      class: 'chat-rename',
      'aria-label': 'Title of the chat',
      'data-testid': 'rename-input',
      autocomplete: 'off',
    });
    input.value = titleOf(this.#chat);
    this.#editor = input;
    input.addEventListener('keydown', (event) => {
      if (event.isComposing) return;
      if (event.key === 'Enter') this.#finish(true, true);
      if (event.key === 'Escape') this.#finish(false, true);
      event.stopPropagation();
    });
    input.addEventListener('input', () => {
      const tooLong = encoder.encode(input.value.trim()).length > LONGEST_TITLE;
      input.setCustomValidity(tooLong ? `A title may have ${LONGEST_TITLE} bytes.` : '');
      input.reportValidity();
    });
    input.addEventListener('blur', () => this.#finish(input.validity.valid, false));
    this.element.classList.add('is-editing');
    this.element.prepend(input);
    input.select();
  }

  #finish(keep, focus) {
    const input = this.#editor;
    if (!input || (keep && !input.reportValidity())) return;
    // Removing it makes it lose the focus, which would come here again.
    this.#editor = null;
    const title = input.value.trim();
    input.remove();
    this.element.classList.remove('is-editing');
    if (focus) this.#link.focus();
    if (keep && title !== '' && title !== titleOf(this.#chat)) this.#rename(title);
  }

  async #rename(title) {
    setText(this.#title, title);
    const done = await this.#actions.rename(this.#chat.id, title);
    if (!done) setText(this.#title, titleOf(this.#chat));
  }
}
