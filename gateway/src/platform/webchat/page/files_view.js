import { element } from './dom.js';

const IMAGES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif']);

/** The files of a message: images as such, others as a link with name and size. */
export class FilesView {
  element = element('div', { class: 'files' });

  #drawn;

  /** `chat`: whose files they are. */
  update(chat, files = []) {
    this.element.hidden = files.length === 0;
    const drawn = JSON.stringify([chat, files]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.element.replaceChildren(...files.map((file) => (IMAGES.has(file.type) ? image(chat, file) : link(chat, file))));
  }
}

const address = (chat, { id, name }) => `files/${chat}/${id}/${encodeURIComponent(name)}`;

function image(chat, file) {
  const shown = element('img', { src: address(chat, file), alt: file.name, loading: 'lazy', 'data-testid': 'image' });
  // It is kept for a while only.
  shown.addEventListener('error', () => shown.parentElement?.replaceWith(link(chat, file)));
  return element('a', { href: address(chat, file), target: '_blank', rel: 'noopener', title: file.name }, shown);
}

function link(chat, file) {
  return element(
    'a',
    { class: 'file', href: address(chat, file), download: file.name, 'data-testid': 'file' },
    element('span', { class: 'file-name', dir: 'auto' }, file.name),
    element('span', { class: 'file-size' }, sizeOf(file.size)),
  );
}

/** `3.1 MiB`, as the settings have it. */
export function sizeOf(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
