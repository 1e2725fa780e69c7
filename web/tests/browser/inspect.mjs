// What must hold of every page whatever data it shows: text stays text, links lead where links may lead, and the page
// is as wide as the window.
import { expect } from "./harness.mjs";

/** Answers problems, and the planted fields (`zz-FIELD-zz`) whose text can be read on the page. */
export async function inspect(page) {
  return page.evaluate(() => {
    const problems = [];
    const name = (e) => e.outerHTML.slice(0, 160);
    // The query's editor lives in a shadow root; what holds outside holds in there.
    const roots = [document, ...[...document.querySelectorAll("*")].flatMap((e) => (e.shadowRoot ? [e.shadowRoot] : []))];
    const all = (selector) => roots.flatMap((root) => [...root.querySelectorAll(selector)]);
    for (const e of all("[data-bait]")) problems.push(`text became an element: ${name(e)}`);
    for (const e of all("iframe, object, embed, base, frame, portal, meta[http-equiv]")) problems.push(`has no place here: ${name(e)}`);
    for (const e of all("script")) {
      if (!e.src || new URL(e.src).origin !== location.origin) problems.push(`script from elsewhere: ${name(e)}`);
    }
    for (const e of all("*")) {
      for (const a of e.attributes) {
        if (a.name.startsWith("on")) problems.push(`handler in markup: ${name(e)}`);
        if (!/^(href|src|action|formaction|poster|data|xlink:href|ping|srcset)$/.test(a.name)) continue;
        let url;
        try {
          url = new URL(a.value, location.href);
        } catch {
          problems.push(`link that is none: ${name(e)}`);
          continue;
        }
        if (!["http:", "https:"].includes(url.protocol)) problems.push(`link with ${url.protocol} ${name(e)}`);
        else if (url.origin !== location.origin && (e.tagName !== "A" || !/noopener/.test(e.getAttribute("rel") ?? ""))) problems.push(`leads elsewhere without rel=noopener: ${name(e)}`);
      }
    }
    const wide = document.documentElement.scrollWidth - innerWidth;
    if (wide > 1) problems.push(`the page is ${wide} px wider than the window`);
    const values = [...document.querySelectorAll("input, textarea")].map((e) => e.value).join("\n");
    const hidden = roots.slice(1).map((root) => root.textContent).join("\n");
    const seen = new Set(`${document.body.innerText}\n${values}\n${hidden}`.match(/zz-[a-z_-]+?-zz/g));
    return { problems: [...new Set(problems)].slice(0, 10), seen: [...seen] };
  });
}

/** Opens what is folded: details, expandable buttons, "show more". Nothing that changes data or leaves the page. */
export async function unfold(page) {
  for (let round = 0; round < 3; round++) {
    const opened = await page.evaluate(() => {
      let count = 0;
      for (const d of document.querySelectorAll("main details:not([open]), [role=dialog] details:not([open])")) {
        d.open = true;
        count++;
      }
      const buttons = document.querySelectorAll("main button[aria-expanded=false]:not([aria-haspopup]), main button.frame-folded, [role=dialog] button[aria-expanded=false]:not([aria-haspopup])");
      for (const b of [...buttons].slice(0, 20)) {
        if (b.disabled) continue;
        b.click();
        count++;
      }
      return count;
    });
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    if (opened === 0) break;
  }
}

export async function assertSound(page, where) {
  const { problems, seen } = await inspect(page);
  expect(problems.length === 0, () => `${where}:\n  ${problems.join("\n  ")}`);
  return seen;
}
