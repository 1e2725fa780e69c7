// What the server that this UI was built with can do. A UI never offers what its server does not have.
declare const __LOKI_QUERIES__: boolean;

/** LogQL and patterns of lines. */
export const HAS_LOGQL = __LOKI_QUERIES__;
