// The link to the page's process: one state for all views, renewed by what has changed; commands the other way.

const RETRY_MS = [200, 500, 1000, 2000];
const PING_MS = 2000, SILENT_MS = 3 * PING_MS;

export class Link {
  constructor() {
    this.state = null; // the newest Snapshot, updates applied
    this.welcome = null;
    this.connected = false; // to the page's process
    this.engine = false; // whether that has an engine
    this.offset = null; // instrument's milliseconds minus performance.now()
    this.roundtrip = Infinity;
    this.listeners = new Map();
    this.turns = new Map();
    this.place = null;
    this.tries = 0;
    this.heard = 0; // when something came last
    this.refused = false; // whether this browser's token is an old one
    this.open();
    setInterval(() => this.ping(), PING_MS);
  }

  on(type, listener) {
    this.listeners.set(type, [...(this.listeners.get(type) || []), listener]);
    return this;
  }

  emit(type, value) {
    for (const listener of this.listeners.get(type) || []) listener(value);
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/live`);
    this.socket.onopen = () => { this.connected = true; this.refused = false; this.tries = 0; this.heard = performance.now(); this.ping(); this.emit("link"); };
    this.socket.onmessage = (event) => this.receive(JSON.parse(event.data), performance.now());
    this.socket.onclose = () => this.lost();
  }

  lost() {
    this.connected = this.engine = false;
    this.emit("link");
    if (this.tries > 0) fetch("/").then((answer) => { this.refused = answer.status === 403; this.emit("link"); }, () => {});
    setTimeout(() => this.open(), RETRY_MS[Math.min(this.tries++, RETRY_MS.length - 1)]);
  }

  receive(message, now) {
    this.heard = now;
    switch (message.type) {
      case "Snapshot": this.state = message; this.stamp(now); this.emit("state", null); break;
      case "Update": if (this.state) { this.apply(message); this.stamp(now); this.emit("state", message); } break;
      case "Welcome": this.welcome = message; this.emit("welcome", message); break;
      case "EngineState": this.engine = message.connected; this.emit("link"); break;
      case "Pong": this.pong(message, now); break;
      default: this.emit(message.type, message);
    }
  }

  apply(update) {
    const state = Object.assign(this.state, update.changed, { nanos: update.nanos, tick: update.tick });
    const moved = update.knob_states;
    if (moved) state.knobs = state.knobs.map((knob) => (moved[knob.name] ? { ...knob, ...moved[knob.name], type: "KnobView" } : knob));
    if (update.bars) {
      const known = new Map(state.bars.map((bar) => [bar.bar, bar]));
      for (const bar of update.bars) known.set(bar.bar, bar);
      state.bars = [...known.values()].sort((a, b) => a.bar - b.bar);
    }
    if (update.roll) state.bars = state.bars.filter((bar) => bar.bar >= update.roll[0] && bar.bar <= update.roll[1]);
  }

  stamp(now) {
    this.received = now;
    const age = this.offset === null ? 0 : now + this.offset - this.state.nanos / 1e6;
    this.age = Math.min(250, Math.max(0, age));
  }

  // Where the transport is at a moment of performance.now(), in ticks from bar 0.
  tick(now = performance.now()) {
    const state = this.state;
    if (!state) return 0;
    let tick = state.tick - state.bar_zero;
    if (state.state === "playing" || state.state === "count-in") {
      tick += Math.min(500, now - this.received + this.age) * state.tempo_bpm * 480 / 60000;
    }
    return tick;
  }

  ping() {
    if (this.connected && performance.now() - this.heard > SILENT_MS) { // a network that went away tells nobody
      this.socket.onclose = this.socket.onmessage = null;
      this.socket.close();
      this.lost();
    }
    if (this.connected) this.raw({ type: "Ping", sent_ms: performance.now() });
  }

  pong(message, now) {
    const roundtrip = now - message.sent_ms;
    this.roundtrip = Math.min(this.roundtrip + 0.5, Infinity); // an old best fades: clocks drift
    if (roundtrip <= this.roundtrip) {
      this.roundtrip = roundtrip;
      this.offset = message.instrument_ms + roundtrip / 2 - now;
    }
    this.emit("pong", roundtrip);
  }

  raw(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  send(type, fields = {}) { this.flush(); this.raw({ type, ...fields }); }

  act(name, argument = "") { this.send("Act", { name, argument: String(argument) }); }

  // Of a knob that is dragged, one value a frame is sent.
  turn(knob, value) {
    if (!this.turns.size && !this.place) requestAnimationFrame(() => this.flush());
    this.turns.set(knob, value);
  }

  goOnMap(x, y) {
    if (!this.turns.size && !this.place) requestAnimationFrame(() => this.flush());
    this.place = { x, y };
  }

  flush() {
    if (this.place) { this.raw({ type: "GoOnMap", ...this.place }); this.place = null; }
    for (const [knob, value] of this.turns) this.raw({ type: "Turn", knob, value });
    this.turns.clear();
  }

  knob(name) { return this.state && this.state.knobs.find((knob) => knob.name === name); }
}
