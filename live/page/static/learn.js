// Learning a control: choose what it is to do, touch it, see what was recognised, undo.
import { $, element, text } from "./dom.js";

const WORDS = { listening: "touch it", refused: "not that", learned: "learned" };
const CHIPS = { listening: "wait", refused: "rec", learned: "good" };

export class Learn {
  constructor(link) {
    this.link = link;
    this.choice = element("select", { id: "learnwhat", "aria-label": "what a control is to do", onchange: () => this.begin() });
    this.chip = element("span", { class: "chip", hidden: true });
    this.target = element("strong", {});
    this.said = element("p", { class: "hint", id: "lesson", role: "status" });
    this.mappings = element("div", { class: "mappings", id: "mappings" });
    this.touched = element("p", { class: "hint", id: "touched" });
    this.undo = element("button", { id: "unlearn", hidden: true, onclick: () => { link.act("undo"); this.end(); } }, "Undo it");
    this.over = element("button", { hidden: true, onclick: () => this.end() }, "Stop learning");
    $("learncard").replaceChildren(element("h2", {}, "Learn a control"), element("div", { class: "row" }, this.choice, this.undo, this.over),
      element("p", { class: "lesson" }, this.chip, " ", this.target), this.said, this.touched, this.mappings);
  }

  // All that can be bound, from the same table that `twobar learn` lists; knobs have a few words each.
  offer(bindable) {
    const knobs = element("optgroup", { label: "knobs" }), actions = element("optgroup", { label: "actions" });
    for (const [name, words] of Object.entries(bindable)) {
      (words ? knobs : actions).append(element("option", { value: name }, words ? `${name}: ${words}` : name));
    }
    this.choice.replaceChildren(element("option", { value: "" }, "choose a knob or an action …"), knobs, actions);
  }

  begin() { if (this.choice.value) this.link.send("Learn", { target: this.choice.value }); }

  end() { this.link.send("StopLearning"); }

  // A mapping for each controller; the list is made anew only when something of it changes, so that it stays open.
  controllers(state) {
    const key = JSON.stringify([state.controllers, state.mapping_names]);
    if (this.drawn === key) return;
    this.drawn = key;
    this.mappings.replaceChildren(...state.controllers.map(({ port, mapping }) => {
      const names = [...new Set(["auto", ...state.mapping_names, mapping])];
      const select = element("select", { "aria-label": `mapping for ${port}`,
        onchange: () => this.link.send("ChooseMapping", { mapping: select.value, port }) },
      ...names.map((name) => element("option", { value: name, selected: name === mapping }, name)));
      return element("label", { class: "field" }, element("span", {}, port), select);
    }));
  }

  show(state) {
    this.controllers(state);
    const lesson = state.lesson, touched = state.touched;
    this.chip.hidden = this.target.hidden = !lesson;
    this.undo.hidden = !lesson || lesson.state !== "learned";
    this.over.hidden = !lesson;
    text(this.over, lesson && lesson.state === "learned" ? "Done" : "Stop learning");
    if (lesson) {
      this.chip.className = `chip ${CHIPS[lesson.state]}`;
      text(this.chip, WORDS[lesson.state]);
      text(this.target, lesson.target);
    }
    if ((lesson ? lesson.target : "") !== this.asked) this.choice.value = this.asked = lesson ? lesson.target : "";
    text(this.said, lesson ? lesson.text : "");
    const named = touched ? [touched.port, touched.control].filter((word) => word).join(" · ") : "";
    text(this.touched, touched ? `last touched: ${named} · ${touched.does || "unbound: choose above what it is to do"}` : "");
  }
}
