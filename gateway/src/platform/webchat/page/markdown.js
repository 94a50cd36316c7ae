import MarkdownIt from './vendor/markdown-it.js';
import DOMPurify from './vendor/dompurify.js';
import { frameCode } from './code_block.js';
import { element } from './dom.js';

const markdown = new MarkdownIt({ html: false, linkify: true });

// Only what is written as an address becomes a link: `main.rs` and `README.md` would be hosts otherwise.
markdown.linkify.set({ fuzzyLink: false });

const { rules } = markdown.renderer;
const { escapeHtml } = markdown.utils;

// Nothing is loaded from elsewhere, so a picture is shown as a link to it.
rules.image = (tokens, index) => {
  const token = tokens[index];
  const label = escapeHtml(token.content || 'image');
  return `<a href="${escapeHtml(token.attrGet('src'))}">${label}</a>`;
};

// The chat's title is the page's h1; the headings of an answer belong below it.
rules.heading_open = rules.heading_close = (tokens, index) => {
  const { tag, nesting } = tokens[index];
  const level = Math.min(Number(tag.slice(1)) + 1, 6);
  return nesting > 0 ? `<h${level}>` : `</h${level}>`;
};

// The policy of the page forbids style attributes, which are what markdown-it aligns columns with.
rules.th_open = rules.td_open = (tokens, index) => {
  const token = tokens[index];
  const align = token.attrGet('style')?.replace('text-align:', '');
  return align ? `<${token.tag} class="align-${align}">` : `<${token.tag}>`;
};

// A second wall behind `html: false`: what markdown-it writes and nothing more, whatever a text talks it into.
const ALLOWED = {
  ALLOWED_TAGS: 'a blockquote br code em h2 h3 h4 h5 h6 hr li ol p pre s strong table tbody td th thead tr ul'.split(
    ' ',
  ),
  ALLOWED_ATTR: ['class', 'href', 'start', 'title'],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto|tel):/i,
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  // A tree, not a text: it is put into the page as it was checked, without being parsed a second time.
  RETURN_DOM_FRAGMENT: true,
};

/** Parses to the tokens of markdown-it; `env` carries link definitions from one piece of a text to the next. */
export function parse(text, env) {
  return markdown.parse(text, env);
}

/** Makes a safe tree of tokens. */
export function render(tokens, env) {
  const fragment = DOMPurify.sanitize(markdown.renderer.render(tokens, markdown.options, env), ALLOWED);
  for (const link of fragment.querySelectorAll('a[href]')) {
    link.target = '_blank';
    link.rel = 'noopener noreferrer nofollow';
  }
  for (const pre of fragment.querySelectorAll('pre')) frameCode(pre);
  for (const table of fragment.querySelectorAll('table')) {
    // Reachable by keyboard, because a wide table scrolls.
    const frame = element('div', { class: 'table-frame', role: 'region', 'aria-label': 'Table', tabindex: '0' });
    table.replaceWith(frame);
    frame.append(table);
  }
  return fragment;
}
