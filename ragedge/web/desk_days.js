// How much was asked and how long people waited, day by day: two charts with their tables.

import {getJson} from "./api.js";
import {chart} from "./chart.js";
import {notKept} from "./desk_questions.js";
import {el, fill} from "./dom.js";
import {count, language, t} from "./languages.js";
import {durationName} from "./text.js";

const SPANS = [30, 90];
const wanted = {days: 30};

export async function show(panel, desk) {
  const choice = el("select", {id: "days-span", autocomplete: "off"}, ...SPANS.map((days) => el("option", {value: days}, count("n.days", days))));
  choice.value = wanted.days;
  const charts = el("div", {class: "charts"});
  panel.append(el("div", {class: "desk-tools"}, el("label", {}, el("span", {}, t("days.span")), choice)), charts);
  const load = () =>
    desk.attempt(async () => {
      const found = await getJson(`/v1/admin/questions/days?days=${wanted.days}`);
      if (found.is_kept) draw(charts, found.days);
      else fill(panel, notKept());
    });
  choice.addEventListener("change", () => {
    wanted.days = Number(choice.value);
    return load();
  });
  return load();
}

const sum = (days, key) => days.reduce((total, day) => total + day[key], 0);
const whole = (value) => Math.round(value).toLocaleString(language());

function draw(charts, days) {
  const labels = days.map(({day}) => dayName(day));
  const of = (key) => days.map((day) => day[key]);
  const totals = {answered: sum(days, "answered"), unsure: sum(days, "unsure"), refused: sum(days, "refused")};
  const all = totals.answered + totals.unsure + totals.refused + sum(days, "other");
  const timed = sum(days, "timed");
  fill(
    charts,
    all ? null : el("p", {class: "notice"}, t("days.none")),
    chart(charts, {
      kind: "bars",
      title: t("days.outcomes"),
      description: t("days.outcomesText", {questions: count("n.questions", all), ...totals}),
      head: t("days.day"),
      labels,
      format: whole,
      series: [
        {name: t("days.answered"), values: of("answered")},
        {name: t("days.unsure"), values: of("unsure")},
        {name: t("days.refused"), values: of("refused")},
      ],
    }),
    chart(charts, {
      kind: "lines",
      title: t("days.times"),
      description: t("days.timesText", {questions: count("n.questions", timed)}),
      head: t("days.day"),
      labels,
      format: durationName,
      series: [
        {name: t("days.median"), values: of("total_median_ms")},
        {name: t("days.p"), values: of("total_p95_ms")},
      ],
      columns: [
        {name: t("days.passages"), values: of("passages_median_ms")},
        {name: t("days.passagesP"), values: of("passages_p95_ms")},
      ],
    }),
  );
}

// A day of the box's calendar, which is not to move with the browser's zone.
export const dayName = (day) => new Date(`${day}T00:00:00Z`).toLocaleDateString(language(), {day: "numeric", month: "short", timeZone: "UTC"});
