import { lazyPage } from "../../app/lazy-page";

/** Both ways of asking show patterns. */
export const patternsPart = lazyPage(() => import("./Patterns"));
