"use strict";
/* The verdict on an answer, as the tutor gives it (tutor/questions/grading.py and authored.py, in the same order), from
   what was worked out beforehand: the right value, how far rounding may carry it, the numbers that slips give. */
const words = {}; // in the language of the page, by the English; what is not there is English
const say = (message, values = {}) => (words[message] ?? message).replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
const verdicts = (() => {
  const TOLERANCE = 0.005; // relative, beyond rounding
  const NEAT = 1e-5; // relative: some lessons give odd numbers with six digits so that 0.8 is shown of 0.8000002
  const inWords = (count) => ["", say("one"), say("two"), say("three"), say("four"), say("five"), say("six")][count] ?? String(count);
  const close = (a, b, share) => Math.abs(a - b) <= Math.max(share * Math.max(Math.abs(a), Math.abs(b)), 1e-300);
  /* Rounded to significant digits, an exact half away from zero. */
  const rounded = (value, digits) => +(value * (1 + 4e-16)).toPrecision(digits);
  /* Whether what was typed is a value rounded to so many digits; an exact half up, or to an even digit. */
  const same = (value, typed, digits) => {
    const down = (value * (1 - 4e-16)).toExponential(digits - 1);
    const even = "02468".includes(down.split("e")[0].slice(-1));
    const nearest = [rounded(value, digits), +value.toPrecision(digits), ...(even ? [+down] : [])];
    return nearest.some((one) => close(one, typed, 1e-12));
  };
  const fits = (value, digits) => close(rounded(value, digits), value, NEAT);
  const roundsTo = (exact, value, digits) => {
    if (Math.abs(exact - value) > 10 ** (1 - digits) * Math.abs(exact)) return false;
    for (let d = digits; d < 16; d += 1) if (same(exact, value, d)) return true;
    return false;
  };
  const verdict = (kind, says) => ({ kind, says });
  const correct = () => verdict("correct", say("Right."));
  const notIt = () => verdict("wrong", say("That is not it."));
  const otherSign = () => verdict("sign", say("The size is right, the sign is not."));
  const few = (digits) => say("Right so far: give {n} significant digits.", { n: inWords(digits) });
  const undecided = (more) => say("Near, but these digits do not decide it: keep {more} on each line, and give as many.", { more });

  /* A number against one that an author gives, or against a count, which is just that. */
  function plainly({ right, digits, authors, count: counted }, { value, digits: typed }) {
    if (counted) return value === right ? correct() : notIt();
    const count = typed ?? 15;
    const near = Math.min(...authors.map(([wrong]) => Math.abs(wrong - right) / 2));
    const within = count >= digits && Math.abs(value - right) < Math.min(TOLERANCE * Math.abs(right), near);
    if (within || close(value, right, 1e-9) || roundsTo(right, value, digits)) return correct();
    if (count < digits && same(right, value, count)) return verdict("imprecise", few(digits));
    if (right && close(value, -right, TOLERANCE)) return otherSign();
    return notIt();
  }

  /* A number against a step's value. */
  function graded(question, { value, digits: count, rounded: readOff }) {
    const { right, shown, digits, tolerance, scale, plain, near: shownIsNear } = question;
    const slack = (kept) => question.slack[kept] ?? 0;
    const matches = (of) => (count === null ? close(of, value, readOff ? 5e-4 : 1e-6) : close(of, value, 1e-12) || (count >= 2 && same(of, value, count)));
    const exact = count === null && !readOff;
    const typed = count ?? digits;
    const enough = typed >= digits;
    const off = Math.abs(value - right);

    const isRight = () => {
      if (close(value, right, 1e-12) || (count === null && close(value, right, 1e-8))) return true;
      if (right === 0) return Math.abs(value) <= Math.min(tolerance || Infinity, 1e-6 * scale);
      if (roundsTo(right, value, digits) || (enough && off <= TOLERANCE * Math.abs(right) && off <= tolerance)) return true;
      if (off > 0.02 * Math.abs(right) && shownIsNear) return false;
      return roundsTo(shown, value, digits) || (count === null && close(value, shown, 1e-9));
    };
    if (isRight()) return correct();

    const gives = ([wrong]) => (count !== null && count < 2 ? close(wrong, value, NEAT) : matches(wrong));
    const slip = question.mistakes.filter(gives).sort((a, b) => Math.abs(a[0] - value) - Math.abs(b[0] - value))[0];
    const oneDigit = slip && count === 1 && digits > 1;
    if (oneDigit && fits(right, digits) && off > slack(digits)) return verdict("misconception", slip[1]);
    if (count !== null && count < digits && right && same(right, value, count)) return verdict("imprecise", few(digits));

    const onTheWay = () => { // what the right method gives with every line rounded
      if (exact) return null;
      const kept = slack(Math.max(Math.min(typed, digits), 2));
      const towards = Math.abs(value + 1e-9 * (right - value)); // below 1 a unit is 0.1
      const reach = kept + (typed < 2 ? 0.5 * 10 ** Math.floor(Math.log10(towards)) : 0);
      if (!kept || !(off <= reach * (1 + 1e-9))) return null;
      const fine = typed > digits ? slack(typed) : reach;
      if (off > fine && slip) return null;
      const within = Math.min(off <= fine ? fine : reach, question.clear * off);
      const mistakable = question.wrong.some((w) => Math.abs(w - right) > slack(digits + 1) && Math.abs(w - value) <= within);
      const more = inWords(Math.max(typed, digits) + 1);
      if (slip || mistakable) return verdict("imprecise", undecided(more));
      if (off > plain) return verdict("imprecise", say("Near, but digits cancel here: keep {more} on each line.", { more }));
      if (typed < digits) return verdict("imprecise", say("Near: keep {more} digits on each line, and give {n}.", { more, n: inWords(digits) }));
      const n = inWords(Math.max(count ?? 0, digits) + 1);
      return verdict("rounded", say("Right method, rounded on the way: keep {n} digits.", { n }));
    };
    const near = onTheWay();
    if (near) return near;
    if (slip) return verdict("misconception", slip[1]);
    const allowed = exact ? tolerance : Math.max(tolerance, Math.min(slack(digits), plain));
    if (right && (matches(-right) || ((count === null || enough) && Math.abs(value + right) <= allowed))) return otherSign();
    const power = right && value ? Math.round(Math.log10(Math.abs(value)) - Math.log10(Math.abs(right))) : 0;
    if (power && Math.abs(power) <= 12 && matches(right * 10 ** power)) {
      const raised = String(power).replace("-", "⁻").replace(/\d/g, (d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]);
      return verdict("power-of-ten", say("The digits are right, but the decimal point is not: off by 10{times}.", { times: raised }));
    }
    return notIt();
  }

  /* The author's words for the numbers that the author foresaw, over what the tutor says. */
  function withAuthors(question, value, found) {
    if (found.kind === "correct" || !question.authors.length) return found;
    const { right, digits, slack } = question;
    const [wrong, said] = question.authors.reduce((a, b) => (Math.abs(a[0] - value) <= Math.abs(b[0] - value) ? a : b));
    const alike = { rounded: TOLERANCE / 10, imprecise: 1e-9 }[found.kind] ?? TOLERANCE;
    const says = close(value, wrong, alike) ? said : null;
    if (found.kind === "imprecise") {
      let soFar = false;
      for (let d = 1; d < digits; d += 1) soFar ||= same(right, value, d);
      const beyond = slack ? !(soFar && !(fits(value, 1) && fits(right, digits))) && Math.abs(value - right) > slack[digits] : fits(right, digits) && fits(value, 1);
      if (!beyond) return found;
    }
    if (says && found.kind === "rounded") return verdict("imprecise", undecided(inWords(digits + 1)));
    return says ? verdict("misconception", says) : found;
  }

  function judge(question, text) {
    const read = number(text);
    if (!read) return verdict("not-understood", say("Write a number, or arithmetic such as 0.5 * (1 - 0.3)."));
    return withAuthors(question, read.value, question.slack ? graded(question, read) : plainly(question, read));
  }

  function choose(question, chosen) {
    if (!chosen.length) return verdict("not-understood", question.many ? say("Choose all that are right.") : say("Choose one."));
    if (!question.many) return question.choices[chosen[0]][1] ? correct() : verdict("wrong", question.choices[chosen[0]][2] || say("That is not it."));
    return question.choices.every(([, is], i) => is === chosen.includes(i)) ? correct() : notIt();
  }

  /* {value, digits, rounded} of a number as people write it; digits null of arithmetic, rounded where it has decimals. */
  function number(text) {
    const plain = text.replace(/[−–]/g, "-").replace(/[×·]/g, "*").replace(/\s+/g, "")
      .replace(/^([-+]?\d+),(\d+)$/, (all, a, b) => (b.length === 3 && +a ? a + b : `${a}.${b}`))
      .replace(/\*10\^\(?(-?\d+)\)?/g, "e$1").replace(/\*\*/g, "^");
    const alone = plain.match(/^[-+]?(\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i);
    if (alone) return { value: Number(plain), digits: alone[1].replace(".", "").replace(/^0+/, "").length || 1, rounded: true };
    const tokens = plain.match(/(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|[-+*/^()]/gi) || [];
    if (!tokens.length || tokens.join("").length !== plain.length || tokens.length > 200) return null;
    let i = 0;
    const next = (signs) => tokens[i] !== undefined && signs.includes(tokens[i]);
    const sum = () => { let v = product(); while (next("+-")) v = tokens[i++] === "+" ? v + product() : v - product(); return v; };
    const product = () => { let v = signed(); while (next("*/")) v = tokens[i++] === "*" ? v * signed() : v / signed(); return v; };
    const signed = () => (next("-") ? (i++, -signed()) : next("+") ? (i++, signed()) : power());
    const power = () => { const v = atom(); return next("^") ? (i++, v ** signed()) : v; };
    const atom = () => {
      if (!next("(")) return /^[\d.]/.test(tokens[i] ?? "") ? Number(tokens[i++]) : NaN;
      i += 1;
      const v = sum();
      return tokens[i++] === ")" ? v : NaN;
    };
    const value = sum();
    return i === tokens.length && Number.isFinite(value) ? { value, digits: null, rounded: plain.includes(".") } : null;
  }

  return { judge, choose, number };
})();
