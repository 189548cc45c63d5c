/** The clients of the bench, in both languages. */

import { lacksPython } from "../../helpers/python_programs.ts";
import { NotHere } from "../harness/subject.ts";

/** The language of a client's module. */
export type Language = "TypeScript" | "Python";

/** Returns the module of `programs/` in a language, or why it cannot run here. */
export async function clientModule(
  name: string,
  language: Language = "TypeScript",
): Promise<URL | NotHere> {
  const at = (ending: string): URL =>
    new URL(`../programs/${name}.${ending}`, import.meta.url);
  if (language === "TypeScript") return at("ts");
  const lacking = await lacksPython();
  return lacking === undefined ? at("py") : new NotHere(lacking);
}
