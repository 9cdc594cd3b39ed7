"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const SVG = "http://www.w3.org/2000/svg";

  // Everything is built from nodes and text: no string is ever parsed as HTML.
  const node = (name, attributes = {}, text) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const element = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const short = (value) => Number(value.toPrecision(3)).toString();

  // The table: sort and filter.
  const table = $("table");
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  const rows = [...body.rows].map((row, place) => ({
    row, place, text: row.textContent.toLowerCase(), best: row.classList.contains("best"),
    model: row.querySelector("th").title + row.querySelector("th").textContent,
  }));
  const valueOf = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.v === undefined) return cell.textContent.trim().toLowerCase();
    return cell.dataset.v === "" ? null : Number(cell.dataset.v);
  };
  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b, undefined, { numeric: true }) : a - b);
  const total = new Set(rows.map((entry) => entry.model)).size;

  const sortBy = (column) => {
    const heading = headings[column];
    const now = heading.getAttribute("aria-sort");
    const first = heading.dataset.first;
    const other = first === "ascending" ? "descending" : "ascending";
    const order = now === first ? other : first;
    headings.forEach((each) => each.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const keyed = rows.map((entry) => ({ entry, value: valueOf(entry.row, column) }));
    keyed.sort((a, b) => {
      if (a.value === null || b.value === null) {
        // What has no value stands last, whichever way.
        return (a.value === null) - (b.value === null) || a.entry.place - b.entry.place;
      }
      return sign * compare(a.value, b.value) || a.entry.place - b.entry.place;
    });
    const sorted = document.createDocumentFragment();
    keyed.forEach(({ entry }) => sorted.append(entry.row));
    body.append(sorted);
  };
  headings.forEach((heading, column) => {
    heading.querySelector("button").addEventListener("click", () => sortBy(column));
  });

  const filter = $("filter");
  const every = $("every");
  const show = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const models = new Set();
    for (const entry of rows) {
      const matches = words.every((word) => entry.text.includes(word));
      const visible = matches && (entry.best || (every !== null && every.checked));
      entry.row.hidden = !visible;
      if (visible) models.add(entry.model);
    }
    $("count").textContent = `${models.size} of ${total} models`;
    $("none").hidden = models.size > 0;
  };
  filter.addEventListener("input", show);
  if (every !== null) every.addEventListener("change", show);
  // A reload keeps what was typed.
  if (filter.value || (every !== null && every.checked)) show();

  const options = (select, metrics) => {
    metrics.forEach((metric) => {
      const option = element("option", "", metric.name);
      option.value = metric.name;
      option.selected = metric.name === data.first;
      select.append(option);
    });
  };
  const metricOf = (name) => data.metrics.find((metric) => metric.name === name);
  const arrow = (metric) => (metric.higher ? "higher is better" : "lower is better");
  const span = (values) => {
    const low = Math.min(...values), high = Math.max(...values);
    const pad = (high - low || Math.abs(high) || 1) * 0.08;
    return [low - pad, high + pad];
  };
  const niceTicks = (low, high) => {
    const raw = (high - low) / 5, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw);
    const ticks = [];
    for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-9; tick += step) ticks.push(tick);
    return ticks;
  };
  const logTicks = (low, high) => {
    const ticks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
      for (const n of [1, 2, 5]) {
        const tick = n * 10 ** power;
        if (tick >= low && tick <= high) ticks.push(tick);
      }
    }
    return ticks.length > 2 ? ticks : niceTicks(low, high);
  };
  const amount = (value) => {
    if (value >= 1e9) return `${short(value / 1e9)}G`;
    if (value >= 1e6) return `${short(value / 1e6)}M`;
    return value >= 1e3 ? `${short(value / 1e3)}k` : short(value);
  };

  // Score against cost.
  const drawCost = () => {
    const metric = metricOf($("cost-metric").value), axis = $("cost-axis").value;
    const better = (a, b) => (metric.higher ? a > b : a < b);
    const points = data.models
      .map((model) => ({ model, x: model[axis], y: model.scores[metric.name] }))
      .filter((point) => point.x > 0 && typeof point.y === "number");
    const holder = $("cost-chart");
    holder.replaceChildren();
    $("cost-front").textContent = "";
    if (!points.length) {
      holder.append(element("p", "quiet", "No model has both numbers."));
      return;
    }
    // From the cheapest on, each that is better than all before it.
    const cheapFirst = [...points].sort((a, b) => (axis === "params" ? a.x - b.x : b.x - a.x) || (better(a.y, b.y) ? -1 : 1));
    const front = [];
    for (const point of cheapFirst) if (!front.length || better(point.y, front[front.length - 1].y)) front.push(point);

    const width = Math.max(300, Math.min(1100, holder.clientWidth)), height = Math.max(260, Math.min(420, width * 0.55));
    const left = 56, right = 16, top = 14, bottom = 44;
    const xs = points.map((point) => point.x);
    const lowX = Math.min(...xs) / 1.25, highX = Math.max(...xs) * 1.25;
    const [lowY, highY] = span(points.map((point) => point.y));
    const px = (x) => left + ((Math.log(x) - Math.log(lowX)) / (Math.log(highX) - Math.log(lowX))) * (width - left - right);
    const py = (y) => height - bottom - ((y - lowY) / (highY - lowY)) * (height - top - bottom);
    const costName = axis === "params" ? "parameters" : "images a second";
    const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
    svg.setAttribute("aria-label", `${metric.name} against ${costName} of ${points.length} models; the table above has the numbers`);
    for (const tick of niceTicks(lowY, highY)) {
      svg.append(node("line", { class: "grid-line", x1: left, x2: width - right, y1: py(tick), y2: py(tick) }));
      svg.append(node("text", { x: left - 8, y: py(tick) + 4, "text-anchor": "end" }, short(tick)));
    }
    const ticks = logTicks(lowX, highX);
    const everyNth = Math.ceil(ticks.length / (width / 70));
    ticks.forEach((tick, i) => {
      if (i % everyNth) return;
      svg.append(node("text", { x: px(tick), y: height - bottom + 18, "text-anchor": "middle" }, amount(tick)));
    });
    svg.append(node("line", { class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }));
    svg.append(node("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, `${costName} (log scale), ${axis === "params" ? "fewer" : "more"} is cheaper`));
    svg.append(node("text", { x: left, y: 8 }, `${metric.name}, ${arrow(metric)}`));
    const line = [...front].sort((a, b) => a.x - b.x).map((point) => `${px(point.x)},${py(point.y)}`).join(" ");
    svg.append(node("polyline", { class: "front-line", points: line }));
    const onFront = new Set(front);
    for (const point of [...points].sort((a, b) => onFront.has(a) - onFront.has(b))) {
      const circle = node("circle", { class: onFront.has(point) ? "point front" : "point", cx: px(point.x), cy: py(point.y), r: 5 });
      circle.append(node("title", {}, `${point.model.name}: ${metric.name} ${short(point.y)}, ${amount(point.x)} ${costName}`));
      svg.append(circle);
    }
    // Names, of few models all where there is room, else of the front, none over another.
    const boxes = [];
    const named = points.length > 10 || width < 600 ? front : [...front, ...points.filter((point) => !onFront.has(point))];
    for (const point of named) {
      const x = px(point.x), y = py(point.y), wide = point.model.name.length * 7;
      const toLeft = x + wide + 10 > width - right;
      const start = toLeft ? x - 9 - wide : x + 9;
      for (const dy of [-9, 18, -24, 33]) {
        const box = [start, y + dy - 11, start + wide, y + dy + 3];
        const free = box[0] > left - 20 && box[1] > 10 && box[3] < height - bottom
          && boxes.every((b) => box[2] < b[0] || box[0] > b[2] || box[3] < b[1] || box[1] > b[3]);
        if (!free) continue;
        boxes.push(box);
        svg.append(node("text", { class: onFront.has(point) ? "name" : "name other", x: toLeft ? x - 9 : x + 9, y: y + dy, "text-anchor": toLeft ? "end" : "start" }, point.model.name));
        break;
      }
    }
    holder.append(svg);
    $("cost-front").textContent = `On the front, from the cheapest: ${front.map((point) => point.model.name).join(", ")}.`;
  };

  // Score over depth: a small figure a model.
  const FIRST_FIGURES = 24;
  let allFigures = false;
  const deep = data.models.filter((model) => model.layers.length > 1);
  const drawDepth = () => {
    const metric = metricOf($("depth-metric").value);
    const values = deep.flatMap((model) => model.layers.map((layer) => layer.scores[metric.name])).filter((value) => typeof value === "number");
    const holder = $("depth-charts");
    holder.replaceChildren();
    if (!values.length) return;
    const [lowY, highY] = span(values);
    const width = 220, height = 74;
    const shown = allFigures ? deep : deep.slice(0, FIRST_FIGURES);
    for (const model of shown) {
      const points = model.layers.filter((layer) => typeof layer.scores[metric.name] === "number");
      if (!points.length) continue;
      const lowX = Math.min(...points.map((p) => p.depth)), highX = Math.max(...points.map((p) => p.depth));
      const px = (x) => 6 + ((x - lowX) / (highX - lowX || 1)) * (width - 12);
      const py = (y) => height - 6 - ((y - lowY) / (highY - lowY)) * (height - 12);
      const at = (layer) => [px(layer.depth), py(layer.scores[metric.name])];
      const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
      const ends = points.map((layer) => layer.scores[metric.name]);
      const said = `${short(Math.min(...ends))} to ${short(Math.max(...ends))}; best ${model.layer}`;
      svg.setAttribute("aria-label", `${metric.name} over ${points.length} layers of ${model.name}: ${said}`);
      svg.append(node("line", { class: "axis", x1: 0, x2: width, y1: height - 1, y2: height - 1 }));
      svg.append(node("polyline", { class: "curve", points: points.map((layer) => at(layer).join(",")).join(" ") }));
      for (const layer of points) {
        const [cx, cy] = at(layer), best = layer.name === model.layer;
        const dot = node("circle", { class: best ? "pick" : "point", cx, cy, r: best ? 4.5 : 2.5 });
        dot.append(node("title", {}, `${layer.name}: ${short(layer.scores[metric.name])}`));
        svg.append(dot);
      }
      const figure = element("figure");
      figure.append(element("figcaption", "", model.name), svg, element("p", "quiet", said));
      holder.append(figure);
    }
    $("depth-all").hidden = allFigures || deep.length <= FIRST_FIGURES;
    $("depth-all").textContent = `Show all ${deep.length} models`;
  };

  if (data.models.length && data.metrics.length) {
    options($("cost-metric"), data.metrics);
    $("cost-section").hidden = false;
    $("cost-metric").addEventListener("change", drawCost);
    $("cost-axis").addEventListener("change", drawCost);
    drawCost();
    let last = innerWidth;
    addEventListener("resize", () => {
      if (innerWidth !== last) requestAnimationFrame(drawCost);
      last = innerWidth;
    });
  }
  if (deep.length && data.metrics.length) {
    options($("depth-metric"), data.metrics);
    $("depth-section").hidden = false;
    $("depth-metric").addEventListener("change", drawDepth);
    $("depth-all").addEventListener("click", () => { allFigures = true; drawDepth(); });
    drawDepth();
  }
})();
