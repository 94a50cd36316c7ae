const dialog = document.getElementById('confirm');
const title = document.getElementById('confirm-title');
const words = document.getElementById('confirm-words');
const yes = document.getElementById('confirm-yes');

/** Asks before something that cannot be undone. Resolves to true if the visitor agrees. */
export function confirm({ question, explanation, action }) {
  title.textContent = question;
  words.textContent = explanation;
  yes.textContent = action;
  // Escape leaves the value as it is.
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  });
}

// A click on the backdrop is one on the dialog itself: its contents fill all the rest.
dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
for (const button of dialog.querySelectorAll('button')) {
  button.addEventListener('click', () => dialog.close(button.value));
}
