// Every page: the theme's button. `redrawn` are drawings that take their colours from the theme.
const redrawn = [];
document.addEventListener("DOMContentLoaded", () => initTheme(() => redrawn.forEach((draw) => draw())));
