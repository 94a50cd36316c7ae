const narrow = matchMedia('(max-width: 48rem)');

/** The list of chats: a column on wide screens, a drawer over the conversation on narrow ones. */
export class Drawer {
  #drawer = document.getElementById('drawer');
  #main = document.getElementById('main');
  #button = document.getElementById('drawer-open');
  #scrim = document.getElementById('scrim');
  #open = false;

  constructor() {
    this.#button.addEventListener('click', () => this.#show(true));
    this.#scrim.addEventListener('click', () => this.close());
    document.getElementById('drawer-close').addEventListener('click', () => this.close());
    this.#drawer.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !this.#open) return;
      // It is not meant for the answer that may be running, too.
      event.preventDefault();
      this.close();
    });
    narrow.addEventListener('change', () => this.#show(false));
    this.#show(false);
  }

  close() {
    if (!this.#open) return;
    this.#show(false);
    this.#button.focus();
  }

  #show(open) {
    this.#open = open;
    this.#drawer.classList.toggle('is-open', open);
    this.#scrim.hidden = !open;
    this.#button.setAttribute('aria-expanded', String(open));
    // What is covered, or out of sight, is not to be reached by keyboard or screen reader either.
    this.#drawer.inert = narrow.matches && !open;
    this.#main.inert = open;
    if (open) (this.#drawer.querySelector('[aria-current]') ?? document.getElementById('new-chat')).focus();
  }
}
