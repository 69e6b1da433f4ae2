// The interface's words in the reader's language, out of languages/*.json. The pages themselves are written in English;
// elements with data-t get other words, data-t-label and data-t-placeholder likewise. Nothing is stored here.

const LIST = "/static/languages.json";

const state = {list: [], code: "en", words: {}, english: {}, plurals: new Intl.PluralRules("en")};

const getFile = async (address) => {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response.json();
};

export const language = () => state.code;
export const languages = () => state.list;

// Loads the list and the best language of `wanted` (codes as browsers name them, best first).
export async function startLanguages(wanted) {
  try {
    [state.list, state.english] = await Promise.all([getFile(LIST), getFile("/static/languages/en.json")]);
  } catch {
    return; // the service is away: the page's own English stays
  }
  await setLanguage(bestOf(wanted));
}

export function bestOf(wanted) {
  const known = new Map(state.list.map(({code}) => [code.toLowerCase(), code]));
  for (const tag of wanted) {
    const parts = String(tag ?? "").toLowerCase().split("-");
    for (let end = parts.length; end > 0; end -= 1) {
      const code = known.get(parts.slice(0, end).join("-"));
      if (code) return code;
    }
  }
  return "en";
}

export async function setLanguage(code) {
  const entry = state.list.find((item) => item.code === code);
  if (!entry) return;
  const words = code === "en" ? state.english : await getFile(`/static/languages/${code}.json`);
  Object.assign(state, {code, words, plurals: new Intl.PluralRules(code)});
  document.documentElement.lang = code;
  document.documentElement.dir = entry.direction;
  translate(document);
}

// Another language is another visit: what is on the page was said in the old one.
export function setUpLanguageChooser(chooser, remember) {
  const options = state.list.map(({code, name}) => {
    const option = document.createElement("option");
    Object.assign(option, {value: code, lang: code, textContent: name});
    return option;
  });
  chooser.replaceChildren(...options);
  chooser.value = state.code;
  chooser.closest("label").hidden = options.length < 2;
  chooser.addEventListener("change", async () => {
    remember(chooser.value);
    await setLanguage(chooser.value);
    location.reload();
  });
}

// One key in another language, which is not switched to.
export async function wordsIn(code, key) {
  const words = code === "en" ? state.english : await getFile(`/static/languages/${code}.json`);
  return own(words, key) ?? t(key);
}

export function translate(root) {
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
  for (const node of root.querySelectorAll("[data-t-placeholder]")) node.placeholder = t(node.dataset.tPlaceholder);
}

// The words of a key with {names} filled in. Values are put in once, so braces inside of them stay as they are.
export function t(key, values = {}) {
  return fillIn(lookUp(key), values);
}

// The form of a key for a number, which is {count} in it.
export function count(key, number) {
  const forms = lookUp(key);
  const form = typeof forms === "string" ? forms : (forms[state.plurals.select(number)] ?? forms.other);
  return fillIn(form, {count: number.toLocaleString(state.code)});
}

const own = (table, key) => (Object.hasOwn(table, key) ? table[key] : undefined);
const lookUp = (key) => own(state.words, key) ?? own(state.english, key) ?? String(key);
const fillIn = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => String(own(values, name) ?? whole));
