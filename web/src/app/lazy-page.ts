// A page whose code is fetched when it is first shown, or before. Unlike preact/compat's lazy(), it is drawn at once
// when its code is there already, so that the first paint can be the page itself.
import { type ComponentType, h } from "preact";

export interface LazyPage<P> {
  page: (props: P) => ReturnType<typeof h>;
  /** Fetches the code; can be tried again after a failure. */
  ready: () => Promise<void>;
}

export function lazyPage<P extends object = object>(load: () => Promise<{ default: ComponentType<P> }>): LazyPage<P> {
  let loaded: ComponentType<P> | null = null;
  let under: Promise<void> | null = null;
  let failure: { error: unknown } | null = null;
  const ready = () =>
    (under ??= load().then(
      (module) => {
        loaded = module.default;
      },
      (error: unknown) => {
        under = null;
        failure = { error };
      },
    ));
  const page = (props: P) => {
    if (loaded) return h(loaded as ComponentType<object>, props);
    if (failure) {
      const { error } = failure;
      failure = null;
      throw error;
    }
    throw ready(); // <Suspense> waits for it
  };
  return { page, ready };
}
