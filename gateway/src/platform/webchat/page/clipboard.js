import { announce } from './announcer.js';
import { element, icon } from './dom.js';

const SHOWN_FOR = 1_600;

/** A button that copies what `text()` returns, and says whether it could. */
export function copyButton({ label, testid, text }) {
  const words = element('span', { class: 'button-label' }, 'Copy');
  const button = element(
    'button',
    { type: 'button', class: 'quiet-button', 'aria-label': label, 'data-testid': testid },
    icon('copy'),
    words,
  );
  let timer;
  button.addEventListener('click', async () => {
    const result = (await copy(text())) ? 'Copied' : 'Not copied';
    announce(result);
    words.textContent = result;
    clearTimeout(timer);
    timer = setTimeout(() => {
      words.textContent = 'Copy';
    }, SHOWN_FOR);
  });
  return button;
}

async function copy(text) {
  // Without https, and not on localhost, browsers have no clipboard API.
  if (!navigator.clipboard) return copyBySelection(text);
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

function copyBySelection(text) {
  const focused = document.activeElement;
  const area = element('textarea', { class: 'visually-hidden', 'aria-hidden': 'true', readonly: true });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  focused?.focus();
  return done;
}
