// Before the first paint: the reader's theme, and that scripts run (the style hides tabs by it).
document.documentElement.classList.add("js");
try {
  const theme = localStorage.getItem("chaosmem-theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch { /* a page opened from a file may not store anything */ }
