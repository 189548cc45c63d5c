/**
 * Options and operands of commands, and what a command line gives for them.
 *
 * @module
 */

/** A value that an option takes. */
export interface OptionValue<T> {
  /** What stands for it in the help, such as N. */
  readonly label: string;
  /** What it is of, where these are all. */
  readonly choices?: readonly string[];
  /** The value that `text` is. Throws ValueError or BridgeError where it is none. */
  read(text: string): T;
}

/** An option: a flag, or with a value. */
export interface Option<T> {
  /** Its name, without the dashes. */
  readonly name: string;
  /** Its name in one letter. */
  readonly short?: string;
  /** `undefined`: it is a flag. */
  readonly value?: OptionValue<T>;
  /** What it does, in a few words. */
  readonly meaning: string;
}

/** An argument that is no option. */
export interface Operand {
  /** What stands for it in the help, such as RUNTIME. */
  readonly label: string;
  readonly meaning: string;
  /** What it is of, where these are all. */
  readonly choices?: readonly string[];
  /** Whether it may be left out, or given several times. One that must be there if not said. */
  readonly count?: "any";
}

/** What is wrong with the value of an option or an operand. */
export class ValueError extends Error {
  override name = "ValueError";
}

/** The arguments that a command was given. */
export class Arguments {
  readonly #values: ReadonlyMap<Option<unknown>, unknown>;
  /** What is no option, in its order. */
  readonly operands: readonly string[];

  /** @param values by the option's own object
   * @param operands what is no option */
  constructor(
    values: ReadonlyMap<Option<unknown>, unknown>,
    operands: readonly string[] = [],
  ) {
    this.#values = values;
    this.operands = operands;
  }

  /** The value of an option, `undefined` where it was not given. */
  get<T>(option: Option<T>): T | undefined {
    return this.#values.get(option) as T | undefined;
  }

  /** Whether a flag was given. */
  has(flag: Option<boolean>): boolean {
    return this.#values.has(flag);
  }
}
