/** A keyhole in a hexagon, drawn for both colour schemes. */
const SHAPES = '<path fill="#2563c9" d="M16 1.5 28.6 8.7v14.6L16 30.5 3.4 23.3V8.7z"/><path fill="#fff" d="M16 9a4.2 4.2 0 0 1 2 7.9l1.3 6.1h-6.6l1.3-6.1A4.2 4.2 0 0 1 16 9z"/>'

/** A file of its own, for the browser's tab. */
export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${SHAPES}</svg>`

/** A part of a page, next to the name of the service. */
export const LOGO = `<svg class="logo" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false">${SHAPES}</svg>`
