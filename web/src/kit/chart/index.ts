// Charts, for pages: `import { Chart } from "../../kit/chart"`. Not part of kit/index: what paints is a chunk of its own.
export * from "./Chart";
export * from "./prepare";
export * from "./summary";
export * from "./units";
export { faded, paint, themeTurn } from "./theme";
export type { Threshold } from "./plot";
