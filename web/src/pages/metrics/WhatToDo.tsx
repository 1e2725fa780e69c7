// In plain words what can be done about many series, with the relabelling to copy.
import { HereLink } from "../../app/Link";
import { CodeBlock } from "../../kit";
import { dropLabelYaml, dropMetricYaml, type TsdbStatus, worstLabel } from "../../lib/cardinality";

export function WhatToDo({ status, metric, label }: { status: TsdbStatus; metric: string; label: string }) {
  const worst = worstLabel(status);
  const of = label || worst?.label || "";
  if (of === "__name__" || (of === "" && metric === "")) return null;
  return (
    <section class="stack" aria-label="What to do">
      <h2 class="section-title">What to do</h2>
      {of !== "" && (
        <>
          <p>
            {!label && worst && (
              <>
                <HereLink class="strong" patch={{ label: worst.label }}>
                  {worst.label}
                </HereLink>{" "}
                {worst.text}.{" "}
              </>
            )}
            If nobody asks by <code>{of}</code>, leave it out where the metric is counted, or remove it as it is scraped. Series that differ in nothing
            else then become one, of which one sample a scrape is kept: look that they do not.
          </p>
          <CodeBlock label="relabelling that removes the label" text={dropLabelYaml(of, metric)} />
        </>
      )}
      {metric !== "" && (
        <>
          <p>
            If nobody needs <code>{metric}</code>, do not store it:
          </p>
          <CodeBlock label="relabelling that drops the metric" text={dropMetricYaml(metric)} />
        </>
      )}
      <p class="faint">
        It belongs to the job in the scrape configuration; for what is pushed by remote write, the same stands under write_relabel_configs at its sender.
        It holds from then on: what was stored stays until it is deleted or too old.
      </p>
    </section>
  );
}
