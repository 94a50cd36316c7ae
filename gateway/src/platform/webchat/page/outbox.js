import { Backoff } from './backoff.js';
import { requestId } from './request_id.js';
import { RETRYABLE } from './requests.js';
import { local, onOtherTab } from './storage.js';

const KEY = 'outbox:';
const CAPACITY = 20;
// How long an answer may take before the text is sent again, by this tab or by another when this one is gone.
const ANSWER_WITHIN = 10_000;
// An accepted text is shown until its entry comes; where none comes (its chat is open nowhere), for this long.
const ENTRY_WITHIN = 60_000;

/**
 * What the visitor said and the gateway has not confirmed, kept over reloads and shared by all tabs.
 *
 * A record is `{id, chat, newId, text, files, at, state, reason}`. `state` is waiting, accepted (its entry has not come
 * yet) or refused.
 * A text for a chat that does not exist yet has the `chat` null and the id of the `new` request that makes it.
 * The texts of one chat go one after the other, so that a refusal that passes does not change their order.
 *
 * Events: `change`; `created` (detail: `{newId, chat}`).
 */
export class Outbox extends EventTarget {
  #connection;
  #records = new Map();
  #due = new Map();
  #inFlight = new Set();
  #pauses = new Map();
  #timer;

  constructor(connection) {
    super();
    this.#connection = connection;
    for (const key of local.keys(KEY)) this.#load(key, local.get(key));
    onOtherTab(KEY, (key, value) => {
      this.#load(key, value);
      // The other tab sends it; this one only if that comes to nothing.
      if (value !== null) this.#due.set(key.slice(KEY.length), Date.now() + ANSWER_WITHIN);
      this.#changed();
    });
  }

  get full() {
    return this.#records.size >= CAPACITY;
  }

  add({ chat, newId, text, files = [] }) {
    const record = { id: requestId(), chat, newId, text, files, at: Date.now(), state: 'waiting' };
    this.#keep(record);
    this.#changed();
  }

  /** The records of a chat; of the chat that `newId` is making, when `chat` is null. Oldest first. */
  of(chat, newId) {
    const mine = (record) => (chat === null ? record.chat === null && record.newId === newId : record.chat === chat);
    return this.#inOrder().filter(mine);
  }

  /** Everything that waits may go now: the connection is new, or the gateway has become ready. */
  flush() {
    this.#due.clear();
    this.#inFlight.clear();
    this.#changed();
  }

  discard(id) {
    if (!this.#records.has(id)) return;
    this.#forget(id);
    this.#changed();
  }

  /** Takes an `ok` or `refused`; nothing happens if it is not about a record. */
  answer(frame, hasEntry) {
    const about = this.#inOrder().filter(
      (record) => record.state === 'waiting' && this.#requestOf(record).id === frame.id,
    );
    if (about.length === 0) return;
    for (const record of about) {
      this.#due.delete(record.id);
      this.#inFlight.delete(record.id);
      if (frame.t === 'refused') this.#refused(record, frame);
      else if (record.chat === null) this.#keep({ ...record, chat: frame.chat });
      else if (hasEntry(record)) this.#forget(record.id);
      else this.#keep({ ...record, state: 'accepted', acceptedAt: Date.now() });
    }
    this.#changed();
  }

  /** The gateway closed the socket over a frame; the texts in flight are all that a visitor can have made wrong. */
  reject(reason) {
    for (const record of this.#inOrder().filter(({ id, chat }) => chat !== null && this.#inFlight.has(id))) {
      this.#refused(record, { code: 'malformed', message: reason || 'The gateway does not accept this text.' });
    }
    this.#changed();
  }

  /** Forgets refused texts of chats that are gone: there is no place left to show them. */
  prune(exists) {
    for (const { id, chat, state } of this.#inOrder()) {
      if (state === 'refused' && chat !== null && !exists(chat)) this.discard(id);
    }
  }

  #requestOf({ id, chat, newId, text, files = [] }) {
    return chat === null ? { t: 'new', id: newId } : { t: 'send', id, chat, text, files };
  }

  #refused(record, { code, message }) {
    if (RETRYABLE.has(code)) {
      const pause = this.#pauses.get(record.id) ?? new Backoff(500, 30_000);
      this.#pauses.set(record.id, pause);
      this.#due.set(record.id, Date.now() + pause.next());
      this.#keep({ ...record, reason: message });
    } else {
      this.#keep({ ...record, state: 'refused', reason: message || code });
    }
  }

  #transmit() {
    clearTimeout(this.#timer);
    const now = Date.now();
    let next = Infinity;
    const busy = new Set();
    for (const record of this.#inOrder()) {
      if (record.state === 'accepted') {
        if (now - record.acceptedAt > ENTRY_WITHIN) this.#forget(record.id);
        continue;
      }
      const line = record.chat ?? record.newId;
      if (record.state !== 'waiting' || busy.has(line)) continue;
      busy.add(line);
      if ((this.#due.get(record.id) ?? 0) <= now && this.#connection.send(this.#requestOf(record))) {
        this.#due.set(record.id, now + ANSWER_WITHIN);
        this.#inFlight.add(record.id);
      }
      next = Math.min(next, this.#due.get(record.id) ?? Infinity);
    }
    if (next < Infinity) this.#timer = setTimeout(() => this.#transmit(), next - now);
  }

  #inOrder() {
    return [...this.#records.values()].sort((a, b) => a.at - b.at);
  }

  #load(key, value) {
    const id = key.slice(KEY.length);
    if (value === null) {
      this.#records.delete(id);
      return;
    }
    try {
      this.#put({ ...JSON.parse(value), id });
    } catch {
      local.remove(key);
    }
  }

  #keep(record) {
    local.set(KEY + record.id, JSON.stringify(record));
    this.#put(record);
  }

  #put(record) {
    const before = this.#records.get(record.id);
    this.#records.set(record.id, record);
    if (before?.chat === null && record.chat !== null) {
      this.dispatchEvent(new CustomEvent('created', { detail: { newId: record.newId, chat: record.chat } }));
    }
  }

  #forget(id) {
    local.remove(KEY + id);
    this.#due.delete(id);
    this.#inFlight.delete(id);
    this.#pauses.delete(id);
    this.#records.delete(id);
  }

  #changed() {
    this.#transmit();
    this.dispatchEvent(new Event('change'));
  }
}
