// What the server that this UI was built with can do. A UI never offers what its server does not have.
declare const __LOG_RULES__: boolean;

/** Metrics made of log lines, and alert rules made here instead of in files. */
export const HAS_LOG_RULES = __LOG_RULES__;
