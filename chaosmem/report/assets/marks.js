// What is drawn on the time lines beside their lines: phases, faults, GC cycles, captures, operators,
// and the interval that a finding rests on.
"use strict";

// What is at time t besides the values: its phase, and the GC cycle or capture next to it.
function whatIsAt(data, t, reach) {
  const phase = data.phases.find(([, start, end]) => t >= start && t < end);
  const near = (list) => {
    let best = null;
    for (const item of list) {
      const away = Math.abs(item[item.length - 1] - t);
      if (away <= reach && (best === null || away < best[0])) best = [away, item];
    }
    return best && best[1];
  };
  const cycle = near(data.cycles);
  const capture = near(data.captures.map(([at, name]) => [name, at]));
  const act = near(data.acts.map(([at, words]) => [words, at]));
  const wait = !act && data.waits.find(([start, end]) => t >= start && t < end);
  return [phase && phase[0], cycle && "GC " + cycle[0], capture && capture[0], act && act[0], wait && wait[2]]
    .filter(Boolean).join(" · ");
}

// Everything that is drawn under and over the lines of a chart.
function marks(data, chart) {
  const x = (u, t) => u.valToPos(t, "x", true);
  const ratio = () => uPlot.pxRatio;
  function shade(u, from, to, fill) {
    const left = Math.max(x(u, from), u.bbox.left);
    const right = Math.min(x(u, to), u.bbox.left + u.bbox.width);
    u.ctx.fillStyle = fill;
    if (right > left) u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
  }
  function upright(u, t, stroke, dash, width = 1) {
    const at = Math.round(x(u, t));
    if (at < u.bbox.left || at > u.bbox.left + u.bbox.width) return;
    u.ctx.strokeStyle = stroke;
    u.ctx.lineWidth = width * ratio();
    u.ctx.setLineDash(dash.map((d) => d * ratio()));
    u.ctx.beginPath();
    u.ctx.moveTo(at, u.bbox.top);
    u.ctx.lineTo(at, u.bbox.top + u.bbox.height);
    u.ctx.stroke();
    u.ctx.setLineDash([]);
  }
  function under(u) {
    u.ctx.save();
    if (data.fault) shade(u, data.fault[0], data.fault[1], color("shade"));
    if (chart.band) {
      const [low, high] = chart.band.map((v) => u.valToPos(v, "y", true));
      u.ctx.fillStyle = color("band");
      u.ctx.fillRect(u.bbox.left, high, u.bbox.width, Math.max(low - high, 3 * ratio()));
    }
    for (const [start, end] of data.waits) shade(u, start, end, hatch("gc"));
    for (const [, start] of data.phases.slice(1)) upright(u, start, color("rule-strong"), [2, 3]);
    u.ctx.restore();
  }
  function ticks(u) {
    const bottom = u.bbox.top + u.bbox.height, height = 6 * ratio();
    u.ctx.fillStyle = color("gc");
    for (const [, t] of data.cycles) {
      const at = x(u, t);
      if (at < u.bbox.left || at > u.bbox.left + u.bbox.width) continue;
      u.ctx.fillRect(Math.round(at), bottom - height, Math.max(1, ratio()), height);
    }
  }
  function flags(u) {
    const size = 5 * ratio();
    u.ctx.fillStyle = color("muted");
    const inside = (at) => at >= u.bbox.left && at <= u.bbox.left + u.bbox.width, top = u.bbox.top;
    for (const at of data.captures.map(([t]) => x(u, t)).filter(inside)) {
      u.ctx.beginPath();
      u.ctx.moveTo(at - size, top);
      u.ctx.lineTo(at + size, top);
      u.ctx.lineTo(at, top + 1.4 * size);
      u.ctx.fill();
    }
    u.ctx.fillStyle = color("act");
    for (const at of data.acts.map(([t]) => x(u, t)).filter(inside)) {
      u.ctx.beginPath(); // a diamond, and its line
      for (const [dx, dy] of [[0, -1], [1, 0], [0, 1], [-1, 0]]) u.ctx.lineTo(at + dx * size, top + size * (1 + dy));
      u.ctx.fill();
      u.ctx.fillRect(at - ratio() / 2, top, ratio(), u.bbox.height);
    }
  }
  function over(u) {
    u.ctx.save();
    if (chart.id === "heap" || chart.id === "gc-cpu") ticks(u);
    flags(u);
    if (chart.deadline !== null) upright(u, chart.deadline, color("fail"), [6, 3]);
    if (data.marked) marked(u, ...data.marked);
    u.ctx.restore();
  }
  // What a finding rests on: edges over every chart, filled on the one that shows it.
  function marked(u, from, to, on) {
    const [left, right] = [from, to].map((t) => Math.min(Math.max(x(u, t), u.bbox.left), u.bbox.left + u.bbox.width));
    u.ctx.fillStyle = color("accent");
    if (on === chart.id) {
      u.ctx.globalAlpha = 0.12;
      u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
      u.ctx.globalAlpha = 1;
      u.ctx.fillRect(left - ratio(), u.bbox.top, right - left + 2 * ratio(), 4 * ratio());
    }
    for (const t of [from, to]) upright(u, t, color("accent"), [], 2);
  }
  return { hooks: { drawClear: [under], draw: [over] } };
}
