// Light or dark: what the system says, or what the visitor chose against it.
// A classic script in the head, so that the choice is in place before the first paint; a module would come after it.
(() => {
  const KEY = 'stargazer-theme';
  const systemDark = matchMedia('(prefers-color-scheme: dark)');
  const system = () => (systemDark.matches ? 'dark' : 'light');

  let chosen = null;
  try {
    chosen = localStorage.getItem(KEY);
  } catch {
    // Storage is blocked: the system decides.
  }

  const apply = () => {
    const theme = chosen ?? system();
    document.documentElement.dataset.theme = theme;
    const toggle = document.getElementById('theme');
    const words = theme === 'dark' ? 'Use the light theme' : 'Use the dark theme';
    toggle?.setAttribute('aria-label', words);
    toggle?.setAttribute('title', words);
    const colour = getComputedStyle(document.documentElement).getPropertyValue('--ground');
    document.querySelector('meta[name=theme-color]').content = colour;
  };

  const toggle = () => {
    const theme = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
    // What the system wants anyway is no choice: from there on it is followed again.
    chosen = theme === system() ? null : theme;
    try {
      if (chosen) localStorage.setItem(KEY, chosen);
      else localStorage.removeItem(KEY);
    } catch {
      // It holds for this page, then.
    }
    apply();
  };

  apply();
  systemDark.addEventListener('change', apply);
  addEventListener('DOMContentLoaded', () => {
    document.getElementById('theme').addEventListener('click', toggle);
    apply();
  });
})();
