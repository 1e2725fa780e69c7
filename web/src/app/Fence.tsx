// A fault inside a page stays in the page: navigation and the other pages go on.
import { Component, type ComponentChildren } from "preact";
import { Button } from "../kit/Button";
import { ErrorNotice } from "../kit/Notice";

export class Fence extends Component<{ children: ComponentChildren }, { error: unknown }> {
  override state = { error: null as unknown };

  override componentDidCatch(error: unknown) {
    this.setState({ error });
  }
  override render() {
    if (this.state.error === null) return this.props.children;
    return (
      <div class="page page-narrow">
        <ErrorNotice error={this.state.error} />
        <div class="row">
          <Button onClick={() => this.setState({ error: null })}>Show the page again</Button>
          <Button kind="quiet" onClick={() => location.reload()}>
            Reload
          </Button>
        </div>
      </div>
    );
  }
}
