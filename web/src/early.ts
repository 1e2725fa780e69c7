// Runs first, and is small: asks for the page's data and its code while the rest of the UI is still on its way. Only
// where the server said that somebody is signed in; everybody else is asked to sign in first.
import { pageLoad } from "./app/loads";
import { apiUrl, herePath } from "./lib/address";
import { firstAsks } from "./lib/first-asks";
import { openedAt, startEarly, toldSession } from "./lib/head-start";

const path = herePath();
if (toldSession !== null) {
  for (const ask of firstAsks(path, new URLSearchParams(location.search), openedAt)) startEarly(apiUrl(ask.path, ask.query));
}
void pageLoad(path)?.().catch(() => {}); // the page itself says so, when it is shown
