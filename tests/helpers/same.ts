/** `true` where `A` and `B` are the same type, else `false`. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends
  (<T>() => T extends B ? 1 : 2) ? true : false;

/** An assertion that the compiler checks: `same<Same<A, B>>()`. */
export function same<_Is extends true>(): void {}
