import { type Unit, unitOfMetric } from "../../kit/chart";
import { isRated, metricIn } from "../../lib/promql";

/** What a query's values count, as far as its metric's name says. */
export const unitOf = (expr: string): Unit => (/^\s*histogram_quantile/.test(expr) ? unitOfMetric(metricIn(expr)) : unitOfMetric(metricIn(expr), isRated(expr)));
