// Numbers for eyes, as the rest of the report writes them (chaosmem.units.human_*).
"use strict";

function trimmed(value, digits) {
  return Number(value.toPrecision(digits)).toLocaleString("en-US", { maximumFractionDigits: 6 });
}

function humanBytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let i = 0;
  while (Math.abs(value) >= 1024 && i < units.length - 1) { value /= 1024; i += 1; }
  return (i ? value.toFixed(1) : value.toFixed(0)) + " " + units[i];
}

function humanSeconds(value) {
  const size = Math.abs(value);
  if (!size) return "0 s";
  if (size >= 1) return trimmed(value, 3) + " s";
  return size >= 1e-3 ? trimmed(value * 1e3, 3) + " ms" : trimmed(value * 1e6, 3) + " µs";
}

function human(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "By") return humanBytes(value);
  if (unit === "s") return humanSeconds(value);
  if (unit === "1") return Math.round(value).toLocaleString("en-US");
  return trimmed(value, 3) + (unit === "1/s" ? "/s" : " " + unit);
}

// Tick labels: whole units without decimals.
function tick(value, unit) {
  return human(value, unit).replace(/\.0(?= )/, "");
}

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}
