// The map over the whole screen, with all that lies on it: notes, handle, bars, and the panel of what is clicked.
// The control would take the bare map, and misses it when somebody leaves by Escape.

/** `shell` opens and closes the side bar, which makes room and comes back. */
export function fullScreenFor({ map, shell }) {
  const control = map.fullscreenControl;
  if (!control) return;
  let hadSide = false;
  control.options.fullscreenElement = document.getElementById('map-shell');

  map.on('enterFullscreen', () => {
    hadSide = shell.isSideOpen();
    shell.setSide(false);
  });
  map.on('exitFullscreen', () => { if (hadSide) shell.setSide(true); });
  document.addEventListener('fullscreenchange', () => {
    if (document.fullscreenElement || !map._isFullscreen) { map.invalidateSize({ pan: false }); return; }
    map.fire('exitFullscreen'); // the control's button reads the state that is left
    map._isFullscreen = false;
    map.invalidateSize({ pan: false });
  });
}

/** Paper is narrower than the screen: its middle shows what the middle of the map shows. */
export function paperFor({ map }) {
  window.matchMedia('print').addEventListener('change', () => map.invalidateSize({ animate: false }));
}
