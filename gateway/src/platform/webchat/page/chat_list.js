import { ChatItem } from './chat_item.js';
import { setChildren } from './dom.js';

/** The list of the visitor's chats. `actions`: `rename(chat, title)` and `remove(chat)`. */
export class ChatList {
  #session;
  #actions;
  #list = document.getElementById('chats');
  #none = document.getElementById('no-chats');
  #items = new Map();

  constructor(session, actions) {
    this.#session = session;
    this.#actions = actions;
    session.addEventListener('chats', () => this.#draw());
    session.addEventListener('open', () => this.#draw());
  }

  #draw() {
    const chats = this.#session.chats ?? [];
    const used = new Map();
    for (const chat of chats) {
      const item = this.#items.get(chat.id) ?? new ChatItem(this.#actions);
      item.update(chat, chat.id === this.#session.current);
      used.set(chat.id, item);
    }
    this.#items = used;
    setChildren(
      this.#list,
      [...used.values()].map(({ element }) => element),
    );
    this.#none.hidden = this.#session.chats === null || chats.length > 0;
  }
}
