/** A Worker that sends back what it receives. */

/// <reference lib="deno.worker" />

const scope = self as unknown as DedicatedWorkerGlobalScope;
scope.onmessage = ({ data }) => scope.postMessage(data);
