"use strict";
/* Keeps an open page up to date: it puts texts and attributes into the slots that the server
   filled first, and counts waits. It makes no HTML and runs no text. */
(() => {
  const html = document.documentElement;
  const parameters = new URLSearchParams(location.search);

  const ATTRIBUTES = {
    mark: "data-mark",
    state: "data-state",
    since: "data-since",
    offset: "data-offset",
    points: "data-points",
    path: "href",
    title: "title",
    label: "aria-label",
    hidden: "hidden",
    d: "d",
  };
  const OWN = ["level", "stale", "unwatched", "fit", "groups", "alerts"]; // attributes of an item itself
  const SILENCE_S = 5; // without a frame the connection is lost; a heartbeat comes every 2 s
  const FIRST_RETRY_S = 1;
  const LAST_RETRY_S = 10;
  const UNKNOWN_S = 15; // until a page of what is not known asks again
  const PAGE_S = 15; // until TV mode turns the page
  const FLASH_S = 6;
  const DRIFT_S = 0.4; // a frame so much later than the others was held up on its way

  // ---- what the viewer prefers: the address counts, then what was chosen here before ----

  function kept(name) {
    try {
      return localStorage.getItem(`callmon.${name}`) ?? "";
    } catch {
      return ""; // switched off in this browser
    }
  }

  function keep(name, value) {
    try {
      if (value) localStorage.setItem(`callmon.${name}`, value);
      else localStorage.removeItem(`callmon.${name}`);
    } catch {
      // then it holds for this page only
    }
  }

  const theme = parameters.has("theme") ? html.dataset.theme : kept("theme");
  if (theme === "dark" || theme === "light") html.dataset.theme = theme;

  const language = kept("lang");
  if (!parameters.has("lang") && language && language !== html.lang) {
    parameters.set("lang", language);
    location.replace(`?${parameters}`);
    return;
  }

  const isOn = (name) =>
    parameters.has(name)
      ? ["1", "true", "yes", "on"].includes(parameters.get(name))
      : kept(name) === "1";
  const on = { sound: isOn("sound"), flash: isOn("flash") };

  document.addEventListener("DOMContentLoaded", start);

  // ---- time: that of the server, counted on here ----

  let base = Number(html.dataset.now) - performance.now() / 1000;
  let heard = performance.now() / 1000; // when the last frame came
  let lost = false;

  const here = () => performance.now() / 1000;
  const present = () => base + here();

  function setTime(now) {
    const found = now - here();
    if (found > base || found < base - DRIFT_S) base = found;
  }

  function waitText(seconds) {
    const whole = Math.max(Math.floor(seconds), 0);
    const two = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(whole / 3600);
    const minutes = Math.floor(whole / 60) % 60;
    return hours
      ? `${hours}:${two(minutes)}:${two(whole % 60)}`
      : `${minutes}:${two(whole % 60)}`;
  }

  function ageText(seconds) {
    const [s, m, h] = [seconds % 60, Math.floor(seconds / 60) % 60, Math.floor(seconds / 3600)];
    const { textHours, textMinutes, textSeconds } = document.body.dataset;
    const text = h ? textHours : m ? textMinutes : textSeconds;
    return text.replace("{h}", h).replace("{m}", m).replace("{s}", Math.floor(s));
  }

  function clockText(now, offset) {
    return new Date((now + offset) * 1000).toISOString().slice(11, 19);
  }

  function put(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function tick() {
    setTimeout(tick, 1000 - ((present() * 1000) % 1000) + 5);
    const now = present();
    watchConnection();
    for (const element of counting) if (!element.isConnected) counting.delete(element);
    if (!lost) for (const element of counting) count(element, now);
    for (const element of clocks) put(element, clockText(now, Number(element.dataset.offset)));
    turnInTime();
  }

  const counting = new Set();
  const clocks = new Set();

  function count(element, now) {
    put(element, waitText(now - Number(element.dataset.since)));
  }

  // ---- slots ----

  const items = new Map(); // element of an item → its slots: name → element

  function slotsOf(item, isHead) {
    let slots = items.get(item);
    if (slots === undefined) {
      slots = new Map();
      for (const element of (isHead ? document : item).querySelectorAll("[data-slot]")) {
        if (isHead && element.closest("[data-item]")) continue;
        slots.set(element.dataset.slot, element);
        remember(element);
      }
      items.set(item, slots);
    }
    return slots;
  }

  function remember(element) {
    if (element.hasAttribute("data-since")) counting.add(element);
    if (element.hasAttribute("data-offset")) clocks.add(element);
  }

  function fill(item, texts, isHead, isFull) {
    const slots = slotsOf(item, isHead);
    if (isFull) clear(item, slots, texts);
    for (const [key, text] of Object.entries(texts)) {
      if (key.startsWith("@")) {
        setAttribute(item, `data-${key.slice(1)}`, text);
        continue;
      }
      const dot = key.lastIndexOf(".");
      const attribute = ATTRIBUTES[key.slice(dot + 1)];
      if (dot > 0 && attribute !== undefined) {
        const element = slots.get(key.slice(0, dot));
        if (element !== undefined) setSlotAttribute(element, attribute, text);
      } else {
        const element = slots.get(key);
        if (element !== undefined && !element.dataset.since) put(element, text);
      }
    }
    // What counts no more has a text of its own: it may have come before the end of counting.
    for (const [key, text] of Object.entries(texts)) {
      if (!key.endsWith(".since") || text) continue;
      const name = key.slice(0, -6);
      const element = slots.get(name);
      if (element !== undefined) put(element, texts[name] ?? "");
    }
  }

  function clear(item, slots, texts) {
    // In a full frame what is not told is not there.
    for (const name of OWN) {
      if (!texts[`@${name}`]) item.removeAttribute(`data-${name}`);
    }
    for (const [slot, element] of slots) {
      for (const [name, attribute] of Object.entries(ATTRIBUTES)) {
        if (!texts[`${slot}.${name}`] && element.hasAttribute(attribute)) {
          setSlotAttribute(element, attribute, "");
        }
      }
      const isText = element.childElementCount === 0 && !texts[`${slot}.offset`];
      if (isText && !texts[slot] && !texts[`${slot}.since`]) put(element, "");
    }
  }

  function setSlotAttribute(element, attribute, text) {
    if (attribute === "href" && text) {
      element.setAttribute("href", `${html.dataset.root}${text}${location.search}`);
      return;
    }
    setAttribute(element, attribute, text);
    if (attribute === "data-since") {
      if (text) {
        counting.add(element);
        count(element, present());
      } else {
        counting.delete(element);
      }
    } else if (attribute === "data-offset") {
      clocks.add(element);
    }
  }

  function setAttribute(element, name, value) {
    if (value === "") element.removeAttribute(name);
    else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }

  // ---- lists ----

  function fillList(name, listing, isFull) {
    const lists = [...document.querySelectorAll(`[data-list="${name}"]`)];
    if (lists.length === 0) return;
    const known = new Map();
    for (const list of lists) {
      for (const item of list.children) known.set(item.dataset.item, item);
    }
    const template = document.querySelector(`template[data-of="${name}"]`);
    for (const [id, texts] of Object.entries(listing.items ?? {})) {
      let item = known.get(id);
      if (item === undefined) {
        item = template.content.firstElementChild.cloneNode(true);
        item.dataset.item = id;
        known.set(id, item);
      }
      fill(item, texts, false, isFull);
    }
    if (listing.order) for (const list of lists) arrange(list, listing.order, known);
  }

  function arrange(list, order, known) {
    const focused = list.contains(document.activeElement) ? document.activeElement : null;
    const prefix = list.dataset.kind ? `${list.dataset.kind}:` : "";
    const wanted = order.filter((id) => id.startsWith(prefix) && known.has(id));
    const stays = new Set(wanted);
    for (const item of [...list.children]) {
      if (stays.has(item.dataset.item)) continue;
      for (const element of item.querySelectorAll("[data-since]")) counting.delete(element);
      items.delete(item);
      item.remove();
    }
    let place = list.firstElementChild;
    for (const id of wanted) {
      const item = known.get(id);
      if (place !== null && place !== item && place.nextElementSibling === item) {
        // One that sinks is moved by itself, not all others past it.
        const sinks = place;
        place = item;
        list.append(sinks);
      }
      if (place === item) place = item.nextElementSibling;
      else list.insertBefore(item, place);
    }
    if (focused?.isConnected && document.activeElement !== focused) {
      focused.focus({ preventScroll: true });
    }
  }

  // ---- frames ----

  function show(frame) {
    heard = here();
    retryIn = FIRST_RETRY_S;
    if (frame.reload && reloaded(frame.reload)) return;
    setTime(frame.now);
    setLost(false);
    if (frame.board) fill(document.body, frame.board, true, frame.full);
    if (frame.rows) fillList("rows", frame.rows, frame.full);
    if (frame.alerts) {
      fillList("alerts", frame.alerts, frame.full);
      tellNews();
    }
    if (frame.rows || frame.alerts) layOut();
    if (frame.full) html.dataset.live = "1";
  }

  function reloaded(version) {
    if (version === html.dataset.version) return false;
    try {
      if (sessionStorage.getItem("callmon.version") === version) return false;
      sessionStorage.setItem("callmon.version", version);
    } catch {
      return false; // it could go on for ever
    }
    location.reload();
    return true;
  }

  // ---- the connection ----

  let source = null;
  let retryIn = FIRST_RETRY_S;
  let retry = null;

  function address() {
    const query = new URLSearchParams(location.search);
    query.set("lang", html.lang);
    query.delete("subject");
    if (html.dataset.subject) query.set("subject", html.dataset.subject);
    return `${html.dataset.root}events?${query}`;
  }

  function connect() {
    retry = null;
    source?.close();
    source = new EventSource(address());
    source.addEventListener("frame", (event) => show(JSON.parse(event.data)));
    // The browser gives up for ever after a 503: every try is one of ours.
    source.addEventListener("error", again);
    tried = here();
  }

  let tried = 0;

  function again() {
    source?.close();
    source = null;
    if (retry !== null) return;
    const seconds = retryIn * (0.75 + Math.random() / 2); // not all pages at the same moment
    retry = setTimeout(connect, seconds * 1000);
    retryIn = Math.min(retryIn * 2, LAST_RETRY_S);
  }

  function watchConnection() {
    const silent = here() - heard;
    if (silent > SILENCE_S) setLost(true);
    if (source !== null && Math.min(silent, here() - tried) > SILENCE_S) again();
    if (!lost) return;
    const at = clocks.size
      ? clockText(base + heard, Number([...clocks][0].dataset.offset))
      : "";
    const text = document.body.dataset.textLost;
    const banner = document.getElementById("lost");
    put(banner, text.replace("{at}", at).replace("{age}", ageText(silent)));
  }

  function setLost(isLost) {
    if (lost === isLost) return;
    lost = isLost;
    html.toggleAttribute("data-lost", isLost);
    if (isLost) delete html.dataset.live;
    document.getElementById("lost").hidden = !isLost;
    // The waits of the picture that stays are those of its time.
    const then = isLost ? base + heard : present();
    for (const element of counting) count(element, then);
  }

  // ---- news: a critical alert that was not there before ----

  let criticals = null;

  function criticalItems() {
    const found = new Map();
    for (const item of document.querySelectorAll('[data-list="alerts"] > [data-level="critical"]')) {
      found.set(item.dataset.item, item);
    }
    return found;
  }

  function tellNews() {
    const found = criticalItems();
    const fresh = [...found].filter(([id]) => !criticals.has(id));
    criticals = new Set(found.keys());
    if (fresh.length === 0) return;
    const text = (item, slot) =>
      item.querySelector(`[data-slot="${slot}"]`)?.textContent || document.title;
    const subjectOf = (item) =>
      html.dataset.subject?.replace(/^[^:]*:/, "") ?? text(item, "subject");
    const sentences = fresh.slice(0, 3).map(([, item]) =>
      document.body.dataset.textNews
        .replace("{subject}", `\u2068${subjectOf(item)}\u2069`)
        .replace("{measure}", text(item, "measure"))
        .replace("{limit}", text(item, "limit")),
    );
    put(document.getElementById("news"), sentences.join(". "));
    turnTo(0);
    if (on.sound) beep();
    if (on.flash) flash();
  }

  let audio = null;

  function wakeAudio() {
    audio ??= new AudioContext();
    return audio.state === "running" ? Promise.resolve() : audio.resume();
  }

  function beep() {
    // A promise that is never kept while the browser waits for a gesture.
    wakeAudio().then(() => {
      const begin = audio.currentTime + 0.05;
      [880, 1175, 880].forEach((frequency, place) => {
        const tone = audio.createOscillator();
        const volume = audio.createGain();
        const at = begin + place * 0.28;
        tone.frequency.value = frequency;
        volume.gain.setValueAtTime(0, at);
        volume.gain.linearRampToValueAtTime(0.35, at + 0.02);
        volume.gain.setValueAtTime(0.35, at + 0.2);
        volume.gain.linearRampToValueAtTime(0, at + 0.26);
        tone.connect(volume).connect(audio.destination);
        tone.start(at);
        tone.stop(at + 0.28);
      });
      hintAtSound();
    });
    hintAtSound();
  }

  function hintAtSound() {
    const blocked = on.sound && audio !== null && audio.state !== "running";
    const hint = document.getElementById("sound-hint");
    put(hint, blocked ? document.body.dataset.textBlocked : "");
  }

  let flashing = null;

  function flash() {
    clearTimeout(flashing);
    html.toggleAttribute("data-flash", true);
    flashing = setTimeout(() => html.removeAttribute("data-flash"), FLASH_S * 1000);
  }

  // ---- TV mode: pages of what does not fit on the screen ----

  let page = 0;
  let turnedAt = 0;
  let pages = 1;

  function layOut() {
    if (!html.hasAttribute("data-tv")) return;
    const list = document.querySelector('[data-list="rows"][data-kind="queue"]');
    if (list === null) return;
    const rows = [...list.children];
    const gap = parseFloat(getComputedStyle(list).rowGap) || 0;
    const least = rows.length ? parseFloat(getComputedStyle(rows[0]).minHeight) || 1 : 1;
    const fit = Math.max(Math.floor((list.clientHeight + gap + 1) / (least + gap)), 1);
    pages = Math.max(Math.ceil(rows.length / fit), 1);
    page = Math.min(page, pages - 1);
    rows.forEach((row, place) => {
      row.toggleAttribute("data-off", Math.floor(place / fit) !== page);
    });
    const text = document.body.dataset.textPage;
    const shown = text.replace("{page}", page + 1).replace("{pages}", pages);
    put(document.getElementById("page-turn"), pages > 1 ? shown : "");
  }

  function turnTo(number) {
    page = number;
    turnedAt = here();
    layOut();
  }

  function turnInTime() {
    if (pages > 1 && here() - turnedAt >= PAGE_S) turnTo((page + 1) % pages);
  }

  // ---- controls ----

  function setParameter(name, value) {
    const query = new URLSearchParams(location.search);
    if (value) query.set(name, value);
    else query.delete(name);
    history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}`);
  }

  function watchControls() {
    for (const link of document.querySelectorAll("a[data-keep]")) {
      const { keep: name, value } = link.dataset;
      if (name === "theme") {
        setAttribute(link, "aria-current", value === (html.dataset.theme ?? "") ? "true" : "");
      }
      link.addEventListener("click", () => keep(name, value));
    }
    for (const button of document.querySelectorAll("button[data-switch]")) {
      const name = button.dataset.switch;
      const draw = () => button.setAttribute("aria-pressed", String(on[name]));
      draw();
      button.addEventListener("click", () => {
        on[name] = !on[name];
        keep(name, on[name] ? "1" : "");
        setParameter(name, on[name] ? "1" : "");
        draw();
        if (name === "sound" && on.sound) beep();
        if (name === "flash" && on.flash) flash();
        hintAtSound();
      });
    }
    document.getElementById("test-sound").addEventListener("click", beep);
    for (const kind of ["pointerdown", "keydown"]) {
      document.addEventListener(kind, () => on.sound && wakeAudio().then(hintAtSound));
    }
  }

  function lookAgain() {
    // No frame tells of what is not known yet; while callmon is away the page stays.
    fetch(location.href).then((answer) => answer.ok && location.reload(), () => {});
  }

  function start() {
    html.toggleAttribute("data-script", true);
    slotsOf(document.body, true);
    for (const item of document.querySelectorAll("[data-item]")) {
      if (item.closest("template") === null) slotsOf(item, false);
    }
    criticals = new Set(criticalItems().keys());
    watchControls();
    layOut();
    addEventListener("resize", layOut);
    addEventListener("pagehide", () => source?.close());
    addEventListener("pageshow", (event) => event.persisted && connect());
    if (document.body.classList.contains("unknown")) {
      setInterval(lookAgain, UNKNOWN_S * 1000);
      return;
    }
    turnedAt = here();
    tick();
    connect();
  }
})();
