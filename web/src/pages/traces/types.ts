import type { components } from "../../lib/api-schema";

export type TraceSummary = components["schemas"]["TraceSummary"];
