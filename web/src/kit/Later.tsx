// What stands beside a page's main thing is drawn a moment after it, so that the main thing is seen sooner.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";

export function Later({ children, meanwhile = null }: { children: () => ComponentChildren; meanwhile?: ComponentChildren }) {
  const [now, setNow] = useState(false);
  useEffect(() => {
    let timer = 0;
    const frame = requestAnimationFrame(() => (timer = window.setTimeout(() => setNow(true))));
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, []);
  return <>{now ? children() : meanwhile}</>;
}
