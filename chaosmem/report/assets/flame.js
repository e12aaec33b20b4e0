// Flame graphs: search, zoom, keyboard, root on top (icicle) or at the bottom (flame).
// `data` is the columns that chaosmem.report.flames.Flame describes: preorder,
// `parent` -1 for the root, heaviest child first.
"use strict";

const ROW = 20; // px

function signed(value, data) {
  return (value > 0 ? "+" : "") + human(value * data.scale, data.unit);
}

function button(text, pressed) {
  const made = make("button", "quiet", text);
  made.type = "button";
  if (pressed !== undefined) made.setAttribute("aria-pressed", String(pressed));
  return made;
}

class FlameGraph {
  constructor(host, data, upward) {
    this.host = host;
    this.data = data;
    this.upward = upward;
    this.count = data.name.length;
    this.children = Array.from({ length: this.count }, () => []);
    this.depth = new Array(this.count).fill(0);
    for (let i = 1; i < this.count; i += 1) {
      this.children[data.parent[i]].push(i);
      this.depth[i] = this.depth[data.parent[i]] + 1;
    }
    this.root = 0;
    this.focused = 0;
    this.build();
    this.layout();
    this.describe(0);
  }

  name(i) { return this.data.names[this.data.name[i]]; }

  build() {
    this.tree = make("div", "tree");
    this.tree.setAttribute("role", "tree");
    this.tree.setAttribute("aria-label", this.data.title);
    this.line = make("p", "flame-line");
    this.frames = [];
    for (let i = 0; i < this.count; i += 1) this.frames.push(this.frame(i));
    this.tree.append(...this.frames);
    this.tree.addEventListener("click", (e) => this.on(e, (i) => { this.focus(i); this.zoom(i); }));
    this.tree.addEventListener("mouseover", (e) => this.on(e, (i) => this.describe(i)));
    this.tree.addEventListener("mouseleave", () => this.describe(this.focused));
    this.tree.addEventListener("focusin", (e) => this.on(e, (i) => this.describe(i)));
    this.tree.addEventListener("keydown", (e) => this.pressed(e));
    this.host.replaceChildren(this.line, this.tree);
  }

  on(event, act) {
    const frame = event.target.closest("[data-i]");
    if (frame) act(Number(frame.dataset.i));
  }

  frame(i) {
    const frame = make("div", "frame " + this.tint(i), this.name(i));
    frame.dataset.i = String(i);
    frame.tabIndex = i === 0 ? 0 : -1;
    frame.setAttribute("role", "treeitem");
    frame.setAttribute("aria-level", String(this.depth[i] + 1));
    frame.setAttribute("aria-label", this.words(i));
    return frame;
  }

  // One tint a package. Growth: the stronger, the more of the frame is new. Difference: growth or
  // shrinkage, the stronger, the more one of the two prevails.
  tint(i) {
    const { kind, value, before, after } = this.data;
    if (kind === "diff") {
      const net = value[i] > 0 ? (after[i] - before[i]) / value[i] : 0;
      return (net < 0 ? "s" : "g") + Math.min(4, Math.ceil(Math.abs(net) * 4));
    }
    if (i === 0) return "all";
    if (kind === "growth") {
      const fresh = after[i] > 0 ? Math.max(0, after[i] - before[i]) / after[i] : 0;
      return "g" + Math.min(4, Math.floor(fresh * 5));
    }
    const home = this.name(i).replace(/\.[^/]*$/, "");
    let hash = 0;
    for (const letter of home) hash = (hash * 31 + letter.codePointAt(0)) % 9973;
    return "c" + (hash % 6);
  }

  human(value) { return human(value * this.data.scale, this.data.unit); }

  words(i) {
    const { value, before, after, kind } = this.data;
    const share = (100 * value[i] / value[0]).toFixed(1) + " %";
    const change = `${this.human(before[i])} → ${this.human(after[i])}`;
    if (kind === "growth") return `${this.name(i)}: +${this.human(value[i])}, ${share}, ${change}`;
    if (kind === "value") return `${this.name(i)}: ${this.human(value[i])}, ${share}`;
    return `${this.name(i)}: ${signed(after[i] - before[i], this.data)}, ${change}, ${share} of all change`;
  }

  describe(i) { this.line.textContent = this.words(i); }

  // Place every frame of the zoomed subtree, and its ancestors at full width.
  layout() {
    const { value, parent } = this.data;
    const left = new Float64Array(this.count), share = new Float64Array(this.count).fill(-1);
    for (let i = this.root; i >= 0; i = parent[i]) share[i] = 1;
    let deepest = this.depth[this.root];
    const todo = [this.root];
    while (todo.length) {
      const i = todo.pop();
      deepest = Math.max(deepest, this.depth[i]);
      let at = left[i];
      for (const child of this.children[i]) {
        left[child] = at;
        share[child] = value[child] / value[this.root];
        at += share[child];
        if (share[child] > 0.0008) todo.push(child); else share[child] = -1;
      }
    }
    this.frames.forEach((frame, i) => this.put(frame, i, left[i], share[i], deepest));
    this.tree.style.height = (deepest + 1) * ROW + "px";
  }

  put(frame, i, left, share, deepest) {
    frame.hidden = share < 0;
    if (share < 0) return;
    frame.style.left = 100 * left + "%";
    frame.style.width = 100 * share + "%";
    frame.style.top = (this.upward ? deepest - this.depth[i] : this.depth[i]) * ROW + "px";
    frame.classList.toggle("above", this.depth[i] < this.depth[this.root]);
  }

  turn(upward) {
    this.upward = upward;
    this.layout();
  }

  zoom(i) {
    this.root = i;
    this.layout();
    this.focus(i);
  }

  focus(i) {
    this.frames[this.focused].tabIndex = -1;
    this.focused = i;
    this.frames[i].tabIndex = 0;
    this.frames[i].focus({ preventScroll: true });
  }

  pressed(event) {
    const next = this.neighbour(event.key);
    if (event.key === "Enter" || event.key === " ") this.zoom(this.focused);
    else if (event.key === "Escape") this.zoom(0);
    else if (next === undefined) return;
    else if (next !== null && !this.frames[next].hidden) this.focus(next);
    event.preventDefault();
  }

  neighbour(key) {
    const i = this.focused, up = this.data.parent[i];
    const row = up < 0 ? [0] : this.children[up], at = row.indexOf(i);
    const arrows = { ArrowDown: "ArrowUp", ArrowUp: "ArrowDown" };
    switch (this.upward ? arrows[key] ?? key : key) {
      case "ArrowDown": return this.children[i][0] ?? null;
      case "ArrowUp": return up < 0 ? null : up;
      case "ArrowRight": return row[at + 1] ?? null;
      case "ArrowLeft": return row[at - 1] ?? null;
      case "Home": return 0;
      default: return undefined;
    }
  }

  // Mark the frames whose name contains `text`; returns the share of the whole below the topmost.
  search(text) {
    const wanted = text.toLowerCase(), covered = new Uint8Array(this.count);
    let sum = 0;
    for (let i = 0; i < this.count; i += 1) {
      const hit = wanted !== "" && this.name(i).toLowerCase().includes(wanted);
      const above = i > 0 && covered[this.data.parent[i]];
      if (hit && !above) sum += this.data.value[i];
      covered[i] = hit || above ? 1 : 0;
      this.frames[i].classList.toggle("hit", hit);
    }
    this.tree.classList.toggle("searching", wanted !== "");
    return sum / this.data.value[0];
  }
}
