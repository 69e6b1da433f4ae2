// What is marked in a passage: the words of the question, the quote, and a window around them. Ranges are in UTF-16 units.

// Words too common to be worth a mark.
const COMMON = new Set(
  ("a an and are as at be by can do does for from had has have how i if in is it its may my no not of on or our shall should " +
    "so than that the their them then there these they this to was we were what when where which who whom whose why will " +
    "with would you your about into over under much many long often der die das den dem des ein eine einer eines und oder " +
    "ist sind war wie was wer wo wann welche welcher mit von für auf im zu le la les un une des et ou est sont que qui " +
    "quel quelle dans pour sur el los las una unos y es son qué quién cómo cuál con por para").split(" "),
);

const fold = (word) => word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

export function searchWords(question) {
  const words = (question.match(/[\p{L}\p{N}\p{M}]+/gu) ?? []).map(fold);
  return [...new Set(words.filter((word) => !COMMON.has(word) && (word.length > 1 || /\P{ASCII}|\d/u.test(word))))];
}

// Same word, or the same beginning with another ending ("bolt" and "bolts", "bleeding" and "bleed").
function isAlike(word, wanted) {
  if (word === wanted) return true;
  const short = Math.min(word.length, wanted.length);
  if (short < 4 || Math.abs(word.length - wanted.length) > 3) return false;
  let same = 0;
  while (same < short && word[same] === wanted[same]) same += 1;
  return same >= Math.max(4, short - 1);
}

// Ranges [start, end) in UTF-16 units of the words of `text` that are like one of `words`.
export function wordRanges(text, words) {
  if (!words.length) return [];
  const ranges = [];
  for (const match of text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)) {
    const word = fold(match[0]);
    if (words.some((wanted) => isAlike(word, wanted))) ranges.push([match.index, match.index + match[0].length]);
  }
  return ranges;
}

// `text` as a fragment: `ranges` (sorted, not overlapping) become <mark>, `strong` (if any) is wrapped in <span class="quote">.
export function marked(text, ranges, from = 0, to = text.length, quote = null) {
  const fragment = document.createDocumentFragment();
  const cuts = new Set([from, to]);
  for (const [start, end] of quote ? [...ranges, quote] : ranges) {
    if (start > from && start < to) cuts.add(start);
    if (end > from && end < to) cuts.add(end);
  }
  const places = [...cuts].sort((a, b) => a - b);
  let box = null;
  let next = 0;
  for (let i = 0; i + 1 < places.length; i += 1) {
    const [start, end] = [places[i], places[i + 1]];
    while (next < ranges.length && ranges[next][1] <= start) next += 1;
    const isMarked = next < ranges.length && ranges[next][0] <= start;
    const isQuote = quote !== null && quote[0] <= start && end <= quote[1];
    let node = document.createTextNode(text.slice(start, end));
    if (isMarked) {
      const mark = document.createElement("mark");
      mark.append(node);
      node = mark;
    }
    if (!isQuote) {
      box = null;
      fragment.append(node);
      continue;
    }
    if (box === null) {
      box = document.createElement("span");
      box.className = "quote";
      fragment.append(box);
    }
    box.append(node);
  }
  return fragment;
}

// A window of about `size` units around `center`, cut between words: [from, to).
export function windowAround(text, start, end, size) {
  if (text.length <= size * 1.25) return [0, text.length];
  const room = Math.max(0, size - (end - start));
  let from = Math.max(0, start - Math.floor(room / 3));
  let to = Math.min(text.length, Math.max(end, from + size));
  from = Math.max(0, Math.min(from, to - size));
  if (from > 0) from = nextGap(text, from, start);
  if (to < text.length) to = lastGap(text, to, Math.min(end, to));
  return [from, to];
}

function nextGap(text, from, limit) {
  const gap = text.slice(from, limit).search(/\s/);
  return gap < 0 ? from : from + gap + 1;
}

function lastGap(text, to, limit) {
  const gap = text.slice(limit, to).search(/\s\S*$/);
  return gap < 0 ? to : limit + gap;
}
