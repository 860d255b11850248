// Words: what they would do is shown while they are typed; Enter does it.
import { $, text } from "./dom.js";

export class Words {
  constructor(link) {
    this.link = link;
    $("words").addEventListener("input", () => this.consider());
    $("wordform").addEventListener("submit", (event) => {
      event.preventDefault();
      const said = $("words").value.trim();
      if (said) link.send("Say", { text: said });
      $("words").value = "";
      text($("wordpreview"), "");
    });
    link.on("Considered", (answer) => {
      if (answer.text === $("words").value) text($("wordpreview"), answer.sentence.replaceAll("->", "→"));
    });
  }

  consider() {
    const said = $("words").value;
    if (said.trim()) this.link.send("Consider", { text: said });
    else text($("wordpreview"), "");
  }
}
