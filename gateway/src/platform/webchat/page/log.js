// As many as the gateway keeps; a page that stays open for weeks shall not grow either.
const KEPT = 1_000;

/** The cause of the text with this key: `webchat:C:X` of `webchat:C:X:0`. */
export const causeOf = (key) => key.slice(0, key.lastIndexOf(':'));

const isFailure = (key) => key.endsWith(':dead');

/**
 * One chat: its log, applied entry by entry, and the previews of the answers that are being written.
 *
 * What is shown follows from these two alone, so it is the same in every tab and after every reload.
 */
export class ChatLog {
  /** The number of the newest entry. */
  last = 0;
  /** Whether all that the gateway kept has arrived once. */
  loaded = false;

  #items = [];
  #users = new Set();
  /** Keys whose text the log has or had; a preview of these comes too late. */
  #settled = new Set();
  /** Requests without a reply yet, by cause, in the order of the log. */
  #pending = new Map();
  #previews = new Map();
  /** By cause: the key of its first text. That text takes the place in which the visitor waits for it. */
  #firstKeys = new Map();
  /** By target, then by emoji: who reacted so, of `visitor` and `bot`. */
  #reactions = new Map();
  /** By target: the ids of the buttons that were used. */
  #pressed = new Map();

  get running() {
    return this.#pending.size > 0 || this.#previews.size > 0;
  }

  hasUser(id) {
    return this.#users.has(id);
  }

  /** Applies an entry; false if it was applied before. */
  apply(entry) {
    if (entry.n <= this.last) return false;
    this.last = entry.n;
    const reply = entry.key && this.#reply(entry.key);
    switch (entry.kind) {
      case 'user':
        this.#users.add(entry.id);
        this.#pending.set(entry.cause, {});
        this.#items.push({
          role: 'user',
          view: `user:${entry.id}`,
          id: entry.id,
          text: entry.text,
          files: entry.files,
          ts: entry.ts,
          state: 'done',
        });
        break;
      case 'message':
        this.#message(entry, reply.stopping);
        break;
      case 'edit':
        this.#edit(entry);
        break;
      case 'delete':
        this.#settle(entry.target);
        this.#items = this.#items.filter((item) => item.key !== entry.target);
        break;
      case 'change':
        this.#items = this.#items.map((item) =>
          item.id === entry.target ? { ...item, text: entry.text, edited: true } : item,
        );
        break;
      case 'retract':
        this.#items = this.#items.filter((item) => item.id !== entry.target);
        break;
      case 'reaction':
        this.#react(entry);
        break;
      case 'press':
        this.#pressed.set(entry.target, new Set(this.#pressed.get(entry.target)).add(entry.button));
        break;
      case 'stop':
        for (const request of this.#pending.values()) request.stopping = true;
        break;
      case 'regenerate':
        this.#pending.set(entry.cause, { target: entry.target });
        break;
    }
    if (this.#items.length > KEPT) this.#items.splice(0, this.#items.length - KEPT);
    return true;
  }

  /** Applies a preview: `shown`, `late` (the log has this text) or `gap` (what comes before it is missing here). */
  preview({ key, at, text }) {
    if (this.#settled.has(key)) return 'late';
    const before = this.#previews.get(key) ?? '';
    if (at > before.length) return 'gap';
    this.#take(key);
    this.#previews.set(key, before.slice(0, at) + text);
    return 'shown';
  }

  /**
   * After a pause in the connection: forgets previews that nothing waits for,
   * and tells the keys of those to ask for anew.
   */
  resume() {
    for (const key of this.#previews.keys()) {
      if (!this.#pending.has(causeOf(key))) this.#previews.delete(key);
    }
    return [...this.#pending.keys()].flatMap((cause) => {
      const keys = this.#previewsOf(cause);
      return keys.length > 0 ? keys : [`${cause}:0`];
    });
  }

  /** What to show, in order: the texts of the log, then the answers that are awaited or being written. */
  items() {
    const replaced = new Set([...this.#pending.values()].map((request) => request.target));
    const items = this.#items
      .filter((item) => item.role === 'user' || !replaced.has(item.key))
      .map((item) => ({
        ...item,
        reactions: this.#reactions.get(item.key ?? item.id),
        pressed: this.#pressed.get(item.key),
      }));
    for (const [cause, { stopping }] of this.#pending) {
      const keys = this.#previewsOf(cause);
      if (keys.length === 0) items.push({ role: 'assistant', view: cause, state: 'waiting', stopping });
      for (const key of keys) items.push(this.#streaming(key, stopping));
    }
    for (const key of this.#previews.keys()) {
      if (!this.#pending.has(causeOf(key))) items.push(this.#streaming(key, false));
    }
    return items;
  }

  /** Notes that the request behind this key has its reply; returns that request. */
  #reply(key) {
    const cause = causeOf(key);
    const request = this.#pending.get(cause) ?? {};
    this.#pending.delete(cause);
    return request;
  }

  #react({ by, target, emoji, removed }) {
    const reactions = new Map(this.#reactions.get(target));
    const who = new Set(reactions.get(emoji));
    if (removed) who.delete(by);
    else who.add(by);
    if (who.size > 0) reactions.set(emoji, who);
    else reactions.delete(emoji);
    this.#reactions.set(target, reactions);
  }

  #message({ key, text, ts, file, buttons = [] }, stopped = false) {
    this.#settle(key);
    // What a failed answer had shown so far is not its end, and no end will come.
    if (isFailure(key)) this.#previewsOf(causeOf(key)).forEach((unfinished) => this.#settle(unfinished));
    this.#take(key);
    this.#items.push({
      role: 'assistant',
      view: this.#viewOf(key),
      key,
      text,
      ts,
      files: file ? [file] : [],
      buttons,
      stopped,
      state: isFailure(key) ? 'error' : 'done',
    });
  }

  #edit({ target, text, buttons = [] }) {
    this.#items = this.#items.map((item) => (item.key === target ? { ...item, text, buttons, edited: true } : item));
  }

  #streaming(key, stopping) {
    return {
      role: 'assistant',
      view: this.#viewOf(key),
      key,
      text: this.#previews.get(key),
      state: 'streaming',
      stopping,
    };
  }

  #settle(key) {
    this.#settled.add(key);
    this.#previews.delete(key);
  }

  #take(key) {
    const cause = causeOf(key);
    if (!this.#firstKeys.has(cause)) this.#firstKeys.set(cause, key);
  }

  #viewOf(key) {
    const cause = causeOf(key);
    return this.#firstKeys.get(cause) === key ? cause : key;
  }

  #previewsOf(cause) {
    return [...this.#previews.keys()].filter((key) => causeOf(key) === cause);
  }
}
