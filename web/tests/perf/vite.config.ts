// Builds the measured page like the real ones, apart from them: nothing of it is shipped.
import { mergeConfig } from "vite";
import shipped from "../../vite.config";

export default mergeConfig(shipped, {
  root: import.meta.dirname,
  base: "/",
  build: { outDir: "../../node_modules/.cache/perf", emptyOutDir: true, manifest: false },
});
