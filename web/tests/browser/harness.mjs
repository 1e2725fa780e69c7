// A real browser in front of a real server. A Watch stands beside every page and notes what must never happen: a
// violation of the content security policy or of Trusted Types, an error in the console, an uncaught exception, a
// request to another host, a script that came from data (it would call `__ran`).
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

export const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };
const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const STEP_MS = 15_000;

export async function launch() {
  const executablePath = process.env.CHROMIUM ?? CHROMIUM.find((path) => existsSync(path));
  if (!executablePath) throw new Error(`no Chromium at ${CHROMIUM.join(", ")}; name one with CHROMIUM=`);
  // Root may not use Chromium's sandbox; everybody else does.
  return chromium.launch({ executablePath, chromiumSandbox: process.getuid?.() !== 0, args: ["--disable-gpu", "--force-color-profile=srgb"] });
}

/** What went wrong on the pages of one context. */
export class Watch {
  constructor(origin) {
    this.origin = origin;
    this.violations = [];
    this.errors = [];
    this.ran = [];
    this.foreign = [];
    /** Answers that a scenario provokes on purpose, as parts of the console's text. */
    this.expected = [];
  }
  async attach(context) {
    await context.exposeBinding("__note", ({ page }, kind, text) => this[kind]?.push(`${new URL(page.url()).pathname}: ${text}`));
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (e) =>
        window.__note("violations", `${e.effectiveDirective} ${e.blockedURI} ${e.sample} ${e.sourceFile}:${e.lineNumber}`),
      );
      window.__ran = (from) => window.__note("ran", String(from));
      window.alert = window.__ran;
    });
    context.on("page", (page) => this.follow(page));
  }
  follow(page) {
    page.on("console", (message) => {
      if (message.type() !== "error") return;
      const text = message.text();
      if (/Content Security Policy|TrustedHTML|TrustedScript/.test(text)) this.violations.push(text);
      else if (!this.expected.some((part) => text.includes(part))) this.errors.push(`${text} (${message.location().url})`);
    });
    page.on("pageerror", (error) => this.errors.push(String(error.stack ?? error)));
    underWay.set(page, new Set());
    page.on("requestfinished", (request) => underWay.get(page).delete(request));
    page.on("requestfailed", (request) => underWay.get(page).delete(request));
    page.on("request", (request) => {
      const url = request.url();
      underWay.get(page).add(request);
      if (!url.startsWith(`${this.origin}/`) && !/^(data|blob):/.test(url)) this.foreign.push(url);
    });
  }
  /** Throws with everything that was noted. */
  assertClean() {
    const all = [
      ...this.violations.map((t) => `policy violated: ${t}`),
      ...this.ran.map((t) => `a script from data ran: ${t}`),
      ...this.foreign.map((t) => `request to another host: ${t}`),
      ...this.errors.map((t) => `console: ${t}`),
    ];
    if (all.length > 0) throw new Error([...new Set(all)].slice(0, 20).join("\n"));
  }
}

/** One browser, one server: contexts that are signed in, and the server's API as the signed-in person sees it. */
export class Bench {
  constructor(browser, settings) {
    this.browser = browser;
    this.settings = settings;
    this.origin = new URL(settings.url).origin;
    this.cookies = null;
    /** The page opened last: the one to look at when a scenario fails. */
    this.last = null;
  }

  /** Signs in once through the API; contexts made afterwards carry the cookie. */
  async signIn() {
    if (this.cookies) return;
    const { email, password } = this.settings;
    const context = await this.browser.newContext();
    const answer = await context.request.post(`${this.origin}/api/telltale/v1/auth/login`, {
      data: { email, password },
      headers: { "X-Telltale": "1", Origin: this.origin },
    });
    if (!answer.ok()) throw new Error(`signing in: ${answer.status()} ${await answer.text()}`);
    this.cookies = (await context.storageState()).cookies;
    await context.close();
  }

  /** Signs in on the page itself, for a session that no other scenario shares. */
  async signInPage(page) {
    const { email, password } = this.settings;
    const answer = await page.request.post("/api/telltale/v1/auth/login", { data: { email, password }, headers: { "X-Telltale": "1", Origin: this.origin } });
    if (!answer.ok()) throw new Error(`signing in: ${answer.status()} ${await answer.text()}`);
  }

  /** options: {viewport, theme, signedIn, bypassCSP, reducedMotion}. Gives {context, page, watch}. */
  async open({ viewport = DESKTOP, theme = "light", signedIn = true, ...more } = {}) {
    if (signedIn) await this.signIn();
    const context = await this.browser.newContext({
      viewport,
      colorScheme: theme,
      baseURL: this.origin,
      timezoneId: "UTC",
      locale: "en-GB",
      permissions: ["clipboard-read", "clipboard-write"],
      ...(viewport === PHONE ? { hasTouch: true, isMobile: true } : {}),
      ...(signedIn ? { storageState: { cookies: this.cookies, origins: [] } } : {}),
      ...more,
    });
    context.setDefaultTimeout(STEP_MS);
    const watch = new Watch(this.origin);
    await watch.attach(context);
    const page = await context.newPage();
    this.last = page;
    return { context, page, watch };
  }
}

/** Requests under way on a page; those of a long poll or of the live tail are none of them. */
const underWay = new WeakMap();

/** Until what the page fetches is shown: nothing under way, no skeleton, and two frames painted after that. */
export async function settled(page, timeout = STEP_MS) {
  const end = Date.now() + timeout;
  let quiet = 0;
  while (quiet < 2) {
    const state = await page.evaluate(
      () =>
        new Promise((done) =>
          requestAnimationFrame(() =>
            requestAnimationFrame(() => done(!document.querySelector("main") ? "no main" : (document.querySelector(".page:not(.kit) .skeleton, [aria-busy=true]")?.outerHTML.slice(0, 120) ?? ""))),
          ),
        ),
    );
    // Events of requests that a document makes in its first moments get lost now and then; the page itself knows.
    const ended = new Set(await page.evaluate(() => performance.getEntriesByType("resource").filter((e) => e.responseEnd > 0).map((e) => e.name)));
    const busy = [...(underWay.get(page) ?? [])].filter((request) => !ended.has(request.url())).map((request) => `${request.method()} ${request.url()}`);
    quiet = state === "" && busy.length === 0 ? quiet + 1 : 0;
    if (Date.now() > end) throw new Error(`${page.url()} does not settle within ${timeout} ms: ${state || `under way: ${busy.join(", ")}`}`);
  }
}

export function expect(condition, message) {
  if (!condition) throw new Error(typeof message === "function" ? message() : message);
}

/** Calls `probe` until it answers something true, and returns that. */
export async function until(probe, what, timeout = STEP_MS) {
  const end = Date.now() + timeout;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > end) throw new Error(`timed out after ${timeout} ms: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}
