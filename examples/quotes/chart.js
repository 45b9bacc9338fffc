// Lines on a canvas. They take their colours from the style sheet.

const colours = canvas => {
  const style = getComputedStyle(canvas);
  return { line: style.color, grid: style.getPropertyValue("--line"), soft: style.getPropertyValue("--soft"), font: `12px ${style.fontFamily}` };
};

/** A context whose pixels are those of the screen, and that has a new size when the canvas has. */
function surface(canvas) {
  const at = { context: canvas.getContext("2d"), width: 0, height: 0, look: colours(canvas) };
  new ResizeObserver(([{ contentRect: { width, height } }]) => {
    const scale = devicePixelRatio || 1;
    canvas.width = width * scale;
    canvas.height = height * scale;
    at.context.setTransform(scale, 0, 0, scale, 0, 0);
    Object.assign(at, { width, height, look: colours(canvas) });
  }).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { at.look = colours(canvas); });
  return at;
}

/** The last `span` milliseconds of one instrument: every update is a point. */
export function chart(canvas, span, most) {
  const at = surface(canvas);
  const times = new Float64Array(most), prices = new Float64Array(most);
  const RIGHT = 58, BOTTOM = 22, TOP = 8;
  let count = 0, first = 0, low = 0, high = 0;
  const range = () => {
    let least = Infinity, highest = -Infinity;
    for (let i = first; i < count; i++) {
      const price = prices[i % most];
      if (price < least) least = price;
      if (price > highest) highest = price;
    }
    return [least, highest];
  };
  return {
    range,
    clear() { count = first = low = high = 0; },
    add(time, price) {
      times[count % most] = time;
      prices[count++ % most] = price;
      if (count - first > most) first = count - most;
    },
    /** `ease`: how fast the scale follows, from 0 to 1. */
    draw(now, ease, text) {
      const { context, width, height, look } = at;
      while (first < count - 1 && times[(first + 1) % most] < now - span) first++;
      context.clearRect(0, 0, width, height);
      if (!width || first === count) return;
      let [least, highest] = range();
      const space = Math.max((highest - least) * .12, highest * .0005);
      least -= space, highest += space;
      if (!high) [low, high] = [least, highest];
      // The scale follows slowly, but never so slowly that it cuts the line.
      low = Math.min(low + (least - low) * ease, least + space);
      high = Math.max(high + (highest - high) * ease, highest - space);
      const right = width - RIGHT, bottom = height - BOTTOM;
      const x = time => right - (now - time) / span * right;
      const y = price => bottom - (price - low) / (high - low) * (bottom - TOP);
      context.font = look.font;
      context.lineWidth = 1;
      context.strokeStyle = look.grid;
      context.fillStyle = look.soft;
      context.textBaseline = "middle";
      context.beginPath();
      for (let i = 0; i < 5; i++) {
        const price = low + (high - low) * (i + .5) / 5;
        context.moveTo(0, Math.round(y(price)) + .5);
        context.lineTo(right, Math.round(y(price)) + .5);
        context.fillText(text(price), right + 8, y(price));
      }
      context.stroke();
      context.textBaseline = "alphabetic";
      for (let ago = 0; ago < span; ago += 10_000) {
        const label = ago ? `−${ago / 1000} s` : "now";
        context.fillText(label, ago ? x(now - ago) - 14 : right - 26, height - 4);
      }
      context.strokeStyle = look.line;
      context.lineWidth = 2;
      context.lineJoin = "round";
      context.beginPath();
      for (let i = first; i < count; i++) context.lineTo(Math.max(0, x(times[i % most])), y(prices[i % most]));
      context.lineTo(right, y(prices[(count - 1) % most]));
      context.stroke();
      context.fillStyle = look.line;
      context.beginPath();
      context.arc(right, y(prices[(count - 1) % most]), 4, 0, 7);
      context.fill();
    },
  };
}

/** A small line of what was, oldest first, where `at` is where the ring begins. It is SVG: two hundred canvases would be as many layers. */
export function spark(parent) {
  const SVG = "http://www.w3.org/2000/svg", WIDTH = 60, HEIGHT = 20;
  const svg = parent.appendChild(document.createElementNS(SVG, "svg")), line = svg.appendChild(document.createElementNS(SVG, "polyline"));
  svg.setAttribute("viewBox", `-1 0 ${WIDTH + 2} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  return (ring, at, length) => {
    const price = i => ring[(at + i) % ring.length];
    const step = ring.length / WIDTH;
    let least = Infinity, highest = -Infinity;
    for (let i = 0; i < length; i++) [least, highest] = [Math.min(least, price(i)), Math.max(highest, price(i))];
    const points = [];
    for (let i = length - 1; i >= 0; i -= step)
      points.push(`${WIDTH - (length - 1 - i) / step},${(HEIGHT - 1 - (price(i) - least) / (highest - least || 1) * (HEIGHT - 2)).toFixed(1)}`);
    line.setAttribute("points", points.join(" "));
  };
}
