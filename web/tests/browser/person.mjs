// Two people who use the same page: one with a mouse, one with nothing but a keyboard. A task is written once, in what
// they want (`press` this button, `write` here, `choose` that row); how they get there is theirs. The one with the
// keyboard walks with Tab as the page lets them, or presses the key the page offers, and at every stop the focus must
// be somewhere, visible, and marked.
import { DESKTOP, expect, until } from "./harness.mjs";

const MOST_TABS = 500;

export class MousePerson {
  name = "mouse";
  constructor(page) {
    this.page = page;
  }
  async press(target) {
    await target.first().click();
  }
  async write(target, text) {
    await target.first().click();
    await target.first().fill(text);
  }
  /** An action the page has a key for; with the mouse it is `target`. */
  async act(_keys, target) {
    await this.press(target);
  }
  async open(path, link) {
    await this.press(link);
    await this.page.waitForURL((url) => url.pathname === path);
  }
}

export class KeyboardPerson {
  name = "keyboard";
  constructor(page) {
    this.page = page;
  }
  /** Tab (from where the focus is) until `target` has the focus. */
  async reach(target) {
    const one = target.first();
    await one.waitFor({ state: "visible" });
    const element = await one.elementHandle();
    for (let i = 0; i < MOST_TABS; i++) {
      if (await element.evaluate((e) => e === e.getRootNode().activeElement)) {
        await this.assertFocusSeen();
        return;
      }
      await this.page.keyboard.press("Tab");
    }
    throw new Error(`Tab does not reach ${one}`);
  }
  async assertFocusSeen() {
    const state = await this.page.evaluate(() => {
      const e = document.activeElement;
      if (!e || e === document.body) return "the focus is nowhere";
      const box = e.getBoundingClientRect();
      if (box.width === 0 || box.height === 0) return `${e.outerHTML.slice(0, 120)} has the focus and no size`;
      if (box.bottom < 0 || box.right < 0 || box.top > innerHeight || box.left > innerWidth) return `${e.outerHTML.slice(0, 120)} has the focus outside the window`;
      // Marked on the element itself or on the field around it.
      for (let at = e; at && at !== document.body; at = at.parentElement) {
        const s = getComputedStyle(at);
        const own = at === e || at.matches(":focus-within");
        if (own && ((s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== "none")) return "";
        if (at !== e && at.matches("main, nav, header, dialog")) break;
      }
      const s = getComputedStyle(e);
      return e.matches("input, textarea, select, .cm-content") && s.borderColor ? "" : `nothing marks the focus on ${e.outerHTML.slice(0, 160)}`;
    });
    expect(state === "", state);
  }
  async press(target) {
    await this.reach(target);
    const role = await this.page.evaluate(() => document.activeElement.getAttribute("role") ?? (document.activeElement.matches("input[type=checkbox]") ? "checkbox" : document.activeElement.tagName.toLowerCase()));
    await this.page.keyboard.press(role === "checkbox" || role === "tab" ? "Space" : "Enter");
  }
  async write(target, text) {
    await this.reach(target);
    await this.page.keyboard.press("Control+a");
    await this.page.keyboard.type(text);
  }
  async act(keys, _target) {
    await this.keys(keys);
  }
  async keys(keys) {
    for (const key of keys.split(" ")) await this.page.keyboard.press(key);
  }
  async open(path, _link, keys) {
    await this.keys(keys);
    await this.page.waitForURL((url) => url.pathname === path);
  }
}

/** After something was closed: the focus is on an element again, not lost on the page's body. */
export async function assertFocusBack(page, what) {
  await until(() => page.evaluate(() => document.activeElement !== null && document.activeElement !== document.body && document.activeElement.isConnected), `the focus comes back after closing ${what}`, 2000);
}

function task(name, run, Person) {
  return {
    name: `${name}, by ${Person === MousePerson ? "mouse" : "keyboard"}`,
    run: async (bench) => {
      const { context, page, watch } = await bench.open({ viewport: DESKTOP, acceptDownloads: true });
      await run({ page, watch, person: new Person(page), origin: bench.origin, settings: bench.settings, data: bench.settings.data });
      watch.assertClean();
      await context.close();
    },
  };
}

/** Each task of {name: run({page, watch, person, origin, settings, data})} as two scenarios of stockapp's data. */
export const byMouseAndKeyboard = (tasks) => Object.entries(tasks).flatMap(([name, run]) => [task(name, run, MousePerson), task(name, run, KeyboardPerson)]);
