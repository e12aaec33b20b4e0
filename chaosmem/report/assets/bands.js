// Parts of the time lines: stacked bands, and the ribbon of phases above them.
"use strict";

// Bands on top of each other: [columns to draw, bands to fill between]. One below zero has no height.
function pile(chart, joined) {
  const below = new Float64Array(joined[0].length), bands = [];
  let top = 0; // the band below, as a series
  const drawn = joined.map((column, i) => {
    if (i === 0 || !chart.lines[i - 1].area) return column;
    if (top) bands.push({ series: [i, top] });
    top = i;
    return Array.from(column, (v, k) => (below[k] += Math.max(0, v ?? 0)));
  });
  const rss = chart.lines.findIndex((line) => line.role === "edge") + 1;
  if (top && rss) bands.push({ series: [top, rss], fill: hatch() }); // mapped, but not resident
  return [drawn, bands];
}

// Diagonal lines, as a fill.
function hatch(ink = "edge") {
  const tile = document.createElement("canvas"), size = 8;
  tile.width = tile.height = size;
  const pen = tile.getContext("2d");
  pen.strokeStyle = color(ink);
  pen.globalAlpha = 0.35;
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  return pen.createPattern(tile, "repeat");
}

// Phase names above the charts, placed like the plots below them at every zoom.
function ribbon(data) {
  const host = make("div", "ribbon");
  host.setAttribute("aria-hidden", "true");
  const parts = data.phases.map(([name, start, end]) => {
    const part = make("span", "phase " + name, name);
    part.title = name + ": " + start.toFixed(1) + " to " + end.toFixed(1) + " s";
    return part;
  });
  host.append(...parts);
  function place(low, high) {
    const share = (t) => 100 * (Math.min(Math.max(t, low), high) - low) / (high - low);
    data.phases.forEach(([, start, end], i) => {
      parts[i].hidden = end <= low || start >= high;
      parts[i].style.left = share(start) + "%";
      parts[i].style.width = share(end) - share(start) + "%";
    });
  }
  place(0, data.seconds);
  return { host, place };
}
