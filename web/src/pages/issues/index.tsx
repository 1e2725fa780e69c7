import { EmptyState } from "../../kit";

export default function Page() {
  return (
    <div class="page">
      <EmptyState title="This page is being built." />
    </div>
  );
}
