import { ChatLog } from './log.js';
import { requestId } from './request_id.js';
import { tab } from './storage.js';

// Logs of chats that were open before, so that going back to one is instant.
const LOGS_KEPT = 8;
const ASK_PREVIEW_AGAIN_AFTER = 2_000;
const TYPING_LASTS = 10_000;
const ENTERING = 'entering';

/**
 * What the visitor has before them: the chats, the open one, and whether the gateway can take messages.
 *
 * Events: `chats`, `conversation` (the open one changed), `gateway`,
 * `open` (another chat is open; detail: whether it was `created` just now, and whether its place in the history
 * is that of the one before, which `replaces` says), `answer` (detail: a text that has just been finished),
 * `notice` (detail: words for the visitor).
 */
export class Session extends EventTarget {
  /** `{id, title, updated}`, newest first; null before the first `welcome`. */
  chats = null;
  limits = { text_max: Infinity, chats_max: Infinity, file_max: 0, files_max: 0 };
  gateway = { ready: true, message: '' };
  /** Whether somebody writes in the open chat, though no answer is awaited. */
  typing = false;
  /** The open chat's id; null: a chat that its first message will make. */
  current = null;

  #connection;
  #requests;
  #outbox;
  #logs = new Map();
  #asked = new Map();
  /** Entries since the open chat was asked for; null when it is up to date and they come one by one. */
  #replay = null;
  /** The `new` request whose chat this tab is waiting to enter; a reload comes back to it. */
  #entering = tab.get(ENTERING);
  /** Chats made here that no list has named yet. */
  #created = new Set();
  /** Chats that this tab has asked to delete; the visitor need not be told of these. */
  #deleted = new Set();
  #typingTimer;
  /** The request for a chat that files need. */
  #making = null;

  constructor(connection, requests, outbox) {
    super();
    this.#connection = connection;
    this.#requests = requests;
    this.#outbox = outbox;
    connection.addEventListener('frame', ({ detail }) => this.#receive(detail));
    connection.addEventListener(
      'closed',
      ({ detail }) => [1008, 1009].includes(detail.code) && outbox.reject(detail.reason),
    );
    outbox.addEventListener('change', () => this.#emit('conversation'));
    outbox.addEventListener('created', ({ detail }) => this.#enter(detail));
  }

  /** The open chat's log; null for a chat that does not exist yet. */
  get log() {
    return this.current === null ? null : this.#logs.get(this.current);
  }

  get chat() {
    return this.chats?.find(({ id }) => id === this.current);
  }

  get running() {
    return this.log?.running ?? false;
  }

  /** Everything to show: the log, then what waits to become a part of it. */
  items() {
    const logged = this.log?.items() ?? [];
    const unsent = this.#outbox.of(this.current, this.#entering).filter(({ id }) => !this.log?.hasUser(id));
    const typing = this.typing && !this.running ? [{ role: 'assistant', view: 'typing', state: 'waiting' }] : [];
    return logged.concat(
      typing,
      unsent.map(({ id, text, files, at, state, reason }) => ({
        role: 'user',
        view: `user:${id}`,
        id,
        text,
        files,
        ts: at,
        state: state === 'refused' ? 'error' : 'sending',
        reason,
      })),
    );
  }

  open(chat) {
    if (chat === this.current) return;
    if (this.current !== null) this.#connection.send({ t: 'close', chat: this.current });
    this.#wait(null);
    this.#go(chat);
    this.#emit('open', { replaces: this.#leaveIfGone() });
  }

  /** Enters the chat of the URL when the page loads; unlike `open`, it comes back to a chat that is just being made. */
  restore(chat) {
    this.#go(chat);
  }

  /** `files`: as their uploads were answered; then there is a chat. */
  say(text, files = []) {
    if (this.current !== null) return this.#outbox.add({ chat: this.current, newId: null, text, files });
    const waits = this.#outbox.of(null, this.#entering).some(({ state }) => state === 'waiting');
    if (!waits) this.#wait(requestId());
    this.#outbox.add({ chat: null, newId: this.#entering, text });
  }

  /** The open chat's id; one is made where there is none. Null when that did not work. */
  async ensureChat() {
    if (this.current !== null) return this.current;
    this.#making ??= this.#requests.ask({ t: 'new' });
    const answer = await this.#making;
    this.#making = null;
    if (answer.t !== 'ok') {
      this.#emit('notice', answer.message || answer.code);
      return null;
    }
    if (this.current === null) {
      this.#created.add(answer.chat);
      this.#go(answer.chat);
      this.#emit('open', { created: true, replaces: true });
    }
    return this.current;
  }

  stop() {
    // Refused with `nothing_running`, the answer was simply faster than the visitor.
    return this.#ask({ t: 'stop', chat: this.current }, ['nothing_running']);
  }

  regenerate(target) {
    return this.#ask({ t: 'regenerate', chat: this.current, target });
  }

  change(target, text) {
    return this.#ask({ t: 'edit', chat: this.current, target, text });
  }

  retract(target) {
    return this.#ask({ t: 'retract', chat: this.current, target });
  }

  react(target, emoji, removed) {
    return this.#ask({ t: 'react', chat: this.current, target, emoji, removed });
  }

  press(target, button) {
    return this.#ask({ t: 'press', chat: this.current, target, button });
  }

  rename(chat, title) {
    return this.#ask({ t: 'rename', chat, title });
  }

  delete(chat) {
    this.#deleted.add(chat);
    return this.#ask({ t: 'delete', chat }, ['not_found']);
  }

  async #ask(request, expected = []) {
    const answer = await this.#requests.ask(request);
    const done = answer.t === 'ok' || expected.includes(answer.code);
    if (!done) this.#emit('notice', answer.message || answer.code);
    return done;
  }

  #receive(frame) {
    switch (frame.t) {
      case 'welcome':
        this.limits = frame.limits;
        this.#become({ ready: true, message: '' });
        this.#listed(frame.chats);
        this.#follow();
        this.#requests.resend();
        this.#outbox.flush();
        break;
      case 'chats':
        this.#listed(frame.chats);
        break;
      case 'entry':
        this.#entry(frame);
        break;
      case 'opened':
        this.#opened(frame);
        break;
      case 'preview':
        this.#preview(frame);
        break;
      case 'typing':
        if (frame.chat === this.current) this.#typing(frame.on);
        break;
      case 'ok':
      case 'refused':
        // The entry of a text for a chat that is not open does not come here.
        this.#requests.settle(frame) ||
          this.#outbox.answer(frame, ({ id, chat }) => chat !== this.current || this.log.hasUser(id));
        break;
      case 'state':
        this.#become(frame);
        if (frame.ready) this.#outbox.flush();
        break;
    }
  }

  #become({ ready, message }) {
    this.gateway = { ready, message };
    this.#emit('gateway');
  }

