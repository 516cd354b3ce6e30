// Side bar and panel: columns on a desktop, bottom sheets on a phone, one at a time there.

const PHONE = window.matchMedia('(max-width: 720px)');

export function sheets(map) {
  const shell = document.getElementById('map-shell');
  const [side, panel, button] = ['side', 'panel', 'side-button'].map((id) => document.getElementById(id));
  let openedBy = null;

  function resized() {
    map.invalidateSize({ pan: false });
  }

  function setSide(open) {
    shell.classList.toggle('side-open', open);
    side.inert = !open;
    button.setAttribute('aria-expanded', String(open));
    if (open && PHONE.matches) setPanel(false);
    resized();
  }

  function setPanel(open) {
    if (open === !panel.hidden) return;
    if (open) openedBy = document.activeElement;
    panel.hidden = !open;
    shell.classList.toggle('panel-open', open);
    if (open && PHONE.matches) setSide(false);
    resized();
    if (!open && openedBy?.isConnected) openedBy.focus({ preventScroll: true });
  }

  button.addEventListener('click', () => setSide(!shell.classList.contains('side-open')));
  document.querySelector('[data-close-side]').addEventListener('click', () => { setSide(false); button.focus(); });
  PHONE.addEventListener('change', () => setSide(!PHONE.matches));
  setSide(!PHONE.matches);

  return {
    setPanel,
    setSide,
    isSideOpen: () => shell.classList.contains('side-open'),
    isPhone: () => PHONE.matches,
    /** Height in px of what covers the map's lower edge. */
    covered: () => (PHONE.matches && !panel.hidden ? panel.getBoundingClientRect().height : 0),
  };
}
