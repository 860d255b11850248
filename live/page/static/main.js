// The page of the instrument: every view of the one state, and what each control asks for.
import { Beat } from "./beat.js";
import { Explore } from "./explore.js";
import { $, element, pressed, text } from "./dom.js";
import { Knobs } from "./knobs.js";
import { LatentView } from "./latent.js";
import { Learn } from "./learn.js";
import { Link } from "./link.js";
import { Midi } from "./midi.js";
import { Roll } from "./roll.js";
import { Synth } from "./synth.js";
import { Words } from "./words.js";

const MOST_NOTICES = 40;
const PLACED = new Set(["capture", "recall", "freeze", "mute", "solo", "mode", "scene", "undo", "redo", "tap", "start", "stop", "panic", "store", "record", "tempo"]);
const GROUPS = { Music: ["fill", "break", "vary", "loop", "phrase", "key"], Time: ["tempo", "metre", "metronome", "arm"], Set: ["song", "previous", "next"] };
const SHOWN = { arm: "start on first note", "key lock": "lock the key" }; // where the name alone says too little
const GLIDES = [1, 2, 4, 8, 16];

const link = new Link();
const beat = new Beat(link), roll = new Roll(link);
const knobs = new Knobs(link, $("knobs"), $("morph"));
const notices = [];
const synth = new Synth((words) => { for (const place of document.querySelectorAll("[data-sounding]")) text(place, words); });
const latent = new LatentView(link, synth);
let explore = null, midi = null;
const learn = new Learn(link);
new Words(link);
window.twobar = { link, synth }; // for whoever looks from the browser's console

link.on("welcome", (welcome) => {
  $("views").hidden = !welcome.instrument;
  if ($("play").hidden && $("explore").hidden) view(welcome.instrument ? "play" : "explore");
  if (!welcome.instrument) return;
  if (!midi) { midi = new Midi(link, synth); window.twobar.midi = midi; }
  $("modes").replaceChildren(...welcome.modes.map((mode) =>
    element("button", { "data-mode": mode, "aria-pressed": "false", onclick: () => link.act("mode", mode) }, mode)));
  latent.anchors(welcome.anchors);
  $("parts").replaceChildren(...welcome.parts.map((part, track) => element("button", { class: `part of${track}`, "data-part": part,
    "aria-pressed": "false", title: `mute ${part}`, onclick: () => link.act("mute", part) }, part)),
  ...welcome.parts.map((part) => element("button", { "data-solo": part, "aria-pressed": "false", title: `${part} alone`, "aria-label": `solo ${part}`, onclick: () => link.act("solo", part) }, "solo")));
  learn.offer(welcome.bindable);
  $("redo").hidden = !("redo" in welcome.actions);
  more(welcome);
});

function view(name) {
  $("play").hidden = name !== "play";
  $("bottom").hidden = !link.welcome.instrument; // panic is always there while something can sound
  $("explore").hidden = name !== "explore";
  for (const button of document.querySelectorAll("[data-view]")) pressed(button, button.dataset.view === name);
  if (name === "explore" && !explore) {
    explore = new Explore($("explore"), link.welcome.models, synth);
    if (link.welcome.model) explore.choice.value = link.welcome.model;
    explore.open(link.welcome.model || explore.choice.value);
    window.twobar.explore = explore;
  }
  if (name !== "explore") synth.stop();
  scrollTo(0, 0);
}
for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => view(button.dataset.view));

// What is not placed above stands here, so that an action is on the page as soon as the instrument has it.
function more(welcome) {
  const grouped = new Set(Object.values(GROUPS).flat());
  const others = Object.keys(welcome.actions).filter((name) => !PLACED.has(name) && !grouped.has(name));
  const made = [];
  for (const [title, names] of Object.entries({ ...GROUPS, More: others })) {
    const controls = names.flatMap((name) => controlsOf(name, welcome));
    if (title === "More") {
      controls.push(chooser("model", welcome.models, (model) => link.send("ChooseModel", { model })),
        element("button", { id: "thru", "aria-pressed": "false", title: "whether your own keys sound", onclick: () => link.send("SwitchThru") }, "thru"));
    }
    made.push(element("h2", {}, title), element("div", { class: "row" }, ...controls));
  }
  $("more").replaceChildren(...made);
  $("record").onclick = () => link.act("record");
  $("glide").replaceChildren(element("option", { value: "" }, "call: at once"), ...GLIDES.map((bars) => element("option", { value: bars }, `call: over ${bars} bar${bars > 1 ? "s" : ""}`)));
  $("storeas").onchange = () => { if ($("storeas").value) link.act("store", $("storeas").value); $("storeas").value = ""; };
}

function controlsOf(name, welcome) {
  if (name === "metre") return [chooser("metre", ["auto", ...welcome.metres], (metre) => link.send("SetMetre", { metre }))];
  if (name === "tempo") return [ramp()];
  const allowed = welcome.actions[name];
  if (!allowed) return [];
  const button = (word, named) => element("button", { "data-action": named, onclick: () => link.act(name, word) }, SHOWN[named] || named);
  if (!allowed.length) return [button("", name)];
  if (allowed.length <= 4) return allowed.map((word) => button(word, `${name} ${word}`));
  return [chooser(name, allowed, (word) => link.act(name, word))];
}

// A tempo that is gone to over some bars.
function ramp() {
  const bpm = element("input", { type: "number", class: "short", min: 30, max: 300, value: 120, "aria-label": "tempo to go to" });
  const bars = element("input", { type: "number", class: "short", min: 1, max: 99, value: 4, "aria-label": "bars on the way" });
  const go = element("button", { onclick: () => link.act("tempo", `${bpm.value} over ${bars.value} bars`) }, "go");
  return element("div", { class: "ramp" }, "to", bpm, "bpm over", bars, "bars", go);
}

