/**
 * A Worker that has detached a buffer, and finds the edges of as many pictures as it
 * is told. Posts "ready"; then how long the pictures took, in milliseconds.
 */

/// <reference lib="deno.worker" />

import { Filtering } from "../peers/filtering.ts";

const scope = self as unknown as DedicatedWorkerGlobalScope;
const filtering = new Filtering();
new ArrayBuffer(1).transfer();
scope.onmessage = ({ data }) => scope.postMessage(filtering.run(data));
scope.postMessage("ready");
