/* Plots of the last minutes. They are drawn from what the polls have told; where there was none, the line is broken. */

const MINUTES = 5, WIDE = 300, HIGH = 80;
const SVG = "http://www.w3.org/2000/svg";

function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/* What a figure was at which times. */
class Past {
  points = [];

  add(at, value) {
    if (value === undefined || value === null) return;
    this.points.push({ at, value });
    while (this.points[0].at < at - MINUTES * 60_000) this.points.shift();
  }
}

/* The next number that is 1, 2 or 5 with zeros. */
function round(number) {
  const ten = 10 ** Math.floor(Math.log10(Math.max(number, 1)));
  return [1, 2, 5, 10].find(step => step * ten >= number) * ten;
}
const short = number => number >= 1e6 ? `${number / 1e6}M` : number >= 1e3 ? `${number / 1e3}k` : String(number);

/* A plot of a `Past`, with its newest figure. */
class Plot {
  /* `unit` is shown, `what` is told to those who see no plot. */
  constructor(name, unit, past, what = unit, tone = "") {
    Object.assign(this, { name, unit, past, what });
    this.line = svg("path", { class: "line" });
    this.area = svg("path", { class: "area" });
    this.hair = svg("path", { class: "hair" });
    this.chart = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", role: "img" },
      svg("path", { class: "grid", d: `M0 0h${WIDE}M0 ${HIGH / 2}h${WIDE}M0 ${HIGH}h${WIDE}` }), this.area, this.line, this.hair);
    this.now = el("b", {}, NONE);
    this.when = el("span", { class: "soft" }, unit);
    this.most = el("span", {}, "1");
    this.half = el("span", {}, "0.5");
    this.node = el("section", { class: `plot ${tone}` },
      el("div", { class: "head" }, el("h2", {}, name), el("p", {}, this.now, " ", this.when)),
      el("div", { class: "chart" }, this.chart, el("div", { class: "y", "aria-hidden": "true" }, this.most, this.half, el("span", {}, "0"))),
      el("div", { class: "x", "aria-hidden": "true" }, el("span", {}, `${MINUTES} min ago`), el("span", {}, "now")));
    this.chart.onpointermove = event => this.point(event);
    this.chart.onpointerleave = () => { this.pointed = null; this.draw(); };
    this.draw();
  }

  x(at) { return WIDE * (1 - (this.end - at) / (MINUTES * 60_000)); }
  y(value) { return HIGH - HIGH * value / this.top; }

  draw() {
    const { points } = this.past, last = points.at(-1);
    this.end = Date.now();
    this.top = round(Math.max(1, ...points.map(({ value }) => value)));
    write(this.most, short(this.top));
    write(this.half, short(this.top / 2));
    let line = "", area = "", begin = null;
    points.forEach(({ at, value }, nth) => {
      const here = `${this.x(at).toFixed(1)} ${this.y(value).toFixed(1)}`;
      const broken = nth === 0 || at - points[nth - 1].at > 15_000;
      if (broken && begin !== null) area += `L${this.x(points[nth - 1].at).toFixed(1)} ${HIGH}Z`;
      if (broken) area += `M${this.x(begin = at).toFixed(1)} ${HIGH}L${here}`;
      else area += `L${here}`;
      line += `${broken ? "M" : "L"}${here}`;
    });
    if (last) area += `L${this.x(last.at).toFixed(1)} ${HIGH}Z`;
    mark(this.line, "d", points.length === 1 ? `${line}h0` : line);
    mark(this.area, "d", area);
    this.read(this.pointed ? this.nearest(this.pointed) : null);
    const values = points.map(({ value }) => value);
    mark(this.chart, "aria-label", last ? `${this.name}: now ${few(last.value)} ${this.what}; in the last ${MINUTES} minutes from ${few(Math.min(...values))} to ${few(Math.max(...values))}`
      : `${this.name}: nothing known yet`);
  }

  /* The figure above the plot is the newest, or the one that is pointed at. */
  read(point) {
    const told = point ?? this.past.points.at(-1);
    write(this.now, few(told?.value));
    write(this.when, point ? `${this.unit}, ${span((this.end - point.at) / 1000)} ago` : this.unit);
    mark(this.hair, "d", point ? `M${this.x(point.at).toFixed(1)} 0V${HIGH}` : "");
  }

  point(event) {
    const { left, width } = this.chart.getBoundingClientRect();
    this.pointed = (event.clientX - left) / width;
    this.read(this.nearest(this.pointed));
  }

  nearest(part) {
    const at = this.end - (1 - part) * MINUTES * 60_000;
    return this.past.points.reduce((best, point) => !best || Math.abs(point.at - at) < Math.abs(best.at - at) ? point : best, null);
  }
}
