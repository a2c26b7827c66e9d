// Tells textual.js where the server is, wherever the page stands; gives the terminal the keys; begins anew after the end.
"use strict";
const terminal = document.getElementById("terminal"), again = document.getElementById("again");
terminal.dataset.sessionWebsocketUrl = new URL("ws", location.href).href.replace(/^http/, "ws");
const WIDTH = 0.61, COLUMNS = 80; // of a letter, in its size; and that a screen of the tutor wants
terminal.dataset.fontSize = Math.max(8, Math.min(16, Math.floor(innerWidth / COLUMNS / WIDTH)));
again.addEventListener("click", () => location.reload());
new MutationObserver(() => {
  const now = document.body.classList;
  if (now.contains("-closed")) again.focus();
  else if (now.contains("-loaded")) terminal.querySelector("textarea").focus();
}).observe(document.body, { attributes: true, attributeFilter: ["class"] });