function chooser(name, words, choose) {
  const select = element("select", { "aria-label": name, onchange: (event) => { if (event.target.value) choose(event.target.value); event.target.value = ""; } },
    element("option", { value: "" }, `${name} …`), ...words.map((word) => element("option", {}, word)));
  return select;
}

link.on("state", (update) => {
  const state = link.state;
  knobs.show(update);
  latent.show();
  learn.show(state);
  chips(state);
  scenes(state);
  for (const button of document.querySelectorAll("[data-mode]")) pressed(button, button.dataset.mode === state.mode);
  for (const button of document.querySelectorAll("[data-part]")) {
    const muted = state.muted.includes(button.dataset.part);
    button.classList.toggle("muted", muted);
    pressed(button, false);
    button.setAttribute("aria-label", `${button.dataset.part}${muted ? ", muted" : ""}`);
  }
  for (const button of document.querySelectorAll("[data-solo]")) pressed(button, button.dataset.solo === state.solo);
  for (const [action, on] of Object.entries({ metronome: state.metronome, "key lock": state.key_locked, arm: state.state === "armed" })) {
    const button = document.querySelector(`[data-action="${action}"]`);
    if (button) pressed(button, on);
  }
  pressed($("thru"), state.thru);
  roll.legend(state, link.welcome.parts);
  const running = state.state !== "stopped";
  text($("startstop"), running ? "Stop" : "Start");
  $("startstop").classList.toggle("good", !running);
  pressed($("freeze"), state.frozen);
  pressed($("record"), Boolean(state.recording));
  text($("record"), state.recording ? "● End the take" : "Record a take");
  text($("takename"), state.recording ? state.recording.split(/[\\/]/).pop() : "");
  if (!update || update.changed?.notices) state.notices.forEach(note);
});

// The scenes that there are, by name; one tap calls, "store" keeps the whole state under the next free number.
function scenes(state) {
  const key = JSON.stringify([state.scenes, state.scene]);
  if ($("scenes").dataset.key === key) return;
  $("scenes").dataset.key = key;
  const taken = new Set(state.scenes.map((scene) => scene.number));
  let free = 1;
  while (taken.has(free)) free++;
  $("scenes").replaceChildren(...state.scenes.map((scene) => element("button",
    { "aria-pressed": scene.number === state.scene ? "true" : "false", onclick: () => call(scene.number) },
    scene.name ? `${scene.number} ${scene.name}` : `Scene ${scene.number}`)),
  element("button", { title: "keep all of it as a scene", onclick: () => link.act("store", free) }, `Store scene ${free}`));
  $("storeas").parentElement.hidden = !state.scenes.length;
  $("storeas").replaceChildren(element("option", { value: "" }, "store over …"),
    ...state.scenes.map((scene) => element("option", { value: scene.number }, `${scene.number} ${scene.name}`.trim())));
}

function call(number) {
  const bars = $("glide").value;
  link.act("scene", bars ? `${number} over ${bars} bar${bars > 1 ? "s" : ""}` : number);
}

link.on("Notice", note);
link.on("Trouble", (trouble) => note({ nanos: performance.now(), level: "warning", text: trouble.text }));
link.on("link", () => {
  const words = link.refused ? "twobar was started anew: scan its code again" : !link.connected ? "no connection to twobar; trying again"
    : link.welcome && link.welcome.instrument && !link.engine ? "the engine does not answer; trying again" : "";
  $("alarm").hidden = !words;
  text($("alarm"), words);
});

function chips(state) {
  const made = [[state.mode, "mode"]];
  if (state.frozen) made.push(["frozen", "wait"]);
  if (state.demo) made.push(["DEMO", "demo"]);
  if (state.recording) made.push(["REC", "rec"]);
  made.push([state.model.name, state.model.state === "ready" ? "plays" : state.model.state === "lost" ? "off" : "wait"]);
  for (const port of state.ports) if (port.state === "missing") made.push([`${port.name} missing`, "off"]);
  if (state.clock) made.push([state.clock, ""]);
  const key = JSON.stringify(made);
  if ($("chips").dataset.key === key) return;
  $("chips").dataset.key = key;
  $("chips").replaceChildren(...made.map(([words, kind]) => element("span", { class: `chip ${kind}` }, words)));
}

function note({ nanos, level, text: words, about }) {
  const key = `${nanos} ${about} ${words}`;
  if (notices.some((each) => each.key === key)) return;
  notices.push({ key, nanos });
  if (notices.length > MOST_NOTICES) notices.shift();
  if (about) for (const line of [...$("notices").children]) if (line.dataset.about === about) line.remove(); // overtaken
  if (words) $("notices").prepend(element("li", { class: level, "data-about": about || false }, words));
  while ($("notices").children.length > MOST_NOTICES) $("notices").lastChild.remove();
}

$("startstop").addEventListener("click", () => link.act(link.state && link.state.state !== "stopped" ? "stop" : "start"));
for (const name of ["tap", "freeze", "undo", "redo", "panic"]) {
  $(name).addEventListener(name === "panic" || name === "tap" ? "pointerdown" : "click", () => link.act(name));
}
$("panic").addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") link.act("panic"); });

function frame(now) {
  if (explore && !$("explore").hidden) explore.paint();
  if (!$("play").hidden) { beat.draw(now); roll.draw(now); latent.draw(); }
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);
