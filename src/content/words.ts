/** @file The words of a text, in any script. */

/** Runs of letters, marks and digits. */
const runs = /[\p{L}\p{M}\p{N}]+/gu;
/** Scripts that are written without spaces between words. */
const spaceless =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const segmenter = new Intl.Segmenter("und", { granularity: "word" });
/** What is longer is no word, but data. */
const LONGEST = 64;
/** Characters that are segmented at once: the segmenter's time grows with the square of them. */
const WINDOW = 512;

/**
 * Words in lower case and one Unicode form (NFKC), in order: "Ünï-CODE 中文书名" → ünï, code, 中文, 书名.
 *
 * Where a script has no spaces, words are found as the Unicode text segmentation's dictionaries have them (UAX 29).
 */
export function words(text: string): string[] {
  const found: string[] = [];
  for (const [run] of text.normalize("NFC").matchAll(runs)) {
    for (const word of spaceless.test(run) ? segmented(run) : [run]) found.push(plain(word));
  }
  return found;
}

const ascii = /^[\x20-\x7e]*$/;

/** The form in which equal words are equal. */
function plain(word: string): string {
  const cut = word.length > LONGEST ? word.slice(0, LONGEST) : word;
  return (ascii.test(cut) ? cut : cut.normalize("NFKC")).toLowerCase();
}

/** Words of a run without spaces, window by window: the last one of a window may go on, and begins the next. */
function segmented(run: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < run.length; ) {
    const part = run.slice(at, at + WINDOW);
    const segments = Array.from(segmenter.segment(part), ({ segment }) => segment);
    const last = at + part.length === run.length || segments.length === 1;
    const whole = last ? segments : segments.slice(0, -1);
    for (const segment of whole) {
      found.push(segment);
      at += segment.length;
    }
  }
  return found;
}
