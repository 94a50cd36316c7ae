import { tab } from './storage.js';

const KEY = 'draft:';
// Chats without a draft take nothing, so only visitors who begin texts everywhere get here.
const MOST = 50;
const LONGEST = 64 * 1024;

/** What was typed and not sent, by chat; as long as the tab lives. */
export class Drafts {
  get(chat) {
    return tab.get(this.#key(chat)) ?? '';
  }

  set(chat, text) {
    const key = this.#key(chat);
    if (text === '' || text.length > LONGEST) return tab.remove(key);
    if (tab.get(key) === null && tab.keys(KEY).length >= MOST) return;
    tab.set(key, text);
  }

  remove(chat) {
    tab.remove(this.#key(chat));
  }

  /** Forgets the drafts of all chats but these. */
  prune(chats) {
    const kept = new Set(chats.map(this.#key));
    for (const key of tab.keys(KEY)) if (!kept.has(key)) tab.remove(key);
  }

  #key(chat) {
    return KEY + (chat ?? '');
  }
}
