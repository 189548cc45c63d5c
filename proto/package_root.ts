/**
 * Where this package is, for what is found by its URL and not by an import.
 *
 * A checkout runs from its TypeScript modules. The published package runs from a
 * bundle of them in `dist/`: this module is then part of a chunk, which lies directly
 * in `dist/`, as deep below the root as this module's own folder. See
 * docs/publishing.md.
 *
 * @module
 */

/** The folder of the checkout or of the package. Its path ends with a slash. */
export const PACKAGE_ROOT: URL = new URL("../", import.meta.url);

const IS_BUNDLED = !import.meta.url.endsWith("/proto/package_root.ts");

/**
 * The URL of a module that is started or imported by its URL. In the package it is an
 * entry of the bundle: see `tools/package/bundle.ts`.
 *
 * @param path its path from the root, without its extension, such as `client/runner`
 * @param _graph an import of it, which is never called: it makes the module part of the
 * caller's graph, so that Deno downloads it with the caller. A module without one is
 * downloaded when it is used
 */
export function packageModule(
  path: string,
  _graph?: () => Promise<unknown>,
): URL {
  return new URL(
    IS_BUNDLED ? `dist/${path}.js` : `${path}.ts`,
    PACKAGE_ROOT,
  );
}
