// The tabs of the side bar: layers, filter, list. Arrow keys move between them.

export function sideTabs(map) {
  const shell = document.getElementById('map-shell');
  const tabs = [...document.querySelectorAll('#side-tabs [role=tab]')];
  const listeners = [];

  function select(name) {
    for (const tab of tabs) {
      const chosen = tab.dataset.tab === name;
      tab.setAttribute('aria-selected', String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      document.getElementById(tab.getAttribute('aria-controls')).hidden = !chosen;
    }
    shell.classList.toggle('side-wide', name !== 'layers');
    map.invalidateSize({ pan: false });
    for (const listener of listeners) listener(name);
  }

  function step(event) {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!move) return;
    event.preventDefault();
    const next = tabs[(tabs.indexOf(event.target) + move + tabs.length) % tabs.length];
    select(next.dataset.tab);
    next.focus();
  }

  for (const tab of tabs) {
    tab.addEventListener('click', () => select(tab.dataset.tab));
    tab.addEventListener('keydown', step);
  }

  return {
    current: () => tabs.find((tab) => tab.getAttribute('aria-selected') === 'true').dataset.tab,
    onOpen: (listener) => listeners.push(listener),
  };
}
