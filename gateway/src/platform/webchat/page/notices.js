import { element, iconButton } from './dom.js';

const SHOWN_FOR = 8_000;
const MOST = 3;

const list = document.getElementById('notices');

/**
 * Tells the visitor of something that went wrong and needs no answer.
 * The list is a live region, so it is read out, too.
 */
export function notice(words) {
  const close = iconButton('cross', 'Dismiss');
  const shown = element('div', { class: 'notice', 'data-testid': 'notice' }, element('span', {}, words), close);
  close.addEventListener('click', () => shown.remove());
  list.append(shown);
  while (list.childElementCount > MOST) list.firstElementChild.remove();
  setTimeout(() => shown.remove(), SHOWN_FOR);
}
