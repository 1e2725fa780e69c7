// Whether the server this UI is built with has a part of the API, by its own document.
import { readFileSync } from "node:fs";

const DOCUMENT = readFileSync(new URL("../../../src/api/own/openapi.json", import.meta.url), "utf8");
export const apiHas = (name) => DOCUMENT.includes(`"/api/telltale/v1/${name}"`);
