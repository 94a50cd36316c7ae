// Web storage may be full, blocked or absent. Then things are not remembered; nothing else breaks.

// Pages under two base paths of one host share the browser's storage, so the path is a part of every key.
const PREFIX = `stargazer${new URL('.', document.baseURI).pathname}`;

class Area {
  #name;

  constructor(name) {
    this.#name = name;
  }

  get(key) {
    return this.#attempt((area) => area.getItem(PREFIX + key), null);
  }

  set(key, value) {
    return this.#attempt((area) => (area.setItem(PREFIX + key, value), true), false);
  }

  remove(key) {
    this.#attempt((area) => area.removeItem(PREFIX + key));
  }

  keys(start) {
    const own = (key) => key.startsWith(PREFIX + start);
    return this.#attempt(
      (area) =>
        Object.keys(area)
          .filter(own)
          .map((key) => key.slice(PREFIX.length)),
      [],
    );
  }

  // Even reading `window.localStorage` throws where the browser blocks it.
  #attempt(use, otherwise) {
    try {
      return use(window[this.#name]);
    } catch {
      return otherwise;
    }
  }
}

export const local = new Area('localStorage');
export const tab = new Area('sessionStorage');

/** Calls `changed(key, value)` when another tab writes a key that begins with `start`; null for a removal. */
export function onOtherTab(start, changed) {
  addEventListener('storage', (event) => {
    if (event.storageArea === window.localStorage && event.key?.startsWith(PREFIX + start)) {
      changed(event.key.slice(PREFIX.length), event.newValue);
    }
  });
}
