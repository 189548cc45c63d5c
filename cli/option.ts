/**
 * The options and operands of commands, and their values in a command line.
 *
 * @module
 */

/** The value of an option. */
export interface OptionValue<T> {
  /** The placeholder in the help, such as N. */
  readonly label: string;
  /** All permitted values, if there is a fixed set. */
  readonly choices?: readonly string[];
  /** Parses `text`. Throws ValueError or BridgeError if it is not valid. */
  read(text: string): T;
}

/** An option: a flag, or an option with a value. */
export interface Option<T> {
  /** The name, without the dashes. */
  readonly name: string;
  /** The name of one letter, without the dash. */
  readonly short?: string;
  /** `undefined` for a flag. */
  readonly value?: OptionValue<T>;
  /** What the option does, in a few words. */
  readonly meaning: string;
}

/** An argument that is not an option. */
export interface Operand {
  /** The placeholder in the help, such as RUNTIME. */
  readonly label: string;
  readonly meaning: string;
  /** All permitted values, if there is a fixed set. */
  readonly choices?: readonly string[];
  /** `any`: it may be left out or repeated. By default it is required, once. */
  readonly count?: "any";
}

/** The value of an option is invalid. The message says what is expected. */
export class ValueError extends Error {
  override name = "ValueError";
}

/** The arguments of one command line. */
export class Arguments {
  readonly #values: ReadonlyMap<Option<unknown>, unknown>;
  /** The operands, in order. */
  readonly operands: readonly string[];

  /** @param values the values of the options that were given, by the option's object
   * @param operands the operands, in order */
  constructor(
    values: ReadonlyMap<Option<unknown>, unknown>,
    operands: readonly string[] = [],
  ) {
    this.#values = values;
    this.operands = operands;
  }

  /** The same options with these operands. */
  with(operands: readonly string[]): Arguments {
    return new Arguments(this.#values, operands);
  }

  /** The value of an option; `undefined` if it was not given. */
  get<T>(option: Option<T>): T | undefined {
    return this.#values.get(option) as T | undefined;
  }

  /** Whether a flag was given. */
  has(flag: Option<boolean>): boolean {
    return this.#values.has(flag);
  }
}
