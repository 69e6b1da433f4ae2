// A small panel for questions on pages of other sites, by one script tag:
//   <script src="(the service's address)/widget.js" data-title="Ask the manuals" data-lang="en" defer></script>
// Everything lives in a shadow root; texts are only ever set as text; it talks to the service it came from, and no other.
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script || document.querySelector("ragedge-ask")) return;
  const service = new URL(script.src).origin;
  const MAX_TURNS = 5;

  const WORDS = {
    en: {
      title: "Ask our documents", open: "Ask", close: "Close", label: "Your question", send: "Ask", stop: "Stop",
      reading: "Reading the passages…", you: "You asked", sources: "Sources", closest: "Closest passages",
      page: "page #", newTab: "opens in a new tab", answered: "Answer", unsure: "Unsure: check the source",
      abstained: "Not in these documents", truncated: "Cut short", cancelled: "Stopped", reviewed: "Reviewed answer",
      loose: "no source supports this", away: "The service cannot be reached. Try again later.",
    },
    de: {
      title: "Unsere Dokumente fragen", open: "Fragen", close: "Schließen", label: "Ihre Frage", send: "Fragen", stop: "Anhalten",
      reading: "Die Stellen werden gelesen…", you: "Sie fragten", sources: "Quellen", closest: "Nächstliegende Stellen",
      page: "Seite #", newTab: "öffnet einen neuen Tab", answered: "Antwort", unsure: "Unsicher: bitte die Quelle prüfen",
      abstained: "Nicht in diesen Dokumenten", truncated: "Gekürzt", cancelled: "Angehalten", reviewed: "Geprüfte Antwort",
      loose: "durch keine Quelle belegt", away: "Der Dienst ist nicht erreichbar. Bitte später erneut versuchen.",
    },
    fr: {
      title: "Interroger nos documents", open: "Demander", close: "Fermer", label: "Votre question", send: "Demander", stop: "Arrêter",
      reading: "Lecture des passages…", you: "Vous avez demandé", sources: "Sources", closest: "Passages les plus proches",
      page: "page #", newTab: "s’ouvre dans un nouvel onglet", answered: "Réponse", unsure: "Incertain : vérifiez la source",
      abstained: "Pas dans ces documents", truncated: "Coupée", cancelled: "Arrêtée", reviewed: "Réponse relue",
      loose: "aucune source ne le confirme", away: "Le service est injoignable. Réessayez plus tard.",
    },
    es: {
      title: "Preguntar a nuestros documentos", open: "Preguntar", close: "Cerrar", label: "Su pregunta", send: "Preguntar", stop: "Parar",
      reading: "Leyendo los pasajes…", you: "Usted preguntó", sources: "Fuentes", closest: "Pasajes más cercanos",
      page: "página #", newTab: "se abre en otra pestaña", answered: "Respuesta", unsure: "Dudoso: compruebe la fuente",
      abstained: "No está en estos documentos", truncated: "Cortada", cancelled: "Parada", reviewed: "Respuesta revisada",
      loose: "ninguna fuente lo respalda", away: "El servicio no responde. Inténtelo más tarde.",
    },
    zh: {
      title: "向我们的文档提问", open: "提问", close: "关闭", label: "您的问题", send: "提问", stop: "停止",
      reading: "正在阅读段落…", you: "您的问题", sources: "来源", closest: "最接近的段落",
      page: "第 # 页", newTab: "在新标签页中打开", answered: "回答", unsure: "不确定：请核对来源",
      abstained: "这些文档中没有", truncated: "已截断", cancelled: "已停止", reviewed: "经审核的回答",
      loose: "没有来源支持这一点", away: "无法连接服务。请稍后再试。",
    },
    ar: {
      title: "اسأل وثائقنا", open: "اسأل", close: "إغلاق", label: "سؤالك", send: "اسأل", stop: "إيقاف",
      reading: "تُقرأ المقاطع…", you: "سألتَ", sources: "المصادر", closest: "أقرب المقاطع",
      page: "صفحة #", newTab: "يُفتح في لسان جديد", answered: "الجواب", unsure: "غير مؤكد: راجع المصدر",
      abstained: "ليس في هذه الوثائق", truncated: "مقتطع", cancelled: "أُوقف", reviewed: "جواب مُراجَع",
      loose: "لا يدعم ذلك أي مصدر", away: "لا يمكن الوصول إلى الخدمة. حاول لاحقًا.",
    },
  };
  const wanted = (script.dataset.lang || document.documentElement.lang || "en").slice(0, 2).toLowerCase();
  const language = wanted in WORDS ? wanted : "en";
  const words = WORDS[language];
  const title = script.dataset.title || words.title;

  const STYLE = `
    :host { all: initial; position: fixed; inset-inline-end: 1rem; bottom: 1rem; z-index: 2147483000; color-scheme: light dark;
      --ink: light-dark(#1d2326, #e8ecec); --soft: light-dark(#52606a, #a9b5ba); --paper: light-dark(#ffffff, #171c1f);
      --box: light-dark(#f0f1ec, #232a2e); --line: light-dark(#868f92, #6b777c); --accent: light-dark(#0b5c6b, #7fd0de);
      --on-accent: light-dark(#ffffff, #10181b); --warn: light-dark(#8a4b00, #f2b866);
      font: 16px/1.5 system-ui, sans-serif; color: var(--ink); }
    * { box-sizing: border-box; }
    button, textarea { font: inherit; color: inherit; }
    button { cursor: pointer; border: 1px solid var(--line); border-radius: 8px; background: var(--box); padding: 8px 14px; min-height: 40px; }
    button.main { background: var(--accent); color: var(--on-accent); border-color: var(--accent); font-weight: 600; }
    button:focus-visible, a:focus-visible, textarea:focus-visible, .log:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
    .open { border-radius: 999px; padding: 10px 20px; box-shadow: 0 2px 10px #0005; }
    .panel { display: flex; flex-direction: column; width: min(400px, calc(100vw - 2rem)); height: min(600px, calc(100vh - 2rem));
      background: var(--paper); border: 1px solid var(--line); border-radius: 12px; box-shadow: 0 6px 30px #0006; overflow: hidden; }
    [hidden] { display: none !important; }
    header { display: flex; align-items: center; gap: 8px; padding-block: 10px; padding-inline: 16px 10px; border-bottom: 1px solid var(--line); }
    h2 { flex: 1; margin: 0; font-size: 17px; line-height: 1.3; overflow-wrap: anywhere; }
    .log { flex: 1; overflow-y: auto; padding: 4px 16px 12px; }
    .asked { margin: 14px 0 4px; color: var(--soft); overflow-wrap: anywhere; }
    .outcome { margin: 0; font-weight: 600; color: var(--accent); }
    .answer[data-outcome="unsure"] .outcome, .answer[data-outcome="truncated"] .outcome, .answer[data-outcome="error"] .outcome { color: var(--warn); }
    .answer[data-outcome="abstained"] .outcome { color: var(--soft); }
    .answer { border-inline-start: 4px solid var(--accent); padding-inline-start: 12px; }
    .answer[data-outcome="unsure"], .answer[data-outcome="truncated"], .answer[data-outcome="error"] { border-inline-start-style: dashed; border-color: var(--warn); }
    .answer[data-outcome="abstained"] { border-inline-start-style: dotted; border-color: var(--soft); }
    .text { margin: 2px 0; white-space: pre-wrap; overflow-wrap: anywhere; }
    .loose { text-decoration: underline dotted; text-underline-offset: 3px; }
    .small { margin: 8px 0 0; font-size: 14px; color: var(--soft); }
    ul { margin: 2px 0; padding: 0; list-style: none; font-size: 14px; }
    li { margin: 4px 0; overflow-wrap: anywhere; }
    a { color: var(--accent); }
    a.number { font-size: 13px; font-weight: 600; text-decoration: none; padding: 0 5px; margin: 0 1px; border: 1px solid var(--line); border-radius: 6px; }
    form { display: flex; flex-wrap: wrap; gap: 8px; padding: 10px 16px 14px; border-top: 1px solid var(--line); }
    label { flex-basis: 100%; font-size: 14px; }
    textarea { flex: 1; min-width: 0; resize: none; border: 1px solid var(--line); border-radius: 8px; background: var(--paper); padding: 8px 10px; }
  `;

  function el(tag, properties = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (name === "hidden") node.hidden = value;
      else node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  }

  const host = document.createElement("ragedge-ask");
  host.lang = language;
  host.dir = language === "ar" ? "rtl" : "ltr";
  const root = host.attachShadow({mode: "open"});
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];

  const opener = el("button", {type: "button", class: "main open", "aria-expanded": "false", onclick: openPanel}, words.open);
  const closer = el("button", {type: "button", "aria-label": words.close, onclick: closePanel}, "×");
  const log = el("div", {class: "log", role: "log", "aria-live": "polite", tabindex: "0", "aria-label": title});
  const box = el("textarea", {id: "question", rows: "2", dir: "auto", maxlength: "2000", autocomplete: "off"});
  const sender = el("button", {type: "submit", class: "main"}, words.send);
  const form = el("form", {onsubmit: submit}, el("label", {for: "question"}, words.label), box, sender);
  const panel = el(
    "section",
    {class: "panel", role: "dialog", "aria-labelledby": "title", hidden: true, onkeydown: (event) => event.key === "Escape" && closePanel()},
    el("header", {}, el("h2", {id: "title", dir: "auto"}, title), closer),
    log,
    form,
  );
  root.append(opener, panel);
  box.addEventListener("keydown", (event) => {
    // keys typed here are no shortcuts of the page around
    event.stopPropagation();
    if (event.key === "Escape") closePanel();
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });

  let running = null;
  const turns = [];

  function openPanel() {
    panel.hidden = false;
    opener.hidden = true;
    opener.setAttribute("aria-expanded", "true");
    box.focus();
  }

  function closePanel() {
    panel.hidden = true;
    opener.hidden = false;
    opener.setAttribute("aria-expanded", "false");
    opener.focus();
  }

  function submit(event) {
    event.preventDefault();
    if (running) return running.abort();
    const question = box.value.trim();
    if (!question) return box.focus();
    box.value = "";
    ask(question);
  }

  async function ask(question) {
    running = new AbortController();
    sender.textContent = words.stop;
    const outcome = el("p", {class: "outcome"}, words.reading);
    const text = el("p", {class: "text", dir: "auto"});
    const part = el("div", {class: "answer", "aria-busy": "true"}, outcome, text);
    const asked = el("p", {class: "asked"}, `${words.you}: `, el("bdi", {}, question));
    log.append(asked, part);
    log.scrollTop = log.scrollHeight;
    try {
      const answer = await follow(question, running.signal, (piece) => {
        text.append(piece);
        log.scrollTop = log.scrollHeight;
      });
      turns.push({question, answer: answer.text});
      turns.splice(0, turns.length - MAX_TURNS);
      showAnswer(part, outcome, text, answer);
    } catch (error) {
      const isStopped = error.name === "AbortError";
      part.dataset.outcome = isStopped ? "cancelled" : "error";
      outcome.textContent = isStopped ? words.cancelled : error.isOurs ? error.message : words.away;
    } finally {
      part.setAttribute("aria-busy", "false");
      // the question at the top, so that the answer is read from its beginning; never scrolls the page around
      log.scrollTop += asked.getBoundingClientRect().top - log.getBoundingClientRect().top - 8;
      running = null;
      sender.textContent = words.send;
    }
  }

  async function follow(question, signal, onPiece) {
    const reply = await fetch(`${service}/v1/ask/stream`, {
      method: "POST",
      mode: "cors",
      credentials: "omit",
      referrerPolicy: "no-referrer",
      headers: {"Content-Type": "application/json"},
      body: JSON.stringify({text: question, history: turns, language}),
      signal,
    });
    if (!reply.ok) throw refusal(await reply.json().catch(() => null));
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    let answer = null;
    for (;;) {
      const {done, value} = await reader.read();
      if (done) break;
      buffer += value;
      let end;
      while ((end = buffer.indexOf("\n\n")) >= 0) {
        const event = parse(buffer.slice(0, end));
        buffer = buffer.slice(end + 2);
        if (event.name === "piece") onPiece(event.data.text);
        else if (event.name === "answer") answer = event.data;
        else if (event.name === "error") throw refusal(event.data);
      }
    }
    if (!answer) throw refusal(null);
    return answer;
  }

  function parse(block) {
    const event = {name: "", data: null};
    for (const line of block.split("\n")) {
      if (line.startsWith("event: ")) event.name = line.slice(7);
      else if (line.startsWith("data: ")) event.data = JSON.parse(line.slice(6));
    }
    return event;
  }

  function refusal(view) {
    const said = view && view.error && typeof view.error.message === "string";
    const error = new Error(said ? [view.error.message, view.error.hint].filter(Boolean).join(": ") : words.away);
    error.isOurs = true;
    return error;
  }

  function showAnswer(part, outcome, text, answer) {
    const isReviewed = answer.outcome === "answered" && answer.engine === "reviewed";
    outcome.textContent = (isReviewed ? words.reviewed : words[answer.outcome]) || answer.outcome;
    part.dataset.outcome = answer.outcome;
    text.replaceChildren(...sentences(answer));
    if (answer.citations.length) {
      const items = new Map(answer.citations.map((citation) => [place(citation), citation]));
      const list = [...items.values()].map((citation) => {
        const link = sourceLink(citation, `${citation.number}. ${nameOf(citation)}`);
        return el("li", {}, link, ": ", el("q", {dir: "auto"}, shorten(citation.quote, 200)));
      });
      part.append(el("p", {class: "small"}, words.sources), el("ul", {}, ...list));
    } else if (answer.hits.length) {
      const pages = new Map();
      for (const hit of answer.hits) {
        const page = hit.chunk.spans.length ? hit.chunk.spans[0].page : 1;
        const address = `${service}/source/${encodeURIComponent(hit.chunk.document_id)}/${page}`;
        pages.set(address, `${hit.title || hit.chunk.document_path}, ${pageName(page)}`);
      }
      const list = [...pages].slice(0, 3).map(([address, name]) => el("li", {}, newTab(address, name)));
      part.append(el("p", {class: "small"}, words.closest), el("ul", {}, ...list));
    }
  }

  // The service counts characters (code points).
  function sentences(answer) {
    const characters = [...answer.text];
    const cuts = new Set([0, characters.length]);
    for (const span of answer.unsupported) cuts.add(span.start).add(span.end);
    for (const citation of answer.citations) cuts.add(citation.answer_end);
    const places = [...cuts].filter((at) => at >= 0 && at <= characters.length).sort((a, b) => a - b);
    const nodes = [];
    for (let i = 0; i + 1 < places.length; i += 1) {
      const [start, end] = [places[i], places[i + 1]];
      const said = characters.slice(start, end).join("");
      const isLoose = answer.unsupported.some((span) => span.start <= start && end <= span.end);
      nodes.push(isLoose ? el("span", {class: "loose", title: words.loose}, said) : said);
      const numbers = new Map(answer.citations.filter((citation) => citation.answer_end === end).map((c) => [c.number, c]));
      for (const citation of numbers.values()) nodes.push(" ", sourceLink(citation, String(citation.number), "number"));
    }
    return nodes;
  }

  const pageName = (number) => words.page.replace("#", number);
  const nameOf = (citation) => `${citation.title || citation.document_path}, ${pageName(citation.span.page)}`;
  const shorten = (text, most) => (text.length > most ? `${text.slice(0, most).trimEnd()}…` : text);

  function place(citation) {
    const {page, start, end} = citation.span;
    return `${service}/source/${encodeURIComponent(citation.document_id)}/${page}?start=${start}&end=${end}#quote`;
  }

  function sourceLink(citation, label, kind = "") {
    return newTab(place(citation), label, kind, kind ? nameOf(citation) : label);
  }

  function newTab(address, label, kind = "", name = label) {
    return el("a", {href: address, class: kind, target: "_blank", rel: "noopener noreferrer", "aria-label": `${name} (${words.newTab})`}, label);
  }

  const attach = () => document.body.append(host);
  if (document.body) attach();
  else document.addEventListener("DOMContentLoaded", attach);
})();
