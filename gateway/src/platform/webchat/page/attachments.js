import { element, iconButton, setChildren } from './dom.js';
import { sizeOf } from './files_view.js';

/**
 * The files that go with the next message. Each is uploaded as soon as it is added; the message waits for it.
 *
 * Events: `left-out` (`detail`: a sentence for the visitor).
 */
export class Attachments extends EventTarget {
  element = document.getElementById('attachments');

  #session;
  #rows = [];

  constructor(session) {
    super();
    this.#session = session;
    const picker = document.getElementById('picker');
    document.getElementById('attach').addEventListener('click', () => picker.click());
    picker.addEventListener('change', () => {
      this.add([...picker.files]);
      picker.value = '';
    });
    document.addEventListener('paste', (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      this.add(files);
    });
    this.#takeDrops(document.body);
    session.addEventListener('open', ({ detail }) => detail.created || this.clear());
    session.addEventListener('gateway', () => this.#draw());
    this.#draw();
  }

  get empty() {
    return this.#rows.length === 0;
  }

  /** Why the message cannot go yet; empty where it can. */
  get obstacle() {
    const refused = this.#rows.find(({ problem }) => problem);
    if (refused) return `${refused.name} cannot be sent. Remove it first.`;
    return this.#rows.every(({ file }) => file) ? '' : 'A file is still being uploaded.';
  }

  /** What is to be sent. */
  get files() {
    return this.#rows.map(({ file }) => file).filter(Boolean);
  }

  clear() {
    for (const { upload } of this.#rows) upload.abort();
    this.#rows = [];
    this.#draw();
  }

  add(files) {
    const { file_max: most, files_max: count } = this.#session.limits;
    const room = most ? Math.max(0, count - this.#rows.length) : files.length;
    const left = files.length - room;
    if (left > 0) {
      const detail = `A message may have ${count} files, so ${left === 1 ? 'one was' : `${left} were`} left out.`;
      this.dispatchEvent(new CustomEvent('left-out', { detail }));
    }
    for (const file of files.slice(0, room)) {
      const row = { name: file.name || 'pasted', size: file.size, upload: new AbortController(), problem: '' };
      if (!most) row.problem = 'Files are not taken here.';
      else if (file.size > most) row.problem = `Too large: a file may have ${sizeOf(most)}.`;
      this.#rows.push(row);
      if (!row.problem) this.#upload(row, file);
    }
    this.#draw();
  }

  async #upload(row, file) {
    try {
      const chat = await this.#session.ensureChat();
      if (!chat || row.upload.signal.aborted) return this.#failed(row, 'The chat could not be made.');
      const answer = await fetch(`files/${chat}?name=${encodeURIComponent(row.name)}`, {
        method: 'POST',
        headers: { 'Content-Type': file.type || 'application/octet-stream' },
        body: file,
        signal: row.upload.signal,
      });
      const body = await answer.json().catch(() => ({}));
      if (!answer.ok) return this.#failed(row, body.message ?? 'It was not taken.');
      row.file = body;
      this.#draw();
    } catch {
      this.#failed(row, 'The gateway cannot be reached. Remove it, and add it again.');
    }
  }

  #failed(row, problem) {
    row.problem = problem;
    this.#draw();
  }

  #remove(row) {
    row.upload.abort();
    this.#rows = this.#rows.filter((other) => other !== row);
    this.#draw();
  }

  #draw() {
    document.getElementById('attach').hidden = !(this.#session.limits.file_max > 0);
    this.element.hidden = this.empty;
    setChildren(
      this.element,
      this.#rows.map((row) => {
        const state = row.problem ? 'error' : row.file ? 'done' : 'uploading';
        const remove = iconButton('cross', `Remove ${row.name}`);
        remove.addEventListener('click', () => this.#remove(row));
        return element(
          'li',
          { class: 'attachment', 'data-testid': 'attachment', 'data-state': state },
          element('span', { class: 'file-name', dir: 'auto' }, row.name),
          element('span', { class: 'file-size' }, row.problem || (row.file ? sizeOf(row.size) : 'uploading…')),
          remove,
        );
      }),
    );
  }

  #takeDrops(area) {
    const hasFiles = (event) => event.dataTransfer?.types.includes('Files');
    area.addEventListener('dragover', (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      area.classList.add('is-dropping');
    });
    area.addEventListener('dragleave', (event) => {
      if (!area.contains(event.relatedTarget)) area.classList.remove('is-dropping');
    });
    area.addEventListener('drop', (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      area.classList.remove('is-dropping');
      this.add([...event.dataTransfer.files]);
    });
  }
}
