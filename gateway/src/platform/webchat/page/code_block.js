import { copyButton } from './clipboard.js';
import { element } from './dom.js';

/** Puts a frame around a `pre` of an answer; it names the language and offers to copy the code. */
export function frameCode(pre) {
  const language = /(?:^|\s)language-(\S+)/.exec(pre.firstElementChild?.className)?.[1];
  const head = element(
    'div',
    { class: 'code-head' },
    element('span', { class: 'code-language' }, language ?? 'text'),
    copyButton({ label: 'Copy code', testid: 'code-copy', text: () => pre.textContent.replace(/\n$/, '') }),
  );
  const frame = element('div', { class: 'code-block' }, head);
  pre.replaceWith(frame);
  frame.append(pre);
  // Reachable by keyboard, because long lines scroll.
  pre.tabIndex = 0;
  pre.setAttribute('role', 'region');
  pre.setAttribute('aria-label', language ? `Code, ${language}` : 'Code');
}
