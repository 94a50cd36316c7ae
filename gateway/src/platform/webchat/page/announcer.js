const region = document.getElementById('announcer');

/** Has a screen reader say something when it is done with what it says now. */
export function announce(words) {
  // The same words twice are no change to a live region; a fresh node is.
  const said = document.createElement('p');
  said.textContent = words;
  region.replaceChildren(said);
}
