// Nearer to the end than this counts as being there: fractions of pixels, and the rubber band of phones.
const NEAR = 16;

/**
 * Keeps a scrolling element at its end while the visitor is there,
 * and leaves it alone when they have gone up to read.
 */
export class FollowEnd {
  #area;
  #following = true;
  #top = 0;
  #changed;

  /** `changed(following)` is called when the visitor leaves the end or comes back to it. */
  constructor(area, content, changed) {
    this.#area = area;
    this.#changed = changed;
    area.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    // After layout and before paint, so that growing content is never seen at the wrong place.
    const observer = new ResizeObserver(() => this.#following && this.#toEnd());
    observer.observe(area);
    observer.observe(content);
  }

  follow() {
    this.#set(true);
    this.#toEnd();
  }

  /** Runs `change`, which adds content above, with what the visitor reads staying where it is. */
  keepingPlace(change) {
    const fromEnd = this.#area.scrollHeight - this.#area.scrollTop;
    change();
    this.#area.scrollTop = this.#area.scrollHeight - fromEnd;
  }

  #toEnd() {
    this.#area.scrollTop = this.#area.scrollHeight;
    this.#top = this.#area.scrollTop;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#area;
    const wentUp = scrollTop < this.#top - 1;
    this.#top = scrollTop;
    if (scrollHeight - clientHeight - scrollTop <= NEAR) this.#set(true);
    // Only the visitor goes up; content that has just grown below looks the same otherwise.
    else if (wentUp) this.#set(false);
  }

  #set(following) {
    if (following === this.#following) return;
    this.#following = following;
    this.#changed(following);
  }
}