  #listed(chats) {
    this.chats = chats;
    for (const { id } of chats) this.#created.delete(id);
    this.#outbox.prune((id) => this.#exists(id));
    for (const id of this.#logs.keys()) if (!this.#exists(id) && id !== this.current) this.#logs.delete(id);
    if (this.#leaveIfGone()) this.#emit('open', { replaces: true });
    this.#emit('chats');
  }

  #exists(id) {
    return this.chats === null || this.#created.has(id) || this.chats.some((chat) => chat.id === id);
  }

  #leaveIfGone() {
    if (this.current === null || this.#exists(this.current)) return false;
    if (!this.#deleted.has(this.current)) {
      this.#emit('notice', this.log.loaded ? 'This chat was deleted.' : 'That chat does not exist any more.');
    }
    this.#logs.delete(this.current);
    this.#go(null);
    return true;
  }

  #enter({ newId, chat }) {
    this.#created.add(chat);
    if (this.current !== null || this.#entering !== newId) return;
    this.#wait(null);
    this.#go(chat);
    this.#emit('open', { created: true, replaces: true });
  }

  #wait(newId) {
    this.#entering = newId;
    if (newId === null) tab.remove(ENTERING);
    else tab.set(ENTERING, newId);
  }

  #go(chat) {
    this.current = chat;
    clearTimeout(this.#typingTimer);
    this.typing = false;
    if (chat === null) return;
    const log = this.#logs.get(chat) ?? new ChatLog();
    // The Map keeps the order of use: the first is the one to forget.
    this.#logs.delete(chat);
    this.#logs.set(chat, log);
    if (this.#logs.size > LOGS_KEPT) this.#logs.delete(this.#logs.keys().next().value);
    this.#follow();
  }

  #follow() {
    this.#replay = [];
    if (this.current !== null) this.#connection.send({ t: 'open', chat: this.current, after: this.log.last });
  }

  #startOver() {
    this.#logs.set(this.current, new ChatLog());
    this.#follow();
  }

  #entry(entry) {
    if (entry.chat !== this.current) return;
    if (this.#replay) {
      this.#replay.push(entry);
    } else if (entry.n > this.log.last + 1) {
      // The log has no gaps, so this page missed something.
      this.#follow();
    } else if (this.#apply(entry)) {
      if (entry.kind === 'message') {
        this.#typing(false);
        this.#emit('answer', entry);
      }
      this.#emit('conversation');
    }
  }

  #opened({ chat, n }) {
    if (chat !== this.current) return;
    const { log } = this;
    // Live entries that were on their way already may have come before the replay.
    const entries = (this.#replay ?? []).sort((a, b) => a.n - b.n).filter((entry) => entry.n > log.last);
    const trimmed = entries.length > 0 && entries[0].n > log.last + 1;
    // Shorter than what this page holds: the gateway lost its log and began a new one.
    if (log.last > 0 && (n < log.last || trimmed)) return this.#startOver();
    for (const entry of entries) this.#apply(entry);
    this.#replay = null;
    log.loaded = true;
    for (const key of log.resume()) this.#askPreview(key);
    this.#emit('conversation');
  }

  #apply(entry) {
    if (entry.kind === 'user') this.#outbox.discard(entry.id);
    return this.log.apply(entry);
  }

  #preview(frame) {
    if (frame.chat !== this.current) return;
    if (frame.at === 0) this.#asked.delete(frame.key);
    const result = this.log.preview(frame);
    if (result === 'shown') this.#emit('conversation');
    if (result === 'gap' && Date.now() - (this.#asked.get(frame.key) ?? 0) > ASK_PREVIEW_AGAIN_AFTER)
      this.#askPreview(frame.key);
  }

  /** Somebody who writes says so again before long; who does not has stopped. */
  #typing(on) {
    clearTimeout(this.#typingTimer);
    this.typing = on;
    if (on) this.#typingTimer = setTimeout(() => this.#typing(false), TYPING_LASTS);
    this.#emit('conversation');
  }

  #askPreview(key) {
    this.#asked.set(key, Date.now());
    this.#connection.send({ t: 'preview', chat: this.current, key });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
