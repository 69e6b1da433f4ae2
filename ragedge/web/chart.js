// Charts as our own SVG: lines and stacked bars over days or runs, in the page's colours, each with a title, a description
// and its figures as a table below. One unit of the picture is one pixel, so that its words keep their size on a phone.

import {el} from "./dom.js";
import {t} from "./languages.js";

const HEIGHT = 240;
const SPACE = {left: 56, right: 12, top: 12, bottom: 30};
const WIDEST = 1536;
const MARKS = ["circle", "square", "diamond"];

const NAMESPACE = "http://www.w3.org/2000/svg";
let made = 0;

function svg(tag, properties, ...children) {
  const node = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(properties)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

// chart(panel, {title, description, labels, series: [{name, values}], format, kind: "lines" or "bars", top, columns})
// `values` are numbers or null, one for each label; `columns` are further columns of the table, as series.
export function chart(panel, plan) {
  const width = Math.max(260, Math.min(WIDEST, panel.clientWidth || 720) - 34);
  const box = {width, x: SPACE.left, right: width - SPACE.right, y: SPACE.top, bottom: HEIGHT - SPACE.bottom};
  const top = plan.top ?? niceTop(highest(plan));
  const id = `chart-${(made += 1)}`;
  const picture = svg(
    "svg",
    {viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-labelledby": `${id}-title`, "aria-describedby": `${id}-text`},
    svg("title", {id: `${id}-title`}, plan.title),
    svg("desc", {id: `${id}-text`}, plan.description),
    ...grid(plan, box, top),
    ...(plan.kind === "bars" ? bars(plan, box, top) : lines(plan, box, top)),
  );
  return el(
    "figure",
    {class: "card chart"},
    el("figcaption", {}, el("h2", {}, plan.title), el("p", {class: "muted"}, plan.description)),
    legend(plan),
    picture,
    table(plan),
  );
}

function highest({kind, series, labels}) {
  const sums = labels.map((_, i) => series.map(({values}) => values[i] ?? 0));
  return Math.max(0, ...sums.map((all) => (kind === "bars" ? all.reduce((a, b) => a + b, 0) : Math.max(0, ...all))));
}

// Four equal steps of 1, 2, 3 or 5 times a power of ten, none of them less than one: their names are whole numbers.
function niceTop(value) {
  const least = Math.max(1, value / 4);
  const unit = 10 ** Math.floor(Math.log10(least));
  return 4 * [1, 2, 3, 5, 10].map((step) => step * unit).find((step) => step >= least);
}

function grid({labels, format}, box, top) {
  const parts = [];
  for (let step = 0; step <= 4; step += 1) {
    const y = box.bottom - ((box.bottom - box.y) * step) / 4;
    parts.push(svg("line", {class: "grid", x1: box.x, x2: box.right, y1: y, y2: y}));
    parts.push(svg("text", {x: box.x - 8, y: y + 4, "text-anchor": "end"}, format((top * step) / 4)));
  }
  const every = Math.max(1, Math.ceil(labels.length / Math.max(1, Math.floor((box.right - box.x) / 90))));
  labels.forEach((label, i) => {
    // the last one is always named, and none so near that the two would touch
    const isLast = i === labels.length - 1;
    if (!isLast && (i % every !== 0 || labels.length - 1 - i < every)) return;
    const x = place(i, labels.length, box);
    const isAtEdge = isLast && box.right - x < 30; // where half of its words would not fit
    parts.push(svg("text", {x: isAtEdge ? box.right + SPACE.right : x, y: HEIGHT - 8, "text-anchor": isAtEdge ? "end" : "middle"}, label));
  });
  return parts;
}

const place = (i, count, box) => box.x + ((i + 0.5) * (box.right - box.x)) / count;

function bars({series, labels}, box, top) {
  const thick = Math.max(1, Math.min(36, ((box.right - box.x) / labels.length) * 0.72));
  const scale = (box.bottom - box.y) / top;
  const parts = [];
  labels.forEach((_, i) => {
    let y = box.bottom;
    series.forEach(({values}, kind) => {
      const height = (values[i] ?? 0) * scale;
      if (height <= 0) return;
      y -= height;
      const x = place(i, labels.length, box) - thick / 2;
      parts.push(svg("rect", {class: `series-${kind}`, x, y, width: thick, height: Math.max(0.5, height - (kind ? 1 : 0))}));
    });
  });
  return parts;
}

function lines({series, labels}, box, top) {
  const parts = [];
  series.forEach(({values}, kind) => {
    const at = (i) => [place(i, labels.length, box), box.bottom - ((box.bottom - box.y) * Math.min(values[i], top)) / top];
    let stretch = [];
    const end = () => {
      if (stretch.length > 1) parts.push(svg("polyline", {class: `series-${kind}`, points: stretch.map((p) => p.join(",")).join(" ")}));
      stretch = [];
    };
    values.forEach((value, i) => (value === null || value === undefined ? end() : stretch.push(at(i))));
    end();
    values.forEach((value, i) => value !== null && value !== undefined && parts.push(mark(kind, ...at(i))));
  });
  return parts;
}

// Each series has a shape of its own, for eyes that do not part its colour from the others.
function mark(kind, x, y) {
  const shape = MARKS[kind % MARKS.length];
  const name = {class: `mark series-${kind}`};
  if (shape === "circle") return svg("circle", {...name, cx: x, cy: y, r: 3.5});
  if (shape === "square") return svg("rect", {...name, x: x - 3, y: y - 3, width: 6, height: 6});
  return svg("path", {...name, d: `M${x} ${y - 4.5}l4.5 4.5l-4.5 4.5l-4.5 -4.5z`});
}

function legend({series, kind}) {
  const item = ({name}, number) => {
    const shape = kind === "bars" ? svg("rect", {class: `series-${number}`, x: 2, y: 2, width: 10, height: 10}) : mark(number, 7, 7);
    return el("li", {}, svg("svg", {viewBox: "0 0 14 14", width: 14, height: 14, "aria-hidden": "true"}, shape), ` ${name}`);
  };
  return el("ul", {class: "legend-list"}, ...series.map(item));
}

function table({title, labels, series, columns = [], format, head}) {
  const all = [...series, ...columns];
  const rows = labels.map((label, i) =>
    el(
      "tr",
      {},
      el("th", {scope: "row"}, label),
      ...all.map((one) => el("td", {class: "number"}, one.values[i] === null || one.values[i] === undefined ? "–" : (one.format ?? format)(one.values[i]))),
    ),
  );
  const heads = el("tr", {}, el("th", {scope: "col"}, head), ...all.map(({name}) => el("th", {scope: "col", class: "number"}, name)));
  return el(
    "details",
    {},
    el("summary", {}, t("chart.table")),
    el("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": title}, el("table", {class: "figures"}, el("thead", {}, heads), el("tbody", {}, ...rows))),
  );
}
