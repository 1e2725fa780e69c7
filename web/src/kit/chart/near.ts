// One observer for all charts: tells each once, when it comes near the window.
const waiting = new Map<Element, () => void>();
let observer: IntersectionObserver | null = null;

export function whenNear(element: Element, then: () => void): () => void {
  observer ??= new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        const run = waiting.get(entry.target);
        forget(entry.target);
        run?.();
      }
    },
    { rootMargin: "240px" },
  );
  waiting.set(element, then);
  observer.observe(element);
  return () => forget(element);
}
function forget(element: Element): void {
  waiting.delete(element);
  observer?.unobserve(element);
}
