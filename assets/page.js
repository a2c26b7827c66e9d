/* Shows one card of a lesson at a time, by keys and buttons, and asks first in predict mode. All cards, questions and
   words were written beforehand (tutor/handouts/page.py); nothing is fetched, and no text of a lesson is run. */
(async () => {
  const $ = (id) => document.getElementById(id);
  const packed = Uint8Array.from(atob($("data").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const data = JSON.parse(await new Response(stream).text());
  const { steps } = data;
  Object.assign(words, data.words);
  const LEVELS = ["story", "scalar", "matrix"];
  const at = { step: 0, cell: 0, example: 0, level: data.level, notation: data.notation, trail: [] };
  const answered = new Set(); // "step question" that predict mode is done with

  // ------------------------------------------------------------ where we are

  const cells = (step) => (at.level === "scalar" ? steps[step].cards[0].scalar.length : 1);
  const clamp = (n, count) => Math.max(0, Math.min(n, count - 1));

  function card(step = at.step, cell = at.cell, example = at.example, level = at.level) {
    const cards = steps[step].cards[steps[step].batched ? example : 0];
    return (level === "scalar" ? cards.scalar[clamp(cell, cards.scalar.length)] : cards[level])[at.notation];
  }

  function move(by) {
    if (at.cell + by >= 0 && at.cell + by < cells(at.step)) at.cell += by;
    else if (at.step + by >= 0 && at.step + by < steps.length) {
      at.step += by;
      at.cell = by > 0 ? 0 : cells(at.step) - 1;
    } else return announce(by > 0 ? say("This is the last step.") : say("This is the first step."));
    show();
  }

  function phase(by) {
    const starts = steps.map((s, i) => i).filter((i) => !i || steps[i].phase !== steps[i - 1].phase);
    const to = by > 0 ? starts.find((i) => i > at.step) : starts.filter((i) => i < at.step).pop();
    go(to ?? (by > 0 ? steps.length - 1 : 0));
  }

  function go(step, cell = 0) {
    at.step = clamp(step, steps.length);
    at.cell = clamp(cell, cells(at.step));
    show();
  }

  /* The place that an id such as dL/dW2[1,2]@3 names; null where there is none on this page. */
  function place(id) {
    const [, base, index, example] = id.trim().match(/^(.*?)(?:\[([\d,\s]+)\])?(?:@(\d+))?$/);
    const same = steps.map((s, i) => i).filter((i) => steps[i].id === base);
    const step = same.find((i) => steps[i].batched === !!example) ?? same[0];
    if (step === undefined || (example && example > data.examples)) return null;
    const { shape, cards } = steps[step];
    let cell = 0;
    const places = index ? index.split(",").map(Number) : [];
    if (places.length && (places.length !== shape.length || places.some((p, k) => p < 1 || p > shape[k]))) return null;
    places.forEach((p, k) => { cell = cell * shape[k] + p - 1; });
    if (cell >= cards[0].scalar.length) return null;
    return { step, cell, element: places.length > 0, example: example ? example - 1 : at.example };
  }

  function jump(id) {
    const to = place(id);
    if (!to) return announce(say("{id} is not on this page.", { id }));
    at.trail.push({ step: at.step, cell: at.cell, example: at.example, level: at.level });
    Object.assign(at, { step: to.step, cell: to.cell, example: to.example });
    if (to.element) at.level = "scalar";
    show();
  }

  function turn(key, values, by) {
    at[key] = values[(values.indexOf(at[key]) + by + values.length) % values.length];
    at.cell = clamp(at.cell, cells(at.step));
    show();
  }

  // ------------------------------------------------------------ what is shown

  const announce = (text) => { $("said").textContent = ""; setTimeout(() => { $("said").textContent = text; }, 30); };

  function show() {
    const focused = $("card").contains(document.activeElement);
    const step = steps[at.step];
    const open = $("predict").checked ? step.questions.findIndex((q, i) => !answered.has(`${at.step} ${i}`)) : -1;
    $("intro").open &&= at.step === 0 && at.cell === 0;
    $("outro").hidden = at.step !== steps.length - 1 || open >= 0;
    $("whence").hidden = true;
    const there = { n: at.step + 1, all: steps.length, phase: step.phase, example: at.example + 1 };
    const where = say("Step {n} of {all}, {phase}", there);
    const whole = step.batched && data.examples > 1 ? say("Step {n} of {all}, {phase}, example {example}", there) : where;
    if (open >= 0) ask(step.questions[open][at.notation], `${at.step} ${open}`, where);
    else {
      $("card").innerHTML = `<p class="place">${whole}</p>` + card();
      const article = $("card").querySelector("article");
      light(article.dataset.lit);
      const lit = document.querySelector("#picture .lit");
      if (lit) $("picture").scrollLeft = lit.getBBox().x - $("picture").clientWidth / 2;
      const main = article.querySelector(".main");
      announce(`${whole}. ${article.querySelector("h2").textContent}. ` +
        (main ? main.getAttribute("aria-label") : article.textContent));
      article.querySelectorAll("[data-lit]").forEach(trace);
      history.replaceState(null, "", "#" + encodeURIComponent(article.dataset.id));
      if (focused) { $("card").tabIndex = -1; $("card").focus({ preventScroll: true }); }
    }
    $("go").selectedIndex = at.step;
    $("level").value = at.level;
    $("notation").selectedIndex = at.notation;
    $("example").selectedIndex = at.example;
    $("back").disabled = !at.step && !at.cell;
    $("next").disabled = at.step === steps.length - 1 && at.cell === cells(at.step) - 1;
  }

  function texts() {
    const { intro, outro, picture } = data.texts[at.notation];
    $("intro-text").innerHTML = intro;
    $("outro-text").innerHTML = outro;
    $("picture").innerHTML = picture;
    $("picture").classList.toggle("wide", $("picture").firstElementChild.viewBox.baseVal.width > 560);
    [...$("go").options].forEach((option, i) => { option.text = `${i + 1} ${steps[i].names[at.notation]} (${steps[i].phase})`; });
  }

  /* In the picture: what the step uses and makes ("lit"), or one value of those ("near"). */
  function light(marks, kind = "lit") {
    const wanted = (marks || "").split(" ").filter(Boolean);
    document.querySelectorAll("#picture [data-item]").forEach((shape) => {
      const item = shape.dataset.item;
      shape.classList.toggle(kind, wanted.some((m) => item === m || (m[1] !== "/" && item.startsWith(m + "."))));
    });
  }

  /* Where a value comes from, while it is pointed at or has the focus. */
  function trace(value) {
    const enter = () => {
      light(value.dataset.lit, "near");
      const to = value.dataset.to && place(value.dataset.to);
      const made = document.createElement("template");
      if (to && !($("predict").checked && to.step > at.step)) made.innerHTML = card(to.step, to.cell, to.example, to.element ? "scalar" : "matrix");
      const main = made.content.querySelector(".main");
      $("whence").replaceChildren(...(main ? [made.content.querySelector("h2"), main] : []));
      $("whence").hidden = !main;
      if (main && value === document.activeElement) value.scrollIntoView({ block: "nearest" });
    };
    const leave = () => { light("", "near"); $("whence").hidden = true; };
    value.addEventListener("mouseenter", enter);
    value.addEventListener("focus", enter);
    value.addEventListener("mouseleave", leave);
    value.addEventListener("blur", leave);
    if (value.dataset.to) value.addEventListener("click", () => jump(value.dataset.to));
  }

  // ------------------------------------------------------------ predict mode

  const element = (tag, props = {}, ...inside) => {
    const made = Object.assign(document.createElement(tag), props);
    made.append(...inside);
    return made;
  };

  function ask(question, key, where) {
    light("");
    let hints = 0;
    const form = element("form", { className: "question" });
    const verdict = element("div", { className: "verdict", role: "status" });
    const done = () => { answered.add(key); show(); $("next").focus(); };
    const finish = (said, kind) => {
      verdict.replaceChildren(element("p", { className: kind, textContent: said }),
        ...question.working.map((line) => element("p", { className: "working", textContent: line })));
      form.querySelectorAll("input, button").forEach((part) => { part.disabled = true; });
      const button = element("button", { type: "button", textContent: say("See the step"), onclick: done });
      verdict.append(button);
      button.focus();
    };
    const given = question.given.length
      ? [element("p", { textContent: say("What you need:") }), element("ul", { className: "given" }, ...question.given.map((g) => element("li", { textContent: g })))]
      : [];
    form.append(element("p", { className: "place", textContent: where }), element("h2", { textContent: question.prompt, dir: "auto", ...(question.lang ? { lang: question.lang } : {}) }), ...given);
    let answer = () => null;
    if (question.choices) {
      const inputs = question.choices.map(([text], i) => {
        const input = element("input", { type: question.many ? "checkbox" : "radio", name: "choice", value: i });
        form.append(element("label", { className: "choice", dir: "auto" }, input, ` ${i + 1}. ${text}`));
        return input;
      });
      answer = () => verdicts.choose(question, inputs.filter((input) => input.checked).map((input) => +input.value));
    } else if (question.right !== undefined) {
      const line = element("input", { type: "text", autocomplete: "off", inputMode: "text", name: "answer" });
      line.setAttribute("autocapitalize", "off");
      form.append(element("label", {}, say("Your answer, a number or arithmetic such as 0.5 * (1 - 0.3): "), line));
      answer = () => verdicts.judge(question, line.value);
    }
    const asks = question.choices || question.right !== undefined;
    form.append(...(asks ? [element("button", { textContent: say("Answer") })] : []));
    form.append(element("button", { type: "button", textContent: say("Hint"), disabled: !question.hints.length, onclick: (event) => {
      verdict.append(element("p", { className: "hint", textContent: question.hints[hints++] }));
      event.target.disabled = hints >= question.hints.length;
    } }), element("button", { type: "button", textContent: say("Show the answer"), onclick: () => finish(question.answer, "shown") }), verdict);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const { kind, says } = answer();
      if (kind === "correct" || kind === "rounded") finish(says, "right");
      else verdict.replaceChildren(element("p", { className: /imprecise|not-understood/.test(kind) ? "hint" : "wrong", textContent: says }));
    });
    $("card").replaceChildren(form);
    announce(`${where}. ${question.prompt}`);
    (form.querySelector("input") || form.querySelector("button")).focus({ preventScroll: true });
  }

  // ------------------------------------------------------------ keys and controls

  const dark = () => {
    const now = document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  };
  const help = () => { $("keys").hidden = !$("keys").hidden; $("help").setAttribute("aria-expanded", String(!$("keys").hidden)); };
  const notations = data.notations.map((_, i) => i);
  const examples = Array.from({ length: data.examples }, (_, i) => i);
  const back = () => { if (at.trail.length) { Object.assign(at, at.trail.pop()); show(); } };
  const predict = () => { $("predict").checked = !$("predict").checked; show(); };
  const KEYS = {
    n: () => move(1), Enter: () => move(1), ArrowRight: () => move(1), b: () => move(-1), ArrowLeft: () => move(-1), Backspace: () => move(-1),
    "]": () => phase(1), "[": () => phase(-1), Home: () => go(0), End: () => go(steps.length - 1, Infinity), r: back, g: () => $("go").focus(),
    l: () => turn("level", LEVELS, 1), L: () => turn("level", LEVELS, -1), e: () => turn("example", examples, 1), E: () => turn("example", examples, -1),
    t: () => { turn("notation", notations, 1); texts(); show(); }, T: () => { turn("notation", notations, -1); texts(); show(); },
    p: predict, i: () => { $("intro").open = !$("intro").open; }, d: dark, "?": help,
  };

  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (key === "Escape") return target.blur?.(); // the question stays open
    if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[key]) return;
    if (target.matches("select, input:not([type=checkbox])")) return; // they have keys of their own
    if (key === "Enter" && target.closest("button, summary, a, input, form")) return;
    if (key.length === 1 && !$("letters").checked) return;
    event.preventDefault();
    KEYS[key]();
  });
  $("next").onclick = () => move(1);
  $("back").onclick = () => move(-1);
  $("go").onchange = () => go($("go").selectedIndex);
  $("level").onchange = () => { at.level = $("level").value; at.cell = clamp(at.cell, cells(at.step)); show(); };
  $("notation").onchange = () => { at.notation = $("notation").selectedIndex; texts(); show(); };
  $("example").onchange = () => { at.example = $("example").selectedIndex; show(); };
  $("predict").onchange = show;
  $("dark").onclick = dark;
  $("help").onclick = help;
  window.addEventListener("beforeprint", () => { // on paper all steps stand, as they are read here
    const level = at.level === "story" ? "story" : "matrix";
    $("all").innerHTML = steps.map((_, i) => card(i, 0, at.example, level)).join("");
    $("all").querySelectorAll("details").forEach((part) => { part.open = true; });
  });

  data.notations.forEach((title) => $("notation").add(new Option(title)));
  examples.forEach((i) => $("example").add(new Option(i + 1)));
  steps.forEach(() => $("go").add(new Option("")));
  $("of").hidden = data.examples < 2;
  document.body.classList.add("live");
  for (const id of ["bar", "settings", "card"]) $(id).hidden = false;
  texts();
  const visit = () => { // the step that the address names
    const to = place(decodeURIComponent(location.hash.slice(1)));
    if (to) Object.assign(at, { step: to.step, cell: to.cell, example: to.example, level: to.element ? "scalar" : at.level });
    show();
  };
  window.addEventListener("hashchange", visit);
  visit();
  window.tutor = { at, data, ...verdicts };
})();
