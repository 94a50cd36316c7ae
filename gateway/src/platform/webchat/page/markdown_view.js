import { parse, render } from './markdown.js';
import { element } from './dom.js';

/**
 * A Markdown text that may still grow.
 *
 * While it grows, its finished blocks are parsed and put into the page once; only the last one is made anew each
 * time. A block is finished when another one has begun after it.
 */
export class MarkdownView {
  element = element('div', { class: 'markdown' });

  #shown = null;
  #complete = false;
  /** The length of the text whose blocks are finished, and the link definitions in it. */
  #finished = '';
  #env = {};
  #tail = [];

  /** Shows a text that is going on. */
  grow(text) {
    if (text === this.#shown && !this.#complete) return;
    if (text.includes('\r')) text = text.replace(/\r\n?/g, '\n');
    if (this.#complete || !text.startsWith(this.#finished)) this.#reset();
    this.#shown = text;
    let rest = text.slice(this.#finished.length);
    // A definition that is only half written must not stay in the environment of what follows.
    let env = { references: { ...this.#env.references } };
    let tokens = parse(rest, env);
    const split = startOfLastBlock(tokens, rest);
    if (split > 0) {
      const done = rest.slice(0, split);
      this.#replaceTail(render(parse(done, this.#env), this.#env));
      this.#tail = [];
      this.#finished += done;
      rest = rest.slice(split);
      env = { references: { ...this.#env.references } };
      tokens = parse(rest, env);
    }
    this.#replaceTail(render(tokens, env));
  }

  /** Shows a text that is whole. */
  complete(text) {
    if (this.#complete && text === this.#shown) return;
    // A definition may have come after the link that uses it; without any, what has grown is right as it stands
    // and stays, with the visitor's selection in it.
    const asGrown = text === this.#shown && !this.#env.references && !/^ {0,3}\[[^\]]+\]:/m.test(text);
    if (!asGrown) {
      const env = {};
      this.element.replaceChildren(render(parse(text, env), env));
    }
    this.#shown = text;
    this.#complete = true;
  }

  #reset() {
    this.element.replaceChildren();
    this.#complete = false;
    this.#finished = '';
    this.#env = {};
    this.#tail = [];
  }

  #replaceTail(fragment) {
    for (const node of this.#tail) node.remove();
    this.#tail = [...fragment.childNodes];
    this.element.append(fragment);
  }
}

// Where the last block begins; 0 while its first two lines are not whole, because until then it may still turn out
// to go on with the block before it (`2` to the list item `2.`, a table's head to a paragraph).
function startOfLastBlock(tokens, text) {
  const last = tokens.findLast((token) => token.level === 0 && token.nesting >= 0 && token.map);
  let offset = 0;
  for (let line = last?.map[0] ?? 0; line > 0; line -= 1) offset = text.indexOf('\n', offset) + 1;
  return /^.*\n.*\n/.test(text.slice(offset)) ? offset : 0;
}
